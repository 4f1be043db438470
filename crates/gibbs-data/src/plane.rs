//! Sets of points in the plane with their exact densities, between about -4 and 4 in both coordinates.
//!
//! Each set has a sampler and an exact density. The shapes are common in the literature on flows (W. Grathwohl et al.,
//! *FFJORD*, ICLR 2019, arXiv:1810.01367). [`Plane`] lists the parameters.

mod density;

use std::sync::Arc;

use gibbs_backend::Noise;
use rayon::prelude::*;

use crate::names::named;
use crate::portable::sin_cos_turns;
use crate::{DataError, Dataset, KnownDensity, Splits};

pub use density::PlaneDensity;

/// Points in the plane. `N(m, s)` is the normal distribution with mean `m` and standard deviation `s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plane {
    /// Two interleaved half circles of radius 2, equally likely and uniform in the angle, plus `N(0, 0.2)` in both
    /// coordinates: `(2 cos t - 1, 2 sin t - ½)` and `(1 - 2 cos t, ½ - 2 sin t)` for `t` in `[0, π]`.
    Moons,
    /// Circles of radius 1, 2 and 3, equally likely and uniform in the angle. The radius is `|N(radius, 0.1)|`.
    Rings,
    /// Uniform on 8 of the 16 squares (side 2) of a 4×4 board on `[-4, 4)²`, including the lower left one.
    Checkerboard,
    /// Normal distributions of standard deviation 0.3 around 8 points on a circle of radius 3, equally likely.
    EightGaussians,
    /// Five arms: `(N(2, 0.6), N(0, 0.2))`, rotated by `k/5 + r/16` of a whole turn. `k` is the arm and `r` the distance from
    /// the center. This rotation preserves areas, so the density is exact.
    Pinwheel,
    /// Two arms of an Archimedean spiral, `±π w (cos 3π w, sin 3π w)` with `w²` uniform on `[0, 1]`, plus `N(0, 0.1)` in both
    /// coordinates.
    Spirals,
}

/// Standard deviations and sizes of the samplers and the densities.
mod parameters {
    pub(super) const MOON_RADIUS: f64 = 2.0;
    pub(super) const MOON_SIGMA: f64 = 0.2;
    pub(super) const RINGS: [f64; 3] = [1.0, 2.0, 3.0];
    pub(super) const RING_SIGMA: f64 = 0.1;
    pub(super) const BOARD: f64 = 4.0;
    pub(super) const SQUARE: f64 = 2.0;
    pub(super) const EIGHT_RADIUS: f64 = 3.0;
    pub(super) const EIGHT_SIGMA: f64 = 0.3;
    pub(super) const ARMS: usize = 5;
    pub(super) const ARM_REACH: f64 = 2.0;
    pub(super) const ARM_SIGMAS: [f64; 2] = [0.6, 0.2];
    /// Whole turns per unit of distance.
    pub(super) const ARM_TWIST: f64 = 0.0625;
    pub(super) const SPIRAL_RADIUS: f64 = std::f64::consts::PI;
    pub(super) const SPIRAL_TURNS: f64 = 1.5;
    pub(super) const SPIRAL_SIGMA: f64 = 0.1;
}
use parameters::*;

