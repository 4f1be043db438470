//! Coupling: some variables are kept, and a network of the kept ones changes the others.
//!
//! ```text
//! x = (x_A, x_B),   z_A = x_A,   z_B = g(x_B; θ),   θ = conditioner(x_A, c)
//! ladj = Σ_{i in B} ln ∂z_i/∂x_i
//! ```
//!
//! `g` is a map of one variable ([`Univariate`]): additive for NICE, affine for Real NVP, a spline for neural spline flows.
//!
//! References: Dinh, Krueger & Bengio, "NICE", 2014, arXiv:1410.8516; Dinh, Sohl-Dickstein & Bengio, "Density estimation using
//! Real NVP", ICLR 2017, arXiv:1605.08803, equations 4 to 8; Durkan et al., "Neural spline flows", NeurIPS 2019,
//! arXiv:1906.04032.
//!
//! Cost: one pass of the conditioner, in either direction. It reads the kept columns only.

use burn::{config::Config, module::Module, prelude::*};
use gibbs_backend::{Couple, Noise, coupled};
use gibbs_core::{Bijection, ConfigError, nn::append_context};

use super::{
    Univariate,
    angles::VariableMaps,
    conditioner::{AnyConditioner, Conditioner, ConditionerConfig},
    layer_config::{FlowLayer, InitLayer, Sizes},
    mask::CouplingMask,
    partition::Partition,
};

/// Mask, conditioner and map of a coupling.
#[derive(Config, Debug, PartialEq)]
pub struct CouplingConfig {
    /// Which variables are kept.
    pub mask: CouplingMask,
    /// Whether the mask is flipped: its variables are changed and the others are kept.
    #[config(default = false)]
    pub flipped: bool,
    /// The network that supplies the parameters.
    pub conditioner: ConditionerConfig,
    /// How variables are changed.
    #[config(default = "Univariate::affine()")]
    pub map: Univariate,
    /// Variables that are angles, for splines: see [`FlowConfig::angles`](crate::FlowConfig::angles).
    #[config(default = "Vec::new()")]
    pub angles: Vec<usize>,
}

impl InitLayer for CouplingConfig {
    type Layer = Coupling;

    fn validate(&self, sizes: Sizes) -> Result<(), ConfigError> {
        let maps = VariableMaps::new(self.map, sizes.n_variables, &self.angles)?;
        let partition = self.mask.partition(sizes.n_variables, self.flipped, sizes.n_context > 0)?;
        let convolves = matches!(self.conditioner, ConditionerConfig::Convolutional(_));
        let reason = "a convolution has no angles; take a conditioner of kind mlp";
        let suits = self.angles.is_empty() || !convolves;
        ConfigError::require(suits, "angles", format!("{:?}", self.angles), reason)?;
        self.conditioner.validate(&partition, n_inputs(&maps, &partition, sizes), maps.n_parameters())
    }

    /// The coupling begins as the identity: the last weights of its conditioner are zero, the others random.
    fn init(
        &self,
        sizes: Sizes,
        device: &Device,
        noise: &mut Noise,
        _: &mut Noise,
    ) -> Result<Coupling, ConfigError> {
        self.validate(sizes)?;
        let Sizes { n_variables, n_context } = sizes;
        let partition = self.mask.partition(n_variables, self.flipped, n_context > 0)?;
        let maps = VariableMaps::new(self.map, n_variables, &self.angles)?;
        let n_inputs = n_inputs(&maps, &partition, sizes);
        let conditioner =
            self.conditioner.init(&partition, [n_inputs, n_context], maps.n_parameters(), device, noise)?;
        Ok(Coupling::of(maps, partition, n_context, conditioner))
    }
}

/// Features of the kept variables, and numbers of the context.
fn n_inputs(maps: &VariableMaps, partition: &Partition, sizes: Sizes) -> usize {
    maps.of(&partition.kept).variables_of_features().len() + sizes.n_context
}

