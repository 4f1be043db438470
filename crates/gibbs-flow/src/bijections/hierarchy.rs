//! The neural renormalization group: small flows of patches, scale by scale.
//!
//! ```text
//! at each scale, for a field x on a lattice:
//!     D times:  disentangler: every patch, with patches shifted by half a patch, goes through one small flow
//!               decimator:    every patch goes through another one
//!     each square of four sites becomes its mean and three differences, each with a learned scale and shift:
//!     the mean is a site of the field of the next scale; the differences are latents of this scale
//! ```
//!
//! The lattice is periodic. It is halved until a number of sites is odd or one site is left, which is the coarsest latent. An odd lattice
//! of several sites is one patch, and all its variables are latents.
//!
//! The patches of a scale share their flows. So a shift of the field by whole patches of a scale shifts the latents of this scale and of
//! the finer ones.
//!
//! References: Li & Wang, "Neural network renormalization group", Phys. Rev. Lett. 121:260601 (2018), arXiv:1802.02840, figures 1 and
//! 2; Vidal, Phys. Rev. Lett. 99:220405 (2007), arXiv:cond-mat/0512165, for disentanglers and decimators of quantum states.
//!
//! Differences from the paper: a mean and differences (Haar wavelets) end each scale, so the flow begins as block averaging with the
//! right variances. Patches may have more than four sites. Flows of different scales may be one.
//!
//! Cost: `2·D` small flows of all patches at the finest scale; all further scales together cost a third of it.

use std::ops::Range;

use burn::{config::Config, module::Module, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::{
    Bijection, ConfigError,
    columns::{inverse, select},
    math::row_zeros,
    nn::{Activation, Widths},
};

use super::{
    chain::{Chain, apart, joined},
    conditioner::{ConditionerConfig, MlpConditionerConfig},
    coupling::CouplingConfig,
    layer::{Layer, LayerConfig},
    layer_config::{FlowLayer, InitLayer, Sizes},
    mask::CouplingMask,
};

/// A hierarchy of small flows on a periodic lattice.
#[derive(Config, Debug, PartialEq)]
pub struct HierarchyConfig {
    /// Rows of the lattice: one, or an even number.
    pub rows: usize,
    /// Columns of the lattice: one, or an even number.
    pub columns: usize,
    /// Pairs of a disentangler and a decimator at each scale `D`, at least 1.
    #[config(default = 4)]
    pub n_layers: usize,
    /// Sites of a patch along each axis, at least 2. A scale has the largest even number up to it that divides its lattice.
    #[config(default = 4)]
    pub patch: usize,
    /// Couplings of a small flow, at least 2. They keep the two colors of a checkerboard in turn.
    #[config(default = 2)]
    pub couplings: usize,
    /// Widths of the hidden layers of their conditioners.
    #[config(default = "Widths::Many(vec![64, 64])")]
    pub n_hidden: Widths,
    /// Function of the hidden units.
    #[config(default = "Activation::Silu")]
    pub activation: Activation,
    /// Whether scales with patches of one shape share their flows, but for the scales and shifts of means and differences.
    #[config(default = false)]
    pub shared: bool,
}

/// Whether each axis of a lattice has one site or can be halved.
fn is_halved(rows: usize, columns: usize) -> bool {
    [rows, columns].iter().all(|&length| length == 1 || length.is_multiple_of(2))
}

/// A scale of a hierarchy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HierarchyScale {
    /// Rows of its lattice.
    pub rows: usize,
    /// Columns of its lattice.
    pub columns: usize,
    /// The latent variables of this scale; at the last one all that are left.
    pub latents: Range<usize>,
    /// Rows and columns of a patch.
    patch: [usize; 2],
    /// Rows and columns of the sites that become one, `[1, 1]` for an odd lattice.
    square: [usize; 2],
}

impl HierarchyScale {
    /// Rows and columns of the field that is left after the scale; `None` for an odd lattice, whose variables are all latents.
    pub fn left(&self) -> Option<[usize; 2]> {
        let left = [self.rows / self.square[0], self.columns / self.square[1]];
        (self.square != [1, 1]).then_some(left)
    }

    fn n_sites(&self) -> usize {
        self.rows * self.columns
    }

