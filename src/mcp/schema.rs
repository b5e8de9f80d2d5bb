//! The schemas of tools, slim: what no model needs is not sent (MCP.md §6), and the other way round:
//! arguments, read as strictly as their schema says.

use std::any::Any;
use std::sync::Arc;

use rmcp::model::JsonObject;
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::decide::Refusal;
use crate::plan::{BatchId, MalformedId, ThreadId};

/// How much is said about arguments that do not fit, in characters.
const MAX_COMPLAINT_CHARS: usize = 300;

/// Returns the schema of a tool's arguments, as models read it.
pub(super) fn input<T: JsonSchema + Any>() -> Arc<JsonObject> {
    let settings = settings().with_transform(RecursiveTransform(SlimInput));
    Arc::new(object(settings.into_generator().into_root_schema_for::<T>()))
}

/// Returns the schema of a tool's answer, as programs check it. No model is shown it, so it carries no
/// words.
pub(super) fn output<T: JsonSchema + Any>() -> Arc<JsonObject> {
    let settings = settings().for_serialize().with_transform(RecursiveTransform(SlimOutput));
    let mut schema = object(settings.into_generator().into_root_schema_for::<T>());
    // Which keys there are is what programs rely on; that each is always there the types say to people.
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for (name, property) in properties.iter_mut() {
            // Those of next_batch are always none.
            if name != "outcomes" || property.get("type").is_none_or(|kind| kind != "array") {
                flatten(property);
            }
        }
    }
    Arc::new(schema)
}

/// Of what stands inside of objects and lists only the kind is told: a client pays for every byte of the
/// list of tools, and no model sees this. The seven keys of an outcome are a contract, and stay.
fn flatten(schema: &mut Value) {
    let Value::Object(schema) = schema else { return };
    schema.remove("properties");
    if schema.get("items").is_some_and(|items| items.get("properties").is_some()) {
        schema.remove("items");
    }
}

/// Reads the arguments of a call. The refusal names the argument.
pub(super) fn parse<T: DeserializeOwned>(arguments: JsonObject) -> Result<T, Refusal> {
    serde_path_to_error::deserialize(Value::Object(arguments)).map_err(|error| {
        let path = error.path().to_string();
        let message = match path.as_str() {
            "." => error.inner().to_string(),
            path => format!("{path}: {}", error.inner()),
        };
        // The message repeats what was sent, which can be anything.
        let message: String = message.chars().take(MAX_COMPLAINT_CHARS).collect();
        Refusal::invalid(message, "call again with arguments that fit the tool's schema")
    })
}

fn settings() -> SchemaSettings {
    SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        settings.inline_subschemas = true;
    })
}

fn object(schema: Schema) -> JsonObject {
    let Value::Object(mut object) = schema.to_value() else { return JsonObject::new() };
    object.remove("title");
    object.remove("description");
    object
}

/// Drops what costs tokens and says nothing: number formats, titles, defaults of null, and null itself
/// as a type, which is accepted all the same.
#[derive(Clone)]
struct SlimInput;

impl Transform for SlimInput {
    fn transform(&mut self, schema: &mut Schema) {
        drop_formats(schema);
        if schema.get("default").is_some_and(|default| default.is_null() || *default == Value::Bool(false)) {
            schema.remove("default");
        }
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

/// Drops number formats, titles and descriptions, and which keys are always there: all that are not null.
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

/// schemars makes a list of constants of an enum whose variants are documented; it is one enum.
fn drop_variant_words(schema: &mut Schema) {
    let Some(Value::Array(variants)) = schema.get("oneOf") else { return };
    let words: Option<Vec<Value>> = variants.iter().map(|variant| variant.get("const").cloned()).collect();
    if let Some(words) = words {
        schema.remove("oneOf");
        schema.insert("type".to_owned(), "string".into());
        schema.insert("enum".to_owned(), words.into());
    }
}

fn drop_formats(schema: &mut Schema) {
    schema.remove("format");
    schema.remove("title");
    schema.remove("minimum");
    schema.remove("maximum");
}

/// Reads the id of a thread, padded or not.
pub(super) fn thread_id(text: &str) -> Result<ThreadId, Refusal> {
    text.parse().map_err(|malformed: MalformedId| {
        Refusal::invalid(format!("thread_id: {malformed}"), "use the thread_id you were given")
    })
}

/// Reads the id of a batch, padded or not.
pub(super) fn batch_id(text: &str) -> Result<BatchId, Refusal> {
    text.parse().map_err(|malformed: MalformedId| {
        Refusal::invalid(format!("batch: {malformed}"), "leave it out for the batch handed out last")
    })
}
