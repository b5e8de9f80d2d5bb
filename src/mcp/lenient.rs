//! Deserializers for arguments as clients send them (DESIGN §8): some write a whole number as `1.0` or `"1"`, a boolean
//! as `"true"`, a list as a JSON text.
//!
//! A value is accepted only if it can mean just one thing; these functions must never guess. The error says what is
//! wrong with the value, and `schema::parse` adds the name of the argument. The schemas stay strict: they show the best
//! form to send, not all that is accepted.

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// How many characters of a value a refusal repeats.
const MAX_SHOWN_CHARS: usize = 60;

/// Reads a whole number from 0 on: `1`, `1.0`, `"1"` or `"1.0"`. Null is read as absent.
pub(super) fn whole_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    match &value {
        Value::Null => Ok(None),
        // By its text, so that 1.0 is whole, and 1.5 and 1e300 are not.
        Value::Number(number) => whole(&number.to_string()).map(Some).ok_or_else(|| no_whole_number(&value)),
        Value::String(text) => whole(text.trim()).map(Some).ok_or_else(|| no_whole_number(&value)),
        _ => Err(no_whole_number(&value)),
    }
}

/// Reads a boolean: `true`, `"true"`, `"False"`. Null is read as absent.
pub(super) fn boolean<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    match &value {
        Value::Null => Ok(None),
        Value::Bool(is_so) => Ok(Some(*is_so)),
        Value::String(text) if text.trim().eq_ignore_ascii_case("true") => Ok(Some(true)),
        Value::String(text) if text.trim().eq_ignore_ascii_case("false") => Ok(Some(false)),
        _ => Err(D::Error::custom(format_args!("{} is not true or false", shown(&value)))),
    }
}

/// Reads a list of texts: `["a"]`, or the same as a JSON text. Null is read as absent.
pub(super) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let read = match &value {
        Value::Null => return Ok(None),
        Value::Array(_) => serde_json::from_value(value.clone()).ok(),
        Value::String(text) => serde_json::from_str(text).ok(),
        _ => None,
    };
    read.map(Some).ok_or_else(|| {
        D::Error::custom(format_args!("{} is not a list of texts; pass a list such as [\"…\"]", shown(&value)))
    })
}

/// Returns the number that a text stands for; `None` if it is not whole, signed, or too large. Decimals of zeros, as in
/// `1.00`, are accepted.
fn whole(text: &str) -> Option<u32> {
    let digits = match text.split_once('.') {
        Some((digits, decimals)) if !decimals.is_empty() && decimals.bytes().all(|byte| byte == b'0') => digits,
        Some(_) => return None,
        None => text,
    };
    // Digits only: `parse` would accept a plus sign.
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
}

/// Returns the error for a value that is no whole number.
fn no_whole_number<E: Error>(value: &Value) -> E {
    E::custom(format_args!("{} is not a whole number", shown(value)))
}

/// Returns the first [`MAX_SHOWN_CHARS`] characters of a value, as JSON, and `…` if more were cut off.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    let mut short: String = text.chars().take(MAX_SHOWN_CHARS).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq, Default)]
    #[serde(default)]
    struct Arguments {
        #[serde(deserialize_with = "whole_number")]
        attempt: Option<u32>,
        #[serde(deserialize_with = "boolean")]
        transient: Option<bool>,
        #[serde(deserialize_with = "texts")]
        artifacts: Option<Vec<String>>,
    }

    fn read(key: &str, value: &Value) -> Result<Arguments, String> {
        serde_json::from_value(json!({ key: value })).map_err(|error| error.to_string())
    }

    #[test]
    fn a_whole_number_in_any_form_is_read() {
        for value in [json!(1), json!(1.0), json!("1"), json!(" 1 "), json!("1.0"), json!("1.00")] {
            assert_eq!(read("attempt", &value).unwrap().attempt, Some(1), "{value}");
        }
        assert_eq!(read("attempt", &json!(null)).unwrap().attempt, None);
        let refused_texts =
            ["1.5", "\"one\"", "true", "-1", "\"+1\"", "1e300", "[]", "\"1.\"", "\"\"", "4294967296", "\".0\""];
        for text in refused_texts {
            let value: Value = serde_json::from_str(text).unwrap();
            let refused = read("attempt", &value).unwrap_err();
            assert_eq!(refused, format!("{value} is not a whole number"));
        }
    }

    #[test]
    fn a_boolean_in_any_form_is_read() {
        for (value, meant) in [
            (json!(true), Some(true)),
            (json!("true"), Some(true)),
            (json!("False"), Some(false)),
            (json!(" TRUE "), Some(true)),
            (json!(null), None),
        ] {
            assert_eq!(read("transient", &value).unwrap().transient, meant, "{value}");
        }
        for value in [json!(1), json!("yes"), json!(""), json!([true])] {
            assert_eq!(read("transient", &value).unwrap_err(), format!("{value} is not true or false"));
        }
    }

    #[test]
    fn a_list_in_any_form_is_read() {
        let given = Some(vec!["src/a.rs".to_owned()]);
        for (value, meant) in [
            (json!(["src/a.rs"]), given.clone()),
            (json!("[\"src/a.rs\"]"), given),
            (json!("[]"), Some(Vec::new())),
            (json!(null), None),
        ] {
            assert_eq!(read("artifacts", &value).unwrap().artifacts, meant, "{value}");
        }
        for value in [json!("src/a.rs"), json!(""), json!([1]), json!("[1]"), json!("\"a\""), json!("null"), json!({})]
        {
            let refused = read("artifacts", &value).unwrap_err();
            assert_eq!(refused, format!("{value} is not a list of texts; pass a list such as [\"…\"]"));
        }
        let long = read("artifacts", &json!("x".repeat(10_000))).unwrap_err();
        assert!(long.chars().count() < 150, "{long}");
    }
}