    /// Variables that are left after the scale.
    fn n_left(&self) -> usize {
        self.n_sites() / self.square.iter().product::<usize>()
    }

    /// The sites of the scale as its flows read them.
    fn sites(&self) -> Sites {
        let shift = self.patch.map(|side| side / 2);
        // Each variable of an odd lattice has a scale and shift of its own.
        let shape = if self.square == [1, 1] { self.patch } else { self.square };
        let (n_sites, n_left, squares) = (self.n_sites(), self.n_left(), self.blocks(self.square, [0, 0]));
        let size = n_sites / n_left;
        let of_place = |place: usize| squares.iter().skip(place).step_by(size).copied();
        let split = of_place(0).chain([n_sites]).chain((1..size).flat_map(of_place)).collect();
        Sites {
            patches: [self.blocks(self.patch, shift), self.blocks(self.patch, [0, 0])],
            squares: self.blocks(shape, [0, 0]),
            split,
            n_left,
        }
    }

    /// The sites block by block, for blocks of this shape that begin `shift` sites after the first one along each axis.
    fn blocks(&self, [height, width]: [usize; 2], shift: [usize; 2]) -> Vec<usize> {
        let (rows, columns) = (self.rows, self.columns);
        let block = |row: usize, column: usize| {
            (0..height * width).map(move |site| {
                let row = (row + shift[0] + site / width) % rows;
                row * columns + (column + shift[1] + site % width) % columns
            })
        };
        let firsts =
            (0..rows).step_by(height).flat_map(|row| (0..columns).step_by(width).map(move |c| (row, c)));
        firsts.flat_map(|(row, column)| block(row, column)).collect()
    }
}

impl HierarchyConfig {
    /// The scales, from the finest one.
    pub fn scales(&self) -> Vec<HierarchyScale> {
        let mut scales = Vec::new();
        let mut lengths = [self.rows, self.columns];
        while lengths[0] * lengths[1] > 1 {
            let [rows, columns] = lengths;
            let halves = is_halved(rows, columns);
            let square = lengths.map(|length| if halves { length.min(2) } else { 1 });
            let patch = lengths.map(|length| if halves { self.side(length) } else { length });
            let left = [rows / square[0], columns / square[1]];
            let is_last = !halves || left == [1, 1];
            let first = if is_last { 0 } else { left[0] * left[1] };
            scales.push(HierarchyScale { rows, columns, latents: first..rows * columns, patch, square });
            lengths = if is_last { [1, 1] } else { left };
        }
        scales
    }

    /// The scale of a hierarchy of `n_scales` scales from which a scale of this one may start, counted from the finest: the same one,
    /// and for the last scale the last one. At a critical point all scales between are alike, so where there are more of them than in
    /// the other hierarchy they start from its last but one.
    ///
    /// # Panics
    /// If the other hierarchy has no scale.
    pub fn scale_to_start_from(&self, scale: usize, n_scales: usize) -> usize {
        assert!(n_scales > 0, "a hierarchy without scales");
        match scale + 1 == self.scales().len() {
            true => n_scales - 1,
            false => scale.min(n_scales.saturating_sub(2)),
        }
    }

    /// Sites of a patch along an axis that is halved: the largest even divisor of the length up to `patch`.
    fn side(&self, length: usize) -> usize {
        let divides = |side: &usize| side.is_multiple_of(2) && length.is_multiple_of(*side);
        (2..=self.patch.min(length)).rev().find(divides).unwrap_or(length.min(2))
    }

    /// For each scale the scale whose flows it has.
    fn owners(&self, scales: &[HierarchyScale]) -> Vec<usize> {
        let first = |scale: &HierarchyScale| scales.iter().position(|other| other.patch == scale.patch);
        let owner = |(index, scale)| if self.shared { first(scale).unwrap_or(index) } else { index };
        scales.iter().enumerate().map(owner).collect()
    }

