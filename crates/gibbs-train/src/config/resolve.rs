//! Laying files and settings over a preset.

use std::path::Path;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::diagnose::{Attempt, Failure};
use super::value::{Change, compare, describe, to_value};
use super::{SettingError, path};

/// A configuration in force, and how it differs from its preset.
#[derive(Clone, Debug)]
pub struct Resolved<C> {
    /// The typed configuration.
    pub config: C,
    /// Every value that differs from the preset, in the order of the configuration.
    pub changes: Vec<Change>,
}

/// Lays what a user gives over a preset; later values win over earlier ones.
#[derive(Clone, Debug)]
pub struct Resolver {
    preset: Value,
    merged: Value,
    given: Vec<(String, Value)>,
}

impl Resolver {
    /// Starts from a preset.
    ///
    /// # Errors
    /// [`SettingError::Preset`] if the preset does not serialize.
    pub fn over<C: Serialize + ?Sized>(preset: &C) -> Result<Self, SettingError> {
        let preset = to_value(preset)?;
        Ok(Self { merged: preset.clone(), preset, given: Vec::new() })
    }

    /// Lays a JSON file over what there is, key by key.
    ///
    /// # Errors
    /// [`SettingError::Read`], [`SettingError::Json`] (with line and column), [`SettingError::NotAnObject`].
    pub fn file(mut self, path: impl AsRef<Path>) -> Result<Self, SettingError> {
        let overlay = Value::Object(read_object(path.as_ref())?);
        lay("", &mut self.merged, overlay, &mut self.given);
        Ok(self)
    }

    /// Applies one setting `path.to.key=value`. The value is read as JSON where it is JSON, else as a string.
    ///
    /// # Errors
    /// [`SettingError::Syntax`], and those of [`Resolver::assign`].
    pub fn setting(self, text: &str) -> Result<Self, SettingError> {
        let syntax = || SettingError::Syntax { text: text.to_string() };
        let (path, value) = text.split_once('=').ok_or_else(syntax)?;
        let path = path.trim();
        if path.split('.').any(|key| key.is_empty() || key.contains(char::is_whitespace)) {
            return Err(syntax());
        }
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_string()));
        self.assign(path, value)
    }

    /// Applies several settings in their order.
    ///
    /// # Errors
    /// Those of [`Resolver::setting`], for the first setting that is wrong.
    pub fn settings<S: AsRef<str>>(self, texts: impl IntoIterator<Item = S>) -> Result<Self, SettingError> {
        texts.into_iter().try_fold(self, |resolver, text| resolver.setting(text.as_ref()))
    }

    /// Puts a value at a path; for flags that are short for a setting. An object replaces what is there as a whole.
    ///
    /// Whether the path exists and the value fits is found out by [`Resolver::resolve`], since both can depend on
    /// other settings.
    ///
    /// # Errors
    /// [`SettingError::NoParts`] for a path through a number or string, [`SettingError::Unknown`] for an array index
    /// out of range.
    pub fn assign(mut self, path: &str, value: impl Into<Value>) -> Result<Self, SettingError> {
        let value = value.into();
        let mut place = &mut self.merged;
        let mut walked = String::new();
        for key in path.split('.') {
            if place.is_null() {
                *place = Value::Object(Map::new());
            }
            place = match place {
                Value::Object(map) => map.entry(key).or_insert(Value::Null),
                Value::Array(items) => {
                    let available: Vec<_> = (0..items.len()).map(|index| index.to_string()).collect();
                    let found = key.parse::<usize>().ok().and_then(|index| items.get_mut(index));
                    found.ok_or_else(|| SettingError::Unknown {
                        path: path.to_string(),
                        value: value.to_string(),
                        hint: String::new(),
                        parent: walked.clone(),
                        available,
                    })?
                }
                other => {
                    return Err(SettingError::NoParts {
                        path: path.to_string(),
                        value: value.to_string(),
                        parent: walked,
                        found: describe(other),
                    });
                }
            };
            walked = path::join(&walked, key);
        }
        *place = value.clone();
        self.given.push((path.to_string(), value));
        Ok(self)
    }

    /// What there is so far.
    pub fn values(&self) -> &Value {
        &self.merged
    }

    /// The typed configuration with the list of its differences from the preset.
    ///
    /// # Errors
    /// [`SettingError::Unknown`] for the first given path that the configuration does not have,
    /// [`SettingError::Value`] for a value of a wrong type.
    pub fn resolve<C: Serialize + DeserializeOwned>(self) -> Result<Resolved<C>, SettingError> {
        let attempt = Attempt { preset: &self.preset, given: &self.given };
        let config: C = match attempt.read(&self.merged) {
            Ok(config) => config,
            Err(first) => self.resolve_variants(&attempt, first)?,
        };
        let canonical = to_value(&config)?;
        attempt.check_all_used::<C>(&self.merged, &canonical)?;
        let mut changes = Vec::new();
        compare("", &self.preset, &canonical, &mut changes);
        Ok(Resolved { config, changes })
    }

    /// Second attempt, for enums that change their variant: objects whose `kind` is not the preset's lose what they
    /// had from the preset.
    fn resolve_variants<C: DeserializeOwned>(
        &self,
        attempt: &Attempt,
        first: Failure,
    ) -> Result<C, SettingError> {
        let mut stripped = self.merged.clone();
        strip_changed_variants("", &mut stripped, &self.preset, &self.given);
        if stripped == self.merged {
            return Err(attempt.explain::<C>(&self.merged, first));
        }
        attempt.read(&stripped).map_err(|second| {
            // A field that the user invented, rather than one left over from the preset's variant, is to blame itself.
            if first.names_unknown_field() && attempt.given_unknown(&first).is_none() {
                attempt.explain::<C>(&stripped, second)
            } else {
                attempt.explain::<C>(&self.merged, first)
            }
        })
    }
}

