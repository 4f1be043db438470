//! Gradients by the adjoint equation against those through the steps.

use burn::{module::Module, optim::GradientsParams};
use gibbs_core::math::to_host;

use super::*;

/// All gradients of the parameters of a flow, in the order of a visit.
fn listed(flow: &ContinuousFlow, gradients: &GradientsParams) -> Vec<f64> {
    use burn::module::{ModuleVisitor, Param};
    struct List<'a>(&'a GradientsParams, Vec<f64>);
    impl ModuleVisitor for List<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let n = param.val().shape().num_elements();
            self.1.extend(self.0.get::<D>(param.id).map_or(vec![0.0; n], to_host));
        }
    }
    let mut list = List(gradients, Vec::new());
    flow.visit(&mut list);
    list.1
}

#[test]
fn the_adjoint_gradient_is_that_through_the_steps() {
    let weights = [0.3, 0.2];
    for (index, trace, regularized) in [
        (1, Trace::Exact, false),
        (2, Trace::Exact, false),
        (6, Trace::Exact, true),
        (1, Trace::Hutchinson(Probe::Gaussian), true),
        (10, Trace::Exact, false),
        (15, Trace::Exact, true),
    ] {
        let (name, config) = constructors().remove(index);
        // Twenty steps of order 5: both gradients are within 1e-9 of that of the exact solution.
        let solver = Solver::fixed(Method::DormandPrince, 20);
        let flow = ContinuousFlow::new(wide_field(&config, 0.3, 2), solver, trace).unwrap().train();
        let (x, context) = (normal("x", [3, 4]), contexts(&flow.field, 3));
        let weights = regularized.then_some(weights);
        let noise = || Noise::new(4, "direction");

        let lifted = context.clone().map(Tensor::from_inner);
        let path = flow
            .path(Tensor::from_inner(x.clone()), lifted.as_ref(), [1.0, 0.0], regularized, Some(&mut noise()))
            .unwrap();
        let (log_prob, kinetic) = (flow.log_prob_of(&path), path.kinetic.clone());
        let mut loss = log_prob.clone().mean().neg();
        for (part, weight) in
            [path.kinetic, path.jacobian].into_iter().flatten().zip(weights.unwrap_or_default())
        {
            loss = loss + part.mean() * weight;
        }
        assert_eq!(kinetic.is_some(), regularized, "{name}");
        let through = listed(&flow, &GradientsParams::from_grads(loss.backward(), &flow));

        let by_adjoint =
            flow.likelihood_by_adjoint(x, context.as_ref(), None, weights, &mut noise()).unwrap();
        for (a, b) in to_host(by_adjoint.log_prob).iter().zip(to_host(log_prob)) {
            assert!((a - b).abs() < 1e-12, "{name}: {a} {b}");
        }
        let adjoint = listed(&flow, &by_adjoint.adjoint.gradients);
        assert_eq!(adjoint.len(), flow.num_params());
        let largest = through.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
        assert!(largest > 1e-3, "{name}: no gradient to speak of");
        for (i, (a, b)) in adjoint.iter().zip(&through).enumerate() {
            assert!((a - b).abs() < 1e-7, "{name}, parameter {i}: {a} by the adjoint, {b} through the steps");
        }
    }
}

#[test]
fn the_adjoint_leads_back_to_the_start() {
    let (_, config) = constructors().remove(1);
    let flow = ContinuousFlow::new(wide_field(&config, 0.3, 2), tight(), Trace::Exact).unwrap();
    let x = normal("x", [3, 4]);
    let lifted: Tensor<2> = Tensor::from_inner(x.clone()).require_grad();
    let path = flow.clone().train().path(lifted.clone(), None, [1.0, 0.0], false, None).unwrap();
    let gradients = (path.end.clone().powi_scalar(2).sum() * 0.5 + path.ladj.clone().sum() * 2.0).backward();
    let truth = to_host(lifted.grad(&gradients).expect("the path depends on its start"));
    let end = path.end.inner();
    let cotangents =
        Cotangents { end: end.clone(), ladj: path.ladj.inner().ones_like() * 2.0, regularizers: None };
    let pulled = flow.train().adjoint(end, cotangents, None, [1.0, 0.0], None).unwrap();
    for (a, b) in to_host(pulled.start).iter().zip(truth) {
        assert!((a - b).abs() < 1e-7, "{a} {b}");
    }
    assert!(pulled.evaluations > 10);
}
