//! Reference lines, and labels at places where they cover as little as possible.

use crate::frame::Frame;
use crate::panel::{Panel, Reference};
use crate::scene::{Anchor, Scene, Text};
use crate::{Color, font};

const SIZE: f64 = 12.5;
const LINE: Color = Color::gray(0x55);
const INK: Color = Color::gray(0x33);

fn visible<'a>(frame: &'a Frame, references: &'a [Reference]) -> impl Iterator<Item = (&'a Reference, f64)> {
    let y = |reference: &Reference| frame.place(frame.x.low, reference.value).1;
    references.iter().map(move |r| (r, y(r))).filter(|(_, y)| *y >= frame.top && *y <= frame.bottom())
}

/// Draws the dashed lines that lie inside the frame.
pub(crate) fn reference_lines(scene: &mut Scene, frame: &Frame, references: &[Reference]) {
    for (_, y) in visible(frame, references) {
        scene.dashes((frame.left, y), (frame.right(), y), 1.3, LINE);
    }
}

/// Writes the labels of reference lines and the values of single points.
///
/// Each label has several possible places. It takes the one that covers the fewest points, lines and other labels.
pub(crate) fn draw(scene: &mut Scene, frame: &Frame, panel: &Panel) {
    let (points, references) = (panel.places(frame), &panel.references);
    let lines: Vec<f64> = visible(frame, references).map(|(_, y)| y).collect();
    let mut labels: Vec<(f64, Vec<Text>)> = visible(frame, references)
        .filter(|(r, _)| !r.label.is_empty())
        .map(|(r, line)| (line, at_line(frame, line, &font::shortened(&r.label, SIZE, frame.width - 16.0))))
        .collect();
    labels
        .extend(panel.single_points(frame).iter().map(|(place, value)| (f64::NAN, at_point(*place, value))));
    let mut taken: Vec<[f64; 4]> = Vec::new();
    for (line, candidates) in labels {
        let cost = |text: &Text| {
            let [left, top, right, bottom] = text.bounds();
            let inside = |&&(x, y): &&(f64, f64)| {
                x > left - 4.0 && x < right + 4.0 && y > top - 2.0 && y < bottom + 2.0
            };
            let hidden = points.iter().filter(inside).count() as f64 / points.len().max(1) as f64;
            let clash = |t: &&[f64; 4]| left < t[2] && t[0] < right && top < t[3] && t[1] < bottom;
            let clashes = taken.iter().filter(clash).count() as f64;
            let crossed = lines.iter().filter(|&&y| y != line && y > top && y < bottom).count() as f64;
            let is_inside =
                left >= frame.left && right <= frame.right() && top >= frame.top && bottom <= frame.bottom();
            hidden + 10.0 * clashes + crossed + if is_inside { 0.0 } else { 20.0 }
        };
        let best = candidates.into_iter().map(|text| (cost(&text), text)).min_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((_, text)) = best {
            let [left, top, right, bottom] = text.bounds();
            taken.push([left, top, right, bottom]);
            scene.rect([left - 2.0, top, right - left + 4.0, bottom - top], Color::WHITE, 0.75);
            scene.text((text.x, text.y), &text.text, SIZE, INK, text.anchor);
        }
    }
}

fn text(label: &str, x: f64, y: f64, anchor: Anchor) -> Text {
    Text { x, y, text: label.into(), size: SIZE, color: INK, anchor, upward: false }
}

/// Above or below a line: at the left, at the right or in the middle.
fn at_line(frame: &Frame, line: f64, label: &str) -> Vec<Text> {
    let middle = frame.left + frame.width / 2.0;
    let across =
        [(frame.left + 8.0, Anchor::Start), (frame.right() - 8.0, Anchor::End), (middle, Anchor::Middle)];
    let above = line - 3.0 - font::DESCENT * SIZE;
    let below = line + 3.0 + font::ASCENT * SIZE;
    [above, below].into_iter().flat_map(|y| across.map(|(x, anchor)| text(label, x, y, anchor))).collect()
}

/// At the right of a point, at the left, above, or below.
fn at_point((x, y): (f64, f64), label: &str) -> Vec<Text> {
    const GAP: f64 = 9.0;
    let base = y + font::CAPITALS * SIZE / 2.0;
    vec![
        text(label, x + GAP, base, Anchor::Start),
        text(label, x - GAP, base, Anchor::End),
        text(label, x, y - GAP, Anchor::Middle),
        text(label, x, y + GAP + font::CAPITALS * SIZE, Anchor::Middle),
    ]
}
