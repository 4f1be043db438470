//! Where the parts of a figure go.

use crate::axis::{Axis, Padding, Span};
use crate::color_bar;
use crate::font;
use crate::frame::Frame;
use crate::panel::Panel;
use crate::scene::{Anchor, Scene};
use crate::ticks::Tick;
use crate::{Color, Figure, labels, legend};

/// Em of axis labels and legends.
pub(crate) const WORDS: f64 = 14.0;
/// Em of numbers.
const NUMBERS: f64 = 12.5;
const TITLE: f64 = 17.0;
const SMALLEST: f64 = 9.0;
pub(crate) const INK: Color = Color::gray(0x22);
const AXIS: Color = Color::gray(0x66);
const GRID: Color = Color::gray(0xe3);
const FAINT_GRID: Color = Color::gray(0xf2);
const BAR: f64 = 14.0;

/// A panel with its axes settled and the room it needs around its frame.
struct Prepared<'a> {
    panel: &'a Panel,
    axis: &'a Axis,
    x: Span,
    y: Span,
    has_numbers_below: bool,
    left: f64,
    right: f64,
}

/// Lays out all of a figure.
pub(crate) fn arrange(figure: &Figure) -> Scene {
    let columns = figure.columns.min(figure.panels.len()).max(1);
    let cell = f64::from(figure.width) / columns as f64;
    let prepared = prepare(figure, columns);
    let height = f64::from(figure.panel_height);
    let top = if figure.title.is_empty() { 6.0 } else { 34.0 };
    // Panels of one column share their margins, so that their frames line up.
    let margin = |column: usize, of: fn(&Prepared) -> f64| {
        prepared.iter().skip(column).step_by(columns).map(of).fold(0.0, f64::max)
    };
    let mut scene = Scene::new(figure.width, 0);
    let mut y = top;
    for line in prepared.chunks(columns) {
        let frames: Vec<(f64, f64)> = (0..line.len())
            .map(|column| {
                let left = column as f64 * cell + margin(column, |p| p.left);
                let right = (column + 1) as f64 * cell - margin(column, |p| p.right);
                (left, (right - left).max(20.0))
            })
            .collect();
        let head = line.iter().zip(&frames).map(|(p, f)| head_height(p, f.1)).fold(0.0, f64::max);
        for (column, (item, &(left, width))) in line.iter().zip(&frames).enumerate() {
            let mut frame = Frame { left, top: y + head, width, height, x: item.x, y: item.y };
            if item.panel.equal {
                equalize(&mut frame, item.panel.has_edges());
            }
            draw_panel(&mut scene, item, &frame, y, margin(column, |p| p.left));
        }
        let foot = line.iter().map(foot_height).fold(0.0, f64::max);
        y += head + height + foot;
    }
    scene.height = (y + 4.0).ceil() as u32;
    if !figure.title.is_empty() {
        let middle = f64::from(figure.width) / 2.0;
        fitted_text(&mut scene, (middle, 23.0), &figure.title, TITLE, f64::from(figure.width) - 16.0);
    }
    scene
}

fn prepare(figure: &Figure, columns: usize) -> Vec<Prepared<'_>> {
    let sharing: Vec<&Panel> = figure.panels.iter().filter(|panel| panel.x.is_none()).collect();
    let all: Vec<f64> = sharing.iter().flat_map(|panel| panel.x_values()).collect();
    let padding = sharing.iter().map(|panel| panel.x_padding().low).fold(0.04, f64::min);
    let shared = figure.x.span(all, Padding { low: padding, high: padding });
    let last_sharing = figure.panels.iter().rposition(|panel| panel.x.is_none());
    let one = |(i, panel): (usize, &'_ Panel)| -> (Span, bool) {
        match &panel.x {
            Some(axis) => (axis.span(panel.x_values(), panel.x_padding()), true),
            None => (shared, columns > 1 || Some(i) == last_sharing),
        }
    };
    figure
        .panels
        .iter()
        .enumerate()
        .map(|(i, panel)| {
            let (x, has_numbers_below) = one((i, panel));
            let y = panel.y_span();
            let numbers = y_ticks(&y, &panel.y, f64::from(figure.panel_height));
            let widest = numbers.iter().map(|tick| font::width(&tick.label, NUMBERS)).fold(0.0, f64::max);
            let label = if panel.y.label.is_empty() { 0.0 } else { WORDS + 12.0 };
            let right = panel.color_scale().map_or(26.0, |scale| {
                let label = if panel.bar_label.is_empty() { 6.0 } else { WORDS + 14.0 };
                12.0 + BAR + color_bar::vertical_width(&scale) + label
            });
            let axis = panel.x.as_ref().unwrap_or(&figure.x);
            Prepared { panel, axis, x, y, has_numbers_below, left: label + widest + 14.0, right }
        })
        .collect()
}

fn y_ticks(span: &Span, axis: &Axis, height: f64) -> Vec<Tick> {
    span.ticks(((height / 42.0) as usize).clamp(2, 8), axis.whole)
}

/// As many numbers as fit beside each other.
fn x_ticks(span: &Span, axis: &Axis, width: f64) -> Vec<Tick> {
    let mut count = ((width / 60.0) as usize).clamp(2, 12);
    loop {
        let ticks = span.ticks(count, axis.whole);
        let fits = ticks.windows(2).all(|pair| {
            let distance = (span.part(pair[1].value) - span.part(pair[0].value)) * width;
            let half = |tick: &Tick| font::width(&tick.label, NUMBERS) / 2.0;
            distance > half(&pair[0]) + half(&pair[1]) + 8.0
        });
        if fits || count <= 1 {
            return if fits { ticks } else { ticks.into_iter().take(1).collect() };
        }
        count -= 1;
    }
}

