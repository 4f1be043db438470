//! The autoencoder against its formulas, against the rbms it is unrolled from, and on the encoder problem.

use burn::module::{Module, ModuleMapper, Param};
use burn::optim::AdamConfig;
use burn::prelude::*;
use burn::tensor::{DType, FloatDType};
use gibbs_backend::{Noise, bce_with_logits};
use gibbs_boltzmann::units::{AnyUnits, UnitKind};
use gibbs_boltzmann::{AnyRbm, RbmConfig};
use gibbs_core::nn::Activation;
use gibbs_core::optim::{ConjugateGradient, Lbfgs};
use gibbs_core::params::cast;
use gibbs_core::{Batch, Objective, Position, math::to_host};
use gibbs_testkit::check_gradient;

use crate::{Autoencoder, AutoencoderConfig, Code, Loss, Output, Reconstruction};

use UnitKind::{Binary, Gaussian, Softmax, Spin};

/// Uniform draws on [0, 1) in f64.
fn rows(shape: [usize; 2], seed: u64) -> Tensor<2> {
    Noise::new(seed, "rows").uniform(shape, (&Device::flex(), DType::F64))
}

/// An RBM with biases and variances of order one, in f64.
fn rbm(widths: [usize; 2], [visible, hidden]: [UnitKind; 2], seed: u64) -> AnyRbm {
    let mut noise = Noise::new(seed, "machine");
    let config = RbmConfig::new(widths[0], widths[1]).with_visible(visible).with_hidden(hidden);
    let mut rbm = config.with_weight_std(0.7).init(&Device::flex(), &mut noise).unwrap();
    for units in [&mut rbm.visible, &mut rbm.hidden] {
        let mut draw = |param: &mut Param<Tensor<1>>| {
            *param = Param::from_tensor(noise.normal(param.dims(), &Device::flex()) * 0.6);
        };
        match units {
            AnyUnits::Binary(units) => draw(&mut units.bias),
            AnyUnits::Spin(units) => draw(&mut units.bias),
            AnyUnits::Gaussian(units) => {
                draw(&mut units.mean);
                draw(&mut units.log_var);
            }
            other => panic!("{other} units have no place here"),
        }
    }
    cast(rbm, FloatDType::F64)
}

/// A stack of rbms of these widths; `kinds` from the visible units of the bottom to the hidden ones of the top.
fn stack(widths: &[usize], kinds: &[UnitKind]) -> Vec<AnyRbm> {
    let pairs = widths.windows(2).zip(kinds.windows(2)).enumerate();
    pairs.map(|(k, (w, kinds))| rbm([w[0], w[1]], [kinds[0], kinds[1]], k as u64)).collect()
}

#[test]
fn unrolling_computes_the_means_of_the_rbms() {
    let cases: [(&[UnitKind], Code, Output); 8] = [
        (&[Binary, Binary, Binary, Gaussian], Code::Linear, Output::Logistic),
        (&[Binary, Binary, Binary, Binary], Code::Logistic, Output::Logistic),
        (&[Gaussian, Binary, Binary, Gaussian], Code::Linear, Output::Linear),
        (&[Gaussian, Spin, Spin, Spin], Code::Tanh, Output::Linear),
        (&[Binary, Spin, Gaussian], Code::Linear, Output::Logistic),
        (&[Binary, Spin, Binary], Code::Logistic, Output::Logistic),
        (&[Gaussian, Gaussian], Code::Linear, Output::Linear),
        (&[Binary, Binary], Code::Logistic, Output::Logistic),
    ];
    for (kinds, code, output) in cases {
        let widths = &[7, 5, 4, 3][..kinds.len()];
        let rbms = stack(widths, kinds);
        let autoencoder = Autoencoder::unroll(&rbms).unwrap();
        let activation =
            if kinds[1] == Spin && kinds.len() > 2 { Activation::Tanh } else { Activation::Sigmoid };
        let config = AutoencoderConfig {
            n_visible: widths[0],
            n_hidden: widths[1..widths.len() - 1].to_vec(),
            n_code: widths[widths.len() - 1],
            activation,
            code,
            output,
        };
        assert_eq!(autoencoder.config(), config, "{kinds:?}");

        let x = rows([4, 7], 9);
        let up = rbms.iter().fold(x.clone(), |x, rbm| rbm.hidden_mean(x));
        let down = rbms.iter().rev().fold(up.clone(), |h, rbm| rbm.visible_mean(h));
        for (have, want) in [(autoencoder.encode(x.clone()), up), (autoencoder.reconstruct(x), down)] {
            for (have, want) in to_host(have).into_iter().zip(to_host(want)) {
                // Sums of at most 7 terms in another order, amplified by weights of order one.
                assert!((have - want).abs() < 1e-13 * want.abs().max(1.0), "{kinds:?}: {have} {want}");
            }
        }
    }
}

