"""A server of a scripted model on loopback, which speaks the APIs of hosts: Messages, Responses, chat completions and
generateContent. What it says is decided in one form for all of them."""

import itertools
import json
import threading
from collections.abc import Callable, Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

# What each answer says that it has cost. Two numbers, so that none is taken for the other.
INPUT_TOKENS, OUTPUT_TOKENS = 5, 2

Call = tuple[str, dict]
Steps = list[Call] | str
# Yields the next calls, and is sent what they answered.
Script = Generator[Steps, list[str], None]


class Request(NamedTuple):
    """What a host asks the model, in whichever API."""

    # What the conversation's user wrote, the names of the tools, and what all calls so far answered.
    users: list[str]
    offered: list[str]
    results: list[str]
    body: dict


class Refused(Exception):
    """The provider refuses, with this HTTP status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def texts(content: object) -> str:
    """The text of a content, which is a text or a list of parts."""
    if isinstance(content, list):
        return "\n".join(str(part.get("text") or part.get("content") or "") for part in content)
    return str(content)


def json_in(text: str) -> dict:
    """The JSON object in what a tool answered. Some hosts write lines of their own around it."""
    return json.JSONDecoder().raw_decode(text[text.index("{"):])[0]


class Player:
    """Plays a script for each conversation, to the end or to its first fault."""

    def __init__(self, begin: Callable[[str], Script]) -> None:
        # Makes the script of a conversation of that name.
        self.begin = begin
        self.scripts: dict[str, Script] = {}
        # How many results the next request of a script brings.
        self.awaited: dict[str, int] = {}
        self.seen: list[dict] = []
        self.failed: list[str] = []
        self.lock = threading.Lock()

    def next(self, who: str, request: Request) -> Steps:
        """The next steps of a conversation."""
        with self.lock:
            script = self.scripts.get(who)
            try:
                if script:
                    awaited = self.awaited[who]
                    step = script.send(request.results[-awaited:] if awaited else [])
                else:
                    script = self.scripts[who] = self.begin(who)
                    step = next(script)
            except StopIteration:
                step = "over"
            except (AssertionError, ValueError, KeyError) as error:
                self.failed.append(f"{who}: {type(error).__name__} {error}")
                step = "failed"
            self.awaited[who] = 0 if isinstance(step, str) else len(step)
            self.seen.append({"who": who, "offered": request.offered, "step": step, "body": json.dumps(request.body)})
        return step


class Messages:
    """Anthropic's Messages API."""

    path = "/messages"

    @staticmethod
    def read(body: dict) -> Request:
        parts = [(turn["role"], part) for turn in body["messages"] for part in
                 ([{"type": "text", "text": turn["content"]}] if isinstance(turn["content"], str) else turn["content"])]
        users = [part["text"] for role, part in parts if role == "user" and part["type"] == "text"]
        results = [texts(part.get("content", "")) for _, part in parts if part["type"] == "tool_result"]
        return Request(users, [tool.get("name", "") for tool in body.get("tools", [])], results, body)

    @staticmethod
    def say(steps: Steps, number: int, body: dict) -> list[dict | str]:
        usage = {"input_tokens": INPUT_TOKENS, "output_tokens": OUTPUT_TOKENS}
        whole = {"id": f"msg_{number}", "type": "message", "role": "assistant", "model": body.get("model", "m"),
                 "content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
        events: list[dict | str] = [{"type": "message_start", "message": whole}]
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


class Responses:
    """OpenAI's Responses API. Codex groups the tools of a server in a namespace."""

    path = "/responses"

    @staticmethod
    def spaces(body: dict) -> dict[str, str | None]:
        """The namespace of each tool, or nothing."""
        return {one.get("name", ""): tool.get("name") if tool.get("tools") else None
                for tool in body.get("tools", []) for one in tool.get("tools") or [tool]}

    @staticmethod
    def read(body: dict) -> Request:
        users = [texts(item["content"]) for item in body["input"] if item.get("type") == "message" and item["role"] == "user"]
        results = [texts(item.get("output", "")) for item in body["input"] if item.get("type") == "function_call_output"]
        return Request(users, list(Responses.spaces(body)), results, body)

    @staticmethod
    def say(steps: Steps, number: int, body: dict) -> list[dict | str]:
        if isinstance(steps, str):
            said = [{"type": "output_text", "text": steps, "annotations": []}]
            items: list[dict] = [{"type": "message", "id": f"msg_{number}", "role": "assistant", "status": "completed", "content": said}]
        else:
            spaces = Responses.spaces(body)
            items = [
                {"type": "function_call", "id": f"fc_{number}_{at}", "call_id": f"call_{number}_{at}", "name": name,
                 "arguments": json.dumps(arguments), "status": "completed",
                 **({"namespace": spaces[name]} if spaces.get(name) else {})}
                for at, (name, arguments) in enumerate(steps)
            ]
        usage = {"input_tokens": INPUT_TOKENS, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": OUTPUT_TOKENS,
                 "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS}
        response = {"id": f"resp_{number}", "object": "response"}
        events: list[dict | str] = [
            {"type": "response.created", "response": {**response, "status": "in_progress", "output": []}},
        ]
        for at, item in enumerate(items):
            events += [{"type": f"response.output_item.{what}", "output_index": at, "item": item} for what in ("added", "done")]
        done = {**response, "status": "completed", "output": items, "usage": usage}
        return [*events, {"type": "response.completed", "response": done}]


class Completions:
    """OpenAI's chat completions, which other providers speak too."""

    path = "/chat/completions"

    @staticmethod
    def read(body: dict) -> Request:
        said = lambda role: [texts(message["content"] or "") for message in body["messages"] if message["role"] == role]
        return Request(said("user"), [tool["function"]["name"] for tool in body.get("tools", [])], said("tool"), body)

    @staticmethod
    def say(steps: Steps, number: int, body: dict) -> list[dict | str]:
        delta: dict = {"role": "assistant"}
        if isinstance(steps, str):
            delta["content"] = steps
        else:
            delta["tool_calls"] = [
                {"index": at, "id": f"call_{number}_{at}", "type": "function",
                 "function": {"name": name, "arguments": json.dumps(arguments)}}
                for at, (name, arguments) in enumerate(steps)
            ]
        chunk = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": body.get("model", "m")}
        reason = "stop" if isinstance(steps, str) else "tool_calls"
        usage = {"prompt_tokens": INPUT_TOKENS, "completion_tokens": OUTPUT_TOKENS, "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS}
        return [
            {**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]},
            {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}], "usage": usage},
            "[DONE]",
        ]


