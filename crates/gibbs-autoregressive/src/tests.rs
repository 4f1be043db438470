//! Tests of every autoregressive model, over one list of models.
#![allow(clippy::print_stdout, reason = "prints the name of the model if its check fails")]

use burn::{
    module::{Module, ModuleMapper, Param},
    optim::{GradientsParams, ModuleOptimizer},
    prelude::*,
    store::{ModuleSnapshot, SafetensorsStore},
    tensor::{DType, FloatDType},
};
use gibbs_backend::Noise;
use gibbs_core::{
    ConditionalLogProb,
    math::to_host,
    nn::{Activation, Mask},
    optim::Adam,
    params::cast,
};
use gibbs_testkit::{check_autoregressive, check_follows, check_mean, check_normalized};

use crate::{
    Autoregressive, AutoregressiveConfig, AutoregressiveKind, Degrees, Evidence, MadeConfig, NadeConfig,
    NaiveSampler, OrderConfig, OutputDistribution, PixelCnnConfig, TransformerConfig,
};

/// A model with few variables, whose parameters are perturbed.
type Model = Box<dyn Autoregressive + Sync>;

/// Makes a model of a type on a device.
type Constructor = Box<dyn Fn(&Device, FloatDType) -> Model>;

/// Adds noise of this size to all parameters.
pub(crate) struct Jitter(pub(crate) Noise, pub(crate) f64);

impl ModuleMapper for Jitter {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let noise = self.0.normal(tensor.dims(), &tensor.device()) * self.1;
        Param::from_mapped_value(id, tensor + noise, mapper)
    }
}

/// A model with noise on all parameters, of this type, ready for the device.
fn prepared<M: Module + Autoregressive + Sync + 'static>(
    model: M,
    device: &Device,
    dtype: FloatDType,
) -> Model {
    let model = cast(model.map(&mut Jitter(Noise::new(2, "jitter"), 0.4)), dtype);
    Box::new(if device.is_autodiff() { model.train() } else { model })
}

fn made(config: MadeConfig, device: &Device, dtype: FloatDType) -> Model {
    prepared(config.init(&device.clone().inner(), &mut Noise::new(1, "init")).unwrap(), device, dtype)
}

const CATEGORICAL: OutputDistribution = OutputDistribution::Categorical { levels: 3 };

