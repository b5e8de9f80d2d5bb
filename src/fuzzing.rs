//! What the fuzzers of `fuzz/` call, and a test that calls it with what they have found so far. Not part
//! of the program.

use std::path::Path;
use std::sync::Arc;

use rmcp::transport::Transport as _;

use crate::board::ServerId;
use crate::clock::SteppingClock;
use crate::decide::{AgentRequest, Mapping, PersonRequest, Scope};
use crate::fault::Error;
use crate::plan::{fixed, parse};
use crate::roster::Roster;
use crate::store::files::disk::memory::MemoryDisk;
use crate::store::{FileStore, WorkspaceLocation};
use crate::transact::{AgentDoor, Ask, transact_for_person};
use crate::words::AgentWords;

const PLAN: &str = "# Plan: P\n## Stages\n### Stage 1: S\n##### Batch 1: B\n###### Thread 1: T\n###### Thread 2: U\n";
const THREADS: &str = r#"{"version": "1.0.0", "threads": [{"threadId": "01.01.01", "status": "completed"}]}"#;
const INDEX: &str = r#"{"version": "1.0.0", "streams": [{"id": "001-a", "approval": {"status": "approved"}}]}"#;
const AGENTS: &str = "agents: [{name: default}, {name: system-engineer-a}]\n";

/// A workspace in which one file is what the fuzzer says: whatever is asked, what can be read can be
/// written and read again, and what cannot be read stays as it is.
///
/// # Panics
///
/// If that is not so: that is what a fuzzer looks for.
pub fn workspace(file: &str, text: &[u8]) {
    let path = format!("/w/work/{file}");
    let mut files = vec![
        ("/w/work/index.json", INDEX),
        ("/w/work/agents.yaml", AGENTS),
        ("/w/work/001-a/PLAN.md", PLAN),
        ("/w/work/001-a/threads.json", THREADS),
    ];
    files.retain(|(known, _)| *known != path);
    let disk = MemoryDisk::with(&files);
    disk.put(&path, text);
    let place = WorkspaceLocation { root: Some(Path::new("/w").to_owned()), ..WorkspaceLocation::default() };
    let clock = SteppingClock::default();
    let ask = |request: &AgentRequest| {
        let before = disk.bytes(&path);
        let server = ServerId::fixed(1);
        let store = FileStore::on(Arc::new(disk.clone()), place.clone(), Some(server));
        let door = AgentDoor::new(Box::new(store), Box::new(SteppingClock::default()), server);
        let answer = door.ask(Ask::new(Some("001-a"), request.clone()));
        match &answer {
            Ok(answer) => drop(
                serde_json::to_string(&answer.clone().worded(&AgentWords::default()))
                    .map_err(|error| panic!("{error}")),
            ),
            Err(stopped) => {
                assert_eq!(disk.bytes(&path), before, "{stopped}: and the file is another one");
                assert!(!AgentWords::default().hint(stopped).is_empty());
            }
        }
        answer.map(drop)
    };
    let before = ask(&AgentRequest::WorkstreamStatus);
    let _ = ask(&AgentRequest::Report(Scope::Workstream));
    let _ = ask(&AgentRequest::NextBatch);
    let _ = ask(&AgentRequest::BatchOutcome(None));
    let store = FileStore::on(Arc::new(disk.clone()), place.clone(), None);
    let _ = transact_for_person(&store, &clock, Some("001-a"), &PersonRequest::Validate);
    let approve =
        PersonRequest::ApprovePlan { force: true, mapping: Mapping::default(), by: "ann".to_owned(), seen: None };
    let approved = transact_for_person(&store, &clock, Some("001-a"), &approve);
    if let Err(Error::Fault(_)) = approved {
        return;
    }
    let after = ask(&AgentRequest::WorkstreamStatus);
    assert!(before.is_err() || after.is_ok(), "it was readable and was written: {:?}", after.err());
}

/// A plan: whatever it says, what is certain can be fixed, once and for all.
///
/// # Panics
///
/// If that is not so.
pub fn plan(text: &[u8]) {
    workspace("001-a/PLAN.md", text);
    let Ok(text) = std::str::from_utf8(text) else { return };
    let roster = Roster::undeclared(["default", "system-engineer-a"]);
    for problem in parse(text).problems {
        assert!(problem.edit.is_none_or(|edit| text.get(edit.range).is_some()), "an edit out of the text");
    }
    let mended = fixed(text, &roster).text;
    assert_eq!(fixed(&mended, &roster).applied, 0, "{mended:?}: and more is certain");
}

/// Lines from a client: every line that comes back is one JSON object.
///
/// # Panics
///
/// If that is not so.
pub fn client(input: &[u8]) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else { return };
    let (mut client, server) = tokio::io::duplex(64 * 1024);
    let input = input.to_vec();
    let written = runtime.block_on(async move {
        let mut wire = crate::mcp::wire(std::io::Cursor::new(input), server);
        while wire.receive().await.is_some() {}
        let _ = wire.close().await;
        drop(wire);
        let mut written = Vec::new();
        let read = tokio::io::AsyncReadExt::read_to_end(&mut client, &mut written);
        let _ = tokio::time::timeout(std::time::Duration::from_millis(5), read).await;
        written
    });
    for line in String::from_utf8_lossy(&written).lines() {
        let answer: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(answer["error"].is_object(), "{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An input that a fuzzer has found: a line of `fuzz/found/TARGET.jsonl`.
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Found {
        Text(String),
        Bytes(Vec<u8>),
    }

    /// Calls a fuzzer's function with each of its inputs: those that people wrote, then those that it has found.
    fn replay(target: &str, call: impl Fn(&[u8])) {
        let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
        let written = fuzz.join("corpus").join(target);
        let folder = std::fs::read_dir(&written).unwrap_or_else(|error| panic!("{}: {error}", written.display()));
        let mut inputs = 0;
        for entry in folder {
            let path = entry.unwrap().path();
            // Where it panics, this is what it was.
            println!("{}", path.display());
            call(&std::fs::read(path).unwrap());
            inputs += 1;
        }
        assert!(inputs > 0, "{}: there is no input", written.display());
        let archive = fuzz.join("found").join(format!("{target}.jsonl"));
        let found = std::fs::read_to_string(&archive).unwrap_or_else(|error| panic!("{}: {error}", archive.display()));
        assert!(!found.is_empty(), "{}: there is no input", archive.display());
        for (line, number) in found.lines().zip(1..) {
            println!("{}:{number}", archive.display());
            match serde_json::from_str(line).unwrap() {
                Found::Text(text) => call(text.as_bytes()),
                Found::Bytes(bytes) => call(&bytes),
            }
        }
    }

    #[test]
    fn what_the_fuzzers_have_found_is_handled() {
        replay("plan", plan);
        replay("threads_json", |text| workspace("001-a/threads.json", text));
        replay("index_json", |text| workspace("index.json", text));
        replay("agents_yaml", |text| workspace("agents.yaml", text));
        replay("client", client);
    }
}