/// Makes a unit equally long on both axes: by a smaller frame where the data has edges, else by showing more of x or of y.
fn equalize(frame: &mut Frame, has_edges: bool) {
    if frame.x.log || frame.y.log {
        return;
    }
    let unit_x = frame.width / (frame.x.high - frame.x.low);
    let unit_y = frame.height / (frame.y.high - frame.y.low);
    if has_edges {
        let (width, height) = (
            frame.width.min(frame.width * unit_y / unit_x),
            frame.height.min(frame.height * unit_x / unit_y),
        );
        frame.left += (frame.width - width) / 2.0;
        frame.top += frame.height - height;
        (frame.width, frame.height) = (width, height);
    } else if unit_x > unit_y {
        frame.x = frame.x.stretched(unit_x / unit_y);
    } else {
        frame.y = frame.y.stretched(unit_y / unit_x);
    }
}

fn head_height(item: &Prepared, width: f64) -> f64 {
    let title = if item.panel.title.is_empty() { 0.0 } else { 24.0 };
    title + legend::height(&item.panel.legend(item.axis), width) + 8.0
}

fn foot_height(item: &Prepared) -> f64 {
    let label = if item.axis.label.is_empty() { 0.0 } else { 22.0 };
    if item.has_numbers_below { 22.0 + label + 4.0 } else { 10.0 }
}

/// `top` is where the room of the panel begins, `margin` the room at the left of its frame.
fn draw_panel(scene: &mut Scene, item: &Prepared, frame: &Frame, top: f64, margin: f64) {
    let panel = item.panel;
    let mut y = top;
    if !panel.title.is_empty() {
        y += 24.0;
        fitted_text(
            scene,
            (frame.left + frame.width / 2.0, y - 6.0),
            &panel.title,
            WORDS + 1.0,
            frame.width + 20.0,
        );
    }
    legend::draw(scene, &item.panel.legend(item.axis), (frame.left, y), frame.width);
    let x_ticks = x_ticks(&frame.x, item.axis, frame.width);
    let y_ticks = y_ticks(&frame.y, &panel.y, frame.height);
    grid_lines(scene, frame, &x_ticks, &y_ticks);
    panel.draw_below(scene, frame);
    labels::reference_lines(scene, frame, &panel.references);
    panel.draw_above(scene, frame);
    color_bar::outline(scene, [frame.left, frame.top, frame.width, frame.height]);
    numbers(scene, item, frame, (&x_ticks, &y_ticks), margin);
    if let Some(scale) = panel.color_scale() {
        let left = frame.right() + 12.0;
        color_bar::vertical(scene, [left, frame.top, BAR, frame.height], &scale);
        if !panel.bar_label.is_empty() {
            let x = left + BAR + color_bar::vertical_width(&scale) + WORDS;
            upward_label(scene, x, frame, &panel.bar_label);
        }
    }
    labels::reference_labels(scene, frame, &panel.references, &panel.places(frame));
}

fn grid_lines(scene: &mut Scene, frame: &Frame, x_ticks: &[Tick], y_ticks: &[Tick]) {
    let upright = |scene: &mut Scene, value, color| {
        let x = frame.place(value, frame.y.low).0;
        scene.line(vec![(x, frame.top), (x, frame.bottom())], 1.0, color);
    };
    let level = |scene: &mut Scene, value, color| {
        let y = frame.place(frame.x.low, value).1;
        scene.line(vec![(frame.left, y), (frame.right(), y)], 1.0, color);
    };
    frame.x.minor().into_iter().for_each(|value| upright(scene, value, FAINT_GRID));
    frame.y.minor().into_iter().for_each(|value| level(scene, value, FAINT_GRID));
    x_ticks.iter().for_each(|tick| upright(scene, tick.value, GRID));
    y_ticks.iter().for_each(|tick| level(scene, tick.value, GRID));
}

fn numbers(
    scene: &mut Scene,
    item: &Prepared,
    frame: &Frame,
    (x_ticks, y_ticks): (&[Tick], &[Tick]),
    margin: f64,
) {
    let (left, bottom) = (frame.left, frame.bottom());
    for tick in y_ticks {
        let y = frame.place(frame.x.low, tick.value).1;
        scene.line(vec![(left - 4.0, y), (left, y)], 1.0, AXIS);
        let base = y + font::CAPITALS * NUMBERS / 2.0;
        scene.text((left - 7.0, base), &tick.label, NUMBERS, INK, Anchor::End);
    }
    if !item.panel.y.label.is_empty() {
        upward_label(scene, left - margin + 6.0 + font::ASCENT * WORDS, frame, &item.panel.y.label);
    }
    for tick in x_ticks {
        let x = frame.place(tick.value, frame.y.low).0;
        scene.line(vec![(x, bottom), (x, bottom + 4.0)], 1.0, AXIS);
        if item.has_numbers_below {
            scene.text((x, bottom + 18.0), &tick.label, NUMBERS, INK, Anchor::Middle);
        }
    }
    if item.has_numbers_below && !item.axis.label.is_empty() {
        let middle = left + frame.width / 2.0;
        fitted_text(scene, (middle, bottom + 39.0), &item.axis.label, WORDS, frame.width);
    }
}

/// A label along the height of a frame, base line at `x`.
fn upward_label(scene: &mut Scene, x: f64, frame: &Frame, label: &str) {
    let (text, size) = font::fitted(label, WORDS, SMALLEST, frame.height);
    scene.upward_text((x, frame.top + frame.height / 2.0), &text, size, INK, Anchor::Middle);
}

fn fitted_text(scene: &mut Scene, place: (f64, f64), text: &str, size: f64, room: f64) {
    let (text, size) = font::fitted(text, size, SMALLEST, room);
    scene.text(place, &text, size, INK, Anchor::Middle);
}
