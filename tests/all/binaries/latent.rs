//! `encode` and `decode`: latent variables of every family that has them.

use std::path::Path;

use gibbs_data::npy::{self, Array};
use safetensors::SafeTensors;
use tempfile::tempdir;

use super::{
    AUTOENCODER, DBN, RBM, bytes,
    family::{CNF, DIFFUSION, REALNVP, all, registered},
    set, weights,
};
use crate::support::assert_close;

/// Shape and values of an array of f32.
fn floats(folder: &Path, name: &str) -> (Vec<usize>, Vec<f64>) {
    let file = npy::read(&folder.join(name)).unwrap();
    let Array::F32(values) = file.values else { panic!("{:?}", file.values) };
    (file.shape, values.into_iter().map(f64::from).collect())
}

/// A tensor of the weights of a run.
fn tensor(folder: &Path, name: &str) -> Vec<f64> {
    let bytes = weights(folder, "run");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let of_bytes = |bytes: &[u8]| f64::from(f32::from_le_bytes(bytes.try_into().unwrap()));
    file.tensor(name).unwrap().data().chunks(4).map(of_bytes).collect()
}

/// Means of binary units above (or below) states: `1 / (1 + exp(-b - x W))`, with `W [inputs, outputs]`.
fn means(x: &[f64], weight: &[f64], bias: &[f64], is_up: bool) -> Vec<f64> {
    let outputs = bias.len();
    let inputs = weight.len() / outputs;
    let at = |i: usize, j: usize| if is_up { weight[i * outputs + j] } else { weight[j * inputs + i] };
    let mean = |row: &[f64], j: usize| {
        let input: f64 = row.iter().enumerate().map(|(i, x)| x * at(i, j)).sum();
        1.0 / (1.0 + (-bias[j] - input).exp())
    };
    x.chunks(inputs).flat_map(|row| (0..outputs).map(move |j| mean(row, j))).collect()
}

/// The test examples of the 4x4 bars and stripes.
fn test_examples() -> Vec<f64> {
    let test = gibbs_data::bars::bars_and_stripes(4).unwrap().test;
    test.values(&(0..test.len()).collect::<Vec<_>>()).into_iter().map(f64::from).collect()
}

#[test]
fn hidden_means_of_an_rbm_are_those_of_its_weights_and_the_visible_means_come_back() {
    let folder = tempdir().unwrap();
    RBM.train(folder.path(), "run", &[]);
    let outcome = RBM.run(folder.path(), ["encode", "run"]).succeeds();
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", "wrote run/latent.npy\n"));
    let weight = tensor(folder.path(), "weight");
    let (shape, hidden) = floats(folder.path(), "run/latent.npy");
    assert_eq!(shape, [30, 16]);
    let want = means(&test_examples(), &weight, &tensor(folder.path(), "hidden.bias"), true);
    assert_close(&hidden, &want, 1e-5, "hidden means");

    RBM.run(folder.path(), ["decode", "run", "run/latent.npy"]).succeeds();
    let (shape, visible) = floats(folder.path(), "run/decoded.npy");
    assert_eq!(shape, [30, 4, 4]);
    let want = means(&hidden, &weight, &tensor(folder.path(), "visible.bias"), false);
    assert_close(&visible, &want, 1e-5, "visible means");
}

/// The label of a machine that has one is the class `k` with the largest `b_k + Σ_j ln(1 + exp(c_j + (x W)_j + W_kj))`.
#[test]
fn an_rbm_with_labels_is_encoded_with_the_most_probable_one() {
    const BITS: usize = 4;
    const CLASSES: usize = 3;
    let folder = tempdir().unwrap();
    let bit = |row: usize, i: usize| (row * (2 * i + 3) / 5 + row / 7) % 2;
    let line = |row: usize| {
        let bits: Vec<String> = (0..BITS).map(|i| bit(row, i).to_string()).collect();
        format!("{},{}\n", bits.join(","), (bit(row, 0) + bit(row, 1)) % CLASSES)
    };
    let table: String = (0..300).map(line).collect();
    std::fs::write(folder.path().join("t.csv"), format!("a,b,c,d,y\n{table}")).unwrap();
    let settings = set(&["model.n_classes=3", "model.n_hidden=5"]);
    let data = ["train", "run", "--data", "t.csv", "--label-column", "y", "--preset", "tiny", "--quiet"];
    RBM.run(folder.path(), [&data[..], &settings].concat()).succeeds();
    RBM.run(folder.path(), ["encode", "run"]).succeeds();
    let (shape, hidden) = floats(folder.path(), "run/latent.npy");
    assert_eq!(shape, [30, 5]);
    let [weight, visible, bias] =
        ["weight", "visible.bias", "hidden.bias"].map(|name| tensor(folder.path(), name));
    let log_weight = |state: &[f64]| -> f64 {
        let own: f64 = state.iter().zip(&visible).map(|(v, b)| v * b).sum();
        own - means(state, &weight, &bias, true).iter().map(|mean| (1.0 - mean).ln()).sum::<f64>()
    };
    let state = |row: usize| -> Vec<f64> {
        let states = (0..CLASSES).map(|k| {
            let bits = (0..BITS).map(|i| bit(row, i) as f64);
            bits.chain((0..CLASSES).map(|c| f64::from(u8::from(c == k)))).collect::<Vec<f64>>()
        });
        states.max_by(|a, b| log_weight(a).total_cmp(&log_weight(b))).unwrap()
    };
    let want: Vec<f64> = (270..300).flat_map(|row| means(&state(row), &weight, &bias, true)).collect();
    assert_close(&hidden, &want, 1e-5, "hidden means");
    RBM.run(folder.path(), ["decode", "run", "run/latent.npy", "--out", "back.npy"]).succeeds();
    assert_eq!(floats(folder.path(), "back.npy").0, [30, BITS]);
}

