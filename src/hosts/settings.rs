//! A settings file of a host, as a text that is changed in place: JSON with or without comments, or TOML. Comments,
//! other keys, their order and the layout stay as they are.

use jsonc_parser::cst::{CstInputValue, CstNode, CstObject, CstRootNode};
use jsonc_parser::{CollectOptions, ParseOptions, ast, parse_to_ast};
use serde_json::Value;
use toml_edit::{DocumentMut, Item, TableLike};

use super::ProjectFiles;
use super::changed::Changed;
use crate::fault::Fault;

/// Keys that say of what form a file is. Alone they have no effect.
const BASE_KEYS: [&str; 2] = ["$schema", "version"];

/// A settings file that was parsed.
pub(super) struct Settings {
    path: String,
    text: String,
    form: Form,
}

enum Form {
    Json(CstRootNode),
    Toml(Box<DocumentMut>),
}

impl Settings {
    /// Parses a file by the end of its name. An empty text is an empty file.
    ///
    /// # Errors
    ///
    /// If the text cannot be parsed, or is no object.
    pub(super) fn parse(path: &str, text: &str) -> Result<Self, Fault> {
        let form = if path.rsplit('.').next() == Some("toml") {
            let parsed = text.parse::<DocumentMut>().map_err(|error| {
                let at = error.span().map(|span| position(text, span.start));
                bad(path, at, error.message())
            })?;
            Form::Toml(Box::new(parsed))
        } else {
            let root = parse_json(path, text)?;
            require_single_keys(path, text)?;
            root.object_value_or_create().ok_or_else(|| bad(path, None, "it is no object"))?;
            Form::Json(root)
        };
        Ok(Self { path: path.to_owned(), text: text.to_owned(), form })
    }

    /// Returns a file that is only looked at; `None` if there is none, or it cannot be parsed.
    pub(super) fn seen(files: &dyn ProjectFiles, path: &str) -> Result<Option<Self>, Fault> {
        Ok(files.text(path)?.and_then(|text| Self::parse(path, &text).ok()))
    }

    /// Returns whether an array has one of these texts as an element.
    pub(super) fn lists(&self, at: &[&str], one_of: &[&str]) -> bool {
        self.elements(at).iter().any(|name| name.as_str().is_some_and(|name| one_of.contains(&name)))
    }

    /// Returns the elements of an array; none if there is no array.
    pub(super) fn elements(&self, at: &[&str]) -> Vec<Value> {
        match self.get(at) {
            Some(Value::Array(elements)) => elements,
            _ => Vec::new(),
        }
    }

    /// Returns the value under a path of keys.
    pub(super) fn get(&self, at: &[&str]) -> Option<Value> {
        match &self.form {
            Form::Json(root) => {
                let whole = root.to_serde_value()?;
                at.iter().try_fold(&whole, |value, key| value.get(key)).cloned()
            }
            Form::Toml(document) => {
                at.iter().try_fold(document.as_item(), |item, key| item.get(key)).and_then(value_of)
            }
        }
    }

    /// Sets a key behind those that are there, and makes the objects on the way to it.
    ///
    /// # Errors
    ///
    /// If something else than an object is on the way.
    pub(super) fn set(&mut self, at: &[&str], value: &Value) -> Result<(), Fault> {
        let Some((key, above)) = at.split_last() else { return Ok(()) };
        match &mut self.form {
            Form::Json(root) => {
                object(root, above).map_err(|key| bad(&self.path, None, &no_object(&key)))?.append(key, input(value));
            }
            Form::Toml(document) => {
                let table = table(document, above).map_err(|key| bad(&self.path, None, &no_object(&key)))?;
                table.insert(key, item(value));
            }
        }
        Ok(())
    }

