//! What only the autoencoder has: codes, what it is compared with, data that are no pictures.

use std::fs;
use std::path::Path;

use burn::{module::Param, prelude::*};
use gibbs_autoencoder::{Autoencoder, AutoencoderConfig};
use gibbs_backend::Noise;
use gibbs_core::math::to_host;
use gibbs_data::npy::{self, Array};
use safetensors::tensor::{Dtype, TensorView};
use serde_json::json;
use tempfile::{TempDir, tempdir};

use super::{AUTOENCODER, bytes, evaluation::doubles, json, set, value};
use crate::support::assert_close;

/// Shape and values of an f32 array.
fn floats(folder: &Path, name: &str) -> (Vec<usize>, Vec<f32>) {
    let file = npy::read(&folder.join(name)).unwrap();
    let Array::F32(values) = file.values else { panic!("{:?}", file.values) };
    (file.shape, values)
}

fn trained(settings: &[&str]) -> TempDir {
    let folder = tempdir().unwrap();
    AUTOENCODER.train(folder.path(), "run", &set(settings));
    folder
}

/// 40 rows of 6 numbers in [0, 1], in `rows.npy`.
fn rows(folder: &Path) -> Vec<f32> {
    let values = Noise::new(0, "rows").uniform_vec(240);
    npy::write(&folder.join("rows.npy"), &values, &[40, 6]).unwrap();
    values
}

/// A 6-5-3-5-6 network of random tensors, in a folder that holds them under their documented names, written without the
/// library's own writer, with the least configuration that fits.
fn foreign(folder: &Path) -> Autoencoder {
    let mut noise = Noise::new(1, "foreign");
    let shapes = [("encoder.0", [6, 5]), ("encoder.1", [5, 3]), ("decoder.0", [3, 5]), ("decoder.1", [5, 6])];
    let config = AutoencoderConfig::new(6, vec![5], 3);
    let mut network = config.init(&Device::flex(), &mut Noise::new(0, "init")).unwrap();
    let mut tensors: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
    for (k, (name, [fan_in, fan_out])) in shapes.into_iter().enumerate() {
        let layer = if k < 2 { &mut network.encoder[k] } else { &mut network.decoder[k - 2] };
        let mut draw = |shape: &[usize]| -> Vec<f32> {
            (0..shape.iter().product()).map(|_| noise.next_normal() as f32).collect()
        };
        let (weight, bias) = (draw(&[fan_in, fan_out]), draw(&[fan_out]));
        for (field, shape, values) in
            [("weight", vec![fan_in, fan_out], &weight), ("bias", vec![fan_out], &bias)]
        {
            let data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            tensors.push((format!("{name}.{field}"), shape, data));
        }
        let device = Device::flex();
        layer.weight =
            Param::from_tensor(Tensor::from_data(TensorData::new(weight, [fan_in, fan_out]), &device));
        layer.bias = Param::from_tensor(Tensor::from_data(TensorData::new(bias, [fan_out]), &device));
    }
    let run = folder.join("run");
    fs::create_dir(&run).unwrap();
    let views = tensors
        .iter()
        .map(|(name, shape, data)| (name, TensorView::new(Dtype::F32, shape.clone(), data).unwrap()));
    fs::write(run.join("model.safetensors"), safetensors::serialize(views, None).unwrap()).unwrap();
    let config = json!({
        "experiment": "autoencoder",
        "data": { "name": "rows.npy" },
        "model": { "n_visible": 6, "n_hidden": [5], "n_code": 3, "output": "logistic" },
    });
    fs::write(run.join("config.json"), config.to_string()).unwrap();
    network
}

#[test]
fn weights_made_elsewhere_give_the_metrics_of_the_library() {
    let folder = tempdir().unwrap();
    let values = rows(folder.path());
    let network = foreign(folder.path());
    let x: Tensor<2> = Tensor::from_data(TensorData::new(values, [40, 6]), &Device::flex());

    AUTOENCODER.eval(folder.path(), &["run", "--split", "all", "--per-example", "errors.npy"]);
    let errors = doubles(&folder.path().join("errors.npy"));
    assert_close(&errors, &to_host(network.squared_error(x.clone())), 1e-5, "squared_error");

    AUTOENCODER.run(folder.path(), ["encode", "run", "--split", "all", "--out", "codes.npy"]).succeeds();
    let (shape, codes) = floats(folder.path(), "codes.npy");
    assert_eq!(shape, [40, 3]);
    let doubled: Vec<f64> = codes.iter().copied().map(f64::from).collect();
    assert_close(&doubled, &to_host(network.encode(x.clone())), 1e-5, "codes");

    AUTOENCODER.run(folder.path(), ["decode", "run", "codes.npy", "--out", "images.npy"]).succeeds();
    let (shape, images) = floats(folder.path(), "images.npy");
    assert_eq!(shape, [40, 6]);
    let images: Vec<f64> = images.into_iter().map(f64::from).collect();
    assert_close(&images, &to_host(network.reconstruct(x)), 1e-6, "images");
    AUTOENCODER.sample(folder.path(), &["run", "-n", "3"]).succeeds();
}

