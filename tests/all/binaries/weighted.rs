//! Weighted examples, in all families that learn from examples.

use gibbs_backend::Noise;
use gibbs_data::npy;
use tempfile::tempdir;

use super::{
    FAMILIES,
    command::{Outcome, command},
    evaluation::{doubles, mean},
    family::registered,
    json, set,
};

/// Pictures of 4 by 4 bits, half of them black on the left and half black on the right, of which the weights leave the first.
#[test]
fn weights_count_in_training_and_in_results() {
    const N: usize = 400;
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let u = Noise::new(0, "pictures").uniform_vec(16 * N);
    let is_left = |row: usize| row.is_multiple_of(2);
    let bit = |(k, u): (usize, &f32)| {
        let is_black = (k % 4 < 2) == is_left(k / 16);
        u8::from(*u < if is_black { 0.95 } else { 0.05 })
    };
    let bits: Vec<u8> = u.iter().enumerate().map(bit).collect();
    npy::write(&folder.join("x.npy"), &bits, &[N, 4, 4]).unwrap();
    let weights: Vec<f64> = (0..N).map(|row| if is_left(row) { 2.0 } else { 0.0 }).collect();
    npy::write(&folder.join("w.npy"), &weights, &[N]).unwrap();
    for family in FAMILIES {
        assert!(registered(family.name).uses_weights, "{}", family.name);
        let metric = match family.name {
            "autoencoder" => "squared_error",
            "vae" => "log_prob_importance_weighted",
            _ => "log_prob",
        };
        let run = format!("run-{}", family.name);
        let trained = ["train", &run, "--quiet", "--data", "x.npy", "--weights", "w.npy"];
        family.run(folder, [&trained[..], &set(family.short)].concat()).succeeds();
        let found = &json(folder, &format!("{run}/summary.json"))["metrics"][metric];
        assert_eq!(found["weighted"], true, "{}: {found}", family.name);

        let flags =
            [&run, "--data", "x.npy", "--weights", "w.npy", "--split", "all", "--per-example", "each.npy"];
        let printed = family.eval(folder, &flags);
        let each = doubles(&folder.join("each.npy"));
        let [left, right] =
            [0, 1].map(|side| mean(&each.iter().skip(side).step_by(2).copied().collect::<Vec<_>>()));
        let value = printed["metrics"][metric]["value"].as_f64().unwrap();
        assert!((value - left).abs() < 1e-6, "{}: {value} {left} {right}", family.name);
        let gain = if metric == "squared_error" { right - left } else { left - right };
        assert!(gain > 0.0, "{}: {left} {right}", family.name);
    }
    let arguments = ["train", "run", "--data", "x.npy", "--weights", "w.npy"];
    let outcome = Outcome::from(command("hopfield", folder, arguments).output().unwrap());
    outcome.refuses(&["data.weights", "hopfield", "leave them out", "rbm, dbn, dbm, bm"]);
}
