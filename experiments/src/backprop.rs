//! A network in training by backpropagation.

use burn::{
    module::Module,
    optim::{GradientsParams, ModuleOptimizer},
    prelude::*,
};
use gibbs_core::optim::Adam;
use gibbs_train::{
    average::WeightAverage,
    checkpoint::{State, placed},
    clip::Clip,
    training::{Averages, BoxError, Metrics, Position},
};

use crate::boltzmann::layer::Average;

/// A network with its optimizer, the average of its weights, and the figures of its steps.
pub struct Backprop<M> {
    /// On the autodiff device; taken out only within a step, so that the optimizer writes in place.
    network: Option<M>,
    adam: Adam,
    optimizer: ModuleOptimizer,
    settings: Average,
    average: Option<WeightAverage<M>>,
    clip: Clip,
    /// Means of figures since the last log line.
    pub figures: Averages,
    device: Device,
}

impl<M: Module> Backprop<M> {
    /// Before the first step.
    pub fn new(network: M, adam: Adam, average: Average, device: &Device) -> Self {
        let network = network.train();
        Self {
            optimizer: placed(adam.clone(), &device.clone().autodiff()),
            adam,
            settings: average,
            average: average.start(&network),
            network: Some(network),
            clip: Clip::None,
            figures: Averages::new(),
            device: device.clone(),
        }
    }

    /// The same with bounded gradients.
    #[must_use]
    pub fn clipped(self, clip: Clip) -> Self {
        Self { clip, ..self }
    }

    /// The network as the last step left it, on the autodiff device.
    pub fn network(&self) -> &M {
        let Some(network) = &self.network else { unreachable!("a step always puts the network back") };
        network
    }

    /// The network that is measured and saved: the average where there is one.
    pub fn measured(&self) -> M {
        self.average.as_ref().map_or_else(|| self.network().valid(), |average| average.module().clone())
    }

    /// A step of Adam down a loss `[1]`, whose mean becomes a figure of that name.
    pub fn descend(&mut self, at: &Position, rate: f64, name: &str, loss: Tensor<1>) {
        let gradients = GradientsParams::from_grads(loss.clone().backward(), self.network());
        self.follow_gradients(at, rate, name, loss, gradients);
    }

    /// The same with gradients that are already there.
    pub fn follow_gradients(
        &mut self,
        at: &Position,
        rate: f64,
        name: &str,
        loss: Tensor<1>,
        gradients: GradientsParams,
    ) {
        self.figures.add(name, loss);
        let gradients = self.clip.apply(gradients, self.network());
        if let Some(network) = self.network.take() {
            self.network = Some(self.optimizer.step(rate, network, gradients));
        }
        self.follow(at);
    }

    /// A step made by other means.
    pub fn replace(&mut self, at: &Position, network: M) {
        self.network = Some(network);
        self.follow(at);
    }

    fn follow(&mut self, at: &Position) {
        if let (Some(average), Some(network)) = (&mut self.average, &self.network)
            && at.steps_done().is_multiple_of(self.settings.every)
        {
            average.update(network);
        }
    }

    /// The means of the figures since the last call.
    pub fn take_metrics(&mut self) -> Metrics {
        self.figures.take()
    }

    /// Puts everything that later steps depend on into a checkpoint.
    ///
    /// # Errors
    /// Those of the checkpoint.
    pub fn save(&self, state: &mut State) -> Result<(), BoxError> {
        state.put_module("network", self.network())?;
        state.put_optimizer("optimizer", &self.optimizer)?;
        self.figures.save(state, "figures")?;
        if let Some(average) = &self.average {
            average.save(state, "average")?;
        }
        Ok(())
    }

    /// The reverse of [`save`](Self::save).
    ///
    /// # Errors
    /// Those of the checkpoint.
    pub fn load(&mut self, state: &State) -> Result<(), BoxError> {
        let network = state.module("network", self.network().clone())?;
        let optimizer = placed(self.adam.clone(), &self.device.clone().autodiff());
        self.optimizer = state.optimizer("optimizer", optimizer)?;
        self.figures = Averages::load(state, "figures", &self.device)?;
        if self.average.is_some() {
            self.average = Some(WeightAverage::load(state, "average", &network)?);
        }
        self.network = Some(network);
        Ok(())
    }
}
