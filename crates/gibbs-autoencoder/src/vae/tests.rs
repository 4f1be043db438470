//! The VAE against quadrature over its codes, against probabilistic principal components, and by gradients.

use burn::{
    module::{Module, ModuleVisitor, Param},
    optim::{AdamConfig, GradientsParams},
    prelude::*,
    tensor::{DType, FloatDType},
};
use gibbs_backend::Noise;
use gibbs_core::{
    Batch, Estimate, Objective, Position, StepOutput,
    math::{log_sum_exp, to_host},
    nn::Widths,
    output::OutputDistribution,
    params::{cast, optimizer_step},
};
use gibbs_flow::{FlowFamilyConfig, FlowKind};
use gibbs_testkit::{SIGMAS, check_mean, perturbed};
use nalgebra::{DMatrix, DVector, SymmetricEigen};

use super::{posterior::LOG_SCALE, *};

fn device() -> Device {
    Device::flex()
}

/// A flow over codes with weights of order one, and a context of this width.
fn flow(kind: FlowKind, n_latent: usize, n_context: usize) -> FlowFamilyConfig {
    let mut config = FlowFamilyConfig::of_data(kind, n_latent, n_context, None);
    if let Some((n_layers, n_hidden)) = config.sizes_mut() {
        (*n_layers, *n_hidden) = (2, Widths::One(6));
    }
    config
}

fn config(n_latent: usize) -> VaeConfig {
    VaeConfig::new(5, vec![4], n_latent)
}

/// A VAE in f64 with random weights and biases, and posteriors of the width of the prior or so.
fn vae(config: &VaeConfig, seed: u64) -> Vae {
    let noise = &mut Noise::new(seed, "init");
    let vae = cast(config.init(&device(), noise).unwrap(), FloatDType::F64);
    let mut vae = perturbed(vae, 0.3, Noise::new(seed, "perturbation"));
    if let Some(layer) = vae.encoder.layers.last_mut() {
        layer.weight = layer.weight.clone().map(|weight| weight * 0.3);
        layer.bias = layer.bias.clone().map(|bias| bias * 0.3);
    }
    vae
}

fn bits(n: usize, width: usize, seed: u64) -> Tensor<2> {
    let options = (&device(), DType::F64);
    Noise::new(seed, "bits").bernoulli(Tensor::full([n, width], 0.5, options))
}

fn rows(values: Vec<f64>, width: usize) -> Tensor<2> {
    let n = values.len() / width;
    Tensor::from_data(TensorData::new(values, [n, width]), (&device(), DType::F64))
}

/// A grid over `[-16, 16]` in each latent variable, with the logarithm of the volume of a cell. The midpoint rule of smooth densities
/// that decay at both ends is far more exact than the tolerances here.
fn grid(n_latent: usize) -> (Tensor<2>, f64) {
    let n = if n_latent == 1 { 2000 } else { 160 };
    let step = 32.0 / f64::from(n);
    let axis: Vec<f64> = (0..n).map(|i| -16.0 + (f64::from(i) + 0.5) * step).collect();
    let values = match n_latent {
        1 => axis,
        _ => axis.iter().flat_map(|&a| axis.iter().flat_map(move |&b| [a, b])).collect(),
    };
    (rows(values, n_latent), n_latent as f64 * step.ln())
}

/// `ln p(x)` of each row by quadrature.
fn log_prob(vae: &Vae, x: &Tensor<2>, context: Option<&Tensor<2>>) -> Vec<f64> {
    let (z, log_cell) = grid(vae.n_latent());
    let n = z.dims()[0];
    let log_prior = vae.log_prior(z.clone());
    let of_row = |i: usize| {
        let repeat = |x: &Tensor<2>| x.clone().narrow(0, i, 1).expand([n, x.dims()[1]]);
        let parameters = vae.decode(z.clone(), context.map(repeat).as_ref());
        let joint = vae.output().log_prob(parameters, repeat(x)) + log_prior.clone();
        log_sum_exp(&to_host(joint)) + log_cell
    };
    (0..x.dims()[0]).map(of_row).collect()
}

