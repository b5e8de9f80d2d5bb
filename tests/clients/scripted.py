"""A server of a scripted model on loopback, and the Messages API's form of what it says."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def texts(content: object) -> str:
    """The text of a content, which is a text or a list of parts."""
    if isinstance(content, list):
        return "\n".join(str(part.get("text") or part.get("content") or "") for part in content)
    return str(content)


def results(body: dict) -> list[str]:
    """What the tools answered so far, in a request of the Messages API."""
    return [
        texts(part.get("content", ""))
        for message in body["messages"] if isinstance(message["content"], list)
        for part in message["content"] if part["type"] == "tool_result"
    ]


def message(step: tuple[str, dict] | str, number: int, model: str) -> list[dict]:
    """The events of an answer of the Messages API: a text, or a call of a tool."""
    if isinstance(step, str):
        block: dict = {"type": "text", "text": ""}
        delta: dict = {"type": "text_delta", "text": step}
        reason = "end_turn"
    else:
        block = {"type": "tool_use", "id": f"toolu_{number}", "name": step[0], "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(step[1])}
        reason = "tool_use"
    usage = {"input_tokens": 1, "output_tokens": 1}
    whole = {"id": f"msg_{number}", "type": "message", "role": "assistant", "model": model,
             "content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
    return [
        {"type": "message_start", "message": whole},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": usage},
        {"type": "message_stop"},
    ]


def serve(apis: dict[str, Callable[[dict], list[dict]]]) -> int:
    """Starts a server. `apis` has the events of an answer by the end of the path. Returns its port."""

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
            path = self.path.split("?")[0]
            answer = next((api for end, api in apis.items() if path.endswith(end)), None)
            if answer is None:
                return self.do_GET()
            events = answer(body)
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("connection", "close")
            self.end_headers()
            for event in events:
                self.wfile.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
            self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port
