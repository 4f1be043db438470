//! Tangents and traces against the Jacobian by autodiff.

use gibbs_core::math::to_host;
use gibbs_testkit::{check_gradient, check_mean};

use super::*;

/// `∂v_i/∂x_j` of each point, `[n][i][j]`.
fn jacobians(
    field: &impl VelocityField,
    t: f64,
    x: &Tensor<2>,
    context: Option<&Tensor<2>>,
) -> Vec<Vec<Vec<f64>>> {
    let [n, d] = x.dims();
    let context = context.cloned().map(Tensor::from_inner);
    let row_of_each = |i: usize| {
        let x: Tensor<2> = Tensor::from_inner(x.clone()).require_grad();
        let v = field.velocity(context.as_ref()).at(&time(t, &x), x.clone());
        let gradients = v.narrow(1, i, 1).sum().backward();
        to_host(x.grad(&gradients).expect("the field depends on x"))
    };
    let rows: Vec<Vec<f64>> = (0..d).map(row_of_each).collect();
    let of_point = |point: usize| rows.iter().map(|row| row[d * point..d * (point + 1)].to_vec()).collect();
    (0..n).map(of_point).collect()
}

fn check_derivatives(name: &str, field: &impl VelocityField) {
    let (n, d) = (3, field.n_variables());
    let (x, direction) = (normal("x", [n, d]), normal("direction", [n, d]));
    let context = contexts(field, n);
    let lifted = field.clone().train();
    let jacobians = jacobians(&lifted, 0.3, &x, context.as_ref());
    let ready = field.velocity(context.as_ref());
    let now = time(0.3, &x);
    let v = to_host(ready.at(&now, x.clone()));
    let (v_along, change) = ready.along(&now, x.clone(), &direction);
    let (v_trace, trace) = ready.divergence(&now, x);
    for (a, (b, c)) in v.iter().zip(to_host(v_along).iter().zip(to_host(v_trace))) {
        assert!((a - b).abs() < 1e-12 && (a - c).abs() < 1e-12, "{name}: velocities {a} {b} {c}");
    }
    let (direction, change, trace) = (to_host(direction), to_host(change), to_host(trace));
    for (point, jacobian) in jacobians.iter().enumerate() {
        let truth: f64 = (0..d).map(|i| jacobian[i][i]).sum();
        assert!((truth - trace[point]).abs() < 1e-11, "{name}: trace {} instead of {truth}", trace[point]);
        for i in 0..d {
            let truth: f64 = (0..d).map(|j| jacobian[i][j] * direction[d * point + j]).sum();
            let found = change[d * point + i];
            assert!((truth - found).abs() < 1e-11, "{name}: J·ε {found} instead of {truth}");
        }
    }
}

#[test]
fn tangents_and_traces_are_those_of_the_jacobian() {
    for (name, config) in constructors() {
        check_derivatives(&name, &wide_field(&config, 0.4, 1));
    }
    check_derivatives("symmetric", &symmetric());
    for (name, config) in images() {
        check_derivatives(&name, &wide_field(&config, 0.3, 1));
    }
    let conditional = MlpFieldConfig::new(4, vec![6, 5].into()).with_n_context(C);
    let field = wide_field(&FieldConfig::Mlp(conditional), 0.4, 1);
    check_derivatives("guided", &Guided::new(field, 2.5));
}

#[test]
fn a_potential_has_a_symmetric_jacobian() {
    for (name, config) in constructors().into_iter().filter(|(name, _)| name.contains("potential")) {
        let field = wide_field(&config, 0.4, 1).train();
        for jacobian in jacobians(&field, 0.3, &normal("x", [2, 4]), None) {
            for (i, j) in (0..4).flat_map(|i| (0..i).map(move |j| (i, j))) {
                assert!((jacobian[i][j] - jacobian[j][i]).abs() < 1e-12, "{name}");
            }
        }
    }
}