/// A VAE of pictures with convolutions.
fn pictures() -> VaeConfig {
    let convolutions = ConvolutionConfig::new(4, 8).with_channels([2, 3]);
    VaeConfig::new(32, vec![4], 1).with_convolutions(Some(convolutions))
}

/// Models of all parts: plain, conditioned, with flows.
fn models() -> Vec<(VaeConfig, Option<Tensor<2>>)> {
    let classes = rows(vec![1.0, 0.0, 0.0, 1.0, 0.0, 1.0], 2);
    vec![
        (config(1), None),
        (config(2), None),
        (config(2).with_n_context(2), Some(classes)),
        (config(2).with_prior(Some(flow(FlowKind::Realnvp, 2, 0))), None),
        (config(2).with_posterior(Some(flow(FlowKind::Iaf, 2, 3))), None),
        (VaeConfig::new(5, vec![], 1), None),
        (pictures(), None),
    ]
}

#[test]
fn probabilities_sum_to_one() {
    let vae = vae(&config(1), 1);
    let states: Vec<f64> = (0..32).flat_map(|s| (0..5).map(move |d| f64::from(s >> d & 1))).collect();
    let total = log_sum_exp(&log_prob(&vae, &rows(states, 5), None));
    assert!(total.abs() < 1e-9, "{total}");
}

#[test]
fn codes_have_the_density_of_their_posterior() {
    for (config, context) in models() {
        let vae = vae(&config, 2);
        let x = bits(3, config.n_visible, 2);
        let codes = vae.draw_codes(x.clone(), context.as_ref(), 4, &mut Noise::new(2, "codes"));
        let posterior = vae.encode(x, context.as_ref()).repeated(4);
        let by_density = vae.log_prior(codes.z.clone()) - posterior.log_prob(codes.z.clone());
        let (u, ladj) = posterior.inverse(codes.z.clone());
        let (z, back) = posterior.transform(u);
        let zero = [by_density - codes.log_ratio, ladj + back, (z - codes.z).abs().max().reshape([1])];
        for difference in zero {
            assert!(to_host(difference).iter().all(|d| d.abs() < 1e-9), "{config:?}");
        }
    }
}

#[test]
fn bounds_rise_to_the_likelihood() {
    for (config, context) in models() {
        let vae = vae(&config, 3);
        let x = bits(3, config.n_visible, 3);
        let exact = log_prob(&vae, &x, context.as_ref());
        let noise = &mut Noise::new(3, "codes");
        let codes = vae.draw_codes(x, context.as_ref(), 20_000, noise);
        for (weights, exact) in to_host(codes.log_weights()).chunks(20_000).zip(exact) {
            check_mean(&weights.iter().map(|w| (w - exact).exp()).collect::<Vec<_>>(), 1.0);
            let bounds: Vec<Estimate> = [1, 5, 50]
                .iter()
                .map(|&k| {
                    let of = |weights: &[f64]| log_sum_exp(weights) - (k as f64).ln();
                    Estimate::mean(&weights.chunks(k).map(of).collect::<Vec<_>>())
                })
                .collect();
            // The same codes: the errors of neighbors are not independent, and their difference is at least 0 for any codes.
            assert!(bounds[0].value < bounds[1].value && bounds[1].value < bounds[2].value, "{bounds:?}");
            assert!(bounds[2].value < exact + SIGMAS * bounds[2].std_err, "{} {exact}", bounds[2]);
        }
    }
}

