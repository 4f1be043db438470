//! Configurations as JSON values, and the differences between two configurations.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::{SettingError, path};

/// A value that differs from the preset.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The path of the value.
    pub path: String,
    /// The value of the preset; `null` if the preset has none.
    pub from: Value,
    /// The value of the configuration; `null` if it has none.
    pub to: Value,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {} (preset: {})", self.path, self.to, self.from)
    }
}

/// Returns the values that differ between two configurations, in the order of the second.
///
/// Objects are compared key by key. Two variants of an enum (with different `kind` and keys) are one difference. Lists of
/// objects are compared item by item if they have the same length.
///
/// # Errors
/// [`SettingError::Preset`] if a configuration does not serialize.
pub fn changes<A: Serialize + ?Sized, B: Serialize + ?Sized>(
    from: &A,
    to: &B,
) -> Result<Vec<Change>, SettingError> {
    let mut found = Vec::new();
    compare("", &to_value(from)?, &to_value(to)?, &mut found);
    Ok(found)
}

/// The JSON of a configuration. It is made from text, so that an `f32` keeps its short form (0.1, not
/// 0.10000000149011612).
pub(super) fn to_value<C: Serialize + ?Sized>(config: &C) -> Result<Value, SettingError> {
    serde_json::to_string(config)
        .and_then(|text| serde_json::from_str(&text))
        .map_err(|error| SettingError::Preset(error.to_string()))
}

pub(super) fn compare(at: &str, from: &Value, to: &Value, found: &mut Vec<Change>) {
    match (from, to) {
        (Value::Object(a), Value::Object(b)) if a.get("kind") == b.get("kind") || a.keys().eq(b.keys()) => {
            for (key, to) in b {
                compare(&path::join(at, key), a.get(key).unwrap_or(&Value::Null), to, found);
            }
            for (key, from) in a.iter().filter(|(key, _)| !b.contains_key(*key)) {
                compare(&path::join(at, key), from, &Value::Null, found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() && b.iter().any(Value::is_object) => {
            for (index, (from, to)) in a.iter().zip(b).enumerate() {
                compare(&path::join(at, &index.to_string()), from, to, found);
            }
        }
        _ if same(from, to) => {}
        _ => found.push(Change { path: at.to_string(), from: from.clone(), to: to.clone() }),
    }
}

/// Equality of values, where 1 equals 1.0.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => {
            x == y || (x.is_f64() != y.is_f64() && x.as_f64() == y.as_f64())
        }
        _ => a == b,
    }
}

/// Describes a JSON value for a message: its type, and the value of a scalar.
pub(super) fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_string(),
        Value::Bool(_) => format!("the boolean {value}"),
        Value::Number(_) => format!("the number {value}"),
        Value::String(_) => format!("the string {value}"),
        Value::Array(items) => format!("an array of {}", items.len()),
        Value::Object(_) => "an object".to_string(),
    }
}

/// A JSON value on one line, cut after 80 characters.
pub(super) fn brief(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_of_objects_are_compared_item_by_item() {
        let from = json!({"layers": [{"rate": 1}, {"rate": 2}], "widths": [3, 4]});
        let found = |to| changes(&from, &to).unwrap().iter().map(Change::to_string).collect::<Vec<_>>();
        let other = json!({"layers": [{"rate": 1}, {"rate": 5}], "widths": [3, 5]});
        assert_eq!(found(other), ["layers.1.rate = 5 (preset: 2)", "widths = [3,5] (preset: [3,4])"]);
        let longer = json!({"layers": [{"rate": 1}], "widths": [3, 4]});
        assert_eq!(found(longer), [r#"layers = [{"rate":1}] (preset: [{"rate":1},{"rate":2}])"#]);
    }

    #[test]
    fn changes_are_leaves_in_order_and_variants_whole() {
        let from = json!({"a": 1, "b": {"c": 2, "d": 3}, "rate": 0.1, "s": {"kind": "x", "u": 1}});
        let to =
            json!({"a": 1.0, "b": {"c": 2, "d": 4}, "rate": {"kind": "linear"}, "s": {"kind": "y", "v": 1}});
        let found: Vec<_> = changes(&from, &to).unwrap().iter().map(Change::to_string).collect();
        assert_eq!(
            found,
            [
                "b.d = 4 (preset: 3)",
                r#"rate = {"kind":"linear"} (preset: 0.1)"#,
                r#"s = {"kind":"y","v":1} (preset: {"kind":"x","u":1})"#,
            ]
        );
    }

    #[test]
    fn keys_on_one_side_only_are_changes() {
        let found = changes(&json!({"m": {"a": 1}}), &json!({"m": {"b": 2}})).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].path.as_str(), &found[0].from), ("m.b", &Value::Null));
        assert_eq!((found[1].path.as_str(), &found[1].to), ("m.a", &Value::Null));
    }

    #[test]
    fn single_precision_keeps_its_short_form() {
        assert_eq!(to_value(&0.1_f32).unwrap().to_string(), "0.1");
    }
}
