//! Gray values from the path of a pen: the distance of each pixel from the stroke decides.

/// Rows and columns of an image.
pub(crate) const SIDE: usize = 28;

/// A point of the path: position and half the width of the stroke, in pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nib {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) radius: f32,
}

/// The strokes of one image. The soft edge is `2·softness` pixels wide; half of it lies outside the stroke. `ink` is the
/// darkest value, 0 to 1.
pub(crate) struct Path {
    pub(crate) strokes: Vec<Vec<Nib>>,
    pub(crate) softness: f32,
    pub(crate) ink: f32,
}

/// Draws `path` with its center of mass at the center of the image.
pub(crate) fn draw_centered(mut path: Path, image: &mut [u8]) {
    draw(&path, image);
    let [dx, dy] = off_center(image);
    for nib in path.strokes.iter_mut().flatten() {
        nib.x -= dx;
        nib.y -= dy;
    }
    draw(&path, image);
}

/// Draws `path` into `image` (`28×28` bytes, row-major; 0 is paper, 255 is ink). Parts outside are cut off.
pub(crate) fn draw(path: &Path, image: &mut [u8]) {
    let mut outside = [f32::MAX; SIDE * SIDE];
    for stroke in &path.strokes {
        for pair in stroke.windows(2) {
            cover(pair[0], pair[1], path.softness, &mut outside);
        }
    }
    for (pixel, distance) in image.iter_mut().zip(outside) {
        let t = (0.5 - distance / (2.0 * path.softness)).clamp(0.0, 1.0);
        let covered = t * t * (3.0 - 2.0 * t);
        *pixel = (255.0 * path.ink * covered + 0.5) as u8;
    }
}

/// Vector from the center of the image to the center of mass, in pixels. The sums are integers and therefore exact.
fn off_center(image: &[u8]) -> [f32; 2] {
    let (mut mass, mut moment) = (0, [0, 0]);
    for (i, &pixel) in image.iter().enumerate() {
        mass += u32::from(pixel);
        moment[0] += u32::from(pixel) * (i % SIDE) as u32;
        moment[1] += u32::from(pixel) * (i / SIDE) as u32;
    }
    moment.map(|moment| moment as f32 / mass.max(1) as f32 - (SIDE as f32 - 1.0) / 2.0)
}

/// Updates `outside`, the signed distance to the edge of the stroke in pixels, with the piece from `a` to `b`.
fn cover(a: Nib, b: Nib, softness: f32, outside: &mut [f32; SIDE * SIDE]) {
    let reach = a.radius.max(b.radius) + softness;
    let columns = span(a.x.min(b.x) - reach, a.x.max(b.x) + reach);
    let (dx, dy) = (b.x - a.x, b.y - a.y);
    let inverse = 1.0 / (dx * dx + dy * dy).max(1e-12);
    for row in span(a.y.min(b.y) - reach, a.y.max(b.y) + reach) {
        let py = row as f32 + 0.5 - a.y;
        let line = &mut outside[row * SIDE..(row + 1) * SIDE];
        for (column, least) in line.iter_mut().enumerate().take(columns.end).skip(columns.start) {
            let px = column as f32 + 0.5 - a.x;
            let t = ((px * dx + py * dy) * inverse).clamp(0.0, 1.0);
            let (ex, ey) = (px - t * dx, py - t * dy);
            let radius = a.radius + t * (b.radius - a.radius);
            *least = least.min((ex * ex + ey * ey).sqrt() - radius);
        }
    }
}

/// Pixels whose centers can lie between `low` and `high`.
fn span(low: f32, high: f32) -> std::ops::Range<usize> {
    let edge = SIDE as f32;
    (low.clamp(0.0, edge) as usize)..((high.clamp(0.0, edge) + 0.5) as usize).min(SIDE)
}
