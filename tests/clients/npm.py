"""The npm packages: packed, installed from the archives into an empty folder, and started through the wrapper.

The wrapper either becomes the program (`process.execve`) or has it as a child. Both must be as the program alone: what
goes in and comes out, the exit code, the signals, and the time until it answers.
"""

import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys
import time

NODE, PACKAGES, FOLDER = map(pathlib.Path, sys.argv[1:])
# Without what this machine has Node.js load at its start, which takes longer than the wrapper.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ("NODE_EXTRA_CA_CERTS", "NODE_OPTIONS", "WORK_ROOT")}
INITIALIZE = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
    "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "npm.py", "version": "1"}}}).encode() + b"\n"
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT]
# Milliseconds that the wrapper may add.
BUDGET = 40


def install(folder: pathlib.Path) -> None:
    """Wrapper and platform from their archives alone. The packages of other platforms are nowhere, as they are optional."""
    folder.mkdir(parents=True)
    archives = sorted(PACKAGES.glob("workstream-mcp-*.tgz"))
    assert len(archives) == 2, archives
    command = ["npm", "install", "--offline", "--no-audit", "--no-fund", "--loglevel=error", "--cache", folder / "cache", *archives]
    subprocess.run(command, cwd=folder, env=ENVIRONMENT, check=True, stdout=subprocess.DEVNULL, timeout=60)
    assert "scripts" not in json.loads((folder / "node_modules/workstream-mcp/package.json").read_text())


def run(command: list, *arguments: str, given: bytes = b"") -> tuple:
    done = subprocess.run([*command, *arguments], cwd=FOLDER, env=ENVIRONMENT, input=given, capture_output=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def started(command: list) -> subprocess.Popen:
    """The server, when it has answered."""
    server = subprocess.Popen([*command, "mcp"], cwd=FOLDER, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)
    server.stdin.write(INITIALIZE)
    server.stdin.flush()
    assert json.loads(server.stdout.readline())["id"] == 1
    return server


def ended_by(command: list, number: signal.Signals) -> int:
    server = started(command)
    server.send_signal(number)
    # The end of its output is the end of the program, too, not only of the wrapper.
    assert select.select([server.stdout], [], [], 20)[0], f"{number.name} did not reach the program"
    assert server.stdout.read() == b""
    return server.wait(60)


def children(process: int) -> list[int]:
    return [int(child) for child in pathlib.Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def killed(command: list) -> int:
    """How the wrapper ends when the program is killed."""
    server = started(command)
    os.kill(next(iter(children(server.pid)), server.pid), signal.SIGKILL)
    return server.wait(60)


def milliseconds(command: list) -> float:
    start = time.perf_counter()
    server = started(command)
    taken = time.perf_counter() - start
    server.stdin.close()
    server.wait(60)
    return taken * 1000


def same_as_alone(alone: list, wrapped: list, becomes: bool) -> None:
    calls = [["--version"], ["no-such-command"], ["status", "--json"], ["mcp"]]
    for call in calls:
        given = INITIALIZE if call == ["mcp"] else b""
        assert run(wrapped, *call, given=given) == run(alone, *call, given=given), call
    assert run(wrapped, "hook", "pre-tool", given=b"x" * 300_000) == run(alone, "hook", "pre-tool", given=b"x" * 300_000)
    for number in SIGNALS:
        assert ended_by(wrapped, number) == ended_by(alone, number), number
    assert killed(wrapped) == -signal.SIGKILL
    server = started(wrapped)
    assert len(children(server.pid)) == (0 if becomes else 1), children(server.pid)
    server.stdin.close()
    assert server.wait(60) == 0


def quick(alone: list, wrapped: list) -> float:
    """What the wrapper adds at best: a busy machine makes some starts slower, but none faster."""
    best = float("inf"), float("inf")
    for at in range(200):
        best = min(best[0], milliseconds(alone)), min(best[1], milliseconds(wrapped))
        if at >= 10 and best[1] - best[0] <= BUDGET:
            break
    assert best[1] - best[0] <= BUDGET, best
    return best[1] - best[0]


def refusals(folder: pathlib.Path) -> None:
    """What is said where the program is not there, cannot be run, or does not exist."""
    shutil.copytree(FOLDER, folder, symlinks=True)
    wrapper = folder / "node_modules/.bin/work"
    program = next((folder / "node_modules").glob("workstream-mcp-*/bin/work"))
    other = folder / "other.cjs"
    other.write_text("Object.defineProperty(process, 'arch', { value: 's390x' });\n")

    def refused(said: bytes, *node: str | pathlib.Path) -> None:
        code, out, error = run([*node, wrapper], "--version")
        assert (code, out, error.count(b"\n")) == (6, b"", 1) and said in error, (code, out, error)

    program.chmod(0o644)
    refused(b"cannot be started", NODE)
    refused(b"no program for linux-s390x", NODE, "--require", other)
    shutil.rmtree(program.parent.parent)
    refused(b"--omit=optional", NODE)


def main() -> None:
    install(FOLDER)
    wrapper = FOLDER / "node_modules/.bin/work"
    alone = [next((FOLDER / "node_modules").glob("workstream-mcp-*/bin/work"))]
    # As a Node.js that has no execve.
    old = FOLDER / "old.cjs"
    old.write_text("process.execve = undefined;\n")
    asked = subprocess.run([NODE, "--print", "!!process.execve"], capture_output=True, text=True, check=True)
    ways = {"spawn": [NODE, "--require", old, wrapper]}
    if asked.stdout == "true\n":
        ways["execve"] = [NODE, wrapper]
    else:
        assert not os.environ.get("CI"), f"{NODE} has no process.execve"
    for way, wrapped in ways.items():
        same_as_alone(alone, wrapped, becomes=way == "execve")
        print(f"{way}: {quick(alone, wrapped):.0f} ms more until the server answers")
    # By its first line, as npm's folder of programs is on the PATH.
    assert run([wrapper], "--version") == run(alone, "--version")
    refusals(FOLDER.with_name("npm-broken"))


main()