/// The error that `eval` states is that of the images which `encode` and `decode` make.
#[test]
fn decoded_codes_are_the_reconstructions() {
    let folder = trained(&[]);
    let run = |arguments: &[&str]| AUTOENCODER.run(folder.path(), arguments).succeeds();
    for (split, n) in [("test", 30), ("all", 3060)] {
        AUTOENCODER.eval(folder.path(), &["run", "--split", split, "--per-example", "errors.npy"]);
        run(&["encode", "run", "--split", split, "--out", "codes.npy"]);
        run(&["decode", "run", "codes.npy", "--out", "images.npy"]);
        let (shape, images) = floats(folder.path(), "images.npy");
        assert_eq!(shape, [n, 4, 4]);
        let data = gibbs_data::bars::bars_and_stripes(4).unwrap();
        let originals = match split {
            "test" => data.test.values(&(0..30).collect::<Vec<_>>()),
            _ => [data.train, data.valid, data.test]
                .iter()
                .flat_map(|set| set.values(&(0..set.len()).collect::<Vec<_>>()))
                .collect(),
        };
        let errors: Vec<f64> = images
            .chunks(16)
            .zip(originals.chunks(16))
            .map(|(image, original)| image.iter().zip(original).map(|(a, b)| f64::from(a - b).powi(2)).sum())
            .collect();
        assert_close(&errors, &doubles(&folder.path().join("errors.npy")), 1e-5, split);
    }
    run(&["decode", "run", "codes.npy", "--out", "images.png"]);
    assert!(bytes(folder.path(), "images.png").starts_with(b"\x89PNG"));
}

#[test]
fn codes_that_cannot_be_read_or_written() {
    let folder = trained(&[]);
    let run = |arguments: &[&str]| AUTOENCODER.run(folder.path(), arguments);
    run(&["encode", "run", "--out", "codes.txt"]).refuses(&["codes.txt", ".npy"]);
    run(&["encode", "run", "--data", "moons", "--out", "codes.npy"]).refuses(&["moons", "2", "16"]);
    run(&["encode", "absent", "--out", "codes.npy"]).refuses(&["absent", "holds no run"]);
    npy::write(&folder.path().join("wide.npy"), &[0.5f32; 50], &[10, 5]).unwrap();
    npy::write(&folder.path().join("codes.npy"), &[0.5f32; 40], &[10, 4]).unwrap();
    npy::write(&folder.path().join("nan.npy"), &[f32::NAN; 40], &[10, 4]).unwrap();
    run(&["decode", "run", "wide.npy", "--out", "images.npy"]).refuses(&["wide.npy", "5", "4"]);
    run(&["decode", "run", "absent.npy", "--out", "images.npy"]).refuses(&["absent.npy"]);
    run(&["decode", "run", "codes.npy", "--out", "images.jpg"])
        .refuses(&["images.jpg", ".png, .npy or .csv"]);
    run(&["decode", "run", "nan.npy", "--out", "images.npy"]).refuses(&["nan.npy", "NaN"]);
    assert!(!folder.path().join("images.npy").exists());
}

#[test]
fn the_baseline_and_logistic_pca_are_measured_too() {
    let folder = trained(&["train.baseline=true", "train.logistic_pca_passes=2"]);
    let summary = json(folder.path(), "run/summary.json");
    let printed = AUTOENCODER.eval(folder.path(), &["run"]);
    assert_eq!(printed["metrics"], summary["metrics"]);
    for name in
        ["squared_error", "random_start_squared_error", "pca_squared_error", "logistic_pca_squared_error"]
    {
        assert_eq!(printed["metrics"][name]["kind"], "exact", "{name}: {printed}");
    }
    let baseline = AUTOENCODER.eval(folder.path(), &["run/baseline"]);
    assert_eq!(baseline["metrics"]["squared_error"], printed["metrics"]["random_start_squared_error"]);

    let fitted = folder.path().join("run/logistic_pca.safetensors");
    fs::write(&fitted, "damaged").unwrap();
    AUTOENCODER.run(folder.path(), ["eval", "run"]).refuses(&["logistic_pca.safetensors"]);
    fs::remove_file(&fitted).unwrap();
    fs::remove_dir_all(folder.path().join("run/baseline")).unwrap();
    let again = AUTOENCODER.eval(folder.path(), &["run"]);
    assert!(again["metrics"]["random_start_squared_error"].is_null(), "{again}");
    // What is fitted again is not rounded to the precision of the file.
    let [fitted, read] =
        [&again, &printed].map(|printed| value(&printed["metrics"], "logistic_pca_squared_error"));
    assert_close(&[fitted], &[read], 1e-6, "logistic_pca_squared_error");
}

