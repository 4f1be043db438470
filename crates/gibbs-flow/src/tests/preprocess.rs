//! Whitening against the Gaussian of its moments; preprocessors and models behind them.

use burn::module::Module;
use gibbs_core::{
    Bijection, ColumnMoments, ConditionalLogProb, LogProb,
    math::{LN_SQRT_TAU, row_sums, to_host},
    preprocess::{Bounds, Preprocessed, Preprocessor, PreprocessorConfig, Scaling, Tails},
};
use gibbs_testkit::check_bijection;

use super::*;

/// A standard normal density.
#[derive(Module, Debug)]
struct Base {
    _none: usize,
}

impl ConditionalLogProb for Base {
    fn n_context(&self) -> usize {
        0
    }

    fn log_prob_given(&self, z: Tensor<2>, _: Option<&Tensor<2>>) -> Tensor<1> {
        let width = z.dims()[1] as f64;
        row_sums(z.powi_scalar(2)) * -0.5 - width * LN_SQRT_TAU
    }
}

const OPTIONS: DType = DType::F64;

/// `m` and `C` of three variables, `C = A·Aᵀ` with `det A = 6`.
fn moments() -> ColumnMoments {
    let factor = [[1.0, 0.0, 0.0], [-0.5, 2.0, 0.0], [0.7, 0.3, 3.0]];
    let entry = |i: usize, j: usize| (0..3).map(|k| factor[i][k] * factor[j][k]).sum::<f64>();
    ColumnMoments {
        examples: 100,
        mean: vec![5.0, -1.0, 0.2],
        covariance: (0..9).map(|i| entry(i / 3, i % 3)).collect(),
    }
}

fn whitening(moments: &ColumnMoments) -> Whitening {
    Whitening::new(moments, (&Device::flex(), OPTIONS))
}

#[test]
fn the_density_is_the_gaussian_of_the_moments() {
    let whitening = whitening(&moments());
    let identity = PreprocessorConfig::Identity.init(3).unwrap();
    let preprocessor = Preprocessor { whitening: Some(whitening.clone()), ..identity };
    let model = Preprocessed { preprocessor, model: Base { _none: 0 } };
    check_bijection(&whitening, wide((0..12).map(f64::from).collect(), [4, 3]), None, 1e-10);
    // Points m + A·e with |e|² known: the density is that of e over the determinant.
    for e in [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.3, -2.0, 1.5]] {
        let x = vec![5.0 + e[0], -1.0 - 0.5 * e[0] + 2.0 * e[1], 0.2 + 0.7 * e[0] + 0.3 * e[1] + 3.0 * e[2]];
        let square: f64 = e.iter().map(|e| e * e).sum();
        let truth = -0.5 * square - 1.5 * std::f64::consts::TAU.ln() - 6f64.ln();
        let found = to_host(model.log_prob(wide(x, [1, 3])))[0];
        assert!((found - truth).abs() < 1e-12, "{found} instead of {truth}");
    }
}

#[test]
fn white_examples_have_unit_covariance_and_the_root_is_symmetric() {
    let mixing = wide(vec![1.0, 0.4, 0.0, -2.0, 0.5, 1.0, 0.0, 0.1, 3.0], [3, 3]);
    let noise = &mut Noise::new(0, "examples");
    let x: Tensor<2> = noise.normal([200, 3], (&Device::flex(), OPTIONS)).matmul(mixing) + 100.0;
    let whitening = whitening(&ColumnMoments::of([x.clone()]).unwrap());
    let white = ColumnMoments::of([whitening.forward(x, None).0]).unwrap();
    for (i, c) in white.covariance.iter().enumerate() {
        let truth = f64::from(u8::from(i % 4 == 0));
        assert!((c - truth).abs() < 1e-10, "{:?}", white.covariance);
    }
    assert!(white.mean.iter().all(|m| m.abs() < 1e-10));
    let root = whitening.root.val();
    let skew = to_host(root.clone() - root.transpose());
    assert!(skew.iter().all(|x| x.abs() < 1e-12), "{skew:?}");
}

/// Two equal variables and one on its own: along their difference the deviation is `1e-4` of the mean one, by definition.
#[test]
fn variables_that_are_functions_of_others_stay_finite() {
    let equal = ColumnMoments {
        examples: 10,
        mean: vec![0.0; 3],
        covariance: vec![1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0],
    };
    let whitening = whitening(&equal);
    let log_volume = to_host(whitening.log_volume.val())[0];
    // Variances 2, 1 and 1e-8 times the mean of 2, 1 and 0, which is 1.
    assert!((log_volume + 0.5 * 2e-8f64.ln()).abs() < 1e-9, "{log_volume}");
    let z = to_host(whitening.forward(wide(vec![1.0, 1.0, 1.0], [1, 3]), None).0);
    // Their sum has the variance 4.
    assert!((z[0] - 0.5f64.sqrt()).abs() < 1e-9 && (z[2] - 1.0).abs() < 1e-12, "{z:?}");
}

