"""The bundles against the schemas that they name, and the Agent Plugins bundle in Codex, if that is there.

Usage: bundles.py FOLDER HOME [CODEX]
"""

import copy
import json
import os
import pathlib
import shutil
import subprocess
import sys

import jsonschema

FOLDER, HOME = (pathlib.Path(word).resolve() for word in sys.argv[1:3])
CODEX = sys.argv[3:]
SCHEMAS = pathlib.Path(__file__).parent.parent / "schemas"


def valid(file: dict, schema: dict) -> bool:
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema).is_valid(file)


def run(*command: str) -> str:
    HOME.mkdir(exist_ok=True)
    environment = {"PATH": os.environ["PATH"], "HOME": str(HOME)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done
    return done.stdout


for path, schema in (
    ("server.json", "mcp-registry/server.schema.json"),
    ("agent-plugin/plugin.json", "agent-plugins/plugin.schema.json"),
    ("agent-plugin/mcp.json", "agent-plugins/mcp.schema.json"),
):
    file = json.loads((FOLDER / path).read_text())
    rules = json.loads((SCHEMAS / schema).read_text())
    assert file["$schema"] == rules["$id"], (file["$schema"], rules["$id"])
    assert valid(file, rules), path
    # A schema that lets everything through would prove nothing.
    for key in rules.get("required", ["name", "description", "version"]):
        broken = copy.deepcopy(file)
        broken[key] = 1
        assert not valid(broken, rules), (path, key)

if CODEX:
    # Codex installs from a marketplace alone.
    market = HOME / "market"
    (market / ".claude-plugin").mkdir(parents=True)
    entry = {"name": "work", "source": "./agent-plugin", "description": "work"}
    listed = {"name": "bundles", "owner": {"name": "test"}, "plugins": [entry]}
    (market / ".claude-plugin/marketplace.json").write_text(json.dumps(listed))
    shutil.copytree(FOLDER / "agent-plugin", market / "agent-plugin")
    run(*CODEX, "plugin", "marketplace", "add", str(market))
    run(*CODEX, "plugin", "add", "work@bundles")
    [server] = [line.split() for line in run(*CODEX, "mcp", "list").splitlines() if line.startswith("work ")]
    assert server[:3] == ["work", "work", "mcp"], server
