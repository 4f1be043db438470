//! Draws one picture of each kind into a folder: `cargo run --release -p gibbs-report --example gallery -- FOLDER`.

use gibbs_report::{
    Axis, Color, ColorMap, Figure, FilterGrid, FilterOrder, HeatMap, Histogram, ImageGrid, Page, Panel,
    ReportError, Series, Table, Thumbnails, format_value, pair_plot,
};
use std::path::{Path, PathBuf};

/// A small generator of uniform numbers, so that the gallery is the same everywhere (Knuth's MMIX constants).
struct Uniform(u64);

impl Uniform {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 24) as f32
    }

    fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.next()).sum::<f32>() - 6.0
    }
}

/// A ring of the given radius on 28 x 28 pixels, with noise.
fn ring(radius: f32, noise: f32, random: &mut Uniform) -> Vec<f32> {
    let pixel = |i: usize| ((i / 28) as f32 - 13.5, (i % 28) as f32 - 13.5);
    let shade = |(x, y): (f32, f32)| (1.5 - (x.hypot(y) - radius).abs()).clamp(0.0, 1.0);
    (0..784).map(|i| shade(pixel(i)) * (1.0 - noise) + noise * random.next()).collect()
}

fn grids(folder: &Path, random: &mut Uniform) -> Result<(), ReportError> {
    let samples: Vec<f32> = (0..64).flat_map(|i| ring(3.0 + (i % 9) as f32, 0.1, random)).collect();
    ImageGrid::new(28, 28).title("64 samples").save(&samples, folder.join("samples.png"))?;
    let field: Vec<f32> = (0..8 * 256)
        .map(|i| ((i % 16) as f32 / 3.0).sin() * ((i / 16) as f32 / (2 + i / 256) as f32).cos())
        .collect();
    ImageGrid::new(16, 16)
        .columns(4)
        .margin_color(Color::WHITE)
        .range(-1.0, 1.0)
        .color_map(ColorMap::CoolWarm)
        .title("field configurations")
        .color_bar("field")
        .save(&field, folder.join("field.png"))?;

    let steps = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
    let chain = |step: usize, random: &mut Uniform| -> Vec<f32> {
        let noise = 1.0 / (1.0 + step as f32 / 5.0);
        (0..6).flat_map(|i| ring(4.0 + i as f32, noise, random)).collect()
    };
    let states: Vec<Vec<f32>> = steps.iter().map(|&step| chain(step, random)).collect();
    let sets: Vec<&[f32]> = states.iter().map(Vec::as_slice).collect();
    ImageGrid::chains(28, 28, &steps).render_columns(&sets)?.save_png(folder.join("chains.png"))?;

    let mut broken = ring(8.0, 0.3, random);
    broken[300..330].fill(f32::NAN);
    let originals: Vec<f32> = (0..5).flat_map(|i| ring(4.0 + i as f32, 0.0, random)).collect();
    let rebuilt: Vec<f32> = (0..4).flat_map(|i| ring(4.2 + i as f32, 0.2, random)).chain(broken).collect();
    ImageGrid::new(28, 28)
        .column_labels(["data", "reconstruction", "mean field"])
        .row_labels(["zero", "one", "two", "three", "a long name"])
        .separator_after(1)
        .render_columns(&[&originals, &rebuilt, &originals])?
        .save_png(folder.join("reconstructions.png"))?;

    let bars: Vec<f32> =
        (0..16).flat_map(|i| (0..16).map(move |p| f32::from(i >> (p % 4) & 1 == 1))).collect();
    ImageGrid::new(4, 4).columns(8).save(&bars, folder.join("bars.png"))
}

fn filters(folder: &Path, random: &mut Uniform) -> Result<(), ReportError> {
    let count = 150;
    let mut weight = vec![0.0; 784 * count];
    for j in 0..count {
        let (x, y) = (28.0 * random.next(), 28.0 * random.next());
        let strength = 0.2 + random.next();
        for i in 0..784 {
            let r2 = ((i / 28) as f32 - y).powi(2) + ((i % 28) as f32 - x).powi(2);
            weight[i * count + j] =
                strength * ((-r2 / 12.0).exp() - 0.45 * (-r2 / 40.0).exp()) + 0.02 * random.normal();
        }
    }
    FilterGrid::new(28, 28).order(FilterOrder::Norm).save(&weight, count, folder.join("filters.png"))?;
    FilterGrid::new(28, 28).layout(|grid| grid.columns(2)).limit(4).save(
        &weight,
        count,
        folder.join("few.png"),
    )
}