/// A coupling layer.
#[derive(Module, Debug)]
pub struct Coupling<C = AnyConditioner> {
    /// From kept variables to parameters. An angle has two inputs, its cosine and its sine.
    pub conditioner: C,
    #[module(skip)]
    partition: Partition,
    n_context: usize,
    /// Of the kept variables, which give features, and of the changed ones.
    #[module(skip)]
    kept: VariableMaps,
    #[module(skip)]
    changed: VariableMaps,
}

impl<C: Conditioner> Coupling<C> {
    /// A coupling with any conditioner.
    ///
    /// # Errors
    /// If `mask` does not fit this many variables, or `map` is out of range.
    pub fn new(
        mask: &CouplingMask,
        flipped: bool,
        map: Univariate,
        [n_variables, n_context]: [usize; 2],
        conditioner: C,
    ) -> Result<Self, ConfigError> {
        let maps = VariableMaps::new(map, n_variables, &[])?;
        Ok(Self::of(maps, mask.partition(n_variables, flipped, n_context > 0)?, n_context, conditioner))
    }

    fn of(maps: VariableMaps, partition: Partition, n_context: usize, conditioner: C) -> Self {
        let (kept, changed) = (maps.of(&partition.kept), maps.of(&partition.changed));
        Self { conditioner, partition, n_context, kept, changed }
    }

    /// The variables that are changed, ascending.
    pub fn changed(&self) -> &[usize] {
        &self.partition.changed
    }

    fn pass(&self, x: Tensor<2>, context: Option<&Tensor<2>>, inverse: bool) -> (Tensor<2>, Tensor<1>) {
        let kept = self.partition.kept(&x);
        let context = context.filter(|_| self.n_context > 0);
        let inputs = match (&kept, context) {
            (Some(kept), _) => append_context(self.kept.features(kept.clone()), context, self.n_context),
            (None, Some(context)) => context.clone(),
            (None, None) => panic!("the coupling has a context of width {}: give it", self.n_context),
        };
        let parameters = self.conditioner.parameters(inputs);
        if let Some(result) = self.changed.scaled(&x, &parameters, &self.partition.changed, inverse) {
            return result;
        }
        let changed = self.partition.changed(x);
        let (changed, ladj) = match inverse {
            false => self.changed.forward(changed, parameters),
            true => self.changed.inverse(changed, parameters),
        };
        (self.partition.join(kept, changed), ladj)
    }
}

impl<C: Conditioner> Bijection for Coupling<C> {
    fn forward(&self, x: Tensor<2>, context: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        self.pass(x, context, false)
    }

    fn inverse(&self, z: Tensor<2>, context: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        self.pass(z, context, true)
    }
}

impl<C: Conditioner> FlowLayer for Coupling<C> {
    fn touch(&self, mut touched: Vec<bool>) -> Vec<bool> {
        self.changed().iter().for_each(|&variable| touched[variable] = true);
        touched
    }

    fn has_coupling(&self) -> bool {
        true
    }

    fn acts_on_blocks(&self) -> bool {
        let is_affine = self.changed.log_scale_bound().is_some();
        is_affine
            && self.n_context == 0
            && !self.partition.kept.is_empty()
            && self.conditioner.mlp().is_some()
    }

    fn on_blocks(&self, x: &Tensor<2>, columns: &[usize], inverse: bool) -> Option<Tensor<2>> {
        if !self.acts_on_blocks() {
            return None;
        }
        let bound = self.changed.log_scale_bound()?;
        let Partition { kept, changed, .. } = &self.partition;
        let network = self.conditioner.mlp()?.network();
        let layers = network.layers().iter().map(|layer| (layer.weight.clone(), layer.bias.clone()));
        let layers: Vec<_> = layers.collect();
        let blocks = columns.chunks_exact(kept.len() + changed.len());
        let of_blocks = |chosen: &[usize]| {
            let of_block = |block: &'_ [usize]| chosen.iter().map(|&place| block[place]).collect::<Vec<_>>();
            blocks.clone().flat_map(of_block).collect()
        };
        let (kept, changed) = (of_blocks(kept), of_blocks(changed));
        let couple = Couple { blocks: blocks.len(), kept, changed, bound, inverse };
        coupled(x.clone(), &layers, network.activation().function(), &couple)
    }
}