#[test]
fn the_divergence_is_its_integral() {
    let vae = vae(&config(1), 4);
    let posterior = vae.encode(bits(4, 5, 4), None);
    let (z, log_cell) = grid(1);
    let n = z.dims()[0];
    let divergences = to_host(posterior.divergences().unwrap());
    for (i, divergence) in divergences.into_iter().enumerate() {
        let one = |x: &Tensor<2>| x.clone().narrow(0, i, 1).expand([n, 1]);
        let single = Posterior {
            mean: one(&posterior.mean),
            log_scale: one(&posterior.log_scale),
            context: None,
            flow: None,
        };
        let log_q = single.log_prob(z.clone());
        let terms = log_q.clone().exp() * (log_q - vae.log_prior(z.clone()));
        let integral = to_host(terms).iter().sum::<f64>() * log_cell.exp();
        assert!((divergence - integral).abs() < 1e-8, "{divergence} {integral}");
    }
}

#[test]
fn evidence_is_what_the_codes_say() {
    let vae = vae(&config(2), 5);
    let x = bits(3, 5, 5);
    let evidence = vae.evidence(x.clone(), None, 50, &mut Noise::new(5, "codes"));
    let codes = vae.draw_codes(x, None, 50, &mut Noise::new(5, "codes"));
    for (evidence, weights) in evidence.iter().zip(to_host(codes.log_weights()).chunks(50)) {
        assert!((evidence.elbo - weights.iter().sum::<f64>() / 50.0).abs() < 1e-10);
        assert!((evidence.elbo + evidence.rate + evidence.distortion).abs() < 1e-10);
        let bound = log_sum_exp(weights) - 50f64.ln();
        assert!((evidence.importance_weighted.value - bound).abs() < 1e-10);
        assert_eq!(evidence.importance_weighted.kind, gibbs_core::Kind::LowerBound);
    }
}

/// For draws of the model: the weights have the mean `p`, and the means of their logarithms bracket that of `ln p`.
#[test]
fn annealing_brackets_the_likelihood() {
    let annealing = PosteriorAnnealing { chains: 40, temperatures: 8, leapfrog: 3 };
    for (config, context) in models() {
        let vae = vae(&config, 6);
        let noise = &mut Noise::new(6, "draws");
        let context = context.map(|context| repeat_rows(context, 20));
        let (x, z) = vae.sample_given(60, context.as_ref(), noise);
        let exact = log_prob(&vae, &x, context.as_ref());
        let lower = annealing.lower(&vae, x.clone(), context.as_ref(), noise);
        let upper = annealing.upper(&vae, [x, z], context.as_ref(), noise);
        let ratios = |estimates: &[Estimate], sign: f64| -> Vec<f64> {
            estimates.iter().zip(&exact).map(|(each, exact)| (sign * (each.value - exact)).exp()).collect()
        };
        check_mean(&ratios(&lower, 1.0), 1.0);
        check_mean(&ratios(&upper, -1.0), 1.0);
        let above: Vec<f64> = upper.iter().zip(&exact).map(|(upper, exact)| upper.value - exact).collect();
        let above = Estimate::mean(&above);
        // The chains of a draw share their start, so the error is the spread over draws.
        assert!(above.value > -SIGMAS * above.std_err && above.value < 0.3, "{above} {config:?}");
        assert!(upper.iter().all(|upper| upper.kind == gibbs_core::Kind::UpperBound));
    }
}

#[test]
fn marginals_are_the_first_parameters() {
    for config in [config(2), pictures()] {
        let vae = config.init(&device(), &mut Noise::new(12, "init")).unwrap();
        let x = bits(50, config.n_visible, 12).cast(DType::F32);
        let at_zero = vae.decode(Tensor::zeros([1, config.n_latent], &device()), None);
        let with = vae.with_marginals(x.clone());
        let moved = with.decode(Tensor::zeros([1, config.n_latent], &device()), None);
        let marginals = to_host(with.output().marginals(x));
        // Zero biases and the code zero give zero parameters before, for tanh.
        assert!(to_host(at_zero).iter().all(|x| *x == 0.0));
        assert!(to_host(moved).iter().zip(marginals).all(|(a, b)| (a - b).abs() < 1e-6));
    }
}

