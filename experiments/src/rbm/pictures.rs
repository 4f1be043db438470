//! The pictures of a finished run.

use anyhow::Result;
use gibbs_backend::Noise;
use gibbs_boltzmann::{
    GibbsChain,
    units::{UnitFamily, Units},
};
use gibbs_core::math::to_host;
use gibbs_data::Splits;
use gibbs_report::{Axis, Figure, FilterGrid, FilterOrder, ImageGrid, Panel, Series};
use gibbs_train::run_folder::RunFolder;

use super::RbmExperiment;
use crate::{curves::Curves, given::Given};

/// Chains in the picture of samples.
const SAMPLES: usize = 100;
/// Sweeps of the chains after annealing.
const SWEEPS: usize = 3000;
/// Chains whose evolution is shown, and the sweeps at which they are.
const CHAINS: usize = 10;
const STEPS: [usize; 10] = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500];
/// Sweeps before a completion.
const COMPLETION_SWEEPS: usize = 300;
/// Completed test examples, and completions of each.
const COMPLETED: usize = 10;
const COMPLETIONS: usize = 8;

pub(super) fn draw(experiment: &RbmExperiment, data: &Splits, folder: &RunFolder) -> Result<()> {
    let mut noise = Noise::new(experiment.config.seed, "pictures");
    let file = |name: &str| folder.files().named(name);
    let (rows, columns) = experiment.shape();
    let grid = || ImageGrid::new(rows, columns);

    let chain = GibbsChain::new(&experiment.rbm);
    let v = experiment.annealed(SAMPLES, &mut noise);
    let samples = experiment.draws(chain.run(v, SWEEPS, &mut noise), None);
    grid().save(&samples.means, file("samples.png"))?;

    let evolution = evolve(experiment, &mut noise);
    let sets: Vec<&[f32]> = evolution.iter().map(Vec::as_slice).collect();
    ImageGrid::chains(rows, columns, &STEPS).render_columns(&sets)?.save_png(file("chains.png"))?;

    let completed = complete(experiment, data, &mut noise);
    let sets: Vec<&[f32]> = completed.iter().map(Vec::as_slice).collect();
    let labels =
        ["test", "given"].into_iter().map(String::from).chain((1..=COMPLETIONS).map(|k| k.to_string()));
    grid()
        .column_labels(labels)
        .separator_after(2)
        .render_columns(&sets)?
        .save_png(file("inpainting.png"))?;

    filters(experiment, folder)?;
    curves(folder)
}

/// Means of chains from noise at each of [`STEPS`].
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

/// Test examples, their given halves, and several completions.
fn complete(experiment: &RbmExperiment, data: &Splits, noise: &mut Noise) -> Vec<Vec<f32>> {
    let v = experiment.examples(&data.test, COMPLETED);
    let clamp = experiment.clamp(v.clone(), Given::Upper);
    let masked = v.clone() * clamp.known.clone()
        + experiment.rbm.visible.neutral().mean(v.zeros_like()) * (clamp.known.clone().neg() + 1.0);
    let decode =
        |x| to_host(experiment.config.model.coding().decode(x)).into_iter().map(|x| x as f32).collect();
    let mut sets: Vec<Vec<f32>> = vec![decode(v), decode(masked)];
    let chain = GibbsChain::clamped(&experiment.rbm, clamp.clone());
    sets.extend((0..COMPLETIONS).map(|_| {
        let start = chain.init(COMPLETED, noise);
        experiment.draws(chain.run(start, COMPLETION_SWEEPS, noise), Some(&clamp)).means
    }));
    sets
}

fn filters(experiment: &RbmExperiment, folder: &RunFolder) -> Result<()> {
    let (rows, columns) = experiment.shape();
    let weight = &experiment.rbm.weight.val();
    let [visible, hidden] = weight.dims();
    if visible != rows * columns {
        return Ok(());
    }
    let values: Vec<f32> = to_host(weight.clone()).into_iter().map(|w| w as f32).collect();
    let grid = FilterGrid::new(rows, columns).order(FilterOrder::Norm).caption("weights of the hidden units");
    Ok(grid.save(&values, hidden, folder.files().named("filters.png"))?)
}

/// Likelihood and reconstruction error against epochs, from the metrics of the run.
fn curves(folder: &RunFolder) -> Result<()> {
    let run = Curves::read(&folder.files().metrics())?;
    let series = |label: &str, name: &str| {
        let (x, y) = run.of(name);
        Series::new(label, &x, &y)
    };
    let figure = Figure::new(Axis::new("epoch"))
        .panel(
            Panel::new(Axis::new("log-likelihood (nats)"))
                .series(series("train", "train_log_prob"))
                .series(series("valid", "valid_log_prob").std_err(&run.of("valid_log_prob_std_err").1)),
        )
        .panel(
            Panel::new(Axis::new("free-energy gap (nats)"))
                .series(series("train − valid", "free_energy_gap")),
        )
        .panel(
            Panel::new(Axis::new("reconstruction error"))
                .series(series("train, squared per example", "reconstruction_error")),
        );
    figure.save(folder.files().named("curves.png"))?;
    Ok(figure.save(folder.files().named("curves.svg"))?)
}
