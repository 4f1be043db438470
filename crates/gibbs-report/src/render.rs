//! Renders a [`Scene`] as pixels or as SVG text with the backends of `plotters`.
//!
//! These backends have integer coordinates. PNG pictures are therefore drawn [`FINE`] times too large and averaged, which
//! gives smooth edges. SVG coordinates are tenths of a pixel, with the `viewBox` that fits.

use crate::font::{FAMILY, LINE_PER_EM, font};
use crate::scene::{Anchor, Item, Scene, Text};
use crate::{Color, Picture, ReportError};
use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontTransform, RGBAColor, RGBColor, ShapeStyle, TextStyle};

/// Sub-pixels along each side of a pixel.
const FINE: u32 = 4;
/// Units of the SVG view box along each side of a pixel.
const TENTHS: u32 = 10;

fn style(color: Color, alpha: f64, width: u32) -> ShapeStyle {
    ShapeStyle { color: RGBAColor(color.r, color.g, color.b, alpha), filled: true, stroke_width: width }
}

fn draw_error(error: impl std::fmt::Display) -> ReportError {
    ReportError::Draw(error.to_string())
}

/// `size` is the em in the units of the backend, `rise` the height of its anchor above the base line.
fn draw_text<B: DrawingBackend>(
    backend: &mut B,
    text: &Text,
    (x, y): (f64, f64),
    size: f64,
    rise: f64,
) -> Result<(), ReportError> {
    let horizontal = match text.anchor {
        Anchor::Start => HPos::Left,
        Anchor::Middle => HPos::Center,
        Anchor::End => HPos::Right,
    };
    let (x, y) = if text.upward { (x - rise, y) } else { (x, y - rise) };
    let turn = if text.upward { FontTransform::Rotate270 } else { FontTransform::None };
    let color = RGBColor(text.color.r, text.color.g, text.color.b);
    let style =
        TextStyle::from(font(size).transform(turn)).color(&color).pos(Pos::new(horizontal, VPos::Top));
    backend.draw_text(&text.text, &style, (x.round() as i32, y.round() as i32)).map_err(draw_error)
}

/// Draws the scene with smooth edges.
pub(crate) fn to_picture(scene: &Scene) -> Result<Picture, ReportError> {
    let (width, height) = (scene.width * FINE, scene.height * FINE);
    let mut fine = Picture::new(width, height, Color::WHITE)?;
    {
        let mut backend = BitMapBackend::with_buffer(fine.rgb_mut(), (width, height));
        for item in &scene.items {
            paint(&mut backend, item)?;
        }
        backend.present().map_err(draw_error)?;
    }
    averaged(&fine)
}

fn averaged(fine: &Picture) -> Result<Picture, ReportError> {
    let mut picture = Picture::new(fine.width() / FINE, fine.height() / FINE, Color::WHITE)?;
    let (width, row) = (picture.width() as usize, 3 * fine.width() as usize);
    let side = FINE as usize;
    for (i, byte) in picture.rgb_mut().iter_mut().enumerate() {
        let (y, x, channel) = (i / 3 / width, i / 3 % width, i % 3);
        let start = y * side * row + 3 * x * side + channel;
        let sum: u32 =
            (0..side * side).map(|k| u32::from(fine.rgb()[start + k / side * row + 3 * (k % side)])).sum();
        *byte = ((sum + FINE * FINE / 2) / (FINE * FINE)) as u8;
    }
    Ok(picture)
}

fn paint(backend: &mut BitMapBackend<'_>, item: &Item) -> Result<(), ReportError> {
    let scale = f64::from(FINE);
    match item {
        Item::Rect { x, y, width, height, color, alpha } => {
            let corner = |x: f64, y: f64| ((x * scale).round() as i32, (y * scale).round() as i32);
            backend
                .draw_rect(corner(*x, *y), corner(x + width, y + height), &style(*color, *alpha, 1), true)
                .map_err(draw_error)
        }
        Item::Line { points, width, color } => {
            let radius = width / 2.0;
            for pair in points.windows(2) {
                let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
                let length = (x1 - x0).hypot(y1 - y0);
                if length > 0.0 {
                    let (dx, dy) = ((x1 - x0) / length * radius, (y1 - y0) / length * radius);
                    let sides =
                        [(x0 - dy, y0 + dx), (x1 - dy, y1 + dx), (x1 + dy, y1 - dx), (x0 + dy, y0 - dx)];
                    fill(backend, &sides, *color, 1.0)?;
                }
            }
            let joints = points.len().saturating_sub(1);
            points
                .iter()
                .take(joints)
                .skip(1)
                .try_for_each(|p| fill(backend, &round(*p, radius), *color, 1.0))
        }
        Item::Polygon { points, color, alpha } => fill(backend, points, *color, *alpha),
        Item::Disc { x, y, radius, color, alpha } => fill(backend, &round((*x, *y), *radius), *color, *alpha),
        Item::Text(text) => {
            // The rasterizer puts the base line half a "size" below its anchor. The second pass, one sub-pixel to the right,
            // gives the light font a regular weight.
            let size = text.size * scale * LINE_PER_EM;
            let (x, y) = (text.x * scale, text.y * scale);
            let second = if text.upward { (x, y - 1.0) } else { (x + 1.0, y) };
            draw_text(backend, text, (x, y), size, size / 2.0)?;
            draw_text(backend, text, second, size, size / 2.0)
        }
    }
}