#[test]
fn constants_keep_their_scale() {
    let constant = ColumnMoments { examples: 10, mean: vec![3.0, 4.0], covariance: vec![0.0; 4] };
    let (z, ladj) = whitening(&constant).forward(wide(vec![3.5, 2.0], [1, 2]), None);
    assert_eq!((to_host(z), to_host(ladj)), (vec![0.5, -2.0], vec![0.0]));
}

#[test]
fn the_identity_changes_nothing_and_nothing_is_trained() {
    let x = wide(vec![1.0, -2.0, 3.0, 0.5], [2, 2]);
    let identity = cast(Whitening::identity(2, &Device::flex()), FloatDType::F64);
    assert_eq!(to_host(identity.forward(x.clone(), None).0), to_host(x.clone()));
    assert_eq!(identity.num_params(), 2 + 4 + 4 + 1);
    let lifted = identity.train();
    let x: Tensor<2> = Tensor::from_inner(x).require_grad();
    let (z, ladj) = lifted.forward(x.clone(), None);
    let gradients = (z.powi_scalar(2).sum() + ladj.sum()).backward();
    assert!(x.grad(&gradients).is_some() && lifted.root.val().grad(&gradients).is_none());
}

/// A preprocessor as a bijection.
#[derive(Module, Debug)]
struct AsBijection {
    preprocessor: Preprocessor,
}

impl Bijection for AsBijection {
    fn forward(&self, x: Tensor<2>, _: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        self.preprocessor.forward(x)
    }

    fn inverse(&self, z: Tensor<2>, _: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        let x = self.preprocessor.inverse(z);
        (x.clone(), self.preprocessor.forward(x).1.neg())
    }
}

/// Every kind of preprocessing of three columns with values in (0, 1).
fn configs() -> Vec<PreprocessorConfig> {
    let (shift, scale) = (vec![0.5, 0.0, 1.0], vec![2.0, 0.5, 3.0]);
    let ends = |ends: [Option<f64>; 3]| ends.to_vec();
    vec![
        PreprocessorConfig::Identity,
        PreprocessorConfig::Standardize { shift: shift.clone(), scale: scale.clone(), tails: None },
        PreprocessorConfig::Standardize { shift: shift.clone(), scale: scale.clone(), tails: Some(0.3) },
        PreprocessorConfig::Bounded {
            low: ends([Some(0.0), Some(-1.0), None]),
            high: ends([Some(1.0), None, Some(2.0)]),
            shift: shift.clone(),
            scale: scale.clone(),
            tails: Some(0.8),
        },
        PreprocessorConfig::Logit { margin: 1e-3 },
        PreprocessorConfig::StandardizedLogit { margin: 1e-3, shift, scale },
        PreprocessorConfig::Signed,
    ]
}

#[test]
fn each_preprocessor_comes_back_and_knows_its_volume() {
    let x = wide(vec![0.25, 0.5, 0.75, 0.1, 0.9, 0.4], [2, 3]);
    for config in configs() {
        check_bijection(&AsBijection { preprocessor: config.init(3).unwrap() }, x.clone(), None, 1e-10);
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<PreprocessorConfig>(&text).unwrap(), config);
    }
}

#[test]
fn bounds_and_tails_come_back_and_know_their_volumes() {
    let (low, high) = ([Some(-2.0), Some(3.0), None, None], [Some(5.0), None, Some(1.0), None]);
    let bounds = Bounds::new(4, &low, &high).unwrap();
    check_bijection(
        &bounds,
        wide(vec![-1.9, 3.001, -40.0, 7.0, 4.9, 900.0, 0.999, -7.0], [2, 4]),
        None,
        1e-9,
    );
    let tails = Tails::new(2.0).unwrap();
    check_bijection(&tails, wide(vec![-1.9, 1.0, 0.0, -2.1, 3.0, 1e5, -1e9, 1.999], [2, 4]), None, 1e-9);
    // Beyond the bounds there is no density, and no NaN.
    let (z, ladj) = bounds.forward(wide(vec![-3.0, 4.0, 0.0, 0.0, 0.0, 3.0, 0.0, 0.0], [2, 4]), None);
    assert!(to_host(z).iter().all(|z| z.is_finite()));
    assert_eq!(to_host(ladj), [f64::NEG_INFINITY; 2]);
}

