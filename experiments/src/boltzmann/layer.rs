//! One machine in training, alone or as a layer of a stack.

use anyhow::{Context, Result};
use burn::{
    optim::{ModuleOptimizer, SgdConfig, momentum::MomentumConfig},
    prelude::*,
};
use gibbs_backend::Noise;
use gibbs_boltzmann::{AnyRbm, ContrastiveConfig, LayerObjective};
use gibbs_core::{Batch, Objective, ObjectiveState, optim::Adam, params::optimizer_step};
use gibbs_train::{
    average::WeightAverage,
    checkpoint::{State, placed},
    schedule::Schedule,
    training::{BoxError, Position},
};
use serde::{Deserialize, Serialize};

use super::{check_counts, check_part, check_range};

/// Which update turns gradients into steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Optimizer {
    /// Stochastic gradient descent, with `momentum`.
    Sgd,
    /// Adam (Kingma & Ba, ICLR 2015, arXiv:1412.6980) with its published moments.
    Adam,
}

/// Running average of the weights, which is what is measured and saved.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Average {
    /// Decay at each update; 0 switches averaging off.
    pub decay: f64,
    /// Steps between updates.
    pub every: usize,
}

impl Average {
    /// No averaging.
    pub const OFF: Self = Self { decay: 0.0, every: 1 };

    /// # Errors
    /// A value out of range; `name` is where the settings stand in the configuration.
    pub fn validate(self, name: &str) -> Result<()> {
        check_part(&format!("{name}.decay"), self.decay)?;
        check_counts(&[(&format!("{name}.every"), self.every)])
    }

    /// The average of a module that starts here, where there is to be one.
    pub fn start<M: Module>(self, module: &M) -> Option<WeightAverage<M>> {
        (self.decay > 0.0).then(|| WeightAverage::new(module, self.decay))
    }
}

/// How one machine is trained.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LayerTrain {
    /// Update rule.
    pub optimizer: Optimizer,
    /// Momentum of `sgd`, read at the start of each epoch.
    pub momentum: Schedule,
    /// Whether the visible biases start at the data's means.
    pub fit_visible: bool,
    /// Contrastive divergence.
    pub contrastive: ContrastiveConfig,
    /// Average of the weights.
    pub average: Average,
}

impl LayerTrain {
    /// # Errors
    /// A value out of range; `name` is where the settings stand in the configuration.
    pub fn validate(&self, name: &str) -> Result<()> {
        self.contrastive.validate().with_context(|| format!("{name}.contrastive"))?;
        let inside = |momentum: f64| (0.0..1.0).contains(&momentum);
        check_range(&format!("{name}.momentum"), &self.momentum, inside, "must lie in [0, 1)")?;
        self.average.validate(&format!("{name}.average"))
    }
}

/// A machine in training.
pub struct LayerTraining {
    config: LayerTrain,
    /// The machine without autodiff: all statistics are direct formulas.
    rbm: AnyRbm,
    /// Contrastive divergence on what the layers below infer.
    pub objective: LayerObjective,
    optimizer: ModuleOptimizer,
    momentum: f64,
    average: Option<WeightAverage<AnyRbm>>,
    noise: Noise,
    device: Device,
}

impl LayerTraining {
    /// Before the first step. Chains are drawn from `noise`.
    ///
    /// # Errors
    /// Settings that do not fit the units.
    pub fn new(
        config: &LayerTrain,
        rbm: AnyRbm,
        objective: LayerObjective,
        noise: Noise,
        device: &Device,
    ) -> Result<Self> {
        let momentum = config.momentum.at(0, 1);
        Ok(Self {
            objective,
            optimizer: optimizer(config.optimizer, momentum, device),
            momentum,
            average: config.average.start(&rbm),
            noise,
            device: device.clone(),
            config: config.clone(),
            rbm,
        })
    }

    /// The machine that is measured and saved: the average where there is one.
    pub fn measured(&self) -> &AnyRbm {
        self.average.as_ref().map_or(&self.rbm, WeightAverage::module)
    }

