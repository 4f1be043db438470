//! Metrics and pictures of learned couplings.

use gibbs_data::Kind;
use gibbs_physics::{
    Hamiltonian, Pairwise,
    exact::{self, Enumeration, MAX_DRAWN},
    inverse::{Moments, Samples, coupling_error, field_error, pseudo_log_likelihood},
    system::SpinSystemConfig,
};

use super::{IsingExperiment, config};
use crate::{prelude::*, system};

/// Draws in the picture of samples.
const SAMPLES: usize = 100;

/// Sums over all states of a model, if they are few.
pub(super) fn enumeration(learned: &Pairwise) -> Result<Option<Enumeration>> {
    let few = learned.n_spins() <= MAX_DRAWN;
    Ok(few.then(|| exact::enumerate(learned, 1.0)).transpose()?)
}

impl Trained for IsingExperiment {
    /// All metrics on a part of the samples. `--per-example` is the log-likelihood where states are few, else the
    /// pseudo-log-likelihood.
    fn evaluate(&self, on: &Measurement<SpinSystemConfig>) -> Result<Evaluation> {
        let Self { config, learned } = self;
        let (n, mut spins) = (learned.n_spins(), Vec::new());
        for &split in on.part.splits() {
            if let Source::Data(data) = on.source {
                data.get(split).require_width(n).or_usage()?;
            }
            spins.extend(config::spins(config, on.source, split)?);
        }
        let mut evaluation = Evaluation::default();
        let mut add =
            |name: &str, value: f64, unit: &str| evaluation.add(name, &Estimate::exact(value), unit);
        if let Some(truth) = config::truth(config)? {
            add("coupling_error", coupling_error(learned, &truth).relative, "relative");
            add("coupling_error_rms", coupling_error(learned, &truth).rms, "beta J");
            add("field_error_rms", field_error(learned, &truth).rms, "beta h");
        }
        let mut each: Vec<f64> = spins.chunks(n).map(|row| pseudo_log_likelihood(learned, row)).collect();
        evaluation.add_mean("pseudo_log_prob", &each, "nats");
        if let Some(exact) = enumeration(learned)? {
            let log_z = exact.thermodynamics.log_z;
            each = spins.chunks(n).map(|row| -learned.energy_of(row) - log_z).collect();
            evaluation.add_mean("log_prob", &each, "nats");
            evaluation.add("log_z", &Estimate::exact(log_z), "nats");
            let gap = Samples::new(&spins, n)?.moments().gap(&Moments::from(&exact));
            evaluation.add("moments_gap", &Estimate::exact(gap), "rms");
        }
        evaluation.draws = matches!(on.source, Source::Target(_)).then_some(each.len());
        evaluation.per_example = each;
        Ok(evaluation)
    }

    fn look(&self) -> Look {
        match self.config.model.system.as_ref().and_then(|system| system::build(system).ok()) {
            Some(system) => Look::of(&system.shape(), Kind::Binary),
            None => self.config.look(self.learned.n_spins(), Kind::Binary),
        }
    }

    fn sample(&self, args: &cli::Sample, _: &NoFlags, _: &Shared) -> Result<Drawn> {
        let (values, how) = self.draw(args.n(), &Noise::new(args.seed, "sample"))?;
        let (shown, how) = (Some(system::bits(&values)), Some(how));
        Ok(Drawn { shown, how, ..Drawn::new(format!("{} draws", args.n()), values) })
    }

    /// Draws from the learned couplings, and these against the true ones.
    fn draw_pictures(&self, _: &Source<SpinSystemConfig>, files: &RunFiles) -> Result<()> {
        let (spins, _) = self.draw(SAMPLES, &Noise::new(self.config.seed, "pictures"))?;
        let title = format!("{SAMPLES} draws of the learned model, white +1, black -1");
        save_samples(&self.look(), &title, None, &system::bits(&spins), files)?;
        if let Some(truth) = config::truth(&self.config)? {
            let panel = reconstruction(self.config.model.kind.name(), &self.learned, &truth);
            let figure = Figure::new(Axis::new("true coupling \u{3b2}J")).panel(panel);
            let figure = figure.width(700).panel_height(520);
            figure.save(files.named("reconstruction.png"))?;
            figure.save(files.named("reconstruction.svg"))?;
        }
        Ok(())
    }
}

/// Learned couplings against true ones, with the diagonal on which they should lie.
pub(super) fn reconstruction(method: &str, learned: &Pairwise, truth: &Pairwise) -> Panel {
    /// Radius of the dots of as many pairs as a picture can separate, and of more.
    const RADII: (usize, [f64; 2]) = (1000, [2.5, 1.2]);
    let n = truth.n_spins();
    let (matrix, true_matrix) = (learned.matrix(), truth.matrix());
    let pairs = (0..n).flat_map(|i| (i + 1..n).map(move |j| i * n + j));
    let (x, y): (Vec<f64>, Vec<f64>) = pairs.map(|at| (true_matrix[at], matrix[at])).unzip();
    let ends = x.iter().fold([0.0f64, 0.0], |[low, high], x| [low.min(*x), high.max(*x)]);
    let error = 100.0 * coupling_error(learned, truth).relative;
    let radius = RADII.1[usize::from(x.len() > RADII.0)];
    Panel::new(Axis::new("learned"))
        .title(format!("{}, relative error {error:.1} %", method.replace('_', " ")))
        .series(Series::new("", &ends, &ends).color(Color::gray(150)))
        .series(Series::new("", &x, &y).dots(radius).color(Color::of_class(0, 1)))
}
