"""The MCP server of beads, without its program `bd`: tools, tokens, memory. usage: beads.py HOME VENV"""
import json
import os
import sys

import compare
from tools import Tool


class Beads(Tool):
    name = "beads"

    @property
    def mcp(self):
        return [f"{sys.argv[2]}/bin/beads-mcp"]

    def setup(self, at, n):
        self.git(at)


print(json.dumps({"tool": "beads", "what": "mcp", "load": round(os.getloadavg()[0], 2), **compare.mcp(Beads(sys.argv[1], ""))}))
