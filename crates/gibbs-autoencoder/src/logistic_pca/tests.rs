use super::*;
use burn::tensor::{DType, FloatDType};
use gibbs_backend::Noise;

const K: usize = 3;
const WIDTH: usize = 10;

fn normal(shape: [usize; 2], seed: u64) -> Tensor<2> {
    Noise::new(seed, "normal").normal(shape, (&Device::flex(), DType::F64))
}

fn model(seed: u64) -> LogisticPca {
    LogisticPca { loadings: normal([K, WIDTH], seed), bias: normal([1, WIDTH], seed + 1).squeeze_dim(0) }
}

/// Bits of `model` with standard normal codes.
fn bits(model: &LogisticPca, n: usize) -> Tensor<2> {
    let [k, _] = model.loadings.dims();
    Noise::new(9, "bits").bernoulli(model.decode(normal([n, k], 8)))
}

fn largest(x: Tensor<2>) -> f64 {
    to_host(x.abs()).into_iter().fold(0.0, f64::max)
}

fn mean(x: Tensor<1>) -> f64 {
    let values = to_host(x);
    values.iter().sum::<f64>() / values.len() as f64
}

/// Grey values, bits, and bits that a hyperplane separates, whose codes without the ridge would be infinite.
fn cases() -> [(LogisticPca, Tensor<2>); 3] {
    let model = model(1);
    let sharp = LogisticPca { loadings: model.loadings() * 30.0, bias: model.bias() };
    let grey = sigmoid(normal([40, WIDTH], 4));
    [(model.clone(), grey), (model.clone(), bits(&model, 40)), (sharp.clone(), bits(&sharp, 40))]
}

/// `STILL` bounds the last step, and so the gradient before it by the curvature; the step after it is smaller still.
#[test]
fn the_gradient_vanishes_at_the_code() {
    for (model, x) in cases() {
        let z = model.encode(x.clone());
        let residual = x - model.decode(z.clone());
        let gradient = residual.matmul(model.loadings().transpose()) - z;
        let curvature = 0.25 * to_host(model.loadings().square().sum())[0] + 1.0;
        assert!(largest(gradient.clone()) < 1e-4 * curvature, "{}", largest(gradient));
    }
}

/// Concavity: no code nearby, and none far away, is better.
#[test]
fn no_other_code_is_more_probable() {
    for (model, x) in cases() {
        let z = model.encode(x.clone());
        let least = to_host(model.code_loss(x.clone(), z.clone()));
        for (seed, scale) in [(20, 0.01), (21, 0.3), (22, 3.0)] {
            let other = z.clone() + normal([40, K], seed) * scale;
            for (least, other) in least.iter().zip(to_host(model.code_loss(x.clone(), other))) {
                assert!(*least <= other, "{least} {other}");
            }
        }
    }
}

#[test]
fn the_objective_rises_from_pass_to_pass_whatever_the_batches() {
    let grey = sigmoid(normal([300, K], 5).matmul(normal([K, WIDTH], 6)) * 2.0 + normal([300, WIDTH], 7));
    for x in [grey, bits(&model(2), 300)] {
        let config = LogisticPcaConfig::new(2).with_ridge(0.3);
        let run = |size: usize| -> (Vec<f64>, LogisticPca) {
            let batches = || x.clone().split(size, 0);
            let mut fitting = Fitting::new(&config, batches()).unwrap();
            ((0..40).map(|_| fitting.pass(batches)).collect(), fitting.model)
        };
        let (values, model) = run(300);
        for pair in values.windows(2) {
            assert!(pair[1] >= pair[0] - 2e-6 * pair[0].abs(), "{values:?}");
        }
        assert!(values[39] - values[38] < 1e-4 && values[39] > values[0] + 0.01, "{values:?}");
        let (others, other) = run(77);
        assert!(values.iter().zip(&others).all(|(a, b)| (a - b).abs() < 1e-9), "{others:?}");
        assert!(largest(model.loadings() - other.loadings()) < 1e-7);
    }
}

