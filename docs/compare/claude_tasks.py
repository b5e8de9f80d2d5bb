"""Claude Code's own task list, shared by sessions, driven by a scripted model on loopback.

usage: claude_tasks.py CLAUDE CLIENTS    CLIENTS is the folder tests/clients with scripted.py
Eight sessions (`claude -p`) with one CLAUDE_CODE_TASK_LIST_ID each start 25 tasks of their own; then all claim one task
at the same moment; then one session completes a task, without and with a TaskCompleted hook that refuses.
"""
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

claude, clients = sys.argv[1:]
sys.path.insert(0, clients)
from scripted import serve  # noqa: E402

SESSIONS, EACH = 8, 25
root = Path(tempfile.mkdtemp(prefix="compare-claude-"))
home, project = root / "home", root / "project"
home.mkdir()
project.mkdir()
(home / ".claude.json").write_text(json.dumps({"projects": {str(project): {"hasTrustDialogAccepted": True}}}))
tasks = home / ".claude/tasks/shared"
barrier = threading.Barrier(SESSIONS)
answers = {}


def answer(request):
    """Each session's prompt names its script; the n-th turn is the n-th step."""
    said = json.dumps(request.body["messages"])
    if not request.offered or "SCRIPT " not in said:
        return "a title"
    name = said.split("SCRIPT ")[1].split(".")[0]
    results = answers[name] = request.results
    steps = scripts[name]
    if len(results) == 0 and name.startswith(("start", "claim")):
        barrier.wait(60)
    return [steps[len(results)]] if len(results) < len(steps) else "over"


def run(name):
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "TERM": "dumb", "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{port}",
           "ANTHROPIC_API_KEY": "none", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1",
           "CLAUDE_CODE_TASK_LIST_ID": "shared", "CLAUDE_CODE_ENABLE_TASKS": "1"}
    done = subprocess.run([claude, "-p", f"SCRIPT {name}.", "--allowedTools", "TaskCreate,TaskUpdate,TaskList"], cwd=project,
                          env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=500)
    if done.returncode:
        print(name, done.stdout[-300:], done.stderr[-300:])


def all_at_once(kind):
    threads = [threading.Thread(target=run, args=(f"{kind}{s}",)) for s in range(SESSIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def state():
    return {int(p.stem): json.loads(p.read_text()) for p in tasks.glob("*.json")}


total = SESSIONS * EACH
scripts = {"create": [("TaskCreate", {"subject": "first", "description": "x"})]}
for s in range(SESSIONS):
    scripts[f"start{s}"] = [("TaskUpdate", {"taskId": str(1 + s + SESSIONS * i), "status": "in_progress"}) for i in range(EACH)]
    scripts[f"claim{s}"] = [("TaskUpdate", {"taskId": str(total + 1), "status": "in_progress", "owner": f"session{s}"})]
scripts["done"] = [("TaskUpdate", {"taskId": "1", "status": "completed"})]
scripts["done-hook"] = [("TaskUpdate", {"taskId": "2", "status": "completed"})]
port = serve(answer)

run("create")
for number in range(2, total + 2):  # as the tool writes them
    (tasks / f"{number}.json").write_text(json.dumps({**state()[1], "id": str(number), "subject": f"t{number}"}, indent=2))
begun = time.monotonic()
all_at_once("start")
there = state()
print(json.dumps({"tool": "claude", "what": f"together {SESSIONS}", "calls": sum(len(answers[f"start{s}"]) for s in range(SESSIONS)),
                  "an_answer": answers["start0"][0], "tasks": len(there), "wall_s": round(time.monotonic() - begun, 1),
                  "lost": sum(there[i]["status"] != "in_progress" for i in range(1, total + 1))}), flush=True)
all_at_once("claim")
print(json.dumps({"tool": "claude", "what": "claim", "answers": [answers[f"claim{s}"] for s in range(SESSIONS)],
                  "owner": state()[total + 1].get("owner")}), flush=True)
run("done")
print(json.dumps({"tool": "claude", "what": "done", "answer": answers["done"], "status": state()[1]["status"]}), flush=True)
(project / ".claude").mkdir()
hook = {"hooks": [{"type": "command", "command": "echo the check fails >&2; exit 2"}]}
(project / ".claude/settings.json").write_text(json.dumps({"hooks": {"TaskCompleted": [hook]}}))
run("done-hook")
print(json.dumps({"tool": "claude", "what": "done with a TaskCompleted hook", "answer": answers["done-hook"],
                  "status": state()[2]["status"]}), flush=True)
