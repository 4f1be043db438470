//! Colors, and perceptually uniform maps from numbers to colors.
//!
//! References
//! - K. Moreland, "Diverging Color Maps for Scientific Visualization", ISVC 2009, doi:10.1007/978-3-642-10520-3_9.
//! - N. Smith, S. van der Walt, "viridis" (2015), released under CC0.
//! - M. Okabe, K. Ito, "Color Universal Design" (2008): the palette for lines and classes.
//! - CIE 15:2004 for CIELAB, IEC 61966-2-1 for sRGB.

/// An opaque sRGB color, one byte a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Color {
    /// Red.
    pub r: u8,
    /// Green.
    pub g: u8,
    /// Blue.
    pub b: u8,
}

impl Color {
    /// White.
    pub const WHITE: Self = Self::new(255, 255, 255);
    /// Black.
    pub const BLACK: Self = Self::new(0, 0, 0);
    /// Magenta, the color of values that are NaN or infinite. No map contains it.
    pub const NOT_FINITE: Self = Self::new(255, 0, 255);

    /// A color from its three channels.
    pub const fn new(r: u8, g: u8, b: u8) -> Self {
        Self { r, g, b }
    }

    /// A shade of gray, 0 black to 255 white.
    pub const fn gray(value: u8) -> Self {
        Self::new(value, value, value)
    }

    /// The color of line or class `index` among `count`.
    ///
    /// Up to seven classes have the palette of Okabe and Ito, which most color-blind people can distinguish. Up to ten have
    /// also a violet, a dark red and a yellowish green, which are far from the others in CIELAB. More classes have equally
    /// spaced hues in CIELAB with alternating lightness.
    pub fn of_class(index: usize, count: usize) -> Self {
        const PALETTE: [Color; 10] = [
            Color::new(0, 114, 178),
            Color::new(213, 94, 0),
            Color::new(0, 158, 115),
            Color::new(204, 121, 167),
            Color::new(230, 159, 0),
            Color::new(86, 180, 233),
            Color::new(60, 60, 60),
            Color::new(110, 50, 160),
            Color::new(130, 30, 40),
            Color::new(170, 205, 40),
        ];
        if count <= PALETTE.len() {
            return PALETTE[index % PALETTE.len()];
        }
        let hue = (index % count) as f64 / count as f64 * std::f64::consts::TAU + 0.6;
        let (lightness, chroma) = if index.is_multiple_of(2) { (48.0, 62.0) } else { (70.0, 52.0) };
        from_lab([lightness, chroma * hue.cos(), chroma * hue.sin()])
    }
}

/// A map from [0, 1] to colors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ColorMap {
    /// Black at 0, white at 1, linear in the sRGB byte, as in image viewers.
    Gray,
    /// Blue at 0, light gray at 1/2, red at 1 (Moreland 2009): for signed values.
    CoolWarm,
    /// From dark blue through green to yellow with uniform steps of lightness: for positive values, such as densities.
    #[default]
    Viridis,
}

/// Ten of the 256 colors of viridis at equal distances. CIELAB interpolation between them differs from the full table by a
/// few bytes.
const VIRIDIS: [Color; 10] = [
    Color::new(0x44, 0x01, 0x54),
    Color::new(0x48, 0x28, 0x78),
    Color::new(0x3e, 0x49, 0x89),
    Color::new(0x31, 0x68, 0x8e),
    Color::new(0x26, 0x82, 0x8e),
    Color::new(0x1f, 0x9e, 0x89),
    Color::new(0x35, 0xb7, 0x79),
    Color::new(0x6e, 0xce, 0x58),
    Color::new(0xb5, 0xde, 0x2b),
    Color::new(0xfd, 0xe7, 0x25),
];

impl ColorMap {
    /// The color at `t`, clamped to [0, 1]; [`Color::NOT_FINITE`] where `t` is NaN or infinite.
    pub fn at(self, t: f64) -> Color {
        if !t.is_finite() {
            return Color::NOT_FINITE;
        }
        let t = t.clamp(0.0, 1.0);
        match self {
            Self::Gray => Color::gray((t * 255.0).round() as u8),
            Self::CoolWarm => cool_warm(t),
            Self::Viridis => {
                let position = t * (VIRIDIS.len() - 1) as f64;
                let index = (position as usize).min(VIRIDIS.len() - 2);
                let (a, b) = (to_lab(VIRIDIS[index]), to_lab(VIRIDIS[index + 1]));
                from_lab(mix(a, b, position - index as f64))
            }
        }
    }

    /// The color of `value` on the scale from `low` to `high`. Values outside have the color of the nearer end.
    pub fn of(self, value: f64, low: f64, high: f64) -> Color {
        self.at(if high > low { (value - low) / (high - low) } else { value * 0.0 + 0.5 })
    }
}

fn mix(a: [f64; 3], b: [f64; 3], t: f64) -> [f64; 3] {
    [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]), a[2] + t * (b[2] - a[2])]
}

/// Moreland's interpolation in Msh, the polar form of CIELAB: magnitude, saturation angle, hue.
fn cool_warm(t: f64) -> Color {
    const COOL: Color = Color::new(59, 76, 192);
    const WARM: Color = Color::new(180, 4, 38);
    let (cool, warm) = (to_msh(to_lab(COOL)), to_msh(to_lab(WARM)));
    let middle = cool[0].max(warm[0]).max(88.0);
    let (end, distance) = if t < 0.5 { (cool, 1.0 - 2.0 * t) } else { (warm, 2.0 * t - 1.0) };
    let white = [middle, 0.0, spun_hue(end, middle)];
    let [m, s, h] = mix(white, end, distance);
    from_lab([m * s.cos(), m * s.sin() * h.cos(), m * s.sin() * h.sin()])
}

