//! The wire surface is a reviewed document: `tool-schemas/`, exact to the byte. `UPDATE_SCHEMAS=1`
//! rewrites it; what the types of a tool make is looked at in `src/mcp/schema/made.rs`.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use rmcp::ServerHandler as _;
use serde_json::{Value, json};
use workstream::board::{ReportedStatus, ServerId, Status};
use workstream::cli::exit_code;
use workstream::clock::SystemClock;
use workstream::decide::{
    Candidate, CheckEnd, CheckFailed, CheckFailure, Code, Exhausted, Field, PauseReason, PersonAct, PersonCommand,
    Proof, Refusal, TextProblem, UnclearThread, Wanted,
};
use workstream::fault::{Error, Fault};
use workstream::mcp::{INSTRUCTIONS, WorkServer};
use workstream::plan::{BatchId, StageNumber, ThreadId};
use workstream::store::{FileStore, WorkspaceLocation};
use workstream::words::{AgentWords, PersonWords, only_people_meet};

fn server() -> WorkServer {
    WorkServer::new(
        Box::new(FileStore::new(WorkspaceLocation::default(), None)),
        Box::new(SystemClock),
        ServerId::fixed(1),
        AgentWords::default(),
        WorkspaceLocation::default(),
    )
}

fn tools() -> Vec<Value> {
    server().tools().iter().map(|tool| serde_json::to_value(tool).unwrap()).collect()
}

/// What the server says of itself. Its version is left out, so that a release changes no document.
fn introduction() -> Value {
    let info = serde_json::to_value(server().get_info()).unwrap();
    json!({
        "name": info["serverInfo"]["name"],
        "title": info["serverInfo"]["title"],
        "capabilities": info["capabilities"],
        "instructions": info["instructions"],
    })
}

/// Every refusal and fault with an example, in the words that agents read.
fn refusals() -> Value {
    let thread = ThreadId::new(1, 2, 3);
    let batch = BatchId::new(1, 2);
    let path = PathBuf::from("work/001-search-api/threads.json");
    let text = str::to_owned;
    let refused = |refusal: Refusal| Error::Refusal(refusal);
    let command = |act| Some(PersonCommand { act, workstream: None });
    let release = PersonCommand { act: PersonAct::Release, workstream: None };
    let examples = [
        refused(Refusal::BadText { field: Field::Report, problem: TextProblem::TooLong(2_001) }),
        refused(Refusal::NoWorkspace { searched: text("/home/ann or above it") }),
        refused(Refusal::NoCurrentWorkstream { known: vec![text("001-search-api"), text("002-billing")] }),
        refused(Refusal::UnknownWorkstream { given: text("serch"), known: vec![text("001-search-api")] }),
        refused(Refusal::UnknownBatch { batch, known: vec![text("01.01")] }),
        refused(Refusal::UnknownThread { thread, closest: vec![text("01.02.01"), text("01.02.02")] }),
        refused(Refusal::UnknownAgent { agent: text("opus"), closest: vec![text("system-engineer-opus")] }),
        refused(Refusal::ReportRequired { thread, said: ReportedStatus::Completed }),
        refused(Refusal::InvalidTransition {
            thread,
            now: Status::Cancelled,
            wanted: Wanted::Reported(ReportedStatus::Completed),
        }),
        refused(Refusal::BatchNotReady { batch, earlier: Some(BatchId::new(1, 1)) }),
        refused(Refusal::AwaitingApproval {
            reason: PauseReason::StageNotApproved(StageNumber(1)),
            command: command(PersonAct::ApproveStage(StageNumber(1))),
        }),
        refused(Refusal::AlreadyRunning { thread, attempt: 1, agent: text("system-engineer-codex") }),
        refused(Refusal::StaleAttempt { thread, given: 1, latest: 2 }),
        refused(Refusal::ReassignmentRequired { thread, candidate: text("system-engineer-opus") }),
        refused(Refusal::FailoverExhausted { thread, why: Exhausted::BudgetsUsed, now: Status::Blocked }),
        refused(Refusal::NotInFamily {
            agent: text("frontend-designer-grok"),
            current: text("system-engineer-codex"),
            candidates: vec![text("system-engineer-opus"), text("default")],
        }),
        refused(Refusal::HeldByAnotherPlanner { batch, holder: ServerId::fixed(1), command: release }),
        refused(Refusal::PlanHasProblems { workstream: text("001-search-api"), problems: Vec::new() }),
        refused(Refusal::StageNotComplete { stage: StageNumber(1), open: vec![(thread, Status::Blocked)] }),
        refused(Refusal::ForceRequired { thread, now: Status::Completed, said: ReportedStatus::Pending }),
        refused(Refusal::UnknownStage { stage: StageNumber(9), known: vec![StageNumber(1), StageNumber(2)] }),
        refused(Refusal::AlreadyExists { workstream: "001-search".to_owned() }),
        refused(Refusal::UnclearThreads {
            unclear: vec![UnclearThread {
                thread_id: thread,
                name: text("Rows"),
                status: Status::Completed,
                candidates: vec![
                    Candidate { thread_id: thread, name: text("Lines") },
                    Candidate { thread_id: ThreadId::new(1, 2, 4), name: text("Columns") },
                ],
                suggested: Some(thread),
            }],
            approved_text: true,
        }),
        refused(Refusal::CheckFailed(Box::new(CheckFailed {
            of: Proof::Thread(thread, 1),
            command: text("cargo test"),
            failure: CheckFailure { end: CheckEnd::Exited(101), output: String::new(), log: String::new() },
            left: Some(4),
        }))),
        Fault::PlanUnreadable { path: "work/001-search-api/PLAN.md".into(), why: text("it does not exist") }.into(),
        Fault::StateUnreadable { path: path.clone(), at: Some((12, 1)), why: text("key must be a string") }.into(),
        Fault::Busy { path: "work/.run/lock".into() }.into(),
        Fault::Io { doing: "replace", path, source: io::ErrorKind::StorageFull.into() }.into(),
    ];
    let row = |stopped: &Error| {
        let code = stopped.code();
        let is_a_persons = only_people_meet(code);
        json!({
            "code": code.word(),
            "meaning": code.meaning(),
            "example": stopped.to_string(),
            "hint": if is_a_persons { PersonWords::default().hint(stopped) } else { AgentWords::default().hint(stopped) },
            "met_by": if is_a_persons { "people" } else { "agents and people" },
            "exit_code": exit_code(code),
        })
    };
    assert_eq!(examples.iter().map(Error::code).collect::<Vec<_>>(), Code::ALL, "an example of each");
    examples.iter().map(row).collect()
}

