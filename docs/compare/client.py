"""A client of MCP over stdio that measures."""
import json
import subprocess


class Client:
    def __init__(self, argv, cwd, env):
        self.cwd, self.number = cwd, 0
        self.process = subprocess.Popen(argv, cwd=cwd, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True, bufsize=1, start_new_session=True)

    def send(self, message):
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self.process.stdin.flush()

    def request(self, method, params):
        self.number += 1
        self.send({"id": self.number, "method": method, "params": params})
        while True:
            line = self.process.stdout.readline()
            if not line:
                raise EOFError
            try:
                answer = json.loads(line)
            except ValueError:
                continue
            if "method" in answer and "id" in answer:
                roots = {"roots": [{"uri": f"file://{self.cwd}", "name": "project"}]}
                self.send({"id": answer["id"], "result": roots if answer["method"] == "roots/list" else {}})
            elif answer.get("id") == self.number:
                return answer

    def start(self):
        self.request("initialize", {"protocolVersion": "2025-06-18", "capabilities": {"roots": {}},
                                    "clientInfo": {"name": "compare", "version": "1"}})
        self.send({"method": "notifications/initialized"})
        return self

    def call(self, name, arguments):
        return self.request("tools/call", {"name": name, "arguments": arguments})

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass  # a request that it no longer read
