//! A drawing as a list of shapes, in pixels, before it becomes PNG or SVG.
//!
//! The layout writes a scene and does not know PNG or SVG. Tests read the places of all texts from a scene.

use crate::{Color, font};

/// The point of a text that lies at the given place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// A text on its base line.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) text: String,
    /// Height of the em square.
    pub(crate) size: f64,
    pub(crate) color: Color,
    pub(crate) anchor: Anchor,
    /// Whether the text runs from bottom to top.
    pub(crate) upward: bool,
}

impl Text {
    /// The rectangle of the text: left, top, right, bottom.
    pub(crate) fn bounds(&self) -> [f64; 4] {
        let width = font::width(&self.text, self.size);
        let start = match self.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => -width / 2.0,
            Anchor::End => -width,
        };
        let (up, down) = (font::ASCENT * self.size, font::DESCENT * self.size);
        if self.upward {
            [self.x - up, self.y - start - width, self.x + down, self.y - start]
        } else {
            [self.x + start, self.y - up, self.x + start + width, self.y + down]
        }
    }
}

/// One shape. `alpha` is 1 for opaque.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    Rect { x: f64, y: f64, width: f64, height: f64, color: Color, alpha: f64 },
    Line { points: Vec<(f64, f64)>, width: f64, color: Color },
    Polygon { points: Vec<(f64, f64)>, color: Color, alpha: f64 },
    Disc { x: f64, y: f64, radius: f64, color: Color, alpha: f64 },
    Text(Text),
}

/// Shapes in the order in which they are painted, on white.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) items: Vec<Item>,
}

impl Scene {
    pub(crate) fn new(width: u32, height: u32) -> Self {
        Self { width, height, items: Vec::new() }
    }

    pub(crate) fn rect(&mut self, [x, y, width, height]: [f64; 4], color: Color, alpha: f64) {
        self.items.push(Item::Rect { x, y, width, height, color, alpha });
    }

    pub(crate) fn line(&mut self, points: Vec<(f64, f64)>, width: f64, color: Color) {
        self.items.push(Item::Line { points, width, color });
    }

    /// A dashed line.
    pub(crate) fn dashes(&mut self, from: (f64, f64), to: (f64, f64), width: f64, color: Color) {
        const DASH: f64 = 6.0;
        const PERIOD: f64 = 10.0;
        let length = (to.0 - from.0).hypot(to.1 - from.1);
        let at = |s: f64| {
            let t = (s / length).min(1.0);
            (from.0 + t * (to.0 - from.0), from.1 + t * (to.1 - from.1))
        };
        for i in 0..(length / PERIOD).ceil() as usize {
            let start = i as f64 * PERIOD;
            self.line(vec![at(start), at(start + DASH)], width, color);
        }
    }

    pub(crate) fn polygon(&mut self, points: Vec<(f64, f64)>, color: Color, alpha: f64) {
        self.items.push(Item::Polygon { points, color, alpha });
    }

    pub(crate) fn disc(&mut self, (x, y): (f64, f64), radius: f64, color: Color, alpha: f64) {
        self.items.push(Item::Disc { x, y, radius, color, alpha });
    }

    pub(crate) fn text(&mut self, (x, y): (f64, f64), text: &str, size: f64, color: Color, anchor: Anchor) {
        let text = text.to_string();
        self.items.push(Item::Text(Text { x, y, text, size, color, anchor, upward: false }));
    }

    pub(crate) fn upward_text(
        &mut self,
        (x, y): (f64, f64),
        text: &str,
        size: f64,
        color: Color,
        anchor: Anchor,
    ) {
        let text = text.to_string();
        self.items.push(Item::Text(Text { x, y, text, size, color, anchor, upward: true }));
    }

    #[cfg(test)]
    pub(crate) fn texts(&self) -> Vec<&Text> {
        self.items
            .iter()
            .filter_map(|item| if let Item::Text(text) = item { Some(text) } else { None })
            .collect()
    }

    /// Panics if a text leaves the picture or overlaps another one.
    #[cfg(test)]
    pub(crate) fn assert_readable(&self) {
        let texts = self.texts();
        for (i, a) in texts.iter().enumerate() {
            let [l, t, r, b] = a.bounds();
            assert!(
                l >= 0.0 && t >= 0.0 && r <= f64::from(self.width) && b <= f64::from(self.height),
                "`{}` at {:?} leaves {} x {}",
                a.text,
                a.bounds(),
                self.width,
                self.height
            );
            for other in &texts[..i] {
                let [l2, t2, r2, b2] = other.bounds();
                let apart = r <= l2 || r2 <= l || b <= t2 || b2 <= t;
                assert!(apart, "`{}` and `{}` overlap", a.text, other.text);
            }
        }
    }
}
