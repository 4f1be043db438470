//! Likelihoods rise, and reach what can be reached.

use burn::{
    module::{Module, ModuleVisitor, Param},
    optim::{GradientsParams, ModuleOptimizer},
};
use gibbs_core::{Bijection, LogProb, Sample, math::to_host, optim::Adam, variational::path_gradient};

use super::*;

/// Mean log-density of `x` after `steps` of Adam.
fn trained(config: &FlowConfig, x: &Tensor<2>, steps: usize, rate: f64) -> f64 {
    let flow = config.init(&Device::flex(), &mut Noise::new(0, "init")).unwrap();
    let mut flow = flow.fitted(x.clone(), None).train();
    let mut optimizer = ModuleOptimizer::from(Adam::default());
    for _ in 0..steps {
        let loss = flow.log_prob(x.clone().autodiff()).mean().neg();
        let gradients = GradientsParams::from_grads(loss.backward(), &flow);
        flow = optimizer.step(rate, flow, gradients);
    }
    to_host(flow.valid().log_prob(x.clone()).mean())[0]
}

/// The best Gaussian has the moments of the sample: mean log-density `-½ ln det Σ - D·(½ + ln √(2π))`.
#[test]
fn affine_flows_find_the_best_gaussian() {
    let u = to_host(Noise::new(0, "data").normal([500, 2], &Device::flex()));
    let points: Vec<[f64; 2]> =
        u.chunks(2).map(|u| [2.0 * u[0] + 1.0, 1.5 * u[0] + 0.5 * u[1] - 2.0]).collect();
    let n = points.len() as f64;
    let mean = [0, 1].map(|i| points.iter().map(|x| x[i]).sum::<f64>() / n);
    let covariance =
        |i: usize, j: usize| points.iter().map(|x| (x[i] - mean[i]) * (x[j] - mean[j])).sum::<f64>() / n;
    let det = covariance(0, 0) * covariance(1, 1) - covariance(0, 1).powi(2);
    let best = -0.5 * det.ln() - 1.0 - std::f64::consts::TAU.ln();
    let x = wide(points.concat(), [500, 2]).cast(DType::F32);
    let linear = FlowConfig::new(2, vec![LayerConfig::act_norm(), LayerConfig::linear(Permute::Reverse)]);
    let found = trained(&linear, &x, 300, 0.05);
    assert!((found - best).abs() < 1e-3, "linear: {found}, not {best}");
    // A scale that depends on the other variable fits a finite sample a little better, never worse.
    for config in [
        RealNvpConfig::new(2, 2, vec![8].into()).with_act_norm(true).flow(),
        MafConfig::new(2, 1, vec![8].into()).with_act_norm(true).flow(),
    ] {
        let found = trained(&config, &x, 300, 0.02);
        assert!((best - 1e-2..best + 0.05).contains(&found), "{found}, the best Gaussian has {best}");
    }
}

/// The gradient of every parameter, one after the other.
struct Gradients<'a> {
    of: &'a GradientsParams,
    found: Vec<f64>,
}

impl ModuleVisitor for Gradients<'_> {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        if let Some(gradient) = self.of.get::<D>(parameter.id) {
            self.found.extend(to_host(gradient));
        }
    }
}

/// A flow whose couplings are still the identity has a Gaussian density. If it learns this density, it is at the optimum: the path gradient of
/// each draw is zero there, in all parameters of the module, and the whole derivative is not, for it has the score in it.
#[test]
fn at_the_optimum_the_path_gradient_of_a_flow_is_zero() {
    let n = 4;
    let coupling = |flipped| {
        LayerConfig::Coupling(
            CouplingConfig::new(CouplingMask::Alternating, ConditionerConfig::mlp(vec![5]))
                .with_flipped(flipped),
        )
    };
    let order = Permute::Reverse;
    let layers = vec![coupling(false), LayerConfig::act_norm(), LayerConfig::linear(order), coupling(true)];
    let mut flow = wide_flow(&FlowConfig::new(n, layers), 0.0, 0);
    flow.layers[2] = perturbed(flow.layers[2].clone(), 0.4, Noise::new(0, "stir"));
    // z = x·A, whose rows are the images of the axes.
    let axes: Vec<f64> = (0..n * n).map(|i| f64::from(u8::from(i % (n + 1) == 0))).collect();
    let images = to_host(flow.forward(wide(axes, [n, n]), None).0);
    let flow = flow.train();
    let energy = |x: Tensor<2>| {
        let images = TensorData::new(images.clone(), [n, n]);
        let images = Tensor::<2>::from_data(images, (&x.device(), DType::F64));
        x.matmul(images).powi_scalar(2).sum_dim(1).squeeze_dim::<1>(1) * 0.5
    };
    let gradient = |loss: Tensor<1>| {
        let gradients = GradientsParams::from_grads(loss.backward(), &flow);
        let mut gradients = Gradients { of: &gradients, found: Vec::new() };
        flow.visit(&mut gradients);
        gradients.found.iter().fold(0.0, |most: f64, g| most.max(g.abs()))
    };
    let draws = || flow.sample(8, &mut Noise::new(0, "draws"));
    let path = gradient(path_gradient(draws(), &flow.clone().no_grad(), &energy).loss);
    let x = draws();
    let whole = gradient((flow.log_prob(x.clone()) + energy(x)).mean());
    assert!(path < 1e-12 && whole > 1e-2, "{path:e} {whole:e}");
}

/// Two clouds: a Gaussian has `½ ln(1 + 9/0.04)` nats less to say about the first variable than the mixture, about 2; splines learn
/// the gap.
#[test]
fn splines_learn_two_clouds() {
    let u = to_host(Noise::new(1, "data").normal([400, 2], &Device::flex()));
    let clouds = u.chunks(2).enumerate();
    let points: Vec<f64> =
        clouds.flat_map(|(i, u)| [0.2 * u[0] + if i % 2 == 0 { 1.5 } else { -1.5 }, u[1]]).collect();
    let x = wide(points, [400, 2]).cast(DType::F32);
    // -ln 2 + the log-density of two normal variables of these standard deviations at their mean energy.
    let truth = -(2f64.ln()) - 0.2f64.ln() - 1.0 - std::f64::consts::TAU.ln();
    let config = MafConfig::new(2, 1, vec![8].into()).flow_with(Univariate::spline());
    let found = trained(&config, &x, 300, 0.03);
    // Beyond the truth goes only what 30 parameters overfit in 400 points, about 15/400.
    assert!((truth - 0.15..truth + 0.15).contains(&found), "{found}, the truth has {truth}");
}
