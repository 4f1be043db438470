//! Sizes and couplings of a general Boltzmann machine.

use burn::{config::Config, module::Param, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::ConfigError;

use super::machine::BoltzmannMachine;

/// Sizes of a [`BoltzmannMachine`], and which of its units are coupled.
#[derive(Config, Debug, PartialEq)]
pub struct BmConfig {
    /// Visible units, at least 1.
    pub n_visible: usize,
    /// Hidden units; 0 for a machine of pairs.
    pub n_hidden: usize,
    /// Whether visible units are coupled to each other.
    #[config(default = true)]
    pub visible_couplings: bool,
    /// Whether hidden units are coupled to each other.
    #[config(default = true)]
    pub hidden_couplings: bool,
    /// Groups of neighboring visible units of the same size, without couplings from one group to another: 2 for an encoder, whose two
    /// sides communicate through the hidden units alone. 1 for no groups.
    #[config(default = 1)]
    pub visible_groups: usize,
    /// Standard deviation of the initial couplings.
    #[config(default = 0.1)]
    pub weight_std: f64,
}

impl BmConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::at_least("n_visible", self.n_visible, 1)?;
        let (n, groups) = (self.n_visible, self.visible_groups);
        let reason = format!("must be at least 1 and divide n_visible = {n}");
        let divides = groups >= 1 && n.is_multiple_of(groups);
        ConfigError::require(divides, "visible_groups", groups, reason)?;
        ConfigError::not_negative("weight_std", self.weight_std)
    }

    /// Number of units.
    pub fn n_units(&self) -> usize {
        self.n_visible + self.n_hidden
    }

    /// 1 for each pair of units that is coupled, else 0: `[n, n]`, symmetric with a zero diagonal.
    pub fn pairs(&self, device: &Device) -> Tensor<2> {
        let (n, visible) = (self.n_units(), self.n_visible);
        let group = |i: usize| i / (visible / self.visible_groups);
        let is_coupled = |i: usize, j: usize| match (i < visible, j < visible) {
            (true, true) => self.visible_couplings && group(i) == group(j),
            (false, false) => self.hidden_couplings,
            _ => true,
        };
        let pair = |i, j| f32::from(u8::from(i != j && is_coupled(i, j)));
        let values: Vec<f32> =
            (0..n).flat_map(|i| (0..n).map(move |j| (i, j))).map(|(i, j)| pair(i, j)).collect();
        Tensor::from_data(TensorData::new(values, [n, n]), device)
    }

    /// A machine with normal couplings and zero fields.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails.
    pub fn init(&self, device: &Device, noise: &mut Noise) -> Result<BoltzmannMachine, ConfigError> {
        self.validate()?;
        let n = self.n_units();
        let normal = noise.normal::<2>([n, n], device);
        // The sum of a matrix and its transpose has twice the variance.
        let symmetric = (normal.clone() + normal.transpose()) * (self.weight_std / 2f64.sqrt());
        let couplings = Param::from_tensor(symmetric * self.pairs(device));
        let field = Param::from_tensor(Tensor::zeros([n], device));
        Ok(BoltzmannMachine::new(couplings, field, self.n_visible))
    }
}
