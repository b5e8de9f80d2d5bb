"""A project with a home for a host, and what the person has set up there: the provider, which is a scripted model on
loopback, and trust of the folder, written as the host itself writes it."""

import json
import os
import pathlib
import subprocess


class Home:
    """A project, and a home of its own for a host, in which `work` is on the PATH."""

    def __init__(self, project: pathlib.Path, name: str, work: str) -> None:
        self.project = project
        self.folder = project.parent / f"home-{name}"
        self.programs = project.parent / f"programs-{name}"
        # What the host needs besides.
        self.variables: dict[str, str] = {}
        for folder in (self.folder, self.programs):
            folder.mkdir(exist_ok=True)
        (self.programs / "work").unlink(missing_ok=True)
        (self.programs / "work").symlink_to(work)

    def environment(self) -> dict[str, str]:
        # OpenCode takes its folder from PWD.
        return {"PATH": f"{self.programs}:{os.environ['PATH']}", "HOME": str(self.folder), "PWD": str(self.project),
                "TERM": "dumb", **self.variables}

    def start(self, *command: str, folder: pathlib.Path) -> subprocess.Popen[str]:
        return subprocess.Popen(command, cwd=folder, env={**self.environment(), "PWD": str(folder)}, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=self.project, env=self.environment(), capture_output=True, text=True, timeout=110,
                              stdin=subprocess.DEVNULL)


def opencode_provider(port: int) -> dict:
    """The part of OpenCode's configuration that names the model."""
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "Scripted",
        "options": {"baseURL": f"http://127.0.0.1:{port}/v1", "apiKey": "none"},
        "models": {"m": {"name": "m", "tool_call": True, "limit": {"context": 100000, "output": 10000}}},
    }
    return {"model": "scripted/m", "small_model": "scripted/m", "autoupdate": False, "share": "disabled",
            "provider": {"scripted": provider}}


def set_up_claude(home: Home, port: int) -> None:
    (home.folder / ".claude.json").write_text(json.dumps({"projects": {str(home.project): {"hasTrustDialogAccepted": True}}}))
    home.variables = {
        "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{port}", "ANTHROPIC_API_KEY": "none",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1",
        # Else a refusal is asked again for minutes.
        "CLAUDE_CODE_MAX_RETRIES": "0",
    }


def set_up_codex(home: Home, port: int) -> None:
    own = home.folder / ".codex"
    own.mkdir(exist_ok=True)
    home.variables = {"SCRIPTED_KEY": "none", "CODEX_HOME": str(own)}
    (own / "config.toml").write_text(f"""
model = "gpt-5.5"
model_provider = "scripted"

[model_providers.scripted]
name = "scripted"
base_url = "http://127.0.0.1:{port}/v1"
wire_api = "responses"
env_key = "SCRIPTED_KEY"
request_max_retries = 0
stream_max_retries = 0

[projects."{home.project}"]
trust_level = "trusted"
""")


def trust_hooks_in_codex(home: Home, program: str) -> None:
    """Does what the person does who trusts the hooks of the folder."""
    server = subprocess.Popen([program, "app-server"], cwd=home.project, env=home.environment(), text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    last = 0

    def ask(method: str, parameters: dict) -> dict:
        nonlocal last
        last += 1
        server.stdin.write(json.dumps({"id": last, "method": method, "params": parameters}) + "\n")
        server.stdin.flush()
        while True:
            answer = json.loads(server.stdout.readline())
            if answer.get("id") == last:
                return answer["result"]

    client = {"name": "test", "title": "test", "version": "1"}
    ask("initialize", {"clientInfo": client, "capabilities": {"experimentalApi": True}})
    server.stdin.write('{"method": "initialized"}\n')
    hooks = ask("hooks/list", {"cwds": [str(home.project)]})["data"][0]["hooks"]
    assert len(hooks) == 2, hooks
    trusted = {hook["key"]: {"trusted_hash": hook["currentHash"]} for hook in hooks}
    edit = {"keyPath": "hooks.state", "value": trusted, "mergeStrategy": "upsert"}
    ask("config/batchWrite", {"edits": [edit], "reloadUserConfig": True})
    server.terminate()
    server.wait(10)
