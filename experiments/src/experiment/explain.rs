//! The command `config`: the settings of a family with what they mean.

use gibbs_train::config::Resolver;

use super::{load_source, train::settings_from};
use crate::{
    config::{self, ConfigOf},
    explain::{self, Setting},
    output::print,
    prelude::*,
    usage::one_line,
};

/// Examples that are enough to validate settings.
const FEW: usize = 64;
/// Characters of a default that are shown.
const SHOWN: usize = 70;

/// Prints each setting with its default, then type, range and meaning; with a path, the meaning of each choice too.
pub(super) fn config<E: Experiment>(
    Both { common: args, family }: &Both<cli::Config, E::TrainArgs>,
    shared: &Shared,
) -> Result<()> {
    let request = Request::new(&args.request, family, settings_from::<E>(&args.request, family)?)?;
    let source = load_source::<E>(&request, None, shared)?;
    let (config, _) = config::resolve::<E>(&request, &source, None)?;
    let source = match source {
        Source::Data(data) => Source::Data(data.try_map(|set| anyhow::Ok(set.rows(0..set.len().min(FEW))))?),
        target => target,
    };
    let path = args.explain.as_deref().unwrap_or_default();
    for setting in explain::at(path, explain::settings(&config)?)? {
        print(format_args!("{} = {}", setting.path, brief(&setting.default)))?;
        let range = range::<E>(&setting, &config, &source);
        let values =
            [setting.values.as_str()].into_iter().chain(range.as_deref()).collect::<Vec<_>>().join(", ");
        print(format_args!("    {values}. {}", setting.meaning))?;
        for (name, meaning) in setting.choices.iter().filter(|_| !path.is_empty()) {
            print(format_args!("    {name}: {meaning}"))?;
        }
    }
    Ok(())
}

/// What the validation requires of a number: found by trying values that are often out of range.
fn range<E: Experiment>(
    setting: &Setting,
    config: &ConfigOf<E>,
    source: &Source<E::Target>,
) -> Option<String> {
    let trials = match &setting.default {
        Value::Number(number) if number.is_f64() => vec![json!(-1.0), json!(0.0), json!(1.0), json!(2.0)],
        Value::Number(_) => vec![json!(0), json!(1)],
        _ => Vec::new(),
    };
    let reason = |value: Value| {
        let trial = Resolver::over(config).ok()?.assign(&setting.path, value).ok()?;
        let error = E::validate(&trial.resolve::<ConfigOf<E>>().ok()?.config, source).err()?;
        let text = one_line(&error);
        let (_, reason) = text.strip_prefix(&format!("{} = ", setting.path))?.split_once(": ")?;
        Some(reason.trim_start_matches("must ").trim_start_matches("be ").to_string())
    };
    let mut reasons: Vec<String> = trials.into_iter().filter_map(reason).collect();
    reasons.dedup();
    (!reasons.is_empty()).then(|| reasons.join(", "))
}

/// A value on one line, cut where it is long.
fn brief(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
