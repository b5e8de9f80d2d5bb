// The server's entries that `work init` writes are those that `add-mcp` writes, host by host.

import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { upsertServer } from "add-mcp"
import TOML from "@iarna/toml"
import { parse as parseJsonc } from "jsonc-parser"

const [work, scratch] = process.argv.slice(2)
const hosts = {
    opencode: ["opencode", "mcp"],
    claude: ["claude-code", "mcpServers"],
    codex: ["codex", "mcp_servers"],
    vscode: ["vscode", "servers"],
    copilot: ["github-copilot-cli", "mcpServers"],
    cursor: ["cursor", "mcpServers"],
    gemini: ["gemini-cli", "mcpServers"],
}
const parse = (file) => {
    const text = readFileSync(file, "utf8")
    return file.endsWith(".toml") ? TOML.parse(text) : parseJsonc(text)
}

for (const [host, [agent, key]] of Object.entries(hosts)) {
    const theirs = mkdtempSync(join(scratch, "add-mcp-"))
    process.chdir(theirs)
    const written = await upsertServer(agent, "work", { type: "stdio", command: "work", args: ["mcp"] }, { local: true, cwd: theirs })
    assert.ok(written.success, `${host}: ${JSON.stringify(written)}`)
    const file = written.path.slice(theirs.length + 1)
    const ours = mkdtempSync(join(scratch, "work-init-"))
    execFileSync("git", ["init", "-q"], { cwd: ours })
    execFileSync(work, ["init", `--${host}`], { cwd: ours, stdio: "pipe" })
    // Of the two names that OpenCode reads, each of the programs takes another one.
    const own = readdirSync(ours, { recursive: true }).find((path) => path === file || `${path}c` === file)
    assert.ok(own && statSync(join(ours, own)).isFile(), `${host}: there is no ${file}`)
    assert.deepEqual(parse(join(ours, own))[key].work, parse(written.path)[key].work, host)
}
