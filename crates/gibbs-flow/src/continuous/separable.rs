//! A part of a potential that is a sum over the variables.
//!
//! ```text
//! ψ(x, t) = Σ_i Σ_k c_ki ζ(s_ki),    s_ki = a_ki·x_i + b_ki + d_ki·t,    ζ(s) = ln(1 + e^s),  ζ' = σ
//! ∂ψ/∂x_i = Σ_k c_ki a_ki σ(s_ki),    ∂²ψ/∂x_i² = Σ_k c_ki a_ki² σ(s_ki)·(1 - σ(s_ki))
//! ```
//!
//! Its gradient moves each variable independently of the others, as a distribution of independent variables needs it. Hidden units
//! that read all variables would have to learn each axis.
//!
//! Cost: element-wise functions of `n·K·D` numbers.

use burn::{
    module::{Module, Param},
    prelude::*,
};
use gibbs_backend::{Init, Noise, sigmoid};

/// Initial slope `a` of the units. Softplus units with this slope bend over a length of about 1, the standard deviation of the base.
const SLOPE: f64 = 2.0;
/// At the start the bends of the units are evenly spaced from minus this to this, where nearly all of a standard normal lies.
const REACH: f64 = 2.0;

/// Softplus units of single variables.
#[derive(Module, Debug)]
pub struct Separable {
    /// `c [K, D]`; zero at the beginning.
    pub weight: Param<Tensor<2>>,
    /// `a [K, D]`.
    pub slope: Param<Tensor<2>>,
    /// `b [K, D]`.
    pub bias: Param<Tensor<2>>,
    /// `d [K, D]`, where the potential depends on time.
    pub drift: Option<Param<Tensor<2>>>,
}

impl Separable {
    /// `n_units` for each of `n_variables`, at rest.
    pub(super) fn new(n_units: usize, n_variables: usize, timed: bool, device: &Device) -> Self {
        let shape = [n_units, n_variables];
        let zeros = || Init::Zeros.param(shape, device, &mut Noise::new(0, "zeros"));
        let bend = |k: usize| match n_units {
            1 => 0.0,
            _ => REACH * (2.0 * k as f64 / (n_units - 1) as f64 - 1.0),
        };
        let biases: Vec<f64> = (0..n_units).flat_map(|k| vec![-SLOPE * bend(k); n_variables]).collect();
        Self {
            weight: zeros(),
            slope: Param::from_tensor(Tensor::full(shape, SLOPE, device)),
            bias: Param::from_tensor(Tensor::from_data(TensorData::new(biases, shape), device)),
            drift: timed.then(zeros),
        }
    }

    /// Everything that does not change during a solve.
    pub(super) fn ready(&self) -> Units {
        let (slope, weight) = (self.slope.val(), self.weight.val());
        let steep = weight * slope.clone();
        Units {
            bend: steep.clone() * slope.clone(),
            steep,
            slope,
            bias: self.bias.val(),
            drift: self.drift.as_ref().map(Param::val),
        }
    }
}

/// The units in a solve.
pub(super) struct Units {
    slope: Tensor<2>,
    bias: Tensor<2>,
    drift: Option<Tensor<2>>,
    /// `c·a`.
    steep: Tensor<2>,
    /// `c·a²`.
    bend: Tensor<2>,
}

impl Units {
    /// The gradient at points `x [n, D]` and times `[1, 1]` or `[n, 1]`, and the diagonal of the second derivatives: both
    /// `[n, D]`.
    pub(super) fn derivatives(&self, t: &Tensor<2>, x: &Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let row = |of: &Tensor<2>, k: usize| of.clone().narrow(0, k, 1);
        let of_unit = |k: usize| {
            let mut bias = row(&self.bias, k);
            if let Some(drift) = &self.drift {
                bias = bias + t.clone().matmul(row(drift, k));
            }
            let s = sigmoid(x.clone() * row(&self.slope, k) + bias);
            let first = s.clone() * row(&self.steep, k);
            (first, (s.clone() - s.clone() * s) * row(&self.bend, k))
        };
        (1..self.bias.dims()[0]).fold(of_unit(0), |(first, second), k| {
            let (more, bent) = of_unit(k);
            (first + more, second + bent)
        })
    }
}
