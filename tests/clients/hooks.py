"""Claude Code, the real program, with the two hooks of `work`, and a scripted model on loopback.

The model's shell tries to pass a gate through a variable, then only talks about it. Its subagent starts a thread
and ends without a report: the hook holds it once, and it reports.
"""

import json
import os
import pathlib
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

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


def texts(content: object) -> str:
    if isinstance(content, list):
        return "\n".join(str(part.get("text") or part.get("content") or "") for part in content)
    return str(content)


def worker(results: int, body: str) -> tuple[str, dict] | str:
    if results == 0:
        return "mcp__work__update_thread", START
    if "has no report" not in body:
        return "I have nothing to say."
    return ("mcp__work__update_thread", {**START, "status": "completed", "report": "It works."}) if results == 1 else "done"


def next_step(body: dict) -> tuple[str, dict] | str:
    if not body.get("tools"):
        return "a title"
    results = [
        texts(part.get("content", ""))
        for message in body["messages"] if isinstance(message["content"], list)
        for part in message["content"] if part["type"] == "tool_result"
    ]
    if "WORKER" in texts(body["messages"][0]["content"]):
        step = worker(len(results), json.dumps(body["messages"]))
        SEEN.append({"worker": True, "step": step})
        return step
    step = PLANNER[len(results)] if len(results) < len(PLANNER) else "OUTCOMES " + results[-1]
    SEEN.append({"worker": False, "step": step, "results": results})
    return step


class Model(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_arguments: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.send_response(404)
        self.send_header("content-length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
        if not self.path.split("?")[0].endswith("/messages"):
            return self.do_GET()
        step = next_step(body)
        if isinstance(step, str):
            block: dict = {"type": "text", "text": ""}
            delta: dict = {"type": "text_delta", "text": step}
            reason = "end_turn"
        else:
            block = {"type": "tool_use", "id": f"toolu_{len(SEEN)}", "name": step[0], "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(step[1])}
            reason = "tool_use"
        usage = {"input_tokens": 1, "output_tokens": 1}
        message = {"id": f"msg_{len(SEEN)}", "type": "message", "role": "assistant", "model": body.get("model", "m"),
                   "content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
        events = [
            {"type": "message_start", "message": message},
            {"type": "content_block_start", "index": 0, "content_block": block},
            {"type": "content_block_delta", "index": 0, "delta": delta},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": usage},
            {"type": "message_stop"},
        ]
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        for event in events:
            self.wfile.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
        self.close_connection = True


def main() -> None:
    model = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=model.serve_forever, daemon=True).start()
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
        "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{model.server_port}", "ANTHROPIC_API_KEY": "none",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1",
    }
    command = [PROGRAM, "-p", "execute the next batch", "--mcp-config", "mcp.json", "--strict-mcp-config",
               "--allowedTools", "mcp__work,Bash,Agent", "--output-format", "text"]
    run = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=110, stdin=subprocess.DEVNULL)
    about = (run.returncode, run.stdout[-1500:], run.stderr[-1500:], SEEN)
    assert "OUTCOMES " in run.stdout, about
    results = SEEN[-1]["results"]
    assert "`work approve --force` is a person's decision, and was not run." in results[1], results[1]
    assert "then the person runs: work approve plan" in results[2], results[2]
    steps = [seen["step"] for seen in SEEN if seen["worker"]]
    assert [step if isinstance(step, str) else step[1]["status"] for step in steps] == [
        "in_progress", "I have nothing to say.", "completed", "done"], steps
    assert '"report":"It works."' in results[-1], results[-1]


main()
