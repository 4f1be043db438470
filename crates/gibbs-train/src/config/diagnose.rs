//! Finds the one value that keeps a configuration from deserializing.

use gibbs_data::spelling::nearest;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;

use super::value::{brief, describe};
use super::{SettingError, path};

/// Why a value does not deserialize, and where, as serde reports it.
pub(super) struct Failure {
    path: String,
    message: String,
}

impl Failure {
    pub(super) fn names_unknown_field(&self) -> bool {
        self.message.starts_with("unknown field")
    }
}

/// The preset and the values of the user over it. It reads candidates and explains their errors.
pub(super) struct Attempt<'a> {
    pub(super) preset: &'a Value,
    pub(super) overrides: &'a [(String, Value)],
}

impl Attempt<'_> {
    pub(super) fn read<C: DeserializeOwned>(&self, candidate: &Value) -> Result<C, Failure> {
        serde_path_to_error::deserialize(candidate).map_err(|error| {
            let mut at = String::new();
            for segment in error.path() {
                match segment {
                    Segment::Seq { index } => at = path::join(&at, &index.to_string()),
                    Segment::Map { key } => at = path::join(&at, key),
                    Segment::Enum { variant } => at = path::join(&at, variant),
                    Segment::Unknown => {}
                }
            }
            Failure { path: at, message: error.into_inner().to_string() }
        })
    }

    /// Returns an error for the first key of the user that the configuration does not have.
    pub(super) fn check_all_used<C: DeserializeOwned>(
        &self,
        candidate: &Value,
        canonical: &Value,
    ) -> Result<(), SettingError> {
        for (at, value) in self.overrides {
            for (lost, value) in unused(at, value, canonical) {
                if !(value.is_null() && self.is_known::<C>(candidate, &lost)) {
                    let shown = if lost.len() > at.len() { &lost } else { at };
                    return Err(unknown(shown, &lost, value, canonical));
                }
            }
        }
        Ok(())
    }

    /// Whether the type reads the value at a path. A type may omit a `null` when it serializes, so the output does not show it.
    fn is_known<C: DeserializeOwned>(&self, candidate: &Value, path: &str) -> bool {
        let mut trial = candidate.clone();
        let Some(place) = path::get_mut(&mut trial, path) else { return false };
        *place = serde_json::json!([[[{}]]]);
        self.read::<C>(&trial).is_err()
    }

    pub(super) fn explain<C: DeserializeOwned>(&self, candidate: &Value, failure: Failure) -> SettingError {
        if let Some((path, lost, value)) = self.unknown_override(&failure) {
            return unknown(&path, &lost, value, self.preset);
        }
        let at = self.culprit::<C>(candidate, &failure);
        let value = path::get(candidate, &at).unwrap_or(&Value::Null);
        let parent = path::parent(&at).to_string();
        let name = at.rsplit('.').next().unwrap_or(&at);
        let available = path::near(name, path::names(self.preset, &parent))
            .into_iter()
            .map(|name| match path::get(self.preset, &path::join(&parent, &name)) {
                Some(value) if !value.is_object() && !value.is_array() => {
                    format!("{name} = {}", brief(value))
                }
                _ => name,
            })
            .collect();
        SettingError::Value {
            path: at,
            value: brief(value),
            reason: reason(&failure.message, value),
            parent,
            available,
        }
    }

    /// The unknown field of a failure, as [`find_override`](Self::find_override) returns it.
    pub(super) fn unknown_override(&self, failure: &Failure) -> Option<(String, String, &Value)> {
        let field = failure.message.strip_prefix("unknown field `")?.split('`').next()?;
        self.find_override(field)
    }

    /// The first override with a key `name` that the preset does not have: its path, its path up to that key, and its value.
    fn find_override(&self, name: &str) -> Option<(String, String, &Value)> {
        self.overrides.iter().find_map(|(at, value)| {
            let mut walked = String::new();
            for key in at.split('.') {
                walked = path::join(&walked, key);
                if key == name && path::get(self.preset, &walked).is_none() {
                    return Some((at.clone(), walked, value));
                }
            }
            find_key(at, value, name).map(|(path, value)| (path.clone(), path, value))
        })
    }

    /// The path of the override that causes the failure: without it the failure is gone or differs. If there is none, the path
    /// that serde reports.
    fn culprit<C: DeserializeOwned>(&self, candidate: &Value, failure: &Failure) -> String {
        let within = |outer: &str, inner: &str| {
            outer.is_empty() || inner == outer || inner.starts_with(&format!("{outer}."))
        };
        if failure.message.starts_with("missing field")
            || self.overrides.iter().any(|(at, _)| within(at, &failure.path))
        {
            return failure.path.clone();
        }
        for (at, _) in self.overrides.iter().filter(|(at, _)| within(&failure.path, at)) {
            let mut trial = candidate.clone();
            match (path::get(self.preset, at), path::get_mut(&mut trial, at)) {
                (Some(preset), Some(place)) => *place = preset.clone(),
                _ => {
                    let key = at.rsplit('.').next().unwrap_or(at);
                    if let Some(Value::Object(map)) = path::get_mut(&mut trial, path::parent(at)) {
                        map.remove(key);
                    }
                }
            }
            if self.read::<C>(&trial).err().is_none_or(|other| other.message != failure.message) {
                return at.clone();
            }
        }
        failure.path.clone()
    }
}

