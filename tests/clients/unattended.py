"""`work run` with the real program of a host and a scripted model on loopback: nobody sits in the planner's seat.

One plan from its beginning to the gate and behind it:

1. In a project that is not set up for the host three workers have begun, and the model holds its answers back.
   `work run` is killed: no process is left.
2. `work init` with the host, and `work run` again. The three begin anew, all before one ends. One reports failures until
   it is reassigned, one ends without a report, one runs out of time and is then refused by its check. The second batch
   follows, and the gate.
3. Behind the gate the provider refuses the key: the run stops, and no attempt is charged. With a key it goes to the end.
"""

import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

from homes import Home, opencode_provider, set_up_claude, set_up_codex, trust_hooks_in_codex
from scripted import INPUT_TOKENS, OUTPUT_TOKENS, Call, Player, Refused, Request, Script, Steps, json_in, serve

WORK, NAME, PROGRAM, FOLDER = sys.argv[1:]
HERE = pathlib.Path(__file__).parent
PROJECT = pathlib.Path(FOLDER)
HOME = Home(PROJECT, NAME, WORK)
STREAM = PROJECT / "work" / "001-clients"
PREFIX = {"opencode": "work_", "claude": "mcp__work__", "codex": ""}[NAME]

# How the model knows a worker: the end of its prompt.
WORKER = re.compile(r"thread_id: (\S+)\nattempt: (\d+)\nworkstream: 001-clients")
TOOL = re.compile("(next_batch|_thread|batch_outcome|workstream_status)$")
FAILS, SILENT, PROVES, LATER, REFUSED = "01.01.01", "01.01.02", "01.01.03", "01.02.01", "02.01.01"
FIRST = {FAILS, SILENT, PROVES}

# How each attempt ends after the first ones, which are killed: its agent, the status that counts, and what it reports.
ATTEMPTS = {
    (FAILS, 2): ("system-engineer-codex", "failed", "timeout"),
    (FAILS, 3): ("system-engineer-codex", "failed", "timeout again"),
    (FAILS, 4): ("system-engineer-opus", "completed", "It works now."),
    (SILENT, 2): ("system-engineer-codex", "failed", None),
    (SILENT, 3): ("system-engineer-opus", "completed", "It works after all."),
    (PROVES, 2): ("default", "failed", None),
    (PROVES, 3): ("default", "completed", "It is proved."),
    (LATER, 1): ("default", "completed", "It is built."),
}
RECOVERED = {(REFUSED, 2): ("default", "completed", "It is answered.")}
OUTCOMES = [
    (FAILS, "completed", "It works now.", "system-engineer-opus", True),
    (SILENT, "completed", "It works after all.", "system-engineer-opus", True),
    (PROVES, "completed", "It is proved.", "default", True),
    (LATER, "completed", "It is built.", "default", False),
]


def call(tool: str, **arguments: object) -> Call:
    return f"{PREFIX}{tool}", arguments


def mend() -> Call:
    """Writes the file that the check asks for. Codex writes it below the folder in which it was started."""
    path = "src/mended.rs"
    return {
        "opencode": ("write", {"filePath": str(PROJECT / path), "content": "// mended\n"}),
        "claude": ("Write", {"file_path": str(PROJECT / path), "content": "// mended\n"}),
        "codex": ("exec_command", {"cmd": f"echo '// mended' > {path}"}),
    }[NAME]


