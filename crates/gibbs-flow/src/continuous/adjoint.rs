//! Gradients of a flow by the adjoint equation.
//!
//! ```text
//! a(t) = ∂ℒ/∂x(t),   b the cotangents of ladj and of the regularizers, which do not change
//! da/dt = -∂/∂x (a·v + b·r),     dℒ/dθ = -∫ ∂/∂θ (a·v + b·r) dt    from the end of the path back to its beginning
//! ```
//!
//! `r` are the rates of log-determinant and regularizers. Points and cotangents run back together. No steps are stored, so the memory is
//! that of one evaluation, for any number of steps. The gradient is that of the exact solution within the tolerance of the solver. To
//! get the gradient of the solver's steps, differentiate [`ContinuousFlow::path`].
//!
//! References: Pontryagin et al. 1962; Chen et al. 2018, arXiv:1806.07366, appendix B and C.

use burn::{
    module::{Module, ModuleVisitor, Param},
    optim::GradientsParams,
    prelude::*,
};
use gibbs_backend::Noise;

use gibbs_core::ode::{SolveError, State};

use super::{
    dynamics::{AugmentedDynamics, Path},
    flow::ContinuousFlow,
    velocity::VelocityField,
};
use crate::{Mixture, base};

/// Derivatives of a loss with respect to the end of a path.
#[derive(Clone, Debug)]
pub struct Cotangents {
    /// `∂ℒ/∂end`, `[n, D]`.
    pub end: Tensor<2>,
    /// `∂ℒ/∂ladj`, `[n]`.
    pub ladj: Tensor<1>,
    /// `∂ℒ/∂kinetic` and `∂ℒ/∂jacobian` of each point, where both are part of the path.
    pub regularizers: Option<[f64; 2]>,
}

/// The solution of the adjoint equation.
#[derive(Debug)]
pub struct AdjointGradients {
    /// `∂ℒ/∂start`, `[n, D]`.
    pub start: Tensor<2>,
    /// `∂ℒ/∂θ` of each parameter.
    pub gradients: GradientsParams,
    /// Evaluations of the field and its derivatives.
    pub evaluations: usize,
}

/// Log-likelihood of a batch with its gradients.
#[derive(Debug)]
pub struct LikelihoodGradients {
    /// `ln p(x | c)`, `[n]`, nats.
    pub log_prob: Tensor<1>,
    /// The path to the base.
    pub path: Path,
    /// The gradients of the loss.
    pub adjoint: AdjointGradients,
}

