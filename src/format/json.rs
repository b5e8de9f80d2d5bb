//! JSON objects in which everything that is not changed keeps its exact text and its place.
//!
//! `serde_json::Value` cannot do this: it rounds numbers and silently drops the first of two equal keys. [`Object`]
//! copies each value as text, and a key that occurs twice is an error.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

/// The deepest nesting of a file of the state. It is also the limit of `serde_json`, which has to read
/// the file again.
const MAX_DEPTH: usize = 128;

/// The `version` of a new file. A file that exists keeps its own.
const VERSION: &str = "1.0.0";

/// A JSON object: its keys in the order of the file, each with the text of its value.
#[derive(Debug, Clone, Default)]
pub(crate) struct Object {
    entries: Vec<(String, Box<RawValue>)>,
}

impl Object {
    /// Returns the value of a key as a `T`. `None`: there is no such key, or its value is null.
    ///
    /// # Errors
    ///
    /// An error of `serde_json` if the value is no `T`. Its line and column count from the start of the value.
    pub(crate) fn get<T: for<'t> Deserialize<'t>>(&self, key: &str) -> serde_json::Result<Option<T>> {
        match self.entries.iter().find(|(known, _)| known == key) {
            Some((_, raw)) => serde_json::from_str(raw.get()),
            None => Ok(None),
        }
    }

    /// Returns the text of a key's value, also of a null. `None`: there is no such key.
    pub(crate) fn raw(&self, key: &str) -> Option<&RawValue> {
        self.entries.iter().find(|(known, _)| known == key).map(|(_, raw)| &**raw)
    }

    /// Adds a key at the end. The object must not have it yet.
    pub(crate) fn push(&mut self, key: String, value: Box<RawValue>) {
        self.entries.push((key, value));
    }

    /// Sets a key. The place of a new key is that of [`Object::place`].
    pub(crate) fn set(&mut self, key: &str, value: &impl Serialize, order: &[&str]) -> serde_json::Result<()> {
        let raw = to_raw_value(value)?;
        if let Some((_, known)) = self.entries.iter_mut().find(|(known, _)| known == key) {
            *known = raw;
            return Ok(());
        }
        let at = Self::place(self.entries.iter().map(|(known, _)| known.as_str()), key, order);
        self.entries.insert(at, (key.to_owned(), raw));
        Ok(())
    }

    /// Returns the index at which to insert a new key among `keys`: behind the last of them that comes before it in
    /// `order`; if there is none, at the start. A key that is not in `order` goes to the end.
    pub(crate) fn place<'k>(
        keys: impl DoubleEndedIterator<Item = &'k str> + ExactSizeIterator,
        key: &str,
        order: &[&str],
    ) -> usize {
        let rank = |key: &str| order.iter().position(|known| *known == key);
        let (own, number) = (rank(key), keys.len());
        let behind = keys.enumerate().rev().find(|(_, known)| rank(known).is_some_and(|rank| Some(rank) < own));
        match behind {
            Some((behind, _)) => behind + 1,
            None if own.is_some() => 0,
            None => number,
        }
    }

    /// Returns the keys and their values, in the order of the file.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        self.entries.iter().map(|(key, raw)| (key.as_str(), &**raw))
    }

    /// Returns whether the object has the key, even with a null.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(known, _)| known == key)
    }

    /// Removes a key, if the object has it.
    pub(crate) fn remove(&mut self, key: &str) {
        self.entries.retain(|(known, _)| known != key);
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.entries.len()))?;
        for (key, value) in &self.entries {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut entries: Vec<(String, Box<RawValue>)> = Vec::new();
                let mut seen: HashSet<String> = HashSet::new();
                while let Some((key, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    if !seen.insert(key.clone()) {
                        return Err(A::Error::custom(format!("the key {key:?} stands here twice")));
                    }
                    entries.push((key, value));
                }
                Ok(Object { entries })
            }
        }

        deserializer.deserialize_map(Entries)
    }
}

/// Returns the object of a file of the state. Without a text it is a new one that has only a `version`.
pub(crate) fn open(text: Option<&str>, order: &[&str]) -> serde_json::Result<Object> {
    match text {
        Some(text) => serde_json::from_str(text),
        None => {
            let mut new = Object::default();
            new.set("version", &VERSION, order)?;
            Ok(new)
        }
    }
}

/// Returns the text of a file of the state, laid out. It ends with a line end, unless `before`, the text that is
/// replaced, does not.
pub(crate) fn close(document: &Object, before: Option<&str>) -> serde_json::Result<String> {
    let mut text = laid_out(&serde_json::to_string(document)?, 0)?;
    if before.is_none_or(|before| before.ends_with('\n')) {
        text.push('\n');
    }
    Ok(text)
}

