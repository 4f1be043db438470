//! Collective coordinates: what an oscillator does to positions.
//!
//! ```text
//! (u, v) = (ω_k Q_k, P_k)                      standard normal under the flow
//! c = u cos φ + v sin φ,   s = v cos φ - u sin φ
//! ```
//!
//! A turn of an oscillator leaves `K` as it is, so training does not determine its phase `φ`. It is chosen so that `c` varies most
//! for positions at rest, `p = 0`: the direction of the largest second moment of `(u, v)`.

use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_core::{Bijection, math::to_host};

use super::{CanonicalFlow, halves, joined};

/// A coordinate `c` of an oscillator.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CollectiveCoordinate {
    /// The oscillator `k`, as it stands in `z`.
    pub oscillator: usize,
    /// `φ`.
    pub phase: f64,
}

impl CanonicalFlow {
    /// The coordinate of an oscillator that varies most over positions `q [batch, n]` at rest.
    ///
    /// # Panics
    /// If there is no such oscillator, or `q` has another width.
    pub fn coordinate(&self, oscillator: usize, q: Tensor<2>) -> CollectiveCoordinate {
        let [u, v] = self.plane_of(oscillator, q).map(to_host);
        let moment = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let phase = 0.5 * (2.0 * moment(&u, &v)).atan2(moment(&u, &u) - moment(&v, &v));
        CollectiveCoordinate { oscillator, phase }
    }

    /// `c [batch]` of positions `q [batch, n]` at rest.
    ///
    /// # Panics
    /// If `q` has another width.
    pub fn coordinates(&self, of: CollectiveCoordinate, q: Tensor<2>) -> Tensor<1> {
        let [u, v] = self.plane_of(of.oscillator, q);
        (u * of.phase.cos() + v * of.phase.sin()).squeeze_dim(1)
    }

    /// Points of phase space `[rows, 2n]` where `c` has these values, and all other variables are 0.
    pub fn along(&self, of: CollectiveCoordinate, values: &[f64]) -> Tensor<2> {
        let log_frequencies = self.log_frequencies.val();
        let options = (&log_frequencies.device(), log_frequencies.dtype());
        self.at(of, Tensor::zeros([values.len(), 2 * self.n_positions()], options), values)
    }

    /// `n` draws of phase space `[n, 2·positions]` given `c = value`: exact, as the oscillators are independent.
    pub fn sample_along(
        &self,
        of: CollectiveCoordinate,
        value: f64,
        n: usize,
        noise: &mut Noise,
    ) -> Tensor<2> {
        let log_frequencies = self.log_frequencies.val();
        let options = (&log_frequencies.device(), log_frequencies.dtype());
        self.at(of, noise.normal([n, 2 * self.n_positions()], options), &vec![value; n])
    }

    /// The points whose oscillators have the variables `(u, v) [rows, 2n]`, with `c` replaced by these values.
    fn at(&self, of: CollectiveCoordinate, z: Tensor<2>, values: &[f64]) -> Tensor<2> {
        let (rows, k) = (values.len(), of.oscillator);
        let (u, v) = halves(z);
        let (cos, sin) = (of.phase.cos(), of.phase.sin());
        let column = |of: &Tensor<2>| of.clone().narrow(1, k, 1);
        let c = Tensor::<2>::from_data(TensorData::new(values.to_vec(), [rows, 1]), (&u.device(), u.dtype()));
        let s = column(&v) * cos - column(&u) * sin;
        let put = |of: Tensor<2>, value: Tensor<2>| of.slice_assign([0..rows, k..k + 1], value);
        let u = put(u, c.clone() * cos - s.clone() * sin);
        let v = put(v, c * sin + s * cos);
        let scale = self.log_frequencies.val().neg().exp().unsqueeze();
        self.inverse(joined(u * scale, v), None).0
    }

    /// `u` and `v` of an oscillator, `[batch, 1]` each, of positions at rest.
    fn plane_of(&self, oscillator: usize, q: Tensor<2>) -> [Tensor<2>; 2] {
        let rest = q.zeros_like();
        let (q, p) = halves(self.forward(joined(q, rest), None).0);
        let frequency = self.log_frequencies.val().narrow(0, oscillator, 1).exp().unsqueeze();
        [q.narrow(1, oscillator, 1) * frequency, p.narrow(1, oscillator, 1)]
    }
}
