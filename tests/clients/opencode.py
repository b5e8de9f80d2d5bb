"""The real OpenCode with a scripted model on loopback.

The model plays a planner that launches three workers in parallel through the Task tool: one works, one
fails over, one ends without a word. Then the planner tries to pass a gate. The project is set up by
`work init --opencode`; the planner is called by the slash command that it writes, or by the server's own prompt. With a
folder of npm packages, OpenCode starts the server by `npx -y workstream-mcp mcp`, from a registry that has only those.
"""

import json
import pathlib
import re
import sys

import registry
from homes import Home, opencode_provider
from scripted import Request, Steps, serve

WORK, OPENCODE, FOLDER, COMMAND, *PACKAGES = sys.argv[1:]
HERE = pathlib.Path(__file__).parent
PROJECT = pathlib.Path(FOLDER)
GATES = json.loads((HERE / "gates.json").read_text())["refused"]
SEEN: list[dict] = []


def worker(thread: str, attempt: int, done: int) -> Steps:
    """What the worker of a thread does next, after so many calls."""
    base = {"thread_id": thread, "attempt": attempt}
    started = ("work_update_thread", {**base, "status": "in_progress"})
    ends = {
        ("01.01.01", 1): {"status": "completed", "report": "It works.", "artifacts": ["src/a.rs"]},
        ("01.01.02", 1): {"status": "failed", "report": "timeout", "transient": True},
        ("01.01.02", 2): {"status": "failed", "report": "timeout again", "transient": True},
        ("01.01.02", 3): {"status": "completed", "report": "It works now.", "next_steps": ["find out why it failed"]},
    }
    if (thread, attempt) not in ends:
        return "I have nothing to say."
    calls = [("work_read_thread", {"thread_id": thread}), started, ("work_update_thread", {**base, **ends[thread, attempt]})]
    return [calls[done]] if done < len(calls) else "done"


def planner(results: list[str]) -> Steps:
    """What the planner does next: what its prompt says."""
    last = results[-1] if results else None
    if last is None or '"decision"' in last or last.startswith('{"thread_id"'):
        return [("work_next_batch", {})]
    if last.startswith("<task"):
        return [("work_batch_outcome", {})]
    if "this would" in last:
        refused = results[-len(GATES):]
        assert all("this would run" in text or "this would change" in text for text in refused), refused
        return "OUTCOMES " + json.dumps(json.loads(results[-len(GATES) - 1])["outcomes"], separators=(",", ":"))
    answer = json.loads(last)
    if "dispatch" in answer:
        launch = [thread for thread in answer["threads"] if thread["thread_id"] in answer["dispatch"]]
        return [("task", {"description": thread["thread_id"], "subagent_type": thread["agent"],
                          "prompt": f"Thread {thread['thread_id']}, attempt {thread['attempt']} of it."})
                for thread in launch] or [("work_batch_outcome", {})]
    silent = [outcome["thread_id"] for outcome in answer["outcomes"]
              if outcome["status"] == "pending" and not any(open_["thread_id"] == outcome["thread_id"] for open_ in answer["failover"])]
    if silent:
        return [("work_update_thread", {"thread_id": silent[0], "status": "failed", "attempt": 1, "report": "ended without a report"})]
    for decision in answer["failover"]:
        if decision["action"] == "reassign":
            return [("work_assign_thread", {"thread_id": decision["thread_id"]})]
        if decision["action"] == "retry":
            return [("work_next_batch", {})]
    # The plugin of the set-up refuses them, also those that no pattern sees.
    return [("bash", {"command": command, "description": "pass the gate"}) for command in GATES]


def answer(request: Request) -> Steps:
    if not request.offered:
        return "a title"
    run = re.search(r"Thread (\S+), attempt (\d+) of it", request.users[0])
    steps = worker(run[1], int(run[2]), len(request.results)) if run else planner(request.results)
    SEEN.append({"worker": bool(run), "tools": request.offered, "answer": steps, "prompt": request.users[0]})
    return steps


def main() -> None:
    home = Home(PROJECT, "opencode", WORK)
    config = opencode_provider(serve(answer))
    (PROJECT / "opencode.jsonc").write_text("// The project's own.\n" + json.dumps(config, indent=2) + "\n")
    command, words = COMMAND, "You are the planner of a workstream"
    if COMMAND == "own":
        # The document that the product is made from: a set-up leaves it as it is.
        command, words = "execute-next-batch", "native session-first orchestration"
        own = PROJECT / ".opencode" / "command" / "execute-next-batch.md"
        own.parent.mkdir(parents=True)
        own.write_text((HERE / "users-command.md").read_text())
    set_up = home.run("work", "init", "--opencode")
    assert set_up.returncode == 0, set_up
    asked: list[str] = []
    if PACKAGES:
        address, asked = registry.serve(pathlib.Path(PACKAGES[0]))
        settings = {"npm_config_registry": address, "npm_config_cache": str(home.folder / "npm")}
        file = PROJECT / "opencode.jsonc"
        entry = file.read_text()
        for written, wanted in [('["work", "mcp"]', '["npx", "-y", "workstream-mcp", "mcp"]'),
                                ('"environment": {}', f'"environment": {json.dumps(settings)}')]:
            assert entry.count(written) == 1, entry
            entry = entry.replace(written, wanted)
        file.write_text(entry)
    executed = home.run(OPENCODE, "run", "--command", command)
    outcomes = re.search(r"OUTCOMES (\[.*\])", executed.stdout)
    assert outcomes, (executed.stdout[-2000:], executed.stderr[-2000:], SEEN[-3:])
    assert json.loads(outcomes[1]) == json.loads((HERE / "outcomes.json").read_text()), outcomes[1]
    launches = [[name for name, _ in seen["answer"]] for seen in SEEN if not seen["worker"] and isinstance(seen["answer"], list)]
    assert ["task", "task", "task"] in launches, launches
    for seen in SEEN:
        work_tools = sorted(tool for tool in seen["tools"] if tool.startswith("work_"))
        if seen["worker"]:
            assert work_tools == ["work_read_thread", "work_update_thread"], work_tools
        else:
            assert len(work_tools) == 6 and words in seen["prompt"], (work_tools, seen["prompt"][:300])
    # npx fetched the wrapper and the program of this platform, and of no other.
    assert len([name for name in asked if name.endswith(".tgz")]) == (2 if PACKAGES else 0), asked
    gate = home.run("work", "status")
    assert "Next: look at the blocked threads of batch 01.01, then work retry\n" in gate.stdout, gate.stdout


main()
