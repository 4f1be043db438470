//! Two densities in the plane.

use std::f64::consts::TAU;

use burn::prelude::*;
use gibbs_core::{Energy, Slope};

use super::differences::sum_rows;
use crate::{
    error::{PhysicsError, finite, positive},
    exact::log_integral,
};

/// Standard deviations beyond which a Gaussian is zero: `e^-800` is 0 in f64.
const FAR: f64 = 40.0;

/// Points around a circle: `E(x) = (|x| - R)² / 2σ²`.
///
/// By default `R = 2, σ = 0.4`, so `E = (|x| - 2)² / 0.32`, the ring of Song, Zhao & Ermon, "A-NICE-MC", NeurIPS 2017,
/// arXiv:1706.07561.
///
/// The code returns the gradient 0 at the origin, where the energy has no gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ring {
    radius: f64,
    width: f64,
}

impl Default for Ring {
    fn default() -> Self {
        Self { radius: 2.0, width: 0.4 }
    }
}

impl Ring {
    /// With `radius` `R` and `width` `σ`.
    ///
    /// # Errors
    /// If one of them is not positive and finite.
    pub fn new(radius: f64, width: f64) -> Result<Self, PhysicsError> {
        Ok(Self { radius: positive("radius", radius)?, width: positive("width", width)? })
    }

    /// `ln Z = ln 2π ∫ r exp(-(r - R)² / 2σ²) dr`, nats, by [`log_integral`], to about 1e-13.
    pub fn log_z(&self) -> f64 {
        let Self { radius, width } = *self;
        let lower = (radius - FAR * width).max(0.0);
        let integrand = |r: f64| r.ln() - 0.5 * ((r - radius) / width).powi(2);
        TAU.ln() + log_integral(integrand, lower, radius + FAR * width)
    }
}

impl Energy for Ring {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        assert_eq!(x.dims()[1], 2, "points of the plane");
        // Any length below this is zero in f32, as is the slope of a clamp.
        let radius = sum_rows(x.clone() * x).clamp_min(f32::MIN_POSITIVE).sqrt();
        let off = (radius - self.radius) * self.width.recip();
        off.clone() * off * 0.5
    }
}

impl Slope for Ring {
    fn slope(&self, x: Tensor<2>) -> Tensor<2> {
        assert_eq!(x.dims()[1], 2, "points of the plane");
        let radius = (x.clone() * x.clone()).sum_dim(1).clamp_min(f32::MIN_POSITIVE).sqrt();
        let pull = (radius.clone() - self.radius) * radius.recip() * self.width.powi(2).recip();
        x * pull
    }
}

/// Two wells along `x_1` of different depths, a parabola along `x_2`:
///
/// ```text
/// E(x) = a/4 x_1⁴ - b/2 x_1² + c x_1 + d/2 x_2²
/// ```
///
/// By default `a, b, c, d = 1, 6, 1, 1`, the double well of Noé, Olsson, Köhler & Wu, "Boltzmann generators", Science
/// 365:eaaw1147 (2019), arXiv:1812.01729. [`steep`](Self::steep) is another published one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DoubleWell {
    quartic: f64,
    barrier: f64,
    tilt: f64,
    stiffness: f64,
}

impl Default for DoubleWell {
    fn default() -> Self {
        Self { quartic: 1.0, barrier: 6.0, tilt: 1.0, stiffness: 1.0 }
    }
}

impl DoubleWell {
    /// With `quartic` `a`, `barrier` `b`, `tilt` `c` and `stiffness` `d`; there are two wells where `b > 0` and `c` is small.
    ///
    /// # Errors
    /// If `quartic` or `stiffness` is not positive and finite, or another not finite.
    pub fn new(quartic: f64, barrier: f64, tilt: f64, stiffness: f64) -> Result<Self, PhysicsError> {
        Ok(Self {
            quartic: positive("quartic", quartic)?,
            barrier: finite("barrier", barrier)?,
            tilt: finite("tilt", tilt)?,
            stiffness: positive("stiffness", stiffness)?,
        })
    }

    /// `a, b, c, d = 4, 12, -1/2, 1`, that is `E = x_1⁴ - 6 x_1² - x_1/2 + x_2²/2`: the double well of Wu, Köhler & Noé, "Stochastic
    /// normalizing flows", NeurIPS 2020, arXiv:2002.06707, section 5 and its program. Its wells are as deep as those of the
    /// default, 9 kT below the barrier, and a third as wide; they differ by 1.7 kT.
    pub fn steep() -> Self {
        Self { quartic: 4.0, barrier: 12.0, tilt: -0.5, stiffness: 1.0 }
    }

    /// The constants `a, b, c, d`.
    pub fn constants(&self) -> [f64; 4] {
        [self.quartic, self.barrier, self.tilt, self.stiffness]
    }

    /// The place `x_1` of the top of the barrier, the middle root of `a x³ - b x + c = 0`; `None` where there is one well.
    pub fn top(&self) -> Option<f64> {
        let Self { quartic, barrier, tilt, .. } = *self;
        let sine = 1.5 * 3f64.sqrt() * tilt * quartic.sqrt() / barrier.powf(1.5);
        (barrier > 0.0 && sine.abs() < 1.0)
            .then(|| 2.0 * (barrier / (3.0 * quartic)).sqrt() * (sine.asin() / 3.0).sin())
    }

    /// `F_right - F_left = ln ∫_left exp(-E) - ln ∫_right exp(-E)`, kT, where the top of the barrier divides the wells. `None`
    /// where there is one well.
    pub fn difference(&self) -> Option<f64> {
        let (far, top) = (self.far(), self.top()?);
        let part = |from: f64, to: f64| log_integral(|x| -self.along(x), from, to);
        Some(part(-far, top) - part(top, far))
    }

    /// The energy along `x_1`.
    pub fn along(&self, x: f64) -> f64 {
        x * (self.tilt + x * (-0.5 * self.barrier + 0.25 * self.quartic * x * x))
    }

    /// Beyond this the quartic term is at least twice the sum of the other terms and 60, so weights are below `e^-120` times the
    /// weight at 0.
    fn far(&self) -> f64 {
        let rest = |x: f64| 0.5 * self.barrier.abs() * x * x + self.tilt.abs() * x + 60.0;
        let mut x = 1.0;
        while 0.25 * self.quartic * f64::powi(x, 4) < 2.0 * rest(x) {
            x *= 2.0;
        }
        x
    }

    /// `ln Z`, nats: along `x_2` in closed form, along `x_1` by [`log_integral`], to about 1e-13.
    pub fn log_z(&self) -> f64 {
        let far = self.far();
        0.5 * (TAU / self.stiffness).ln() + log_integral(|x| -self.along(x), -far, far)
    }
}

impl Energy for DoubleWell {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        assert_eq!(x.dims()[1], 2, "points of the plane");
        let column = |k: usize| x.clone().narrow(1, k, 1).squeeze_dim::<1>(1);
        let (x, y) = (column(0), column(1));
        let slope =
            x.clone() * (x.clone() * x.clone() * (0.25 * self.quartic) - 0.5 * self.barrier) + self.tilt;
        x * slope + y.clone() * y * (0.5 * self.stiffness)
    }
}

impl Slope for DoubleWell {
    fn slope(&self, x: Tensor<2>) -> Tensor<2> {
        assert_eq!(x.dims()[1], 2, "points of the plane");
        let (x, y) = (x.clone().narrow(1, 0, 1), x.narrow(1, 1, 1));
        let along = x.clone() * (x.clone() * x * self.quartic - self.barrier) + self.tilt;
        Tensor::cat(vec![along, y * self.stiffness], 1)
    }
}
