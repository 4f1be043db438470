//! Schedules: derivatives, ends, inverses, and the formulas of the papers.

use super::*;

/// A schedule of each kind, with settings away from the defaults too.
fn schedules() -> Vec<DiffusionSchedule> {
    KINDS
        .into_iter()
        .flat_map(|kind| {
            let plain = DiffusionSchedule::new(kind);
            let other = plain.with_beta_min(0.0).with_beta_max(12.0).with_sigma_min(0.05).with_alpha_min(0.1);
            [plain, other]
        })
        .collect()
}

#[test]
fn rates_are_the_derivatives_of_signal_and_noise() {
    for schedule in schedules() {
        for t in [0.01, 0.2, 0.5, 0.9, 0.98] {
            const H: f64 = 1e-5;
            let [before, at, after] = [t - H, t, t + H].map(|t| schedule.at(t));
            let rates = [after.alpha - before.alpha, after.sigma - before.sigma].map(|gap| gap / (2.0 * H));
            assert_close(&[at.alpha_rate, at.sigma_rate], &rates, 1e-6, &format!("{schedule:?} at {t}"));
        }
    }
}

#[test]
fn noise_becomes_data() {
    for schedule in schedules() {
        let [noise, data] = [0.0, 1.0].map(|t| schedule.at(t));
        assert!((data.sigma / schedule.sigma_min - 1.0).abs() < 1e-9, "{schedule:?}: {data:?}");
        if schedule.kind == ScheduleKind::Linear {
            let total = 0.5 * (schedule.beta_min + schedule.beta_max);
            assert!((noise.alpha / (-0.5 * total).exp() - 1.0).abs() < 1e-12);
        } else {
            assert!((noise.alpha / schedule.alpha_min - 1.0).abs() < 1e-9, "{schedule:?}: {noise:?}");
        }
        let mut before = f64::NEG_INFINITY;
        for i in 0..=100 {
            let t = f64::from(i) / 100.0;
            let at = schedule.at(t);
            let log_snr = at.log_snr();
            assert!(log_snr > before && at.alpha_rate > 0.0 && at.sigma_rate < 0.0, "{schedule:?} at {t}");
            assert!((schedule.time_of(log_snr) - t).abs() < 1e-9, "{schedule:?} at {t}");
            if schedule.kind != ScheduleKind::Straight {
                assert!((at.alpha.powi(2) + at.sigma.powi(2) - 1.0).abs() < 1e-12);
            } else {
                let expected =
                    [1.0 - (1.0 - schedule.alpha_min) * (1.0 - t), 1.0 - (1.0 - schedule.sigma_min) * t];
                assert_close(&[at.alpha, at.sigma], &expected, 1e-12, "straight");
            }
            before = log_snr;
        }
        assert_close(&[schedule.time_of(-1e3), schedule.time_of(1e3)], &[0.0, 1.0], 1e-9, "clamped");
    }
}

/// The product of the `1 - β_i` of Ho et al., with 1000 rates from 1e-4 to 0.02, is `α²` of the linear schedule.
#[test]
fn the_linear_schedule_is_the_limit_of_the_one_of_ddpm() {
    let schedule = DiffusionSchedule::new(ScheduleKind::Linear);
    let steps = 1000;
    let mut log_product = 0.0;
    for i in 0..steps {
        let beta = 1e-4 + (0.02 - 1e-4) * i as f64 / (steps - 1) as f64;
        log_product += (-beta).ln_1p();
        if (i + 1) % 250 == 0 {
            let log_alpha = 2.0 * schedule.at(1.0 - (i + 1) as f64 / steps as f64).alpha.ln();
            // Σ β²/2 of a thousand steps is 0.07, and the ends of the steps shift it by 0.01.
            assert!(
                (log_product - log_alpha).abs() < 0.01 * log_product.abs() + 0.005,
                "{i}: {log_product} {log_alpha}"
            );
        }
    }
}

/// `ᾱ(s) ∝ cos²(π/2·(s + 0.008)/1.008)` of Nichol & Dhariwal is the cosine schedule with their noise at the end.
#[test]
fn the_cosine_schedule_is_that_of_its_paper() {
    let angle = |s: f64| std::f64::consts::FRAC_PI_2 * (s + 0.008) / 1.008;
    let schedule =
        DiffusionSchedule::new(ScheduleKind::Cosine).with_sigma_min(angle(0.0).sin()).with_alpha_min(1e-9);
    for s in [0.0, 0.1, 0.5, 0.9] {
        assert!((schedule.at(1.0 - s).alpha - angle(s).cos()).abs() < 1e-8);
    }
}

#[test]
fn tensors_and_numbers_have_the_same_schedule() {
    let times = [0.0, 0.3, 0.77, 1.0];
    for schedule in schedules() {
        let at = schedule.coefficients(rows(times.to_vec(), 1));
        for (of_tensor, of_number) in [
            (at.alpha, (|at| at.alpha) as fn(&Coefficients) -> f64),
            (at.sigma, |at| at.sigma),
            (at.alpha_rate, |at| at.alpha_rate),
            (at.sigma_rate, |at| at.sigma_rate),
        ] {
            let expected: Vec<f64> = times.iter().map(|t| of_number(&schedule.at(*t))).collect();
            assert_close(&to_host(of_tensor), &expected, 1e-9, &format!("{schedule:?}"));
        }
    }
}

/// In single precision the noise near the data keeps its digits.
#[test]
fn single_precision_keeps_small_noise() {
    for schedule in schedules() {
        for t in [0.999, 0.9999, 1.0] {
            let tensor = Tensor::<2>::full([1, 1], t, &Device::flex());
            let found = to_host(schedule.coefficients(tensor).sigma)[0];
            let expected = schedule.at(f64::from(t as f32)).sigma;
            assert!((found / expected - 1.0).abs() < 1e-2, "{schedule:?} at {t}: {found} {expected}");
        }
    }
}
