//! Tables with columns that a density stumbles over, and the settings that handle them.

use gibbs_backend::Noise;
use gibbs_data::npy;
use serde_json::Value;
use tempfile::{TempDir, tempdir};

use super::{
    command::{Outcome, command},
    evaluation::doubles,
    family::{DBN, MADE, RBM},
    json, value,
};

/// Rows of the table: two normal columns, then counts from 0 to 4.
const ROWS: usize = 600;

fn table(folder: &TempDir, name: &str, row: impl Fn(usize, &[f32]) -> Vec<f32>) {
    let u = Noise::new(1, "table").uniform_vec(ROWS * 25);
    let normal = |u: &[f32]| u.iter().sum::<f32>() - 6.0;
    let rows: Vec<Vec<f32>> = u
        .chunks(25)
        .enumerate()
        .map(|(i, u)| row(i, &[normal(&u[..12]), normal(&u[12..24]), (5.0 * u[24]).floor()]))
        .collect();
    npy::write(&folder.path().join(name), &rows.concat(), &[ROWS, rows[0].len()]).unwrap();
}

const TINY: [&str; 4] = ["--preset", "tiny", "--set", "train.epochs=2"];

#[track_caller]
fn run(binary: &str, folder: &TempDir, arguments: &[&str]) -> Outcome {
    Outcome::from(command(binary, folder.path(), arguments).output().unwrap())
}

#[track_caller]
fn train(folder: &TempDir, data: &str, further: &[&str]) -> (String, Value) {
    let arguments = [&["train", "run", "--overwrite", "--data", data], &TINY[..], further].concat();
    let outcome = run("realnvp", folder, &arguments).succeeds();
    (outcome.stderr, json(folder.path(), "run/summary.json"))
}

#[test]
fn the_check_names_columns_and_settings_and_these_settings_work() {
    let folder = tempdir().unwrap();
    table(&folder, "table.npy", |_, x| vec![x[0], x[1], x[0], x[0] + x[1], x[2]]);
    let (said, summary) = train(&folder, "table.npy", &[]);
    for expected in
        ["repeated: column 2 (equals 0)", "dependent: column 3 (linear in 0, 1)", "data.dequantize=[4]"]
    {
        assert!(said.contains(expected), "{said}");
    }
    assert_eq!(summary["data_check"]["findings"].as_array().unwrap().len(), 3);

    let settings = ["--set", "data.drop=[2,3]", "--set", "data.dequantize=true"];
    let (said, summary) = train(&folder, "table.npy", &settings);
    assert!(!said.contains("repeated:") && !said.contains("discrete:"), "{said}");
    assert_eq!(summary["data_check"]["findings"].as_array().unwrap().len(), 0);
    assert_eq!(summary["metrics"]["log_prob"]["kind"], "lower_bound");
    assert_eq!(json(folder.path(), "run/config.json")["data"]["grids"]["4"]["step"], 1.0);
    // The full file loses the same columns, and draws are whole numbers where the data are.
    run("realnvp", &folder, &["eval", "run", "--data", "table.npy"]).succeeds();
    run("realnvp", &folder, &["sample", "run", "-n", "50", "--out", "x.npy"]).succeeds();
    let npy::Npy { values, shape } = npy::read(&folder.path().join("x.npy")).unwrap();
    assert_eq!(shape, [50, 3]);
    assert!(values.to_f64().chunks(3).all(|row| row[2].fract() == 0.0), "{values:?}");
}

#[test]
fn outliers_do_not_spoil_the_bulk_of_a_robust_scale() {
    let folder = tempdir().unwrap();
    table(&folder, "outliers.npy", |i, x| if i < 4 { vec![1e4 * x[0], 1e4 * x[1]] } else { x[..2].to_vec() });
    let (said, _) = train(&folder, "outliers.npy", &[]);
    assert!(said.contains("outliers: ") && said.contains("data.scale=robust"), "{said}");
    let steps = ["--set", "data.scale=robust", "--set", "train.epochs=40"];
    let (said, summary) = train(&folder, "outliers.npy", &steps);
    assert!(!said.contains("outliers: "), "{said}");
    // Two standard normal columns have -2.84 nats.
    let log_prob = value(&summary["metrics"], "log_prob");
    assert!((-3.2..-2.6).contains(&log_prob), "{log_prob}");
}

