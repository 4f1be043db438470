//! `gibbs list`: the families.

use anyhow::Result;
use clap::Args;
use gibbs_report::Table;
use serde_json::json;

use super::Output;
use crate::{
    experiment::Family,
    output::{print, print_json, width},
    usage::{did_you_mean, usage},
};

/// Flags of `gibbs list`.
#[derive(Args, Debug)]
pub(super) struct List {
    /// Explain this family
    family: Option<String>,
    #[command(flatten)]
    output: Output,
}

/// What a family learns from when nothing is given.
fn source(family: &Family) -> &'static str {
    if family.data.is_empty() { "a Hamiltonian" } else { family.data }
}

pub(super) fn list(args: &List, families: &[&Family]) -> Result<()> {
    if let Some(name) = &args.family {
        let names: Vec<&str> = families.iter().map(|family| family.name).collect();
        let family = families.iter().find(|family| family.name == name);
        let family = family.ok_or_else(|| {
            usage(format!(
                "there is no family {name}{}: there are {}",
                did_you_mean(name, names.iter().copied()),
                names.join(", ")
            ))
        })?;
        return explain(family, &args.output);
    }
    if args.output.json {
        return print_json(&json!(families.iter().map(|family| to_json(family)).collect::<Vec<_>>()), true);
    }
    let mut table = Table::new(["family", "what it is for", "learns by default", "begin with", "follows"]);
    for family in families {
        let purpose = family.about.split(". ").next().unwrap_or_default();
        let first = family.examples.first().copied().unwrap_or_default();
        table =
            table.row([family.name, purpose, source(family), &format!("gibbs {first}"), family.reference]);
    }
    print(table.to_text(width()))
}

fn to_json(family: &Family) -> serde_json::Value {
    json!({
        "family": family.name,
        "about": family.about,
        "data": source(family),
        "examples": family.examples,
        "reference": family.reference,
        "pictures": family.pictures.iter().map(|(name, _)| name).collect::<Vec<_>>(),
    })
}

/// The guide of a family, as far as a terminal shows it.
fn explain(family: &Family, output: &Output) -> Result<()> {
    if output.json {
        return print_json(&to_json(family), true);
    }
    print(family.guide.trim_end())
}
