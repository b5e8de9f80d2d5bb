"""Hosts, the real programs, each set up by `work init` or by a plugin alone, with a scripted model on loopback.

The model plays a planner that executes a whole batch with the host's own subagents: it launches three of them at once,
carries out a retry and a reassignment, and then tries to pass the gates in `gates.json`. A worker that ends without a
report is held by the hook, where the host has one for that, and reports. The person's part, trust of the folder, is
written as the host itself writes it.
"""

import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

from homes import Home, set_up_claude, set_up_codex, trust_hooks_in_codex
from scripted import Call, Player, Request, Script, Steps, json_in, serve

# BUNDLES: the folder that `cargo run --example bundles` has written, for a host with a plugin.
WORK, NAME, PROGRAM, FOLDER, *BUNDLES = sys.argv[1:]
PROJECT = pathlib.Path(FOLDER)
HOME = Home(PROJECT, NAME, WORK)
AGENTS = ("default", "system-engineer-codex", "system-engineer-opus")

# How the model knows a worker, of which thread and attempt.
WORKER = re.compile(r"WORKER of (\S+), attempt (\d+)\.")

# What workers report at last, by thread and attempt.
ENDS = {
    ("01.01.01", 1): {"status": "completed", "report": "It works.", "artifacts": ["src/a.rs"]},
    ("01.01.02", 1): {"status": "failed", "report": "timeout", "transient": True},
    ("01.01.02", 2): {"status": "failed", "report": "timeout again", "transient": True},
    ("01.01.02", 3): {"status": "completed", "report": "It works now.", "next_steps": ["find out why it failed"]},
    ("01.01.03", 1): {"status": "completed", "report": "It works after all."},
}
SILENT = "01.01.03"
NOTHING = "I have nothing to say."
OUTCOMES = [
    ("01.01.01", "completed", "It works.", "system-engineer-codex", False),
    ("01.01.02", "completed", "It works now.", "system-engineer-opus", True),
    (SILENT, "completed", "It works after all.", "default", False),
]


class Host:
    """What differs from host to host, for the model."""

    prefix = "mcp__work__"
    shell = "Bash"
    # The variable of the shell's command.
    command = "command"
    holds = True
    prompt = "/execute-next-batch"

    def set_up(self) -> None:
        """Does what the person does who sets the project up."""
        done = HOME.run("work", "init", f"--{NAME}")
        assert done.returncode == 0 and "warning" not in done.stdout, done

    def work(self, tool: str, **arguments: object) -> Call:
        return f"{self.prefix}{tool}", arguments

    def launch(self, workers: list[tuple[str, int, str]]) -> Script:
        """Launches a worker for each thread, attempt and agent, all at once, and waits until all have ended."""
        yield [self.subagent(thread, f"WORKER of {thread}, attempt {attempt}.", agent) for thread, attempt, agent in workers]

    def subagent(self, thread: str, prompt: str, agent: str) -> Call:
        raise NotImplementedError

    def trust(self, port: int) -> None:
        """Writes what the host writes when the person trusts the folder."""

    def arguments(self) -> list[str]:
        raise NotImplementedError


class Claude(Host):
    def subagent(self, thread: str, prompt: str, agent: str) -> Call:
        return "Agent", {"description": thread, "subagent_type": agent, "prompt": prompt, "run_in_background": False}

    def trust(self, port: int) -> None:
        set_up_claude(HOME, port)

    def arguments(self) -> list[str]:
        # Bash is let through, so that it is the hook that refuses.
        return ["-p", self.prompt, "--allowedTools", "Bash"]


class ClaudePlugin(Claude):
    """The plugin alone, in a project that has only `work/`."""

    prefix = "mcp__plugin_work_work__"
    prompt = "/work:execute-next-batch"

    def set_up(self) -> None:
        for command in (
            ["plugin", "validate", "--strict", BUNDLES[0]],
            ["plugin", "validate", "--strict", f"{BUNDLES[0]}/claude-code"],
            ["plugin", "marketplace", "add", BUNDLES[0]],
            ["plugin", "install", "work@workstream-mcp"],
        ):
            done = HOME.run(PROGRAM, *command)
            assert done.returncode == 0, (command, done)

    def subagent(self, thread: str, prompt: str, agent: str) -> Call:
        return super().subagent(thread, prompt, f"work:{agent}")