#[test]
fn annealed_estimates_cover_the_truth() {
    let vae = vae(&config(1), 7);
    let annealing = PosteriorAnnealing { chains: 20, temperatures: 8, leapfrog: 3 };
    let noise = &mut Noise::new(7, "draws");
    let (x, _) = vae.sample_given(300, None, noise);
    let exact = log_prob(&vae, &x, None);
    let lower = annealing.lower(&vae, x.clone(), None, noise);
    let covered = lower.iter().zip(&exact).filter(|(l, exact)| (l.value - *exact).abs() < 2.0 * l.std_err);
    // Normal errors would cover 286 with a standard deviation of 3.6; 20 chains give Student's t with 19 degrees of freedom, 282.
    let covered = covered.count();
    assert!(covered >= 266, "{covered} of 300");
}

/// `⟨gradient, direction⟩` for the direction that [`perturbed`] takes with this noise.
struct Dot<'a> {
    gradients: &'a GradientsParams,
    noise: Noise,
    sum: f64,
}

impl ModuleVisitor for Dot<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        let direction = self.noise.normal(value.dims(), (&device(), DType::F64));
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            self.sum += to_host(gradient * direction).iter().sum::<f64>();
        }
    }
}

/// A step at a position where `β` has its value.
fn step(vae: &Vae, mut elbo: Elbo, x: &Tensor<2>, seed: u64) -> StepOutput {
    let at = Position::new(9, 10, 1);
    elbo.step(&vae.clone().train(), Batch::new(x.clone()), &at, &mut Noise::new(seed, "step")).unwrap()
}

#[test]
fn gradients_are_finite_differences() {
    let plain = Elbo::default();
    let iwae = Elbo { n_samples: 3, ..plain };
    let (prior, posterior) = (Some(flow(FlowKind::Realnvp, 2, 0)), Some(flow(FlowKind::Iaf, 2, 3)));
    let gaussian = OutputDistribution::GaussianMixture { components: 2 };
    let cases = [
        (config(2), plain),
        (config(2), Elbo { beta: 0.3, free_bits: 0.05, ..plain }),
        (config(2), iwae),
        (config(2).with_output(gaussian), iwae),
        (pictures(), iwae),
        (config(2).with_prior(prior.clone()), plain),
        (config(2).with_prior(prior).with_posterior(posterior), iwae),
    ];
    for (config, elbo) in cases {
        let vae = vae(&config, 8);
        let x = bits(4, config.n_visible, 8);
        let gradients = step(&vae, elbo, &x, 8).gradients;
        for seed in 0..3 {
            let mut dot = Dot { gradients: &gradients, noise: Noise::new(seed, "direction"), sum: 0.0 };
            vae.visit(&mut dot);
            let at = |epsilon: f64| {
                let moved = perturbed(vae.clone(), epsilon, Noise::new(seed, "direction"));
                step(&moved, elbo, &x, 8).loss.unwrap().into_scalar::<f64>()
            };
            let difference = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!((dot.sum - difference).abs() < 1e-6 * difference.abs().max(1.0), "{config:?} {elbo:?}");
        }
    }
}