impl<V: VelocityField> ContinuousFlow<V> {
    /// The gradients of a loss of a path through `span` that ended at `end [n, D]`, by the adjoint equation. `noise` is a copy of the
    /// noise of the path. Points and cotangents are without autodiff. The parameters of the flow are on the autodiff device.
    ///
    /// # Errors
    /// If the adjoint equation cannot be solved.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn adjoint(
        &self,
        end: Tensor<2>,
        cotangents: Cotangents,
        context: Option<&Tensor<2>>,
        span: [f64; 2],
        noise: Option<&mut Noise>,
    ) -> Result<AdjointGradients, SolveError> {
        let dynamics = self.dynamics(&end, cotangents.regularizers.is_some(), noise);
        let direction = dynamics.direction.clone().map(Tensor::from_inner);
        let lifted = AugmentedDynamics { direction, ..dynamics };
        let context = context.cloned().map(Tensor::from_inner);
        let forward = (span[1] - span[0]).signum();
        let ladj = cotangents.ladj.clone().unsqueeze_dim::<2>(1);
        let scales = cotangents.regularizers.unwrap_or_default();
        let equation = |t: f64, state: &State| {
            let [x, a, _] = state.parts() else { unreachable!("points, cotangents, gradients") };
            let x: Tensor<2> = Tensor::from_inner(x.clone()).require_grad();
            let velocity = self.field.velocity(context.as_ref());
            let rates = lifted.rates(velocity.as_ref(), t, &x, forward);
            let mut pull = (rates[0].clone() * Tensor::from_inner(a.clone())).sum()
                + (rates[1].clone() * Tensor::from_inner(ladj.clone())).sum();
            for (rate, scale) in rates[2..].iter().zip(scales) {
                pull = pull + rate.clone().sum() * scale;
            }
            let velocity = rates[0].clone().inner();
            let mut gradients = pull.backward();
            let of_x = x.grad_remove(&mut gradients).unwrap_or_else(|| velocity.zeros_like());
            let of_parameters = GradientsParams::from_grads(gradients, &self.field);
            State::new(vec![velocity, of_x.neg(), flattened(&self.field, &of_parameters).neg()])
        };
        let n = n_parameters(&self.field);
        let none = Tensor::zeros([1, n], (&end.device(), end.dtype()));
        let start = State::new(vec![end, cotangents.end, none]);
        let solution = self.solver().solve(&equation, start, [span[1], span[0]])?;
        let mut parts = solution.state.into_parts();
        let (flat, start) = (parts.pop(), parts.pop());
        let (Some(flat), Some(start)) = (flat, start) else { unreachable!("three parts") };
        let gradients = restored(&self.field, flat);
        Ok(AdjointGradients { start, gradients, evaluations: solution.evaluations })
    }

    /// Gradients of `-mean ln p(x | c)` by the adjoint equation. The mean is by the weights `of_examples [n]`, if there are any. With
    /// `weights` the loss also has the plain means of kinetic energy and Jacobian norm, times these. `x` and the context are without autodiff. The parameters of the flow are on the autodiff
    /// device.
    ///
    /// # Errors
    /// If either equation cannot be solved.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn likelihood_by_adjoint(
        &self,
        x: Tensor<2>,
        context: Option<&Tensor<2>>,
        of_examples: Option<&Tensor<1>>,
        weights: Option<[f64; 2]>,
        noise: &mut Noise,
    ) -> Result<LikelihoodGradients, SolveError> {
        const SPAN: [f64; 2] = [1.0, 0.0];
        let (n, again) = (x.dims()[0] as f64, &mut noise.clone());
        let path = self.clone().valid().path(x, context, SPAN, weights.is_some(), Some(noise))?;
        // The gradient of -mean ln p_base, and the weight of each example in the mean.
        let share = match of_examples {
            None => path.ladj.ones_like() / n,
            Some(w) => w.clone() / w.clone().sum().clamp_min(f64::from(f32::MIN_POSITIVE)),
        };
        let end = path.end.clone().autodiff().require_grad();
        let of_base = base::log_prob(self.base.clone().map(Mixture::train).as_ref(), end.clone());
        let of_base = (of_base * share.clone().autodiff()).sum().neg();
        let cotangents = Cotangents {
            end: end.grad(&of_base.backward()).unwrap_or_else(|| path.end.zeros_like()),
            ladj: share.neg(),
            regularizers: weights.map(|weights| weights.map(|weight| weight / n)),
        };
        let adjoint = self.adjoint(path.end.clone(), cotangents, context, SPAN, Some(again))?;
        let log_prob = base::log_prob(self.base.clone().map(|base| base.valid()).as_ref(), path.end.clone())
            + path.ladj.clone();
        Ok(LikelihoodGradients { log_prob, path, adjoint })
    }
}

/// Number of all parameters.
fn n_parameters<M: Module>(module: &M) -> usize {
    module.num_params()
}

/// All gradients side by side, `[1, P]`, zero where there is none.
fn flattened<M: Module>(module: &M, gradients: &GradientsParams) -> Tensor<2> {
    struct Flatten<'a>(&'a GradientsParams, Vec<Tensor<1>>);
    impl ModuleVisitor for Flatten<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let value = param.val().inner();
            let gradient = self.0.get::<D>(param.id).unwrap_or_else(|| value.zeros_like());
            self.1.push(gradient.reshape([value.shape().num_elements()]));
        }
    }
    let mut all = Flatten(gradients, Vec::new());
    module.visit(&mut all);
    Tensor::cat(all.1, 0).unsqueeze()
}

/// The reverse of [`flattened`].
fn restored<M: Module>(module: &M, flat: Tensor<2>) -> GradientsParams {
    struct Restore(GradientsParams, Tensor<1>, usize);
    impl ModuleVisitor for Restore {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let shape = param.val().shape();
            let n = shape.num_elements();
            let gradient: Tensor<D> = self.1.clone().narrow(0, self.2, n).reshape(shape);
            self.0.register(param.id, gradient);
            self.2 += n;
        }
    }
    let mut all = Restore(GradientsParams::new(), flat.squeeze_dim(0), 0);
    module.visit(&mut all);
    all.0
}
