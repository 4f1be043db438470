use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::*;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Config {
    experiment: String,
    model: Model,
    train: Train,
    seed: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Model {
    kind: Kind,
    n_hidden: usize,
    layers: Vec<usize>,
    sparsity: Option<f64>,
    units: Units,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Standard,
    Centered,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Units {
    Binary,
    Gaussian { variance: f64 },
    Potts { states: usize },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Train {
    batch_size: usize,
    learning_rate: f32,
    extra: BTreeMap<String, f64>,
    #[serde(flatten)]
    run: crate::training::LoopConfig,
}

fn preset() -> Config {
    Config {
        experiment: "rbm".into(),
        model: Model {
            kind: Kind::Standard,
            n_hidden: 500,
            layers: vec![500, 250],
            sparsity: None,
            units: Units::Gaussian { variance: 1.0 },
        },
        train: Train {
            batch_size: 100,
            learning_rate: 0.05,
            extra: BTreeMap::new(),
            run: crate::training::LoopConfig { epochs: 20, ..Default::default() },
        },
        seed: 0,
    }
}

fn set(settings: &[&str]) -> Result<Resolved<Config>, SettingError> {
    Resolver::over(&preset())?.settings(settings)?.resolve()
}

fn message(settings: &[&str]) -> String {
    set(settings).unwrap_err().to_string()
}

fn with_file<C: Serialize + DeserializeOwned>(preset: &C, text: &str) -> Result<Resolved<C>, SettingError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("my.json");
    std::fs::write(&path, text).unwrap();
    Resolver::over(preset)?.file(&path)?.resolve()
}

fn file_message(text: &str) -> String {
    let message = with_file(&preset(), text).unwrap_err().to_string();
    match message.split_once("my.json") {
        Some((before, after)) => {
            format!("{} FILE{after}", before.rsplit_once(' ').map_or("", |(before, _)| before))
        }
        None => message,
    }
}

#[test]
fn the_preset_alone_is_unchanged() {
    let resolved = set(&[]).unwrap();
    assert_eq!(resolved.config, preset());
    assert_eq!(resolved.changes, []);
}

#[test]
fn settings_reach_their_paths_and_are_listed() {
    let resolved = set(&[
        "train.epochs=5",
        "model.n_hidden=128",
        "model.sparsity=0.1",
        "train.learning_rate=1",
        "model.layers=[7]",
        "train.patience=3",
        "train.checkpoint_every_seconds=null",
        "model.kind=centered",
        "train.extra={\"l1\": 2}",
        "experiment=a=b c",
    ])
    .unwrap();
    let config = resolved.config;
    assert_eq!((config.train.run.epochs, config.model.n_hidden, config.model.sparsity), (5, 128, Some(0.1)));
    assert_eq!((config.train.learning_rate, config.train.run.patience), (1.0, Some(3)));
    assert_eq!(config.train.run.checkpoint_every_seconds, None);
    assert_eq!((config.model.layers, config.model.kind), (vec![7], Kind::Centered));
    assert_eq!(config.train.extra["l1"], 2.0);
    assert_eq!(config.experiment, "a=b c");
    let changes: Vec<String> = resolved.changes.iter().map(Change::to_string).collect();
    assert_eq!(
        changes,
        [
            "experiment = \"a=b c\" (preset: \"rbm\")",
            "model.kind = \"centered\" (preset: \"standard\")",
            "model.n_hidden = 128 (preset: 500)",
            "model.layers = [7] (preset: [500,250])",
            "model.sparsity = 0.1 (preset: null)",
            "train.learning_rate = 1.0 (preset: 0.05)",
            "train.extra.l1 = 2.0 (preset: null)",
            "train.epochs = 5 (preset: 20)",
            "train.patience = 3 (preset: null)",
            "train.checkpoint_every_seconds = null (preset: 30.0)",
        ]
    );
}

#[test]
fn later_settings_win_and_equal_values_are_no_change() {
    let resolved = set(&["seed=7", "seed=0", "train.learning_rate=0.050", "model.layers.1=9"]).unwrap();
    assert_eq!(resolved.config.model.layers, [500, 9]);
    assert_eq!(resolved.changes.len(), 1);
}

#[test]
fn unknown_paths_are_named_with_what_there_is() {
    let train = "epochs, extra, log, ...";
    for (setting, expected) in [
        (
            "train.epoch=5",
            format!("unknown setting `train.epoch` (= 5): did you mean `train.epochs`? `train` has: {train}"),
        ),
        (
            "trian.epochs=5",
            "unknown setting `trian.epochs` (= 5): did you mean `train.epochs`? there are: experiment, model, train, seed"
                .into(),
        ),
        (
            "epochs=5",
            "unknown setting `epochs` (= 5): did you mean `train.epochs`? there are: experiment, model, train, seed".into(),
        ),
        (
            "model.dropout=0.5",
            "unknown setting `model.dropout` (= 0.5): `model` has: kind, n_hidden, layers, sparsity, units".into(),
        ),
        (
            "model.units={\"kind\": \"potts\", \"states\": 3, \"sates\": 4}",
            "unknown setting `model.units.sates` (= 4): did you mean `model.units.states`? `model.units` has: kind, states"
                .into(),
        ),
        ("model.layers.2=5", "unknown setting `model.layers.2` (= 5): `model.layers` has: 0, 1".into()),
        (
            "seed.value=5",
            "setting `seed.value` (= 5) leads through `seed`, which is the number 0: give `seed` a whole value".into(),
        ),
    ] {
        assert_eq!(message(&[setting]), expected);
    }
}

#[test]
fn wrong_types_are_named_with_what_was_expected() {
    let model = "`model` has: kind = \"standard\", n_hidden = 500, layers, sparsity = null, units";
    for (setting, expected) in [
        (
            "model.n_hidden=many",
            format!("setting `model.n_hidden` = \"many\": expected a whole number, 0 or above, found the string \"many\"; {model}"),
        ),
        (
            "model.n_hidden=-3",
            format!("setting `model.n_hidden` = -3: expected a whole number, 0 or above, found the number -3; {model}"),
        ),
        (
            "model.n_hidden=2.5",
            format!("setting `model.n_hidden` = 2.5: expected a whole number, 0 or above, found the number 2.5; {model}"),
        ),
        (
            "model.n_hidden=null",
            format!("setting `model.n_hidden` = null: expected a whole number, 0 or above, found null; {model}"),
        ),
        (
            "model.sparsity=yes",
            format!("setting `model.sparsity` = \"yes\": expected a number, found the string \"yes\"; {model}"),
        ),
        (
            "model.layers=5",
            format!("setting `model.layers` = 5: expected an array, found the number 5; {model}"),
        ),
        (
            "model.layers=[5,\"a\"]",
            "setting `model.layers.1` = \"a\": expected a whole number, 0 or above, found the string \"a\"; \
             `model.layers` has: 0 = 500, 1 = 250"
                .into(),
        ),
        (
            "model.kind=fancy",
            format!("setting `model.kind` = \"fancy\": unknown variant `fancy`, expected `standard` or `centered`; {model}"),
        ),
        (
            "experiment=5",
            "setting `experiment` = 5: expected a string, found the number 5 (in quotes, \"5\", it is a string); there are: \
             experiment = \"rbm\", model, train, seed = 0"
                .into(),
        ),
        (
            "model.units={\"kind\":\"potts\"}",
            format!("setting `model.units` = {{\"kind\":\"potts\"}}: the field `states` is missing; {model}"),
        ),
        ("model=5", "setting `model` = 5: expected an object, found the number 5; there are: experiment = \"rbm\", model, train, seed = 0".into()),
    ] {
        assert_eq!(message(&[setting]), expected);
    }
}

#[test]
fn one_wrong_value_among_many_is_found_even_in_a_flattened_part() {
    let message =
        message(&["train.epochs=3", "train.patience=2", "train.log_every_steps=often", "train.batch_size=7"]);
    let expected = "setting `train.log_every_steps` = \"often\": expected a whole number, 0 or above, found the string \"often\"; \
                    `train` has: log_every_steps = 100";
    assert!(message.starts_with(expected), "{message}");
}

#[test]
fn malformed_settings_are_refused() {
    for text in ["train.epochs", "=5", "train..epochs=5", ".train=5", "train epochs=5", ""] {
        assert_eq!(message(&[text]), format!("setting `{text}` is not of the form path.to.key=value"));
    }
}

#[test]
fn variants_of_tagged_enums_change_by_settings_and_files() {
    let potts = Units::Potts { states: 3 };
    for settings in [
        &["model.units={\"kind\":\"potts\",\"states\":3}"][..],
        &["model.units.kind=potts", "model.units.states=3"],
        &["model.units.states=3", "model.units.kind=potts"],
    ] {
        let resolved = set(settings).unwrap();
        assert_eq!(resolved.config.model.units, potts);
        assert_eq!(
            resolved.changes[0].to_string(),
            "model.units = {\"kind\":\"potts\",\"states\":3} (preset: {\"kind\":\"gaussian\",\"variance\":1.0})"
        );
    }
    let file = r#"{"model": {"units": {"kind": "potts", "states": 3}}}"#;
    assert_eq!(with_file(&preset(), file).unwrap().config.model.units, potts);
    assert_eq!(set(&["model.units.kind=binary"]).unwrap().config.model.units, Units::Binary);
}

#[test]
fn files_are_laid_over_key_by_key_and_settings_over_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("my.json");
    std::fs::write(&path, r#"{"train": {"epochs": 9, "batch_size": 10}, "seed": 4}"#).unwrap();
    let resolver = Resolver::over(&preset()).unwrap().file(&path).unwrap();
    let resolved: Resolved<Config> =
        resolver.setting("train.epochs=11").unwrap().assign("seed", 5).unwrap().resolve().unwrap();
    let config = resolved.config;
    assert_eq!((config.train.run.epochs, config.train.batch_size, config.seed), (11, 10, 5));
    assert_eq!(config.train.learning_rate, 0.05);
}

#[test]
fn files_are_as_strict_as_settings() {
    for (text, expected) in [
        (
            "{\n  \"train\": {\n    \"epochs\": 5,,\n  }\n}",
            "config file FILE, line 3, column 17: key must be a string",
        ),
        ("{\"seed\": 1", "config file FILE, line 1, column 10: EOF while parsing an object"),
        ("[1]", "config file FILE: expected a JSON object at the top level, found an array of 1"),
        (
            r#"{"seeds": 1}"#,
            "unknown setting `seeds` (= 1): did you mean `seed`? there are: experiment, model, train, seed",
        ),
        (
            r#"{"model": {"units": {"kind": "gaussian", "varience": 2}}}"#,
            "unknown setting `model.units.varience` (= 2): did you mean `model.units.variance`? `model.units` has: kind, variance",
        ),
        (
            r#"{"seed": "x", "train": {"epochs": 1}}"#,
            "setting `seed` = \"x\": expected a whole number, 0 or above, found the string \"x\"; there are: experiment = \"rbm\", \
             model, train, seed = 0",
        ),
    ] {
        assert_eq!(file_message(text), expected);
    }
    let absent = Resolver::over(&preset()).unwrap().file("no/such.json").unwrap_err().to_string();
    assert!(absent.starts_with("cannot read the config file no/such.json: No such file"), "{absent}");
}

#[test]
fn a_written_config_reads_back_equal_alone_and_over_any_preset() {
    let mut config = preset();
    config.model.units = Units::Potts { states: 5 };
    config.model.sparsity = Some(0.1);
    config.train.learning_rate = 0.1;
    config.seed = u64::MAX;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    crate::atomic::write_json(&path, &config).unwrap();
    assert_eq!(read_strict::<Config>(&path).unwrap(), config);
    let over = Resolver::over(&preset()).unwrap().file(&path).unwrap().resolve::<Config>().unwrap();
    assert_eq!(over.config, config);
    assert_eq!(over.changes, changes(&preset(), &config).unwrap());
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("\"learning_rate\": 0.1,"), "{text}");
}

#[test]
fn a_config_without_preset_has_to_be_complete() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    std::fs::write(&path, json!({"experiment": "rbm", "seed": 1}).to_string()).unwrap();
    let message = read_strict::<Config>(&path).unwrap_err().to_string();
    assert!(message.contains("the field `model` is missing"), "{message}");
}