/// All estimators have the same mean; without resampling the gradients of the decoder are equal for the same codes. Gradients through
/// some of the codes leave the loss of all.
#[test]
fn estimators_of_the_gradient_agree_in_the_mean() {
    let vae = vae(&config(2), 9);
    let x = bits(2, 5, 9);
    let plain = Elbo { n_samples: 4, ..Elbo::default() };
    let double = Elbo { estimator: GradientEstimator::DoublyReparametrized, ..plain };
    let others = [double, Elbo { n_resampled: 1, ..plain }, Elbo { n_resampled: 2, ..double }];
    let (encoder, decoder) = (vae.encoder.layers[1].weight.id, vae.decoder.layers[1].weight.id);
    let mut differences = vec![vec![Vec::new(); 16 + 20]; others.len()];
    let mut spreads = [0.0; 2];
    let gradients =
        |output: &StepOutput| [encoder, decoder].map(|id| to_host(output.gradients.get::<2>(id).unwrap()));
    for seed in 0..1000 {
        let first = step(&vae, plain, &x, seed);
        let [of_encoder, of_decoder] = gradients(&first);
        let loss = first.loss.unwrap().into_scalar::<f64>();
        for (elbo, differences) in others.iter().zip(&mut differences) {
            let output = step(&vae, *elbo, &x, seed);
            let [by_encoder, by_decoder] = gradients(&output);
            assert!((output.loss.unwrap().into_scalar::<f64>() - loss).abs() < 1e-9, "{elbo:?}");
            if elbo.n_resampled == 0 {
                assert!(of_decoder.iter().zip(&by_decoder).all(|(a, b)| (a - b).abs() < 1e-9));
                spreads[0] += of_encoder.iter().map(|a| a * a).sum::<f64>();
                spreads[1] += by_encoder.iter().map(|b| b * b).sum::<f64>();
            }
            let ours = of_encoder.iter().chain(&of_decoder);
            let theirs = by_encoder.iter().chain(&by_decoder);
            for (difference, (a, b)) in differences.iter_mut().zip(ours.zip(theirs)) {
                difference.push(a - b);
            }
        }
    }
    for (elbo, differences) in others.iter().zip(&differences) {
        // The encoder's 16 weights, and the decoder's where they differ.
        let compared = if elbo.n_resampled == 0 { 16 } else { differences.len() };
        differences[..compared].iter().for_each(|difference| check_mean(difference, 0.0));
    }
    assert!(spreads[1] < spreads[0], "{spreads:?}");
}

/// Probabilistic principal components of data with covariance eigenvalues `values` (columns of `vectors`): the loadings and the noise
/// of maximum likelihood (Tipping & Bishop, J. R. Stat. Soc. B 61:611, 1999, equations 7 and 8).
struct Ppca {
    mean: DVector<f64>,
    loadings: DMatrix<f64>,
    values: Vec<f64>,
    noise: f64,
    log_likelihood: f64,
}

impl Ppca {
    fn fit(x: &[f64], width: usize, n_latent: usize) -> Self {
        let x = DMatrix::from_row_slice(x.len() / width, width, x);
        let mean = x.row_mean().transpose();
        let centered = DMatrix::from_fn(x.nrows(), width, |i, j| x[(i, j)] - mean[j]);
        let eigen = SymmetricEigen::new(centered.transpose() * &centered / x.nrows() as f64);
        let mut order: Vec<usize> = (0..width).collect();
        order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
        let values: Vec<f64> = order.iter().map(|&i| eigen.eigenvalues[i]).collect();
        let noise = values[n_latent..].iter().sum::<f64>() / (width - n_latent) as f64;
        let loading = |d, j: usize| eigen.eigenvectors[(d, order[j])] * (values[j] - noise).sqrt();
        let log_det =
            values[..n_latent].iter().map(|v| v.ln()).sum::<f64>() + (width - n_latent) as f64 * noise.ln();
        let log_likelihood = -0.5 * (width as f64 * (std::f64::consts::TAU.ln() + 1.0) + log_det);
        Self { mean, loadings: DMatrix::from_fn(width, n_latent, loading), values, noise, log_likelihood }
    }

