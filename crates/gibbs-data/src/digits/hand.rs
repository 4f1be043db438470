//! Makes a handwritten instance from the skeleton of a digit: the path of the pen on the image.

use super::SIDE;
use super::skeletons::{SHAPES, Shape};
use crate::draws::Draws;
use crate::pen::{Nib, Path};
use crate::portable::sin_cos_turns;

/// Largest number of uniform draws for one image.
pub(super) const DRAWS: usize = 256;

/// Largest number of uniform draws for an image whose shape has `knots` distinct knots: class and shape, two for each knot
/// and each point of the field, three for the hand and six for the pen. Three uniform draws make one bell.
#[cfg(test)]
pub(super) fn draws_for(knots: usize) -> usize {
    2 + 3 * (2 * knots + 2 * GRID * GRID + 3 + 2) + 4
}

/// Points on each span between two knots.
const SPAN: usize = 4;
/// Knots on each side of the grid of the displacement field.
const GRID: usize = 5;
/// Usual width of a skeleton. Its height is 1.
const WIDTH: f32 = 0.7;
/// Largest side of a digit in pixels, before the random scale.
const BOX: f32 = 20.0;

/// One instance of digit `class` (0 to 9).
pub(super) fn write(class: usize, draws: &mut Draws) -> Path {
    let shape = choose(SHAPES[class], draws);
    let mut strokes: Vec<Vec<[f32; 2]>> = bend(shape, draws);
    let field = Field::new(draws);
    let hand = Hand::new(draws);
    for point in strokes.iter_mut().flatten() {
        *point = hand.apply(field.apply(*point));
    }

    let radius = 0.88 + 0.52 * (draws.uniform() + draws.uniform());
    let size = BOX * (0.96 + 0.07 * draws.bell()) - 2.0 * radius;
    fit(&mut strokes, size);

    let pressure = 0.22 * draws.bell();
    let softness = 1.15 + 0.5 * draws.uniform();
    let ink = 1.0 - 0.1 * draws.uniform();
    let length: usize = strokes.iter().map(Vec::len).sum();
    let mut done = 0;
    let strokes = strokes
        .into_iter()
        .map(|stroke| {
            let nibs = stroke.iter().enumerate().map(|(i, &[x, y])| {
                let done = (done + i) as f32 / length as f32;
                Nib { x, y, radius: radius * (1.0 + pressure * (1.0 - 2.0 * done)) }
            });
            let nibs: Vec<_> = nibs.collect();
            done += nibs.len();
            nibs
        })
        .collect();
    Path { strokes, softness, ink }
}

fn choose(shapes: &'static [(Shape, f32)], draws: &mut Draws) -> Shape {
    let total: f32 = shapes.iter().map(|(_, frequency)| frequency).sum();
    let mut left = draws.uniform() * total;
    for (shape, frequency) in shapes {
        left -= frequency;
        if left < 0.0 {
            return shape;
        }
    }
    shapes[0].0
}

/// Moves the knots at random (equal knots together) and returns the spline through them.
fn bend(shape: Shape, draws: &mut Draws) -> Vec<Vec<[f32; 2]>> {
    const MOVE: f32 = 0.027;
    let mut moved: Vec<([f32; 2], [f32; 2])> = Vec::new();
    shape
        .iter()
        .map(|stroke| {
            let knots: Vec<[f32; 2]> = stroke
                .iter()
                .map(|&(x, y)| match moved.iter().find(|(from, _)| *from == [x, y]) {
                    Some((_, to)) => *to,
                    None => {
                        let to = [x + MOVE * draws.bell(), y + MOVE * draws.bell()];
                        moved.push(([x, y], to));
                        to
                    }
                })
                .collect();
            spline(&knots)
        })
        .collect()
}

/// Catmull-Rom spline through `knots` (E. Catmull, R. Rom, *A class of local interpolating splines*, 1974), as points.
fn spline(knots: &[[f32; 2]]) -> Vec<[f32; 2]> {
    let last = knots.len() - 1;
    let mut points = vec![knots[0]];
    for i in 0..last {
        let (b, c) = (knots[i], knots[i + 1]);
        if b == c {
            continue;
        }
        let (a, d) = (knots[i.saturating_sub(1)], knots[(i + 2).min(last)]);
        for k in 1..=SPAN {
            let t = k as f32 / SPAN as f32;
            points.push([0, 1].map(|j| {
                let (entry, exit) = (0.5 * (c[j] - a[j]), 0.5 * (d[j] - b[j]));
                let cubic = 2.0 * (b[j] - c[j]) + entry + exit;
                let square = 3.0 * (c[j] - b[j]) - 2.0 * entry - exit;
                ((cubic * t + square) * t + entry) * t + b[j]
            }));
        }
    }
    points
}

/// Smooth random displacement: independent draws on a coarse grid, interpolated by cubic B-splines.
struct Field([[[f32; 2]; GRID]; GRID]);

impl Field {
    fn new(draws: &mut Draws) -> Self {
        const STRENGTH: f32 = 0.12;
        Self([(); GRID].map(|()| [(); GRID].map(|()| [(); 2].map(|()| STRENGTH * draws.bell()))))
    }

    fn apply(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let ((column, across), (row, down)) = (knots(x / WIDTH), knots(y));
        let mut moved = [x, y];
        for (knots, at_row) in self.0[row..].iter().zip(down) {
            for (knot, at_column) in knots[column..].iter().zip(across) {
                for (to, by) in moved.iter_mut().zip(knot) {
                    *to += at_row * at_column * by;
                }
            }
        }
        moved
    }
}

/// The first of the four knots around `t` in `[0, 1]`, and their uniform cubic B-spline weights.
fn knots(t: f32) -> (usize, [f32; 4]) {
    const CELLS: usize = GRID - 3;
    let t = t.clamp(0.0, 1.0) * CELLS as f32;
    let cell = (t as usize).min(CELLS - 1);
    let t = t - cell as f32;
    let s = 1.0 - t;
    let weights = [
        s * s * s / 6.0,
        (4.0 - 6.0 * t * t + 3.0 * t * t * t) / 6.0,
        (4.0 - 6.0 * s * s + 3.0 * s * s * s) / 6.0,
        t * t * t / 6.0,
    ];
    (cell, weights)
}

/// Slant, aspect and rotation of a whole digit, as one linear map.
struct Hand([[f32; 2]; 2]);

impl Hand {
    fn new(draws: &mut Draws) -> Self {
        let slant = 0.12 + 0.27 * draws.bell();
        let aspect = 1.0 + 0.2 * draws.bell();
        let (sin, cos) = sin_cos_turns(0.022 * f64::from(draws.bell()));
        let (sin, cos) = (sin as f32, cos as f32);
        Self([[cos * aspect, -cos * slant - sin], [sin * aspect, cos - sin * slant]])
    }

    fn apply(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        self.0.map(|[a, b]| a * x + b * y)
    }
}

/// Scales the path to `size` pixels along its larger side and moves the middle of its box to the center of the image.
fn fit(strokes: &mut [Vec<[f32; 2]>], size: f32) {
    let (mut low, mut high) = ([f32::MAX; 2], [f32::MIN; 2]);
    for point in strokes.iter().flatten() {
        for j in 0..2 {
            low[j] = low[j].min(point[j]);
            high[j] = high[j].max(point[j]);
        }
    }
    let scale = size / (high[0] - low[0]).max(high[1] - low[1]);
    for point in strokes.iter_mut().flatten() {
        for j in 0..2 {
            point[j] = (point[j] - 0.5 * (low[j] + high[j])) * scale + SIDE as f32 / 2.0;
        }
    }
}
