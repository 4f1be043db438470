//! What the settings of a configuration mean: read from the documentation of its fields, which the build script collects.

use std::any::type_name;

use gibbs_train::config::nearest_paths;
use serde::Serialize;
use serde_json::Value;

/// A configuration type with the documentation of its parts.
struct Documented {
    /// `crate::Name`.
    name: &'static str,
    doc: &'static str,
    shape: Shape,
    /// Fields of a struct, variants of an enum.
    parts: &'static [Part],
}

enum Shape {
    Struct,
    Enum {
        /// The key that names the variant.
        tag: Option<&'static str>,
        /// Whether the variant follows from the type of the value.
        untagged: bool,
        /// Whether a number may stand for the whole.
        or_number: bool,
    },
}

/// A field or a variant.
struct Part {
    name: &'static str,
    doc: &'static str,
    /// Type of the field, or of the content of the variant. `$0` is the first type argument of the whole.
    ty: &'static str,
    /// Whether the parts of the field stand in the place of the field.
    flat: bool,
    /// Fields of the variant.
    parts: &'static [Part],
}

include!(concat!(env!("OUT_DIR"), "/documented.rs"));

/// A setting of a configuration.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Its path, such as `train.learning_rate`.
    pub path: String,
    /// Its value in the configuration that is explained.
    pub default: Value,
    /// What can be given.
    pub values: String,
    /// Names that can be given, each with its meaning; empty where the values are not names.
    pub choices: Vec<(&'static str, &'static str)>,
    /// What it means.
    pub meaning: &'static str,
}

/// All settings of a configuration, in its order. Of lists of objects only the first one is explained.
///
/// # Errors
/// A configuration that does not serialize.
pub fn settings<C: Serialize>(config: &C) -> Result<Vec<Setting>, serde_json::Error> {
    let mut settings = Vec::new();
    walk("", &serde_json::to_value(config)?, type_name::<C>(), "", &mut settings);
    Ok(settings)
}

/// The settings at a path and below it, or all of them where none is given.
///
/// # Errors
/// A path that does not exist; names the nearest ones.
pub fn at(path: &str, settings: Vec<Setting>) -> anyhow::Result<Vec<Setting>> {
    let is_below = |setting: &Setting| {
        setting
            .path
            .strip_prefix(path)
            .is_some_and(|rest| path.is_empty() || rest.is_empty() || rest.starts_with('.'))
    };
    if settings.iter().any(is_below) {
        return Ok(settings.into_iter().filter(is_below).collect());
    }
    let names: Vec<String> = settings.into_iter().map(|setting| setting.path).collect();
    let near = nearest_paths(path, names, 3).join(", ");
    Err(usage!("--explain {path}: no such setting; the nearest are {near}"))
}

fn walk(path: &str, value: &Value, ty: &str, meaning: &'static str, settings: &mut Vec<Setting>) {
    let join = |key: &str| if path.is_empty() { key.to_string() } else { format!("{path}.{key}") };
    let is_whole = match value {
        Value::Object(_) => {
            matches!(lookup(ty), Some(Documented { shape: Shape::Enum { or_number: true, .. }, .. }))
        }
        Value::Array(items) => !items.first().is_some_and(Value::is_object),
        _ => true,
    };
    if is_whole {
        let choices = lookup(inner(ty)).map_or_else(Vec::new, choices);
        settings.push(Setting {
            path: path.into(),
            default: value.clone(),
            values: values(ty),
            choices,
            meaning,
        });
    }
    match value {
        Value::Object(map) => {
            let fields = fields(ty, value);
            for (key, value) in map {
                match fields.iter().find(|field| field.name == key) {
                    Some(field) => walk(&join(key), value, &field.ty, field.doc, settings),
                    None => walk(&join(key), value, "", "", settings),
                }
            }
        }
        Value::Array(items) if !is_whole => walk(&join("0"), &items[0], inner(ty), meaning, settings),
        _ => {}
    }
}

/// A field of a value, with its type.
struct Field {
    name: &'static str,
    ty: String,
    doc: &'static str,
}

/// The fields of a value of a type, with those of flattened fields and of the variant that the value is.
fn fields(ty: &str, value: &Value) -> Vec<Field> {
    let ty = inner(ty);
    let Some(of) = lookup(ty) else { return Vec::new() };
    let of_parts = |parts: &'static [Part]| {
        parts.iter().flat_map(|part| {
            let (name, ty, doc) = (part.name, substituted(part.ty, ty), part.doc);
            if part.flat { fields(&ty, value) } else { vec![Field { name, ty, doc }] }
        })
    };
    let Shape::Enum { tag: Some(tag), .. } = of.shape else { return of_parts(of.parts).collect() };
    let Some(variant) = of.parts.iter().find(|part| value[tag] == part.name) else { return Vec::new() };
    let kind = Field { name: tag, ty: ty.into(), doc: of.doc };
    let content =
        if variant.ty.is_empty() { Vec::new() } else { fields(&substituted(variant.ty, ty), value) };
    std::iter::once(kind).chain(of_parts(variant.parts)).chain(content).collect()
}

