//! Paths into a JSON value, and the names nearest to a misspelled one.

use gibbs_data::spelling::distance;
use serde_json::Value;

/// The path `parent.key`.
pub(super) fn join(parent: &str, key: &str) -> String {
    if parent.is_empty() { key.to_string() } else { format!("{parent}.{key}") }
}

/// The path without its last key; empty for a path of one key.
pub(super) fn parent(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(parent, _)| parent)
}

/// The value at a path, if there is one.
pub(super) fn get<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    if path.is_empty() {
        return Some(value);
    }
    path.split('.').try_fold(value, |value, key| match value {
        Value::Object(map) => map.get(key),
        Value::Array(items) => items.get(key.parse::<usize>().ok()?),
        _ => None,
    })
}

/// The mutable value at a path, if there is one.
pub(super) fn get_mut<'a>(value: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    if path.is_empty() {
        return Some(value);
    }
    path.split('.').try_fold(value, |value, key| match value {
        Value::Object(map) => map.get_mut(key),
        Value::Array(items) => items.get_mut(key.parse::<usize>().ok()?),
        _ => None,
    })
}

/// The names that exist under a path: the keys of an object, the indices of an array.
pub(super) fn names(value: &Value, path: &str) -> Vec<String> {
    match get(value, path) {
        Some(Value::Object(map)) => map.keys().cloned().collect(),
        Some(Value::Array(items)) => (0..items.len()).map(|index| index.to_string()).collect(),
        _ => Vec::new(),
    }
}

/// Names that fit into one line.
const SHORT: usize = 6;

/// The three names nearest to `name` and dots, or all names of a short list.
pub(super) fn near(name: &str, mut names: Vec<String>) -> Vec<String> {
    if names.len() > SHORT {
        names.sort_by_key(|candidate| distance(name, candidate));
        names.truncate(3);
        names.push("...".into());
    }
    names
}

/// The paths nearest to a misspelled one: those with the most similar whole, or the most similar last key.
pub fn nearest_paths(path: &str, mut paths: Vec<String>, count: usize) -> Vec<String> {
    let last = |path: &str| path.rsplit('.').next().map(String::from).unwrap_or_default();
    paths.sort_by_key(|candidate| distance(path, candidate).min(distance(&last(path), &last(candidate)) + 1));
    paths.truncate(count);
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_go_through_objects_and_arrays() {
        let value = serde_json::json!({"a": {"b": [1, {"c": 2}]}});
        assert_eq!(get(&value, "a.b.1.c"), Some(&Value::from(2)));
        assert_eq!(get(&value, "a.b.2"), None);
        assert_eq!(names(&value, "a.b"), ["0", "1"]);
        assert_eq!(parent("a.b.1"), "a.b");
        assert_eq!(parent("a"), "");
    }
}
