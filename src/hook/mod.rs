//! PURE. What `work hook` decides (DESIGN §11): whether a tool call that a host is about to run passes a gate, or changes
//! what keeps an approval; and whether a worker ends without a report.
//!
//! A rule of a host is a pattern over the text of a command. It lets through what it does not foresee, and stops what
//! only talks about a gate. So the command is parsed as a shell does it (`shell`, `wrappers`), and the programs that it
//! runs are judged (`gate`). It is a hindrance for a model that takes a short cut, not a wall: a program that a model
//! wrote can run anything.

mod gate;
mod payload;
mod shell;
mod transcript;
mod wrappers;

#[cfg(test)]
mod tests;

pub use gate::{Effort, Gate, judge_work};
pub use payload::{PlannersCall, Told, judge_call, planners_call, told_by};
pub use transcript::{Started, started};
