"""What each tool lets an agent do, call by call: prints the call and its answer. usage: behave.py HOME WORK"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

from client import Client
from tools import TOOLS, sh

home, work = sys.argv[1:]


def told(tool, what, said):
    print(json.dumps({"tool": tool, "what": what, "said": " ".join(said.split())[-420:]}), flush=True)


def mcp_text(answer):
    return json.dumps(answer.get("error") or [answer["result"].get("isError"), answer["result"]["content"][0]["text"]])


def cli(tool, argv, at, env=None):
    done = sh(argv, at, env or tool.env, check=False)
    return f"rc={done.returncode} {done.stdout[-300:]} {done.stderr[-300:]}"


def fresh(name, n=5, **more):
    tool = TOOLS[name](home, work)
    at = tempfile.mkdtemp(prefix="compare-")
    tool.setup(at, n, **more)
    return tool, at


# work: a thread with a check that fails; without a check; a plan nobody approved; a shell.
tool, at = fresh("work", extra="**Check:** `false`\n\n")
client = Client(tool.mcp, at, tool.env).start()
client.call("next_batch", {})
client.call("update_thread", {"thread_id": "01.01.01", "status": "in_progress", "attempt": 1})
done = {"thread_id": "01.01.01", "status": "completed", "attempt": 1, "report": "Done."}
told("work", "MCP: completed, its check fails", mcp_text(client.call("update_thread", done)))
told("work", "MCP: an attempt that is not the current one",
     mcp_text(client.call("update_thread", {**done, "attempt": 2})))
for _ in range(4):
    last = mcp_text(client.call("update_thread", done))
told("work", "MCP: the fifth failed check", last)
for attempt in (1, 2, 3):
    client.call("update_thread", {"thread_id": "01.01.02", "status": "in_progress", "attempt": attempt})
    last = mcp_text(client.call("update_thread", {"thread_id": "01.01.02", "status": "failed", "report": "timeout",
                                                  "transient": True, "attempt": attempt}))
    told("work", f"MCP: failed, attempt {attempt}", last)
told("work", "MCP: all tools", json.dumps([t["name"] for t in client.request("tools/list", {})["result"]["tools"]]))
told("work", "shell: completed, its check fails", cli(tool, tool.set(3, done=True), at))
second = Client(tool.mcp, at, tool.env).start()
told("work", "MCP: another session asks for the batch", mcp_text(second.call("next_batch", {})))
client.end()
told("work", "MCP: after the first session's death", mcp_text(second.call("next_batch", {})))
second.end()
shutil.rmtree(at)

tool, at = fresh("work")
with open(f"{at}/work/001-n/PLAN.md", "a") as f:
    f.write("###### Thread 06: More\n\n**Summary:** More.\n\n**Details:**\nDo more.\n")
client = Client(tool.mcp, at, tool.env).start()
told("work", "MCP: next_batch after PLAN.md was changed", mcp_text(client.call("next_batch", {})))
told("work", "shell: approve plan (no host's hook)", cli(tool, [work, "approve", "plan"], at))
event = json.dumps({"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "work approve plan"},
                    "cwd": at})
hook = subprocess.run([work, "hook", "pre-tool"], input=event, cwd=at, env=tool.env, capture_output=True, text=True)
told("work", "shell: approve plan, as the hook of Claude Code is asked", f"rc={hook.returncode} {hook.stdout} {hook.stderr}")
client.call("next_batch", {})
client.call("update_thread", {"thread_id": "01.01.01", "status": "in_progress", "attempt": 1})
told("work", "MCP: completed, without a check in the plan", mcp_text(client.call("update_thread", done)))
told("work", "MCP: reopen a completed thread",
     mcp_text(client.call("update_thread", {"thread_id": "01.01.01", "status": "in_progress", "attempt": 1})))
client.end()
shutil.rmtree(at)

# task-master: done without a run, a dependency that is open, a task that is done is opened again.
tool, at = fresh("task-master")
path = f"{at}/.taskmaster/tasks/tasks.json"
with open(path) as f:
    state = json.load(f)
state["master"]["tasks"][1]["dependencies"] = [1]
with open(path, "w") as f:
    json.dump(state, f, indent=2)
client = Client(tool.mcp, at, tool.env).start()
for what, number, status in (("done before its dependency", "2", "done"), ("done, its testStrategy fails", "1", "done"),
                             ("reopen a done task", "1", "pending"), ("a status that says failed", "3", "failed"),
                             ("blocked", "3", "blocked"), ("in progress, twice: 1st", "4", "in-progress"),
                             ("in progress, twice: 2nd", "4", "in-progress")):
    told("task-master", f"MCP: {what}",
         mcp_text(client.call("set_task_status", {"id": number, "status": status, "projectRoot": at})))
told("task-master", "MCP: next while 4 is in progress (its worker died)",
     mcp_text(client.call("next_task", {"projectRoot": at}))[:300])
client.end()
shutil.rmtree(at)

# backlog.md: done with an open definition of done, a dependency that is open, an assignee that is replaced.
tool, at = fresh("backlog.md")
client = Client(tool.mcp, at, tool.env).start()
told("backlog.md", "MCP: depends on", mcp_text(client.call("task_edit", {"id": "TASK-2", "dependencies": ["TASK-3"]}))[:200])
for what, more in (("done, its definition of done unchecked", {"id": "TASK-1", "status": "Done"}),
                   ("done before its dependency", {"id": "TASK-2", "status": "Done"}),
                   ("reopen", {"id": "TASK-1", "status": "To Do"}),
                   ("first session claims", {"id": "TASK-4", "status": "In Progress", "assignee": ["@a"]}),
                   ("second session claims", {"id": "TASK-4", "status": "In Progress", "assignee": ["@b"]})):
    told("backlog.md", f"MCP: {what}", mcp_text(client.call("task_edit", more))[:420])
client.end()
shutil.rmtree(at)

# agenv: approval by an agent, with and without the variable; completed without a run.
tool, at = fresh("agenv", approve=False)
told("agenv", "shell: approve plan", cli(tool, [tool.cli, "approve", "plan"], at))
told("agenv", "shell: update before the approval", cli(tool, tool.set(1), at))
told("agenv", "shell: WORKSTREAM_ROLE=USER approve plan",
     cli(tool, [tool.cli, "approve", "plan"], at, dict(tool.env, WORKSTREAM_ROLE="USER")))
told("agenv", "shell: completed", cli(tool, tool.set(1, done=True), at))
told("agenv", "shell: reopen", cli(tool, tool.set(1), at))
with open(f"{at}/work/000-n/stages/01/PLAN.md", "a") as f:
    f.write("\n#### Thread 06: More\n\n**Summary:**\nMore.\n\n**Details:**\nDo more.\n")
told("agenv", "shell: update after PLAN.md was changed", cli(tool, tool.set(2), at))
told("agenv", "shell: supervise --dry-run after PLAN.md was changed", cli(tool, [tool.cli, "supervise", "--dry-run"], at))
told("agenv", "shell: status", cli(tool, [tool.cli, "status"], at))
shutil.rmtree(at)

# A session that dies with a task in progress: what does the next one get?
tool, at = fresh("work", n=2)
client = Client(tool.mcp, at, tool.env).start()
client.call("next_batch", {})
for thread in ("01.01.01", "01.01.02"):
    client.call("update_thread", {"thread_id": thread, "status": "in_progress", "attempt": 1})
client.call("update_thread", {"thread_id": "01.01.01", "status": "completed", "attempt": 1, "report": "Done."})
client.end()
client = Client(tool.mcp, at, tool.env).start()
answer = json.loads(client.call("next_batch", {})["result"]["content"][0]["text"])
told("work", "MCP: next_batch of a new session, 2 was in progress", json.dumps([answer["dispatch"], answer["threads"]]))
client.end()
shutil.rmtree(at)

tool, at = fresh("task-master", n=2)
client = Client(tool.mcp, at, tool.env).start()
client.call("set_task_status", {"id": "2", "status": "in-progress", "projectRoot": at})
client.call("set_task_status", {"id": "1", "status": "done", "projectRoot": at})
client.end()
client = Client(tool.mcp, at, tool.env).start()
answer = json.loads(client.call("next_task", {"projectRoot": at})["result"]["content"][0]["text"])["data"]["nextTask"]
told("task-master", "MCP: next_task of a new session, 2 was in progress", json.dumps(answer and [answer["id"], answer["status"]]))
client.end()
client = Client(tool.mcp, at, dict(tool.env, TASK_MASTER_TOOLS="all")).start()
listed = {t["name"]: t["description"] for t in client.request("tools/list", {})["result"]["tools"]}
told("task-master", "MCP: the tools of its test workflow", json.dumps({k: v for k, v in listed.items() if "autopilot" in k})[:400])
client.end()
shutil.rmtree(at)

# A task whose dependency is open.
tool, at = fresh("work", n=2)
path = f"{at}/work/001-n/PLAN.md"
with open(path) as f:
    text = f.read()
with open(path, "w") as f:
    f.write(text.replace("**Summary:** Task 2.\n", "**Summary:** Task 2.\n\n**After:** 01.01.01\n"))
sh([work, "approve", "plan"], at, tool.env)
client = Client(tool.mcp, at, tool.env).start()
answer = json.loads(client.call("next_batch", {})["result"]["content"][0]["text"])
told("work", "MCP: dispatch, 2 is after 1", json.dumps([answer["dispatch"], answer["waiting"]]))
start = {"thread_id": "01.01.02", "status": "in_progress", "attempt": 1}
told("work", "MCP: start 2 while 1 is open", mcp_text(client.call("update_thread", start)))
told("work", "MCP: complete 2 while 1 is open",
     mcp_text(client.call("update_thread", {**start, "status": "completed", "report": "Done."})))
client.end()
shutil.rmtree(at)
