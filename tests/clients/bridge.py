"""HTTP to stdio, for the official conformance suite, which speaks HTTP only. Not for anything else.

A legacy session is a server process of its own; requests of the modern era, which need no session, share one.
"""

import itertools
import json
import queue
import subprocess
import sys
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT, *COMMAND = sys.argv[1:]
SESSIONS: dict[str, "Process"] = {}
LISTEN = "subscriptions/listen"


class Process:
    """A server process; its answers go to who waits for them, its notifications to who listens."""

    def __init__(self) -> None:
        self.child = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.waiting: dict[int, tuple[object, queue.Queue]] = {}
        self.listening: list[queue.Queue] = []
        self.ids = itertools.count(1)
        self.lock = threading.Lock()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self) -> None:
        for line in self.child.stdout:
            message = json.loads(line)
            if "method" not in message and message.get("id") in self.waiting:
                message["id"], answers = self.waiting.pop(message["id"])
                answers.put(message)
                continue
            meta = message.get("params", {}).get("_meta", {})
            subscription = meta.get("io.modelcontextprotocol/subscriptionId")
            if subscription in self.waiting:
                meta["io.modelcontextprotocol/subscriptionId"], answers = self.waiting[subscription]
                answers.put(message)
            for listener in self.listening:
                listener.put(message)

    def send(self, message: dict) -> queue.Queue | None:
        """Sends a message under an id of our own, since several clients may use the same one."""
        answers = None
        with self.lock:
            if "id" in message and "method" in message:
                own = next(self.ids)
                answers = queue.Queue()
                self.waiting[own] = (message["id"], answers)
                message = {**message, "id": own}
            elif message.get("method") == "notifications/cancelled":
                wanted = message["params"].get("requestId")
                own = next((own for own, (known, _) in self.waiting.items() if known == wanted), wanted)
                message = {**message, "params": {**message["params"], "requestId": own}}
            self.child.stdin.write(json.dumps(message) + "\n")
            self.child.stdin.flush()
        return answers


def http_status(answer: dict) -> int:
    """The status that the modern era wants over HTTP for an answer."""
    error = answer.get("error", {})
    if error.get("code") in (-32020, -32021, -32022) or "request _meta" in error.get("message", ""):
        return 400
    return 404 if error.get("code") == -32601 else 200


class Bridge(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_arguments: object) -> None:
        pass

    def answer(self, status: int, body: dict | None = None, session: str | None = None) -> None:
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        if session:
            self.send_header("mcp-session-id", session)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def stream(self, messages: queue.Queue, until_answer: bool) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            while True:
                message = messages.get()
                self.wfile.write(f"event: message\ndata: {json.dumps(message)}\n\n".encode())
                self.wfile.flush()
                if until_answer and "method" not in message:
                    return
        except OSError:
            pass

    def is_local(self) -> bool:
        host = self.headers.get("host", "").rsplit(":", 1)[0]
        origin = self.headers.get("origin", "http://localhost")
        is_local = host in ("localhost", "127.0.0.1", "[::1]") and origin.split("//")[-1].rsplit(":", 1)[0] in ("localhost", "127.0.0.1", "[::1]")
        if not is_local:
            self.answer(403, {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "not local"}})
        return is_local

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if not self.is_local():
            return
        message = json.loads(body)
        session = self.headers.get("mcp-session-id")
        is_modern = "io.modelcontextprotocol/protocolVersion" in message.get("params", {}).get("_meta", {})
        if message.get("method") == "initialize" and not is_modern:
            session = str(uuid.uuid4())
            SESSIONS[session] = Process()
        process = SESSIONS.get(session or "modern")
        if process is None and session is None:
            process = SESSIONS.setdefault("modern", Process())
        if process is None:
            return self.answer(404, {"jsonrpc": "2.0", "id": message.get("id"), "error": {"code": -32001, "message": "no such session"}})
        answers = process.send(message)
        if answers is None:
            return self.answer(202)
        if message["method"] == LISTEN:
            return self.stream(answers, until_answer=True)
        answer = answers.get(timeout=60)
        self.answer(http_status(answer), answer, session if message["method"] == "initialize" and not is_modern else None)

    def do_GET(self) -> None:
        process = SESSIONS.get(self.headers.get("mcp-session-id") or "")
        if process is None:
            return self.answer(405)
        messages: queue.Queue = queue.Queue()
        process.listening.append(messages)
        self.stream(messages, until_answer=False)

    def do_DELETE(self) -> None:
        process = SESSIONS.pop(self.headers.get("mcp-session-id") or "", None)
        if process is not None:
            process.child.stdin.close()
        self.answer(200 if process else 404)


ThreadingHTTPServer(("127.0.0.1", int(PORT)), Bridge).serve_forever()