    /// The linear VAE with these parameters and the exact posterior `N((x - m)·W/λ, σ²/λ)`.
    fn vae(&self) -> Vae {
        let (d, n) = (self.loadings.nrows(), self.loadings.ncols());
        let mut vae = linear(d, n, 0);
        let unbounded = |s: f64| (s / LOG_SCALE).atanh() * LOG_SCALE;
        let put = |param: &mut Param<Tensor<2>>, values: Vec<f64>| {
            let shape = param.dims();
            *param = Param::from_tensor(rows(values, shape[1]));
        };
        let bias = |param: &mut Param<Tensor<1>>, values: Vec<f64>| {
            *param = Param::from_tensor(rows(values.clone(), values.len()).squeeze_dim(0));
        };
        let up = |i: usize, j: usize| if j < n { self.loadings[(i, j)] / self.values[j] } else { 0.0 };
        put(
            &mut vae.encoder.layers[0].weight,
            (0..d * 2 * n).map(|k| up(k / (2 * n), k % (2 * n))).collect(),
        );
        let shift = |j: usize| -self.mean.dot(&self.loadings.column(j)) / self.values[j];
        let scale = |j: usize| unbounded(0.5 * (self.noise / self.values[j]).ln());
        bias(&mut vae.encoder.layers[0].bias, (0..n).map(shift).chain((0..n).map(scale)).collect());
        let down = |j: usize, k: usize| if k % 3 == 1 { self.loadings[(k / 3, j)] } else { 0.0 };
        put(
            &mut vae.decoder.layers[0].weight,
            (0..n * 3 * d).map(|k| down(k / (3 * d), k % (3 * d))).collect(),
        );
        let log_noise = unbounded(0.5 * self.noise.ln());
        bias(&mut vae.decoder.layers[0].bias, (0..d).flat_map(|k| [0.0, self.mean[k], log_noise]).collect());
        vae
    }
}

/// A VAE without hidden layers, for real variables.
fn linear(n_visible: usize, n_latent: usize, seed: u64) -> Vae {
    let config = VaeConfig::new(n_visible, vec![], n_latent)
        .with_output(OutputDistribution::GaussianMixture { components: 1 });
    cast(config.init(&device(), &mut Noise::new(seed, "init")).unwrap(), FloatDType::F64)
}

/// Data of probabilistic principal components: four columns of two latent variables.
fn linear_data(n: usize) -> Tensor<2> {
    let (noise, options) = (&mut Noise::new(10, "data"), (&device(), DType::F64));
    let loadings = rows(vec![1.0, 0.5, -0.3, 0.2, -0.4, 0.8, 0.6, 0.1], 4);
    let z = noise.normal([n, 2], options);
    z.matmul(loadings) + noise.normal([n, 4], options) * 0.4 + 0.7
}

#[test]
fn a_linear_vae_is_probabilistic_principal_components() {
    let x = linear_data(200);
    let ppca = Ppca::fit(&to_host(x.clone()), 4, 2);
    let vae = ppca.vae();
    let evidence = vae.evidence(x, None, 10, &mut Noise::new(10, "codes"));
    let elbo = evidence.iter().map(|each| each.elbo).sum::<f64>() / 200.0;
    assert!((elbo - ppca.log_likelihood).abs() < 1e-6, "{elbo} {}", ppca.log_likelihood);
    for each in evidence {
        // The posterior is exact, so all codes have the same weight.
        assert!((each.importance_weighted.value - each.elbo).abs() < 1e-9);
        assert!(each.importance_weighted.std_err < 1e-9);
    }
    // With the exact posterior the doubly reparametrized gradient of the encoder vanishes for every code.
    let elbo = Elbo { estimator: GradientEstimator::DoublyReparametrized, ..Elbo::default() };
    let gradients = step(&vae, elbo, &linear_data(200), 10).gradients;
    let of_encoder = to_host(gradients.get::<2>(vae.encoder.layers[0].weight.id).unwrap());
    assert!(of_encoder.iter().all(|gradient| gradient.abs() < 1e-10));
}