/// Names and constructors of models with discrete variables.
fn models() -> Vec<(String, Constructor)> {
    let mut list: Vec<(String, Constructor)> = Vec::new();
    let shapes = [
        (vec![], true, Activation::Relu),
        (vec![11], true, Activation::Tanh),
        (vec![7, 9], false, Activation::Silu),
        (vec![3], true, Activation::Relu),
        (vec![20, 5, 12], false, Activation::Softplus),
    ];
    for order in [OrderConfig::Natural, OrderConfig::Random, OrderConfig::List(vec![4, 2, 0, 1, 3])] {
        for degrees in [Degrees::Uniform, Degrees::Random] {
            for (hidden, direct, activation) in shapes.clone() {
                for (output, n_context) in [(OutputDistribution::Bernoulli, 0), (CATEGORICAL, 2)] {
                    let config = MadeConfig::new(5, hidden.clone().into())
                        .with_order(order.clone())
                        .with_degrees(degrees)
                        .with_direct(direct)
                        .with_activation(activation)
                        .with_output(output)
                        .with_n_context(n_context);
                    let name = format!("{config:?}");
                    list.push((name, Box::new(move |device, dtype| made(config.clone(), device, dtype))));
                }
            }
        }
    }
    for order in [OrderConfig::Natural, OrderConfig::Random] {
        for (output, n_context) in
            [(OutputDistribution::Bernoulli, 0), (OutputDistribution::Bernoulli, 3), (CATEGORICAL, 2)]
        {
            let config =
                NadeConfig::new(5, 7).with_order(order.clone()).with_output(output).with_n_context(n_context);
            list.push((
                format!("{config:?}"),
                Box::new(move |device, dtype| {
                    prepared(
                        config.init(&device.clone().inner(), &mut Noise::new(1, "init")).unwrap(),
                        device,
                        dtype,
                    )
                }),
            ));
        }
    }
    let mixture = MadeConfig::new(5, vec![8].into())
        .with_activation(Activation::Sigmoid)
        .with_order(OrderConfig::Random)
        .with_degrees(Degrees::Random)
        .with_n_masks(4);
    list.push(("mixture".into(), Box::new(move |device, dtype| made(mixture.clone(), device, dtype))));
    for patch in [1, 2, 3, 5] {
        for order in [OrderConfig::Natural, OrderConfig::Random, OrderConfig::List(vec![4, 2, 0, 1, 3])] {
            for (output, n_context) in
                [(OutputDistribution::Bernoulli, 0), (OutputDistribution::Bernoulli, 2), (CATEGORICAL, 2)]
            {
                let config = TransformerConfig::new(5, patch)
                    .with_d_model(6)
                    .with_n_heads(2)
                    .with_n_layers(2)
                    .with_n_hidden(7)
                    .with_head_hidden(5)
                    .with_output(output)
                    .with_n_context(n_context)
                    .with_order(order.clone());
                let name = format!("{config:?}");
                list.push((
                    name,
                    Box::new(move |device, dtype| {
                        prepared(
                            config.init(&device.clone().inner(), &mut Noise::new(1, "init")).unwrap(),
                            device,
                            dtype,
                        )
                    }),
                ));
            }
        }
    }
    for ([rows, columns], [depth, half_kernel]) in
        [([2, 3], [1, 2]), ([2, 3], [3, 1]), ([1, 5], [2, 2]), ([5, 1], [2, 1]), ([3, 2], [2, 2])]
    {
        for (periodic, direct) in [(false, true), (true, false)] {
            for (output, n_context) in [(OutputDistribution::Bernoulli, 0), (CATEGORICAL, 2)] {
                let config = PixelCnnConfig::new(rows, columns)
                    .with_n_hidden(5)
                    .with_depth(depth)
                    .with_half_kernel(half_kernel.min(columns))
                    .with_periodic(periodic)
                    .with_output(output)
                    .with_n_context(n_context)
                    .with_direct(direct);
                let name = format!("{config:?}");
                list.push((
                    name,
                    Box::new(move |device, dtype| {
                        prepared(
                            config.init(&device.clone().inner(), &mut Noise::new(1, "init")).unwrap(),
                            device,
                            dtype,
                        )
                    }),
                ));
            }
        }
    }
    let single = MadeConfig::new(1, vec![4].into());
    list.push(("one variable".into(), Box::new(move |device, dtype| made(single.clone(), device, dtype))));
    list
}

fn levels(output: &OutputDistribution) -> usize {
    match output {
        OutputDistribution::Categorical { levels } => *levels,
        _ => 2,
    }
}

/// All states `[qᴰ, D]`, the last variable fastest.
fn states(model: &dyn Autoregressive, dtype: FloatDType) -> Tensor<2> {
    let (q, width) = (levels(model.output()), model.n_visible());
    let n = q.pow(width as u32);
    let digit = |state: usize, d: usize| (state / q.pow((width - 1 - d) as u32) % q) as f32;
    let values: Vec<f32> = (0..n).flat_map(|state| (0..width).map(move |d| digit(state, d))).collect();
    Tensor::<2>::from_data(TensorData::new(values, [n, width]), &model.device()).cast(dtype)
}

/// The same context for `n` examples.
fn context(model: &dyn Autoregressive, n: usize, dtype: FloatDType) -> Option<Tensor<2>> {
    let width = model.n_context();
    let row: Vec<f32> = (0..width).map(|j| 0.8 - 0.6 * j as f32).collect();
    let row = Tensor::<2>::from_data(TensorData::new(row, [1, width]), &model.device()).cast(dtype);
    (width > 0).then(|| row.expand([n, width]))
}

fn log_probs(model: &dyn Autoregressive, dtype: FloatDType) -> Vec<f64> {
    let x = states(model, dtype);
    let context = context(model, x.dims()[0], dtype);
    to_host(model.log_prob_given(x, context.as_ref()))
}

#[test]
fn probabilities_of_all_states_sum_to_one() {
    for (name, model) in models() {
        for (dtype, tolerance) in [(FloatDType::F32, 1e-5), (FloatDType::F64, 1e-12)] {
            let model = model(&Device::flex(), dtype);
            println!("{name}");
            check_normalized(&log_probs(&*model, dtype), tolerance);
        }
    }
}

