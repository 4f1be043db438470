//! Ordinary differential equations by explicit Runge-Kutta methods.
//!
//! ```text
//! dy/dt = f(t, y)
//! k_i = f(t + c_i h, y + h Σ_{j<i} a_ij k_j),   y(t + h) ≈ y + h Σ_i b_i k_i,   error ≈ h Σ_i e_i k_i
//! ```
//!
//! A method is a [`Tableau`] of coefficients. A [`Solver`] chooses the method and its steps. An [`Integrator`] takes one step at a
//! time. The [`State`] is a list of matrices, such as the positions of a batch of points and their log-densities. After each step
//! the solver reads the size of the state from the device. It checks that the size is finite, and with step control it chooses
//! the next step. Nothing else waits for the device.
//!
//! ```
//! use burn::prelude::*;
//! use gibbs_core::ode::{Method, Solver, State};
//!
//! // A quarter of a turn around the origin.
//! let turn = |_: f64, y: &State| {
//!     let [x] = y.parts() else { unreachable!("one matrix") };
//!     State::new(vec![Tensor::cat(vec![-x.clone().narrow(1, 1, 1), x.clone().narrow(1, 0, 1)], 1)])
//! };
//! let start = State::new(vec![Tensor::from_data([[1.0, 0.0]], &Device::flex())]);
//! let solver = Solver::new(Method::DormandPrince);
//! let solution = solver.solve(&turn, start, [0.0, std::f64::consts::FRAC_PI_2]).expect("a harmless equation");
//! let end: Vec<f32> = solution.state.parts()[0].to_data().to_vec().expect("f32");
//! assert!(end[0].abs() < 1e-4 && (end[1] - 1.0).abs() < 1e-4 && solution.evaluations < 60);
//! ```
//!
//! References: Hairer, Nørsett & Wanner, "Solving Ordinary Differential Equations I", 2nd edition, 1993,
//! doi:10.1007/978-3-540-78862-1, chapters II.1 to II.6; of each method see [`Method`].

mod control;
mod dense;
mod error;
mod integrator;
mod solver;
mod state;
mod step;
mod tableau;
#[cfg(test)]
mod tests;

pub use error::SolveError;
pub use integrator::{Integrator, Solution};
pub use solver::Solver;
pub use state::State;
pub use step::Step;
pub use tableau::{Method, Tableau};
