"""The tools that are compared: how each is set up with N tasks, told a status, and read."""
import glob
import json
import os
import re
import sqlite3
import subprocess

VERSIONS = {
    "task-master-ai": "0.43.1",
    "backlog.md": "1.52.0",
    "@agenv/workstreams": "0.9.1",
    "@oven/bun-linux-x64": "1.4.5",
    "gpt-tokenizer": "4.0.0",
}
BEADS_MCP = "1.3.2"


def sh(argv, cwd, env=None, check=True):
    done = subprocess.run(argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if check and done.returncode:
        raise SystemExit(f"{argv} in {cwd}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done


class Tool:
    mcp = None
    mcp_env = {}

    def __init__(self, home, work):
        self.home = home  # the folder with the installed packages
        self.work = work  # the binary of work
        self.env = dict(os.environ, HOME=f"{home}/home")
        self.env.pop("NODE_EXTRA_CA_CERTS", None)

    def bin(self, package, name):
        return f"{self.home}/{package}/node_modules/.bin/{name}"

    def git(self, at):
        sh(["git", "init", "-q", "-b", "main", "."], at, self.env)
        for key, value in (("user.email", "a@example.com"), ("user.name", "a")):
            sh(["git", "config", key, value], at, self.env)

    def is_refusal(self, answer):
        return bool(answer.get("error") or answer["result"].get("isError"))


class Work(Tool):
    name = "work"
    started, done = "in_progress", "completed"

    def __init__(self, home, work):
        super().__init__(home, work)
        self.env["PATH"] = f"{os.path.dirname(work)}:{self.env['PATH']}"  # git runs it to merge

    def setup(self, at, n, extra=""):
        self.git(at)
        sh([self.work, "init"], at, self.env)
        sh([self.work, "create", "n"], at, self.env)
        threads = "".join(f"###### Thread {i:02d}: Task {i}\n\n**Summary:** Task {i}.\n\n{extra}**Details:**\nDo task {i}.\n\n"
                          for i in range(1, n + 1))
        with open(f"{at}/work/001-n/PLAN.md", "w") as f:
            f.write(f"# Plan: N\n\n## Stages\n\n### Stage 01: S\n\n##### Batch 01: B\n\nText.\n\n{threads}")
        sh([self.work, "approve", "plan"], at, self.env)

    def id(self, i):
        return f"01.01.{i:02d}"

    def set(self, i, done=False):
        return [self.work, "update", "--thread", self.id(i), "--status", "completed" if done else "in_progress"] + (
            ["--report", "Done."] if done else [])

    def read(self, at):
        with open(f"{at}/work/001-n/threads.json") as f:
            state = json.load(f)
        return {int(t["threadId"].split(".")[2]): t["status"] for t in state["threads"]}

    def listing(self):
        return [self.work, "status"]

    @property
    def mcp(self):
        return [self.work, "mcp"]

    def mcp_set(self, at, i):
        return "update_thread", {"thread_id": self.id(i), "status": "in_progress", "attempt": 1}

    @property
    def cli(self):
        return self.work


class TaskMaster(Tool):
    name = "task-master"
    started, done = "in-progress", "done"

    def setup(self, at, n):
        self.git(at)
        sh([self.cli, "init", "-y", "--skip-install", "--no-aliases", "--no-git"], at, self.env)
        tasks = [{"id": i, "title": f"Task {i}", "description": f"Task {i}.", "details": f"Do task {i}.",
                  "testStrategy": "Run `false`; it must exit with 0.", "priority": "medium", "dependencies": [],
                  "status": "pending", "subtasks": []} for i in range(1, n + 1)]
        os.makedirs(f"{at}/.taskmaster/tasks", exist_ok=True)
        with open(f"{at}/.taskmaster/tasks/tasks.json", "w") as f:
            stamp = "2026-11-27T00:00:00.000Z"
            json.dump({"master": {"tasks": tasks, "metadata": {"created": stamp, "updated": stamp, "description": "m"}}},
                      f, indent=2)

    @property
    def cli(self):
        return self.bin("task-master-ai", "task-master")

    def set(self, i, done=False):
        return [self.cli, "set-status", str(i), "done" if done else "in-progress"]

    def read(self, at):
        with open(f"{at}/.taskmaster/tasks/tasks.json") as f:
            return {int(t["id"]): t["status"] for t in json.load(f)["master"]["tasks"]}

    def listing(self):
        return [self.cli, "list", "--json"]

    @property
    def mcp(self):
        return [self.bin("task-master-ai", "task-master-mcp")]

    def mcp_set(self, at, i):
        return "set_task_status", {"id": str(i), "status": "in-progress", "projectRoot": at}


class Backlog(Tool):
    name = "backlog.md"
    started, done = "In Progress", "Done"

    def setup(self, at, n):
        self.git(at)
        sh([self.cli, "init", "N", "--defaults", "--integration-mode", "mcp"], at, self.env)
        sh([self.cli, "task", "create", "Task 1", "-d", "Do task 1.", "--dod", "`false` exits with 0"], at, self.env)
        with open(f"{at}/backlog/tasks/task-1 - Task-1.md") as f:
            text = f.read()
        for i in range(2, n + 1):  # written as the tool writes them; it takes 0.3 s for each
            with open(f"{at}/backlog/tasks/task-{i} - Task-{i}.md", "w") as f:
                f.write(text.replace("TASK-1", f"TASK-{i}").replace("ask 1", f"ask {i}").replace("1000", f"{i}000"))

    @property
    def cli(self):
        return self.bin("backlog.md", "backlog")

    def set(self, i, done=False):
        return [self.cli, "task", "edit", str(i), "-s", "Done" if done else "In Progress", "--plain"]

    def read(self, at):
        found = {}
        for path in glob.glob(f"{at}/backlog/tasks/*.md"):
            with open(path) as f:
                text = f.read()
            number = re.search(r"^id: TASK-(\d+)$", text, re.M)
            status = re.search(r"^status: (.+)$", text, re.M)
            if not number or not status or not text.startswith("---") or "SECTION:DESCRIPTION:END" not in text:
                raise ValueError(f"{path}: {text[:80]!r}")
            found[int(number[1])] = status[1]
        return found

    def listing(self):
        return [self.cli, "task", "list", "--plain"]

    @property
    def mcp(self):
        return [self.cli, "mcp", "start"]

    def mcp_set(self, at, i):
        return "task_edit", {"id": f"TASK-{i}", "status": "In Progress"}


class Agenv(Tool):
    name = "agenv"
    started, done = "in_progress", "completed"

    def __init__(self, home, work):
        super().__init__(home, work)
        self.env["PATH"] += f":{home}/@oven/bun-linux-x64/node_modules/@oven/bun-linux-x64/bin"

    @property
    def cli(self):
        return self.bin("@agenv/workstreams", "work")

    def setup(self, at, n, approve=True):
        self.git(at)
        sh([self.cli, "init", "--sqlite"], at, self.env)
        sh([self.cli, "create", "--name", "n"], at, self.env)
        sh([self.cli, "current", "--set", "000-n"], at, self.env)
        sh([self.cli, "plan", "create", "--stages", "1"], at, self.env)
        threads = "".join(f"#### Thread {i:02d}: Task {i}\n\n**Summary:**\nTask {i}.\n\n**Details:**\nDo task {i}.\n\n"
                          for i in range(1, n + 1))
        stage = f"{at}/work/000-n/stages/01"
        with open(f"{stage}/PLAN.md", "w") as f:
            f.write(f"# Stage 01 S Plan\n\n## Summary\n\nS.\n\n## Batches\n\n### Batch 01: B\n\nText.\n\n{threads}")
        with open(f"{stage}/REQUIREMENTS.md", "w") as f:
            f.write("# R\n\n## Summary\n\nx\n\n## Deliverables\n\n- x\n\n## Dependencies\n\n- none\n\n## Resources\n\n- none\n")
        if approve:
            sh([self.cli, "approve", "plan"], at, dict(self.env, WORKSTREAM_ROLE="USER"))

    def id(self, i):
        return f"01.01.{i:02d}"

    def set(self, i, done=False):
        return [self.cli, "update", "--thread", self.id(i), "--status", "completed" if done else "in_progress"]

    def read(self, at):
        """What its database says, which its manual calls the source of truth."""
        db = sqlite3.connect(f"{at}/work/db.sqlite")
        try:
            if db.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
                raise ValueError("the database is damaged")
            rows = db.execute("SELECT thread_id, status FROM execution_items")
            return {int(thread.split(".")[2]): status for thread, status in rows}
        finally:
            db.close()

    def listing(self):
        return [self.cli, "status"]


TOOLS = {t.name: t for t in (Work, TaskMaster, Backlog, Agenv)}