fn round((x, y): (f64, f64), radius: f64) -> Vec<(f64, f64)> {
    let corners = 24;
    let angle = |i: i32| std::f64::consts::TAU * f64::from(i) / f64::from(corners);
    (0..corners).map(|i| (x + radius * angle(i).cos(), y + radius * angle(i).sin())).collect()
}

/// Fills a polygon (non-zero winding number) with horizontal lines through the centers of sub-pixels.
fn fill(
    backend: &mut BitMapBackend<'_>,
    points: &[(f64, f64)],
    color: Color,
    alpha: f64,
) -> Result<(), ReportError> {
    let scale = f64::from(FINE);
    let limit = f64::from(backend.get_size().1);
    let (mut top, mut bottom) = (f64::INFINITY, f64::NEG_INFINITY);
    for (_, y) in points {
        (top, bottom) = (top.min(y * scale), bottom.max(y * scale));
    }
    let style = style(color, alpha, 1);
    let mut crossings: Vec<(f64, i32)> = Vec::new();
    for row in top.max(0.0).floor() as i32..bottom.min(limit).ceil() as i32 {
        let y = f64::from(row) + 0.5;
        crossings.clear();
        for (i, &(x0, y0)) in points.iter().enumerate() {
            let (x1, y1) = points[(i + 1) % points.len()];
            let (x0, y0, x1, y1) = (x0 * scale, y0 * scale, x1 * scale, y1 * scale);
            if (y0 <= y) != (y1 <= y) {
                crossings.push((x0 + (y - y0) / (y1 - y0) * (x1 - x0), if y0 <= y { 1 } else { -1 }));
            }
        }
        crossings.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut winding, mut start) = (0, 0);
        for &(x, turn) in &crossings {
            let column = (x - 0.5).ceil() as i32;
            if winding == 0 {
                start = column;
            }
            winding += turn;
            if winding == 0 && column > start {
                backend.draw_rect((start, row), (column, row + 1), &style, true).map_err(draw_error)?;
            }
        }
    }
    Ok(())
}

/// Writes the scene as an SVG document.
pub(crate) fn to_svg(scene: &Scene) -> Result<String, ReportError> {
    let size = (scene.width * TENTHS, scene.height * TENTHS);
    let mut svg = String::new();
    {
        let mut backend = SVGBackend::with_string(&mut svg, size);
        let page = style(Color::WHITE, 1.0, 1);
        backend.draw_rect((0, 0), (size.0 as i32, size.1 as i32), &page, true).map_err(draw_error)?;
        for item in &scene.items {
            write(&mut backend, item)?;
        }
        backend.present().map_err(draw_error)?;
    }
    let body = svg.find('>').map_or("", |end| &svg[end + 1..]);
    Ok(format!(
        "<svg width=\"{}\" height=\"{}\" viewBox=\"0 0 {} {}\" xmlns=\"http://www.w3.org/2000/svg\" \
         font-family=\"{FAMILY}\" stroke-linejoin=\"round\">{body}",
        scene.width, scene.height, size.0, size.1
    ))
}

fn write(backend: &mut SVGBackend<'_>, item: &Item) -> Result<(), ReportError> {
    let scale = f64::from(TENTHS);
    let whole = |value: f64| (value * scale).round() as i32;
    let place = |&(x, y): &(f64, f64)| (whole(x), whole(y));
    match item {
        Item::Rect { x, y, width, height, color, alpha } => {
            let opposite = (whole(x + width), whole(y + height));
            backend.draw_rect((whole(*x), whole(*y)), opposite, &style(*color, *alpha, 1), true)
        }
        Item::Line { points, width, color } => {
            let width = (width * scale).round().max(1.0) as u32;
            backend.draw_path(points.iter().map(place), &style(*color, 1.0, width))
        }
        Item::Polygon { points, color, alpha } => {
            backend.fill_polygon(points.iter().map(place), &style(*color, *alpha, 1))
        }
        Item::Disc { x, y, radius, color, alpha } => {
            let radius = (radius * scale).round() as u32;
            backend.draw_circle(place(&(*x, *y)), radius, &style(*color, *alpha, 1), true)
        }
        Item::Text(text) => {
            // The SVG backend divides sizes by 1.24 and moves the base line down by 0.76 em from a top anchor.
            let em = text.size * scale;
            return draw_text(backend, text, (text.x * scale, text.y * scale), em * 1.24, 0.76 * em);
        }
    }
    .map_err(draw_error)
}