/// The stack of a config unrolls to an autoencoder of the same config.
#[test]
fn the_layers_of_a_config_unroll_to_it() {
    for (activation, code, output) in [
        (Activation::Sigmoid, Code::Linear, Output::Logistic),
        (Activation::Tanh, Code::Tanh, Output::Linear),
        (Activation::Sigmoid, Code::Logistic, Output::Linear),
    ] {
        let config = AutoencoderConfig::new(7, vec![5, 4], 3)
            .with_activation(activation)
            .with_code(code)
            .with_output(output);
        let mut noise = Noise::new(0, "init");
        let layers = config.layers(0.1).unwrap();
        let stack: Vec<_> =
            layers.iter().map(|layer| layer.init(&Device::flex(), &mut noise).unwrap()).collect();
        assert_eq!(Autoencoder::unroll(&stack).unwrap().config(), config);
    }
}

#[test]
fn drawn_codes_have_the_moments_of_the_codes() {
    let (model, x) = (small(Code::Tanh, Output::Logistic), rows([500, 4], 5));
    let draws = model.draw_codes(x.clone(), 20_000, &mut Noise::new(6, "codes")).unwrap();
    let moments = |z: Tensor<2>| {
        let mean = z.clone().mean_dim(0);
        let centered = z - mean.clone();
        let n = centered.dims()[0] as f64;
        [to_host(mean), to_host(centered.clone().transpose().matmul(centered) / n)].concat()
    };
    let (have, want) = (moments(draws), moments(model.encode(x)));
    // Codes have variances near 0.01, so means have standard errors near 0.0007.
    assert!(have.iter().zip(&want).all(|(have, want)| (have - want).abs() < 4e-3), "{have:?} {want:?}");
    assert!(model.draw_codes(rows([0, 4], 5), 3, &mut Noise::new(6, "codes")).is_err());
}

#[test]
fn the_objective_gives_the_gradients_of_the_loss() {
    let (model, x) = (small(Code::Linear, Output::Logistic).train(), rows([3, 4], 4));
    let (loss, want) = Loss::SquaredError.gradients(&model, x.clone());
    let mut objective = Reconstruction { loss: Loss::SquaredError };
    let at = Position::new(0, 1, 1);
    let output = objective.step(&model, Batch::new(x), &at, &mut Noise::new(0, "training")).unwrap();
    assert_eq!(output.loss.unwrap().into_scalar::<f64>(), loss);
    let id = model.encoder[0].weight.id;
    assert_eq!(to_host(output.gradients.get::<2>(id).unwrap()), to_host(want.get::<2>(id).unwrap()));
}

#[test]
fn weights_count_as_repetitions() {
    let (model, x) = (small(Code::Linear, Output::Logistic).train(), rows([2, 4], 4));
    let gradient = |batch: Batch| {
        let at = Position::new(0, 1, 1);
        let output =
            Reconstruction::default().step(&model, batch, &at, &mut Noise::new(0, "training")).unwrap();
        to_host(output.gradients.get::<2>(model.encoder[0].weight.id).unwrap())
    };
    let repeated = Tensor::cat(vec![x.clone().narrow(0, 0, 1), x.clone()], 0);
    let weights = Tensor::from_data([2.0, 1.0], (&x.device(), x.dtype()));
    let weighted = gradient(Batch { weights: Some(weights), ..Batch::new(x) });
    let pairs = weighted.into_iter().zip(gradient(Batch::new(repeated)));
    pairs.for_each(|(a, b)| assert!((a - b).abs() < 1e-12, "{a} {b}"));
}

#[test]
fn unrolled_parameters_are_new_and_can_be_trained() {
    let rbms = stack(&[6, 4, 2], &[Binary, Binary, Gaussian]);
    let autoencoder = Autoencoder::unroll(&rbms).unwrap();
    assert_ne!(autoencoder.encoder[0].weight.id, rbms[0].weight.id);
    let x = rows([5, 6], 3);
    let evaluate = |model: &Autoencoder| Loss::CrossEntropy.gradients(model, x.clone());
    let (_, done) = ConjugateGradient::new().minimize(autoencoder.train(), evaluate);
    assert!(done.loss < done.loss_before && done.searches == 3, "{done:?}");
}