def worker(who: str) -> Script:
    thread, attempt = who.split(" ")
    known = {"thread_id": thread, "attempt": int(attempt), "workstream": "001-clients"}
    _, status, report = {**ATTEMPTS, **RECOVERED}[thread, int(attempt)]
    [brief] = yield [call("read_thread", thread_id=thread, workstream="001-clients")]
    assert json_in(brief)["status"] == "in_progress", ("work run has started the attempt", brief)
    if thread == LATER:
        reports = [before["report"] for before in json_in(brief)["done_before"]]
        assert reports == [outcome[2] for outcome in OUTCOMES[:3]], brief
    # Its prompt says so, though work run has said it already.
    [begun] = yield [call("update_thread", **known, status="in_progress")]
    assert json_in(begun)["status"] == "in_progress", begun
    if report is None:
        yield "I have nothing to say."
    end = {**known, "status": status, "report": report, **({"transient": True} if status == "failed" else {})}
    [answered] = yield [call("update_thread", **end)]
    if thread == PROVES:
        assert "error check_failed" in answered and "test -s src/mended.rs" in answered, answered
        yield [mend()]
        [answered] = yield [call("update_thread", **end)]
    assert json_in(answered)["status"] == ("completed" if status == "completed" else "pending"), answered
    yield report


PLAYER = Player(worker)
# The conversations that have begun, in this order, and the tools of `work` that each was offered.
BEGUN: dict[str, set[str]] = {}
# The first three go on together.
TOGETHER = threading.Barrier(len(FIRST))
REFUSES = threading.Event()


def answer(request: Request) -> Steps:
    run = next((run for text in request.users if (run := WORKER.search(text))), None)
    if not request.offered or not run:
        return "a title"
    thread, who = run[1], f"{run[1]} {run[2]}"
    BEGUN.setdefault(who, {tool for tool in request.offered if TOOL.search(tool)})
    if REFUSES.is_set():
        raise Refused(401)
    if thread in FIRST and run[2] == "1":
        hang()
    if thread in FIRST and run[2] == "2" and not request.results:
        TOGETHER.wait(60)
        if thread == PROVES:
            hang()
    return PLAYER.next(who, request)


def hang() -> None:
    """Holds the answer back for longer than the host lives."""
    time.sleep(100)
    raise ConnectionAbortedError


def processes() -> list[tuple[str, str]]:
    """The processes of workers of this home that live: their numbers and what they run."""
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # It has ended meanwhile, or is another user's.
        if f"HOME={HOME.folder}".encode() in environment and any(each.startswith(b"WORK_WORKER_ID=") for each in environment):
            found.append((folder.name, command[:100]))
    return found


def done(*command: str) -> None:
    """Runs a command of the person, who sees that it is done."""
    ran = HOME.run(*command)
    assert ran.returncode == 0, ran


def set_up() -> None:
    """The person's part: a plan that is approved, the host, and its provider."""
    subprocess.run(["git", "init", "-q"], cwd=PROJECT, check=True)
    (STREAM / "PLAN.md").write_text((HERE / "unattended.md").read_text())
    done("work", "approve", "plan")
    # `work run` finds the host as a person does.
    (HOME.programs / NAME).unlink(missing_ok=True)
    (HOME.programs / NAME).symlink_to(PROGRAM)
    port = serve(answer)
    if NAME == "opencode":
        (PROJECT / "opencode.json").write_text(json.dumps(opencode_provider(port)))
    if NAME == "claude":
        set_up_claude(HOME, port)
    if NAME == "codex":
        set_up_codex(HOME, port)


def set_up_project() -> None:
    """Sets the project up for the host, whose workers run without being named from then on."""
    done("work", "init", f"--{NAME}")
    with (PROJECT / "work" / "agents.yaml").open("a") as roster:
        roster.write(f"execution:\n  run: {{host: {NAME}}}\n")
    # How workers are started is the person's decision, too.
    done("work", "approve", "plan")
    if NAME == "codex":
        trust_hooks_in_codex(HOME, PROGRAM)
    if NAME == "opencode":
        install_packages_of_opencode()


def install_packages_of_opencode() -> None:
    """OpenCode installs packages into a folder of settings when it first sees it, and starts when it has them. Three
    workers at once, with a short limit of time, would all wait for that. Those that were killed meanwhile have left locks,
    which count for a minute."""
    shutil.rmtree(HOME.folder / ".local" / "state" / "opencode" / "locks", ignore_errors=True)
    done("opencode", "mcp", "list")


