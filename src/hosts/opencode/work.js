// Asks `work hook` before each call of a tool, and refuses what only a person decides. Written by `work init`.
import { spawnSync } from "node:child_process"

export const WorkHook = async ({ directory }) => ({
  "tool.execute.before": async ({ tool }, { args }) => {
    const call = JSON.stringify({ tool_name: tool, tool_input: args, cwd: directory })
    // Without the program there is nothing to ask, and the call runs.
    const hook = spawnSync("work", ["hook", "pre-tool"], { input: call, encoding: "utf8" })
    if (hook.status === 2) throw new Error(hook.stderr)
  },
})