/// Reads a complete configuration from a JSON file as strictly as [`Resolver`] does, without a preset.
///
/// # Errors
/// Those of [`Resolver::file`] and [`Resolver::resolve`].
pub fn read_strict<C: Serialize + DeserializeOwned>(path: impl AsRef<Path>) -> Result<C, SettingError> {
    Ok(Resolver::over(&Map::new())?.file(path)?.resolve()?.config)
}

fn read_object(path: &Path) -> Result<Map<String, Value>, SettingError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| SettingError::Read { path: path.to_path_buf(), source })?;
    match serde_json::from_str(&text) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(other) => Err(SettingError::NotAnObject { path: path.to_path_buf(), found: describe(&other) }),
        Err(error) => {
            let whole = error.to_string();
            let message = whole.split(" at line ").next().unwrap_or(&whole).to_string();
            Err(SettingError::Json {
                path: path.to_path_buf(),
                line: error.line(),
                column: error.column(),
                message,
            })
        }
    }
}

fn lay(at: &str, base: &mut Value, overlay: Value, given: &mut Vec<(String, Value)>) {
    match (base, overlay) {
        (Value::Object(base), Value::Object(overlay)) => {
            for (key, value) in overlay {
                let at = path::join(at, &key);
                match base.get_mut(&key) {
                    Some(base) => lay(&at, base, value, given),
                    None => {
                        given.push((at, value.clone()));
                        base.insert(key, value);
                    }
                }
            }
        }
        (base, overlay) => {
            given.push((at.to_string(), overlay.clone()));
            *base = overlay;
        }
    }
}

fn strip_changed_variants(at: &str, value: &mut Value, preset: &Value, given: &[(String, Value)]) {
    let (Value::Object(map), Value::Object(preset)) = (value, preset) else { return };
    let is_given = |key: &str| {
        let key = path::join(at, key);
        given.iter().any(|(path, _)| {
            path == &key || path.starts_with(&format!("{key}.")) || key.starts_with(&format!("{path}."))
        })
    };
    if map.get("kind").is_some_and(|kind| Some(kind) != preset.get("kind")) {
        map.retain(|key, _| is_given(key));
    }
    for (key, value) in map.iter_mut() {
        if let Some(preset) = preset.get(key) {
            strip_changed_variants(&path::join(at, key), value, preset, given);
        }
    }
}
