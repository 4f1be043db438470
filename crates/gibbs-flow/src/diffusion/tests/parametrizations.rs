//! Conversions between predictions are exact, and all parametrizations are one model.

use super::*;
use crate::continuous::{Guided, MlpFieldConfig, time};

#[test]
fn conversions_are_exact() {
    let (data, noise) = (0.83, -1.37);
    for kind in KINDS {
        let schedule = DiffusionSchedule::new(kind);
        for t in [0.0, 0.1, 0.5, 0.9, 1.0] {
            let at = schedule.at(t);
            let x = at.alpha * data + at.sigma * noise;
            let value = |prediction: Prediction| match prediction {
                Prediction::Noise => noise,
                Prediction::Score => -noise / at.sigma,
                Prediction::Velocity => at.alpha_rate * data + at.sigma_rate * noise,
                Prediction::Data => data,
                Prediction::StraightVelocity => data - noise,
            };
            for from in PREDICTIONS {
                for to in PREDICTIONS {
                    let [a, b] = from.conversion(to, &at);
                    let found = a * x + b * value(from);
                    // Data from noise, or noise from data, lose as many digits as the smaller of the two has in x.
                    let lost = (at.alpha.recip() + at.sigma.recip()) * value(to).abs().max(1.0);
                    let allowed = 1e-13 * lost * lost.max(1.0);
                    assert!(
                        (found - value(to)).abs() < allowed,
                        "{kind:?} {from:?} to {to:?} at {t}: {found}"
                    );
                    if from == to {
                        assert_eq!([a, b], [0.0, 1.0]);
                    }
                }
            }
        }
    }
}

/// A network without error of any kind, in any coordinates, expects the noise of the score and the data that belong to it.
#[test]
fn every_parametrization_denoises_by_the_score() {
    let x = normal("x", [6, 2]);
    const H: f64 = 1e-5;
    for parametrization in parametrizations() {
        let exact = Exact::clouds(parametrization);
        let model = exact.clone().model();
        let denoiser = model.denoiser(None);
        for t in [0.05, 0.4, 0.8] {
            let at = parametrization.schedule.at(t);
            let denoised = denoiser.denoise(&[t], &x);
            for axis in 0..2 {
                let step = rows([f64::from(axis == 0), f64::from(axis == 1)].map(|e| e * H).to_vec(), 2);
                let slope = (exact.log_prob_at(t, &(x.clone() + step.clone()))
                    - exact.log_prob_at(t, &(x.clone() - step)))
                    / (2.0 * H);
                let expected = to_host(slope * -at.sigma);
                let found = to_host(denoised.noise.clone().narrow(1, axis, 1));
                assert_close(&found, &expected, 1e-6, &format!("{parametrization:?} at {t}"));
            }
            let whole = denoised.data * at.alpha + denoised.noise * at.sigma;
            assert_close(&to_host(whole), &to_host(x.clone()), 1e-9, "point");
        }
        let each = denoiser.denoise(&[0.1, 0.2, 0.3, 0.4, 0.5, 0.6], &x).noise;
        let third = denoiser.denoise(&[0.3], &x.clone().narrow(0, 2, 1)).noise;
        assert_close(&to_host(each.narrow(0, 2, 1)), &to_host(third), 1e-12, "one time for each point");
    }
}

fn conditional(parametrization: Parametrization) -> Diffusion<crate::continuous::MlpField> {
    let config = MlpFieldConfig::new(2, vec![5, 6].into()).with_n_context(2);
    let field = config.init(&Device::flex(), &mut Noise::new(0, "init")).unwrap();
    let field = gibbs_core::params::cast(field, burn::tensor::FloatDType::F64);
    let field = gibbs_testkit::perturbed(field, 0.5, Noise::new(0, "stir"));
    Diffusion::new(field, parametrization, Solver::fixed(Method::Rk4, 12), Trace::Exact).unwrap()
}

/// A flow of any parametrization inverts and has its Jacobian: values, directional derivatives and divergences are of one map.
#[test]
fn flows_are_bijections_in_every_parametrization() {
    let context = normal("context", [3, 2]);
    for parametrization in parametrizations() {
        // A random network makes a wild velocity where the schedule divides by small noise.
        let schedule = parametrization.schedule.with_sigma_min(0.3).with_alpha_min(0.3).with_beta_max(4.0);
        let model = conditional(Parametrization { schedule, ..parametrization });
        let flow = model.flow().with_solver(Solver::new(Method::Tsitouras).with_tolerance(1e-10)).unwrap();
        gibbs_testkit::check_bijection(&flow, normal("x", [3, 2]), Some(&context), 1e-6);
    }
}

/// Predictions are affine, so guidance of the network is guidance of the velocity.
#[test]
fn guidance_is_a_mean_of_velocities() {
    let (x, context, weight) = (normal("x", [4, 2]), normal("context", [4, 2]), 2.5);
    for parametrization in parametrizations() {
        let model = conditional(parametrization);
        let guided = model.clone().with_field(Guided::new(model.field.clone(), weight));
        let velocity = |context: &Tensor<2>| {
            let flow = model.flow();
            let velocity = flow.field.velocity(Some(context));
            velocity.at(&time(0.4, &x), x.clone())
        };
        let (with, without) = (velocity(&context), velocity(&context.zeros_like()));
        let expected = without.clone() + (with - without) * weight;
        let flow = guided.flow();
        let found = flow.field.velocity(Some(&context)).at(&time(0.4, &x), x.clone());
        assert_close(&to_host(found), &to_host(expected), 1e-10, &format!("{parametrization:?}"));
    }
}