/// The value of a pass is `L/n` by its definition.
#[test]
fn the_objective_is_what_it_says() {
    let x = bits(&model(3), 50);
    let mut fitting = Fitting::new(&LogisticPcaConfig::new(2).with_ridge(0.1), [x.clone()]).unwrap();
    let value = fitting.pass(|| [x.clone()]);
    let z = fitting.codes[0].clone();
    let theta = to_host(fitting.model.logits(z.clone()));
    let log_prob: f64 = theta
        .iter()
        .zip(to_host(x))
        .map(|(theta, x)| x * theta - theta.max(0.0) - (-theta.abs()).exp().ln_1p())
        .sum();
    let squares = |x: Tensor<2>| to_host(x).iter().map(|x| x * x).sum::<f64>();
    let ridge = squares(fitting.model.loadings()) + squares(fitting.model.bias().unsqueeze());
    let expected = (log_prob - 0.5 * squares(z) - 0.05 * ridge) / 50.0;
    assert!((value - expected).abs() < 1e-10, "{value} {expected}");
}

/// Data drawn from a model of rank 1: its direction and its codes are found up to noise. With 100 bits an example, the
/// curvature of a code is about 100·v²·0.2 = 20, so a code has standard error 0.2 and correlates with the truth by 0.97.
#[test]
fn a_model_of_rank_one_is_recovered() {
    const BITS: usize = 100;
    let truth =
        LogisticPca { loadings: normal([1, BITS], 30), bias: normal([1, BITS], 31).squeeze_dim(0) * 0.5 };
    let x = bits(&truth, 1000);
    let found =
        LogisticPca::fit(&LogisticPcaConfig::new(1).with_passes(15), || x.clone().split(400, 0)).unwrap();
    let cosine = |a: Vec<f64>, b: Vec<f64>| {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt()
    };
    let direction = cosine(to_host(found.loadings()), to_host(truth.loadings()));
    assert!(direction.abs() > 0.97, "{direction}");
    let codes = cosine(to_host(found.encode(x)), to_host(normal([1000, 1], 8)));
    assert!(codes * direction.signum() > 0.95, "{codes}");
}

/// Grey values that are the means of a model of rank 2 are reproduced but for what the ridges take.
#[test]
fn means_of_a_model_are_reproduced() {
    let x = sigmoid(normal([400, 2], 40).matmul(normal([2, WIDTH], 41)) * 2.0 + normal([1, WIDTH], 42));
    let config = LogisticPcaConfig::new(2).with_ridge(1e-3);
    let model = LogisticPca::fit(&config, || [x.clone()]).unwrap();
    let variance = mean((x.clone() - x.clone().mean_dim(0)).square().sum_dim(1).squeeze_dim(1));
    let error = mean(model.squared_error(x.clone()));
    assert!(error < 0.01 * variance, "{error} of {variance}");
    let pca = mean(Pca::fit([x.clone()], 2).unwrap().squared_error(x.clone()));
    assert!(error < 0.2 * pca, "{error}, linear {pca}");
    // The entropy of the bits themselves bounds the cross-entropy from below.
    let entropy = mean(
        (x.clone() * x.clone().log() + (-x.clone() + 1.0) * (-x.clone() + 1.0).log())
            .sum_dim(1)
            .squeeze_dim(1),
    );
    assert!(mean(model.cross_entropy(x)) > -entropy);
}

#[test]
fn single_precision_follows_double() {
    let x = bits(&model(6), 200);
    let fit = |x: Tensor<2>| {
        LogisticPca::fit(&LogisticPcaConfig::new(2).with_passes(8), || x.clone().split(64, 0)).unwrap()
    };
    let (double, single) = (fit(x.clone()), fit(x.clone().cast(FloatDType::F32)));
    let error = mean(double.squared_error(x.clone()));
    let other = mean(single.squared_error(x.cast(FloatDType::F32)));
    assert!((error - other).abs() < 1e-3 * error, "{error} {other}");
}

#[test]
fn fits_that_are_impossible_are_errors() {
    let x = bits(&model(1), 20);
    let fail = |config: LogisticPcaConfig, x: Tensor<2>| Fitting::new(&config, [x]).unwrap_err();
    for ridge in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(
            fail(LogisticPcaConfig::new(2).with_ridge(ridge), x.clone()).to_string().starts_with("ridge = ")
        );
    }
    let error = fail(LogisticPcaConfig::new(2), x.clone() * 255.0);
    assert_eq!(error, LogisticPcaError::Range { low: 0.0, high: 255.0 });
    let error = fail(LogisticPcaConfig::new(11), x);
    assert!(error.to_string().contains("11 principal components"), "{error}");
}
