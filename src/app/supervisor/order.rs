//! What a supervisor is told to run, in the form in which it reads it from its parent.

use std::io::{self, Read};

use serde::{Deserialize, Serialize};

/// The hidden subcommand that supervises.
pub const SUPERVISE: &str = "supervise";

/// What a supervisor runs.
#[derive(Debug, Serialize, Deserialize)]
pub(in super::super) enum Supervised {
    /// A check, for a shell.
    Check(String),
    /// A worker: a program and its arguments.
    Worker(Vec<String>),
}

/// What the parent of a supervisor tells it at first.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) run: Supervised,
    /// The exit code with which the supervisor says that the command exited with 0.
    pub(super) passing: i32,
}

impl Supervised {
    /// Returns the name of the variable that marks all processes of one run, by an id that no other run has.
    pub(super) fn mark(&self) -> &'static str {
        match self {
            Self::Check(_) => CHECK,
            Self::Worker(_) => WORKER,
        }
    }
}

pub(super) const CHECK: &str = "WORK_CHECK";

pub(in super::super) const WORKER: &str = "WORK_WORKER_ID";

impl Order {
    /// Returns the order as it is read: its length, and then JSON.
    pub(super) fn framed(&self) -> io::Result<Vec<u8>> {
        let text = serde_json::to_vec(self)?;
        let length = u32::try_from(text.len()).map_err(io::Error::other)?;
        Ok([length.to_le_bytes().as_slice(), &text].concat())
    }

    /// Reads an order; `None`: there is none.
    pub(super) fn read(mut input: impl Read) -> Option<Self> {
        let mut length = [0; 4];
        input.read_exact(&mut length).ok()?;
        let mut text = Vec::new();
        input.take(u64::from(u32::from_le_bytes(length))).read_to_end(&mut text).ok()?;
        serde_json::from_slice(&text).ok()
    }
}