#[test]
fn parameters_depend_on_earlier_variables_alone() {
    let device = Device::flex().autodiff();
    for (name, model) in models() {
        let model = model(&device, FloatDType::F64);
        if model.output().n_inputs() != 1 || model.n_context() > 0 {
            continue;
        }
        for mask in 0..model.n_masks() {
            let positions = model.order(mask).positions();
            let x = Noise::new(3, "x").normal([1, model.n_visible()], (&device, DType::F64));
            let reach = reach(&|x| model.parameters(mask, x, None), x);
            assert!(reach.iter().all(|&(i, j)| positions[j] < positions[i]), "{name}");
            let last = model.order(mask).variables()[model.n_visible() - 1];
            assert!(model.n_visible() == 1 || reach.iter().any(|&(i, _)| i == last), "{name}");
        }
    }
}

/// Pairs (output, input) with a gradient that is not zero.
fn reach(network: &dyn Fn(Tensor<2>) -> Tensor<2>, x: Tensor<2>) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    for i in 0..network(x.clone()).dims()[1] {
        let x = x.clone().detach().require_grad();
        let grads = network(x.clone()).narrow(1, i, 1).sum().backward();
        if let Some(gradient) = x.grad(&grads) {
            let row = to_host(gradient);
            pairs.extend(row.iter().enumerate().filter(|(_, g)| **g != 0.0).map(|(j, _)| (i, j)));
        }
    }
    pairs
}

#[test]
fn a_made_has_every_dependency_that_its_degrees_allow_and_no_other() {
    let device = Device::flex().autodiff();
    for degrees in [Degrees::Uniform, Degrees::Random] {
        for (hidden, direct) in
            [(vec![], true), (vec![9], true), (vec![30], false), (vec![3], false), (vec![8, 6], false)]
        {
            let config = MadeConfig::new(7, hidden.into())
                .with_activation(Activation::Tanh)
                .with_degrees(degrees)
                .with_direct(direct)
                .with_order(OrderConfig::Random)
                .with_n_masks(2);
            let model = config.init(&device.clone().inner(), &mut Noise::new(5, "init")).unwrap();
            let model = cast(model.map(&mut Jitter(Noise::new(6, "jitter"), 0.7)), FloatDType::F64).train();
            for (mask, masks) in model.masks().enumerate() {
                let reach = Mask::through(&masks.layers(1, 0, 1));
                let positions = masks.order().positions();
                let x = Noise::new(3, "x").normal([1, 7], (&device, DType::F64));
                check_autoregressive(
                    x,
                    |x| model.parameters(mask, x, None),
                    |i, j| reach.get(i, j) || direct && positions[j] < positions[i],
                );
            }
        }
    }
}

#[test]
fn cached_draws_are_the_naive_ones() {
    for (name, model) in models() {
        let model = model(&Device::flex(), FloatDType::F32);
        let n = 150;
        for mask in 0..model.n_masks() {
            let evidence = || Evidence {
                x: states(&*model, FloatDType::F32).narrow(0, 0, 1).repeat_dim(0, n),
                prefix: mask % 2,
                context: context(&*model, n, FloatDType::F32),
            };
            let naive = NaiveSampler::new(&*model, mask);
            let slow = model.complete_with(mask, &naive, evidence(), &mut Noise::new(7, "draws"));
            let fast = model.complete(mask, evidence(), &mut Noise::new(7, "draws"));
            assert_eq!(to_host(fast), to_host(slow), "{name}");
        }
    }
}

#[test]
fn draws_follow_the_enumerated_distribution() {
    for (name, model) in models() {
        println!("{name}");
        let (n, dtype) = (4000, FloatDType::F32);
        let model = model(&Device::flex(), dtype);
        let probs: Vec<f64> = log_probs(&*model, dtype).iter().map(|l| l.exp()).collect();
        let x = model.sample_given(n, context(&*model, n, dtype).as_ref(), &mut Noise::new(11, "draws"));
        let (q, width) = (levels(model.output()), model.n_visible());
        let draws: Vec<usize> = to_host(x)
            .chunks_exact(width)
            .map(|row| row.iter().fold(0, |state, &digit| state * q + digit as usize))
            .collect();
        check_follows(&draws, &probs);
    }
}