fn name(tool: &Value) -> &str {
    tool["name"].as_str().unwrap()
}

#[test]
fn the_documents_are_what_the_server_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tool-schemas");
    let own = [("_refusals.json", refusals()), ("_server.json", introduction())];
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        for (file, document) in &own {
            std::fs::write(folder.join(file), serde_json::to_string_pretty(document).unwrap() + "\n").unwrap();
        }
        // Those of the tools are rewritten from their types, and are part of this program as it was built.
        return;
    }
    let of_tools = tools().into_iter().map(|tool| (format!("{}.json", name(&tool)), tool));
    let documents: BTreeMap<String, Value> =
        own.into_iter().map(|(file, document)| (file.to_owned(), document)).chain(of_tools).collect();
    let mut files: Vec<String> =
        std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    assert_eq!(files, documents.keys().cloned().collect::<Vec<_>>(), "a file per tool, and a tool per file");
    for (file, document) in documents {
        let written = std::fs::read_to_string(folder.join(&file)).unwrap();
        let expected = serde_json::to_string_pretty(&document).unwrap() + "\n";
        assert_eq!(written, expected, "{file}: run the tests with UPDATE_SCHEMAS=1 and review the difference");
    }
}

#[test]
fn every_tool_says_what_a_model_and_a_client_need() {
    let tools = tools();
    assert_eq!(
        tools.iter().map(name).collect::<Vec<_>>(),
        ["assign_thread", "batch_outcome", "next_batch", "read_thread", "update_thread", "workstream_status"]
    );
    for tool in &tools {
        let name = name(tool);
        assert!(tool["title"].is_string() && tool["description"].is_string(), "{name}");
        for hint in ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"] {
            assert!(tool["annotations"][hint].is_boolean(), "{name}: {hint} is set on purpose");
        }
        let reads = matches!(name, "batch_outcome" | "read_thread" | "workstream_status");
        assert_eq!(tool["annotations"]["readOnlyHint"], json!(reads), "{name}");
        let input = &tool["inputSchema"];
        assert_eq!(input["additionalProperties"], json!(false), "{name}: unknown arguments are refused");
        for (argument, schema) in input["properties"].as_object().unwrap() {
            let says_it_all = matches!(argument.as_str(), "status" | "reason");
            assert_eq!(schema["description"].is_string(), !says_it_all, "{name}: {argument} is described");
            assert!(schema["type"].is_string(), "{name}: {argument} has one type");
        }
        assert_eq!(tool["outputSchema"]["type"], "object", "{name}");
        let text = tool.to_string();
        for useless in ["$schema", "$ref", "$defs", "\"format\"", "\"default\":null"] {
            assert!(!text.contains(useless), "{name} has {useless}");
        }
    }
}

#[test]
fn the_surface_stays_small() {
    // Bytes, not tokens: they need no tokenizer and grow with them.
    let tools = tools();
    let seen_by_models: usize = tools
        .iter()
        .map(|tool| {
            json!({"name": tool["name"], "description": tool["description"], "inputSchema": tool["inputSchema"]})
                .to_string()
                .len()
        })
        .sum();
    let whole = json!({"tools": tools}).to_string().len();
    // tests/clients/tokens.mjs counts the tokens of the same: 700 for all, 450 for the four of the user's card.
    assert!(seen_by_models <= 2_800, "{seen_by_models} bytes are shown to models");
    assert!(whole <= 7_000, "tools/list has {whole} bytes");
    assert_eq!(INSTRUCTIONS.matches(". ").count() + 1, 3, "the instructions are three sentences");
}