#[test]
fn stacks_that_do_not_fit_are_refused() {
    let message = |stack: &[AnyRbm]| Autoencoder::unroll(stack).unwrap_err().to_string();
    assert_eq!(message(&[]), "a stack needs at least one layer");
    let wide = [rbm([6, 4], [Binary, Binary], 0), rbm([5, 2], [Binary, Gaussian], 0)];
    let error = message(&wide);
    assert!(error.contains("layer 1") && error.contains('5') && error.contains('4'), "{error}");
    let other = [rbm([6, 4], [Binary, Binary], 0), rbm([4, 2], [Spin, Gaussian], 0)];
    let error = message(&other);
    assert!(error.contains("layer 1") && error.contains("spin") && error.contains("binary"), "{error}");
    assert_eq!(
        message(&stack(&[6, 4], &[Spin, Binary])),
        "the visible units of layer 0 are spin; the autoencoder needs binary or gaussian units there"
    );
    let softmax =
        RbmConfig::new(6, 4).with_visible(Softmax).init(&Device::flex(), &mut Noise::new(0, "init"));
    assert!(message(&[softmax.unwrap()]).contains("visible units of layer 0 are softmax"));
    assert_eq!(
        message(&stack(&[6, 4, 2], &[Binary, Gaussian, Gaussian])),
        "the hidden units of layer 0 are gaussian; the autoencoder needs binary or spin units there"
    );
    assert_eq!(
        message(&stack(&[6, 4, 3, 2], &[Binary, Binary, Spin, Gaussian])),
        "the hidden units of layer 1 are spin; the autoencoder needs binary units there"
    );
}

#[test]
fn configs_and_losses_that_do_not_fit_are_refused() {
    let message = |config: AutoencoderConfig| config.validate().unwrap_err().to_string();
    assert_eq!(message(AutoencoderConfig::new(4, vec![3], 0)), "n_code = 0: must be at least 1");
    assert_eq!(message(AutoencoderConfig::new(4, vec![3, 0], 2)), "n_hidden[1] = 0: must be at least 1");
    let other = AutoencoderConfig::new(4, vec![3], 2).with_activation(Activation::Relu);
    assert_eq!(other.layers(0.1).unwrap_err().field, "activation");
    let refused = Loss::CrossEntropy.validate(Output::Linear).unwrap_err();
    assert!(refused.to_string().contains("take squared_error"));
    assert_eq!(Loss::SquaredError.validate(Output::Linear), Ok(()));
    assert_eq!(Loss::CrossEntropy.validate(Output::Logistic), Ok(()));
}

#[test]
#[should_panic(expected = "the loss cross_entropy needs the output logistic")]
fn cross_entropy_of_a_linear_output_panics() {
    small(Code::Linear, Output::Linear).cross_entropy(rows([2, 4], 0));
}

/// Widths 4-3-2 in f64.
fn small(code: Code, output: Output) -> Autoencoder {
    let config = AutoencoderConfig::new(4, vec![3], 2).with_code(code).with_output(output);
    cast(config.init(&Device::flex(), &mut Noise::new(2, "init")).unwrap(), FloatDType::F64)
}

#[test]
fn a_random_autoencoder_has_the_architecture_of_its_config() {
    for (code, output) in [(Code::Linear, Output::Logistic), (Code::Tanh, Output::Linear)] {
        let config = AutoencoderConfig::new(4, vec![3], 2).with_code(code).with_output(output);
        let model = small(code, output);
        assert_eq!(model.config(), config);
        assert_eq!((model.width(), model.code_width(), model.output()), (4, 2, output));
        let shapes = |layers: &[gibbs_core::nn::Affine]| -> Vec<[usize; 2]> {
            layers.iter().map(|layer| layer.weight.dims()).collect()
        };
        assert_eq!(shapes(&model.encoder), [[4, 3], [3, 2]]);
        assert_eq!(shapes(&model.decoder), [[2, 3], [3, 4]]);
        assert_eq!(model.encode(rows([5, 4], 0)).dims(), [5, 2]);
    }
}

#[test]
fn losses_are_their_formulas() {
    let model = small(Code::Logistic, Output::Logistic);
    let x = rows([3, 4], 1);
    let (data, means) = (to_host(x.clone()), to_host(model.reconstruct(x.clone())));
    let (squares, nats) = (to_host(model.squared_error(x.clone())), to_host(model.cross_entropy(x.clone())));
    for row in 0..3 {
        let pairs = || data[4 * row..][..4].iter().zip(&means[4 * row..][..4]);
        let square: f64 = pairs().map(|(x, m)| (x - m).powi(2)).sum();
        let nat: f64 = pairs().map(|(x, m)| -x * m.ln() - (1.0 - x) * (1.0 - m).ln()).sum();
        assert!((squares[row] - square).abs() < 1e-13 && (nats[row] - nat).abs() < 1e-13);
    }
    let mean = nats.iter().sum::<f64>() / 3.0;
    assert!((to_host(Loss::CrossEntropy.loss(&model, x.clone()))[0] - mean).abs() < 1e-13);
    assert_eq!(to_host(bce_with_logits(model.logits(x.clone()), x)), nats);
}

