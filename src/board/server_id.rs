//! The name of a server process: what cycles and attempts record of who holds them.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use uuid::Uuid;

/// The random name that a server process draws when it starts (DESIGN §6a). It is also a file name
/// in `work/.run/`, so only the hyphenated form of a UUID is read as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerId(Uuid);

impl ServerId {
    /// Returns a fixed name, for tests.
    pub const fn fixed(number: u128) -> Self {
        Self(Uuid::from_u128(number))
    }

    /// Returns the lower half of the name, in which all bits but the first two are drawn.
    pub fn number(self) -> u64 {
        self.0.as_u64_pair().1
    }
}

impl From<Uuid> for ServerId {
    /// Names a server process by a UUID that was drawn for it alone.
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

/// A text that is not the name of a server process.
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
