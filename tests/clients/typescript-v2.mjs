// The TypeScript SDK 2.x, in the era that is named.
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { deepStrictEqual as equal } from "node:assert";
import { executeBatch } from "./batch.mjs";

const [command, cwd, era] = process.argv.slice(2);
const versionNegotiation = era === "modern" ? { mode: { pin: "2026-07-28" } } : undefined;
const client = new Client({ name: "clients", version: "1" }, { versionNegotiation });
await client.connect(new StdioClientTransport({ command, args: ["mcp"], cwd }));
equal((await client.listTools()).tools.length, 6);
await executeBatch(async (name, args) => {
  const result = await client.callTool({ name, arguments: args });
  equal(result.isError ?? false, false, JSON.stringify(result));
  return result.structuredContent;
});
await client.close();