#[test]
fn completions_keep_the_evidence_and_follow_the_conditional_distribution() {
    for (name, model) in models() {
        println!("{name}");
        let dtype = FloatDType::F32;
        let model = model(&Device::flex(), dtype);
        let (q, width, n) = (levels(model.output()), model.n_visible(), 3000);
        if width < 3 {
            continue;
        }
        let variables = model.order(0).variables().to_vec();
        let known = 2;
        let all = states(&*model, dtype);
        let all_rows: Vec<Vec<f64>> = to_host(all.clone()).chunks_exact(width).map(<[f64]>::to_vec).collect();
        let example = &all_rows[all_rows.len() / 2 + 1];
        let in_order = to_host(model.log_prob_in(0, all, context(&*model, all_rows.len(), dtype).as_ref()));
        let agrees = |row: &[f64]| variables[..known].iter().all(|&v| row[v] == example[v]);
        let matching: Vec<usize> = (0..all_rows.len()).filter(|&i| agrees(&all_rows[i])).collect();
        let total: f64 = matching.iter().map(|&i| in_order[i].exp()).sum();
        let probs: Vec<f64> = matching.iter().map(|&i| in_order[i].exp() / total).collect();

        let start: Vec<f32> = example.iter().map(|&x| x as f32).collect();
        let x = Tensor::<2>::from_data(TensorData::new(start, [1, width]), &model.device());
        let evidence = Evidence { x: x.repeat_dim(0, n), prefix: known, context: context(&*model, n, dtype) };
        let x = to_host(model.complete(0, evidence, &mut Noise::new(13, "draws")));
        let draws: Vec<usize> = x
            .chunks_exact(width)
            .map(|row| {
                assert!(agrees(row), "{name}");
                let state = row.iter().fold(0, |state, &digit| state * q + digit as usize);
                matching.iter().position(|&i| i == state).unwrap()
            })
            .collect();
        check_follows(&draws, &probs);
    }
}

#[test]
fn a_mixture_is_the_mean_of_probabilities() {
    let config = MadeConfig::new(5, vec![8].into()).with_order(OrderConfig::Random).with_n_masks(3);
    let model = made(config, &Device::flex(), FloatDType::F64);
    let x = states(&*model, FloatDType::F64);
    let each: Vec<Vec<f64>> = (0..3).map(|k| to_host(model.log_prob_in(k, x.clone(), None))).collect();
    assert_ne!(each[0], each[1]);
    for (i, found) in to_host(model.log_prob_given(x, None)).into_iter().enumerate() {
        let truth = (each.iter().map(|log_prob| log_prob[i].exp()).sum::<f64>() / 3.0).ln();
        assert!((found - truth).abs() < 1e-12);
    }
}

#[test]
fn densities_of_mixtures_of_gaussians_integrate_to_one() {
    let config = MadeConfig::new(2, vec![6].into())
        .with_activation(Activation::Tanh)
        .with_output(OutputDistribution::GaussianMixture { components: 3 });
    let model = config.init(&Device::flex(), &mut Noise::new(1, "init")).unwrap();
    // Less noise than elsewhere, for components that are wide against the grid.
    let model = cast(model.map(&mut Jitter(Noise::new(2, "jitter"), 0.2)), FloatDType::F64);
    // The trapezoidal rule on a smooth function that vanishes at the ends converges faster than any power of the step.
    let (side, reach) = (600, 30.0);
    let step = 2.0 * reach / side as f64;
    let at = |i: usize| -reach + (i as f64 + 0.5) * step;
    let points: Vec<f64> = (0..side * side).flat_map(|i| [at(i / side), at(i % side)]).collect();
    let x = Tensor::<2>::from_data(TensorData::new(points, [side * side, 2]), (&model.device(), DType::F64));
    let total: f64 =
        to_host(model.log_prob_given(x, None)).iter().map(|l| l.exp()).sum::<f64>() * step * step;
    assert!((total - 1.0).abs() < 1e-6, "{total}");
}