#[test]
fn every_layer_of_a_stack_is_encoded_and_decoded() {
    let folder = tempdir().unwrap();
    DBN.train(folder.path(), "run", &set(&["train.up_down.epochs=0"]));
    let layer = |k: usize| {
        let [weight, visible, hidden] = ["weight", "visible.bias", "hidden.bias"]
            .map(|part| tensor(folder.path(), &format!("layers.{k}.{part}")));
        (weight, visible, hidden)
    };
    let ((w0, v0, h0), (w1, v1, h1)) = (layer(0), layer(1));
    let first = means(&test_examples(), &w0, &h0, true);
    let second = means(&first, &w1, &h1, true);
    for (flags, shape, want) in [
        (&["--layer", "1"][..], [30, 12], &first),
        (&["--layer", "2"], [30, 8], &second),
        (&[], [30, 8], &second),
    ] {
        DBN.run(folder.path(), [&["encode", "run", "--out", "h.npy"], flags].concat()).succeeds();
        let (found, hidden) = floats(folder.path(), "h.npy");
        assert_eq!(found, shape);
        assert_close(&hidden, want, 1e-5, "hidden means");
        DBN.run(folder.path(), [&["decode", "run", "h.npy", "--out", "v.npy"], flags].concat()).succeeds();
        let below = if shape[1] == 8 { means(want, &w1, &v1, false) } else { want.clone() };
        assert_close(
            &floats(folder.path(), "v.npy").1,
            &means(&below, &w0, &v0, false),
            1e-5,
            "visible means",
        );
    }
    DBN.run(folder.path(), ["encode", "run", "--layer", "3"]).refuses(&["--layer 3", "1 to 2"]);
    DBN.run(folder.path(), ["decode", "run", "h.npy", "--layer", "0"]).refuses(&["--layer 0"]);
}

/// A flow is invertible: the data come back from the points of the base, which are normally distributed in the mean.
#[test]
fn flows_decode_what_they_encode() {
    for (family, tolerance) in [(&REALNVP, 1e-4), (&CNF, 1e-3), (&DIFFUSION, 5e-3)] {
        let folder = tempdir().unwrap();
        // Solved as accurately as single precision allows.
        let is_solved = family.name != "realnvp";
        let exact = if is_solved { set(&["model.solver.tolerance=1e-6"]) } else { Vec::new() };
        family.train(folder.path(), "run", &exact);
        family.run(folder.path(), ["encode", "run", "--split", "valid", "--out", "z.npy"]).succeeds();
        family.run(folder.path(), ["decode", "run", "z.npy", "--out", "x.npy"]).succeeds();
        let (shape, z) = floats(folder.path(), "z.npy");
        let valid = gibbs_data::load("moons", folder.path()).unwrap().valid;
        assert_eq!(shape, [valid.len(), 2]);
        let x: Vec<f64> =
            valid.values(&(0..valid.len()).collect::<Vec<_>>()).into_iter().map(f64::from).collect();
        assert_close(&floats(folder.path(), "x.npy").1, &x, tolerance, family.name);
        let variance = z.iter().map(|z| z * z).sum::<f64>() / z.len() as f64;
        assert!((0.3..3.0).contains(&variance), "{}: {variance}", family.name);
    }
}

#[test]
fn families_without_latent_variables_name_those_with_some() {
    let have = |family: &&experiments::experiment::Family| family.has_latent;
    let with_some: Vec<&str> =
        experiments::FAMILIES.iter().copied().filter(have).map(|family| family.name).collect();
    assert!(with_some.contains(&"rbm") && with_some.contains(&"realnvp"), "{with_some:?}");
    for family in all().filter(|family| !registered(family.name).has_latent) {
        let folder = tempdir().unwrap();
        family.train(folder.path(), "run", &[]);
        let expected = [&[family.name, "no latent variables"], &with_some[..]].concat();
        family.run(folder.path(), ["encode", "run"]).refuses(&expected);
        npy::write(&folder.path().join("z.npy"), &[0.5f32; 16], &[1, 16]).unwrap();
        family.run(folder.path(), ["decode", "run", "z.npy"]).refuses(&[family.name, "no latent variables"]);
    }
}

#[test]
fn a_picture_shows_the_first_of_many_images() {
    let folder = tempdir().unwrap();
    AUTOENCODER.train(folder.path(), "run", &[]);
    npy::write(&folder.path().join("codes.npy"), &[0.5f32; 4 * 401], &[401, 4]).unwrap();
    let decode =
        |out: &str| AUTOENCODER.run(folder.path(), ["decode", "run", "codes.npy", "--out", out]).succeeds();
    assert!(decode("images.png").stderr.contains("the first 400 of 401"));
    assert!(bytes(folder.path(), "images.png").starts_with(b"\x89PNG"));
    assert!(!decode("images.npy").stderr.contains("first"));
    assert_eq!(floats(folder.path(), "images.npy").0, [401, 4, 4]);
}