    /// Adds an element at the end of an array, and makes the array if it is missing.
    ///
    /// # Errors
    ///
    /// If something else is there, or on the way.
    pub(super) fn push(&mut self, at: &[&str], value: &Value) -> Result<(), Fault> {
        let Some((key, above)) = at.split_last() else { return Ok(()) };
        let not_an_array = || bad(&self.path, None, &format!("{} is no array", at.join(".")));
        match &mut self.form {
            Form::Json(root) => {
                let object = object(root, above).map_err(|key| bad(&self.path, None, &no_object(&key)))?;
                let array = object.array_value_or_create(key).ok_or_else(not_an_array)?;
                array.append(input(value));
                if value.is_object() {
                    array.ensure_multiline();
                }
            }
            Form::Toml(document) => {
                let table = table(document, above).map_err(|key| bad(&self.path, None, &no_object(&key)))?;
                let array = table.entry(key).or_insert_with(|| toml_edit::value(toml_edit::Array::new()));
                let array = array.as_array_mut().ok_or_else(not_an_array)?;
                array.push_formatted(item(value).into_value().map_err(|_| not_an_array())?);
                array.fmt();
            }
        }
        Ok(())
    }

    /// Removes a key, and the objects that it leaves empty.
    pub(super) fn remove(&mut self, at: &[&str]) {
        let Some((key, above)) = at.split_last() else { return };
        match &mut self.form {
            Form::Json(root) => {
                let Some(object) = find_object(root, above) else { return };
                if let Some(property) = object.get(key) {
                    property.remove();
                }
            }
            Form::Toml(document) => {
                let Ok(table) = table(document, above) else { return };
                let comment = comment_before(table, key);
                table.remove(key);
                let rest = document.trailing().as_str().unwrap_or_default().to_owned();
                document.set_trailing(comment + &rest);
            }
        }
        self.remove_if_empty(above);
    }

    /// Removes the elements of an array that are equal to a value, and what they leave empty.
    pub(super) fn pull(&mut self, at: &[&str], value: &Value) {
        if !self.elements(at).contains(value) {
            return;
        }
        let Some((key, above)) = at.split_last() else { return };
        let is_empty = match &mut self.form {
            Form::Json(root) => {
                let Some(array) = find_object(root, above).and_then(|object| object.array_value(key)) else { return };
                for element in array.elements() {
                    if element.to_serde_value().as_ref() == Some(value) {
                        element.remove();
                    }
                }
                array.elements().is_empty() && !has_comment(&array.children())
            }
            Form::Toml(document) => {
                let array = table(document, above).ok().and_then(|table| table.get_mut(key)?.as_array_mut());
                let Some(array) = array else { return };
                array.retain(|element| value_of(&Item::Value(element.clone())).as_ref() != Some(value));
                array.is_empty()
            }
        };
        if is_empty {
            self.remove(at);
        }
    }

    fn remove_if_empty(&mut self, at: &[&str]) {
        let is_empty = self.get(at).is_some_and(|value| value.as_object().is_some_and(serde_json::Map::is_empty));
        let has_comment = match &self.form {
            Form::Json(root) => find_object(root, at).is_some_and(|object| has_comment(&object.children())),
            Form::Toml(_) => false,
        };
        if !at.is_empty() && is_empty && !has_comment {
            self.remove(at);
        }
    }

    /// Returns whether nothing stands in the file but the keys `ours`: no other key, and no comment.
    pub(super) fn has_only(&self, ours: &[&str]) -> bool {
        let has_comment = match &self.form {
            Form::Json(root) => has_comment(&root.children()),
            Form::Toml(_) => self.text().contains('#'),
        };
        let keys = self.get(&[]).unwrap_or_default();
        !has_comment && keys.as_object().is_some_and(|keys| keys.keys().all(|key| ours.contains(&key.as_str())))
    }

