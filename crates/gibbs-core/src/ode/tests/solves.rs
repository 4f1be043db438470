//! Solutions in closed form, steps by hand, the way back, and step control.

use super::*;
use crate::ode::Integrator;

/// A damped oscillator, `x'' = -2γ x' - ω² x`.
fn oscillator() -> impl Fn(f64, &State) -> State {
    on_host(|_, y| vec![y[1], -2.0 * 0.1 * y[1] - 4.0 * y[0]])
}

fn oscillator_solution(t: f64) -> [f64; 2] {
    let omega = (4.0 - 0.01f64).sqrt();
    let decay = (-0.1 * t).exp();
    let (sin, cos) = (omega * t).sin_cos();
    // x(0) = 1, x'(0) = 0.
    [decay * (cos + 0.1 / omega * sin), -decay * 4.0 / omega * sin]
}

#[test]
fn an_oscillator_follows_its_closed_form() {
    for method in CONTROLLED {
        let solver = Solver::new(method).with_tolerance(1e-9);
        let end = solver.solve(&oscillator(), row(&[1.0, 0.0]), [0.0, 7.0]).expect("a smooth solution");
        for (y, truth) in host(&end.state).iter().zip(oscillator_solution(7.0)) {
            assert!((y - truth).abs() < 1e-7, "{method:?}: {y} instead of {truth}");
        }
    }
}

#[test]
fn forward_then_backward_returns() {
    for (method, allowed) in ALL.into_iter().zip([3e-2, 3e-4, 1e-8, 1e-10, 1e-10]) {
        let solver = Solver::fixed(method, 200);
        let there = solver.solve(&curved(), curved_start(), [0.0, 2.0]).expect("smooth").state;
        let back = solver.solve(&curved(), there, [2.0, 0.0]).expect("smooth").state;
        assert!(curved_error(&back, 0.0) < allowed, "{method:?}: {}", curved_error(&back, 0.0));
    }
    for method in CONTROLLED {
        let solver = Solver::new(method).with_tolerance(1e-9);
        let there = solver.solve(&curved(), curved_start(), [0.0, 2.0]).expect("smooth").state;
        let back = solver.solve(&curved(), there, [2.0, 0.0]).expect("smooth").state;
        assert!(curved_error(&back, 0.0) < 1e-7, "{method:?}");
    }
}

/// Errors of the steps add up: over this span, by less than a factor of 30.
#[test]
fn step_control_holds_the_tolerance_and_loose_ones_cost_less() {
    for method in CONTROLLED {
        let mut evaluations = Vec::new();
        for tolerance in [1e-3, 1e-5, 1e-7, 1e-9, 1e-11] {
            let solver = Solver::new(method).with_tolerance(tolerance);
            let solution = solver.solve(&curved(), curved_start(), [0.0, 5.0]).expect("smooth");
            let error = curved_error(&solution.state, 5.0);
            assert!(error < 30.0 * tolerance, "{method:?} at {tolerance:e}: {error:e}");
            evaluations.push(solution.evaluations);
        }
        assert!(evaluations.is_sorted_by(|loose, tight| loose < tight), "{method:?}: {evaluations:?}");
    }
}

#[test]
fn evaluations_are_counted() {
    for (method, of_step) in ALL.into_iter().zip([1, 2, 4, 6, 6]) {
        let count = std::cell::Cell::new(0);
        let curved = curved();
        let counted = |t: f64, y: &State| {
            count.set(count.get() + 1);
            curved(t, y)
        };
        let solution = Solver::fixed(method, 10).solve(&counted, curved_start(), [0.0, 1.0]).expect("smooth");
        let first = usize::from(of_step == 6);
        assert_eq!((solution.evaluations, count.get()), (10 * of_step + first, 10 * of_step + first));
        assert_eq!((solution.accepted, solution.rejected), (10, 0));
    }
    let count = std::cell::Cell::new(0);
    let curved = curved();
    let counted = |t: f64, y: &State| {
        count.set(count.get() + 1);
        curved(t, y)
    };
    let solver = Solver::new(Method::Tsitouras);
    let solution = solver.solve(&counted, curved_start(), [0.0, 5.0]).expect("smooth");
    assert_eq!(solution.evaluations, count.get());
}

#[test]
fn a_solve_by_hand_is_the_solve() {
    let equation = curved();
    for solver in [Solver::fixed(Method::Rk4, 7), Solver::new(Method::DormandPrince)] {
        let whole = solver.solve(&equation, curved_start(), [0.5, 2.0]).expect("smooth");
        let mut integrator = Integrator::new(&equation, solver, curved_start(), [0.5, 2.0]);
        let (mut t, mut last) = (0.5, curved_start());
        while let Some(step) = integrator.step().expect("smooth") {
            assert!((step.t - t).abs() < 1e-12 && host(&step.before) == host(&last));
            (t, last) = (step.t + step.h, step.after.clone());
            assert_eq!(host(integrator.state()), host(&last));
        }
        assert!((integrator.time() - 2.0).abs() < 1e-12 && (t - 2.0).abs() < 1e-12);
        assert_eq!(host(&last), host(&whole.state));
    }
}

#[test]
fn states_between_follow_the_solution_in_both_directions() {
    let times = [0.0, 0.3, 0.31, 1.0, 1.9, 2.0];
    for solver in [
        Solver::fixed(Method::Rk4, 40),
        Solver::new(Method::DormandPrince).with_tolerance(1e-8),
        Solver::new(Method::Tsitouras).with_tolerance(1e-8),
    ] {
        let states = solver.states(&curved(), curved_start(), [0.0, 2.0], &times).expect("smooth");
        assert_eq!(states.len(), times.len());
        for (state, t) in states.iter().zip(times) {
            assert!(curved_error(state, t) < 1e-5, "{solver:?} at {t}: {}", curved_error(state, t));
        }
        let (start, back): (_, Vec<f64>) = (row(&curved_solution(2.0)), times.into_iter().rev().collect());
        let states = solver.states(&curved(), start, [2.0, 0.0], &back).expect("smooth");
        for (state, t) in states.iter().zip(back) {
            assert!(curved_error(state, t) < 1e-5, "{solver:?} back at {t}");
        }
    }
}

#[test]
fn errors_of_any_part_count() {
    // The first part is constant; the second one swings fast, and sets the steps.
    let solver = Solver::new(Method::DormandPrince);
    let evaluations = |fast: f64| {
        let equation = move |t: f64, y: &State| {
            let swing = Tensor::full([1, 1], (fast * t).cos() * fast, (&Device::flex(), DType::F64));
            State::new(vec![y.parts()[0].zeros_like(), swing])
        };
        let parts = vec![row(&[1.0; 4]).into_parts().remove(0), row(&[0.0]).into_parts().remove(0)];
        solver.solve(&equation, State::new(parts), [0.0, 1.0]).expect("smooth").evaluations
    };
    assert!(evaluations(60.0) > 3 * evaluations(1.0));
}
