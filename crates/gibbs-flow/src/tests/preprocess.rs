//! Whitening against the Gaussian of its moments; preprocessors and models behind them.

use burn::module::Module;
use gibbs_core::{
    Bijection, ColumnMoments, ConditionalLogProb, LogProb,
    math::{LN_SQRT_TAU, row_sums, to_host},
    preprocess::{Map, Preprocessed, Preprocessor, PreprocessorConfig},
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
    let preprocessor = Preprocessor { map: Map::Identity, whitening: Some(whitening.clone()) };
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

#[test]
fn each_map_comes_back_and_knows_its_volume() {
    let x = wide(vec![0.25, 0.5, 0.75, 0.1, 0.9, 0.4], [2, 3]);
    let standardize =
        PreprocessorConfig::Standardize { shift: vec![0.5, 0.0, 1.0], scale: vec![2.0, 0.5, 3.0] };
    for config in [
        PreprocessorConfig::Identity,
        standardize,
        PreprocessorConfig::Logit { margin: 1e-3 },
        PreprocessorConfig::Signed,
    ] {
        match config.init(3).unwrap().map {
            Map::Identity => {}
            Map::Standardize(map) => check_bijection(&map, x.clone(), None, 1e-10),
            Map::Logit(map) => check_bijection(&map, x.clone(), None, 1e-10),
            Map::Signed(map) => check_bijection(&map, x.clone(), None, 1e-10),
        }
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<PreprocessorConfig>(&text).unwrap(), config);
    }
}

#[test]
fn densities_are_those_of_data_and_of_the_map_alone() {
    let x = wide(vec![0.25, 0.5, 0.75, 0.1, 0.9, 0.4, 0.3, 0.2, 0.6, 0.8, 0.7, 0.35], [4, 3]);
    let config = PreprocessorConfig::Standardize { shift: vec![0.5; 3], scale: vec![2.0, 0.5, 3.0] };
    let preprocessor = config.init(3).unwrap().fit_whitening([x.clone()], &Device::flex()).unwrap();
    let model = cast(Preprocessed { preprocessor, model: Base { _none: 0 } }, FloatDType::F64);
    let (of_data, within) = model.log_prob_and_within(x.clone(), None);
    assert_eq!(to_host(model.log_prob(x.clone())), to_host(of_data.clone()));
    assert_eq!(to_host(model.within(x, None)), to_host(within.clone()));
    for difference in to_host(within - of_data) {
        assert!((difference - 3f64.ln()).abs() < 1e-6, "{difference}");
    }
}

#[test]
fn the_scale_of_columns_is_that_of_their_moments() {
    let columns = [vec![1.0, 3.0], vec![4.0, 4.0]];
    let config = PreprocessorConfig::standardize(&columns);
    let scale = vec![2f64.sqrt(), 1.0];
    assert_eq!(config, PreprocessorConfig::Standardize { shift: vec![2.0, 4.0], scale });
    assert!(config.validate(2).is_ok());
    assert!(config.validate(3).unwrap_err().to_string().contains("shift"));
    assert!(
        PreprocessorConfig::Logit { margin: 0.5 }
            .validate(2)
            .unwrap_err()
            .to_string()
            .contains("margin = 0.5")
    );
}
