//! Collects the documentation of the configurations from the sources of the workspace, as a table that `explain` includes.
//! So the meaning of a setting is written once, at its field.

use std::{
    collections::BTreeMap,
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use syn::{
    Attribute, Expr, Fields, GenericArgument, GenericParam, Ident, Item, Lit, LitStr, Meta, PathArguments,
    Token, Type, UseTree, braced,
    parse::{Parse, ParseStream},
    punctuated::Punctuated,
};

#[allow(clippy::print_stdout, reason = "cargo reads stdout")]
fn main() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let mut packages = vec![here.clone()];
    for entry in fs::read_dir(here.join("../crates"))? {
        let path = entry?.path();
        packages.extend(Some(path).filter(|path| path.join("src").is_dir()));
    }
    packages.sort();
    let mut table = String::new();
    for package in packages {
        let package_name = package.file_name().unwrap_or_default().to_string_lossy().replace('-', "_");
        let source = package.join("src");
        println!("cargo:rerun-if-changed={}", source.display());
        for file in rust_files(&source)? {
            let text = fs::read_to_string(&file)?;
            if ["Deserialize", "derive(Config", "named! {", "fields! {"]
                .iter()
                .any(|word| text.contains(word))
            {
                let parsed =
                    syn::parse_file(&text).map_err(|error| format!("{}: {error}", file.display()))?;
                table += &Source::new(&package_name, &parsed.items).documented(&parsed.items);
            }
        }
    }
    for (name, value) in provenance(&here) {
        println!("cargo:rustc-env={name}={value}");
    }
    let out = PathBuf::from(std::env::var("OUT_DIR")?).join("documented.rs");
    Ok(fs::write(out, format!("static DOCUMENTED: &[Documented] = &[\n{table}];\n"))?)
}

/// What a run notes of its program: commit, compiler, features. A build outside a repository has no commit.
fn provenance(here: &Path) -> Vec<(&'static str, String)> {
    let output = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).current_dir(here).args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
        Some(text.trim().to_string())
    };
    let commit = output("git", &["describe", "--always", "--dirty", "--abbrev=12"]);
    let compiler = output(&std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into()), &["--version"]);
    let is_backend = |name: &String| name != "DEFAULT";
    let features =
        std::env::vars().filter_map(|(name, _)| name.strip_prefix("CARGO_FEATURE_").map(String::from));
    let features: Vec<String> = features.filter(is_backend).map(|name| name.to_lowercase()).collect();
    let known = [
        ("GIBBS_COMMIT", commit),
        ("GIBBS_COMPILER", compiler),
        ("GIBBS_FEATURES", Some(features.join(" "))),
    ];
    known.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>, std::io::Error> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// A source file: its crate, and the crates of the names that it imports.
struct Source {
    package: String,
    imports: BTreeMap<String, String>,
}

impl Source {
    fn new(package: &str, items: &[Item]) -> Self {
        let mut source = Self { package: package.into(), imports: BTreeMap::new() };
        for item in items {
            if let Item::Use(item) = item {
                source.import(&item.tree, None);
            }
        }
        source
    }

    fn import(&mut self, tree: &UseTree, from: Option<&str>) {
        match tree {
            UseTree::Path(path) => {
                let from = from.map_or_else(|| self.crate_of(&path.ident), String::from);
                self.import(&path.tree, Some(&from));
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.import(tree, from)),
            UseTree::Name(name) => {
                let from = from.unwrap_or(&self.package).to_string();
                self.imports.insert(name.ident.to_string(), from);
            }
            _ => {}
        }
    }

    fn crate_of(&self, first: &Ident) -> String {
        match first.to_string() {
            own if ["crate", "super", "self"].contains(&own.as_str()) => self.package.clone(),
            other => self.imports.get(&other).cloned().unwrap_or(other),
        }
    }

