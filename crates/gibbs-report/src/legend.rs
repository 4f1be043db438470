//! The legend, in rows above a panel.

use crate::font::{self, INK, WORDS};
use crate::panel::Entry;
use crate::scene::{Anchor, Scene};

const ROW: f64 = 21.0;
/// From the left edge of the symbol to the text.
const SWATCH: f64 = 28.0;
/// Between entries.
const SPACE: f64 = 14.0;

/// Rows of entries. Each entry has its text and its distance from the left edge.
fn rows<'a>(entries: &'a [Entry<'a>], width: f64) -> Vec<Vec<(&'a Entry<'a>, String, f64)>> {
    let mut rows: Vec<Vec<_>> = Vec::new();
    let mut x = f64::INFINITY;
    for entry in entries {
        let text = font::shortened(&entry.text, WORDS, (width - SWATCH) / font::WIDER);
        let needed = SWATCH + font::WIDER * font::width(&text, WORDS) + SPACE;
        if x + needed > width + SPACE {
            rows.push(Vec::new());
            x = 0.0;
        }
        if let Some(row) = rows.last_mut() {
            row.push((entry, text, x));
        }
        x += needed;
    }
    rows
}

/// Height of all rows.
pub(crate) fn height(entries: &[Entry], width: f64) -> f64 {
    rows(entries, width).len() as f64 * ROW
}

/// Draws the rows below `(left, top)`.
pub(crate) fn draw(scene: &mut Scene, entries: &[Entry], (left, top): (f64, f64), width: f64) {
    for (i, row) in rows(entries, width).into_iter().enumerate() {
        let middle = top + (i as f64 + 0.5) * ROW;
        for (entry, text, x) in row {
            entry.draw_swatch(scene, (left + x + 10.0, middle));
            let base = middle + font::CAPITALS * WORDS / 2.0;
            scene.text((left + x + SWATCH, base), &text, WORDS, INK, Anchor::Start);
        }
    }
}
