//! The schemas of tools, made from types. They are slim: what no model needs is not sent, because every session pays
//! for the tokens (DESIGN §13.3). Only a test uses this; the program reads the documents.

use std::any::Any;
use std::path::Path;

use rmcp::model::{JsonObject, Tool};
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde_json::Value;

use crate::board::ServerId;
use crate::clock::SystemClock;
use crate::decide::{Assignment, BatchOutcome, Brief, NextBatch, Updated, WorkstreamStatus};
use crate::mcp::WorkServer;
use crate::mcp::assign_thread::AssignThreadArguments;
use crate::mcp::batch_outcome::BatchOutcomeArguments;
use crate::mcp::next_batch::NextBatchArguments;
use crate::mcp::read_thread::ReadThreadArguments;
use crate::mcp::update_thread::UpdateThreadArguments;
use crate::mcp::workstream_status::WorkstreamStatusArguments;
use crate::store::{FileStore, WorkspaceLocation};
use crate::words::AgentWords;

/// Returns the schema of a tool's arguments, which models read.
fn input<T: JsonSchema + Any>() -> JsonObject {
    let settings = settings().with_transform(RecursiveTransform(SlimInput));
    object(settings.into_generator().into_root_schema_for::<T>())
}

/// Returns the schema of a tool's answer, which programs check. Clients do not show it to models, so it has no
/// descriptions.
fn output<T: JsonSchema + Any>() -> JsonObject {
    let settings = settings().for_serialize().with_transform(RecursiveTransform(SlimOutput));
    let mut schema = object(settings.into_generator().into_root_schema_for::<T>());
    // Programs rely on the keys of the answer itself. Of the values inside, only the kind is told.
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for (name, property) in properties.iter_mut() {
            // The outcomes of `batch_outcome` keep their seven keys, which are a contract (DESIGN §1). Those of
            // `next_batch` are an empty list or absent, so their type is `["array", "null"]`, and they are flattened.
            if name != "outcomes" || property.get("type").is_none_or(|kind| kind != "array") {
                flatten(property);
            }
        }
    }
    schema
}

/// Removes the properties of an object, and those of the entries of a list, so that only the kind is left.
fn flatten(schema: &mut Value) {
    let Value::Object(schema) = schema else { return };
    schema.remove("properties");
    if schema.get("items").is_some_and(|items| items.get("properties").is_some()) {
        schema.remove("items");
    }
}

/// Returns the settings of both schemas: no `$schema`, and no `$ref`, which several providers refuse.
fn settings() -> SchemaSettings {
    SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        settings.inline_subschemas = true;
    })
}

/// Returns a schema as a JSON object, without the title and description of its type.
fn object(schema: Schema) -> JsonObject {
    let Value::Object(mut object) = schema.to_value() else { return JsonObject::new() };
    object.remove("title");
    object.remove("description");
    object
}

/// Drops what costs tokens and tells a model nothing: number formats and bounds, titles, defaults of null and false,
/// and null as a type. Null is accepted all the same: it is read as absent (DESIGN §8).
#[derive(Clone)]
struct SlimInput;

impl Transform for SlimInput {
    fn transform(&mut self, schema: &mut Schema) {
        drop_formats(schema);
        if schema.get("default").is_some_and(|default| default.is_null() || *default == Value::Bool(false)) {
            schema.remove("default");
        }
        // `["string", "null"]` becomes `"string"`.
        let without_null = match schema.get("type") {
            Some(Value::Array(types)) => match types.as_slice() {
                [one, null] if null == "null" => Some(one.clone()),
                _ => None,
            },
            _ => None,
        };
        if let Some(one) = without_null {
            schema.insert("type".to_owned(), one);
        }
        // `anyOf: [X, {"type": "null"}]` becomes X.
        let of_null = match schema.get("anyOf") {
            Some(Value::Array(any)) => match any.as_slice() {
                [Value::Object(one), Value::Object(null)] if null.get("type").is_some_and(|null| null == "null") => {
                    Some(one.clone())
                }
                _ => None,
            },
            _ => None,
        };
        if let Some(one) = of_null {
            schema.remove("anyOf");
            for (key, value) in one {
                schema.insert(key, value);
            }
        }
    }
}

/// Drops number formats and bounds, titles, descriptions, and the list of required keys.
#[derive(Clone)]
struct SlimOutput;

impl Transform for SlimOutput {
    fn transform(&mut self, schema: &mut Schema) {
        drop_formats(schema);
        schema.remove("description");
        schema.remove("required");
        drop_variant_words(schema);
    }
}

/// Turns `oneOf` with a constant per entry into one `enum`. schemars makes the first of an enum whose variants have doc
/// comments.
fn drop_variant_words(schema: &mut Schema) {
    let Some(Value::Array(variants)) = schema.get("oneOf") else { return };
    let words: Option<Vec<Value>> = variants.iter().map(|variant| variant.get("const").cloned()).collect();
    if let Some(words) = words {
        schema.remove("oneOf");
        schema.insert("type".to_owned(), "string".into());
        schema.insert("enum".to_owned(), words.into());
    }
}

/// Drops the format and the bounds of a number, and the title.
fn drop_formats(schema: &mut Schema) {
    schema.remove("format");
    schema.remove("title");
    schema.remove("minimum");
    schema.remove("maximum");
}

/// Returns the tool of this name, with schemas made from `A`, its arguments, and `B`, its answer.
fn made<A: JsonSchema + Any, B: JsonSchema + Any>(tools: &[Tool], name: &str) -> Tool {
    let mut tool = tools.iter().find(|tool| tool.name == name).unwrap().clone();
    tool.input_schema = input::<A>().into();
    tool.output_schema = Some(output::<B>().into());
    tool
}

/// The documents in `tool-schemas/` are what the types make, and the server sends what is in them. With
/// `UPDATE_SCHEMAS=1` this writes the documents instead; then build again, since the program contains them.
#[test]
fn the_documents_are_what_the_tools_types_make() {
    let tools = WorkServer::new(
        Box::new(FileStore::new(WorkspaceLocation::default(), None)),
        Box::new(SystemClock),
        ServerId::fixed(1),
        AgentWords::default(),
        WorkspaceLocation::default(),
    )
    .tools();
    let made = [
        made::<AssignThreadArguments, Assignment>(&tools, "assign_thread"),
        made::<BatchOutcomeArguments, BatchOutcome<String, String>>(&tools, "batch_outcome"),
        made::<NextBatchArguments, NextBatch<String, String>>(&tools, "next_batch"),
        made::<ReadThreadArguments, Brief<String>>(&tools, "read_thread"),
        made::<UpdateThreadArguments, Updated>(&tools, "update_thread"),
        made::<WorkstreamStatusArguments, WorkstreamStatus<String, String>>(&tools, "workstream_status"),
    ];
    assert_eq!(made.len(), tools.len(), "each tool is here");
    for (tool, said) in made.iter().zip(&tools) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tool-schemas").join(format!("{}.json", tool.name));
        let text = serde_json::to_string_pretty(tool).unwrap() + "\n";
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            std::fs::write(path, text).unwrap();
            continue;
        }
        let written = std::fs::read_to_string(&path).unwrap();
        assert_eq!(written, text, "{}: run the tests with UPDATE_SCHEMAS=1 and review the difference", tool.name);
        assert_eq!(tool, said, "the server says what its types make");
    }
}