class Copilot(Host):
    prefix = "work-"
    shell = "bash"
    # A skill is no command in the mode for scripts.
    prompt = "Execute the next batch."

    def subagent(self, thread: str, prompt: str, agent: str) -> Call:
        name = "t" + thread.replace(".", "")
        return "task", {"agent_type": agent, "prompt": prompt, "description": thread, "name": name, "mode": "sync"}

    def trust(self, port: int) -> None:
        HOME.variables = {
            "COPILOT_OFFLINE": "true", "COPILOT_AUTO_UPDATE": "false", "COPILOT_PROVIDER_TYPE": "anthropic",
            "COPILOT_PROVIDER_BASE_URL": f"http://127.0.0.1:{port}", "COPILOT_PROVIDER_API_KEY": "none",
            "COPILOT_MODEL": "claude-sonnet-4",
        }

    def arguments(self) -> list[str]:
        return ["-p", self.prompt, "--trust-folder", "--allow-all-tools"]


class CopilotPlugin(Copilot):
    """The Agent Plugins bundle alone. Its server starts in the folder of the bundle, and Copilot tells no roots."""

    def set_up(self) -> None:
        self.trust(0)
        for command in (["plugin", "marketplace", "add", BUNDLES[0]], ["plugin", "install", "work@workstream-mcp"]):
            done = HOME.run(PROGRAM, *command)
            assert done.returncode == 0, (command, done)

    def trust(self, port: int) -> None:
        super().trust(port)
        HOME.variables["WORK_ROOT"] = str(PROJECT)

    def subagent(self, thread: str, prompt: str, agent: str) -> Call:
        return super().subagent(thread, prompt, f"work:{agent}")


class Gemini(Host):
    prefix = "mcp_work_"
    shell = "run_shell_command"
    holds = False

    def subagent(self, thread: str, prompt: str, agent: str) -> Call:
        return "invoke_agent", {"agent_name": agent, "prompt": prompt}

    def trust(self, port: int) -> None:
        own = HOME.folder / ".gemini"
        (own / "acknowledgments").mkdir(parents=True, exist_ok=True)
        (own / "settings.json").write_text('{"security": {"auth": {"selectedType": "gemini-api-key"}}}')
        (own / "trustedFolders.json").write_text(json.dumps({str(PROJECT): "TRUST_FOLDER"}))
        known = {agent: (PROJECT / f".gemini/agents/{agent}.md").read_bytes() for agent in AGENTS}
        seen = {str(PROJECT): {agent: hashlib.sha256(text).hexdigest() for agent, text in known.items()}}
        (own / "acknowledgments" / "agents.json").write_text(json.dumps(seen))
        HOME.variables = {
            "GEMINI_API_KEY": "none", "GEMINI_CLI_NO_RELAUNCH": "true",
            "GOOGLE_GEMINI_BASE_URL": f"http://127.0.0.1:{port}",
        }

    def arguments(self) -> list[str]:
        return ["-m", "gemini-2.5-flash", "--approval-mode", "yolo", "-p", self.prompt]


class Codex(Host):
    prefix = ""
    shell = "exec_command"
    command = "cmd"
    prompt = "$execute-next-batch"

    def launch(self, workers: list[tuple[str, int, str]]) -> Script:
        launched = yield [self.subagent(thread, f"WORKER of {thread}, attempt {attempt}.", agent) for thread, attempt, agent in workers]
        running = [json_in(text)["agent_id"] for text in launched]
        while running:
            [ended] = yield [("wait_agent", {"targets": running, "timeout_ms": 20_000})]
            running = [agent for agent in running if agent not in json_in(ended)["status"]]

    def subagent(self, thread: str, prompt: str, agent: str) -> Call:
        return "spawn_agent", {"agent_type": agent, "message": prompt}

    def trust(self, port: int) -> None:
        set_up_codex(HOME, port)
        trust_hooks_in_codex(HOME, PROGRAM)

    def arguments(self) -> list[str]:
        return ["exec", self.prompt]


HOSTS = {"claude": Claude, "claude-plugin": ClaudePlugin, "codex": Codex, "copilot": Copilot, "copilot-plugin": CopilotPlugin,
         "gemini": Gemini}
HOST: Host = HOSTS[NAME]()


