//! The id of a server process. Cycles and attempts record it to say which process holds them (DESIGN §6a).

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::moment::Moment;

/// The random id that a server process draws when it starts: a UUID (DESIGN §6a). It is also the name of a file in
/// `work/.run/`, so only the hyphenated form is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerId(Uuid);

impl ServerId {
    /// Returns a fixed id, for tests.
    pub const fn fixed(number: u128) -> Self {
        Self(Uuid::from_u128(number))
    }

    /// Returns the lower 64 bits of the id. All of them are random, except for the highest two.
    pub fn number(self) -> u64 {
        self.0.as_u64_pair().1
    }
}

impl From<Uuid> for ServerId {
    /// Makes the id from a random UUID that no other process uses.
    fn from(drawn: Uuid) -> Self {
        Self(drawn)
    }
}

impl Serialize for ServerId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.hyphenated())
    }
}

/// What is known of a server process beside its id, as people are shown it. Nothing may depend on it: the process says
/// it of itself, or the database of its connection.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Introduction {
    /// The MCP client that it serves, with its version, such as `opencode 1.18.4`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Its process id on its machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<u32>,
    /// The network address of its machine, if it works in a database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// When it started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Moment>,
}

/// The error for a text that is not the id of a server process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the UUID of a server process")]
pub struct NotAServer;

impl FromStr for ServerId {
    type Err = NotAServer;

    fn from_str(text: &str) -> Result<Self, NotAServer> {
        const HYPHENATED: usize = 36;
        if text.len() != HYPHENATED {
            return Err(NotAServer);
        }
        Uuid::try_parse(text).map(Self).map_err(|_| NotAServer)
    }
}
