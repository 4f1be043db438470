//! The font of all pictures. It is part of the binary, so that a computer without fonts draws the same picture.
//!
//! Ubuntu Light; its licence, the Ubuntu Font Licence 1.0, stands in `fonts/UFL.txt`.

use crate::Color;
use plotters::style::{FontDesc, FontStyle, register_font};
use std::sync::Once;

static UBUNTU_LIGHT: &[u8] = include_bytes!("../fonts/Ubuntu-Light.ttf");

/// Em of axis labels and legends, in pixels.
pub(crate) const WORDS: f64 = 14.0;
/// Color of axis labels and legends.
pub(crate) const INK: Color = Color::gray(0x22);

/// Name of the font in the drawing library, and the list of fonts for an SVG viewer.
pub(crate) const FAMILY: &str = "Ubuntu, Helvetica, Arial, sans-serif";
/// Height of capital letters and digits above the base line, in em.
pub(crate) const CAPITALS: f64 = 0.693;
/// Largest height of letters above the base line, in em.
pub(crate) const ASCENT: f64 = 0.78;
/// Largest depth of letters below the base line, in em.
pub(crate) const DESCENT: f64 = 0.19;
/// Ascender minus descender (932 + 189 of 1000 units) in em. The drawing library measures sizes in this unit.
pub(crate) const LINE_PER_EM: f64 = 1.121;

/// Ratio of the widths of a replacement font of SVG viewers (DejaVu Sans) and of this font. The layout leaves room for it.
pub(crate) const WIDER: f64 = 1.2;

/// The font at `size` in the drawing library's units.
pub(crate) fn font(size: f64) -> FontDesc<'static> {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        // The bytes are constant and a font, as the tests below check.
        let _ = register_font(FAMILY, FontStyle::Normal, UBUNTU_LIGHT);
    });
    FontDesc::new(FAMILY.into(), size, FontStyle::Normal)
}

/// Width of `text` in logical pixels at an em of `size`.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    const PRECISE: f64 = 1000.0;
    let (width, _) = font(PRECISE * LINE_PER_EM).box_size(text).unwrap_or_default();
    f64::from(width) * size / PRECISE
}

/// The text, cut with "…" at the end if it is wider than `room`.
pub(crate) fn shortened(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_string();
    }
    let mut kept: Vec<char> = text.chars().collect();
    loop {
        kept.pop();
        let candidate: String = kept.iter().collect::<String>().trim_end().to_string() + "…";
        if kept.is_empty() || width(&candidate, size) <= room {
            return candidate;
        }
    }
}

/// The text and a size, at least `smallest`, with which it fits into `room`. If none does, the text is cut.
pub(crate) fn fitted(text: &str, size: f64, smallest: f64, room: f64) -> (String, f64) {
    let (wide, room) = (width(text, size), room / WIDER);
    let size = if wide > room { (size * room / wide).max(smallest) } else { size };
    (shortened(text, size, room.max(1.0) * 1.001), size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_font_is_there_and_scales() {
        assert!(width("step", 12.0) > 15.0 && width("step", 12.0) < 40.0, "{}", width("step", 12.0));
        assert!((width("epoch", 24.0) - 2.0 * width("epoch", 12.0)).abs() < 1e-9);
        assert_eq!(width("", 12.0), 0.0);
    }

    #[test]
    fn long_words_shrink_and_are_cut_at_last() {
        let text = "a label that is much longer than its axis";
        let (same, size) = fitted(text, 14.0, 9.0, 0.8 * width(text, 14.0));
        assert!(same == text && size < 14.0 && size > 9.0);
        let (cut, size) = fitted(text, 14.0, 9.0, 60.0);
        assert!(cut.ends_with('…') && size == 9.0 && width(&cut, size) <= 61.0, "{cut}");
        assert_eq!(shortened("abc", 12.0, -5.0), "…");
    }
}
