//! Tests of both minimization methods on functions with known minima, in f64.

use burn::module::{Module, ModuleMapper, Param};
use burn::optim::GradientsParams;
use burn::prelude::*;
use burn::tensor::DType;

use super::{ConjugateGradient, Lbfgs, LineSearch, Minimized};
use crate::math::to_host;

#[derive(Clone, Copy, Debug)]
enum Method {
    ConjugateGradient,
    Lbfgs,
}

const METHODS: [Method; 2] = [Method::ConjugateGradient, Method::Lbfgs];

impl Method {
    fn run<M: Module>(
        self,
        searches: usize,
        line_search: LineSearch,
        module: M,
        evaluate: impl FnMut(&M) -> (f64, GradientsParams),
    ) -> (M, Minimized) {
        match self {
            Self::ConjugateGradient => ConjugateGradient { searches, line_search }.minimize(module, evaluate),
            Self::Lbfgs => Lbfgs { searches, history: 10, line_search }.minimize(module, evaluate),
        }
    }
}

/// Six variables in two parameters.
#[derive(Module, Debug)]
struct Pair {
    a: Param<Tensor<1>>,
    b: Param<Tensor<2>>,
}

/// The same variables in the other order.
#[derive(Module, Debug)]
struct Swapped {
    b: Param<Tensor<2>>,
    a: Param<Tensor<1>>,
}

fn pair(device: &Device) -> Pair {
    let options = || (device, DType::F64);
    Pair {
        a: Param::from_tensor(Tensor::from_data([1.0, -2.0], options())),
        b: Param::from_tensor(Tensor::from_data([[0.5, 3.0], [-1.0, 0.25]], options())),
    }
}

fn swapped(device: &Device) -> Swapped {
    let Pair { a, b } = pair(device);
    Swapped { b, a }
}

fn values(a: &Param<Tensor<1>>, b: &Param<Tensor<2>>) -> Vec<f64> {
    [to_host(a.val()), to_host(b.val())].concat()
}

fn autodiff() -> Device {
    Device::flex().autodiff()
}

/// Loss and gradients of a scalar.
fn backward<M: Module>(module: &M, loss: Tensor<1>) -> (f64, GradientsParams) {
    let value = to_host(loss.clone())[0];
    (value, GradientsParams::from_grads(loss.backward(), module))
}

/// `½ Σ_i (i+1)·(x_i - i)² + ½ (Σ_i x_i - 15)²`, least where `x_i = i`.
fn quadratic(a: &Param<Tensor<1>>, b: &Param<Tensor<2>>) -> Tensor<1> {
    let x = Tensor::cat(vec![a.val(), b.val().flatten(0, 1)], 0);
    let minimum = Tensor::from_data([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], (&x.device(), DType::F64));
    let squares = (x.clone() - minimum.clone()).square() * (minimum + 1.0);
    (squares.sum() + (x.sum() - 15.0).square()) * 0.5
}

fn of_pair(pair: &Pair) -> (f64, GradientsParams) {
    backward(pair, quadratic(&pair.a, &pair.b))
}

#[test]
fn a_quadratic_is_solved_in_as_many_searches_as_it_has_dimensions() {
    for method in METHODS {
        let exact = LineSearch::new(1e-8).with_sufficient_decrease(1e-9);
        let (found, done) = method.run(6, exact, pair(&autodiff()), of_pair);
        for (i, x) in values(&found.a, &found.b).into_iter().enumerate() {
            assert!((x - i as f64).abs() < 1e-7, "{method:?}: x[{i}] = {x}, {done:?}");
        }
        // The loss is the error squared. An exact search needs two evaluations, the start needs one, and rounding errors may
        // require one more in the last search.
        assert!(done.loss < 1e-13 && done.searches == 6 && done.evaluations <= 14, "{method:?}: {done:?}");
    }
}

#[test]
fn rosenbrock_converges() {
    let rosenbrock = |pair: &Pair| {
        let x = |i: usize| pair.a.val().narrow(0, i, 1);
        let loss = (x(1) - x(0).square()).square() * 100.0 + (-x(0) + 1.0).square();
        backward(pair, loss)
    };
    for (method, searches) in [(Method::ConjugateGradient, 60), (Method::Lbfgs, 60)] {
        let curvature = if let Method::Lbfgs = method { 0.9 } else { 0.1 };
        let (found, done) = method.run(searches, LineSearch::new(curvature), pair(&autodiff()), rosenbrock);
        let x = to_host(found.a.val());
        assert!(done.loss < 1e-18, "{method:?}: {done:?}");
        assert!(x.iter().all(|x| (x - 1.0).abs() < 1e-8), "{method:?}: {x:?}");
        assert_eq!(to_host(found.b.val()), to_host(pair(&Device::flex()).b.val()), "{method:?}");
    }
}

/// `Σ_i (c·x_i - ln x_i)`: NaN for negative `x`, least where `x_i = 1/c`.
fn barrier(module: &Pair) -> (f64, GradientsParams) {
    let x = Tensor::cat(vec![module.a.val(), module.b.val().flatten(0, 1)], 0);
    backward(module, (x.clone() * 0.01 - x.log()).sum())
}