class Run:
    """A `work run`, started in a folder below the project: its workers are to run in the root."""

    def __init__(self, *arguments: str) -> None:
        self.arguments = arguments
        self.process = HOME.start("work", "run", "--json", *arguments, folder=PROJECT / "src")

    def end(self) -> tuple[int, list[dict]]:
        self.output, self.errors = self.process.communicate(timeout=90)
        return self.process.returncode, [json.loads(line) for line in self.output.splitlines()]

    def about(self) -> tuple:
        """What a failed assertion tells."""
        logs = [(log.name, log.read_text(errors="replace")[-300:]) for log in sorted((PROJECT / "work/.run/logs").glob("*"))]
        steps = [(seen["who"], seen["step"]) for seen in PLAYER.seen]
        return self.arguments, self.process.returncode, self.output[-8000:], self.errors[-2000:], PLAYER.failed, BEGUN, steps, logs


def sessions() -> dict[tuple[str, int], dict]:
    """The attempts that threads.json has."""
    board = json.loads((STREAM / "threads.json").read_text())
    return {(thread["threadId"], session["attempt"]): session for thread in board["threads"] for session in thread["sessions"]}


def killed() -> float:
    """1. `work run` is killed while its workers hang. Returns how long they took to begin."""
    began = time.monotonic()
    run = Run("--host", NAME)
    while set(BEGUN) != {f"{thread} 1" for thread in FIRST}:
        if time.monotonic() > began + 60:
            run.process.kill()
        assert run.process.poll() is None, (run.end(), run.about())
        time.sleep(0.05)
    seconds = time.monotonic() - began
    assert len(processes()) >= len(FIRST), ("each worker is a process", processes())
    run.process.send_signal(signal.SIGKILL)
    code, events = run.end()
    assert code == -signal.SIGKILL, run.about()
    while processes():
        assert time.monotonic() < began + seconds + 20, ("workers outlive work run", processes())
        time.sleep(0.05)
    kinds = [event["event"] for event in events]
    assert kinds == ["batch", "launched", "launched", "launched"], run.about()
    return seconds