/// What can be given for a type, in words.
fn values(ty: &str) -> String {
    let (name, arguments) = parts_of(ty);
    let argument = || values(arguments.first().copied().unwrap_or_default());
    let words = match name {
        "usize" | "u8" | "u16" | "u32" | "u64" => "whole number",
        "i8" | "i16" | "i32" | "i64" => "whole number of either sign",
        "f32" | "f64" => "number",
        "bool" => "true or false",
        "String" => "text",
        "PathBuf" => "path",
        "list" => "list",
        "Option" => return format!("{}, or null", argument()),
        "Vec" => return format!("list of {}", argument()),
        _ => "",
    };
    if !words.is_empty() {
        return words.into();
    }
    let Some(of) = lookup(ty) else { return "value".into() };
    match of.shape {
        Shape::Struct => "object".into(),
        Shape::Enum { untagged: true, .. } => {
            of.parts.iter().map(|part| values(part.ty)).collect::<Vec<_>>().join(" or ")
        }
        Shape::Enum { tag, or_number, .. } => {
            let names: Vec<&str> = of.parts.iter().map(|part| part.name).collect();
            let kinds = names.join(" | ");
            match (tag, or_number) {
                (Some(tag), true) => format!("number, or object with {tag} = {kinds}"),
                _ => kinds,
            }
        }
    }
}

/// The variants of an enum of names, each with its meaning.
fn choices(of: &'static Documented) -> Vec<(&'static str, &'static str)> {
    match of.shape {
        Shape::Enum { untagged: false, .. } => {
            of.parts.iter().map(|part| (part.name, followed(part.doc))).collect()
        }
        _ => Vec::new(),
    }
}

/// A documentation that only names another one, or the other one.
fn followed(doc: &'static str) -> &'static str {
    let Some(path) = doc.strip_prefix("See ").and_then(|rest| rest.strip_suffix('.')) else { return doc };
    let (outer, last) = path.rsplit_once("::").unwrap_or((path, ""));
    let Some(of) = DOCUMENTED.iter().find(|of| of.name.rsplit("::").next() == Some(outer)) else {
        return doc;
    };
    let is_last = |part: &&Part| part.name == last || part.name.replace('_', "").eq_ignore_ascii_case(last);
    if last.is_empty() { of.doc } else { of.parts.iter().find(is_last).map_or(doc, |part| part.doc) }
}

/// The documented type of a name, in its crate or in any other that has it alone.
fn lookup(ty: &str) -> Option<&'static Documented> {
    let path = ty.split('<').next()?;
    let (package, name) = (path.split("::").next()?, path.rsplit("::").next()?);
    let mut named = DOCUMENTED.iter().filter(|of| of.name.rsplit("::").next() == Some(name));
    let in_package = named.clone().find(|of| of.name.split("::").next() == Some(package));
    in_package.or_else(|| named.next().filter(|_| named.next().is_none()))
}

/// The type itself, or what an option, a list or a box holds.
fn inner(ty: &str) -> &str {
    match parts_of(ty) {
        ("Option" | "Vec" | "Box", arguments) => arguments.first().map_or(ty, |argument| inner(argument)),
        _ => ty,
    }
}

/// The name of a type without its path, and its arguments.
fn parts_of(ty: &str) -> (&str, Vec<&str>) {
    let (path, arguments) = match ty.split_once('<') {
        Some((path, rest)) => (path, rest.strip_suffix('>').unwrap_or(rest)),
        None => (ty, ""),
    };
    let (mut depth, mut start, mut list) = (0, 0, Vec::new());
    for (i, letter) in arguments.char_indices() {
        match letter {
            '<' => depth += 1,
            '>' => depth -= 1,
            ',' if depth == 0 => {
                list.push(arguments[start..i].trim());
                start = i + 1;
            }
            _ => {}
        }
    }
    if !arguments.is_empty() {
        list.push(arguments[start..].trim());
    }
    (path.rsplit("::").next().unwrap_or(path), list)
}

/// The type of a part of `whole`, with the type arguments of `whole`.
fn substituted(ty: &str, whole: &str) -> String {
    let arguments = parts_of(whole).1;
    arguments
        .iter()
        .enumerate()
        .fold(ty.to_string(), |ty, (k, argument)| ty.replace(&format!("${k}"), argument))
}

#[cfg(test)]
mod tests {
    use gibbs_train::schedule::Schedule;
    use serde_json::json;

    use super::*;
    #[test]
    fn types_have_names_and_arguments() {
        assert_eq!(parts_of("a::b::C<d::E<f,G>,h::I>"), ("C", vec!["d::E<f,G>", "h::I"]));
        assert_eq!(substituted("core::Option<$0>", "x::Y<z::W,V>"), "core::Option<z::W>");
        assert_eq!(inner("core::option::Option<alloc::vec::Vec<u8>>"), "u8");
        assert_eq!(values("Option<Vec<f64>>"), "list of number, or null");
    }

    #[test]
    fn a_schedule_is_a_number_or_an_object() {
        let mut found = Vec::new();
        walk("rate", &json!(Schedule::linear(0.1, 0.0)), type_name::<Schedule>(), "", &mut found);
        let paths: Vec<&str> = found.iter().map(|setting| setting.path.as_str()).collect();
        assert_eq!(paths[..3], ["rate", "rate.kind", "rate.from"]);
        assert!(
            found[0].values.starts_with("number, or object with kind = constant | linear | "),
            "{:?}",
            found[0]
        );
        assert_eq!(found[2].meaning, "The value after the warm-up.");
    }
}
