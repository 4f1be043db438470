//! From "it does not deserialize" to the one value that is to blame.

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;

use super::value::{brief, describe};
use super::{SettingError, path};

/// Why a value did not deserialize, and where, as far as serde knows.
pub(super) struct Failure {
    path: String,
    message: String,
}

impl Failure {
    pub(super) fn names_unknown_field(&self) -> bool {
        self.message.starts_with("unknown field")
    }
}

/// The preset and what was given over it, for reading candidates and explaining what is wrong with them.
pub(super) struct Attempt<'a> {
    pub(super) preset: &'a Value,
    pub(super) given: &'a [(String, Value)],
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

    /// An error for the first given key that did not make it into the configuration.
    pub(super) fn check_all_used<C: DeserializeOwned>(
        &self,
        candidate: &Value,
        canonical: &Value,
    ) -> Result<(), SettingError> {
        for (given, value) in self.given {
            for (lost, value) in unused(given, value, canonical) {
                if !(value.is_null() && self.is_known::<C>(candidate, &lost)) {
                    let shown = if lost.len() > given.len() { &lost } else { given };
                    return Err(unknown(shown, &lost, value, canonical));
                }
            }
        }
        Ok(())
    }

    /// Whether the type looks at what is under a path; for a `null`, which it may leave out when it serializes.
    fn is_known<C: DeserializeOwned>(&self, candidate: &Value, path: &str) -> bool {
        let mut trial = candidate.clone();
        let Some(place) = path::get_mut(&mut trial, path) else { return false };
        *place = serde_json::json!([[[{}]]]);
        self.read::<C>(&trial).is_err()
    }

    pub(super) fn explain<C: DeserializeOwned>(&self, candidate: &Value, failure: Failure) -> SettingError {
        if let Some((path, lost, value)) = self.given_unknown(&failure) {
            return unknown(&path, &lost, value, self.preset);
        }
        let at = self.culprit::<C>(candidate, &failure);
        let value = path::get(candidate, &at).unwrap_or(&Value::Null);
        let parent = path::parent(&at).to_string();
        let available = path::names(self.preset, &parent)
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

    /// The unknown field of a failure where it was given, as [`given_key`](Self::given_key).
    pub(super) fn given_unknown(&self, failure: &Failure) -> Option<(String, String, &Value)> {
        let field = failure.message.strip_prefix("unknown field `")?.split('`').next()?;
        self.given_key(field)
    }

    /// The first given path with a key called `name` that the preset does not have, that path up to the key, and the
    /// value given.
    fn given_key(&self, name: &str) -> Option<(String, String, &Value)> {
        self.given.iter().find_map(|(given, value)| {
            let mut walked = String::new();
            for key in given.split('.') {
                walked = path::join(&walked, key);
                if key == name && path::get(self.preset, &walked).is_none() {
                    return Some((given.clone(), walked, value));
                }
            }
            find_key(given, value, name).map(|(path, value)| (path.clone(), path, value))
        })
    }

    /// The given value whose absence makes the failure go away or change; else where serde says.
    fn culprit<C: DeserializeOwned>(&self, candidate: &Value, failure: &Failure) -> String {
        let within = |outer: &str, inner: &str| {
            outer.is_empty() || inner == outer || inner.starts_with(&format!("{outer}."))
        };
        if failure.message.starts_with("missing field")
            || self.given.iter().any(|(given, _)| within(given, &failure.path))
        {
            return failure.path.clone();
        }
        for (given, _) in self.given.iter().filter(|(given, _)| within(&failure.path, given)) {
            let mut trial = candidate.clone();
            match (path::get(self.preset, given), path::get_mut(&mut trial, given)) {
                (Some(preset), Some(place)) => *place = preset.clone(),
                _ => {
                    let key = given.rsplit('.').next().unwrap_or(given);
                    if let Some(Value::Object(map)) = path::get_mut(&mut trial, path::parent(given)) {
                        map.remove(key);
                    }
                }
            }
            if self.read::<C>(&trial).err().is_none_or(|other| other.message != failure.message) {
                return given.clone();
            }
        }
        failure.path.clone()
    }
}

/// The paths of a given value that the configuration does not have, up to where they part from it, with the values
/// given there.
fn unused<'a>(given: &str, value: &'a Value, canonical: &Value) -> Vec<(String, &'a Value)> {
    let mut walked = String::new();
    let mut level = canonical;
    for key in given.split('.') {
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
    unused_keys(given, value, level, &mut found);
    found
}

fn unused_keys<'a>(at: &str, given: &'a Value, canonical: &Value, found: &mut Vec<(String, &'a Value)>) {
    match (given, canonical) {
        (Value::Object(given), Value::Object(canonical)) => {
            for (key, value) in given {
                let at = path::join(at, key);
                match canonical.get(key) {
                    Some(canonical) => unused_keys(&at, value, canonical, found),
                    None => found.push((at, value)),
                }
            }
        }
        (Value::Array(given), Value::Array(canonical)) if given.len() == canonical.len() => {
            for (index, (given, canonical)) in given.iter().zip(canonical).enumerate() {
                unused_keys(&path::join(at, &index.to_string()), given, canonical, found);
            }
        }
        _ => {}
    }
}

/// The first key called `name` inside a given value, with its path.
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

/// The error for a path that is lost from `lost` on, with the names that there are.
fn unknown(path: &str, lost: &str, value: &Value, existing: &Value) -> SettingError {
    let mut parent = path::parent(lost);
    while path::get(existing, parent).is_none() {
        parent = path::parent(parent);
    }
    let available = path::names(existing, parent);
    let name = lost[parent.len()..].trim_start_matches('.').split('.').next().unwrap_or(lost);
    let suggestion = path::nearest(name, &available).map(|near| {
        let rest = &path[lost.len().min(path.len())..];
        format!("{}{rest}", path::join(parent, near))
    });
    let suggestion = suggestion.or_else(|| elsewhere("", existing, path.rsplit('.').next().unwrap_or(path)));
    SettingError::Unknown {
        path: path.to_string(),
        value: brief(value),
        hint: suggestion.map_or_else(String::new, |path| format!("did you mean `{path}`? ")),
        parent: parent.to_string(),
        available,
    }
}

/// The path of a key of this name anywhere in the configuration.
fn elsewhere(at: &str, existing: &Value, name: &str) -> Option<String> {
    let Value::Object(map) = existing else { return None };
    if map.contains_key(name) {
        return Some(path::join(at, name));
    }
    map.iter().find_map(|(key, value)| elsewhere(&path::join(at, key), value, name))
}

/// serde's message in words for a user.
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