def to_the_gate(limit: int) -> None:
    """2. `work run` goes on, to the gate, with a limit of seconds for each worker."""
    run = Run("--timeout", f"{limit}s")
    code, events = run.end()
    about = run.about()
    assert not PLAYER.failed, about
    assert code == 0, about
    of = lambda kind: [event for event in events if event["event"] == kind]
    attempt = lambda event: (event["thread"], event["attempt"])

    launched = {attempt(event): event for event in of("launched")}
    ended = {attempt(event): event for event in of("ended")}
    assert len(of("launched")) == len(of("ended")) == len(ATTEMPTS), about
    for key, (agent, status, report) in ATTEMPTS.items():
        assert (launched[key]["agent"], launched[key]["host"]) == (agent, NAME), (key, launched[key])
        # The status of the thread: after each failure another attempt follows.
        assert ended[key]["status"] == ("completed" if status == "completed" else "pending"), (key, ended[key], about)
        assert ("longer than" in ended[key]["how"]) == (key == (PROVES, 2)), (key, ended[key])
        assert report is None or ended[key]["report"] == report, (key, ended[key])
        log = pathlib.Path(launched[key]["log"])
        log = log if log.is_absolute() else PROJECT / log
        # A host that is ended says nothing.
        assert log.name == f"001-clients.{key[0]}.{key[1]}.log", (key, launched[key])
        assert log.stat().st_size or key == (PROVES, 2) and log.exists(), (key, launched[key])

    # In parallel, and batch after batch.
    kinds = [event["event"] for event in events]
    assert kinds[:4] == ["batch", "launched", "launched", "launched"] and kinds.count("batch") == 2, kinds
    assert list(BEGUN)[-1] == f"{LATER} 1", BEGUN
    outcomes = [outcome for event in of("outcomes") for outcome in event["outcomes"]]
    keys = ("thread_id", "status", "report", "agent_used", "failover_applied")
    assert [tuple(outcome[key] for key in keys) for outcome in outcomes] == OUTCOMES, about

    [finished] = of("finished")
    assert finished is events[-1] and (finished["why"], finished["exit_code"]) == ("gate", 0), finished
    assert finished["gate_command"].lstrip("!") == "work approve stage 1", finished

    # What is kept: how each attempt ended, and what it cost, where the host lived to tell.
    kept = sessions()
    assert {kept[thread, 1]["status"] for thread in FIRST} == {"interrupted"}, kept
    for key, (agent, status, report) in ATTEMPTS.items():
        assert (kept[key]["agentName"], kept[key]["status"]) == (agent, status), (key, kept[key])
        if key == (PROVES, 2):
            assert kept[key]["transient"] is True and not kept[key].get("usage"), kept[key]
            assert limit <= ended[key]["seconds"] < limit + 10, ended[key]
            continue
        asked = sum(seen["who"] == f"{key[0]} {key[1]}" for seen in PLAYER.seen)
        expected = (asked * INPUT_TOKENS, asked * OUTPUT_TOKENS)
        usage, stored = ended[key]["usage"], kept[key].get("usage")
        assert usage and (usage["input_tokens"], usage["output_tokens"]) == expected, (key, usage, expected, about)
        assert stored and (stored["inputTokens"], stored["outputTokens"]) == expected, (key, stored, expected, about)
        if key == (SILENT, 2):
            assert not kept[key].get("transient"), kept[key]
    total = HOME.run("work", "report", "--json")
    assert total.returncode == 0 and '"usage"' in total.stdout, total.stdout[-3000:]

    # What the workers saw.
    assert all(tools == {f"{PREFIX}read_thread", f"{PREFIX}update_thread"} for tools in BEGUN.values()), BEGUN
    for seen in PLAYER.seen:
        assert "You run one thread of a plan." in seen["body"] and f"`{PREFIX}read_thread`" in seen["body"], seen["body"][:3000]


def refused() -> None:
    """3. The provider refuses: the person must mend that, and no thread has failed."""
    done("work", "approve", "stage", "1")
    REFUSES.set()
    run = Run()
    code, events = run.end()
    assert code == 3, run.about()
    assert (events[-1]["event"], events[-1]["why"], events[-1]["exit_code"]) == ("finished", "host_unusable", 3), run.about()
    assert list(BEGUN)[-1] == f"{REFUSED} 1" and not processes(), (run.about(), processes())
    REFUSES.clear()
    run = Run()
    code, events = run.end()
    assert code == 0 and not PLAYER.failed, run.about()
    kept = {key[1]: session["status"] for key, session in sessions().items() if key[0] == REFUSED}
    assert kept == {1: "interrupted", 2: "completed"}, (kept, run.about())
    [finished] = [event for event in events if event["event"] == "finished"]
    assert finished["gate_command"].lstrip("!") == "work approve stage 2", finished
    # Neither the retry nor the reassignment was used for what no worker can help.
    [outcome] = [outcome for event in events if event["event"] == "outcomes" for outcome in event["outcomes"]]
    assert (outcome["thread_id"], outcome["failover_applied"]) == (REFUSED, False), outcome
    assert all(tools == {f"{PREFIX}read_thread", f"{PREFIX}update_thread"} for tools in BEGUN.values()), BEGUN


def main() -> None:
    set_up()
    began = time.monotonic()
    seconds = killed()
    set_up_project()
    # A limit that only a worker that hangs comes to, also where the machine is slow today.
    limit = max(6, round(1.5 * seconds) + 4)
    to_the_gate(limit)
    refused()
    print(f"{NAME}: {time.monotonic() - began:.0f} s, workers began after {seconds:.1f} s, limit {limit} s")


main()