    /// Returns the line in which a key stood when the file was read, from 1; `None` if it was not there.
    pub(super) fn line(&self, at: &[&str]) -> Option<usize> {
        let start = match &self.form {
            Form::Json(_) => {
                let parsed = parse_to_ast(&self.text, &CollectOptions::default(), &JSON).ok()?;
                let (key, above) = at.split_last()?;
                let mut object = parsed.value.as_ref()?.as_object()?;
                for key in above {
                    object = object.get_object(key)?;
                }
                object.get(key)?.range.start
            }
            Form::Toml(_) => {
                let parsed = toml_edit::Document::parse(self.text.as_str()).ok()?;
                let item = at.iter().try_fold(parsed.as_item(), |item, key| item.get(key))?;
                item.span()?.start
            }
        };
        Some(position(&self.text, start).0)
    }

    /// Returns a note about a key: where it stands, and what is told of it.
    pub(super) fn note(&self, at: &[&str], told: &str) -> String {
        let line = self.line(at).map(|line| format!(":{line}")).unwrap_or_default();
        format!("{}{line}: {} {told}", self.path, at.join("."))
    }

    /// Returns the file after `what` was removed from it. One in which nothing is left goes.
    pub(super) fn ended(self, what: Vec<String>, notes: Vec<String>) -> Changed {
        let is_empty = !what.is_empty() && self.has_only(&BASE_KEYS);
        let was_there = !self.text.is_empty();
        Changed { text: (was_there && !is_empty).then(|| self.text()), what, notes }
    }

    /// Returns the text as it is now.
    pub(super) fn text(&self) -> String {
        match &self.form {
            Form::Json(root) => root.to_string(),
            // The library writes line feeds only.
            Form::Toml(document) if self.text.contains("\r\n") => {
                document.to_string().replace("\r\n", "\n").replace('\n', "\r\n")
            }
            Form::Toml(document) => document.to_string(),
        }
    }
}

