//! The loss of a network without error is the variance that no network can remove, in closed form.

use super::*;

/// `E|ε - E[ε | x_t]|²/D` of a normal distribution with variance `v`: `α²v/(α²v + σ²)`.
fn variance_of_noise(at: &Coefficients, v: f64) -> f64 {
    let signal = at.alpha.powi(2) * v;
    signal / (signal + at.sigma.powi(2))
}

#[test]
fn the_least_loss_of_a_normal_distribution_is_its_conditional_variance() {
    let (std, batches, n) = (0.7, 12, 1000);
    for parametrization in parametrizations() {
        let Parametrization { schedule, prediction, .. } = parametrization;
        // Rates diverge as the noise vanishes, and squared errors of velocities with them.
        let schedule = schedule.with_sigma_min(0.05);
        let exact = Exact::normal(std, Parametrization { schedule, ..parametrization });
        let model = exact.clone().model();
        for weighting in [Weighting::Likelihood, Weighting::Simple] {
            let loss = DenoisingLoss::new().with_weighting(weighting);
            let losses: Vec<f64> = (0..batches)
                .map(|batch| {
                    let noise = &mut Noise::new(batch, "loss");
                    // Data without the noise that the schedule leaves in them.
                    let x = noise.normal([n, 2], (&Device::flex(), DType::F64)) * std;
                    to_host(loss.loss(&model, x, None, noise))[0]
                })
                .collect();
            let [noise, data] = schedule.log_snr_range();
            let expected = average(20_000, |u| match weighting {
                Weighting::Likelihood => {
                    0.5 * (data - noise) * variance_of_noise(&schedule.at(schedule.time_at(u)), std * std)
                }
                Weighting::Simple => {
                    let at = schedule.at(u);
                    let ratio = at.sigma / at.alpha;
                    // An error e of the noise is an error -e·σ/α of the data.
                    let factor = match prediction {
                        Prediction::Noise | Prediction::Score => 1.0,
                        Prediction::Data => ratio,
                        Prediction::Velocity => at.sigma_rate - at.alpha_rate * ratio,
                        Prediction::StraightVelocity => 1.0 + ratio,
                    };
                    factor.powi(2) * variance_of_noise(&at, std * std)
                }
            });
            gibbs_testkit::check_mean(&losses, expected);
        }
    }
}

/// Of a mixture in one dimension the variance follows from the score by quadrature: `1 - σ²·E|∇ln p_t|²`.
#[test]
fn the_least_loss_of_a_mixture_is_its_conditional_variance() {
    let schedule = DiffusionSchedule::new(ScheduleKind::Cosine);
    let exact = Exact::new(&[([0.9], 0.2, 0.3), ([-0.4], 0.4, 0.7)], usual(schedule));
    let model = exact.clone().model();
    let (batches, n) = (20, 2000);
    let losses: Vec<f64> = (0..batches)
        .map(|batch| {
            let noise = &mut Noise::new(batch, "loss");
            // p_1 has the noise of the schedule in it; that of the data is 1e-6 of their variance.
            let x = exact.draws(1.0, n, noise);
            to_host(DenoisingLoss::new().loss(&model, x, None, noise))[0]
        })
        .collect();
    let cells = 4000;
    let axis: Vec<f64> = (0..cells).map(|i| 12.0 * ((i as f64 + 0.5) / cells as f64 - 0.5)).collect();
    let x = rows(axis, 1);
    let [noise, data] = schedule.log_snr_range();
    let expected = average(200, |u| {
        let t = schedule.time_at(u);
        let density = exact.log_prob_at(t, &x).exp() * (12.0 / cells as f64);
        let expected = squares(model.denoiser(None).denoise(&[t], &x).noise);
        0.5 * (data - noise) * (1.0 - to_host((density * expected).sum())[0])
    });
    gibbs_testkit::check_mean(&losses, expected);
}

/// The same noise, and a network that is wrong by a constant: the loss grows by its square.
#[test]
fn a_wrong_network_has_a_larger_loss() {
    let right = Exact::clouds(usual(DiffusionSchedule::new(ScheduleKind::Straight)));
    let wrong = Exact::new(&[([1.2, -0.4], 0.3, 0.4), ([-0.8, 0.4], 0.5, 0.6)], right.parametrization);
    let x = right.draws(1.0, 20_000, &mut Noise::new(0, "data"));
    for weighting in [Weighting::Likelihood, Weighting::Simple] {
        let loss = |exact: &Exact| {
            let objective = DenoisingLoss::new().with_weighting(weighting);
            to_host(objective.loss(&exact.clone().model(), x.clone(), None, &mut Noise::new(0, "loss")))[0]
        };
        assert!(loss(&wrong) > loss(&right), "{weighting:?}");
    }
}