/// A normal density behind each one-dimensional map integrates to 1, by the midpoint rule in the quantiles of a wider density.
#[test]
fn densities_behind_each_map_integrate_to_one() {
    let one = |low, high, tails| PreprocessorConfig::Bounded {
        low: vec![low],
        high: vec![high],
        shift: vec![0.3],
        scale: vec![0.7],
        tails,
    };
    let standardize = |tails| PreprocessorConfig::Standardize { shift: vec![1.0], scale: vec![2.0], tails };
    let logit = PreprocessorConfig::StandardizedLogit { margin: 0.0, shift: vec![0.3], scale: vec![0.7] };
    for config in [
        standardize(None),
        standardize(Some(1.0)),
        one(Some(-1.0), Some(4.0), None),
        one(Some(-1.0), Some(4.0), Some(1.0)),
        one(Some(2.0), None, None),
        one(None, Some(2.0), Some(4.0)),
        logit,
    ] {
        let preprocessor = config.init(1).unwrap();
        // Points x(z) for z on a grid of [-12, 12]: cells of x have the length of their ends' distance.
        let (cells, reach) = (48_000usize, 12.0);
        let ends: Vec<f64> = (0..=cells).map(|i| reach * (2.0 * i as f64 / cells as f64 - 1.0)).collect();
        let x = to_host(preprocessor.inverse(wide(ends, [cells + 1, 1])));
        let middles: Vec<f64> = x.windows(2).map(|x| 0.5 * (x[0] + x[1])).collect();
        let model = Preprocessed { preprocessor, model: Base { _none: 0 } };
        let log_prob = to_host(model.log_prob(wide(middles, [cells, 1])));
        let mass: f64 = log_prob.iter().zip(x.windows(2)).map(|(l, x)| l.exp() * (x[1] - x[0])).sum();
        assert!((mass - 1.0).abs() < 1e-5, "{config:?}: {mass}");
    }
}

#[test]
fn densities_are_those_of_data_and_of_the_map_alone() {
    let x = wide(vec![0.25, 0.5, 0.75, 0.1, 0.9, 0.4, 0.3, 0.2, 0.6, 0.8, 0.7, 0.35], [4, 3]);
    for config in configs() {
        let preprocessor = config.init(3).unwrap().fit_whitening([x.clone()], &Device::flex()).unwrap();
        let model = cast(Preprocessed { preprocessor, model: Base { _none: 0 } }, FloatDType::F64);
        let (of_data, within) = model.log_prob_and_within(x.clone(), None);
        assert_eq!(to_host(model.log_prob(x.clone())), to_host(of_data.clone()));
        assert_eq!(to_host(model.within(x.clone(), None)), to_host(within.clone()));
        let of_map = to_host(model.preprocessor.map.forward(x.clone()).1);
        for (difference, of_map) in to_host(of_data - within).into_iter().zip(of_map) {
            assert!((difference - of_map).abs() < 1e-9, "{config:?}: {difference} instead of {of_map}");
        }
    }
}

#[test]
fn fitted_columns_have_the_scale_that_is_asked_for() {
    let uniform: Vec<f64> = (0..4001).map(|i| (f64::from(i) + 0.5) / 4002.0).collect();
    let positive: Vec<f64> = uniform.iter().map(|u| 1.0 + (3.0 * u).exp()).collect();
    let columns = [uniform.clone(), positive.clone()];
    let x = wide(uniform.iter().zip(&positive).flat_map(|(u, p)| [*u, *p]).collect(), [4001, 2]);
    let bounded = |scaling| {
        PreprocessorConfig::bounded(&columns, scaling, vec![Some(0.0), Some(1.0)], vec![Some(1.0), None])
    };
    for config in [PreprocessorConfig::standardize(&columns), bounded(Scaling::Standard)] {
        let moments = ColumnMoments::of([config.init(2).unwrap().forward(x.clone()).0]).unwrap();
        assert!(moments.mean.iter().all(|mean| mean.abs() < 1e-9), "{moments:?}");
        let variances = [moments.covariance[0], moments.covariance[3]];
        assert!(variances.iter().all(|v| (v - 1.0).abs() < 1e-3), "{moments:?}");
    }
    // The logarithm of the second column is uniform: its quartiles lie at 0.75 and 2.25.
    let PreprocessorConfig::Bounded { shift, scale, tails, .. } = bounded(Scaling::Robust) else { panic!() };
    assert!((shift[1] - 1.5).abs() < 1e-3 && (scale[1] - 1.5 / 1.34898).abs() < 1e-3);
    assert_eq!(tails, Some(Scaling::ROBUST_TAILS));
    let logits = PreprocessorConfig::standardized_logit(&columns[..1], 1e-3).unwrap();
    let z = logits.init(1).unwrap().forward(wide(uniform, [4001, 1])).0;
    let moments = ColumnMoments::of([z]).unwrap();
    assert!(moments.mean[0].abs() < 1e-9 && (moments.covariance[0] - 1.0).abs() < 1e-3);
}

#[test]
fn the_scale_of_columns_is_that_of_their_moments() {
    let columns = [vec![1.0, 3.0], vec![4.0, 4.0]];
    let config = PreprocessorConfig::standardize(&columns);
    let scale = vec![2f64.sqrt(), 1.0];
    assert_eq!(config, PreprocessorConfig::Standardize { shift: vec![2.0, 4.0], scale, tails: None });
    assert!(config.validate(2).is_ok());
    assert!(config.validate(3).unwrap_err().to_string().contains("shift"));
    let crossed = PreprocessorConfig::Bounded {
        low: vec![Some(1.0)],
        high: vec![Some(1.0)],
        shift: vec![0.0],
        scale: vec![1.0],
        tails: None,
    };
    assert!(crossed.validate(1).unwrap_err().to_string().contains("low"));
    assert!(
        PreprocessorConfig::Logit { margin: 0.5 }
            .validate(2)
            .unwrap_err()
            .to_string()
            .contains("margin = 0.5")
    );
}