fn curves(folder: &Path, random: &mut Uniform) -> Result<(), ReportError> {
    let epoch: Vec<f64> = (1..=200).map(f64::from).collect();
    let mut rise = |end: f64, speed: f64, noise: f64| -> Vec<f64> {
        epoch.iter().map(|e| end - 60.0 * (-e / speed).exp() + noise * f64::from(random.normal())).collect()
    };
    let train = rise(-83.0, 25.0, 0.5);
    let mut valid = rise(-86.0, 22.0, 0.5);
    valid[80..95].fill(f64::NAN);
    let some: Vec<f64> = epoch.iter().copied().step_by(20).collect();
    let test: Vec<f64> = some.iter().map(|e| -87.0 - 55.0 * (-e / 24.0).exp()).collect();
    let lower: Vec<f64> = test.iter().map(|y| y - 2.5).collect();
    let upper: Vec<f64> = test.iter().map(|y| y + 1.0).collect();
    let rate: Vec<f64> = epoch.iter().map(|e| 0.05 * (1.0 - e / 201.0).powi(2)).collect();
    let figure = Figure::new(Axis::new("epoch").whole())
        .title("RBM 784–500 on binarized MNIST")
        .panel(
            Panel::new(Axis::new("log-likelihood, nats"))
                .series(Series::new("train (pseudo)", &epoch, &train))
                .series(Series::new("valid (pseudo)", &epoch, &valid))
                .series(Series::new("test, AIS to reverse AIS", &some, &test).band(&lower, &upper))
                .reference(-86.34, "Salakhutdinov & Murray 2008: -86.34"),
        )
        .panel(Panel::new(Axis::new("free-energy gap, nats")).series(
            Series::new("train - valid", &epoch, &rise_like(&epoch)).std_err(&vec![0.15; epoch.len()]),
        ))
        .panel(Panel::new(Axis::new("learning rate").log()).series(Series::new("", &epoch, &rate)));
    figure.save(folder.join("curves.svg"))?;
    figure.save(folder.join("curves.png"))?;

    let step: Vec<f64> = (0..200_000).map(f64::from).collect();
    let loss: Vec<f64> =
        step.iter().map(|s| 3.0 / (1.0 + s / 2e4) + 0.1 * f64::from(random.normal())).collect();
    Figure::new(Axis::new("step"))
        .panel(Panel::new(Axis::new("loss, nats")).series(Series::new("train", &step, &loss)))
        .save(folder.join("dense.png"))?;

    let names = [
        "weight norm of the visible layer",
        "hidden activation",
        "third",
        "fourth",
        "fifth",
        "a sixth one",
        "seventh",
    ];
    let panel = names.iter().enumerate().fold(
        Panel::new(Axis::new("a label that is far too long for the height of this panel")),
        |panel, (i, name)| {
            let y: Vec<f64> = some.iter().map(|e| (i as f64 + 1.0) * 1e7 * (1.0 + e / 50.0)).collect();
            panel.series(Series::new(*name, &some, &y))
        },
    );
    let panel = panel.reference(3.1e7, "first").reference(3.3e7, "second").reference(3.4e7, "third");
    Figure::new(Axis::new("epoch")).width(560).panel(panel).save(folder.join("crowded.png"))
}

fn rise_like(epoch: &[f64]) -> Vec<f64> {
    epoch.iter().map(|e| 4.0 * (1.0 - (-e / 60.0).exp())).collect()
}

fn strange(folder: &Path) -> Result<(), ReportError> {
    let none: [f64; 0] = [];
    let panel = |label: &str| Panel::new(Axis::new(label));
    Figure::new(Axis::new("x"))
        .columns(2)
        .panel_height(150)
        .panel(panel("empty").series(Series::new("nothing", &none, &none)))
        .panel(
            panel("one point")
                .series(Series::new("one", &[3.0], &[-7.0]))
                .series(Series::new("two", &[3.0], &[-7.25]))
                .reference(-7.5, "reference"),
        )
        .panel(panel("all equal").series(Series::new("same", &[1.0, 2.0, 3.0], &[5.0, 5.0, 5.0])))
        .panel(panel("infinite").series(Series::new(
            "a",
            &[1.0, 2.0, 3.0, 4.0],
            &[1.0, f64::INFINITY, f64::NAN, 2.0],
        )))
        .panel(Panel::new(Axis::new("log").log()).series(Series::new(
            "a",
            &[1.0, 2.0, 3.0],
            &[-1.0, 0.0, 4.0],
        )))
        .panel(panel("huge").series(Series::new("a", &[1.0, 2.0], &[f64::MIN, f64::MAX])))
        .save(folder.join("strange.png"))
}

