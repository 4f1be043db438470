//! The sampler of any model that runs the whole network for each variable.

use burn::prelude::*;

use crate::{
    Autoregressive,
    sampling::{AncestralSampler, Observed, SamplerState, host},
};

/// A sampler that runs the whole network for each variable.
pub struct NaiveSampler<'a, M: ?Sized> {
    model: &'a M,
    mask: usize,
}

impl<'a, M: Autoregressive + ?Sized> NaiveSampler<'a, M> {
    /// For one of the model's masks.
    pub fn new(model: &'a M, mask: usize) -> Self {
        Self { model, mask }
    }
}

impl<M: Autoregressive + Sync + ?Sized> AncestralSampler for NaiveSampler<'_, M> {
    fn start(&self, n: usize, context: &[f32]) -> Box<dyn SamplerState + '_> {
        let (width, device) = (self.model.n_context(), self.model.device());
        let context = TensorData::new(context.to_vec(), [n, width]);
        let context = (width > 0).then(|| Tensor::from_data(context, &device));
        Box::new(NaiveState {
            sampler: self,
            x: Tensor::zeros([n, self.model.n_visible()], &device),
            context,
        })
    }

    fn rows_at_once(&self, n: usize) -> usize {
        n.max(1)
    }
}

struct NaiveState<'a, M: ?Sized> {
    sampler: &'a NaiveSampler<'a, M>,
    x: Tensor<2>,
    context: Option<Tensor<2>>,
}

impl<M: Autoregressive + ?Sized> NaiveState<'_, M> {
    fn variable(&self, position: usize) -> usize {
        self.sampler.model.order(self.sampler.mask).variables()[position]
    }
}

impl<M: Autoregressive + ?Sized> SamplerState for NaiveState<'_, M> {
    fn parameters(&mut self, position: usize, parameters: &mut [f32]) {
        let NaiveSampler { model, mask } = self.sampler;
        let per = model.output().n_parameters();
        let all = model.parameters(*mask, self.x.clone(), self.context.as_ref());
        parameters.copy_from_slice(&host(all.narrow(1, self.variable(position) * per, per)));
    }

    fn observe(&mut self, observed: &Observed) {
        let (variable, n) = (self.variable(observed.position), observed.values.len());
        let values = TensorData::new(observed.values.to_vec(), [n, 1]);
        let values = Tensor::from_data(values, &self.x.device());
        self.x = self.x.clone().slice_assign([0..n, variable..variable + 1], values);
    }
}