#[test]
fn steps_out_of_the_domain_are_taken_back() {
    for method in METHODS {
        let device = autodiff();
        let mut start = pair(&device);
        start.a = Param::from_tensor(Tensor::from_data([1e-3, 2e-3], (&device, DType::F64)));
        start.b = Param::from_tensor(Tensor::ones([2, 2], (&device, DType::F64)));
        let (found, done) = method.run(60, LineSearch::new(0.1), start, barrier);
        for x in values(&found.a, &found.b) {
            assert!((x - 100.0).abs() < 1e-4, "{method:?}: {x}, {done:?}");
        }
    }
}

#[test]
fn the_loss_never_rises_and_is_that_of_the_module() {
    for method in METHODS {
        for budget in [1, 2, 5] {
            let search = LineSearch::new(0.1).with_max_evaluations(budget);
            let mut module = pair(&autodiff());
            for _ in 0..20 {
                let before = of_pair(&module).0;
                let mut evaluations = 0;
                let (next, done) = method.run(2, search.clone(), module, |module| {
                    evaluations += 1;
                    of_pair(module)
                });
                assert_eq!((done.loss_before, done.evaluations), (before, evaluations));
                assert!(done.loss <= done.loss_before, "{method:?}: {done:?}");
                assert_eq!(of_pair(&next).0, done.loss);
                module = next;
            }
        }
    }
}

#[test]
fn identities_and_gradient_tracking_stay() {
    for method in METHODS {
        let mut start = pair(&autodiff());
        start.b = start.b.no_grad();
        let (found, done) = method.run(3, LineSearch::new(0.1), start.clone(), of_pair);
        assert!(done.loss < done.loss_before);
        assert_eq!((found.a.id, found.b.id), (start.a.id, start.b.id));
        assert_eq!((found.a.is_require_grad(), found.b.is_require_grad()), (true, false));
        assert_eq!(to_host(found.b.val()), to_host(start.b.val()));
        assert_ne!(to_host(found.a.val()), to_host(start.a.val()));
        assert!(backward(&found, quadratic(&found.a, &found.b)).1.get::<1>(found.a.id).is_some());
    }
}

#[test]
fn the_order_of_fields_does_not_matter() {
    for method in METHODS {
        let search = || LineSearch::new(0.1);
        let (one, _) = method.run(4, search(), pair(&autodiff()), of_pair);
        let (other, _) = method.run(4, search(), swapped(&autodiff()), |module: &Swapped| {
            backward(module, quadratic(&module.a, &module.b))
        });
        for (x, y) in values(&one.a, &one.b).into_iter().zip(values(&other.a, &other.b)) {
            assert!((x - y).abs() < 1e-10, "{method:?}: {x} {y}");
        }
    }
}

/// Copies parameters to an autodiff device.
struct OnAutodiff;

impl ModuleMapper for OnAutodiff {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| Tensor::from_data(tensor.into_data(), (&autodiff(), DType::F64)).require_grad())
    }
}

#[test]
fn a_module_without_autodiff_moves_by_gradients_from_formulas() {
    for method in METHODS {
        let by_formula = |module: &Pair| of_pair(&module.clone().map(&mut OnAutodiff));
        let search = || LineSearch::new(0.1);
        let (plain, one) = method.run(4, search(), pair(&Device::flex()), by_formula);
        let (lifted, other) = method.run(4, search(), pair(&autodiff()), of_pair);
        assert_eq!((values(&plain.a, &plain.b), one), (values(&lifted.a, &lifted.b), other));
        assert!(!plain.a.val().device().is_autodiff() && lifted.a.val().device().is_autodiff());
    }
}

#[test]
fn nothing_moves_from_a_loss_that_is_not_finite_or_from_a_minimum() {
    for method in METHODS {
        let start = pair(&autodiff());
        let (found, done) =
            method.run(3, LineSearch::new(0.1), start.clone(), |module| (f64::NAN, of_pair(module).1));
        assert!(done.loss.is_nan() && (done.evaluations, done.searches) == (1, 0));
        assert_eq!(values(&found.a, &found.b), values(&start.a, &start.b));
        let flat = |module: &Pair| backward(module, module.a.val().sum() * 0.0);
        let (_, done) = method.run(3, LineSearch::new(0.1), start, flat);
        assert_eq!((done.evaluations, done.searches), (1, 0));
    }
}

#[test]
#[should_panic(expected = "curvature = 2: must be")]
fn a_config_out_of_range_panics() {
    let method = ConjugateGradient::new().with_line_search(LineSearch::new(2.0));
    method.minimize(pair(&autodiff()), of_pair);
}

#[test]
fn a_history_of_nothing_is_named() {
    assert_eq!(
        Lbfgs::new().with_history(0).validate().unwrap_err().to_string(),
        "history = 0: must be at least 1"
    );
}