    /// The layers of the flow of a patch.
    fn layers(&self, [rows, columns]: [usize; 2]) -> Vec<LayerConfig> {
        let network = MlpConditionerConfig::new(self.n_hidden.clone()).with_activation(self.activation);
        let coupling = |index: usize| {
            let mask = CouplingMask::Checkerboard { rows, columns };
            let coupling = CouplingConfig::new(mask, ConditionerConfig::Mlp(network.clone()));
            LayerConfig::Coupling(coupling.with_flipped(index % 2 == 1))
        };
        (0..self.couplings).map(coupling).collect()
    }
}

impl InitLayer for HierarchyConfig {
    type Layer = Hierarchy<Layer>;

    fn validate(&self, sizes: Sizes) -> Result<(), ConfigError> {
        let (rows, columns) = (self.rows, self.columns);
        let holds = rows * columns > 1 && is_halved(rows, columns);
        let reason =
            "a hierarchy halves a periodic lattice of two axes: each needs one site or an even number";
        ConfigError::require(holds, "rows and columns", format!("{rows} by {columns}"), reason)?;
        let reason = format!("must be {}, the number of variables", sizes.n_variables);
        let n_sites = rows * columns;
        ConfigError::require(n_sites == sizes.n_variables, "rows times columns", n_sites, reason)?;
        let reason = "a hierarchy has no context; take another kind of flow";
        ConfigError::require(sizes.n_context == 0, "n_context", sizes.n_context, reason)?;
        ConfigError::at_least("n_layers", self.n_layers, 1)?;
        ConfigError::at_least("patch", self.patch, 2)?;
        ConfigError::at_least("couplings", self.couplings, 2)?;
        self.scales().iter().try_for_each(|scale| {
            let patch = Sizes { n_variables: scale.patch.iter().product(), n_context: 0 };
            self.layers(scale.patch).iter().try_for_each(|layer| layer.validate(patch))
        })
    }

    /// The hierarchy begins as Haar wavelets, up to the order of the latents.
    fn init(
        &self,
        sizes: Sizes,
        device: &Device,
        noise: &mut Noise,
        order_noise: &mut Noise,
    ) -> Result<Hierarchy<Layer>, ConfigError> {
        self.validate(sizes)?;
        let mut chain = |layers: Vec<LayerConfig>, n_variables: usize| {
            let sizes = Sizes { n_variables, n_context: 0 };
            let layer = |layer: &LayerConfig| layer.init(sizes, device, noise, order_noise);
            Ok(Chain::new(layers.iter().map(layer).collect::<Result<_, ConfigError>>()?, n_variables, 0))
        };
        let scales = self.scales();
        let owners = self.owners(&scales);
        let mut levels = Vec::new();
        for (index, scale) in scales.iter().enumerate() {
            let owned = if owners[index] == index { 2 * self.n_layers } else { 0 };
            let flow = |_| chain(self.layers(scale.patch), scale.patch.iter().product());
            let patches = (0..owned).map(flow).collect::<Result<_, ConfigError>>()?;
            let (shape, transforms) = match scale.left() {
                None => (scale.patch, None),
                Some(_) => (scale.square, Some(LayerConfig::hartley(scale.square.to_vec()))),
            };
            let layers = transforms.into_iter().chain([LayerConfig::act_norm()]).collect();
            levels.push(Level { patches, squares: chain(layers, shape.iter().product())? });
        }
        Ok(Hierarchy { levels, sites: scales.iter().map(HierarchyScale::sites).collect(), owners })
    }
}

/// The flows of a scale.
#[derive(Module, Debug)]
pub struct Level<B> {
    /// Disentangler and decimator in turn, the flow of a patch each; none if they are those of a finer scale.
    pub patches: Vec<Chain<B>>,
    /// From the sites of a square to their mean and differences, each with its scale and shift.
    pub squares: Chain<B>,
}

/// The sites of a scale as its flows read them.
#[derive(Clone, Debug)]
struct Sites {
    /// Those of the patches of disentanglers and of decimators, one patch after the other.
    patches: [Vec<usize>; 2],
    /// Those of the squares, one after the other.
    squares: Vec<usize>,
    /// The columns after the scale: the means of all squares, the log-determinant, the first differences of all squares, and so on.
    split: Vec<usize>,
    /// Number of means.
    n_left: usize,
}