fn to_msh([l, a, b]: [f64; 3]) -> [f64; 3] {
    let m = (l * l + a * a + b * b).sqrt();
    [m, (l / m).acos(), b.atan2(a)]
}

/// The hue of the unsaturated end (`AdjustHue` of Moreland).
fn spun_hue([m, s, h]: [f64; 3], unsaturated: f64) -> f64 {
    if m >= unsaturated {
        return h;
    }
    let spin = s * (unsaturated * unsaturated - m * m).sqrt() / (m * s.sin());
    if h > -std::f64::consts::FRAC_PI_3 { h + spin } else { h - spin }
}

const WHITE_POINT: [f64; 3] = [0.950_47, 1.0, 1.088_83];

pub(crate) fn to_lab(color: Color) -> [f64; 3] {
    let linear = |byte: u8| {
        let value = f64::from(byte) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    let (r, g, b) = (linear(color.r), linear(color.g), linear(color.b));
    let xyz = [
        0.412_456_4 * r + 0.357_576_1 * g + 0.180_437_5 * b,
        0.212_672_9 * r + 0.715_152_2 * g + 0.072_175 * b,
        0.019_333_9 * r + 0.119_192 * g + 0.950_304_1 * b,
    ];
    let root = |i: usize| {
        let ratio: f64 = xyz[i] / WHITE_POINT[i];
        if ratio > 0.008_856 { ratio.cbrt() } else { 7.787 * ratio + 16.0 / 116.0 }
    };
    let (x, y, z) = (root(0), root(1), root(2));
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

fn from_lab([l, a, b]: [f64; 3]) -> Color {
    let y = (l + 16.0) / 116.0;
    let cube = |root: f64, i: usize| {
        let ratio = if root > 0.206_893 { root.powi(3) } else { (root - 16.0 / 116.0) / 7.787 };
        ratio * WHITE_POINT[i]
    };
    let (x, y, z) = (cube(y + a / 500.0, 0), cube(y, 1), cube(y - b / 200.0, 2));
    let byte = |linear: f64| {
        let value =
            if linear <= 0.003_130_8 { 12.92 * linear } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 };
        (value * 255.0).round().clamp(0.0, 255.0) as u8
    };
    Color::new(
        byte(3.240_454_2 * x - 1.537_138_5 * y - 0.498_531_4 * z),
        byte(-0.969_266 * x + 1.876_010_8 * y + 0.041_556 * z),
        byte(0.055_643_4 * x - 0.204_025_9 * y + 1.057_225_2 * z),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance(a: Color, b: Color) -> u8 {
        a.r.abs_diff(b.r).max(a.g.abs_diff(b.g)).max(a.b.abs_diff(b.b))
    }

    #[test]
    fn cool_warm_agrees_with_the_published_table() {
        let table = [
            (0.0, (59, 76, 192)),
            (0.125, (98, 130, 234)),
            (0.25, (141, 176, 254)),
            (0.375, (184, 208, 249)),
            (0.5, (221, 221, 221)),
            (1.0, (180, 4, 38)),
        ];
        for (t, (r, g, b)) in table {
            let found = ColorMap::CoolWarm.at(t);
            assert!(distance(found, Color::new(r, g, b)) <= 1, "{t}: {found:?}");
        }
    }

    #[test]
    fn zero_on_a_symmetric_scale_is_neutral() {
        let zero = ColorMap::CoolWarm.of(0.0, -3.0, 3.0);
        assert!(zero.r == zero.g && zero.g == zero.b, "{zero:?}");
        assert!(ColorMap::CoolWarm.of(-2.0, -3.0, 3.0).b > 200);
        assert!(ColorMap::CoolWarm.of(2.5, -3.0, 3.0).r > 180);
    }

    #[test]
    fn lab_and_back_is_the_identity() {
        for r in (0..=255).step_by(15) {
            for g in (0..=255).step_by(15) {
                for b in (0..=255).step_by(15) {
                    let color = Color::new(r, g, b);
                    assert!(distance(from_lab(to_lab(color)), color) <= 1, "{color:?}");
                }
            }
        }
    }

    #[test]
    fn viridis_has_even_steps_of_lightness() {
        let lightness: Vec<f64> =
            (0..=50).map(|i| to_lab(ColorMap::Viridis.at(f64::from(i) / 50.0))[0]).collect();
        let mean = (lightness[50] - lightness[0]) / 50.0;
        for pair in lightness.windows(2) {
            assert!((pair[1] - pair[0] - mean).abs() < 0.6 * mean, "{pair:?}, mean step {mean}");
        }
    }

    #[test]
    fn what_is_not_finite_is_shown() {
        for map in [ColorMap::Gray, ColorMap::CoolWarm, ColorMap::Viridis] {
            assert_eq!(map.of(f64::NAN, 0.0, 1.0), Color::NOT_FINITE);
            assert_eq!(map.of(f64::INFINITY, 0.0, 1.0), Color::NOT_FINITE);
            assert_eq!(map.of(f64::NAN, 1.0, 1.0), Color::NOT_FINITE);
            assert_eq!(map.of(7.0, 0.0, 1.0), map.at(1.0));
        }
    }

    #[test]
    fn classes_can_be_told_apart() {
        for count in [2, 5, 7, 10, 16] {
            for a in 0..count {
                for b in 0..a {
                    let (x, y) = (to_lab(Color::of_class(a, count)), to_lab(Color::of_class(b, count)));
                    let delta = (0..3).map(|i| (x[i] - y[i]).powi(2)).sum::<f64>().sqrt();
                    let least = if count <= 10 { 26.0 } else { 18.0 };
                    assert!(delta > least, "{a} and {b} of {count}: {delta}");
                }
            }
        }
    }
}
