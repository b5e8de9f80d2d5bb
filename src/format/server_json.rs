//! The file `work/.run/<uuid>`: what a server process says of itself, for people.

use serde::Deserialize;

use crate::board::Introduction;
use crate::moment::Moment;

#[derive(Deserialize)]
struct IntroductionRecord {
    client: Option<String>,
    process: Option<u32>,
    started_at: Option<String>,
}

/// Reads an introduction. `None`: the text is none.
pub(crate) fn read(text: &str) -> Option<Introduction> {
    let record: IntroductionRecord = serde_json::from_str(text).ok()?;
    let started_at = record.started_at.as_deref().and_then(Moment::parse);
    Some(Introduction { client: record.client, process: record.process, address: None, started_at })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let started_at = Moment::parse("2026-11-26T21:00:00Z");
        let client = Some("opencode 1.18.4".to_owned());
        for known in [Introduction { client, process: Some(7), address: None, started_at }, Introduction::default()] {
            assert_eq!(read(&serde_json::to_string(&known).unwrap()), Some(known));
        }
        for other in ["", "7", "{\"process\": \"seven\"}", "{"] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