#[test]
fn a_linear_vae_learns_principal_components() {
    let x = linear_data(2000);
    let best = Ppca::fit(&to_host(x.clone()), 4, 2).log_likelihood;
    for estimator in [GradientEstimator::Reparametrized, GradientEstimator::DoublyReparametrized] {
        let mut elbo = Elbo { estimator, ..Elbo::default() };
        let (mut vae, mut optimizer) = (linear(4, 2, 11).with_marginals(x.clone()), AdamConfig::new().init());
        // Small weights, so that the standard deviations begin near those of the columns.
        vae.decoder.layers[0].weight = vae.decoder.layers[0].weight.clone().map(|weight| weight * 0.1);
        let noise = &mut Noise::new(11, "steps");
        for step in 0..2500 {
            let at = Position::new(step, 2500, 1);
            let rows = x.clone().narrow(0, step * 100 % 2000, 100);
            let gradients = elbo.step(&vae.clone().train(), Batch::new(rows), &at, noise).unwrap().gradients;
            let rate = 0.02 * (1.0 - step as f64 / 2500.0);
            vae = optimizer_step(&mut optimizer, rate, vae, gradients);
        }
        let evidence = vae.evidence(x.clone(), None, 20, noise);
        let elbo = evidence.iter().map(|each| each.elbo).sum::<f64>() / 2000.0;
        assert!((elbo - best).abs() < 1e-2, "{estimator:?}: {elbo} {best}");
    }
}

#[test]
fn unused_latent_variables_are_not_active() {
    let means = rows(vec![1.0, 0.01, -1.0, -0.01, 0.5, 0.0, 0.2, 0.02], 2);
    assert_eq!(Vae::active_units(means), [true, false]);
}

#[test]
fn settings_out_of_range_are_named() {
    let refused = |config: VaeConfig| config.validate().unwrap_err().to_string();
    assert!(refused(VaeConfig::new(0, vec![], 1)).contains("n_visible"));
    assert!(refused(VaeConfig::new(2, vec![3, 0], 1)).contains("n_hidden[1]"));
    assert!(refused(VaeConfig::new(2, vec![], 0)).contains("n_latent"));
    assert!(refused(config(2).with_dropout(1.0)).contains("dropout"));
    let convolved = |rows, columns| {
        refused(VaeConfig::new(32, vec![], 1).with_convolutions(Some(ConvolutionConfig::new(rows, columns))))
    };
    assert!(convolved(6, 4).contains("convolutions.rows") && convolved(4, 4).contains("rows · columns"));
    assert!(refused(config(2).with_prior(Some(flow(FlowKind::Maf, 3, 0)))).contains("prior.n_visible"));
    assert!(refused(config(2).with_prior(Some(flow(FlowKind::Maf, 2, 1)))).contains("prior.n_context"));
    assert!(
        refused(config(2).with_posterior(Some(flow(FlowKind::Iaf, 1, 2)))).contains("posterior.n_visible")
    );
    let elbo = |elbo: Elbo, config: &VaeConfig| elbo.validate(config).unwrap_err().to_string();
    let plain = Elbo::default();
    assert!(elbo(Elbo { n_samples: 0, ..plain }, &config(2)).contains("n_samples"));
    let resampled = Elbo { n_samples: 5, n_resampled: 5, ..plain };
    assert!(elbo(resampled, &config(2)).contains("n_resampled = 5"));
    assert!(elbo(Elbo { n_resampled: 1, ..resampled }, &config(2).with_dropout(0.1)).contains("dropout=0"));
    assert!(elbo(Elbo { beta: -1.0, ..plain }, &config(2)).contains("beta"));
    assert!(elbo(Elbo { beta_rise: 2.0, ..plain }, &config(2)).contains("beta_rise"));
    assert!(elbo(Elbo { free_bits: 1.0, n_samples: 5, ..plain }, &config(2)).contains("free_bits"));
    let with_flow = config(2).with_posterior(Some(flow(FlowKind::Iaf, 2, 2)));
    let double = Elbo { estimator: GradientEstimator::DoublyReparametrized, ..plain };
    assert!(elbo(double, &with_flow).contains("estimator"));
}
