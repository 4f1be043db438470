//! A linear field, whose flow is known: Gaussian in, Gaussian out.
//!
//! ```text
//! v = x·A  with A = a·1 + ω·R, R a quarter turn:   x(1) = e^a · rotation by ω of z
//! v = m:   x(1) = z + m
//! ```

use burn::module::{Module, Param};
use gibbs_core::{
    Batch, Bijection, Objective, Position,
    math::to_host,
    preprocess::{Preprocessed, PreprocessorConfig},
};

use super::*;

/// `v = x·A + m`.
#[derive(Module, Debug)]
struct Linear {
    matrix: Param<Tensor<2>>,
    shift: Param<Tensor<1>>,
}

struct Ready {
    matrix: Tensor<2>,
    shift: Tensor<2>,
}

impl VelocityField for Linear {
    fn n_variables(&self) -> usize {
        self.matrix.dims()[0]
    }

    fn n_context(&self) -> usize {
        0
    }

    fn velocity<'a>(&'a self, _: Option<&Tensor<2>>) -> Box<dyn Velocity + 'a> {
        Box::new(Ready { matrix: self.matrix.val(), shift: self.shift.val().unsqueeze() })
    }
}

impl Velocity for Ready {
    fn at(&self, _: &Tensor<2>, x: Tensor<2>) -> Tensor<2> {
        x.matmul(self.matrix.clone()) + self.shift.clone()
    }

    fn along(&self, t: &Tensor<2>, x: Tensor<2>, direction: &Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        (self.at(t, x), direction.clone().matmul(self.matrix.clone()))
    }
}

const GROWTH: f64 = 0.4;
const TURN: f64 = 1.3;
const SHIFT: [f64; 2] = [0.7, -0.2];

fn linear(matrix: [[f64; 2]; 2], shift: [f64; 2]) -> Linear {
    let options = (&Device::flex(), DType::F64);
    Linear {
        matrix: Param::from_tensor(Tensor::from_data(matrix, options)),
        shift: Param::from_tensor(Tensor::from_data(shift, options)),
    }
}

#[test]
fn a_growing_turn_is_the_gaussian_of_its_matrix_exponential() {
    let field = linear([[GROWTH, TURN], [-TURN, GROWTH]], [0.0; 2]);
    let x = normal("x", [5, 2]);
    for (trace, allowed) in [(Trace::Exact, 1e-8), (Trace::Hutchinson(Probe::Rademacher), f64::INFINITY)] {
        let flow = ContinuousFlow::new(field.clone(), tight(), trace).unwrap();
        let (z, ladj) = flow.forward(x.clone(), None);
        let (log_prob, _) = flow.try_log_prob(x.clone(), None, None).unwrap();
        let (sin, cos) = TURN.sin_cos();
        for ((x, z), (ladj, log_prob)) in to_host(x.clone())
            .chunks(2)
            .zip(to_host(z).chunks(2))
            .zip(to_host(ladj).into_iter().zip(to_host(log_prob)))
        {
            let shrink = (-GROWTH).exp();
            let truth = [shrink * (cos * x[0] + sin * x[1]), shrink * (cos * x[1] - sin * x[0])];
            assert!(z.iter().zip(truth).all(|(z, truth)| (z - truth).abs() < 1e-8), "{z:?} {truth:?}");
            assert!((ladj + 2.0 * GROWTH).abs() < allowed, "{ladj}");
            let variance = (2.0 * GROWTH).exp();
            let exact =
                -0.5 * (x[0] * x[0] + x[1] * x[1]) / variance - (std::f64::consts::TAU * variance).ln();
            assert!((log_prob - exact).abs() < allowed, "{log_prob} instead of {exact}");
        }
    }
}

#[test]
fn a_constant_wind_shifts_and_keeps_volumes() {
    let flow =
        ContinuousFlow::new(linear([[0.0; 2]; 2], SHIFT), Solver::fixed(Method::Euler, 3), Trace::Exact);
    let x = normal("x", [3, 2]);
    let path = flow.unwrap().path(x.clone(), None, [0.0, 1.0], true, None).unwrap();
    let moved = to_host(path.end - x);
    assert!(moved.chunks(2).all(|moved| moved.iter().zip(SHIFT).all(|(a, b)| (a - b).abs() < 1e-12)));
    assert!(to_host(path.ladj).iter().all(|ladj| *ladj == 0.0));
    let energy = (SHIFT[0].powi(2) + SHIFT[1].powi(2)) / 2.0;
    let [kinetic, jacobian] = [path.kinetic, path.jacobian].map(|part| to_host(part.expect("asked for")));
    assert!(kinetic.iter().all(|k| (k - energy).abs() < 1e-12) && jacobian.iter().all(|j| *j == 0.0));
}

/// `|Jε|²/D` of a turn that grows is `a² + ω²` for signs, whatever they are; and grows in either direction of time.
#[test]
fn regularizers_are_positive_both_ways() {
    let flow = ContinuousFlow::new(
        linear([[GROWTH, TURN], [-TURN, GROWTH]], [0.0; 2]),
        Solver::fixed(Method::Rk4, 10),
        Trace::Exact,
    )
    .unwrap();
    for span in [[0.0, 1.0], [1.0, 0.0]] {
        let path = flow.path(normal("x", [4, 2]), None, span, true, None).unwrap();
        let truth = GROWTH * GROWTH + TURN * TURN;
        let jacobian = to_host(path.jacobian.expect("asked for"));
        assert!(jacobian.iter().all(|j| (j - truth).abs() < 1e-10), "{jacobian:?}");
        assert!(to_host(path.kinetic.expect("asked for")).iter().all(|k| *k > 0.0));
    }
}

/// One step of Euler's method through `v = x` ends at 0 instead of `x/e`, which looks like a larger density. A resting field has no
/// error.
#[test]
fn a_solver_whose_errors_pay_takes_more_steps() {
    for (growth, expected) in [(1.0, 2), (0.0, 1)] {
        let field = linear([[growth, 0.0], [0.0, growth]], [0.0; 2]);
        let flow = ContinuousFlow::new(field, tight(), Trace::Exact).unwrap().train();
        let preprocessor = PreprocessorConfig::Identity.init(2).unwrap();
        let model = Preprocessed { preprocessor, model: flow };
        let solver = Solver::fixed(Method::Euler, 1);
        let mut objective = SolvedLikelihood { solver, step_jitter: 0.0, kinetic: 0.0, jacobian: 0.0 };
        let (at, noise) = (Position::new(0, 100, 1), &mut Noise::new(0, "step"));
        let output = objective.step(&model, Batch::new(normal("x", [200, 2])), &at, noise).unwrap();
        assert_eq!(objective.solver.steps, Some(expected), "growth {growth}");
        assert!(output.metrics.iter().any(|(name, _)| *name == "solver_steps"));
        let mut resumed = SolvedLikelihood { solver, ..objective };
        Objective::<Preprocessed<ContinuousFlow<Linear>>>::restore(
            &mut resumed,
            Objective::<Preprocessed<ContinuousFlow<Linear>>>::state(&objective),
        );
        assert_eq!(resumed, objective);
    }
}