/// The first components of the data are the best linear code, and as many as there are columns leave no error.
#[test]
fn principal_components_are_those_of_the_training_split() {
    let folder = tempdir().unwrap();
    npy::write(&folder.path().join("rows.npy"), &Noise::new(0, "rows").uniform_vec(600), &[100, 6]).unwrap();
    let train = |code: &str| {
        let settings = ["data.name=rows.npy", code, "model.n_hidden=[7]", "train.batch_size=20"];
        AUTOENCODER.train(folder.path(), code, &set(&settings));
        let printed = AUTOENCODER.eval(folder.path(), &[code, "--split", "train"]);
        value(&printed["metrics"], "pca_squared_error")
    };
    let errors = ["model.n_code=1", "model.n_code=3", "model.n_code=6", "model.n_code=9"].map(train);
    assert!(errors[0] > errors[1] && errors[1] > 1e-3, "{errors:?}");
    assert!(errors[2] < 1e-9 && errors[3] < 1e-9, "{errors:?}");
}

#[test]
fn points_of_the_plane_get_a_linear_output() {
    let settings = ["data.name=moons", "model.n_code=1", "train.loss=squared_error", "train.batch_size=1000"];
    let folder = trained(&settings);
    assert_eq!(json(folder.path(), "run/config.json")["model"]["output"], "linear");
    let printed = AUTOENCODER.eval(folder.path(), &["run", "--per-example", "errors.npy"]);
    assert!(printed["metrics"]["cross_entropy"].is_null(), "{printed}");
    assert!(value(&printed["metrics"], "squared_error") > 0.0);
    AUTOENCODER.sample(folder.path(), &["run", "-n", "7", "--out", "points.npy"]).succeeds();
    assert_eq!(floats(folder.path(), "points.npy").0, [7, 2]);
}

#[track_caller]
fn refused(settings: &[&str], expected: &[&str]) {
    let folder = tempdir().unwrap();
    let arguments = AUTOENCODER.arguments("run", &[&["--quiet"], &set(settings)[..]].concat());
    AUTOENCODER.run(folder.path(), arguments).refuses(expected);
    assert!(!folder.path().join("run").exists(), "a refused run left a folder");
}

#[test]
fn settings_that_cannot_be_used() {
    refused(
        &["model.output=linear", "train.loss=cross_entropy"],
        &["train.loss", "cross_entropy", "linear", "squared_error"],
    );
    refused(
        &["data.name=moons", "train.loss=cross_entropy"],
        &["train.loss", "cross_entropy", "squared_error"],
    );
    refused(&["data.name=moons", "model.output=logistic"], &["moons", "[0, 1]"]);
    refused(&["model.n_code=0"], &["model", "0"]);
    refused(&["model.n_hidden=[4, 0]"], &["model", "0"]);
    refused(&["model.n_visible=9"], &["16", "9"]);
    refused(&["model.code=spin"], &["model.code", "spin", "tanh"]);
    refused(&["train.optimizer.kind=newton"], &["train.optimizer", "newton", "lbfgs"]);
    refused(&["train.epochs=0"], &["train.epochs = 0"]);
    refused(&["train.batch_size=0"], &["train.batch_size = 0"]);
    refused(&["train.pretraining.batch_size=0"], &["train.pretraining.batch_size = 0"]);
    refused(&["train.optimizer.kind=lbfgs", "train.optimizer.searches=0"], &["train.optimizer.searches = 0"]);
    refused(&["train.learning_rate=-1"], &["train.learning_rate", "-1"]);
    refused(&["train.optimizer.weight_decay=-1"], &["train", "weight_decay", "-1"]);
    refused(
        &["train.pretraining.layers.1.optimizer.momentum=1"],
        &["train.pretraining.layers.1.optimizer.momentum", "[0, 1)"],
    );
}
