use burn::tensor::DType;
use gibbs_core::{ConditionalLogProb, LogProb, Sample, params::cast};
use gibbs_testkit::perturbed;

use super::*;
use crate::{FlowFamilyConfig, FlowKind};

const WIDTH: usize = 2;

/// Rows around three centers.
fn clusters(n: usize) -> Vec<f64> {
    let noise = &mut Noise::new(0, "clusters");
    let centers = [[-4.0, 0.0], [3.0, 3.0], [3.0, -4.0]];
    (0..n)
        .flat_map(|i| {
            let [a, b] = [noise.next_normal(), noise.next_normal()];
            let center = centers[i % 3];
            [center[0] + 0.5 * a, center[1] + 0.3 * a + 0.8 * b]
        })
        .collect()
}

fn config(components: usize, degrees_of_freedom: Option<usize>) -> MixtureConfig {
    MixtureConfig::new(components).with_degrees_of_freedom(degrees_of_freedom)
}

fn fitted(config: MixtureConfig, rows: &[f64], width: usize) -> MixtureFit {
    config.fit(rows, width, &mut Noise::new(1, "start"))
}

fn wide(rows: &[f64], width: usize) -> Tensor<2> {
    let n = rows.len() / width;
    Tensor::from_data(TensorData::new(rows.to_vec(), [n, width]), (&Device::flex(), DType::F64))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn gamma_at_halves() {
    let root_pi = std::f64::consts::PI.sqrt();
    for (m, gamma) in [(1, root_pi), (2, 1.0), (3, root_pi / 2.0), (5, 0.75 * root_pi), (10, 24.0)] {
        assert!((ln_gamma_of_half(m) - f64::ln(gamma)).abs() < 1e-14, "{m}");
    }
}

#[test]
fn densities_integrate_to_one() {
    let rows: Vec<f64> = clusters(300).into_iter().step_by(2).collect();
    for tails in [None, Some(1), Some(3)] {
        let fit = fitted(config(2, tails), &rows, 1);
        // x = s/(1 - s²) takes the whole axis; a Cauchy density becomes a smooth function of s.
        let n = 20_000;
        let s = |i: usize| -1.0 + (2 * i + 1) as f64 / n as f64;
        let x: Vec<f64> = (0..n).map(|i| s(i) / (1.0 - s(i) * s(i))).collect();
        let slope = |s: f64| (1.0 + s * s) / (1.0 - s * s).powi(2);
        let log_prob = fit.log_prob(&x);
        let total: f64 = (0..n).map(|i| log_prob[i].exp() * slope(s(i)) * 2.0 / n as f64).sum();
        assert!((total - 1.0).abs() < 1e-5, "{tails:?}: {total}");
    }
}

/// The host and the device compute the density in their own ways.
#[test]
fn the_module_is_the_fit() {
    let rows = clusters(300);
    for tails in [None, Some(4)] {
        let fit = fitted(config(3, tails), &rows, WIDTH);
        let mixture = cast(fit.mixture(&Device::flex()), burn::tensor::FloatDType::F64);
        let found = to_host(mixture.log_prob(wide(&rows, WIDTH)));
        let worst = found.iter().zip(fit.log_prob(&rows)).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        // Parameters are rounded to f32; a point three standard deviations out has q = 9.
        assert!(worst < 2e-5, "{tails:?}: {worst}");
    }
}

/// `-½ (D ln 2πe + ln |S|)` with the covariance `S` of the rows.
#[test]
fn one_normal_component_has_the_likelihood_of_the_moments() {
    let rows = clusters(600);
    let fit = fitted(config(1, None).with_prior(1e-9), &rows, WIDTH);
    let column = |d: usize| -> Vec<f64> { rows.iter().skip(d).step_by(2).copied().collect() };
    let (a, b) = (column(0), column(1));
    let covariance = |a: &[f64], b: &[f64]| {
        a.iter().zip(b).map(|(x, y)| (x - mean(a)) * (y - mean(b))).sum::<f64>() / a.len() as f64
    };
    let determinant = covariance(&a, &a) * covariance(&b, &b) - covariance(&a, &b).powi(2);
    let expected = -0.5 * (2.0 * (std::f64::consts::TAU.ln() + 1.0) + determinant.ln());
    assert!((mean(&fit.log_prob(&rows)) - expected).abs() < 1e-8);
}

#[test]
fn clusters_are_found() {
    let (rows, fresh) = (clusters(900), clusters(3900)[1800..].to_vec());
    let fit = fitted(config(3, None), &rows, WIDTH);
    // The entropy: ln 3, and of each cluster ln 2πe + ln(0.5·0.8).
    let entropy = 3f64.ln() + std::f64::consts::TAU.ln() + 1.0 + 0.4f64.ln();
    let log_prob = fit.log_prob(&fresh);
    // The standard deviation of ln p over examples is 1.
    let tolerance = 4.0 / (log_prob.len() as f64).sqrt();
    assert!((mean(&log_prob) + entropy).abs() < tolerance, "{} {entropy}", mean(&log_prob));
}

#[test]
fn draws_have_the_moments_and_the_tails() {
    let n = 40_000;
    let rows = clusters(300);
    let mixture = fitted(config(3, None), &rows, WIDTH).mixture(&Device::flex());
    let x = to_host(mixture.sample(n, 1.0, &mut Noise::new(2, "draws")));
    for d in 0..WIDTH {
        let of = |rows: &[f64]| mean(&rows.iter().skip(d).step_by(2).copied().collect::<Vec<_>>());
        // Columns have standard deviations of about 3.5.
        assert!((of(&x) - of(&rows)).abs() < 4.0 * 3.5 / (n as f64).sqrt(), "{d}");
    }
    // Student's table: for ν = 3 one draw in twenty lies beyond 3.182.
    let student = Mixture {
        log_weights: fixed(Tensor::zeros([1], &Device::flex())),
        means: fixed(Tensor::zeros([1, 1], &Device::flex())),
        roots: fixed(Tensor::ones([1, 1], &Device::flex())),
        inverses: fixed(Tensor::ones([1, 1], &Device::flex())),
        degrees_of_freedom: Some(3),
    };
    let x = to_host(student.sample(n, 1.0, &mut Noise::new(3, "draws")));
    let beyond = x.iter().filter(|x| x.abs() > 3.182).count() as f64 / n as f64;
    assert!((beyond - 0.05).abs() < 4.0 * (0.05 * 0.95 / n as f64).sqrt(), "{beyond}");
    let center = to_host(student.sample(5, 0.0, &mut Noise::new(3, "draws")));
    assert!(center.iter().all(|x| *x == 0.0));
}

#[test]
fn the_choice_follows_the_data() {
    let choice = |rows: &[f64], width: usize| {
        let (train, valid) = rows.split_at(rows.len() / 10 * 8 / width * width);
        choose_mixture(train, valid, width, usize::MAX, &Noise::new(0, "choice")).fit.config()
    };
    let found = choice(&clusters(600), WIDTH);
    assert_eq!((found.components, found.degrees_of_freedom), (3, None));
    let noise = &mut Noise::new(1, "normal");
    let normal: Vec<f64> = (0..3 * 500).map(|_| noise.next_normal()).collect();
    let found = choice(&normal, 3);
    assert_eq!((found.components, found.degrees_of_freedom), (1, None));
    // Radial tails with two degrees of freedom.
    let tails: Vec<f64> = (0..500)
        .flat_map(|_| {
            let scale = (2.0 / (noise.next_normal().powi(2) + noise.next_normal().powi(2))).sqrt();
            [0, 1, 2].map(|_| noise.next_normal() * scale)
        })
        .collect();
    assert_eq!(choice(&tails, 3).degrees_of_freedom, Some(3));
}

#[test]
fn a_flow_of_identities_is_its_base() {
    let rows = clusters(300);
    let fit = fitted(config(3, Some(5)), &rows, WIDTH);
    let noise = &mut Noise::new(0, "init");
    let flow = FlowFamilyConfig::of_data(FlowKind::SplineMaf, WIDTH, 0, None).flow().unwrap();
    let flow = flow.init(&Device::flex(), noise).unwrap().with_base(Some(fit.mixture(&Device::flex())));
    let x = wide(&rows, WIDTH).cast(DType::F32);
    let found = to_host(flow.log_prob(x));
    assert!(found.iter().zip(fit.log_prob(&rows)).all(|(a, b)| (a - b).abs() < 1e-3));
    assert_eq!(flow.sample(7, noise).dims(), [7, WIDTH]);
}

/// Splines with slopes of 1 outside their box and Student tails: a point far out costs the logarithm of its distance.
#[test]
fn no_point_of_a_flow_with_student_tails_has_a_vanishing_density() {
    let fit = fitted(config(3, Some(3)), &clusters(300), WIDTH);
    let noise = &mut Noise::new(0, "init");
    let flow = FlowFamilyConfig::of_data(FlowKind::SplineMaf, WIDTH, 0, None).flow().unwrap();
    let flow = perturbed(flow.init(&Device::flex(), noise).unwrap(), 1.0, Noise::new(3, "weights"));
    let flow = flow.with_base(Some(fit.mixture(&Device::flex())));
    for far in [1e2, 1e4, 1e6] {
        let x =
            Tensor::<2>::from_data([[far, 0.0], [0.0, -far], [far, far], [-far, 0.3 * far]], &Device::flex());
        let log_prob = to_host(flow.log_prob_given(x, None));
        // (ν + D)·ln(far) and at most ln 100 + 3 for each spline.
        let least = -(5.0 * f64::ln(far) + 2.0 * 5.0 * 8.0 + 20.0);
        assert!(log_prob.iter().all(|log_prob| *log_prob > least), "{far}: {log_prob:?}");
    }
}

#[test]
fn settings_out_of_range_are_named() {
    let message = |config: MixtureConfig| config.validate().unwrap_err().to_string();
    assert!(message(config(0, None)).contains("components"));
    assert!(message(config(1, Some(0))).contains("degrees_of_freedom"));
    assert!(message(config(1, None).with_prior(f64::NAN)).contains("prior"));
}