    /// The entries of the configurations among the items.
    fn documented(&self, items: &[Item]) -> String {
        let entry = |ident: &Ident, attributes: &[Attribute], kind: &str, parts: Vec<String>| {
            format!(
                "Documented {{ name: \"{}::{ident}\", doc: {:?}, {kind}, parts: &[{}] }},\n",
                self.package,
                doc(attributes),
                parts.concat()
            )
        };
        let is_read = |ident: &Ident, attributes: &[Attribute]| {
            let derives = words(attributes, "derive");
            derives.contains("Deserialize")
                || derives.contains("Config")
                || items.iter().any(|item| reads(item, ident))
        };
        let mut table = String::new();
        for item in items {
            match item {
                Item::Struct(item) if is_read(&item.ident, &item.attrs) => {
                    let parameters: Vec<String> = item.generics.params.iter().filter_map(parameter).collect();
                    let parts = self.fields(&item.fields, &parameters);
                    table += &entry(&item.ident, &item.attrs, "shape: Shape::Struct", parts);
                }
                Item::Enum(item) if is_read(&item.ident, &item.attrs) => {
                    let by_hand = items.iter().any(|other| reads(other, &item.ident));
                    let serde = words(&item.attrs, "serde");
                    let (tag, case) = match by_hand {
                        true => (Some("kind"), Some("snake_case")),
                        false => (value_of(&serde, "tag"), value_of(&serde, "rename_all")),
                    };
                    let parts = item.variants.iter().map(|variant| {
                        let own = words(&variant.attrs, "serde");
                        let name = value_of(&own, "rename")
                            .map_or_else(|| renamed(&variant.ident, case), String::from);
                        let inner = match &variant.fields {
                            Fields::Unnamed(fields) => fields
                                .unnamed
                                .first()
                                .map_or_else(String::new, |field| self.type_name(&field.ty, &[])),
                            _ => String::new(),
                        };
                        let fields = self.fields(&variant.fields, &[]);
                        part(&name, &doc(&variant.attrs), &inner, false, &fields.concat())
                    });
                    let untagged = serde.contains("untagged");
                    let kind = format!(
                        "shape: Shape::Enum {{ tag: {tag:?}, untagged: {untagged}, or_number: {by_hand} }}"
                    );
                    table += &entry(&item.ident, &item.attrs, &kind, parts.collect());
                }
                Item::Macro(item) => {
                    let Ok(Choices { attributes, ident, choices }) = syn::parse2(item.mac.tokens.clone())
                    else {
                        continue;
                    };
                    let has_content = choices.iter().any(|choice| choice.content.is_some());
                    let tag = has_content.then_some("kind");
                    let kind =
                        format!("shape: Shape::Enum {{ tag: {tag:?}, untagged: false, or_number: false }}");
                    let parts = choices.iter().map(|choice| {
                        let ty =
                            choice.content.as_ref().map_or_else(String::new, |ty| self.type_name(ty, &[]));
                        part(&choice.name, &doc(&choice.attributes), &ty, false, "")
                    });
                    table += &entry(&ident, &attributes, &kind, parts.collect());
                }
                _ => {}
            }
        }
        table
    }

    fn fields(&self, fields: &Fields, parameters: &[String]) -> Vec<String> {
        let Fields::Named(fields) = fields else { return Vec::new() };
        let of_field = |field: &syn::Field| {
            let name = field.ident.as_ref().map(Ident::to_string).unwrap_or_default();
            let is_flat = words(&field.attrs, "serde").contains("flatten");
            part(&name, &doc(&field.attrs), &self.type_name(&field.ty, parameters), is_flat, "")
        };
        fields.named.iter().map(of_field).collect()
    }

    /// `crate::Name<arguments>` of a type; `$0` for the first parameter of the item.
    fn type_name(&self, ty: &Type, parameters: &[String]) -> String {
        let Type::Path(path) = ty else { return "list".into() };
        let segments = &path.path.segments;
        let (Some(first), Some(last)) = (segments.first(), segments.last()) else { return String::new() };
        let name = last.ident.to_string();
        if let Some(k) = parameters.iter().position(|parameter| *parameter == name) {
            return format!("${k}");
        }
        let from = match segments.len() {
            1 => self.imports.get(&name).unwrap_or(&self.package).clone(),
            _ => self.crate_of(&first.ident),
        };
        let PathArguments::AngleBracketed(arguments) = &last.arguments else {
            return format!("{from}::{name}");
        };
        let arguments = arguments.args.iter().filter_map(|argument| match argument {
            GenericArgument::Type(ty) => Some(self.type_name(ty, parameters)),
            _ => None,
        });
        format!("{from}::{name}<{}>", arguments.collect::<Vec<_>>().join(","))
    }
}

/// The enums of the macros `named!` and `fields!`.
struct Choices {
    attributes: Vec<Attribute>,
    ident: Ident,
    choices: Vec<Choice>,
}

