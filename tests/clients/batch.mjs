// A planner's batch, as any client plays it: one thread works, one fails over, one stays silent.
// `call` carries out a tool and gives its structured answer; the outcomes must be those of outcomes.json.
import { readFileSync } from "node:fs";
import { deepStrictEqual as equal } from "node:assert";

export async function executeBatch(call) {
  const next = await call("next_batch", {});
  equal(next.dispatch, ["01.01.01", "01.01.02", "01.01.03"]);
  equal((await call("read_thread", { thread_id: "01.01.01" })).name, "Works");
  const report = (thread_id, attempt, status, more) =>
    call("update_thread", { thread_id, attempt, status, ...more });
  // Two workers at once.
  await Promise.all([report("01.01.01", 1, "in_progress"), report("01.01.02", 1, "in_progress")]);
  await report("01.01.01", 1, "completed", { report: "It works.", artifacts: ["src/a.rs"] });
  let failed = await report("01.01.02", 1, "failed", { report: "timeout", transient: true });
  equal(failed.decision, { action: "retry", agent: "system-engineer-codex", attempt: 2 });
  equal((await call("next_batch", {})).dispatch, ["01.01.02", "01.01.03"]);
  await report("01.01.02", 2, "in_progress");
  failed = await report("01.01.02", 2, "failed", { report: "timeout again", transient: true });
  equal(failed.decision, { action: "reassign", agent: "system-engineer-opus", attempt: 3 });
  equal((await call("assign_thread", { thread_id: "01.01.02" })).agent, "system-engineer-opus");
  await report("01.01.02", 3, "in_progress");
  await report("01.01.02", 3, "completed", { report: "It works now.", next_steps: ["find out why it failed"] });
  const unsettled = await call("batch_outcome", {});
  equal(unsettled.warnings, [
    "not started: 01.01.03 (attempt 1). If you have launched its worker it is lost: report it failed with that attempt; " +
      "else call next_batch",
  ]);
  const silent = await report("01.01.03", 1, "failed", { report: "ended without a report" });
  equal(silent.decision.action, "block");
  const outcome = await call("batch_outcome", {});
  equal(outcome.outcomes, JSON.parse(readFileSync(new URL("outcomes.json", import.meta.url))));
  equal([outcome.batch_completion_status, outcome.blocked_threads], ["blocked", ["01.01.03"]]);
}