/// Two bits or levels, and two real numbers between them.
fn mixed() -> OutputDistribution {
    use OutputDistribution::{Bernoulli, Categorical, GaussianMixture, Mixed};
    let gaussian = GaussianMixture { components: 2 };
    Mixed { columns: vec![gaussian.clone(), Bernoulli, gaussian, Categorical { levels: 4 }] }
}

/// A MADE and a NADE of [`mixed`] variables, with smooth densities.
fn mixed_models(dtype: FloatDType) -> [Model; 2] {
    let order = OrderConfig::List(vec![2, 3, 0, 1]);
    let made = MadeConfig::new(4, vec![8].into()).with_activation(Activation::Tanh).with_order(order.clone());
    let made = made.with_output(mixed()).init(&Device::flex(), &mut Noise::new(1, "init")).unwrap();
    let nade = NadeConfig::new(4, 7).with_output(mixed()).with_order(order);
    let nade = nade.init(&Device::flex(), &mut Noise::new(1, "init")).unwrap();
    let jitter = || Jitter(Noise::new(2, "jitter"), 0.2);
    [Box::new(cast(made.map(&mut jitter()), dtype)), Box::new(cast(nade.map(&mut jitter()), dtype))]
}

/// The sum over the discrete variables of the integral over the real ones, by the trapezoidal rule.
#[test]
fn masses_times_densities_of_mixed_variables_sum_to_one() {
    let (side, reach) = (200, 20.0);
    let step = 2.0 * reach / side as f64;
    let at = |i: usize| -reach + (i as f64 + 0.5) * step;
    for model in mixed_models(FloatDType::F64) {
        let mut total = 0.0;
        for (bit, level) in (0..2).flat_map(|bit| (0..4).map(move |level| (bit, level))) {
            let point = |i: usize| [at(i / side), f64::from(bit), at(i % side), f64::from(level)];
            let points: Vec<f64> = (0..side * side).flat_map(point).collect();
            let points = TensorData::new(points, [side * side, 4]);
            let x = Tensor::<2>::from_data(points, (&model.device(), DType::F64));
            total += to_host(model.log_prob_given(x, None)).iter().map(|l| l.exp()).sum::<f64>();
        }
        assert!((total * step * step - 1.0).abs() < 1e-6, "{}", total * step * step);
    }
}

#[test]
fn draws_of_mixed_variables_have_their_kinds_and_means() {
    let (n, output) = (20_000, mixed());
    for model in mixed_models(FloatDType::F32) {
        let x = model.sample_given(n, None, &mut Noise::new(5, "draws"));
        assert_eq!(output.check(&to_host(x.clone()), 4), Ok(()));
        let naive = NaiveSampler::new(&*model, 0);
        let blank = Evidence { x: x.zeros_like().narrow(0, 0, 50), prefix: 0, context: None };
        let slow = model.complete_with(0, &naive, blank.clone(), &mut Noise::new(6, "draws"));
        let fast = model.complete(0, blank, &mut Noise::new(6, "draws"));
        let close = |(a, b): (f64, f64)| (a - b).abs() < 1e-5;
        assert!(to_host(slow).into_iter().zip(to_host(fast)).all(close));

        let per = output.n_parameters();
        let parameters = to_host(model.parameters(0, x.clone(), None));
        let parameters: Vec<f32> = parameters.into_iter().map(|x| x as f32).collect();
        let x = to_host(x);
        for d in 0..4 {
            let residual = |i: usize| x[i * 4 + d] - output.mean(d, &parameters[(i * 4 + d) * per..][..per]);
            check_mean(&(0..n).map(residual).collect::<Vec<_>>(), 0.0);
        }
    }
}

/// Independent variables with the marginals of the data give each value its frequency.
#[test]
fn marginals_of_mixed_variables_are_those_of_each() {
    let x = [[0.5, 1.0, -1.0, 3.0], [1.5, 1.0, 1.0, 0.0], [-0.5, 0.0, 3.0, 3.0]];
    let x = Tensor::<2>::from_data(x, &Device::flex());
    let all = to_host(mixed().marginals(x.clone()));
    for d in 0..4 {
        let own = to_host(mixed().of(d).marginals(x.clone().narrow(1, d, 1)));
        assert_eq!(all[d * 6..][..own.len()], own);
        assert!(all[d * 6 + own.len()..(d + 1) * 6].iter().all(|rest| *rest == 0.0));
    }
}