/// Small flows of patches, scale by scale.
///
/// The latent variables `[n, R·C]` begin with the coarsest one. The differences of a scale follow those of the coarser scales
/// ([`HierarchyScale::latents`]), each as a field on the lattice of the next scale.
#[derive(Module, Debug)]
pub struct Hierarchy<B> {
    /// The flows of each scale, from the finest one.
    pub levels: Vec<Level<B>>,
    #[module(skip)]
    sites: Vec<Sites>,
    /// For each scale the scale whose flows of patches it has.
    #[module(skip)]
    owners: Vec<usize>,
}

/// Fields of a scale are `[n, sites + 1]` here: the last column is the log-determinant of all that was before.
impl<B: FlowLayer> Hierarchy<B> {
    /// The flows of patches of a scale with the sites of their patches, in the order of the pass.
    fn patches(&self, scale: usize) -> impl DoubleEndedIterator<Item = (&Chain<B>, &[usize])> {
        let flows = &self.levels[self.owners[scale]].patches;
        let sites = &self.sites[scale].patches;
        flows.iter().enumerate().map(move |(index, flow)| (flow, sites[index % 2].as_slice()))
    }

    /// A field of a scale after all flows of patches.
    fn disentangled(&self, scale: usize, x: Tensor<2>) -> Tensor<2> {
        self.patches(scale).fold(x, |x, (flow, sites)| flow.on_blocks(x, sites, false))
    }

    /// The field that is left after a scale, and the latents of the scale if there are any.
    fn split(&self, scale: usize, x: Tensor<2>) -> (Tensor<2>, Option<Tensor<2>>) {
        let Sites { split, n_left, .. } = &self.sites[scale];
        let (x, left) = (select(x, split), n_left + 1);
        let latents = (left < split.len()).then(|| x.clone().narrow(1, left, split.len() - left));
        (x.narrow(1, 0, left), latents)
    }
}

impl<B: FlowLayer> Bijection for Hierarchy<B> {
    fn forward(&self, x: Tensor<2>, _: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        let (mut field, mut latents) = (joined(x.clone(), row_zeros(&x)), Vec::new());
        for (scale, level) in self.levels.iter().enumerate() {
            let squares =
                level.squares.on_blocks(self.disentangled(scale, field), &self.sites[scale].squares, false);
            let (left, leaving) = self.split(scale, squares);
            latents.extend(leaving);
            field = left;
        }
        let (field, ladj) = apart(field);
        latents.push(field);
        latents.reverse();
        (Tensor::cat(latents, 1), ladj)
    }

    fn inverse(&self, z: Tensor<2>, _: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        let coarsest = self.sites.last().map_or(0, |sites| sites.n_left);
        let mut field = joined(z.clone().narrow(1, 0, coarsest), row_zeros(&z));
        for (scale, level) in self.levels.iter().enumerate().rev() {
            let Sites { squares, split, n_left, .. } = &self.sites[scale];
            let latents = split.len() - 1 - n_left;
            let latents = (latents > 0).then(|| z.clone().narrow(1, *n_left, latents));
            let x = select(Tensor::cat([field].into_iter().chain(latents).collect(), 1), &inverse(split));
            let x = level.squares.on_blocks(x, squares, true);
            field = self.patches(scale).rev().fold(x, |x, (flow, sites)| flow.on_blocks(x, sites, true));
        }
        apart(field)
    }
}

impl<B: FlowLayer> FlowLayer for Hierarchy<B> {
    fn has_coupling(&self) -> bool {
        true
    }

    /// The scales and shifts of means and differences fit the fields.
    fn fitted(mut self, x: &Tensor<2>, _: Option<&Tensor<2>>) -> Self {
        let mut field = joined(x.clone(), row_zeros(x));
        for scale in 0..self.levels.len() {
            let x = self.disentangled(scale, field);
            let (sites, flow) = (&self.sites[scale].squares, self.levels[scale].squares.clone());
            let ([n, all], width) = (x.dims(), flow.n_variables());
            let rows = select(x.clone(), sites).reshape([n * (all - 1) / width, width]);
            let flow = flow.fitted(rows, None);
            field = self.split(scale, flow.on_blocks(x, sites, false)).0;
            self.levels[scale].squares = flow;
        }
        self
    }
}
