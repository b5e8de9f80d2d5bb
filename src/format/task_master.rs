//! The format of the tasks.json of task-master: tasks with dependencies and subtasks, in groups that are called tags; the
//! older form has one group. It is read for an import, and must never be written.
//!
//! Models write these files too, so a value of another type is read as its text, and nothing is rounded or dropped.

use serde::de::Error as _;
use serde_json::Value;
use serde_json::value::RawValue;

use super::json::{Object, without_place};

/// A tasks.json.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct TaskMasterJson {
    pub(crate) tags: Vec<Tag>,
    /// The keys of the file that are neither a tag nor about one.
    pub(crate) others: Vec<String>,
}

/// A group of tasks.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tag {
    /// `None` in the older form, which has no tags.
    pub(crate) name: Option<String>,
    pub(crate) tasks: Vec<Task>,
    /// What the file says about the tag: keys and texts.
    pub(crate) about: Vec<(String, String)>,
    /// Entries of the list that are no tasks, as JSON.
    pub(crate) no_tasks: Vec<String>,
}

/// A task or a subtask. A text is empty if the file has none.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Task {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) details: String,
    pub(crate) test_strategy: String,
    pub(crate) acceptance: String,
    pub(crate) priority: String,
    pub(crate) status: String,
    pub(crate) dependencies: Vec<String>,
    pub(crate) subtasks: Vec<Task>,
    /// The keys that are not read.
    pub(crate) others: Vec<String>,
}

/// Reads a tasks.json; `None` if it is JSON of another form.
///
/// # Errors
///
/// An error if the text is no JSON, or if an object in it has a key twice: one of the two values would be lost.
pub(crate) fn read(text: &str) -> serde_json::Result<Option<TaskMasterJson>> {
    let text = text.trim_start_matches('\u{feff}');
    if !text.trim_start().starts_with('{') {
        serde_json::from_str::<serde::de::IgnoredAny>(text)?;
        return Ok(None);
    }
    let file: Object = serde_json::from_str(text)?;
    let mut read = TaskMasterJson::default();
    if file.has("tasks") {
        read.tags.extend(tag(None, &file)?);
    }
    for (key, raw) in file.entries() {
        // The keys of the older form are read with it.
        if matches!(key, "tasks" | "meta" | "metadata") && !read.tags.is_empty() {
            continue;
        }
        let tag = match object(raw)? {
            Some(object) => tag(Some(key), &object)?,
            None => None,
        };
        match tag {
            Some(tag) => read.tags.push(tag),
            None => read.others.push(key.to_owned()),
        }
    }
    Ok((!read.tags.is_empty()).then_some(read))
}

/// Returns a value as an object, if it is one.
fn object(raw: &RawValue) -> serde_json::Result<Option<Object>> {
    if !raw.get().starts_with('{') {
        return Ok(None);
    }
    // The place of the error counts from the start of the value, and would mislead.
    serde_json::from_str(raw.get()).map(Some).map_err(|error| serde_json::Error::custom(without_place(&error)))
}

/// Reads a tag; `None` if the object has no list of tasks. Other programs have lists of that name, whose entries have no
/// titles.
fn tag(name: Option<&str>, object: &Object) -> serde_json::Result<Option<Tag>> {
    let Some(list) = list(object, "tasks") else { return Ok(None) };
    let mut tag = Tag { name: name.map(str::to_owned), ..Tag::default() };
    for raw in &list {
        match self::object(raw)? {
            Some(object) if object.has("title") => tag.tasks.push(task(&object, &mut tag.no_tasks)?),
            _ => tag.no_tasks.push(raw.get().to_owned()),
        }
    }
    if tag.tasks.is_empty() && !list.is_empty() {
        return Ok(None);
    }
    for key in ["meta", "metadata"] {
        let about = object.entries().find(|(known, _)| *known == key).map(|(_, raw)| self::object(raw)).transpose()?;
        let about = about.flatten().unwrap_or_default();
        tag.about.extend(about.entries().map(|(key, raw)| (key.to_owned(), text_of(raw))));
    }
    if name.is_some() {
        let known = ["tasks", "meta", "metadata"];
        let others = object.entries().filter(|(key, _)| !known.contains(key));
        tag.about.extend(others.map(|(key, raw)| (key.to_owned(), text_of(raw))));
    }
    Ok(Some(tag))
}

fn list(object: &Object, key: &str) -> Option<Vec<Box<RawValue>>> {
    object.get::<Vec<Box<RawValue>>>(key).ok().flatten()
}

fn task(object: &Object, no_tasks: &mut Vec<String>) -> serde_json::Result<Task> {
    const KNOWN: [&str; 11] = [
        "id",
        "title",
        "description",
        "details",
        "testStrategy",
        "acceptanceCriteria",
        "priority",
        "status",
        "dependencies",
        "subtasks",
        "parentId",
    ];
    let text =
        |key: &str| object.entries().find(|(known, _)| *known == key).map_or_else(String::new, |(_, raw)| text_of(raw));
    let word = |key: &str| text(key).trim().to_owned();
    let mut task = Task {
        id: word("id"),
        title: text("title"),
        description: text("description"),
        details: text("details"),
        test_strategy: text("testStrategy"),
        acceptance: text("acceptanceCriteria"),
        priority: word("priority"),
        status: word("status"),
        ..Task::default()
    };
    task.dependencies = match list(object, "dependencies") {
        Some(list) => list.iter().map(|raw| text_of(raw).trim().to_owned()).collect(),
        None => text("dependencies").split([',', ' ']).map(str::to_owned).collect(),
    };
    task.dependencies.retain(|id| !id.is_empty());
    for raw in list(object, "subtasks").unwrap_or_default() {
        match self::object(&raw)? {
            Some(object) => task.subtasks.push(self::task(&object, no_tasks)?),
            None => no_tasks.push(raw.get().to_owned()),
        }
    }
    let is_other = |key: &str, raw: &RawValue| !KNOWN.contains(&key) && !text_of(raw).is_empty();
    task.others = object.entries().filter(|(key, raw)| is_other(key, raw)).map(|(key, _)| key.to_owned()).collect();
    if list(object, "subtasks").is_none() && !text("subtasks").is_empty() {
        task.others.push("subtasks".to_owned());
    }
    Ok(task)
}

/// Returns a value as a text: a list of texts as a list of Markdown, null as nothing, another value as its JSON.
fn text_of(raw: &RawValue) -> String {
    match serde_json::from_str(raw.get()) {
        Ok(Value::String(text)) if !text.trim().is_empty() => text,
        Ok(Value::String(_) | Value::Null) => String::new(),
        Ok(Value::Array(list)) if list.is_empty() => String::new(),
        Ok(Value::Array(list)) if list.iter().all(Value::is_string) => {
            list.iter().filter_map(Value::as_str).map(|text| format!("- {text}")).collect::<Vec<_>>().join("\n")
        }
        // `1` and `1.0` are the same id.
        Ok(Value::Number(_)) => raw.get().strip_suffix(".0").unwrap_or(raw.get()).to_owned(),
        _ => raw.get().to_owned(),
    }
}

#[cfg(test)]
#[path = "task_master_tests.rs"]
mod tests;
