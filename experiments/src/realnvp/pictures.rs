//! Pictures of a finished run.

use gibbs_autoencoder::Pca;
use gibbs_core::Bijection;
use gibbs_flow::FlowFamilyConfig;
use gibbs_physics::continuous::{Ends, HarmonicChain};
use gibbs_physics::system::Potential;

use super::{RealNvpExperiment, scales};
use crate::{
    flow::{FlowSource, density},
    pictures::{Frame, column, log_prob_curves, slices},
    prelude::*,
    preprocessed::with_classes,
    source::first,
};

/// Draws in a picture of images or fields, and points in one of points of data or of a target.
const SAMPLES: usize = 100;
const FIELDS: usize = 64;
const POINTS: usize = 2000;
const TARGET_POINTS: usize = 3000;
/// Draws from which the modes of a chain are estimated, and modes that are drawn, from the lowest.
const CHAINS: usize = 20_000;
const MODES: usize = 4;
/// Cells of a density along each axis.
const CELLS: usize = 200;
/// Lines of the warped grid along each axis, points on each, and its half width in the base.
const LINES: usize = 25;
const LINE_POINTS: usize = 200;
const REACH: f64 = 2.5;
const LINE_COLOR: Color = Color::new(60, 90, 140);
/// Pairs of images between which is interpolated, and images between them.
const PAIRS: usize = 8;
const BETWEEN: usize = 8;
/// The angle between two independent draws of the base, nearly.
const QUARTER_TURN: f64 = std::f64::consts::FRAC_PI_2;

pub(super) fn draw(experiment: &RealNvpExperiment, source: &FlowSource, files: &RunFiles) -> Result<()> {
    let noise = &mut Noise::new(experiment.config.seed, "pictures");
    let mut draw = |n: usize| experiment.draw_plain(n, NoFlags {}, noise);
    let look = experiment.look();
    match (&experiment.target, source) {
        (Some(target), _) => {
            let n = if look.is_of_points() { TARGET_POINTS } else { FIELDS };
            let samples = host(draw(n)?);
            save_samples(&look, &independent_draws(n), None, &samples, files)?;
            plane(experiment, &samples, &samples, files)?;
            if let Potential::HarmonicChain(chain) = &target.density.potential
                && chain.n_particles() > 1
            {
                modes(chain, draw(CHAINS)?)?.save(files.named("modes.png"))?;
            }
            if let FlowFamilyConfig::Hierarchy(hierarchy) = &experiment.config.model.flow {
                let (flow, device) = (&experiment.model.model, &experiment.device);
                let picture = scales::responses(&experiment.config, flow, hierarchy, device)?;
                picture.save_png(files.named("scales.png"))?;
            }
            save_figure(&target.report().curves(&Curves::read(&files.metrics())?), files)
        }
        (None, source) => {
            let data = source.data()?;
            let n = if look.is_of_points() { POINTS.min(data.test.len()) } else { SAMPLES };
            let samples = host(draw(n)?);
            save_samples(&look, &independent_draws(n), Some(&data.test), &samples, files)?;
            if let Some(shape) = look.image() {
                interpolation(experiment, shape, data, files)?;
            }
            plane(experiment, &first(&data.test, n), &samples, files)?;
            log_prob_curves("log-density (nats)", files)
        }
    }
}

/// The density of the plane and the image of a grid in the base, if there are two variables and no context. The frame holds the
/// points `seen`.
fn plane(experiment: &RealNvpExperiment, seen: &[f32], samples: &[f32], files: &RunFiles) -> Result<()> {
    let model = &experiment.model;
    if experiment.n_visible() != 2 || model.n_context() > 0 {
        return Ok(());
    }
    let frame = Frame::around(seen, &experiment.look());
    let warped = grid().fold(frame.panel("a grid of the base"), |panel, line| {
        let z = Tensor::<2>::from_data(TensorData::new(line, [LINE_POINTS, 2]), &experiment.device);
        let points = host(model.preprocessor.inverse(model.model.inverse(z, None).0));
        let line = Series::new("", &column(&points, 2, 0), &column(&points, 2, 1));
        panel.series(line.color(LINE_COLOR))
    });
    Ok(density(experiment, &frame, CELLS, samples, warped).save(files.named("density.png"))?)
}

/// Lines along both axes, as points `[n, 2]`.
fn grid() -> impl Iterator<Item = Vec<f32>> {
    let place = |i: usize, n: usize| (REACH * (2.0 * i as f64 / (n - 1) as f64 - 1.0)) as f32;
    (0..2 * LINES).map(move |line| {
        let (axis, at) = (line % 2, place(line / 2, LINES));
        (0..LINE_POINTS)
            .flat_map(|i| if axis == 0 { [at, place(i, LINE_POINTS)] } else { [place(i, LINE_POINTS), at] })
            .collect()
    })
}

/// Test images and the arcs between them in the base.
fn interpolation(
    experiment: &RealNvpExperiment,
    (rows, columns): (usize, usize),
    data: &Splits,
    files: &RunFiles,
) -> Result<()> {
    let (flow, preprocessor) = (&experiment.model.model, &experiment.model.preprocessor);
    let n = PAIRS.min(data.test.len() / 2);
    let ends = |first: usize| -> (Tensor<2>, Option<Tensor<2>>) {
        let rows: Vec<usize> = (0..n).map(|i| 2 * i + first).collect();
        let batch = data.test.batch(&rows, &experiment.device);
        let Batch { x, context, .. } = with_classes(batch, experiment.model.n_context());
        (flow.forward(preprocessor.forward(x).0, context.as_ref()).0, context)
    };
    let ((from, labels), (to, _)) = (ends(0), ends(1));
    let sets: Vec<Vec<f32>> = (0..BETWEEN + 2)
        .map(|k| {
            // Along the arc: the base has nearly all of its mass at one distance from its center.
            let part = k as f64 / (BETWEEN + 1) as f64;
            let (a, b) = ((1.0 - part) * QUARTER_TURN, part * QUARTER_TURN);
            let z = from.clone() * a.sin() + to.clone() * b.sin();
            host(preprocessor.inverse(flow.inverse(z, labels.as_ref()).0))
        })
        .collect();
    let labels = (0..BETWEEN + 2).map(|k| if k % (BETWEEN + 1) == 0 { "test" } else { "" });
    let title = "between two test images, along an arc of the base";
    let grid = ImageGrid::new(rows, columns).title(title).column_labels(labels);
    let grid = grid.separator_after(1).separator_after(BETWEEN + 1);
    Ok(grid.render_columns(&slices(&sets))?.save_png(files.named("interpolation.png"))?)
}

/// The normal modes as the principal components of draws, whose variances are `1 / β m ω²`, and the exact ones. The modes of a
/// ring come in pairs of one frequency, and any rotation of a pair is as good, so only their frequencies are drawn.
fn modes(chain: &HarmonicChain, draws: Tensor<2>) -> Result<Figure> {
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
    if chain.ends() == Ends::Walls {
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