/// A bit, a real number whose mean and deviation depend on it, and a level whose distribution depends on the sign of the number.
///
/// ```text
/// a = 1 with probability 0.3,   x | a ~ N(2a - 1, (0.5 + a/2)²),   k | x ~ p₊ if x > 0, else p₋
/// H = H(a) + Σ_a p(a) ½ ln(2πe σ_a²) + P(x > 0) H(p₊) + P(x < 0) H(p₋)
/// ```
#[test]
fn a_mixed_distribution_is_learned_to_its_entropy() {
    const LEVELS: [[f64; 3]; 2] = [[0.1, 0.1, 0.8], [0.6, 0.3, 0.1]];
    let device = Device::flex();
    let draw = |n: usize, noise: &mut Noise| {
        let (uniform, normal) = (noise.uniform_vec(2 * n), noise.normal_vec(n));
        let row = |i: usize| {
            let a = f32::from(u8::from(uniform[2 * i] < 0.3));
            let x = 2.0 * a - 1.0 + (0.5 + 0.5 * a) * normal[i];
            let p = LEVELS[usize::from(x > 0.0)];
            let u = f64::from(uniform[2 * i + 1]);
            [a, x, f32::from(u8::from(u > p[0])) + f32::from(u8::from(u > p[0] + p[1]))]
        };
        Tensor::<2>::from_data(TensorData::new((0..n).flat_map(row).collect::<Vec<_>>(), [n, 3]), &device)
    };
    let entropy = |p: &[f64]| -p.iter().map(|p| p * p.ln()).sum::<f64>();
    let gaussian = |std: f64| 0.5 * (std::f64::consts::TAU * std::f64::consts::E).ln() + std.ln();
    // P(x > 0): one and two standard deviations from the means -1 and 1.
    let (below, above) = (0.022_750_131_948_179_2, 0.841_344_746_068_542_9);
    let positive = 0.7 * below + 0.3 * above;
    let truth = entropy(&[0.3, 0.7])
        + 0.7 * gaussian(0.5)
        + 0.3 * gaussian(1.0)
        + positive * entropy(&LEVELS[1])
        + (1.0 - positive) * entropy(&LEVELS[0]);

    let columns = vec![
        OutputDistribution::Bernoulli,
        OutputDistribution::GaussianMixture { components: 2 },
        OutputDistribution::Categorical { levels: 3 },
    ];
    let config = MadeConfig::new(3, vec![48].into()).with_output(OutputDistribution::Mixed { columns });
    let noise = &mut Noise::new(1, "training");
    let model = config.init(&device, noise).unwrap().with_marginals(draw(2000, noise));
    let (mut model, mut optimizer) = (model.train(), ModuleOptimizer::from(Adam::default()));
    const STEPS: usize = 1500;
    for step in 0..STEPS {
        let loss = model.log_prob_given(draw(200, noise).autodiff(), None).mean().neg();
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        let rate = 0.01 * (1.0 - step as f64 / STEPS as f64);
        model = optimizer.step(rate, model, gradients);
    }
    let test = draw(20_000, &mut Noise::new(2, "test"));
    let log_prob = to_host(model.valid().log_prob_given(test, None));
    let n = log_prob.len() as f64;
    let mean = log_prob.iter().sum::<f64>() / n;
    let std_err = (log_prob.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / n / n).sqrt();
    // No model is above minus the entropy; the step of p(k) at x = 0 costs this one a little.
    assert!((mean + truth).abs() < 0.03 + 3.0 * std_err, "{mean} ± {std_err} against {}", -truth);
}

#[test]
fn mixed_distributions_must_fit_the_variables() {
    let message = |config: MadeConfig| config.with_output(mixed()).validate().unwrap_err().to_string();
    assert!(message(MadeConfig::new(3, vec![4].into())).contains("output.columns = 4: must be one"));
    let nested = OutputDistribution::Mixed { columns: vec![OutputDistribution::Mixed { columns: vec![] }] };
    assert!(nested.validate(1).unwrap_err().to_string().contains("never mixed"));
    let shared = TransformerConfig::new(4, 2).with_output(mixed()).validate().unwrap_err().to_string();
    assert!(shared.contains("made or nade"), "{shared}");
    let found = mixed().check(&[0.1, 1.0, 7.5, 4.0], 4).unwrap_err().to_string();
    assert_eq!(found, "the value 4 of variable 3 in example 0 is not a whole number from 0 to 3");
}

