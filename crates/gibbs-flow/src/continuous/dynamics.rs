//! The quantities that a flow integrates along the paths of points: log-determinant and regularizers.
//!
//! ```text
//! d ladj/dt = tr J                    exact, or εᵀJε with E[εεᵀ] = 1: unbiased
//! d K/dt    = |v|²/D,   d F/dt = |Jε|²/D     kinetic energy and Frobenius norm of the Jacobian, in mean E|Jε|² = |J|²
//! ```
//!
//! A solve uses one direction ε, so that the integrand is a smooth function of time.
//!
//! References: Hutchinson, Commun. Stat. Simul. 18:1059 (1989), doi:10.1080/03610918908812806; Grathwohl et al. 2019 for one
//! direction a solve; Finlay et al., "How to train your neural ODE", ICML 2020, arXiv:2002.02798, for both regularizers.

use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_core::{math::row_sums, ode::State};
use serde::{Deserialize, Serialize};

use super::velocity::{Velocity, time};

/// The distribution of the directions along which a trace is estimated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    /// Random signs: the smallest variance among distributions with independent components.
    #[default]
    Rademacher,
    /// Standard normal.
    Gaussian,
}

impl Probe {
    /// Directions for points like `x [n, D]`.
    pub fn draw(self, x: &Tensor<2>, noise: &mut Noise) -> Tensor<2> {
        let options = (&x.device(), x.dtype());
        match self {
            Self::Rademacher => noise.bernoulli(Tensor::<2>::full(x.dims(), 0.5, options)) * 2.0 - 1.0,
            Self::Gaussian => noise.normal(x.dims(), options),
        }
    }
}

/// How the trace of the Jacobian is computed. A configuration has `"exact"`, `"rademacher"` or `"gaussian"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trace {
    /// Exactly.
    #[default]
    Exact,
    /// By one random direction for each point and solve.
    #[serde(untagged)]
    Hutchinson(Probe),
}

/// The result of a solve for a batch of points.
#[derive(Clone, Debug)]
pub struct Path {
    /// Points at the end, `[n, D]`.
    pub end: Tensor<2>,
    /// `ln |det ∂end/∂start|`, `[n]`, nats.
    pub ladj: Tensor<1>,
    /// `∫ |v|²/D dt`, `[n]`, with regularizers.
    pub kinetic: Option<Tensor<1>>,
    /// `∫ |Jε|²/D dt`, `[n]`, with regularizers.
    pub jacobian: Option<Tensor<1>>,
    /// Evaluations of the field.
    pub evaluations: usize,
}

/// The dynamics of the points with log-determinant and regularizers.
pub(super) struct AugmentedDynamics {
    /// The direction ε, if the trace is estimated or the Jacobian is regularized.
    pub(super) direction: Option<Tensor<2>>,
    pub(super) trace: Trace,
    /// Whether both regularizers are integrated.
    pub(super) regularized: bool,
}

impl AugmentedDynamics {
    /// Velocity and rates of all that is integrated, `[n, D]` and `[n, 1]` each; regularizers grow in either direction of
    /// time.
    pub(super) fn rates(
        &self,
        velocity: &dyn Velocity,
        t: f64,
        x: &Tensor<2>,
        forward: f64,
    ) -> Vec<Tensor<2>> {
        let d = x.dims()[1] as f64;
        let now = time(t, x);
        let (v, trace, change) = match (self.trace, &self.direction) {
            (Trace::Hutchinson(_), Some(direction)) => {
                let (v, change) = velocity.along(&now, x.clone(), direction);
                let trace = row_sums(change.clone() * direction.clone());
                (v, trace, Some(change))
            }
            (_, direction) => {
                let (v, trace) = velocity.divergence(&now, x.clone());
                let change = direction.as_ref().filter(|_| self.regularized);
                let change = change.map(|direction| velocity.along(&now, x.clone(), direction).1);
                (v, trace, change)
            }
        };
        let mut rates = vec![v.clone(), trace.unsqueeze_dim(1)];
        if self.regularized {
            let scale = forward / d;
            rates.push(v.powi_scalar(2).sum_dim(1) * scale);
            rates.extend(change.map(|change| change.powi_scalar(2).sum_dim(1) * scale));
        }
        rates
    }

    /// Number of further columns.
    pub(super) fn columns(&self) -> usize {
        match (self.regularized, &self.direction) {
            (false, _) => 1,
            (true, None) => 2,
            (true, Some(_)) => 3,
        }
    }

    /// The state at the beginning.
    pub(super) fn start(&self, x: Tensor<2>) -> State {
        let zero = Tensor::zeros([x.dims()[0], 1], (&x.device(), x.dtype()));
        State::new(std::iter::once(x).chain(vec![zero; self.columns()]).collect())
    }

    /// The path with this state at its end.
    pub(super) fn path(&self, end: State, evaluations: usize) -> Path {
        let mut parts = end.into_parts().into_iter();
        let Some(end) = parts.next() else { unreachable!("points come first") };
        let mut column = || parts.next().map(|column| column.squeeze_dim(1));
        let Some(ladj) = column() else { unreachable!("the determinant comes second") };
        let (kinetic, jacobian) = (column(), column());
        Path { end, ladj, kinetic, jacobian, evaluations }
    }
}