/// A name, or a kind with its configuration.
struct Choice {
    attributes: Vec<Attribute>,
    name: String,
    content: Option<Type>,
}

impl Parse for Choices {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let (attributes, ident) = (input.call(Attribute::parse_outer)?, input.parse()?);
        let body;
        braced!(body in input);
        let choices = Punctuated::<Choice, Token![,]>::parse_terminated(&body)?;
        Ok(Self { attributes, ident, choices: choices.into_iter().collect() })
    }
}

impl Parse for Choice {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let (attributes, ident) = (input.call(Attribute::parse_outer)?, input.parse::<Ident>()?);
        if input.parse::<Option<Token![=]>>()?.is_some() {
            return Ok(Self { attributes, name: input.parse::<LitStr>()?.value(), content: None });
        }
        input.parse::<Token![:]>()?;
        let content = Some(input.parse()?);
        input.parse::<Token![=>]>()?;
        input.parse::<Type>()?;
        Ok(Self { attributes, name: renamed(&ident, Some("snake_case")), content })
    }
}

fn part(name: &str, doc: &str, ty: &str, flat: bool, parts: &str) -> String {
    format!("Part {{ name: {name:?}, doc: {doc:?}, ty: {ty:?}, flat: {flat}, parts: &[{parts}] }},")
}

fn parameter(parameter: &GenericParam) -> Option<String> {
    match parameter {
        GenericParam::Type(parameter) => Some(parameter.ident.to_string()),
        _ => None,
    }
}

/// Whether the item is an `impl Deserialize` for a type.
fn reads(item: &Item, ident: &Ident) -> bool {
    let Item::Impl(item) = item else { return false };
    let of = item.trait_.as_ref().and_then(|(_, path, _)| path.segments.last());
    let is_deserialize = of.is_some_and(|last| last.ident == "Deserialize");
    is_deserialize && matches!(&*item.self_ty, Type::Path(path) if path.path.is_ident(ident))
}

/// The content of the attributes of a name, as text.
fn words(attributes: &[Attribute], name: &str) -> String {
    let lists = attributes.iter().filter(|attribute| attribute.path().is_ident(name));
    lists.filter_map(|list| list.meta.require_list().ok()).map(|list| format!("{} ", list.tokens)).collect()
}

/// `value` of `key = "value"`.
fn value_of<'a>(serde: &'a str, key: &str) -> Option<&'a str> {
    serde.split(&format!("{key} = \"")).nth(1)?.split('"').next()
}

fn renamed(ident: &Ident, case: Option<&str>) -> String {
    let (name, mut renamed) = (ident.to_string(), String::new());
    let between = match case {
        Some("snake_case") => "_",
        Some("kebab-case") => "-",
        Some("lowercase") => "",
        _ => return name,
    };
    for (i, letter) in name.char_indices() {
        if letter.is_uppercase() && i > 0 {
            renamed += between;
        }
        renamed.extend(letter.to_lowercase());
    }
    renamed
}

/// The first paragraph of the documentation, as plain text.
fn doc(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
            Expr::Lit(text) => match &text.lit {
                Lit::Str(text) => Some(text.value().trim().to_string()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    });
    plain(&lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" "))
}

/// Text without the links and escapes of Markdown.
fn plain(text: &str) -> String {
    let (mut plain, mut rest) = (String::new(), text);
    while let Some(letter) = rest.chars().next() {
        let after = &rest[letter.len_utf8()..];
        rest = after;
        match letter {
            '\\' => {
                plain.extend(after.chars().next());
                rest = after.get(1..).unwrap_or_default();
            }
            '`' => {
                let code = after.split('`').next().unwrap_or_default();
                plain += code;
                rest = after.get(code.len() + 1..).unwrap_or_default();
            }
            '[' => {
                let label = after.split(']').next().unwrap_or_default();
                let behind = after.get(label.len() + 1..).unwrap_or_default();
                if let Some(link) = behind.strip_prefix('(') {
                    plain += label.trim_matches('`');
                    rest = link.split_once(')').map_or("", |(_, rest)| rest);
                } else if label.starts_with('`') {
                    plain += label.trim_matches('`');
                    rest = behind;
                } else {
                    plain.push('[');
                }
            }
            _ => plain.push(letter),
        }
    }
    plain
}