#[test]
fn draws_of_mixtures_of_gaussians_have_their_moments() {
    let output = OutputDistribution::GaussianMixture { components: 2 };
    let config = MadeConfig::new(3, vec![6].into()).with_output(output.clone());
    let model = made(config, &Device::flex(), FloatDType::F32);
    let n = 20_000;
    let x = model.sample_given(n, None, &mut Noise::new(5, "draws"));
    let parameters = model.parameters(0, x.clone(), None);
    let parameters: Vec<f32> = parameters.into_data().iter::<f32>().collect();
    let x = to_host(x);
    for d in 0..3 {
        let residual: Vec<f64> = (0..n)
            .map(|i| x[i * 3 + d] - output.mean(d, &parameters[i * 18 + d * 6..i * 18 + (d + 1) * 6]))
            .collect();
        check_mean(&residual, 0.0);
    }
}

#[test]
fn marginals_fit_the_data() {
    let device = Device::flex();
    let x = Tensor::<2>::from_data([[0.0, 1.0], [1.0, 1.0], [1.0, 1.0]], &device);
    let model = MadeConfig::new(2, vec![4].into())
        .with_direct(false)
        .init(&device, &mut Noise::new(0, "init"))
        .unwrap();
    let biases = to_host(model.with_marginals(x).layers[1].bias.val());
    assert!((biases[0] - (2.5f64 / 1.5).ln()).abs() < 1e-6 && (biases[1] - (3.5f64 / 0.5).ln()).abs() < 1e-6);
    let x = Tensor::<2>::from_data([[1.0, -2.0], [3.0, 2.0]], &device);
    let output = OutputDistribution::GaussianMixture { components: 2 };
    let biases: Vec<f32> = output.marginals(x).into_data().iter::<f32>().collect();
    assert_eq!(biases[..4], [0.0, 0.0, 1.0, 3.0]);
    assert!((output.mean(0, &biases[..6]) - 2.0).abs() < 1e-6 && output.mean(1, &biases[6..]).abs() < 1e-6);
}

#[test]
fn invalid_values_are_named() {
    let message = |output: OutputDistribution, x: &[f64]| output.check(x, 2).unwrap_err().to_string();
    let found = message(OutputDistribution::Bernoulli, &[0.0, 1.0, 1.0, 0.5]);
    assert_eq!(found, "the value 0.5 of variable 1 in example 1 is not 0 or 1");
    assert!(message(CATEGORICAL, &[3.0, 0.0]).contains("the value 3 of variable 0 in example 0"));
    assert!(message(OutputDistribution::GaussianMixture { components: 1 }, &[0.0, f64::NAN]).contains("NaN"));
    assert_eq!(CATEGORICAL.check(&[0.0, 2.0], 2), Ok(()));
}

#[test]
fn fields_out_of_range_are_named() {
    let message = |config: MadeConfig| config.validate().unwrap_err().to_string();
    assert!(message(MadeConfig::new(0, vec![3].into())).contains("n_visible = 0: must be at least 1"));
    assert!(
        message(MadeConfig::new(4, vec![3, 0].into()))
            .contains("n_hidden = [3, 0]: each width must be at least 1")
    );
    assert!(message(MadeConfig::new(4, vec![3].into()).with_n_masks(0)).contains("n_masks = 0"));
    let one = OutputDistribution::Categorical { levels: 1 };
    assert!(
        message(MadeConfig::new(4, vec![3].into()).with_output(one))
            .contains("output.levels = 1: must be at least 2")
    );
    let order = OrderConfig::List(vec![0, 0, 1, 2]);
    assert!(message(MadeConfig::new(4, vec![3].into()).with_order(order)).contains("no permutation"));
}

