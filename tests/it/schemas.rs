//! The wire surface is a reviewed document: `tool-schemas/`, exact to the byte. `UPDATE_SCHEMAS=1`
//! rewrites it.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use workstream::board::ServerId;
use workstream::clock::SystemClock;
use workstream::mcp::{INSTRUCTIONS, WorkServer, refusal_table};
use workstream::store::Place;

fn tools() -> Vec<Value> {
    let server = WorkServer::new(Place::default(), Box::new(SystemClock), ServerId::fixed(1));
    server.tools().iter().map(|tool| serde_json::to_value(tool).unwrap()).collect()
}

fn name(tool: &Value) -> &str {
    tool["name"].as_str().unwrap()
}

#[test]
fn the_documents_are_what_the_server_says() {
    let mut documents: BTreeMap<String, Value> =
        tools().into_iter().map(|tool| (format!("{}.json", name(&tool)), tool)).collect();
    documents.insert("_refusals.json".to_owned(), refusal_table());
    documents.insert("_server.json".to_owned(), json!({"instructions": INSTRUCTIONS}));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tool-schemas");
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        for (file, document) in &documents {
            std::fs::write(folder.join(file), serde_json::to_string_pretty(document).unwrap() + "\n").unwrap();
        }
    }
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
        let reads = matches!(name, "read_thread" | "workstream_status");
        assert_eq!(tool["annotations"]["readOnlyHint"], json!(reads), "{name}");
        let input = &tool["inputSchema"];
        assert_eq!(input["additionalProperties"], json!(false), "{name}: unknown arguments are refused");
        for (argument, schema) in input["properties"].as_object().unwrap() {
            assert!(schema["description"].is_string(), "{name}: {argument} is described");
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
    assert!(seen_by_models <= 3_200, "{seen_by_models} bytes are shown to models");
    assert!(whole <= 11_800, "tools/list has {whole} bytes");
    assert_eq!(INSTRUCTIONS.matches(". ").count() + 1, 3, "the instructions are three sentences");
}
