//! Overrides a preset by files and settings.

use std::path::Path;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::diagnose::{Attempt, Failure};
use super::value::{Change, compare, describe, to_value};
use super::{SettingError, path};

/// A complete configuration, and its differences from the preset.
#[derive(Clone, Debug)]
pub struct Resolved<C> {
    /// The typed configuration.
    pub config: C,
    /// Every value that differs from the preset, in the order of the configuration.
    pub changes: Vec<Change>,
}

/// Overrides a preset by the values of a user. A later value replaces an earlier one.
#[derive(Clone, Debug)]
pub struct Resolver {
    preset: Value,
    merged: Value,
    overrides: Vec<(String, Value)>,
}

impl Resolver {
    /// Starts from a preset.
    ///
    /// # Errors
    /// [`SettingError::Preset`] if the preset does not serialize.
    pub fn over<C: Serialize + ?Sized>(preset: &C) -> Result<Self, SettingError> {
        let preset = to_value(preset)?;
        Ok(Self { merged: preset.clone(), preset, overrides: Vec::new() })
    }

    /// Overrides the present values by a JSON file, key by key.
    ///
    /// # Errors
    /// [`SettingError::Read`], [`SettingError::Json`] (with line and column), [`SettingError::NotAnObject`].
    pub fn file(mut self, path: impl AsRef<Path>) -> Result<Self, SettingError> {
        let overlay = Value::Object(read_object(path.as_ref())?);
        lay("", &mut self.merged, overlay, &mut self.overrides);
        Ok(self)
    }

    /// Applies one setting `path.to.key=value`. The value is parsed as JSON. If it is not JSON, it is a string.
    ///
    /// # Errors
    /// [`SettingError::Syntax`], and the errors of [`Resolver::assign`].
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
    /// The error of [`Resolver::setting`] for the first wrong setting.
    pub fn settings<S: AsRef<str>>(self, texts: impl IntoIterator<Item = S>) -> Result<Self, SettingError> {
        texts.into_iter().try_fold(self, |resolver, text| resolver.setting(text.as_ref()))
    }

    /// Replaces the value at a path. Use it for command-line flags that are short for a setting.
    ///
    /// [`Resolver::resolve`] checks that the path exists and that the value fits, because both can depend on other settings.
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
        self.overrides.push((path.to_string(), value));
        Ok(self)
    }

    /// The present values.
    pub fn values(&self) -> &Value {
        &self.merged
    }

    /// Returns the typed configuration and its differences from the preset.
    ///
    /// # Errors
    /// [`SettingError::Unknown`] for the first path of the user that the configuration does not have,
    /// [`SettingError::Value`] for a value of a wrong type.
    pub fn resolve<C: Serialize + DeserializeOwned>(self) -> Result<Resolved<C>, SettingError> {
        let attempt = Attempt { preset: &self.preset, overrides: &self.overrides };
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

    /// Tries again for enums that change their variant. An object whose `kind` differs from the preset loses the values of the
    /// preset.
    fn resolve_variants<C: DeserializeOwned>(
        &self,
        attempt: &Attempt,
        first: Failure,
    ) -> Result<C, SettingError> {
        let mut stripped = self.merged.clone();
        strip_changed_variants("", &mut stripped, &self.preset, &self.overrides);
        if stripped == self.merged {
            return Err(attempt.explain::<C>(&self.merged, first));
        }
        attempt.read(&stripped).map_err(|second| {
            // The unknown field is left over from the preset's variant, or it is an override of the user.
            if first.names_unknown_field() && attempt.unknown_override(&first).is_none() {
                attempt.explain::<C>(&stripped, second)
            } else {
                attempt.explain::<C>(&self.merged, first)
            }
        })
    }
}

/// Reads a complete configuration from a JSON file without a preset. It is as strict as [`Resolver`].
///
/// # Errors
/// The errors of [`Resolver::file`] and [`Resolver::resolve`].
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

fn lay(at: &str, base: &mut Value, overlay: Value, overrides: &mut Vec<(String, Value)>) {
    match (base, overlay) {
        (Value::Object(base), Value::Object(overlay)) => {
            for (key, value) in overlay {
                let at = path::join(at, &key);
                match base.get_mut(&key) {
                    Some(base) => lay(&at, base, value, overrides),
                    None => {
                        overrides.push((at, value.clone()));
                        base.insert(key, value);
                    }
                }
            }
        }
        (base, overlay) => {
            overrides.push((at.to_string(), overlay.clone()));
            *base = overlay;
        }
    }
}

fn strip_changed_variants(at: &str, value: &mut Value, preset: &Value, overrides: &[(String, Value)]) {
    let (Value::Object(map), Value::Object(preset)) = (value, preset) else { return };
    let is_override = |key: &str| {
        let key = path::join(at, key);
        overrides.iter().any(|(path, _)| {
            path == &key || path.starts_with(&format!("{key}.")) || key.starts_with(&format!("{path}."))
        })
    };
    if map.get("kind").is_some_and(|kind| Some(kind) != preset.get("kind")) {
        map.retain(|key, _| is_override(key));
    }
    for (key, value) in map.iter_mut() {
        if let Some(preset) = preset.get(key) {
            strip_changed_variants(&path::join(at, key), value, preset, overrides);
        }
    }
}
