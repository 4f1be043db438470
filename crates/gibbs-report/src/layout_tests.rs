//! Tests of where the words and lines of a figure end up.

use crate::scene::{Item, Scene};
use crate::{Axis, Figure, HeatMap, Histogram, Panel, Series};

fn ramp(n: usize, scale: f64) -> Vec<f64> {
    (0..n).map(|i| scale * i as f64).collect()
}

fn training() -> Figure {
    let epoch = ramp(40, 1.0);
    Figure::new(Axis::new("epoch").whole())
        .title("RBM")
        .panel(
            Panel::new(Axis::new("log-likelihood, nats"))
                .series(Series::new("train", &epoch, &ramp(40, -2.5)))
                .series(Series::new("valid", &epoch, &ramp(40, -3.0)).std_err(&vec![1.0; 40]))
                .reference(-86.34, "published"),
        )
        .panel(Panel::new(Axis::new("rate").log()).series(Series::new("rate", &epoch, &ramp(40, 1e-4))))
}

fn scene(figure: &Figure) -> Scene {
    crate::layout::arrange(figure)
}

#[test]
fn no_word_is_cut_or_covered() {
    let heat = HeatMap::new(&[-3.0e-7, 0.0, 1.0, 2.0e6], (2, 2), (-1.0, 1.0), (-1.0, 1.0));
    let long = "a name that goes on and on until no reader could care any more what was meant by it at all";
    let crowded = (0..9).fold(Panel::new(Axis::new(long)).title(long), |panel, i| {
        panel.series(Series::new(format!("{i} {long}"), &ramp(5, 1e7), &ramp(5, f64::from(i) * 1e-9)))
    });
    let figures = [
        training(),
        training().width(300).panel_height(80),
        training().columns(2),
        Figure::new(Axis::new(long)).title(long).panel(crowded.clone()),
        Figure::new(Axis::new(long)).columns(3).panel(crowded.clone()).panel(crowded.clone()).panel(crowded),
        Figure::new(Axis::new("x"))
            .columns(2)
            .panel(Panel::new(Axis::new("y")).equal().heat_map(heat.clone()).color_label("density"))
            .panel(
                Panel::new(Axis::new("y"))
                    .equal()
                    .heat_map(heat)
                    .series(Series::new("dots", &ramp(9, 0.1), &ramp(9, 0.1)).dots(2.0)),
            ),
        Figure::new(Axis::new("x")).panel(Panel::new(Axis::new("y")).histogram(Histogram::new(
            "h",
            &[1.0, 2.0, 4.0],
            9,
        ))),
    ];
    for figure in &figures {
        scene(figure).assert_readable();
    }
}

#[test]
fn three_close_references_keep_their_labels_apart() {
    let panel = Panel::new(Axis::new("y")).series(Series::new("a", &ramp(50, 1.0), &ramp(50, 1.0)));
    let panel = panel.reference(20.0, "first").reference(20.5, "second").reference(21.0, "third");
    let scene = scene(&Figure::new(Axis::new("x")).panel(panel));
    scene.assert_readable();
    let labels = ["first", "second", "third"];
    assert!(labels.iter().all(|label| scene.texts().iter().any(|text| text.text == *label)));
}

#[test]
fn stacked_panels_line_up_and_share_their_x_axis() {
    let scene = scene(&training());
    let names: Vec<&str> = scene.texts().iter().map(|text| text.text.as_str()).collect();
    assert_eq!(names.iter().filter(|name| **name == "epoch").count(), 1);
    for name in ["RBM", "train", "valid", "published", "log-likelihood, nats", "rate", "0.001"] {
        assert!(names.contains(&name), "{name} is missing from {names:?}");
    }
    let upward: Vec<f64> = scene.texts().iter().filter(|text| text.upward).map(|text| text.x).collect();
    assert_eq!(upward.len(), 2);
    assert_eq!(upward[0], upward[1]);
}

#[test]
fn a_gap_stays_a_gap() {
    let y = [1.0, 2.0, f64::NAN, 2.0, 1.0, f64::INFINITY, 3.0];
    let series = Series::new("a", &ramp(7, 1.0), &y);
    let figure = Figure::new(Axis::new("x")).panel(Panel::new(Axis::new("y")).series(series));
    let scene = scene(&figure);
    let is_data = |item: &&Item| matches!(item, Item::Line { width, .. } if *width == 1.8);
    assert_eq!(scene.items.iter().filter(is_data).count(), 2);
    assert_eq!(scene.items.iter().filter(|item| matches!(item, Item::Disc { .. })).count(), 5);
    assert!(scene.texts().iter().any(|text| text.text == "a (2 of 7 not shown)"));
}

#[test]
fn nothing_drawn_leaves_the_picture() {
    let wild = Series::new("wild", &[0.0, 1.0, 2.0, 3.0], &[-1e140, 5.0, 1e149, 0.5])
        .band(&[f64::NEG_INFINITY, 0.0, 0.0, f64::NAN], &[1.0, 1e140, 2.0, 1.0]);
    let panel = Panel::new(Axis::new("y").range(0.0, 1.0)).series(wild.clone());
    let free = Panel::new(Axis::new("y")).series(wild);
    let scene = scene(&Figure::new(Axis::new("x").range(0.5, 2.5)).panel(panel).panel(free));
    let (width, height) = (f64::from(scene.width), f64::from(scene.height));
    let inside = |&(x, y): &(f64, f64)| x >= 0.0 && y >= 0.0 && x <= width && y <= height;
    for item in &scene.items {
        match item {
            Item::Line { points, .. } | Item::Polygon { points, .. } => {
                assert!(points.iter().all(inside), "{points:?}")
            }
            Item::Disc { x, y, .. } => assert!(inside(&(*x, *y))),
            _ => {}
        }
    }
}
