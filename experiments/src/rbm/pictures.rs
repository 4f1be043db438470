//! Pictures of a finished run.

use gibbs_boltzmann::{GibbsChain, tap};

use super::{RbmExperiment, evaluate::TAP_ITERATIONS};
use crate::{
    evidence::Half,
    output::note,
    pictures::{completions, save_filters, slices},
    prelude::*,
};

/// Chains in the picture of samples.
const SAMPLES: usize = 100;
/// Sweeps of the chains after annealing.
const SWEEPS: usize = 3000;
/// Chains whose evolution is shown, and the sweeps after which they are shown.
const CHAINS: usize = 10;
const STEPS: [usize; 10] = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500];
/// Sweeps before a completion.
const COMPLETION_SWEEPS: usize = 300;
/// Completed test examples, and completions of each.
const COMPLETED: usize = 10;
const COMPLETIONS: usize = 8;
/// Most mean-field solutions that are shown.
const SOLUTIONS: usize = 100;

pub(super) fn draw(experiment: &RbmExperiment, data: &Splits, files: &RunFiles) -> Result<()> {
    let mut noise = Noise::new(experiment.config.seed, "pictures");
    let look = experiment.look();

    let chain = GibbsChain::new(&experiment.rbm);
    let v = experiment.annealed(SAMPLES, &mut noise);
    let samples = experiment.draws(chain.run(v, SWEEPS, &mut noise), None);
    let title = experiment.title(SAMPLES, SWEEPS);
    save_samples(&look, &title, Some(&data.test), samples.shown(&look), files)?;

    if let Some((rows, columns)) = look.image() {
        let evolution = evolve(experiment, &mut noise);
        let title = format!("{} of {CHAINS} chains from noise", experiment.visible().mean_name());
        let grid = ImageGrid::chains(rows, columns, &STEPS).title(title);
        grid.render_columns(&slices(&evolution))?.save_png(files.named("chains.png"))?;

        let completed = complete(experiment, data, &mut noise);
        completions((rows, columns), &completed)?.save_png(files.named("inpainting.png"))?;
        let weight = experiment.rbm.weight.val();
        let data_columns = weight.dims()[0] - experiment.visible().n_classes();
        let weight = weight.narrow(0, 0, data_columns);
        save_filters((rows, columns), weight, "weights of the hidden units", files)?;
    }
    mean_field(experiment, &data.train, files)?;
    spectrum(experiment.config.train.family.spectrum, files)?;
    curves(files)
}

/// The solutions of the mean-field equations that training examples lead to, lowest free energy first.
fn mean_field(experiment: &RbmExperiment, train: &Dataset, files: &RunFiles) -> Result<()> {
    let n = experiment.config.train.family.tap;
    if n == 0 {
        return Ok(());
    }
    let starts = experiment.mean_field_starts(train, n);
    let n = starts.dims()[0];
    let found = tap::solutions(&experiment.rbm, starts, TAP_ITERATIONS).unwrap_or_default();
    let come: usize = found.iter().map(|solution| solution.n_starts).sum();
    let title = format!("mean-field solutions: {}, from {come} of {n} training examples", found.len());
    let Some(lowest) = found.first().map(|solution| solution.free_energy) else {
        note(format!("train.tap: {title}, so there is no tap.png"));
        return Ok(());
    };
    let shown = &found[..found.len().min(SOLUTIONS)];
    let means = shown.iter().map(|solution| solution.visible.clone().unsqueeze()).collect();
    let captions =
        shown.iter().map(|solution| format!("{:+.1}, {}×", solution.free_energy - lowest, solution.n_starts));
    let title = format!("{title}; free energy above the lowest, {lowest:.1}");
    let (rows, columns) = experiment.shape();
    let grid = ImageGrid::new(rows, columns).title(title).captions(captions);
    Ok(grid.save(&host(experiment.visible().decode(Tensor::cat(means, 0))), files.named("tap.png"))?)
}

/// The metric of singular value `k`, from 0.
pub(super) fn singular_value(k: usize) -> String {
    format!("singular_value_{}", k + 1)
}

/// The largest singular values of the weights against epochs, if they were logged.
fn spectrum(n: usize, files: &RunFiles) -> Result<()> {
    let run = Curves::read(&files.metrics())?;
    let values = (0..n).flat_map(|k| run.series("", &singular_value(k)));
    let values: Vec<Series> = values.collect();
    if values.is_empty() {
        return Ok(());
    }
    let panel = values.into_iter().fold(Panel::new(Axis::new("singular value of W")), Panel::series);
    let title = format!("the {n} largest singular values of the weights");
    Ok(Figure::new(Axis::new("epoch")).panel(panel.title(title)).save(files.named("spectrum.png"))?)
}

/// Means of chains from noise after each number of [`STEPS`].
fn evolve(experiment: &RbmExperiment, noise: &mut Noise) -> Vec<Vec<f32>> {
    let chain = GibbsChain::new(&experiment.rbm);
    let mut v = chain.init(CHAINS, noise);
    let mut done = 0;
    STEPS
        .iter()
        .map(|&step| {
            v = chain.run(v.clone(), step - done, noise);
            done = step;
            let draws = experiment.draws(v.clone(), None);
            if step == 0 { draws.values } else { draws.means }
        })
        .collect()
}

/// Test examples, their known halves, and several completions.
fn complete(experiment: &RbmExperiment, data: &Splits, noise: &mut Noise) -> Vec<Vec<f32>> {
    let v = experiment.visible().spread(&data.test, COMPLETED, &experiment.device);
    let clamp = experiment.clamp(v.clone(), &Half::Upper.pixels(experiment.shape()));
    let mut sets: Vec<Vec<f32>> = vec![host(experiment.visible().decode(v)), experiment.given(&clamp)];
    let chain = GibbsChain::clamped(&experiment.rbm, clamp.clone());
    sets.extend((0..COMPLETIONS).map(|_| {
        let start = chain.init(COMPLETED, noise);
        experiment.draws(chain.run(start, COMPLETION_SWEEPS, noise), Some(&clamp)).means
    }));
    sets
}

/// Likelihood, free-energy gap and reconstruction error against epochs.
fn curves(files: &RunFiles) -> Result<()> {
    let run = Curves::read(&files.metrics())?;
    let (x, y) = run.of("valid_log_prob");
    let valid = Series::new("valid", &x, &y).std_err(&run.of("valid_log_prob_std_err").1);
    let likelihood = run.panel("log-likelihood (nats)", &[("train", "train_log_prob")]);
    let figure = Figure::new(Axis::new("epoch"))
        .panel(if x.is_empty() { likelihood } else { likelihood.series(valid) })
        .panel(
            run.panel("free-energy gap (nats)", &[("train - valid", "free_energy_gap")])
                .reference(0.0, "0: no overfitting"),
        )
        .panel(run.panel("reconstruction error", &[("train, squared per example", "reconstruction_error")]));
    save_figure(&figure, files)
}
