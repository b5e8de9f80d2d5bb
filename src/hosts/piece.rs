//! The pieces of a set-up: whole files, and keys and elements of settings files. One list of pieces serves to add and to
//! take back.

use serde_json::Value;

use super::ProjectFiles;
use super::changed::Changed;
use super::server_entry::{conflict, is_same};
use super::settings::Settings;
use crate::fault::Fault;

/// A piece of a set-up.
pub(super) enum Piece {
    /// A file that only this program writes.
    File { path: String, text: String },
    /// The same, without which nothing refuses gate commands.
    Guard { path: String, text: String },
    /// What an earlier set-up may have left. It is taken back, and never added.
    Former(Box<Piece>),
    /// The entry of the server in a settings file.
    Server { path: &'static str, at: Vec<&'static str>, entry: Value },
    /// A key that a settings file must have, whoever writes in it. It stays as long as something else is there.
    Base { path: &'static str, key: &'static str, value: Value },
    /// A key that is added if a settings file has no value for it, and left alone if it has.
    Default { path: &'static str, at: Vec<&'static str>, value: Value },
    /// An element of an array in a settings file. One that does the same takes its place: a hook for all tools whose
    /// command ends with `mark`, or that text itself.
    Element { path: &'static str, at: Vec<&'static str>, value: Value, mark: &'static str },
    /// A settings file with rules of its own for how it is changed.
    Custom { path: String, change: Box<Change> },
}

/// What becomes of the text of a file.
type Change = dyn Fn(Option<&str>, Direction) -> Result<Changed, Fault>;

/// Whether a set-up is made or taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// What is missing is added.
    Add,
    /// What this program would write is removed.
    Remove,
}

impl Piece {
    /// Returns the path of the file that the piece belongs to.
    pub(super) fn path(&self) -> &str {
        match self {
            Self::File { path, .. } | Self::Guard { path, .. } | Self::Custom { path, .. } => path,
            Self::Former(piece) => piece.path(),
            Self::Server { path, .. }
            | Self::Base { path, .. }
            | Self::Default { path, .. }
            | Self::Element { path, .. } => path,
        }
    }

    /// Returns what the piece makes of its file, which has the text `before`.
    ///
    /// # Errors
    ///
    /// If the file cannot be parsed, or something stands where the piece belongs that is no object or array.
    pub(super) fn change(&self, before: Option<String>, direction: Direction) -> Result<Changed, Fault> {
        match self {
            Self::File { path, text } => Ok(change_file(path, text, before, direction)),
            Self::Guard { path, text } => {
                let is_foreign = before.as_ref().is_some_and(|before| before != text);
                let mut changed = change_file(path, text, before, direction);
                if is_foreign && direction == Direction::Add {
                    let told = "it is not as this program writes it, so gate commands may run: move it away, and run this command again";
                    changed.notes.push(format!("{path}: {told}"));
                }
                Ok(changed)
            }
            Self::Former(_) if direction == Direction::Add => Ok(Changed::nothing(before)),
            Self::Former(piece) => Ok(Changed { notes: Vec::new(), ..piece.change(before, direction)? }),
            Self::Custom { change, .. } => change(before.as_deref(), direction),
            Self::Server { path, at, entry } => {
                let mut settings = Settings::parse(path, before.as_deref().unwrap_or_default())?;
                let Some(known) = settings.get(at) else { return add(settings, at, entry, before, direction) };
                match direction {
                    // A host that shares the file with another one is known by its own form of the entry.
                    Direction::Add if known != *entry && is_same(&known, entry) && entry.get("type").is_some() => {
                        settings.remove(at);
                        add(settings, at, entry, before, direction)
                    }
                    Direction::Add => Ok(match conflict(&known) {
                        Some(conflict) => Changed::noted(before, settings.note(at, &conflict)),
                        None => Changed::nothing(before),
                    }),
                    Direction::Remove if is_same(&known, entry) => Ok(removed(settings, at)),
                    Direction::Remove => {
                        let told = "is not as this program writes it: remove it by hand";
                        Ok(Changed::noted(before, settings.note(at, told)))
                    }
                }
            }
            Self::Base { path, key, value } => {
                let settings = Settings::parse(path, before.as_deref().unwrap_or_default())?;
                if settings.get(&[key]).is_some() || direction == Direction::Remove {
                    return Ok(Changed::nothing(before));
                }
                add(settings, &[key], value, before, direction)
            }
            Self::Default { path, at, value } => {
                let settings = Settings::parse(path, before.as_deref().unwrap_or_default())?;
                match settings.get(at) {
                    None => add(settings, at, value, before, direction),
                    Some(known) if known == *value && direction == Direction::Remove => Ok(removed(settings, at)),
                    Some(_) => Ok(Changed::nothing(before)),
                }
            }
            Self::Element { path, at, value, mark } => {
                let mut settings = Settings::parse(path, before.as_deref().unwrap_or_default())?;
                let elements = settings.elements(at);
                let is_there = elements.contains(value);
                let similar = elements.iter().any(|element| does_the_same(element, mark));
                match direction {
                    Direction::Add if is_there || similar => Ok(Changed::nothing(before)),
                    Direction::Add => {
                        settings.push(at, value)?;
                        let what = vec![format!("{}: {mark}", at.join("."))];
                        Ok(Changed { text: Some(settings.text()), what, notes: Vec::new() })
                    }
                    Direction::Remove if is_there => {
                        settings.pull(at, value);
                        Ok(settings.ended(vec![format!("{}: {mark}", at.join("."))], Vec::new()))
                    }
                    Direction::Remove if similar => {
                        let told = format!("has \"{mark}\" in another form: remove it by hand");
                        Ok(Changed::noted(before, settings.note(at, &told)))
                    }
                    Direction::Remove => Ok(Changed::nothing(before)),
                }
            }
        }
    }

