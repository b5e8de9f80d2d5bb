"""The official Python SDK, in the mode that is named: a whole batch, a refusal, a resource, a prompt."""

import asyncio
import json
import pathlib
import sys

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

COMMAND, FOLDER, MODE = sys.argv[1:]
EXPECTED = json.loads(pathlib.Path(__file__).with_name("outcomes.json").read_text())


async def main() -> None:
    server = stdio_client(StdioServerParameters(command=COMMAND, args=["mcp"], cwd=FOLDER))
    async with Client(server, mode=MODE) as client:

        async def call(name: str, **arguments: object) -> dict:
            result = await client.call_tool(name, arguments)
            assert not result.is_error, result
            return result.structured_content

        async def report(thread: str, attempt: int, status: str, **more: object) -> dict:
            return await call("update_thread", thread_id=thread, attempt=attempt, status=status, **more)

        assert len((await client.list_tools()).tools) == 6
        refused = await client.call_tool("read_thread", {"thread_id": "09.09.09"})
        assert refused.is_error and refused.content[0].text.startswith("error unknown_thread: "), refused
        dispatch = (await call("next_batch"))["dispatch"]
        assert dispatch == ["01.01.01", "01.01.02", "01.01.03"], dispatch
        await asyncio.gather(report("01.01.01", 1, "in_progress"), report("01.01.02", 1, "in_progress"))
        await report("01.01.01", 1, "completed", report="It works.", artifacts=["src/a.rs"])
        failed = await report("01.01.02", 1, "failed", report="timeout", transient=True)
        assert failed["decision"]["action"] == "retry", failed
        await report("01.01.02", 2, "in_progress")
        failed = await report("01.01.02", 2, "failed", report="timeout again", transient=True)
        assert failed["decision"]["action"] == "reassign", failed
        assert (await call("assign_thread", thread_id="01.01.02"))["agent"] == "system-engineer-opus"
        await report("01.01.02", 3, "in_progress")
        await report("01.01.02", 3, "completed", report="It works now.", next_steps=["find out why it failed"])
        silent = await report("01.01.03", 1, "failed", report="ended without a report")
        assert silent["decision"]["action"] == "block", silent
        outcome = await call("batch_outcome")
        assert outcome["outcomes"] == EXPECTED, outcome
        plan = await client.read_resource("work://001-clients/plan.md")
        assert plan.contents[0].text.startswith("# Plan: Clients"), plan
        prompt = await client.get_prompt("implement-thread", {"thread_id": "01.01.01"})
        assert "thread_id: 01.01.01" in prompt.messages[0].content.text, prompt


asyncio.run(main())