#[test]
fn bounded_columns_stay_inside_and_values_outside_are_refused() {
    let folder = tempdir().unwrap();
    table(&folder, "positive.npy", |_, x| vec![x[0].exp(), x[1]]);
    train(&folder, "positive.npy", &["--set", r#"data.bounds={"0":[0,null]}"#]);
    run("realnvp", &folder, &["sample", "run", "-n", "200", "--out", "x.npy"]).succeeds();
    let values = npy::read(&folder.path().join("x.npy")).unwrap().values.to_f64();
    assert!(values.chunks(2).all(|row| row[0] > 0.0));
    let refused = |setting: &str, expected: &[&str]| {
        let arguments = ["train", "refused", "--quiet", "--data", "positive.npy", "--set", setting];
        run("realnvp", &folder, &arguments).refuses(expected);
    };
    refused(r#"data.bounds={"0":[0.5,null]}"#, &["data.bounds", "column 0", "[0.5, ∞]"]);
    refused(r#"data.bounds={"7":[0,null]}"#, &["data.bounds", "no column 7"]);
    refused("data.dequantize=[1]", &["data.dequantize", "column 1", "no common step"]);
    refused("data.scale=tall", &["data.scale", "tall", "robust"]);
}

#[test]
fn periodic_columns_live_on_a_circle() {
    let folder = tempdir().unwrap();
    let degrees = |x: f32| (20.0 * x).rem_euclid(360.0);
    table(&folder, "wind.npy", |_, x| vec![degrees(x[0]), x[0] + 0.3 * x[1]]);
    table(&folder, "turned.npy", |_, x| vec![degrees(x[0]) + 360.0, x[0] + 0.3 * x[1]]);
    table(&folder, "direction.npy", |_, x| vec![degrees(x[0])]);
    let circle = ["--set", r#"data.periodic={"0":[0,360]}"#, "--set", "train.epochs=60"];
    for kind in ["spline", "spline_maf"] {
        let kind = format!("model.kind={kind}");
        let (_, summary) = train(&folder, "wind.npy", &[&circle[..], &["--set", &kind]].concat());
        // The two columns have -4.6 nats together, and -7.3 if a uniform angle and a normal column are independent.
        let log_prob = value(&summary["metrics"], "log_prob");
        assert!(log_prob > -6.0, "{kind}: {log_prob}");
        run("realnvp", &folder, &["sample", "run", "-n", "200", "--out", "x.npy"]).succeeds();
        let draws = npy::read(&folder.path().join("x.npy")).unwrap().values.to_f64();
        assert!(draws.iter().step_by(2).all(|x| (-0.001..=360.001).contains(x)), "{kind}: {draws:?}");
        let log_probs = |data: &str| {
            let flags = ["eval", "run", "--data", data, "--split", "all", "--per-example", "each.npy"];
            run("realnvp", &folder, &flags).succeeds();
            doubles(&folder.path().join("each.npy"))
        };
        let pairs = log_probs("wind.npy").into_iter().zip(log_probs("turned.npy"));
        pairs.for_each(|(a, b)| assert!((a - b).abs() < 1e-2, "{kind}: {a} {b}"));
    }
    // One turn of a single angle: the density integrates to 1.
    train(&folder, "direction.npy", &circle);
    let grid: Vec<f32> = (0..3600).map(|i| 0.1 * i as f32 + 0.05).collect();
    npy::write(&folder.path().join("grid.npy"), &grid, &[3600, 1]).unwrap();
    let flags = ["eval", "run", "--data", "grid.npy", "--per-example", "each.npy"];
    run("realnvp", &folder, &flags).succeeds();
    let total: f64 =
        doubles(&folder.path().join("each.npy")).iter().map(|log_prob| 0.1 * log_prob.exp()).sum();
    assert!((total - 1.0).abs() < 1e-3, "{total}");

    let refused = |binary: &str, settings: &[&str], expected: &[&str]| {
        let arguments = [&["train", "refused", "--quiet", "--data", "wind.npy"], settings].concat();
        run(binary, &folder, &arguments).refuses(expected);
    };
    let mixture = [&circle[..2], &["--set", "model.output.kind=gaussian_mixture"]].concat();
    refused("made", &mixture, &["data.periodic", "made", "model.kind=spline"]);
    refused("cnf", &circle[..2], &["data.periodic", "cnf", "model.kind=spline"]);
    let maf = [&circle[..2], &["--set", "model.kind=maf"]].concat();
    refused("realnvp", &maf, &["data.periodic", "model.kind=maf", "spline_maf"]);
    let turn = r#"data.periodic={"0":[360,0]}"#;
    refused("realnvp", &["--set", turn], &["data.periodic", "column 0", "[360, 0]"]);
    refused("realnvp", &["--set", r#"data.periodic={"7":[0,1]}"#], &["data.periodic", "no column 7"]);
}

#[test]
fn constant_columns_have_no_density_in_any_family() {
    let folder = tempdir().unwrap();
    table(&folder, "constant.npy", |_, x| vec![x[0], 7.0, x[1]]);
    let mixture = ["--set", "model.output.kind=gaussian_mixture"];
    for (binary, further) in [("realnvp", &[][..]), ("cnf", &[]), ("made", &mixture)] {
        let arguments = [&["train", "run", "--quiet", "--data", "constant.npy"], &TINY[..], further].concat();
        let expected = ["constant.npy", "column 1 is 7", "data.drop=[1]"];
        run(binary, &folder, &arguments).refuses(&expected);
    }
}

#[test]
fn real_columns_suggest_a_setting_that_the_family_has() {
    let folder = tempdir().unwrap();
    table(&folder, "real.npy", |_, x| x[..2].to_vec());
    let bits = ["--set", "model.output.kind=bernoulli"];
    for (family, further, expected) in [
        (RBM, &[][..], "model.visible=gaussian"),
        (DBN, &[], "model.visible=gaussian"),
        (MADE, &bits, "model.outputs=auto"),
    ] {
        let arguments = [&["train", "run", "--data", "real.npy", "--preset", "tiny"], further].concat();
        run(family.name, &folder, &arguments).refuses(&["real.npy", "[0, 1]", expected]);
        let scaled = [&arguments[..], &["--set", "data.scale=robust"]].concat();
        run(family.name, &folder, &scaled).refuses(&["data.scale", family.name]);
    }
    let gaussian =
        ["train", "run", "--data", "real.npy", "--preset", "tiny", "--set", "model.visible=gaussian"];
    run("rbm", &folder, &gaussian).succeeds();
    let codes = ["train", "codes", "--data", "real.npy", "--preset", "tiny"];
    run("autoencoder", &folder, &codes).succeeds();
    assert_eq!(json(folder.path(), "codes/config.json")["train"]["loss"], "squared_error");
    table(&folder, "large.npy", |_, x| vec![x[0], 100.0 * x[1]]);
    let large = ["--data", "large.npy", "--preset", "tiny", "--quiet"];
    for (family, further) in [("rbm", &gaussian[6..]), ("autoencoder", &[])] {
        let arguments = [&["train", "large"], &large[..], further].concat();
        run(family, &folder, &arguments).refuses(&["large.npy", "column 1", "scale of about 1"]);
    }
}

#[test]
fn real_outputs_take_settings_of_columns_and_mixed_outputs_refuse_them() {
    let folder = tempdir().unwrap();
    table(&folder, "real.npy", |_, x| x[..2].to_vec());
    table(&folder, "mixed.npy", |_, x| vec![x[0], x[2]]);
    let train = |data: &str, further: &[&str]| {
        let start = ["train", "run", "--data", data, "--preset", "tiny"];
        run("made", &folder, &[&start[..], further].concat())
    };
    let robust = ["--set", "data.scale=robust", "--set", "train.epochs=2"];
    train("mixed.npy", &robust).refuses(&["data.scale", "made"]);
    train("real.npy", &robust).succeeds();
    let more = ["train", "run", "--resume", "--set", "train.epochs=3"];
    run("made", &folder, &more).succeeds();
    let config = json(folder.path(), "run/config.json");
    assert_eq!(config["data"]["scale"], "robust");
    assert!(config["model"]["preprocessing"]["tails"].as_f64().is_some());
}
