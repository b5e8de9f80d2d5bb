"""Claude Code and Codex, the real programs, with a scripted model on loopback that executes a batch.

The model calls the tools one after another, in the order of `STEPS`, and ends with the outcomes that it was
shown. Claude Code speaks the Messages API, Codex the Responses API.
"""

import json
import os
import pathlib
import subprocess
import sys

from scripted import message, results, serve, texts

WORK, CLIENT, PROGRAM, FOLDER = sys.argv[1:]
HERE = pathlib.Path(__file__).parent
PROJECT = pathlib.Path(FOLDER)


def report(thread: str, attempt: int, status: str, **more: object) -> tuple[str, dict]:
    return "update_thread", {"thread_id": thread, "attempt": attempt, "status": status, **more}


STEPS = [
    ("next_batch", {}),
    ("read_thread", {"thread_id": "09.09.09"}),
    report("01.01.01", 1, "in_progress"),
    report("01.01.01", 1, "completed", report="It works.", artifacts=["src/a.rs"]),
    report("01.01.02", 1, "failed", report="timeout", transient=True),
    report("01.01.02", 2, "failed", report="timeout again", transient=True),
    ("assign_thread", {"thread_id": "01.01.02"}),
    report("01.01.02", 3, "completed", report="It works now.", next_steps=["find out why it failed"]),
    report("01.01.03", 1, "failed", report="ended without a report"),
    ("batch_outcome", {}),
]
SEEN: list[dict] = []


def next_step(offered: list[str], results: list[str]) -> tuple[str, dict] | str:
    """The next call, by the name under which it is offered, or the last words."""
    if len(results) == len(STEPS):
        # Codex writes a line of its own before what a tool answers.
        answer = json.loads(results[-1][results[-1].index("{"):])
        return "OUTCOMES " + json.dumps(answer["outcomes"], separators=(",", ":"))
    name, arguments = STEPS[len(results)]
    named = next((tool for tool in offered if tool.endswith(name)), None)
    return (named, arguments) if named else f"there is no tool {name} among {offered}"


def messages_api(body: dict) -> list[dict]:
    offered = [tool["name"] for tool in body.get("tools", [])]
    answered = results(body)
    step = next_step(offered, answered) if any("next_batch" in tool for tool in offered) else "a title"
    SEEN.append({"offered": offered, "results": answered, "step": step, "body": json.dumps(body)})
    return message(step, len(SEEN), body.get("model", "m"))


def responses_api(body: dict) -> list[dict]:
    offered = []
    for tool in body.get("tools", []):
        # Codex groups the tools of a server in a namespace.
        inner = tool.get("tools") or []
        offered += [(tool.get("name"), one["name"]) for one in inner] if inner else [(None, tool.get("name", ""))]
    answered = [texts(item.get("output", "")) for item in body.get("input", []) if item.get("type") == "function_call_output"]
    step = next_step([name for _, name in offered], answered)
    SEEN.append({"offered": offered, "results": answered, "step": step, "body": json.dumps(body)})
    identity = f"resp_{len(SEEN)}"
    if isinstance(step, str):
        item: dict = {"type": "message", "id": f"msg_{len(SEEN)}", "role": "assistant", "status": "completed",
                      "content": [{"type": "output_text", "text": step, "annotations": []}]}
    else:
        item = {"type": "function_call", "id": f"fc_{len(SEEN)}", "call_id": f"call_{len(answered)}", "name": step[0],
                "arguments": json.dumps(step[1]), "status": "completed"}
        namespace = next(namespace for namespace, name in offered if name == step[0])
        if namespace:
            item["namespace"] = namespace
    usage = {"input_tokens": 1, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 1,
             "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 2}
    return [
        {"type": "response.created", "response": {"id": identity, "object": "response", "status": "in_progress", "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed",
         "response": {"id": identity, "object": "response", "status": "completed", "output": [item], "usage": usage}},
    ]


def claude(port: int, home: pathlib.Path) -> tuple[list[str], dict]:
    config = PROJECT / "mcp.json"
    config.write_text(json.dumps({"mcpServers": {"work": {"command": WORK, "args": ["mcp"]}}}))
    command = [PROGRAM, "-p", "execute the next batch", "--mcp-config", str(config), "--strict-mcp-config",
               "--allowedTools", "mcp__work", "--output-format", "text"]
    return command, {"ANTHROPIC_BASE_URL": f"http://127.0.0.1:{port}", "ANTHROPIC_API_KEY": "none",
                     "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1"}


def codex(port: int, home: pathlib.Path) -> tuple[list[str], dict]:
    (home / ".codex").mkdir(exist_ok=True)
    (home / ".codex" / "config.toml").write_text(f"""
model = "m"
model_provider = "scripted"
approval_policy = "never"

[model_providers.scripted]
name = "scripted"
base_url = "http://127.0.0.1:{port}/v1"
wire_api = "responses"
env_key = "SCRIPTED_KEY"

[mcp_servers.work]
command = "{WORK}"
args = ["mcp"]
""")
    command = [PROGRAM, "exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", "execute the next batch"]
    return command, {"SCRIPTED_KEY": "none", "CODEX_HOME": str(home / ".codex")}


def main() -> None:
    port = serve({"/messages": messages_api, "/responses": responses_api})
    home = PROJECT.parent / f"home-{CLIENT}"
    home.mkdir(exist_ok=True)
    command, variables = {"claude": claude, "codex": codex}[CLIENT](port, home)
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "TERM": "dumb", **variables}
    run = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=110, stdin=subprocess.DEVNULL)
    last = next((line for line in run.stdout.splitlines() if line.startswith("OUTCOMES ")), None)
    assert last, (run.returncode, run.stdout[-1500:], run.stderr[-2000:], [(seen["step"], seen["results"][-1:]) for seen in SEEN])
    assert json.loads(last.removeprefix("OUTCOMES ")) == json.loads((HERE / "outcomes.json").read_text()), last
    first = next(seen["offered"] for seen in SEEN if any("next_batch" in str(tool) for tool in seen["offered"]))
    for tool in ("next_batch", "assign_thread", "update_thread", "batch_outcome", "read_thread", "workstream_status"):
        assert any(tool in str(offered) for offered in first), (tool, "is not in the first request", first)
    refused = SEEN[-1]["results"][1]
    assert "error unknown_thread: PLAN.md has no thread 09.09.09" in refused, refused
    assert any("executes a plan batch by batch" in seen["body"] for seen in SEEN), "the instructions reach the model"


main()
