"""Claude Code, the real program, with the two hooks of `work`, and a scripted model on loopback.

The model's shell tries to pass a gate through a variable, then only talks about it. Its subagent starts a thread
and ends without a report: the hook holds it once, and it reports.
"""

import json
import os
import pathlib
import subprocess
import sys

from scripted import message, results, serve, texts

WORK, PROGRAM, FOLDER = sys.argv[1:]
PROJECT = pathlib.Path(FOLDER)
START = {"thread_id": "01.01.01", "attempt": 1, "status": "in_progress"}
PLANNER = [
    ("mcp__work__next_batch", {}),
    ("Bash", {"command": "W=work; $W approve plan --force", "description": "pass the gate"}),
    ("Bash", {"command": "echo 'then the person runs: work approve plan'", "description": "talk about it"}),
    ("Agent", {"description": "thread", "subagent_type": "general-purpose", "prompt": "WORKER", "run_in_background": False}),
    ("mcp__work__batch_outcome", {}),
]
SEEN: list[dict] = []


def worker(results: int, body: str) -> tuple[str, dict] | str:
    if results == 0:
        return "mcp__work__update_thread", START
    if "has no report" not in body:
        return "I have nothing to say."
    return ("mcp__work__update_thread", {**START, "status": "completed", "report": "It works."}) if results == 1 else "done"


def messages_api(body: dict) -> list[dict]:
    answered = results(body)
    if not body.get("tools"):
        step: tuple[str, dict] | str = "a title"
    elif "WORKER" in texts(body["messages"][0]["content"]):
        step = worker(len(answered), json.dumps(body["messages"]))
        SEEN.append({"worker": True, "step": step})
    else:
        step = PLANNER[len(answered)] if len(answered) < len(PLANNER) else "OUTCOMES " + answered[-1]
        SEEN.append({"worker": False, "step": step, "results": answered})
    return message(step, len(SEEN), body.get("model", "m"))


def main() -> None:
    port = serve({"/messages": messages_api})
    home, programs = PROJECT.parent / "home-hooks", PROJECT.parent / "programs-hooks"
    for folder in (home, programs, PROJECT / ".claude"):
        folder.mkdir(exist_ok=True)
    (programs / "work").unlink(missing_ok=True)
    (programs / "work").symlink_to(WORK)
    hook = lambda event: [{"hooks": [{"type": "command", "command": f"work hook {event}"}]}]
    settings = {"hooks": {"PreToolUse": hook("pre-tool"), "SubagentStop": hook("subagent-stop")}}
    (PROJECT / ".claude" / "settings.json").write_text(json.dumps(settings))
    (PROJECT / "mcp.json").write_text(json.dumps({"mcpServers": {"work": {"command": "work", "args": ["mcp"]}}}))
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(home), "TERM": "dumb",
        "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{port}", "ANTHROPIC_API_KEY": "none",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1",
    }
    command = [PROGRAM, "-p", "execute the next batch", "--mcp-config", "mcp.json", "--strict-mcp-config",
               "--allowedTools", "mcp__work,Bash,Agent", "--output-format", "text"]
    run = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=110, stdin=subprocess.DEVNULL)
    about = (run.returncode, run.stdout[-1500:], run.stderr[-1500:], SEEN)
    assert "OUTCOMES " in run.stdout, about
    results = SEEN[-1]["results"]
    assert "this would run `work approve --force`, which is a person's decision" in results[1], results[1]
    assert "then the person runs: work approve plan" in results[2], results[2]
    steps = [seen["step"] for seen in SEEN if seen["worker"]]
    assert [step if isinstance(step, str) else step[1]["status"] for step in steps] == [
        "in_progress", "I have nothing to say.", "completed", "done"], steps
    assert '"report":"It works."' in results[-1], results[-1]


main()