/// The paths inside an override that the configuration does not have, with the values there. Each path ends at its first
/// missing key.
fn unused<'a>(at: &str, value: &'a Value, canonical: &Value) -> Vec<(String, &'a Value)> {
    let mut walked = String::new();
    let mut level = canonical;
    for key in at.split('.') {
        if !level.is_object() && !level.is_array() {
            return Vec::new();
        }
        walked = path::join(&walked, key);
        match path::get(level, key) {
            Some(next) => level = next,
            None => return vec![(walked, value)],
        }
    }
    let mut found = Vec::new();
    unused_keys(at, value, level, &mut found);
    found
}

fn unused_keys<'a>(at: &str, value: &'a Value, canonical: &Value, found: &mut Vec<(String, &'a Value)>) {
    match (value, canonical) {
        (Value::Object(map), Value::Object(canonical)) => {
            for (key, value) in map {
                let at = path::join(at, key);
                match canonical.get(key) {
                    Some(canonical) => unused_keys(&at, value, canonical, found),
                    None => found.push((at, value)),
                }
            }
        }
        (Value::Array(items), Value::Array(canonical)) if items.len() == canonical.len() => {
            for (index, (value, canonical)) in items.iter().zip(canonical).enumerate() {
                unused_keys(&path::join(at, &index.to_string()), value, canonical, found);
            }
        }
        _ => {}
    }
}

/// The first key `name` inside a value, with its path.
fn find_key<'a>(at: &str, value: &'a Value, name: &str) -> Option<(String, &'a Value)> {
    let parts: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect()
        }
        _ => Vec::new(),
    };
    parts.into_iter().find_map(|(key, value)| {
        let at = path::join(at, &key);
        if key == name { Some((at, value)) } else { find_key(&at, value, name) }
    })
}

/// The error for a path that does not exist from `lost` on, with the names that exist.
fn unknown(path: &str, lost: &str, value: &Value, existing: &Value) -> SettingError {
    let mut parent = path::parent(lost);
    while path::get(existing, parent).is_none() {
        parent = path::parent(parent);
    }
    let available = path::names(existing, parent);
    let name = lost[parent.len()..].trim_start_matches('.').split('.').next().unwrap_or(lost);
    let suggestion = nearest(name, available.iter().map(String::as_str)).map(|near| {
        let rest = &path[lost.len().min(path.len())..];
        format!("{}{rest}", path::join(parent, near))
    });
    let suggestion = suggestion.or_else(|| elsewhere("", existing, path.rsplit('.').next().unwrap_or(path)));
    SettingError::Unknown {
        path: path.to_string(),
        value: brief(value),
        hint: suggestion.map_or_else(String::new, |path| format!("did you mean `{path}`? ")),
        parent: parent.to_string(),
        available: path::near(name, available),
    }
}

/// The path of the first key of this name anywhere in the configuration.
fn elsewhere(at: &str, existing: &Value, name: &str) -> Option<String> {
    let Value::Object(map) = existing else { return None };
    if map.contains_key(name) {
        return Some(path::join(at, name));
    }
    map.iter().find_map(|(key, value)| elsewhere(&path::join(at, key), value, name))
}

/// Translates a message of serde for users.
fn reason(message: &str, value: &Value) -> String {
    if let Some(field) = message.strip_prefix("missing field ") {
        return format!("the field {field} is missing");
    }
    let Some((found, expected)) =
        message.strip_prefix("invalid ").and_then(|rest| rest.split_once(", expected "))
    else {
        return message.to_string();
    };
    let expected = match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or above",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a sequence" => "an array",
        other if other.starts_with("struct ") || other == "a map" => "an object",
        other => other,
    };
    let found = found.split_once(": ").map_or(found, |(_, found)| found);
    match value {
        Value::Object(_) | Value::Array(_) => format!("expected {expected}, found {found}"),
        Value::Number(_) | Value::Bool(_) if expected == "a string" => {
            format!("expected {expected}, found {} (in quotes, \"{value}\", it is a string)", describe(value))
        }
        _ => format!("expected {expected}, found {}", describe(value)),
    }
}
