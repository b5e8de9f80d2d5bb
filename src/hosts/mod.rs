//! PURE. The hosts that `work init` sets up: programs that run coding agents and speak MCP (DESIGN §11). Each has a file
//! here: what it can do, and the pieces of its set-up. A new host is one file and one line of [`HOSTS`].
//!
//! How the hosts read their files was found by running them, where they can be run without an account, and is taken
//! from their documentation otherwise; [`Host::known_from`] says which.

#![expect(clippy::unnecessary_wraps, reason = "a row of the table has one shape, and some hosts read files")]

pub mod bundles;
mod changed;
mod claude;
mod codex;
mod copilot;
mod cursor;
mod gemini;
mod markdown;
mod opencode;
mod piece;
mod server_entry;
mod set_up;
mod settings;
mod vscode;
mod workers;

pub use piece::Direction;
pub use set_up::{Edit, HostsSetUp, set_up, signs_of};
pub use workers::{Told, WorkerCommand, WorkerStart, Workers, worker_hosts, worker_prompt};

use crate::fault::Fault;
use crate::roster::Roster;
use piece::Piece;

/// All hosts, in the order in which they are set up.
pub const HOSTS: [&Host; 7] =
    [&opencode::HOST, &claude::HOST, &codex::HOST, &vscode::HOST, &copilot::HOST, &cursor::HOST, &gemini::HOST];

/// A host: what it can do, and how it is set up.
#[derive(Debug)]
pub struct Host {
    /// Its option of `work init`, without the dashes.
    pub name: &'static str,
    /// Its name, for people.
    pub title: &'static str,
    /// Paths that show that a project uses it.
    pub signs: &'static [&'static str],
    /// What it can enforce.
    pub can: Abilities,
    /// How the planner's command is called.
    pub command: &'static str,
    /// The step after the set-up that only a person can take.
    pub next_step: &'static str,
    /// The version that was run, or that it is known from its documentation.
    pub known_from: &'static str,
    /// How `work run` starts workers of it; `None`: it cannot.
    pub workers: Option<Workers>,
    /// Returns the pieces of its set-up.
    pieces: fn(&dyn ProjectFiles, &Roster) -> Result<Vec<Piece>, Fault>,
    /// Returns what a person should look at once the pieces are in place, one sentence each: rules and settings of the
    /// project, or of the person's home, that void a piece.
    notes: fn(&dyn ProjectFiles, &Roster) -> Result<Vec<String>, Fault>,
}

/// What a host can enforce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// What keeps a worker from the tools of the planner.
    pub planner_tools: PlannerTools,
    /// How a gate command is refused.
    pub refuses_gates: Refuses,
    /// Whether a worker that ends without a report can be held.
    pub holds_silent_workers: bool,
}

/// What keeps a worker from the tools of the planner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlannerTools {
    /// It does not see them.
    Hidden,
    /// It sees them, and `work hook` refuses its calls.
    Refused,
    /// Nothing but its prompt.
    Open,
}

/// How a host refuses a gate command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refuses {
    /// It asks `work hook`, which parses the command.
    Hook,
    /// One release of it asks `work hook`, another one has patterns only, past which some spellings get.
    HookOrPatterns,
}

/// The files that a set-up reads.
pub trait ProjectFiles {
    /// Returns the text of a file of the project, or of one in the person's home, whose path begins with `~/`; `None` if
    /// there is none.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or is no UTF-8.
    fn text(&self, path: &str) -> Result<Option<String>, Fault>;

    /// Returns the folder of the project.
    fn root(&self) -> String;

    /// Returns the paths of the files below a folder of the project, relative to it, sorted.
    ///
    /// # Errors
    ///
    /// If a folder cannot be read.
    fn below(&self, folder: &str) -> Result<Vec<String>, Fault>;

    /// Returns whether the project has something at this path, be it a file or a folder.
    fn has(&self, path: &str) -> bool;
}
