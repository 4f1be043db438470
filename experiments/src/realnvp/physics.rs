//! The pictures of a flow beside a Hamiltonian.

use anyhow::Result;
use burn::prelude::*;
use gibbs_autoencoder::Pca;
use gibbs_backend::Noise;
use gibbs_core::math::to_host;
use gibbs_physics::{
    continuous::{Ends, HarmonicChain},
    system::Potential,
};
use gibbs_report::{Axis, Color, Figure, ImageGrid, Panel, Series};
use gibbs_train::run_folder::RunFolder;

use super::{RealNvpExperiment, pictures::density};
use crate::{
    curves::Curves,
    hamiltonian::Target,
    points::{host, scatter},
};

/// Fields in the picture of samples, and points in one of the plane.
const FIELDS: usize = 64;
const POINTS: usize = 3000;
/// Draws from which the modes of a chain are found.
const CHAINS: usize = 20_000;
/// Modes that are drawn, from the lowest.
const MODES: usize = 4;

pub(super) fn draw(experiment: &RealNvpExperiment, target: &Target, folder: &RunFolder) -> Result<()> {
    let noise = &mut Noise::new(experiment.config.seed, "pictures");
    let mut draw = |n: usize| experiment.draw(n, None, 1.0, noise);
    if experiment.is_picture() {
        let (rows, columns) = experiment.shape();
        let fields = experiment.brightness(&host(draw(FIELDS)));
        ImageGrid::new(rows, columns).save(&fields, folder.files().named("samples.png"))?;
    } else {
        let (width, samples) = (target.law.n_variables(), host(draw(POINTS)));
        scatter(&[("samples", &samples)], width).save(folder.files().named("samples.png"))?;
        if width == 2 {
            density(experiment, &samples, &samples).save(folder.files().named("density.png"))?;
        }
    }
    if let Potential::HarmonicChain(chain) = &target.law.potential
        && chain.n_particles() > 1
    {
        let ends = experiment.config.model.system.ends;
        modes(chain, ends, draw(CHAINS))?.save(folder.files().named("modes.png"))?;
    }
    let figure = curves(&Curves::read(&folder.files().metrics())?, target);
    figure.save(folder.files().named("curves.png"))?;
    Ok(figure.save(folder.files().named("curves.svg"))?)
}

/// The normal modes as the principal components of draws, whose variances are `1 / β m ω²`, beside the exact ones. The modes of a
/// ring come in pairs of one frequency, any rotation of which is as good, so only their frequencies are drawn.
fn modes(chain: &HarmonicChain, ends: Ends, draws: Tensor<2>) -> Result<Figure> {
    let n = chain.n_particles();
    let pca = Pca::fit([draws], n)?;
    let numbers: Vec<f64> = (1..=n).map(|k| k as f64).collect();
    let learned: Vec<f64> =
        pca.eigenvalues().iter().map(|variance| (chain.beta() * variance).powf(-0.5)).collect();
    let frequencies = Panel::new(Axis::new("frequency"))
        .x_axis(Axis::new("mode"))
        .series(Series::new("exact", &numbers, &chain.frequencies()))
        .series(Series::new("learned", &numbers, &learned).dots(3.0));
    let mut figure = Figure::new(Axis::new("particle")).columns(2).panel(frequencies);
    if ends == Ends::Walls {
        let (exact, components) = (chain.modes(), to_host(pca.components()));
        let mut shapes = Panel::new(Axis::new("displacement"));
        for (k, (exact, learned)) in exact.chunks(n).zip(components.chunks(n)).take(MODES).enumerate() {
            let overlap: f64 = exact.iter().zip(learned).map(|(a, b)| a * b).sum();
            let learned: Vec<f64> = learned.iter().map(|x| x * overlap.signum()).collect();
            shapes = shapes
                .series(Series::new("", &numbers, exact).color(Color::of_class(k, MODES)))
                .series(Series::new("", &numbers, &learned).dots(3.0).color(Color::of_class(k, MODES)));
        }
        figure = figure.panel(shapes.title("lowest modes: exact lines, learned dots"));
    }
    Ok(figure)
}

/// Free energies and how well the flow samples, against epochs.
fn curves(run: &Curves, target: &Target) -> Figure {
    let of = target.free_energy();
    let mut energies = Panel::new(Axis::new(format!("free energy per site ({})", of.unit.1)));
    for (label, name) in [("upper bound", "valid_free_energy"), ("corrected", "valid_free_energy_corrected")]
    {
        energies = run.series(label, name).into_iter().fold(energies, Panel::series);
    }
    let mut figure = Figure::new(Axis::new("epoch")).columns(2);
    if let Some((log_z, _)) = of.exact {
        let exact = of.per_site(gibbs_core::Estimate::exact(log_z - of.log_z_offset)).value;
        energies = energies.reference(exact, "exact");
        let (epochs, bounds) = run.of("valid_free_energy");
        let excess: Vec<f64> = bounds.iter().map(|bound| (bound - exact) / exact.abs()).collect();
        let errors = Panel::new(Axis::new("(F − exact F) / |F|").log());
        figure = figure.panel(energies).panel(errors.series(Series::new("upper bound", &epochs, &excess)));
    } else {
        figure = figure.panel(energies);
    }
    let effective = Panel::new(Axis::new("effective part of the draws").range(0.0, 1.0));
    figure.panel(run.series("", "valid_effective").into_iter().fold(effective, Panel::series))
}