fn plane(folder: &Path, random: &mut Uniform) -> Result<(), ReportError> {
    let density =
        |x: f32, y: f32| (-((x.hypot(y) - 2.0) / 0.35).powi(2)).exp() + (-(x * x + y * y) / 0.1).exp();
    let values: Vec<f32> = (0..80 * 80)
        .map(|i| density(((i % 80) as f32 - 39.5) / 10.0, ((i / 80) as f32 - 39.5) / 10.0))
        .collect();
    let map = HeatMap::new(&values, (80, 80), (-4.0, 4.0), (-4.0, 4.0));
    let mut scatter = Panel::new(Axis::new("y")).title("samples").equal();
    for class in 0..3 {
        let (mut xs, mut ys) = (Vec::new(), Vec::new());
        for _ in 0..600 {
            let angle = 2.1 * (class as f32 + random.next());
            let radius = 2.0 + 0.25 * random.normal();
            xs.push(radius * angle.cos());
            ys.push(radius * angle.sin());
        }
        scatter = scatter.series(Series::new(format!("class {class}"), &xs, &ys).dots(1.6));
    }
    let figure =
        Figure::new(Axis::new("x")).columns(2).panel_height(300).share_limits().panel(scatter).panel(
            Panel::new(Axis::new("y")).title("density").equal().heat_map(map.clone()).color_label("p(x, y)"),
        );
    figure.save(folder.join("plane.png"))?;
    figure.save(folder.join("plane.svg"))?;

    let signed: Vec<f32> =
        (0..600).map(|i| ((i % 30) as f32 / 4.0).sin() * ((i / 30) as f32 / 3.0).cos()).collect();
    Figure::new(Axis::new("x"))
        .width(520)
        .panel_height(300)
        .panel(
            Panel::new(Axis::new("y")).heat_map(
                HeatMap::new(&signed, (20, 30), (0.0, 3.0), (0.0, 2.0))
                    .color_map(ColorMap::CoolWarm)
                    .limits(-1.0, 1.0),
            ),
        )
        .save(folder.join("signed.png"))?;

    let mut table = |n: usize, spread: f32| -> Vec<f32> {
        let row = |[a, b, c, d]: [f32; 4]| [a, 0.8 * a + 0.6 * b, a * a + 0.5 * c, spread * d];
        (0..n).flat_map(|_| row([0; 4].map(|_| random.normal()))).collect()
    };
    let (test, drawn) = (table(1000, 1.0), table(1000, 1.4));
    let names = ["mass", "velocity", "energy", "age"];
    pair_plot(&names, &[("test", &test), ("samples", &drawn)])?
        .title("A table with four columns")
        .save(folder.join("pairs.png"))?;
    let wide = table(1000, 1.0);
    let names: Vec<String> = (1..9).map(|j| format!("column {j}")).collect();
    pair_plot(&names, &[("test", &wide)])?.save(folder.join("pairs-8.png"))?;

    let values: Vec<f32> = (0..4000).map(|_| random.normal()).collect();
    let other: Vec<f32> = (0..1000).map(|_| 1.5 + 0.5 * random.normal()).collect();
    Figure::new(Axis::new("log-weight, nats"))
        .panel(
            Panel::new(Axis::new("density"))
                .histogram(Histogram::new("AIS", &values, 50))
                .histogram(Histogram::new("reverse AIS", &other, 50)),
        )
        .save(folder.join("histogram.png"))
}

/// Codes of ten classes in the plane, each with a ring for its image, and a grid of them with a row for each class.
fn codes(folder: &Path, random: &mut Uniform) -> Result<(), ReportError> {
    let (mut x, mut y, mut labels, mut images) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..3000 {
        let class = (10.0 * random.next()) as u8;
        let (angle, bend) = (0.63 * f32::from(class), 0.25 * random.normal());
        let distance = 3.0 + 2.0 * f32::from(class % 2) + 0.5 * random.normal();
        x.push(distance * (angle + bend / 3.0).cos());
        y.push(distance * (angle + bend / 3.0).sin());
        labels.push(u16::from(class));
        images.extend(ring(2.0 + f32::from(class), 0.0, random));
    }
    let panel = |title: &str| Panel::new(Axis::new("code 2")).title(title).equal();
    let pictures = Thumbnails::new(&x, &y, &images, (28, 28));
    Figure::new(Axis::new("code 1"))
        .panel_height(760)
        .panel(panel("codes").classes(&x, &y, &labels).thumbnails(pictures.clone().classes(&labels)))
        .save(folder.join("codes.png"))?;
    Figure::new(Axis::new("code 1"))
        .panel_height(300)
        .columns(2)
        .panel(panel("without images").classes(&x, &y, &labels))
        .panel(
            panel("without labels").series(Series::new("", &x, &y).dots(1.6)).thumbnails(pictures.size(20.0)),
        )
        .save(folder.join("codes-small.png"))?;

    let rows: Vec<Vec<f32>> = (0..10)
        .map(|class| (0..12).flat_map(|i| ring(2.0 + class as f32, i as f32 / 24.0, random)).collect())
        .collect();
    let sets: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
    ImageGrid::new(28, 28).row_labels(0..10).render_rows(&sets)?.save_png(folder.join("classes.png"))
}

fn main() -> Result<(), ReportError> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| ".".into()));
    let mut random = Uniform(1);
    grids(&folder, &mut random)?;
    filters(&folder, &mut random)?;
    curves(&folder, &mut random)?;
    strange(&folder)?;
    plane(&folder, &mut random)?;
    codes(&folder, &mut random)?;
    let curves = std::fs::read_to_string(folder.join("curves.svg")).unwrap_or_default();
    Page::new("RBM on binarized MNIST")
        .table(&Table::new(["metric", "value"]).right(1).row(["log_prob", &format_value(-86.12, 0.03)]))
        .svg(&curves, "curves of the training", "Training")
        .save(folder.join("report.html"))
}
