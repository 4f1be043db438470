//! Methods against the conditions of their orders and against solutions in closed form.

mod orders;
mod solves;
mod trouble;

use burn::{prelude::*, tensor::DType};

use super::{Method, Solver, State};
use crate::math::to_host;

const ALL: [Method; 5] =
    [Method::Euler, Method::Midpoint, Method::Rk4, Method::DormandPrince, Method::Tsitouras];
const CONTROLLED: [Method; 2] = [Method::DormandPrince, Method::Tsitouras];

/// One row of numbers, in f64.
fn row(values: &[f64]) -> State {
    let shape = [1, values.len()];
    State::new(vec![Tensor::from_data(
        TensorData::new(values.to_vec(), shape),
        (&Device::flex(), DType::F64),
    )])
}

fn host(state: &State) -> Vec<f64> {
    to_host(state.parts()[0].clone())
}

/// An equation of rows of numbers.
fn on_host(rates: impl Fn(f64, &[f64]) -> Vec<f64>) -> impl Fn(f64, &State) -> State {
    move |t, y| row(&rates(t, &host(y)))
}

/// `y' = y cos t`, whose solution is `y_0 exp(sin t - sin t_0)`; and logistic growth, `y' = y (1 - y)`.
fn curved() -> impl Fn(f64, &State) -> State {
    on_host(|t, y| vec![y[0] * t.cos(), y[1] * (1.0 - y[1])])
}

fn curved_solution(t: f64) -> [f64; 2] {
    [t.sin().exp(), 1.0 / (1.0 + 4.0 * (-t).exp())]
}

/// Largest error of the solution of [`curved`] at `t`.
fn curved_error(state: &State, t: f64) -> f64 {
    host(state).iter().zip(curved_solution(t)).map(|(y, truth)| (y - truth).abs()).fold(0.0, f64::max)
}

fn curved_start() -> State {
    row(&curved_solution(0.0))
}