class GenerateContent:
    """Google's generateContent."""

    path = "GenerateContent"

    @staticmethod
    def read(body: dict) -> Request:
        parts = [(turn.get("role"), part) for turn in body["contents"] for part in turn["parts"]]
        users = [part["text"] for role, part in parts if role == "user" and "text" in part]
        answered = [part["functionResponse"]["response"] for _, part in parts if "functionResponse" in part]
        results = [str(answer.get("output") or answer.get("error") or answer) for answer in answered]
        offered = [function["name"] for tool in body.get("tools", []) for function in tool.get("functionDeclarations", [])]
        return Request(users, offered, results, body)

    @staticmethod
    def say(steps: Steps, number: int, body: dict) -> list[dict | str]:
        said = [{"text": steps}] if isinstance(steps, str) else \
            [{"functionCall": {"name": name, "args": arguments}} for name, arguments in steps]
        usage = {"promptTokenCount": INPUT_TOKENS, "candidatesTokenCount": OUTPUT_TOKENS,
                 "totalTokenCount": INPUT_TOKENS + OUTPUT_TOKENS}
        candidate = {"content": {"role": "model", "parts": said}, "finishReason": "STOP", "index": 0}
        return [{"candidates": [candidate], "usageMetadata": usage, "modelVersion": "m"}]


APIS = (Messages, Responses, Completions, GenerateContent)


def serve(answer: Callable[[Request], Steps]) -> int:
    """Starts a server of a model that answers so, which may take its time, or raise `Refused`. Returns its port."""
    numbers = itertools.count(1)

    class Model(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_arguments: object) -> None:
            pass

        def refuse(self, status: int, body: bytes = b"") -> None:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_HEAD(self) -> None:
            self.refuse(404)

        def do_GET(self) -> None:
            self.refuse(404)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
            path = self.path.split("?")[0]
            api = next((api for api in APIS if path.endswith(api.path)), None)
            if api is None:
                return self.refuse(404)
            try:
                self.stream(api.say(answer(api.read(body)), next(numbers), body))
            except Refused as refused:
                error = {"type": "authentication_error", "code": "invalid_api_key", "message": "this key is not valid"}
                self.refuse(refused.status, json.dumps({"type": "error", "error": error}).encode())
            except ConnectionError:
                # The host was ended while the model held its answer back.
                self.close_connection = True

        def stream(self, events: list[dict | str]) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("connection", "close")
            self.end_headers()
            for event in events:
                name = f"event: {event['type']}\n" if isinstance(event, dict) and "type" in event else ""
                data = event if isinstance(event, str) else json.dumps(event)
                self.wfile.write(f"{name}data: {data}\n\n".encode())
            self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port