    /// Returns whether this is the server's entry exactly in this form, in a file that other hosts may read too.
    pub(super) fn is_exactly_there(&self, files: &dyn ProjectFiles) -> bool {
        let Self::Server { path, at, entry } = self else { return false };
        let settings = Settings::seen(files, path).ok().flatten();
        settings.is_some_and(|settings| settings.get(at).as_ref() == Some(entry))
    }

    /// Returns whether the piece is in the project, as this program writes it. A file that cannot be read has none.
    pub(super) fn is_there(&self, files: &dyn ProjectFiles) -> bool {
        let Ok(Some(before)) = files.text(self.path()) else { return false };
        !matches!(self, Self::Former(_))
            && self.change(Some(before), Direction::Remove).is_ok_and(|changed| !changed.what.is_empty())
    }
}

/// Returns whether an element of an array does what another one with this mark does.
fn does_the_same(element: &Value, mark: &str) -> bool {
    match element {
        Value::String(text) => text == mark || text.strip_suffix("__*") == Some(mark),
        Value::Array(elements) => elements.iter().any(|element| does_the_same(element, mark)),
        Value::Object(keys) => {
            let is_for_all = keys.get("matcher").is_none_or(|matcher| matcher == "" || matcher == "*");
            let runs_it = |(key, value): (&String, &Value)| match value {
                Value::String(command) => {
                    ["command", "bash"].contains(&key.as_str()) && command.trim_end().ends_with(mark)
                }
                other => does_the_same(other, mark),
            };
            is_for_all && keys.iter().any(runs_it)
        }
        _ => false,
    }
}

fn change_file(path: &str, text: &str, before: Option<String>, direction: Direction) -> Changed {
    match (direction, before) {
        (Direction::Add, None) => {
            Changed { text: Some(text.to_owned()), what: vec!["all".to_owned()], notes: Vec::new() }
        }
        (Direction::Remove, Some(before)) if before == text => {
            Changed { text: None, what: vec!["all".to_owned()], notes: Vec::new() }
        }
        (Direction::Remove, Some(before)) => Changed::noted(
            Some(before),
            format!("{path}: it was changed, or another release wrote it: remove it by hand"),
        ),
        (_, before) => Changed::nothing(before),
    }
}

fn add(
    mut settings: Settings,
    at: &[&str],
    value: &Value,
    before: Option<String>,
    direction: Direction,
) -> Result<Changed, Fault> {
    if direction == Direction::Remove {
        return Ok(Changed::nothing(before));
    }
    settings.set(at, value)?;
    Ok(Changed { text: Some(settings.text()), what: vec![at.join(".")], notes: Vec::new() })
}

fn removed(mut settings: Settings, at: &[&str]) -> Changed {
    settings.remove(at);
    settings.ended(vec![at.join(".")], Vec::new())
}
