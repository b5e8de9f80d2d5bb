//! `workstream` executes a plan batch by batch for planners that are language models: who runs which
//! thread, what follows a failure, when a person must decide. It is the library behind the program
//! `work`, whose `work mcp` is an MCP server over stdio and whose other commands are for people.
//!
//! # Layout, in the order in which a request flows
//!
//! | room | what it is for | what it must never do |
//! |---|---|---|
//! | [`mcp`] | the agents' door: tools → [`decide::AgentRequest`] | say anything of a gate |
//! | [`cli`] | the people's door: commands → [`decide::PersonRequest`] | – |
//! | [`words`] | what each reader is told of a fact: commands, flags, names of tools | decide anything |
//! | `document` | answers as Markdown | – |
//! | [`app`] | what a person asks that is more than one decision: init, create, import, push, pull | know a file's format by itself |
//! | [`transact`] | lock → read → decide → commit → answer | know what is asked |
//! | [`store`] | a trait that means the same for every backend, and the backends: files, PostgreSQL | know a rule |
//! | `format` | the text of index.json, threads.json, agents.yaml, tasks.json ↔ what it says | read a file |
//! | [`decide`] | (scene, request) → answer and events, or a refusal: facts | touch disk, clock, environment, network; word anything for a door |
//! | [`board`], [`index`], [`roster`] | what the files of the state say, in memory | know a rule, a clock |
//! | [`plan`], [`moment`] | PLAN.md → a plan and its problems; an instant | read a file, a clock; fail |
//! | [`prompts`], [`opencode`] | what planners, workers and OpenCode are told | read or write a file |
//! | [`fault`] | how the machine can fail, as opposed to the rules saying no | – |
//! | [`clock`], `person` | the only ones who ask what time it is, and who is there | – |
//!
//! Data flows down this list; nothing points back up. Three kinds of bad news have three types:
//! [`plan::Problem`] (the plan is wrong), [`decide::Refusal`] (the rules say no), [`fault::Fault`] (the
//! machine failed). A panic is a bug.
//!
//! # Invariants
//!
//! - The MCP door cannot express a gate: [`decide::AgentRequest`] has no such variant.
//! - Handing out work requires a [`plan::ApprovedPlan`], which only [`plan::PlanApproval::admit`] makes.
//! - What runs follows the text that a person approved, never the file as somebody is editing it; and state
//!   follows the thread, not its number: [`plan::follow`] says which thread of another text is which.
//! - A thread's status changes by one table, [`board::transition`].
//! - What can be derived is never stored: "ready", "settled", "complete", the next attempt's number.
//! - An answer leaves [`transact`] only when what it says is durable; a refusal changes nothing.
//! - A file that cannot be read is never written; what the program does not know in a file stays
//!   there, in its place and to the last digit.
//! - Nothing but the protocol is written to stdout by the server.
//!
//! # Walkthrough: a worker reports
//!
//! `tools/call update_thread` arrives in [`mcp`] as a line, becomes arguments, then
//! [`decide::AgentRequest::UpdateThread`]. [`transact`] takes the workspace's lock, reads the files as they
//! are now into a [`store::Snapshot`] (parsed again only where they are others), and asks [`decide`]. The decision first ends the attempts of
//! processes that are gone, checks the attempt number as a fencing token, looks the transition up, and
//! records events in a [`decide::Ledger`], each applied to a copy of the board at once. The store writes
//! the records that changed, syncs, renames, syncs the folder; only then does the answer leave. What came
//! in meanwhile goes into the next commit together.

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
pub mod index;
#[deny(clippy::disallowed_methods)]
pub mod moment;
#[deny(clippy::disallowed_methods)]
pub mod opencode;
#[deny(clippy::disallowed_methods)]
pub mod plan;
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
pub mod transact;
