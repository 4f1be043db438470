//! Pictures of a finished run.

use gibbs_physics::system::SpinSystemConfig;

use super::VanExperiment;
use crate::{pictures::log_prob_curves, prelude::*, system};

/// Draws in the picture of samples.
const SAMPLES: usize = 64;
/// Validations that are drawn.
const MOST_POINTS: usize = 60;
/// Temperatures of the line of exact values.
const EXACT_POINTS: usize = 60;
/// Highest temperature drawn, in units of the lowest.
const HOTTEST: f64 = 3.0;

pub(super) fn draw(
    experiment: &VanExperiment,
    source: &Source<SpinSystemConfig>,
    files: &RunFiles,
) -> Result<()> {
    let draws = experiment.draw(SAMPLES, &mut Noise::new(experiment.config.seed, "pictures"));
    let title = format!("{}, white +1, black -1", independent_draws(SAMPLES));
    save_samples(&experiment.look(), &title, None, &system::bits(&draws), files)?;
    match source {
        Source::Target(system) => {
            let run = Curves::read(&files.metrics())?;
            save_figure(&free_energy(&run, system)?, files)
        }
        Source::Data(_) => log_prob_curves("log-likelihood (nats)", files),
    }
}

/// Free energies against temperature, as the run passed it, and their errors.
fn free_energy(run: &Curves, system: &SpinSystemConfig) -> Result<Figure> {
    let (spins, final_beta) = (system::build(system)?, system.beta);
    let exact = |beta: f64| -> Result<Option<f64>> {
        let reference = spins.reference(beta)?;
        Ok(reference.map(|exact| exact.thermodynamics.free_energy() / spins.n_spins() as f64))
    };
    // Some validations, spread evenly over the run.
    let n = run.of("valid_effective").1.len();
    let thin = n.div_ceil(MOST_POINTS).max(1);
    let kept: Vec<usize> = (0..n).filter(|i| (n - 1 - i).is_multiple_of(thin)).collect();
    let thinned = |all: Vec<f64>| -> Vec<f64> { kept.iter().map(|&i| all[i]).collect() };
    let column = |name: &str| thinned(run.of(name).1);
    let (epoch, beta) = (thinned(run.of("valid_beta").0), column("valid_beta"));
    let (bound, bound_err) = (column("valid_free_energy"), column("valid_free_energy_std_err"));
    let corrected = column("valid_free_energy_corrected");
    let corrected_err = column("valid_free_energy_corrected_std_err");

    let coldest = 1.0 / final_beta;
    let last_at_end = beta.iter().rposition(|beta| *beta == final_beta);
    let is_shown =
        |&i: &usize| (Some(i) == last_at_end || beta[i] < final_beta) && 1.0 / beta[i] <= HOTTEST * coldest;
    let shown: Vec<usize> = (0..beta.len()).filter(is_shown).collect();
    let of_shown = |values: &[f64]| -> Vec<f64> { shown.iter().map(|&i| values[i]).collect() };
    let temperature: Vec<f64> = of_shown(&beta).iter().map(|beta| 1.0 / beta).collect();
    let mut energies = Panel::new(Axis::new("free energy per site"));
    let hottest = temperature.iter().copied().fold(coldest, f64::max);
    if exact(final_beta)?.is_some() {
        let place = |i: usize| coldest + (hottest - coldest) * i as f64 / (EXACT_POINTS - 1) as f64;
        let line: Vec<f64> = (0..EXACT_POINTS).map(place).collect();
        let values: Result<Vec<f64>> = line.iter().map(|t| Ok(exact(1.0 / t)?.unwrap_or(f64::NAN))).collect();
        energies = energies.series(Series::new("exact", &line, &values?));
    }
    energies = energies
        .series(Series::new("upper bound", &temperature, &of_shown(&bound)).dots(3.0))
        .series(Series::new("corrected", &temperature, &of_shown(&corrected)).dots(3.0));

    let truths: Vec<Option<f64>> = beta.iter().map(|beta| exact(*beta)).collect::<Result<_>>()?;
    let relative = |values: &[f64]| -> Vec<f64> {
        let truths = truths.iter().zip(&corrected).map(|(truth, corrected)| truth.unwrap_or(*corrected));
        values.iter().zip(truths).map(|(value, truth)| (value - truth) / truth.abs()).collect()
    };
    let is_exact = truths.iter().all(Option::is_some);
    let noise: Vec<f64> = bound_err.iter().zip(&bound).map(|(error, bound)| error / bound.abs()).collect();
    let of_epochs = |axis: Axis| Panel::new(axis).x_axis(Axis::new("epoch"));
    let against = if is_exact { "exact" } else { "corrected" };
    let errors = of_epochs(Axis::new(format!("(F - {against} F) / |F|")).log())
        .series(Series::new("upper bound", &epoch, &relative(&bound)))
        .series(Series::new("its standard error", &epoch, &noise));
    let effective = of_epochs(Axis::new("effective fraction of the draws").range(0.0, 1.0))
        .series(Series::new("", &epoch, &column("valid_effective")));
    let figure = Figure::new(Axis::new("temperature")).title(system.describe()).columns(2);
    let figure = figure.panel(energies).panel(errors).panel(effective);
    if !is_exact {
        return Ok(figure);
    }
    let errors = corrected.iter().zip(&corrected_err);
    let standard =
        relative(&corrected).into_iter().zip(errors).map(|(gap, (f, error))| gap * f.abs() / error);
    let standard = Series::new("", &epoch, &standard.collect::<Vec<f64>>()).dots(2.5);
    Ok(figure
        .panel(of_epochs(Axis::new("corrected - exact (std. errors)")).reference(0.0, "").series(standard)))
}
