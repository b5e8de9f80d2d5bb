//! `work` executes a written plan, batch by batch, for planners that are language models. This library decides which
//! agent runs which thread, what follows a failure, and when a person has to act. `work mcp` is an MCP server over
//! stdio for agents; the other commands are for people.
//!
//! The contract is in docs/design.md, and the words are in docs/glossary.md.
//!
//! # Layout, in the order in which a request flows
//!
//! | room | what it is for | what it must never do |
//! |---|---|---|
//! | [`mcp`] | the agents' door: tools become an [`decide::AgentRequest`] | pass a gate |
//! | [`cli`] | the people's door: commands become a [`decide::PersonRequest`] | decide anything |
//! | [`words`] | commands, hints and sentences for the facts in answers | decide anything |
//! | `document` | answers as Markdown and HTML | decide anything |
//! | [`app`] | commands that are more than one decision: init, create, import, push, pull, run | parse a file by itself |
//! | [`transact`] | lock, read, decide, commit, answer | know what is asked |
//! | [`store`] | one trait, and its backends: files and PostgreSQL | know a rule |
//! | `format` | the texts of index.json, threads.json, agents.yaml, and of files that are imported | read a file |
//! | [`fault`] | how the machine can fail | – |
//! | [`planner`] | the planner as a program: what a run does after each answer | start anything |
//! | [`prompts`], [`hosts`] | texts for planners and workers, and the set-up of their hosts | read or write a file |
//! | [`hook`] | what a shell command does, and whether a tool call of a host passes a gate | run anything |
//! | `system` | what each operating system has in another way: shells, signals, locks, the folders of a user | know a rule |
//! | [`clock`], `person` | the time, and the name of the person; asked nowhere else | – |
//! | [`decide`] | the rules: a request gives an answer and events, or a refusal | read a disk or a clock; word texts |
//! | [`board`], [`index`] | the state in memory | know a rule or a clock |
//! | [`path_style`] | how a system writes paths | read a file |
//! | [`plan`], [`roster`], [`moment`] | PLAN.md as a plan and its problems; the agents; an instant | read a file or a clock; fail |
//!
//! Data flows down this list, and nothing points back up. Three kinds of bad news have three types:
//! [`plan::Problem`] (the plan is wrong at a place), [`decide::Refusal`] (the rules say no) and [`fault::Fault`] (the
//! machine failed). A panic is a bug.
//!
//! # Invariants
//!
//! - The MCP server cannot pass a gate: [`decide::AgentRequest`] has no variant for one.
//! - Handing out work requires a [`plan::ApprovedPlan`], which only [`plan::PlanApproval::admit`] makes.
//! - Execution follows the approved text, not a PLAN.md that is being edited. State follows the thread, not its number:
//!   [`plan::follow`] finds out which thread of a changed plan is which.
//! - The status of a thread changes by one table, [`board::transition`].
//! - What can be derived is never stored: "ready", "settled", "complete", the number of the next attempt.
//! - An answer leaves [`transact`] only when what it says is durable. A refusal changes nothing.
//! - A file that cannot be read is never written. What the program does not know in a file keeps its place and its
//!   text.
//! - The server writes nothing but the protocol to stdout.
//!
//! # Walkthrough: a worker reports
//!
//! A worker calls `update_thread` with `completed`. This is the way of that one request, file by file:
//!
//! 1. `mcp/wire.rs` reads one line from stdin. It answers a malformed one itself; `mcp/backlog.rs` stops reading while
//!    the client leaves too many answers unread.
//! 2. `mcp/mod.rs` (`call_tool`) finds the tool. `mcp/update_thread.rs` parses the arguments, with `mcp/schema.rs` and
//!    `mcp/lenient.rs`, into a [`decide::AgentRequest::UpdateThread`].
//!    What its artifacts claim is looked at first (`mcp/checks.rs`, `app/checks/evidence.rs`). If the rules answer that
//!    checks have to pass (5), `mcp/checks.rs` has them run by `app/checks/`, and asks again with their results.
//! 3. The request writes, so `transact/group.rs` (`submit`) queues it. If no commit of this queue is under way, a
//!    thread of `mcp/workers.rs` becomes the leader and commits for all calls that are queued (group commit).
//! 4. The leader calls [`store::Store::begin`], which returns a [`store::Snapshot`].
//!    - Files: `store/files/lock.rs` takes the lock of the workspace, and finishes the journal of a process that died.
//!      `store/files/read.rs` reads index.json, PLAN.md, agents.yaml and threads.json, and `format/` parses what is not
//!      in the cache.
//!    - PostgreSQL: a server that was the last to write the workstream uses its own copy, without a lock. Otherwise
//!      `store/postgres/rows.rs` locks the row of the workstream and reads what is newer than its copy.
//! 5. `decide/mod.rs` calls `decide/update_thread/mod.rs` with a [`decide::Scene`] and a [`decide::Ledger`]. It checks
//!    the texts, `sweep.rs` ends attempts of dead servers, `fence.rs` checks the attempt number, and `step.rs` carries
//!    the transition out. Each [`board::Event`] changes the ledger's copy of the board at once (`board/apply.rs`).
//! 6. After a refusal the leader drops the events of this call and goes on with the next one. Then
//!    [`store::PendingWrite::commit`] writes the events of all calls, all or nothing.
//!    - Files: `format/threads_json/` writes the new text and keeps what it does not know. `store/files/commit.rs`
//!      writes a temporary file, syncs it, renames it over threads.json and syncs the folder. Several files go through
//!      a journal.
//!    - PostgreSQL: `store/postgres/change.rs` sends one statement, which commits. Without a lock it writes only if the
//!      rows that the decision read are unchanged; otherwise the calls are decided again under the lock of the row.
//! 7. Now the change is durable, and the call gets its [`decide::AgentAnswer`]. `words/agents.rs` words its facts, and
//!    `mcp/mod.rs` makes it structured content. A refusal or a fault becomes text in `mcp/refused.rs`. The line goes
//!    through `mcp/backlog.rs` to stdout.

// The pure rooms: clippy denies them the disk, the clock, the environment and chance (.clippy.toml has the list).
#[deny(clippy::disallowed_methods)]
pub mod board;
#[deny(clippy::disallowed_methods)]
pub mod closest;
#[deny(clippy::disallowed_methods)]
pub mod decide;
#[deny(clippy::disallowed_methods)]
mod document;
#[deny(clippy::disallowed_methods)]
mod format;
#[deny(clippy::disallowed_methods)]
pub mod hook;
#[deny(clippy::disallowed_methods)]
pub mod hosts;
#[deny(clippy::disallowed_methods)]
pub mod index;
#[deny(clippy::disallowed_methods)]
pub mod moment;
#[deny(clippy::disallowed_methods)]
pub mod path_style;
#[deny(clippy::disallowed_methods)]
pub mod plan;
#[deny(clippy::disallowed_methods)]
pub mod planner;
#[deny(clippy::disallowed_methods)]
pub mod prompts;
#[deny(clippy::disallowed_methods)]
pub mod roster;
#[deny(clippy::disallowed_methods)]
mod wording;
#[deny(clippy::disallowed_methods)]
pub mod words;

// The doors, the edges, and what stands between.
pub mod app;
pub mod cli;
pub mod clock;
pub mod fault;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod mcp;
mod person;
pub mod store;
mod system;
pub mod transact;