    /// One step at a learning rate; `at` counts the steps of this machine.
    ///
    /// # Errors
    /// Those of the objective.
    pub fn step(&mut self, at: &Position, rate: f64, batch: Batch) -> Result<(), BoxError> {
        self.follow_momentum(at);
        let output = self.objective.step(&self.rbm, batch, at, &mut self.noise)?;
        self.rbm = optimizer_step(&mut self.optimizer, rate, self.rbm.clone(), output.gradients);
        if let Some(average) = &mut self.average
            && at.steps_done().is_multiple_of(self.config.average.every)
        {
            average.update(&self.rbm);
        }
        Ok(())
    }

    /// Burn fixes the momentum of an optimizer when it is made, so a new one takes over the old one's state.
    fn follow_momentum(&mut self, at: &Position) {
        let momentum = self.config.momentum.at(at.step, at.total_steps);
        if at.is_epoch_start() && momentum != self.momentum {
            let state = self.optimizer.to_record();
            self.optimizer = optimizer(self.config.optimizer, momentum, &self.device).load_record(state);
            self.momentum = momentum;
        }
    }

    /// Puts everything that later steps depend on into a checkpoint.
    ///
    /// # Errors
    /// Those of the checkpoint.
    pub fn save(&self, state: &mut State) -> Result<(), BoxError> {
        state.put_module("rbm", &self.rbm)?;
        state.put_optimizer("optimizer", &self.optimizer)?;
        state.put("momentum", &self.momentum)?;
        state.put("noise", &self.noise)?;
        save_objective(state, &self.objective)?;
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
        self.rbm = state.module("rbm", self.rbm.clone())?;
        self.momentum = state.get("momentum")?;
        self.optimizer =
            state.optimizer("optimizer", optimizer(self.config.optimizer, self.momentum, &self.device))?;
        self.noise = state.get("noise")?;
        load_objective(state, &mut self.objective, &self.device)?;
        if self.average.is_some() {
            self.average = Some(WeightAverage::load(state, "average", &self.rbm)?);
        }
        Ok(())
    }
}

/// An optimizer for gradients made by direct formulas.
pub fn optimizer(kind: Optimizer, momentum: f64, device: &Device) -> ModuleOptimizer {
    match kind {
        Optimizer::Sgd if momentum > 0.0 => {
            let momentum = MomentumConfig::new().with_momentum(momentum).with_dampening(0.0);
            placed(SgdConfig::new().with_momentum(Some(momentum)).build(), device)
        }
        Optimizer::Sgd => placed(SgdConfig::new().build(), device),
        Optimizer::Adam => placed(Adam::default(), device),
    }
}

/// Puts the state of an objective into a checkpoint.
///
/// # Errors
/// Those of the checkpoint.
pub fn save_objective<M>(state: &mut State, objective: &impl Objective<M>) -> Result<(), BoxError> {
    let ObjectiveState { tensors, noises, steps } = objective.state();
    let names: Vec<&String> = tensors.iter().map(|(name, _)| name).collect();
    state.put("objective", &names)?;
    state.put("objective.steps", &steps)?;
    state.put("objective.noises", &noises)?;
    for (name, tensor) in &tensors {
        state.put_tensor(&format!("objective.{name}"), tensor);
    }
    Ok(())
}

/// The reverse of [`save_objective`].
///
/// # Errors
/// Those of the checkpoint.
pub fn load_objective<M>(
    state: &State,
    objective: &mut impl Objective<M>,
    device: &Device,
) -> Result<(), BoxError> {
    let names: Vec<String> = state.get("objective")?;
    let tensors: Result<Vec<_>, BoxError> = names
        .into_iter()
        .map(|name| {
            let tensor = state.tensor(&format!("objective.{name}"), device)?;
            Ok((name, tensor))
        })
        .collect();
    let (noises, steps) = (state.get("objective.noises")?, state.get("objective.steps")?);
    objective.restore(ObjectiveState { tensors: tensors?, noises, steps });
    Ok(())
}
