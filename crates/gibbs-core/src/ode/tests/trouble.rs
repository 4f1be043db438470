//! Equations without a solution, or with one that cannot be followed.

use super::*;
use crate::ode::SolveError;

#[test]
fn an_explosion_is_an_error_that_names_time_step_and_norm() {
    // y' = y² from 1 is 1/(1 - t).
    let explosion = on_host(|_, y| vec![y[0] * y[0]]);
    let fixed = Solver::fixed(Method::Rk4, 400).solve(&explosion, row(&[1.0]), [0.0, 4.0]).unwrap_err();
    let SolveError::NotFinite { t, step, norm } = fixed else { panic!("{fixed}") };
    assert!((1.0..1.2).contains(&t) && (step - 0.01).abs() < 1e-12 && !norm.is_finite(), "{fixed}");
    for method in CONTROLLED {
        let error = Solver::new(method).solve(&explosion, row(&[1.0]), [0.0, 4.0]).unwrap_err();
        let t = match error {
            SolveError::NotFinite { t, .. } | SolveError::StepTooSmall { t, .. } => t,
            _ => panic!("{error}"),
        };
        assert!((0.99..1.01).contains(&t), "{method:?}: {error}");
    }
}

#[test]
fn a_field_that_is_no_number_is_an_error() {
    let broken = on_host(|t, y| vec![if t > 0.5 { f64::NAN } else { y[0] }]);
    for solver in [Solver::fixed(Method::Euler, 10), Solver::new(Method::Tsitouras)] {
        let error = solver.solve(&broken, row(&[1.0]), [0.0, 1.0]).unwrap_err();
        let SolveError::NotFinite { t, .. } = error else { panic!("{error}") };
        assert!((0.4..0.61).contains(&t), "{error}");
        assert!(error.to_string().contains("no longer finite"));
    }
    let never = on_host(|_, _| vec![f64::INFINITY]);
    let error = Solver::new(Method::DormandPrince).solve(&never, row(&[1.0]), [0.0, 1.0]).unwrap_err();
    assert!(matches!(error, SolveError::NotFinite { t: 0.0, .. }), "{error}");
}

#[test]
fn a_stiff_field_is_an_error_and_no_endless_loop() {
    // Stability would ask for steps of 3e-9.
    let stiff = on_host(|t, y| vec![-1e9 * (y[0] - t.cos())]);
    for method in CONTROLLED {
        let error = Solver::new(method).solve(&stiff, row(&[0.0]), [0.0, 1.0]).unwrap_err();
        let SolveError::StepTooSmall { t, step, min_step, error: size, .. } = error else {
            panic!("{error}")
        };
        assert!(t < 0.1 && step.abs() < min_step && min_step == 1e-6 && size > 1.0, "{error}");
        assert!(error.to_string().contains("stiff"), "{error}");
    }
}

#[test]
fn too_many_steps_are_an_error() {
    let fast = on_host(|t, _| vec![(1000.0 * t).cos()]);
    let solver = Solver::new(Method::DormandPrince).with_max_steps(20).with_tolerance(1e-8);
    let error = solver.solve(&fast, row(&[0.0]), [0.0, 10.0]).unwrap_err();
    let SolveError::TooManySteps { t, norm, steps: 20, .. } = error else { panic!("{error}") };
    // y = sin(1000 t)/1000.
    assert!(t > 0.0 && (norm - (1000.0 * t).sin().abs() / 1000.0).abs() < 1e-6, "{error}");
}

#[test]
fn solvers_out_of_range_are_named() {
    let message = |solver: Solver| solver.validate().unwrap_err().to_string();
    assert!(
        message(Solver::new(Method::Rk4)).contains("method = rk4: this method does not estimate its error")
    );
    let adaptive = Solver::new(Method::Tsitouras);
    assert!(message(Solver::fixed(Method::Rk4, 0)).contains("steps = 0"));
    assert!(message(adaptive.with_tolerance(0.0)).contains("tolerance = 0"));
    assert!(message(adaptive.with_tolerance(f64::NAN)).contains("tolerance = NaN"));
    assert!(message(adaptive.with_min_step(1.0)).contains("min_step = 1"));
    assert!(message(adaptive.with_max_steps(0)).contains("max_steps = 0"));
    assert!(adaptive.validate().is_ok());
}
