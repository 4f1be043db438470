//! Pictures of a finished run.

use anyhow::Result;
use gibbs_backend::Noise;
use gibbs_physics::system::SpinSystemConfig;
use gibbs_report::{Axis, Figure, Panel, Series};
use gibbs_train::run_folder::RunFiles;

use super::VanExperiment;
use crate::{
    look::independent_draws,
    pictures::{Curves, log_prob_curves, save_figure},
    source::Source,
    system,
};

/// Draws in the picture of samples.
const SAMPLES: usize = 64;
/// Validations that are drawn, spread evenly over the run.
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
    let bright: Vec<f32> = draws.iter().map(|s| 0.5 * (s + 1.0)).collect();
    let title = format!("{}, white +1, black -1", independent_draws(SAMPLES));
    experiment.look().picture(&title, &[("draws", &bright)])?.save_png(files.named("samples.png"))?;
    match source {
        Source::Target(system) => {
            let run = Curves::read(&files.metrics())?;
            save_figure(&free_energy(&run, system)?, files)
        }
        Source::Data(_) => log_prob_curves("log-likelihood (nats)", files),
    }
}

/// A validation.
struct Point {
    epoch: f64,
    beta: f64,
    bound: f64,
    bound_err: f64,
    corrected: f64,
    corrected_err: f64,
    effective: f64,
}

impl Point {
    fn all(run: &Curves) -> Vec<Self> {
        let column = |name| run.of(name).1;
        let (epochs, betas) = run.of("valid_beta");
        let (bounds, bound_errs) = (column("valid_free_energy"), column("valid_free_energy_std_err"));
        let corrected = column("valid_free_energy_corrected");
        let corrected_errs = column("valid_free_energy_corrected_std_err");
        let effective = column("valid_effective");
        let n = effective.len();
        let thin = n.div_ceil(MOST_POINTS).max(1);
        let kept = (0..n).filter(|i| (n - 1 - i).is_multiple_of(thin));
        kept.map(|i| Self {
            epoch: epochs[i],
            beta: betas[i],
            bound: bounds[i],
            bound_err: bound_errs[i],
            corrected: corrected[i],
            corrected_err: corrected_errs[i],
            effective: effective[i],
        })
        .collect()
    }
}

/// Free energies against temperature, as the run passed it, and their errors.
fn free_energy(run: &Curves, system: &SpinSystemConfig) -> Result<Figure> {
    let (points, spins, final_beta) = (Point::all(run), system::build(system)?, system.beta);
    let n_spins = spins.n_spins() as f64;
    let exact = |beta: f64| -> Result<Option<f64>> {
        Ok(spins.reference(beta)?.map(|exact| exact.thermodynamics.free_energy() / n_spins))
    };
    let coldest = 1.0 / final_beta;
    let last_at_end = points.iter().rposition(|point| point.beta == final_beta);
    let shown: Vec<&Point> = points
        .iter()
        .enumerate()
        .filter(|(i, point)| Some(*i) == last_at_end || point.beta < final_beta)
        .map(|(_, point)| point)
        .filter(|point| 1.0 / point.beta <= HOTTEST * coldest)
        .collect();
    let of = |points: &[&Point], f: fn(&Point) -> f64| -> Vec<f64> { points.iter().map(|p| f(p)).collect() };
    let temperature = of(&shown, |point| 1.0 / point.beta);

    let mut energies = Panel::new(Axis::new("free energy per site"));
    let hottest = temperature.iter().copied().fold(coldest, f64::max);
    let line: Vec<f64> = (0..EXACT_POINTS)
        .map(|i| coldest + (hottest - coldest) * i as f64 / (EXACT_POINTS - 1) as f64)
        .collect();
    if exact(final_beta)?.is_some() {
        let values =
            line.iter().map(|t| Ok(exact(1.0 / t)?.unwrap_or(f64::NAN))).collect::<Result<Vec<_>>>()?;
        energies = energies.series(Series::new("exact", &line, &values));
    }
    energies = energies
        .series(Series::new("upper bound", &temperature, &of(&shown, |p| p.bound)).dots(3.0))
        .series(Series::new("corrected", &temperature, &of(&shown, |p| p.corrected)).dots(3.0));

    let mut gaps = Vec::with_capacity(points.len());
    for point in &points {
        let truth = exact(point.beta)?;
        let relative =
            |value: f64| (value - truth.unwrap_or(point.corrected)) / truth.unwrap_or(point.corrected).abs();
        gaps.push((relative(point.bound), relative(point.corrected), truth.is_some()));
    }
    let all: Vec<&Point> = points.iter().collect();
    let epoch = of(&all, |point| point.epoch);
    let bounds: Vec<f64> = gaps.iter().map(|gap| gap.0).collect();
    let noise: Vec<f64> = points.iter().map(|point| point.bound_err / point.bound.abs()).collect();
    let against = if gaps.iter().all(|gap| gap.2) { "exact" } else { "corrected" };
    let errors = Panel::new(Axis::new(format!("(F - {against} F) / |F|")).log())
        .x_axis(Axis::new("epoch"))
        .series(Series::new("upper bound", &epoch, &bounds))
        .series(Series::new("its standard error", &epoch, &noise));
    let mut deviations = Panel::new(Axis::new("corrected - exact (std. errors)"))
        .x_axis(Axis::new("epoch"))
        .reference(0.0, "");
    let standard: Vec<f64> =
        points.iter().zip(&gaps).map(|(p, gap)| gap.1 * p.corrected.abs() / p.corrected_err).collect();
    deviations = deviations.series(Series::new("", &epoch, &standard).dots(2.5));
    let effective = Panel::new(Axis::new("effective fraction of the draws").range(0.0, 1.0))
        .x_axis(Axis::new("epoch"))
        .series(Series::new("", &epoch, &of(&all, |p| p.effective)));
    let figure = Figure::new(Axis::new("temperature")).title(system.describe()).columns(2);
    let figure = figure.panel(energies).panel(errors).panel(effective);
    Ok(if gaps.iter().all(|gap| gap.2) { figure.panel(deviations) } else { figure })
}