#[test]
fn any_variables_can_come_first() {
    let config = MadeConfig::new(6, vec![12].into()).with_order(OrderConfig::Random).with_n_masks(3);
    let model = config.init(&Device::flex(), &mut Noise::new(0, "init")).unwrap();
    let known = [false, true, false, false, true, true];
    let other = model.starting_with(&known).unwrap();
    assert!(other.order(0).begins_with(&known));
    assert_eq!(other.n_masks(), 1);

    let x = Noise::new(1, "x").bernoulli(Tensor::full([20, 6], 0.5, &Device::flex()));
    let noise = || Noise::new(2, "draws");
    let completed = to_host(model.complete_known(&known, x.clone(), None, &mut noise()).unwrap());
    for (row, example) in completed.chunks_exact(6).zip(to_host(x.clone()).chunks_exact(6)) {
        assert!((0..6).all(|d| !known[d] || row[d] == example[d]));
    }
    let evidence = Evidence { x: x.clone(), prefix: 3, context: None };
    assert_eq!(completed, to_host(other.complete(0, evidence, &mut noise())));

    let natural = NadeConfig::new(6, 3).init(&Device::flex(), &mut noise()).unwrap();
    let refused = natural.complete_known(&known, x.clone(), None, &mut noise()).unwrap_err();
    assert!(refused.to_string().contains("does not begin with the known variables"));
    let first = [true, true, false, false, false, false];
    assert_eq!(natural.complete_known(&first, x, None, &mut noise()).unwrap().dims(), [20, 6]);
}

#[test]
fn a_model_of_any_kind_is_the_model_of_its_kind() {
    let device = Device::flex();
    let kinds = [
        AutoregressiveKind::Made,
        AutoregressiveKind::Nade,
        AutoregressiveKind::Transformer,
        AutoregressiveKind::PixelCnn,
    ];
    for kind in kinds {
        let config = AutoregressiveConfig::for_shape(kind, &[3, 2], OutputDistribution::Bernoulli).unwrap();
        let text = serde_json::to_string(&config).unwrap();
        assert!(text.contains(&format!("\"kind\":\"{kind}\"")), "{text}");
        assert_eq!(serde_json::from_str::<AutoregressiveConfig>(&text).unwrap(), config);
        assert_eq!((config.kind(), config.n_visible(), config.n_context()), (kind, 6, 0));
        let model = config.init(&device, &mut Noise::new(1, "init")).unwrap();
        let names = names_of(&model);
        let noise = &mut Noise::new(1, "init");
        let own: (Model, Vec<String>) = match &config {
            AutoregressiveConfig::Made(config) => boxed(config.init(&device, noise).unwrap()),
            AutoregressiveConfig::Nade(config) => boxed(config.init(&device, noise).unwrap()),
            AutoregressiveConfig::Transformer(config) => boxed(config.init(&device, noise).unwrap()),
            AutoregressiveConfig::PixelCnn(config) => boxed(config.init(&device, noise).unwrap()),
        };
        // Burn puts the name of the variant before the path.
        let paths: Vec<&str> = names.iter().map(|name| name.split_once('.').unwrap().1).collect();
        assert_eq!(paths, own.1);
        assert_eq!(log_probs(&model, FloatDType::F32), log_probs(&*own.0, FloatDType::F32));
    }
    let columns =
        AutoregressiveConfig::for_shape(AutoregressiveKind::PixelCnn, &[6], OutputDistribution::Bernoulli);
    assert!(columns.unwrap_err().to_string().starts_with("kind = pixel_cnn: needs a lattice of two axes"));
    let nade = AutoregressiveConfig::Nade(NadeConfig::new(6, 3)).with_n_hidden(4);
    assert_eq!(nade, AutoregressiveConfig::Nade(NadeConfig::new(6, 4)));
}

fn names_of<M: Module>(model: &M) -> Vec<String> {
    let mut store = SafetensorsStore::from_bytes(None);
    model.save_into(&mut store).unwrap();
    let bytes = store.get_bytes().unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    header.as_object().unwrap().keys().filter(|name| *name != "__metadata__").cloned().collect()
}

fn boxed<M: Module + Autoregressive + Sync + 'static>(model: M) -> (Model, Vec<String>) {
    let names = names_of(&model);
    (Box::new(model), names)
}