/// Fails if an object has a key twice: what stands under the first one has no effect, and would be changed.
pub(super) fn require_single_keys(path: &str, text: &str) -> Result<(), Fault> {
    let Ok(parsed) = parse_to_ast(text.trim_start_matches('\u{feff}'), &CollectOptions::default(), &JSON) else {
        return Ok(());
    };
    let mut open: Vec<&ast::Value> = parsed.value.iter().collect();
    while let Some(value) = open.pop() {
        match value {
            ast::Value::Array(array) => open.extend(&array.elements),
            ast::Value::Object(object) => {
                let mut keys = std::collections::HashSet::new();
                for property in &object.properties {
                    if !keys.insert(property.name.as_str()) {
                        let at = Some(position(text, property.range.start));
                        return Err(bad(path, at, &format!("the key {:?} stands twice", property.name.as_str())));
                    }
                    open.push(&property.value);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// What the hosts accept: JSON with comments and trailing commas.
const JSON: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_trailing_commas: true,
    allow_loose_object_property_names: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// Parses JSON with comments. An empty text is an empty object.
pub(super) fn parse_json(path: &str, text: &str) -> Result<CstRootNode, Fault> {
    let text = text.trim_start_matches('\u{feff}');
    let text = if text.trim().is_empty() { "{}\n" } else { text };
    CstRootNode::parse(text, &JSON)
        .map_err(|error| bad(path, Some((error.line_display(), error.column_display())), &error.kind().to_string()))
}

/// Returns the fault of a file that cannot be read or completed. It is left as it is.
pub(super) fn bad(path: &str, at: Option<(usize, usize)>, why: &str) -> Fault {
    Fault::StateUnreadable { path: path.into(), at, why: why.to_owned() }
}

/// Returns the line and the column of a place in a text, both from 1.
fn position(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// Returns the object under a path of keys. The ones that are missing are made. The error names the key under which
/// something else stands.
fn object(root: &CstRootNode, at: &[&str]) -> Result<CstObject, String> {
    let object = root.object_value_or_create().ok_or("it")?;
    at.iter().enumerate().try_fold(object, |object, (depth, key)| {
        object.object_value_or_create(key).ok_or_else(|| at[..=depth].join("."))
    })
}

fn find_object(root: &CstRootNode, at: &[&str]) -> Option<CstObject> {
    at.iter().try_fold(root.object_value()?, |object, key| object.object_value(key))
}

/// As [`object`], in TOML.
fn table<'d>(document: &'d mut DocumentMut, at: &[&str]) -> Result<&'d mut dyn TableLike, String> {
    let mut table: &mut dyn TableLike = document.as_table_mut();
    for (depth, key) in at.iter().enumerate() {
        let is_new = !table.contains_key(key);
        let item = table.entry(key).or_insert_with(toml_edit::table);
        if is_new && let Some(made) = item.as_table_mut() {
            // `[a.b]` alone, without a line `[a]` above it.
            made.set_implicit(true);
        }
        table = item.as_table_like_mut().ok_or_else(|| at[..=depth].join("."))?;
    }
    Ok(table)
}

/// Returns the elements and keys of JSON as the library takes them.
pub(super) fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(value) => CstInputValue::Bool(*value),
        Value::Number(number) => CstInputValue::Number(number.to_string()),
        Value::String(text) => CstInputValue::String(text.clone()),
        Value::Array(elements) => CstInputValue::Array(elements.iter().map(input).collect()),
        Value::Object(keys) => {
            CstInputValue::Object(keys.iter().map(|(key, value)| (key.clone(), input(value))).collect())
        }
    }
}

/// Returns a value as TOML has it. An object becomes a table of its own.
fn item(value: &Value) -> Item {
    match value {
        Value::Object(keys) => {
            let mut table = toml_edit::Table::new();
            for (key, value) in keys {
                table.insert(key, item(value));
            }
            Item::Table(table)
        }
        Value::Array(elements) => Item::Value(
            elements.iter().filter_map(|element| item(element).into_value().ok()).collect::<toml_edit::Value>(),
        ),
        Value::String(text) => toml_edit::value(text),
        Value::Bool(value) => toml_edit::value(*value),
        Value::Number(number) => number.as_i64().map_or(Item::None, toml_edit::value),
        Value::Null => Item::None,
    }
}

/// Returns what stands in TOML as JSON has it. Dates become text.
fn value_of(item: &Item) -> Option<Value> {
    if let Some(table) = item.as_table_like() {
        let keys = table.iter().filter_map(|(key, item)| Some((key.to_owned(), value_of(item)?)));
        return Some(Value::Object(keys.collect()));
    }
    if let Some(tables) = item.as_array_of_tables() {
        return Some(tables.iter().filter_map(|table| value_of(&Item::Table(table.clone()))).collect());
    }
    Some(match item.as_value()? {
        toml_edit::Value::String(text) => Value::from(text.value().as_str()),
        toml_edit::Value::Integer(number) => Value::from(*number.value()),
        toml_edit::Value::Float(number) => Value::from(*number.value()),
        toml_edit::Value::Boolean(value) => Value::from(*value.value()),
        toml_edit::Value::Array(array) => {
            array.iter().filter_map(|element| value_of(&Item::Value(element.clone()))).collect()
        }
        other => Value::from(other.to_string().trim()),
    })
}

/// Returns the comments that stand before a key or a table of TOML; empty if there is none.
fn comment_before(table: &dyn TableLike, key: &str) -> String {
    let of_table = table.get(key).and_then(Item::as_table).and_then(|table| table.decor().prefix()?.as_str());
    let of_key = table.key(key).and_then(|key| key.leaf_decor().prefix()?.as_str());
    let prefixes = [of_table, of_key].into_iter().flatten();
    prefixes.filter(|prefix| prefix.contains('#')).collect()
}

fn has_comment(nodes: &[CstNode]) -> bool {
    nodes.iter().any(|node| node.is_comment() || has_comment(&node.children()))
}

fn no_object(key: &str) -> String {
    format!("{key} is no object")
}
