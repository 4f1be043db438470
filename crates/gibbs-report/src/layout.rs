//! The layout of a figure.

use crate::axis::{Axis, Padding, Span};
use crate::color_bar;
use crate::font::{self, INK, WORDS};
use crate::frame::Frame;
use crate::panel::Panel;
use crate::scene::{Anchor, Scene};
use crate::ticks::Tick;
use crate::{Color, Figure, labels, legend};

/// Em of numbers.
const NUMBERS: f64 = 12.5;
const TITLE: f64 = 17.0;
const SMALLEST: f64 = 9.0;
const AXIS: Color = Color::gray(0x66);
const GRID: Color = Color::gray(0xe3);
const FAINT_GRID: Color = Color::gray(0xf2);
const BAR: f64 = 14.0;

/// A panel with its ranges, and the room that it needs to the left and to the right of its frame.
struct Prepared<'a> {
    panel: &'a Panel,
    axis: &'a Axis,
    x: Span,
    y: Span,
    has_edges: bool,
    has_numbers: [bool; 2],
    left: f64,
    right: f64,
}

/// Lays out a figure.
pub(crate) fn arrange(figure: &Figure) -> Scene {
    let columns = figure.columns.min(figure.panels.len()).max(1);
    let prepared = prepare(figure, columns);
    // The panels of a column share their margins, and all frames are equally wide, so that they line up.
    let margin = |column: usize, of: fn(&Prepared) -> f64| {
        prepared.iter().skip(column).step_by(columns).map(of).fold(0.0, f64::max)
    };
    let margins: Vec<(f64, f64)> =
        (0..columns).map(|column| (margin(column, |p| p.left), margin(column, |p| p.right))).collect();
    let room: f64 = margins.iter().map(|(left, right)| left + right).sum();
    let width = ((f64::from(figure.width) - room) / columns as f64).max(20.0);
    let mut scene = Scene::new(figure.width, 0);
    let mut y = if figure.title.is_empty() { 6.0 } else { 34.0 };
    for line in prepared.chunks(columns) {
        let head = line.iter().map(|p| head_height(p, width)).fold(0.0, f64::max);
        let mut edge = 0.0;
        let mut frames = Vec::with_capacity(columns);
        for (item, (left, right)) in line.iter().zip(&margins) {
            let height = f64::from(figure.panel_height);
            let mut frame = Frame { left: edge + left, top: 0.0, width, height, x: item.x, y: item.y };
            if item.panel.equal {
                equalize(&mut frame, item.has_edges);
            }
            frames.push(frame);
            edge += left + width + right;
        }
        let height = frames.iter().map(|frame| frame.height).fold(0.0, f64::max);
        for ((item, mut frame), (margin, _)) in line.iter().zip(frames).zip(&margins) {
            frame.top = y + head + height - frame.height;
            draw_panel(&mut scene, item, &frame, y, *margin);
        }
        y += head + height + line.iter().map(foot_height).fold(0.0, f64::max);
    }
    scene.height = (y + 4.0).ceil() as u32;
    if !figure.title.is_empty() {
        let middle = f64::from(figure.width) / 2.0;
        fitted_text(&mut scene, (middle, 23.0), &figure.title, TITLE, f64::from(figure.width) - 16.0);
    }
    scene
}

/// The range of an axis that shows all these panels along x (0) or y (1).
fn common_span(axis: &Axis, panels: &[&Panel], direction: usize) -> Span {
    let padding = panels.iter().map(|panel| panel.padding()[direction]).reduce(Padding::smaller);
    let values = panels.iter().flat_map(|panel| std::mem::take(&mut panel.values()[direction]));
    axis.span(values, padding.unwrap_or_default())
}