/// Reads all parameters and puts others in their place.
struct Values<'a> {
    old: Vec<f64>,
    new: Option<&'a [f64]>,
}

impl ModuleMapper for Values<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let values = to_host(param.val());
        let range = self.old.len()..self.old.len() + values.len();
        self.old.extend(values);
        let Some(new) = self.new else { return param };
        param.map(|tensor| {
            let data = TensorData::new(new[range].to_vec(), tensor.shape());
            Tensor::from_data(data, (&tensor.device(), DType::F64))
        })
    }
}

#[test]
fn gradients_are_finite_differences() {
    let cases = [
        (Loss::CrossEntropy, Code::Linear, Output::Logistic),
        (Loss::SquaredError, Code::Logistic, Output::Logistic),
        (Loss::SquaredError, Code::Tanh, Output::Linear),
    ];
    for (loss, code, output) in cases {
        let (model, x) = (small(code, output), rows([3, 4], 4));
        let mut reader = Values { old: Vec::new(), new: None };
        let model = model.map(&mut reader);
        let (value, gradients) = loss.gradients(&model.clone().train(), x.clone());
        assert!((value - to_host(loss.loss(&model, x.clone()))[0]).abs() < 1e-14);
        let gradient: Vec<f64> = [&model.encoder, &model.decoder]
            .into_iter()
            .flatten()
            .flat_map(|layer| {
                let weight = to_host(gradients.get::<2>(layer.weight.id).unwrap());
                [weight, to_host(gradients.get::<1>(layer.bias.id).unwrap())].concat()
            })
            .collect();
        check_gradient(&gradient, &reader.old, 1e-8, |values| {
            let moved = model.clone().map(&mut Values { old: Vec::new(), new: Some(values) });
            to_host(loss.loss(&moved, x.clone()))[0]
        });
    }
}

/// The encoder problem of Rumelhart, Hinton & Williams (1986): eight patterns with one bit each through three units. These are
/// linear: logistic ones have local minima in which two patterns share a corner of the cube.
#[test]
fn eight_patterns_pass_through_three_units() {
    let device = Device::flex().autodiff();
    let x = Tensor::<2>::eye(8, &device);
    let start = || AutoencoderConfig::new(8, vec![], 3).init(&device, &mut Noise::new(1, "init")).unwrap();
    let evaluate = |model: &Autoencoder| Loss::CrossEntropy.gradients(model, x.clone());
    let mut adam = AdamConfig::new().init();
    let by_adam = (0..500).fold(start(), |model, _| {
        let (_, gradients) = evaluate(&model);
        adam.step(0.1, model, gradients)
    });
    let models = [
        ("conjugate gradients", ConjugateGradient::new().with_searches(100).minimize(start(), evaluate).0),
        ("l-bfgs", Lbfgs::new().with_searches(100).minimize(start(), evaluate).0),
        ("adam", by_adam),
    ];
    for (name, model) in models {
        // Two patterns with the same code cost 2 ln 2 nats each.
        let nats = to_host(model.valid().cross_entropy(x.clone().inner()));
        assert!(nats.iter().all(|nats| *nats < 0.1), "{name}: {nats:?}");
    }
}

/// A linear code between logistic layers, on squared error.
#[test]
fn a_deep_autoencoder_learns_by_three_searches_at_a_time() {
    let device = Device::flex().autodiff();
    let x = Tensor::<2>::eye(8, &device);
    let config = AutoencoderConfig::new(8, vec![6], 3);
    let mut model = config.init(&device, &mut Noise::new(1, "init")).unwrap();
    let mut loss = f64::INFINITY;
    for _ in 0..100 {
        let evaluate = |model: &Autoencoder| Loss::SquaredError.gradients(model, x.clone());
        let (next, done) = ConjugateGradient::new().minimize(model, evaluate);
        assert!(done.loss <= done.loss_before && (loss.is_infinite() || done.loss_before == loss));
        (model, loss) = (next, done.loss);
    }
    // The mean pattern alone would leave 7/8.
    assert!(loss < 5e-3, "{loss}");
}
