"""Measures one thing of one tool, and prints it as one line of JSON.

usage: compare.py HOME WORK TOOL WHAT [NUMBER]
HOME has the packages (see `measure`), WORK is a release build of work.
WHAT: start, mcp, mcp-all, together N, mcp-together N, one-server N, kill N, merge, handout, syncs
COMPARE_TASKS is the number of tasks that are written, 200 by default;
COMPARE_SECONDS ends `kill` early; COMPARE_RUNS is how often `start` runs each command, 20 by default.
"""
import json
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from client import Client
from tools import TOOLS, sh

TASKS = int(os.environ.get("COMPARE_TASKS", "200"))


def place(tool, n=TASKS):
    """A fresh project with n tasks that nobody has started."""
    at = tempfile.mkdtemp(prefix="compare-")
    tool.setup(at, n)
    return at


def percentile(values, part):
    values = sorted(values)
    return round(1000 * values[min(len(values) - 1, int(part * len(values)))], 1)


def judge(tool, at, acknowledged, refused, spans, wall):
    """Compares what was acknowledged with what is there."""
    result = {"acknowledged": len(acknowledged), "refused": len(refused), "wall_s": round(wall, 2),
              "ms_per_update": round(1000 * wall / max(1, len(acknowledged)), 1),
              "call_p50_ms": percentile(spans, 0.5), "call_p99_ms": percentile(spans, 0.99)}
    if refused:
        result["a_refusal"] = refused[0][-200:]
    try:
        state = tool.read(at)
        result["lost"] = sum(state.get(i) != tool.started for i in acknowledged)
        result["tasks"] = len(state)
    except Exception as error:
        result["unreadable"] = str(error)[:200]
    listing = subprocess.run(tool.listing(), cwd=at, env=tool.env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    result["own_listing_rc"] = listing.returncode
    return result


def together(tool, processes, by_mcp):
    """Processes that write at the same moment, each its own tasks: is what was acknowledged there afterwards?"""
    at = place(tool)
    shares = [range(1 + p, TASKS + 1, processes) for p in range(processes)]
    clients = [Client(tool.mcp, at, tool.env).start() for _ in shares] if by_mcp else [None] * processes
    barrier = threading.Barrier(processes + 1)
    acknowledged, refused, spans = [], [], []

    def one(share, client):
        barrier.wait()
        for i in share:
            begun = time.monotonic()
            if client:
                answer = client.call(*tool.mcp_set(at, i))
                good, said = not tool.is_refusal(answer), json.dumps(answer)
            else:
                done = sh(tool.set(i), at, tool.env, check=False)
                good, said = done.returncode == 0, done.stdout + done.stderr
            spans.append(time.monotonic() - begun)
            (acknowledged if good else refused).append(i if good else said)

    threads = [threading.Thread(target=one, args=each) for each in zip(shares, clients)]
    for thread in threads:
        thread.start()
    barrier.wait()
    begun = time.monotonic()
    for thread in threads:
        thread.join()
    wall = time.monotonic() - begun
    for client in filter(None, clients):
        client.end()
    result = judge(tool, at, acknowledged, refused, spans, wall)
    shutil.rmtree(at)
    return result


def one_server(tool, window):
    """Updates sent to one server, so many at once, as the subagents of one session do."""
    at = place(tool)
    client = Client(tool.mcp, at, tool.env).start()
    acknowledged, refused = [], []
    begun = time.monotonic()

    for first in range(1, TASKS + 1, window):
        row = range(first, min(first + window, TASKS + 1))
        for i in row:
            name, arguments = tool.mcp_set(at, i)
            client.send({"id": 1000 + i, "method": "tools/call", "params": {"name": name, "arguments": arguments}})
        waiting = set(row)
        while waiting:
            answer = json.loads(client.process.stdout.readline())
            i = answer.get("id", 0) - 1000
            if i in waiting:
                waiting.remove(i)
                good = not tool.is_refusal(answer)
                (acknowledged if good else refused).append(i if good else json.dumps(answer))
    wall = time.monotonic() - begun
    client.end()
    result = judge(tool, at, acknowledged, refused, [wall], wall)
    shutil.rmtree(at)
    return result


def kill(tool, rounds):
    """SIGKILL at a random moment of a row of updates: is the state readable, and is each acknowledged update there?"""
    template = place(tool)
    random.seed(1)
    lost = unreadable = acked = 0
    stuck = []
    causes = []
    latency = None
    deadline = time.monotonic() + float(os.environ.get("COMPARE_SECONDS", "3000"))
    for done in range(rounds):
        if time.monotonic() > deadline:
            rounds = done
            break
        at = tempfile.mkdtemp(prefix="compare-")
        shutil.copytree(template, at, dirs_exist_ok=True)
        acknowledged = []
        if tool.mcp:
            client = Client(tool.mcp, at, tool.env).start()
            if latency is None:
                begun = time.monotonic()
                for i in range(TASKS - 9, TASKS + 1):
                    client.call(*tool.mcp_set(at, i))
                latency = (time.monotonic() - begun) / 10
            group = client.process.pid
            timer = threading.Timer(random.uniform(0, 10 * latency), lambda: os.killpg(group, signal.SIGKILL))
            timer.start()
            try:
                for i in range(1, TASKS - 9):
                    if not tool.is_refusal(client.call(*tool.mcp_set(at, i))):
                        acknowledged.append(i)
            except (EOFError, BrokenPipeError):
                pass
            timer.join()
            client.end()
        else:
            if latency is None:
                begun = time.monotonic()
                for i in range(TASKS - 9, TASKS + 1):
                    sh(tool.set(i), at, tool.env)
                latency = (time.monotonic() - begun) / 10
            until = time.monotonic() + random.uniform(0, 5 * latency)
            for i in range(1, TASKS - 9):
                child = subprocess.Popen(tool.set(i), cwd=at, env=tool.env, stdin=subprocess.DEVNULL,
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
                try:
                    if child.wait(max(0, until - time.monotonic())) == 0:
                        acknowledged.append(i)
                except subprocess.TimeoutExpired:
                    os.killpg(child.pid, signal.SIGKILL)
                    child.wait()
                    break
        acked += len(acknowledged)
        try:
            state = tool.read(at)
            lost += sum(state.get(i) != tool.started for i in acknowledged)
            if len(state) != TASKS:
                raise ValueError(f"{len(state)} tasks")
        except Exception as error:
            unreadable += 1
            causes.append(str(error)[:120])
        # Does the next update go through, and how long does it take?
        begun = time.monotonic()
        after = sh(tool.set(TASKS - 5), at, tool.env, check=False)
        stuck.append((time.monotonic() - begun, after.returncode))
        shutil.rmtree(at)
    shutil.rmtree(template)
    return {"rounds": rounds, "acknowledged": acked, "lost": lost, "unreadable": unreadable, "causes": causes[:3],
            "latency_ms": round(1000 * latency, 2), "next_update_refused": sum(code != 0 for _, code in stuck),
            "next_update_p50_ms": percentile([t for t, _ in stuck], 0.5),
            "next_update_max_ms": percentile([t for t, _ in stuck], 1)}


def merge(tool):
    """Two branches that changed different tasks: does git merge them?"""
    result = {}
    for name, ours, theirs in (("neighbours", [5], [6]), ("far apart", [5], [15]), ("ten each", range(1, 11), range(11, 21))):
        for driver in ("set up", "plain clone") if tool.name == "work" else ("",):
            at = place(tool, 20)

            def git(*words, check=True):
                return sh(["git", *words], at, tool.env, check)

            git("add", "-A")
            git("commit", "-qm", "start", "--allow-empty")
            for branch, changed in (("one", ours), ("two", theirs)):
                git("checkout", "-q", "-b", branch, "main")
                for i in changed:
                    sh(tool.set(i, done=True), at, tool.env)
                git("add", "-A")
                git("commit", "-qm", branch)
            if driver == "plain clone":
                git("config", "--remove-section", "merge.work")
            merged = git("merge", "-q", "-m", "m", "one", check=False)
            said = "conflict in " + ", ".join(git("diff", "--name-only", "--diff-filter=U").stdout.split()) if merged.returncode else "clean"
            if not merged.returncode:
                state = tool.read(at)
                both = [state[i] == tool.done for i in (*ours, *theirs)]
                said += ", both there" if all(both) else f", {both.count(False)} LOST"
            result[f"{name}{', ' + driver if driver else ''}"] = said
            shutil.rmtree(at)
    return result


def footprint(pid):
    """Memory of a process and of all that it started, in MiB: resident, and proportional."""
    found, todo = [0, 0], [pid]
    while todo:
        at = todo.pop()
        try:
            text = Path(f"/proc/{at}/smaps_rollup").read_text()
            todo += [int(c) for t in Path(f"/proc/{at}/task").iterdir() for c in (t / "children").read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
        for which, key in enumerate(("Rss", "Pss")):
            found[which] += int(re.search(rf"^{key}:\s+(\d+)", text, re.M)[1])
    return [round(kib / 1024, 1) for kib in found]


def mcp(tool, environment=None):
    """The time to the answer to `tools/list`, the tools, and the memory five seconds later."""
    at = place(tool, 20)
    env = dict(tool.env, **(environment or {}))
    times = []
    for _ in range(10):
        begun = time.monotonic()
        client = Client(tool.mcp, at, env).start()
        listed = client.request("tools/list", {})["result"]["tools"]
        times.append(time.monotonic() - begun)
        client.end()
    client = Client(tool.mcp, at, env).start()
    client.request("tools/list", {})
    time.sleep(5)
    rss, pss = footprint(client.process.pid)
    client.end()
    shutil.rmtree(at)
    seen = [json.dumps({k: t.get(k, "") for k in ("name", "description", "inputSchema")}, separators=(",", ":"),
                       ensure_ascii=False) for t in listed]
    counted = subprocess.run(["node", str(Path(__file__).with_name("tokens.mjs")), f"{tool.home}/gpt-tokenizer"],
                             input=json.dumps(seen), capture_output=True, text=True, check=True, env=tool.env)
    return {"tools": len(listed), "tools_list_ms": percentile(times, 0.5), "tools_list_min_ms": percentile(times, 0),
            "bytes": sum(len(s.encode()) for s in seen), "tokens": int(counted.stdout),
            "rss_mib": rss, "pss_mib": pss}


def start(tool):
    """The median time of the command line: its version, and a listing of 20 tasks."""
    at = place(tool, 20)
    result = {}
    for name, argv in (("version", [tool.cli, "--version"]), ("list", tool.listing())):
        out = f"{at}/.hyperfine.json"
        subprocess.run(["hyperfine", "-N", "-w", "2", "-r", os.environ.get("COMPARE_RUNS", "20"), "--export-json", out, shlex.join(argv)], cwd=at,
                       env=tool.env, check=True, capture_output=True)
        times = json.loads(Path(out).read_text())["results"][0]
        result[f"{name}_ms"] = round(1000 * times["median"], 1)
        result[f"{name}_min_ms"] = round(1000 * times["min"], 1)
    shutil.rmtree(at)
    return result


def handout(tool, processes=8):
    """Sessions that ask at the same moment what to do next: how many get the same task?"""
    at = place(tool, 20)
    clients = [Client(tool.mcp, at, tool.env).start() for _ in range(processes)]
    barrier = threading.Barrier(processes)
    given = [None] * processes

    def ask(which):
        barrier.wait()
        if tool.name == "work":
            answer = json.loads(clients[which].call("next_batch", {})["result"]["content"][0]["text"])
            given[which] = answer.get("dispatch", [])
        else:
            text = clients[which].call("next_task", {"projectRoot": at})["result"]["content"][0]["text"]
            given[which] = [json.loads(text)["data"]["nextTask"]["id"]]

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(processes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for client in clients:
        client.end()
    shutil.rmtree(at)
    all_given = [str(t) for each in given for t in each]
    return {"sessions_that_got_work": sum(bool(g) for g in given), "tasks": len(set(all_given)),
            "handed_out_more_than_once": sum(all_given.count(t) > 1 for t in set(all_given))}


def syncs(tool):
    """How the state is written: what strace sees of one update."""
    at = place(tool, 20)
    log = f"{at}/.strace"
    subprocess.run(["strace", "-f", "-y", "-o", log, "-e", "trace=openat,rename,renameat,renameat2,fsync,fdatasync,ftruncate",
                    *tool.set(1)], cwd=at, env=tool.env, stdin=subprocess.DEVNULL, capture_output=True)
    lines = []
    for line in Path(log).read_text().splitlines():
        if at in line or re.search(r'"(\.taskmaster|backlog|work)/', line):
            if "openat" in line and not re.search(r"O_WRONLY|O_RDWR", line) or "ENOENT" in line:
                continue
            lines.append(re.sub(r"^\d+ +", "", line).replace(at, "."))
    shutil.rmtree(at)
    return {"calls": lines[:30]}


def main():
    home, work, name, what, *rest = sys.argv[1:]
    tool = TOOLS[name](home, work)
    number = int(rest[0]) if rest else 0
    result = {
        "start": lambda: start(tool),
        "mcp": lambda: mcp(tool),
        "mcp-all": lambda: mcp(tool, {"TASK_MASTER_TOOLS": "all"}),
        "together": lambda: together(tool, number, False),
        "mcp-together": lambda: together(tool, number, True),
        "one-server": lambda: one_server(tool, number),
        "kill": lambda: kill(tool, number),
        "merge": lambda: merge(tool),
        "handout": lambda: handout(tool),
        "syncs": lambda: syncs(tool),
    }[what]()
    load = os.getloadavg()[0]
    print(json.dumps({"tool": name, "what": " ".join([what, *rest]), "load": round(load, 2), **result}), flush=True)


if __name__ == "__main__":
    main()