/// Returns the `version` of a file of the state, if it is not one that this program knows: absent, or 1.x.
///
/// # Errors
///
/// An error with the line and the column of the mistake.
pub(crate) fn unknown_version(text: &str) -> serde_json::Result<Option<String>> {
    #[derive(Deserialize)]
    #[serde(expecting = "an object")]
    struct Version {
        version: Option<serde_json::Value>,
    }

    let Some(version) = serde_json::from_str::<Version>(text)?.version else { return Ok(None) };
    Ok(match version.as_str() {
        Some(version) if version == "1" || version.starts_with("1.") => None,
        Some(version) => Some(version.to_owned()),
        None if version.as_f64().is_some_and(|version| (1.0..2.0).contains(&version)) => None,
        None => Some(version.to_string()),
    })
}

/// Returns the message of a JSON or YAML error without the line and column at its end. The caller shows the place in
/// front of the message, or the place counts from the start of one record and would mislead.
pub(crate) fn without_place(error: &impl fmt::Display) -> String {
    let message = error.to_string();
    let end = message.rfind(" at line ").unwrap_or(message.len());
    message[..end].to_owned()
}

/// Returns the JSON `text` laid out with two spaces per level, as the programs of this family write it. `level` is the
/// depth at which the result will stand. Only white space changes: numbers, strings and keys keep their text.
///
/// `text` must be valid JSON.
///
/// # Errors
///
/// An error if the text is nested deeper than [`MAX_DEPTH`]. Each level makes every line longer, so without a limit the
/// size would grow with the square of the depth.
pub(crate) fn laid_out(text: &str, level: usize) -> serde_json::Result<String> {
    let mut out = String::with_capacity(text.len() * 2);
    let mut depth = level;
    let mut tokens = text.char_indices().peekable();
    let newline = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    while let Some((start, c)) = tokens.next() {
        match c {
            '"' => {
                let mut end = text.len();
                let mut escaped = false;
                for (at, c) in tokens.by_ref() {
                    match c {
                        _ if escaped => escaped = false,
                        '\\' => escaped = true,
                        '"' => {
                            end = at + 1;
                            break;
                        }
                        _ => {}
                    }
                }
                out.push_str(&text[start..end]);
            }
            '{' | '[' => {
                // An empty object or list stays on one line.
                while tokens.next_if(|(_, c)| c.is_ascii_whitespace()).is_some() {}
                out.push(c);
                if let Some((_, close)) = tokens.next_if(|(_, c)| matches!(c, '}' | ']')) {
                    out.push(close);
                } else {
                    depth += 1;
                    if depth > MAX_DEPTH {
                        return Err(serde_json::Error::custom(format!("it is nested deeper than {MAX_DEPTH} levels")));
                    }
                    newline(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                newline(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                newline(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ if c.is_ascii_whitespace() => {}
            _ => out.push(c),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn what_nobody_touches_keeps_its_text_and_place() {
        let text = r#"{"b":1.10,"z":{"x":12345678901234567890123,"y":[]},"a":"é\u00e9"}"#;
        let mut object: Object = serde_json::from_str(text).unwrap();
        object.set("b", &2, &[]).unwrap();
        object.set("m", &true, &["b", "m", "a"]).unwrap();
        object.set("new", &"end", &[]).unwrap();
        assert_eq!(
            serde_json::to_string(&object).unwrap(),
            r#"{"b":2,"m":true,"z":{"x":12345678901234567890123,"y":[]},"a":"é\u00e9","new":"end"}"#
        );
    }

    #[test]
    fn a_key_that_stands_twice_is_an_error() {
        let refused = serde_json::from_str::<Object>("{\"a\":1,\n\"a\":2}").unwrap_err();
        assert_eq!(refused.to_string(), "the key \"a\" stands here twice at line 2 column 6");
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,8}".prop_map(Value::from),
            "[\"\\\\{}\\[\\],: \n]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::vec(("[a-z\"\\\\]{0,3}", inner), 0..4)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_layout_is_the_one_that_other_programs_write(value in json()) {
            let expected = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(&laid_out(&serde_json::to_string(&value).unwrap(), 0).unwrap(), &expected);
            prop_assert_eq!(&laid_out(&expected, 0).unwrap(), &expected);
            prop_assert_eq!(&laid_out(&expected, 2).unwrap(), &expected.replace('\n', "\n    "));
        }
    }
}