fn prepare(figure: &Figure, columns: usize) -> Vec<Prepared<'_>> {
    let all: Vec<&Panel> = figure.panels.iter().collect();
    let sharing: Vec<&Panel> = all.iter().copied().filter(|panel| panel.x.is_none()).collect();
    let shared = common_span(&figure.x, &sharing, 0);
    let last_sharing = figure.panels.iter().rposition(|panel| panel.x.is_none());
    let one = |(i, panel): (usize, &'_ &'_ Panel)| {
        let panel: &Panel = panel;
        let axis = panel.x.as_ref().unwrap_or(&figure.x);
        let with: &[&Panel] = if figure.share_limits { &all } else { &[panel] };
        let x = if panel.x.is_none() && !figure.share_limits { shared } else { common_span(axis, with, 0) };
        let y = common_span(&panel.y, with, 1);
        let own_x = panel.x.is_some() || columns > 1 || Some(i) == last_sharing;
        let has_numbers = panel.compact.unwrap_or([own_x, true]);
        let numbers = y_ticks(&y, &panel.y, f64::from(figure.panel_height));
        let widest = numbers.iter().map(|tick| font::width(&tick.label, NUMBERS)).fold(0.0, f64::max);
        let label = if panel.y.label.is_empty() { 0.0 } else { WORDS + 12.0 };
        let right = panel.color_scale().map_or(26.0, |scale| {
            let label = if panel.bar_label.is_empty() { 6.0 } else { WORDS + 14.0 };
            12.0 + BAR + color_bar::vertical_width(&scale) + label
        });
        Prepared {
            has_edges: with.iter().any(|panel| panel.has_edges()),
            left: if has_numbers[1] { label + widest + 14.0 } else { 5.0 },
            right: if panel.compact.is_some() { 5.0 } else { right },
            panel: &figure.panels[i],
            axis: figure.panels[i].x.as_ref().unwrap_or(&figure.x),
            x,
            y,
            has_numbers,
        }
    };
    all.iter().enumerate().map(one).collect()
}

fn y_ticks(span: &Span, axis: &Axis, height: f64) -> Vec<Tick> {
    span.ticks(((height / 42.0) as usize).clamp(2, 8), axis.whole)
}

/// As many numbers as fit next to each other.
fn x_ticks(span: &Span, axis: &Axis, width: f64) -> Vec<Tick> {
    let mut count = ((width / 60.0) as usize).clamp(3, 12);
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

/// Gives a unit the same length on both axes. The frame becomes smaller if the data have edges; else it shows more of x or y.
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
        (frame.width, frame.height) = (width, height);
    } else if unit_x > unit_y {
        frame.x = frame.x.stretched(unit_x / unit_y);
    } else {
        frame.y = frame.y.stretched(unit_y / unit_x);
    }
}

fn head_height(item: &Prepared, width: f64) -> f64 {
    if item.panel.is_blank() {
        return 0.0;
    }
    let title = if item.panel.title.is_empty() { 0.0 } else { 24.0 };
    title + legend::height(&item.panel.legend(item.axis), width) + 8.0
}

fn foot_height(item: &Prepared) -> f64 {
    let label = if item.axis.label.is_empty() { 0.0 } else { 22.0 };
    match item.has_numbers[0] {
        true => 22.0 + label + 4.0,
        false if item.panel.compact.is_some() => 2.0,
        false => 10.0,
    }
}

/// Draws a panel whose room begins at `top`. `margin` is the room at the left of its frame.
fn draw_panel(scene: &mut Scene, item: &Prepared, frame: &Frame, top: f64, margin: f64) {
    let panel = item.panel;
    let entries = panel.legend(item.axis);
    if panel.is_blank() {
        legend::draw(
            scene,
            &entries,
            (frame.left + 10.0, frame.top),
            f64::from(scene.width) - frame.left - 20.0,
        );
        return;
    }
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
    legend::draw(scene, &entries, (frame.left, y), frame.width);
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
    labels::draw(scene, frame, panel);
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
        if item.has_numbers[1] {
            scene.line(vec![(left - 4.0, y), (left, y)], 1.0, AXIS);
            let base = y + font::CAPITALS * NUMBERS / 2.0;
            scene.text((left - 7.0, base), &tick.label, NUMBERS, INK, Anchor::End);
        }
    }
    if item.has_numbers[1] && !item.panel.y.label.is_empty() {
        upward_label(scene, left - margin + 6.0 + font::ASCENT * WORDS, frame, &item.panel.y.label);
    }
    for tick in x_ticks {
        let x = frame.place(tick.value, frame.y.low).0;
        if item.has_numbers[0] || item.panel.compact.is_none() {
            scene.line(vec![(x, bottom), (x, bottom + 4.0)], 1.0, AXIS);
        }
        if item.has_numbers[0] {
            scene.text((x, bottom + 18.0), &tick.label, NUMBERS, INK, Anchor::Middle);
        }
    }
    if item.has_numbers[0] && !item.axis.label.is_empty() {
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
