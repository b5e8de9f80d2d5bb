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


def json_in(text: str) -> dict:
    """The JSON object in what a tool answered. Some hosts write lines of their own around it."""
    return json.JSONDecoder().raw_decode(text[text.index("{"):])[0]


def message(steps: list[tuple[str, dict]] | str, number: int, model: str) -> list[dict]:
    """The events of an answer of the Messages API: a text, or calls of tools."""
    usage = {"input_tokens": 1, "output_tokens": 1}
    whole = {"id": f"msg_{number}", "type": "message", "role": "assistant", "model": model,
             "content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
    events: list[dict] = [{"type": "message_start", "message": whole}]
    called = not isinstance(steps, str)
    for at, step in enumerate(steps if called else [steps]):
        if called:
            block: dict = {"type": "tool_use", "id": f"toolu_{number}_{at}", "name": step[0], "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(step[1])}
        else:
            block, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": step}
        events += [
            {"type": "content_block_start", "index": at, "content_block": block},
            {"type": "content_block_delta", "index": at, "delta": delta},
            {"type": "content_block_stop", "index": at},
        ]
    reason = "tool_use" if called else "end_turn"
    end = {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": usage}
    return [*events, end, {"type": "message_stop"}]


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
                name = f"event: {event['type']}\n" if "type" in event else ""
                self.wfile.write(f"{name}data: {json.dumps(event)}\n\n".encode())
            self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port
