//! A trained network has the density of its data.

use burn::optim::{GradientsParams, ModuleOptimizer};
use gibbs_core::{LogProb, optim::Adam};

use super::*;
use crate::continuous::{MlpField, MlpFieldConfig, TimeInput};

/// Mean log-density of fresh points after training on draws of two clouds, and that of their distribution.
fn trained(parametrization: Parametrization, weighting: Weighting) -> [f64; 2] {
    let exact = Exact::clouds(parametrization);
    let config = MlpFieldConfig::new(2, vec![48, 48].into()).with_time(TimeInput::Gated).with_frequencies(2);
    let field: MlpField = config.init(&Device::flex(), &mut Noise::new(0, "init")).unwrap();
    let solver = Solver::new(Method::DormandPrince).with_tolerance(1e-4);
    let mut model = Diffusion::new(field, parametrization, solver, Trace::Exact).unwrap().train();
    let (objective, noise) = (DenoisingLoss::new().with_weighting(weighting), &mut Noise::new(0, "data"));
    let (mut optimizer, steps) = (ModuleOptimizer::from(Adam::default()), 500);
    for step in 0..steps {
        let x = exact.draws(1.0, 512, noise).cast(DType::F32).autodiff();
        let loss = objective.loss(&model, x, None, noise);
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        let part = step as f64 / steps as f64;
        model = optimizer.step(0.01 * (1.0 + (std::f64::consts::PI * part).cos()), model, gradients);
    }
    let x = exact.draws(1.0, 1000, &mut Noise::new(1, "test"));
    let found = model.valid().log_prob(x.clone().cast(DType::F32)).mean();
    [to_host(found)[0], to_host(exact.log_prob_at(1.0, &x).mean())[0]]
}

#[test]
fn denoising_learns_a_density() {
    let cosine = DiffusionSchedule::new(ScheduleKind::Cosine).with_sigma_min(0.01);
    let straight = DiffusionSchedule::new(ScheduleKind::Straight).with_sigma_min(0.01);
    let linear = DiffusionSchedule::new(ScheduleKind::Linear).with_sigma_min(0.01);
    for (schedule, prediction, coordinates, weighting) in [
        (cosine, Prediction::Velocity, Coordinates::LogSnr, Weighting::Likelihood),
        (straight, Prediction::StraightVelocity, Coordinates::Straight, Weighting::Simple),
        (linear, Prediction::Noise, Coordinates::LogSnr, Weighting::Likelihood),
    ] {
        let [found, truth] = trained(Parametrization::new(schedule, prediction, coordinates), weighting);
        assert!(found > truth - 0.1 && found < truth + 0.02, "{schedule:?}: {found}, the truth has {truth}");
    }
}