def planner() -> Script:
    """What the planner's prompt says, and then what it forbids."""
    [answer] = yield [HOST.work("next_batch")]
    batch = json_in(answer)
    [refused] = yield [HOST.work("read_thread", thread_id="09.09.09")]
    assert "error unknown_thread: PLAN.md has no thread 09.09.09" in refused, refused
    launch = [(thread["thread_id"], thread["attempt"], thread["agent"]) for thread in batch["threads"]]
    while launch:
        yield from HOST.launch(launch)
        [answer] = yield [HOST.work("batch_outcome")]
        launch = []
        for decision in json_in(answer)["failover"]:
            thread = decision["thread_id"]
            if decision["action"] == "reassign":
                [assigned] = yield [HOST.work("assign_thread", thread_id=thread)]
                decision = json_in(assigned)
            launch.append((thread, decision["attempt"], decision["agent"]))
    gates = json.loads((pathlib.Path(__file__).parent / "gates.json").read_text())
    told = lambda text: "this would run" in text or "this would change" in text
    for command in gates["refused"]:
        [text] = yield [(HOST.shell, {HOST.command: command, "description": "pass the gate"})]
        assert told(text) or NAME == "codex" and "This is a person's decision" in text, (command, text)
    for command in gates["allowed"]:
        [text] = yield [(HOST.shell, {HOST.command: command, "description": "talk about it"})]
        assert not told(text), (command, text)
    yield "OUTCOMES " + json.dumps(json_in(answer)["outcomes"])


def worker(thread: str, attempt: int) -> Script:
    known = {"thread_id": thread, "attempt": attempt}
    [brief] = yield [HOST.work("read_thread", thread_id=thread)]
    assert f'"{thread}"' in brief, brief
    if NAME == "codex" and thread == "01.01.01":
        [refused] = yield [HOST.work("next_batch")]
        assert "next_batch is a planner's tool" in refused, refused
    yield [HOST.work("update_thread", **known, status="in_progress")]
    if thread == SILENT and HOST.holds:
        yield NOTHING
    yield [HOST.work("update_thread", **known, **ENDS[thread, attempt])]
    yield [("complete_task", {"result": "done"})] if NAME == "gemini" else "done"


def script(who: str) -> Script:
    run = WORKER.match(who)
    return worker(run[1], int(run[2])) if run else planner()


PLAYER = Player(script)


def answer(request: Request) -> Steps:
    if not any(tool.endswith("update_thread") for tool in request.offered):
        return "a title"
    return PLAYER.next(next((run[0] for text in request.users if (run := WORKER.search(text))), "planner"), request)


def main() -> None:
    port = serve(answer)
    subprocess.run(["git", "init", "-q"], cwd=PROJECT, check=True)
    HOST.set_up()
    HOST.trust(port)
    program = [os.environ["node"], PROGRAM] if PROGRAM.endswith(".js") else [PROGRAM]
    executed = HOME.run(*program, *HOST.arguments())
    steps = [(seen["who"], seen["step"]) for seen in PLAYER.seen]
    about = (PLAYER.failed, executed.returncode, executed.stdout[-1500:], executed.stderr[-2500:], steps)
    assert not PLAYER.failed, about
    outcomes = re.search(r"OUTCOMES (\[.*\])", executed.stdout)
    assert outcomes, about
    keys = ("thread_id", "status", "report", "agent_used", "failover_applied")
    assert [tuple(outcome[key] for key in keys) for outcome in json.loads(outcomes[1])] == OUTCOMES, outcomes[1]
    planners = [seen for seen in PLAYER.seen if seen["who"] == "planner"]
    workers = [seen for seen in PLAYER.seen if seen["who"] != "planner"]
    ours = lambda seen: {tool for tool in seen["offered"] if re.search("(next_batch|_thread|batch_outcome|workstream_status)$", tool)}
    assert len(ours(planners[0])) == 6, ("not all tools are in the first request", planners[0]["offered"])
    if not NAME.startswith("copilot"):
        # Copilot shows neither the server's instructions nor its skills as commands in this mode.
        assert "executes a plan batch by batch" in planners[0]["body"], "the server's instructions"
        assert "You are the planner of a workstream, its only one" in planners[0]["body"], "the command"
    for seen in workers:
        assert NAME == "codex" or len(ours(seen)) == 2, seen["offered"]
        assert "You run one thread of a plan." in seen["body"], "the agent's file"
    if HOST.holds:
        held = [seen["body"] for seen in workers if seen["who"].startswith(f"WORKER of {SILENT}")]
        assert "has no report" in held[-1], steps
    together = [step for who, step in steps if who == "planner" and isinstance(step, list) and len(step) == 3]
    assert len(together) == 1, steps


main()
