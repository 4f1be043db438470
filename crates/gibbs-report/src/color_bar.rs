//! Color bars.

use crate::scene::{Anchor, Scene};
use crate::{Color, ColorMap, Picture, ReportError, font, render, ticks};

/// Em of the label and of the numbers, in pixels.
const LABEL: f64 = 13.0;
const NUMBERS: f64 = 12.0;
const INK: Color = Color::gray(0x33);

/// A color map and the values at its two ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    pub(crate) map: ColorMap,
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// Whether there are values beyond the ends. They have the color of the end.
    pub(crate) clipped: bool,
}

impl Scale {
    fn end_labels(&self, ticks: &mut [ticks::Tick]) {
        if let (true, [first, .., last]) = (self.clipped, ticks) {
            first.label = format!("≤ {}", first.label);
            last.label = format!("≥ {}", last.label);
        }
    }

    /// Numbers at the two ends and in the middle.
    fn ticks(&self) -> Vec<ticks::Tick> {
        let middle = 0.5 * (self.low + self.high);
        let decimals =
            (1.5 - (self.high - self.low).abs().max(1e-300).log10().floor()).clamp(0.0, 12.0) as usize;
        let label = |value: f64| {
            if decimals > 5 || value.abs() >= 1e6 {
                crate::format_number(value)
            } else if value == 0.0 {
                "0".into()
            } else {
                crate::format::fixed(value, decimals)
            }
        };
        let mut ticks: Vec<_> =
            [self.low, middle, self.high].map(|value| ticks::Tick { value, label: label(value) }).into();
        self.end_labels(&mut ticks);
        ticks
    }
}

/// A strip at least as wide as a picture: the label, the bar, and numbers below it.
pub(crate) fn strip(label: &str, scale: &Scale, width: u32) -> Result<Picture, ReportError> {
    const NARROWEST: u32 = 260;
    let width = width.max(NARROWEST).max(font::width(label, LABEL).ceil() as u32 + 20);
    let bar = f64::from(width - 40).min(360.0).floor();
    let left = (f64::from(width) - bar) / 2.0;
    let mut scene = Scene::new(width, 58);
    scene.text((f64::from(width) / 2.0, 16.0), label, LABEL, Color::BLACK, Anchor::Middle);
    horizontal(&mut scene, [left.floor(), 24.0, bar, 12.0], scale);
    render::to_picture(&scene)
}

/// Draws a horizontal bar with numbers below it.
fn horizontal(scene: &mut Scene, [x, y, width, height]: [f64; 4], scale: &Scale) {
    let cells = width.max(1.0) as usize;
    for i in 0..cells {
        let t = (i as f64 + 0.5) / cells as f64;
        // Each color extends to the end, below the next one. Without this, viewers show thin lines between them.
        scene.rect([x + i as f64, y, width - i as f64, height], scale.map.at(t), 1.0);
    }
    outline(scene, [x, y, width, height]);
    let base = y + height + 4.0 + font::CAPITALS * NUMBERS + 3.0;
    for (tick, (t, anchor)) in
        scale.ticks().iter().zip([(0.0, Anchor::Start), (0.5, Anchor::Middle), (1.0, Anchor::End)])
    {
        let place = x + t * width;
        scene.line(vec![(place, y + height), (place, y + height + 4.0)], 1.0, INK);
        scene.text((place, base), &tick.label, NUMBERS, INK, anchor);
    }
}

/// Draws a vertical bar with numbers at its right. The caller leaves [`vertical_width`] pixels for them.
pub(crate) fn vertical(scene: &mut Scene, [x, y, width, height]: [f64; 4], scale: &Scale) {
    let cells = height.max(1.0) as usize;
    for i in 0..cells {
        let t = 1.0 - (i as f64 + 0.5) / cells as f64;
        scene.rect([x, y + i as f64, width, height - i as f64], scale.map.at(t), 1.0);
    }
    outline(scene, [x, y, width, height]);
    for (tick, t) in scale.ticks().iter().zip([1.0, 0.5, 0.0]) {
        let place = y + t * height;
        scene.line(vec![(x + width, place), (x + width + 4.0, place)], 1.0, INK);
        let base = place + font::CAPITALS * NUMBERS / 2.0;
        scene.text((x + width + 7.0, base), &tick.label, NUMBERS, INK, Anchor::Start);
    }
}

/// Width of the numbers at the right of a vertical bar.
pub(crate) fn vertical_width(scale: &Scale) -> f64 {
    scale.ticks().iter().map(|tick| font::width(&tick.label, NUMBERS)).fold(0.0, f64::max) + 9.0
}

/// A thin frame.
pub(crate) fn outline(scene: &mut Scene, [x, y, width, height]: [f64; 4]) {
    let (right, bottom) = (x + width, y + height);
    scene.line(vec![(x, y), (right, y), (right, bottom), (x, bottom), (x, y)], 1.0, Color::gray(0x99));
}
