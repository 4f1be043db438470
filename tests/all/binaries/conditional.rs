//! Densities and draws given real numbers, in the families that have them.

use std::path::Path;

use gibbs_backend::Noise;
use gibbs_data::npy::{self, Array};
use tempfile::tempdir;

use super::{
    evaluation::{doubles, mean},
    family::{CNF, Family, REALNVP, set},
    summary,
};

/// Spread of the noise of both columns.
const SPREAD: f64 = 0.5;

/// The mean of `x` given `c`.
fn center(c: f64) -> [f64; 2] {
    [2.0 * c + 1.0, -c]
}

/// A linear model: `x = center(c) + SPREAD·e` for `c` with mean 3 and standard deviation 2. Returns `ln p(x | c)` of each row.
fn linear(folder: &Path, n: usize) -> Vec<f64> {
    let noise = &mut Noise::new(0, "linear");
    let contexts: Vec<f64> = (0..n).map(|_| 3.0 + 2.0 * noise.next_normal()).collect();
    let (mut x, mut log_prob) = (Vec::new(), Vec::new());
    for c in &contexts {
        let e = [0; 2].map(|_| noise.next_normal());
        x.extend([0, 1].map(|k| center(*c)[k] + SPREAD * e[k]));
        let squares: f64 = e.iter().map(|e| e * e).sum();
        log_prob.push(-0.5 * squares - (std::f64::consts::TAU * SPREAD * SPREAD).ln());
    }
    npy::write(&folder.join("x.npy"), &x, &[n, 2]).unwrap();
    npy::write(&folder.join("c.npy"), &contexts, &[n, 1]).unwrap();
    log_prob
}

fn learns_a_linear_model(family: &Family, settings: &[&str]) {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let truth = linear(folder, 2000);
    let train = ["train", "run", "--preset", "tiny", "--quiet", "--data", "x.npy", "--context", "c.npy"];
    family.run(folder, [&train[..], &set(settings)].concat()).succeeds();
    let log_prob = &summary(folder, "run")["log_prob"];
    assert_eq!(log_prob["given"], "context", "{log_prob}");
    // Without the context the columns have standard deviations of 4 and 2, which costs 2.7 nats.
    let expected = mean(&truth[1800..]);
    let found = log_prob["value"].as_f64().unwrap();
    assert!((found - expected).abs() < 0.15, "{}: {found} instead of {expected}", family.name);

    // Another file is scored with contexts of its own, in its order.
    let flags =
        ["run", "--data", "x.npy", "--context", "c.npy", "--split", "all", "--per-example", "each.npy"];
    family.eval(folder, &flags);
    let each = doubles(&folder.join("each.npy"));
    assert!((mean(&each[1800..]) - found).abs() < 1e-6);

    // One draw for each row of a file, or as many as are asked for.
    let contexts = [-1.0, 7.0];
    npy::write(&folder.join("two.npy"), &contexts, &[2, 1]).unwrap();
    let n = 400;
    for (flags, each) in [(vec![], 1), (vec!["-n", "400"], n)] {
        let draw = ["sample", "run", "--context", "two.npy", "--out", "draws.npy"];
        family.run(folder, [&draw[..], &flags].concat()).succeeds();
        let file = npy::read(&folder.join("draws.npy")).unwrap();
        assert_eq!(file.shape, [2 * each, 2]);
        let Array::F32(values) = file.values else { panic!("draws are f32") };
        if each == n {
            for (rows, c) in values.chunks(2 * n).zip(contexts) {
                for (k, expected) in center(c).into_iter().enumerate() {
                    let found = rows.iter().skip(k).step_by(2).map(|x| f64::from(*x)).sum::<f64>() / n as f64;
                    // 4 standard errors of the mean are 0.1; the model has an error too.
                    assert!((found - expected).abs() < 0.4, "{}: {found} instead of {expected}", family.name);
                }
            }
        }
    }
}

#[test]
fn a_flow_learns_a_linear_model() {
    learns_a_linear_model(&REALNVP, &["train.steps=500", "train.learning_rate=0.01", "model.n_hidden=32"]);
}

#[test]
fn a_continuous_flow_learns_a_linear_model() {
    let settings =
        ["train.steps=400", "train.learning_rate=0.01", "train.solver.steps=4", "train.average.decay=0.9"];
    learns_a_linear_model(&CNF, &settings);
}

#[test]
fn contexts_that_are_missing_are_named() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    linear(folder, 300);
    let train = ["train", "run", "--preset", "tiny", "--quiet", "--data", "x.npy"];
    let short = set(&["train.steps=10"]);
    REALNVP.run(folder, [&train[..], &short].concat()).succeeds();
    let refused = REALNVP.run(folder, vec!["sample", "run", "--context", "c.npy"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("not conditioned on real numbers"), "{}", refused.stderr);
    let overwrite = [&train[..], &["--overwrite", "--context", "c.npy"], &short].concat();
    REALNVP.run(folder, overwrite).succeeds();
    let refused = REALNVP.run(folder, vec!["eval", "run", "--data", "x.npy"]);
    // The file of the run keeps its contexts; another file needs some.
    std::fs::copy(folder.join("x.npy"), folder.join("other.npy")).unwrap();
    assert_eq!(refused.code, Some(0), "{}", refused.stderr);
    let refused = REALNVP.run(folder, vec!["eval", "run", "--data", "other.npy"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("--context FILE"), "{}", refused.stderr);
}