#[test]
fn points_may_have_their_own_times() {
    for (name, config) in constructors().into_iter().chain(images()) {
        let field = wide_field(&config, 0.4, 1);
        let d = field.n_variables();
        let (x, context) = (normal("x", [3, d]), contexts(&field, 3));
        let times = [0.1, 0.5, 0.9];
        let t = Tensor::<2>::from_data([[0.1], [0.5], [0.9]], (&Device::flex(), DType::F64));
        let both = |t: &Tensor<2>, x: Tensor<2>, context: Option<&Tensor<2>>| {
            let (v, trace) = field.velocity(context).divergence(t, x);
            (to_host(v), to_host(trace))
        };
        let (v, trace) = both(&t, x.clone(), context.as_ref());
        for (i, t) in times.into_iter().enumerate() {
            let row = |x: &Tensor<2>| x.clone().narrow(0, i, 1);
            let x = row(&x);
            let (alone, trace_alone) = both(&time(t, &x), x, context.as_ref().map(row).as_ref());
            for (a, b) in alone.iter().zip(&v[d * i..]) {
                assert!((a - b).abs() < 1e-12, "{name} at {t}: {a} {b}");
            }
            assert!((trace_alone[0] - trace[i]).abs() < 1e-12, "{name} at {t}");
        }
    }
}

#[test]
fn estimated_traces_are_right_on_average() {
    let field = wide_field(&constructors()[1].1, 0.5, 2);
    let n = 4000;
    let x = normal("x", [1, 4]).expand([n, 4]);
    let ready = field.velocity(None);
    let now = time(0.4, &x);
    let truth = to_host(ready.divergence(&now, x.clone()).1)[0];
    for probe in [Probe::Rademacher, Probe::Gaussian] {
        let direction = probe.draw(&x, &mut Noise::new(0, "direction"));
        let (_, change) = ready.along(&now, x.clone(), &direction);
        check_mean(&to_host((change * direction).sum_dim(1)), truth);
    }
}

/// The gradient that training needs contains second derivatives of the field, which the analytic traces must carry.
#[test]
fn gradients_of_densities_are_their_slopes() {
    for index in [1, 3, 6, 10, 13, 14, 17, 19] {
        let (name, config) = constructors().remove(index);
        let flow =
            ContinuousFlow::new(wide_field(&config, 0.4, 3), Solver::fixed(Method::Rk4, 3), Trace::Exact);
        let flow = flow.unwrap();
        let context = contexts(&flow.field, 1);
        let log_prob = |x: Tensor<2>, context: Option<&Tensor<2>>| {
            flow.try_log_prob(x, context, None).unwrap_or_else(|error| panic!("{name}: {error}")).0.sum()
        };
        let point = [0.3, -0.8, 1.1, 0.2];
        let x = Tensor::<2>::from_data([point], (&Device::flex().autodiff(), DType::F64)).require_grad();
        let lifted = context.clone().map(Tensor::from_inner);
        let gradients = log_prob(x.clone(), lifted.as_ref()).backward();
        check_gradient(&to_host(x.grad(&gradients).expect("x")), &point, 1e-7, |x| {
            let x = Tensor::<1>::from_data(x, (&Device::flex(), DType::F64)).unsqueeze();
            to_host(log_prob(x, context.as_ref()))[0]
        });
    }
}

#[test]
fn guidance_lies_on_the_line_between_with_and_without() {
    let config = MlpFieldConfig::new(4, vec![6, 5].into()).with_n_context(C);
    let field = wide_field(&FieldConfig::Mlp(config), 0.4, 1);
    let (x, context) = (normal("x", [2, 4]), normal("context", [2, C]));
    let now = time(0.3, &x);
    let guided =
        |weight| to_host(Guided::new(field.clone(), weight).velocity(Some(&context)).at(&now, x.clone()));
    let of_field = |context: &Tensor<2>| to_host(field.velocity(Some(context)).at(&now, x.clone()));
    let (with, without) = (of_field(&context), of_field(&context.zeros_like()));
    for (i, (a, b)) in with.iter().zip(&without).enumerate() {
        assert!((guided(1.0)[i] - a).abs() < 1e-12 && (guided(0.0)[i] - b).abs() < 1e-12);
        assert!((guided(3.0)[i] - (3.0 * a - 2.0 * b)).abs() < 1e-12);
    }
}