impl Plane {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Moons, Self::Rings, Self::Checkerboard, Self::EightGaussians, Self::Pinwheel, Self::Spirals];

    /// The name of the set for [`load`](crate::load).
    pub fn name(self) -> &'static str {
        match self {
            Self::Moons => "moons",
            Self::Rings => "rings",
            Self::Checkerboard => "checkerboard",
            Self::EightGaussians => "eight-gaussians",
            Self::Pinwheel => "pinwheel",
            Self::Spirals => "spirals",
        }
    }

    /// `n` independent points, `[n, 2]` row-major. They are the same on every computer and for any number of threads.
    pub fn generate(self, n: usize, seed: u64) -> Vec<f32> {
        /// Words of the stream for one point.
        const WORDS: u64 = 4;
        let noise = Noise::new(seed, self.name());
        let mut points = vec![0.0; 2 * n];
        points.par_chunks_mut(2).enumerate().for_each(|(index, point)| {
            let noise = &mut noise.clone().at(index as u64 * WORDS);
            let [x, y] = self.draw(noise);
            debug_assert!(noise.position() <= (index as u64 + 1) * WORDS);
            point.copy_from_slice(&[x as f32, y as f32]);
        });
        points
    }

    fn draw(self, noise: &mut Noise) -> [f64; 2] {
        let choice = |noise: &mut Noise, n: usize| (noise.next_uniform() * n as f64) as usize;
        match self {
            Self::Moons => {
                let moon = choice(noise, 2);
                let [x, y] = moon_point(moon, noise.next_uniform());
                [x + MOON_SIGMA * noise.next_normal(), y + MOON_SIGMA * noise.next_normal()]
            }
            Self::Rings => {
                let radius = RINGS[choice(noise, RINGS.len())] + RING_SIGMA * noise.next_normal();
                let (sin, cos) = sin_cos_turns(noise.next_uniform());
                [radius.abs() * cos, radius.abs() * sin]
            }
            Self::Checkerboard => {
                let square = choice(noise, 8);
                let (row, column) = (square / 2, square % 2 * 2 + square / 2 % 2);
                let place = |k: usize, u: f64| k as f64 * SQUARE - BOARD + SQUARE * u;
                [place(column, noise.next_uniform()), place(row, noise.next_uniform())]
            }
            Self::EightGaussians => {
                let [x, y] = eight_center(choice(noise, 8));
                [x + EIGHT_SIGMA * noise.next_normal(), y + EIGHT_SIGMA * noise.next_normal()]
            }
            Self::Pinwheel => {
                let arm = choice(noise, ARMS);
                let outward = ARM_REACH + ARM_SIGMAS[0] * noise.next_normal();
                let across = ARM_SIGMAS[1] * noise.next_normal();
                turn([outward, across], arm_turns(arm, [outward, across]))
            }
            Self::Spirals => {
                let arm = choice(noise, 2);
                let [x, y] = spiral_point(arm, noise.next_uniform().sqrt());
                [x + SPIRAL_SIGMA * noise.next_normal(), y + SPIRAL_SIGMA * noise.next_normal()]
            }
        }
    }

    /// 50000 training, 10000 validation and 10000 test points with their exact density.
    ///
    /// # Errors
    ///
    /// None. The type is that of the other sets.
    pub fn splits(self) -> Result<Splits, DataError> {
        let whole = Dataset::from_f32(self.name(), self.generate(70_000, 0), &[2], None)?;
        let known_density: Arc<dyn KnownDensity> = Arc::new(PlaneDensity::new(self));
        Ok(Splits { known_density: Some(known_density), ..Splits::at(&whole, 50_000, 60_000) })
    }
}

/// The point of half circle `moon` at `t` in `[0, 1]`.
fn moon_point(moon: usize, t: f64) -> [f64; 2] {
    let (sin, cos) = sin_cos_turns(0.5 * t);
    let [x, y] = [MOON_RADIUS * cos - 1.0, MOON_RADIUS * sin - 0.5];
    if moon == 0 { [x, y] } else { [-x, -y] }
}

fn eight_center(k: usize) -> [f64; 2] {
    let (sin, cos) = sin_cos_turns(k as f64 / 8.0);
    [EIGHT_RADIUS * cos, EIGHT_RADIUS * sin]
}

/// The rotation of a point in an arm, in whole turns.
fn arm_turns(arm: usize, [x, y]: [f64; 2]) -> f64 {
    arm as f64 / ARMS as f64 + ARM_TWIST * (x * x + y * y).sqrt()
}

fn turn([x, y]: [f64; 2], turns: f64) -> [f64; 2] {
    let (sin, cos) = sin_cos_turns(turns);
    [cos * x - sin * y, sin * x + cos * y]
}

/// The point of spiral arm `arm` at `w` in `[0, 1]`.
fn spiral_point(arm: usize, w: f64) -> [f64; 2] {
    let (sin, cos) = sin_cos_turns(SPIRAL_TURNS * w + 0.5 * arm as f64);
    [SPIRAL_RADIUS * w * cos, SPIRAL_RADIUS * w * sin]
}

named!(Plane, "2-d set");

#[cfg(test)]
mod tests;