#[test]
fn types_that_reject_unknown_fields_themselves_give_the_same_message() {
    #[derive(Debug, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Strict {
        rate: f64,
        inner: Inner,
    }
    #[derive(Debug, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        depth: usize,
    }
    let preset = Strict { rate: 0.1, inner: Inner { depth: 2 } };
    let message = |text: &str| {
        Resolver::over(&preset).unwrap().setting(text).unwrap().resolve::<Strict>().unwrap_err().to_string()
    };
    assert_eq!(message("rat=1"), "unknown setting `rat` (= 1): did you mean `rate`? there are: rate, inner");
    assert_eq!(
        message("inner.dept=1"),
        "unknown setting `inner.dept` (= 1): did you mean `inner.depth`? `inner` has: depth"
    );
    assert_eq!(
        message("iner.depth=1"),
        "unknown setting `iner.depth` (= 1): did you mean `inner.depth`? there are: rate, inner"
    );
    let file = with_file(&preset, r#"{"inner": {"depth": 3, "dpeth": 4}}"#).unwrap_err().to_string();
    assert_eq!(file, "unknown setting `inner.dpeth` (= 4): did you mean `inner.depth`? `inner` has: depth");
}

/// A field with the name `kind` does not always choose a variant with other fields.
#[test]
fn an_invented_field_is_named_together_with_a_changed_kind() {
    #[derive(Debug, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Strict {
        inner: Inner,
        rate: f64,
    }
    #[derive(Debug, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        kind: Option<Kind>,
        depth: usize,
    }
    for kind in [None, Some(Kind::Standard)] {
        let resolver = Resolver::over(&Strict { inner: Inner { kind, depth: 2 }, rate: 0.1 }).unwrap();
        let resolver = resolver.settings(["inner.kind=centered", "rat=1"]).unwrap();
        let message = resolver.resolve::<Strict>().unwrap_err().to_string();
        assert_eq!(message, "unknown setting `rat` (= 1): did you mean `rate`? there are: inner, rate");
    }
}

#[test]
fn a_null_is_no_way_around_strictness() {
    #[derive(Debug, Serialize, Deserialize)]
    struct Sparse {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<f64>,
        rate: f64,
    }
    let preset = Sparse { limit: None, rate: 0.1 };
    let resolve = |text: &str| Resolver::over(&preset).unwrap().setting(text).unwrap().resolve::<Sparse>();
    assert!(resolve("limit=null").unwrap().changes.is_empty());
    assert_eq!(resolve("limit=2").unwrap().config.limit, Some(2.0));
    assert_eq!(
        resolve("limits=null").unwrap_err().to_string(),
        "unknown setting `limits` (= null): there are: rate"
    );
    assert_eq!(
        message(&["train.stop=null"]).split(": ").next().unwrap(),
        "unknown setting `train.stop` (= null)"
    );
}

#[test]
fn a_preset_that_does_not_serialize_is_reported() {
    let preset = BTreeMap::from([(vec![1, 2], 3)]);
    assert!(matches!(Resolver::over(&preset), Err(SettingError::Preset(_))));
}
