//! Flows by name: one configuration for all families, with default sizes for data and for Hamiltonians.

use std::fmt;

use gibbs_core::{
    ConfigError,
    nn::{Activation, Widths},
};
use serde::{Deserialize, Serialize};

use super::{
    couplings::{MafConfig, RealNvpConfig},
    flow::FlowConfig,
    lattice::LatticeConfig,
    multi_scale::{ImageConfig, MultiScaleConfig},
};
use crate::{
    base::Angles,
    bijections::{CouplingMask, HierarchyConfig, LayerConfig, Univariate},
};

/// The most columns of data for which small networks are enough.
const FEW_COLUMNS: usize = 60;

/// A flow with rational-quadratic splines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Splines<C> {
    /// The flow.
    #[serde(flatten)]
    pub flow: C,
    /// Bins of each spline, 2 to 64.
    pub bins: usize,
    /// Half the width of the box of each spline, above 0.
    pub bound: f64,
    /// Variables that are angles, on a circle as long as the box is wide; none for pictures. They are listed from 0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub angles: Vec<usize>,
}

impl<C> Splines<C> {
    /// 16 bins on \[-4, 4\].
    fn of(flow: C) -> Self {
        Self { flow, bins: 16, bound: 4.0, angles: Vec::new() }
    }

    /// 4 bins on \[-3, 3\], as in the recorded runs on MNIST: each bin is three outputs of a convolution at every site.
    fn of_pixels(flow: C) -> Self {
        Self { bins: 4, bound: 3.0, ..Self::of(flow) }
    }

    fn map(&self) -> Univariate {
        Univariate::Spline { bins: self.bins, bound: self.bound }
    }

    /// The flow with the base of its angles.
    fn with_angles(&self, flow: FlowConfig, is_reversed: bool) -> FlowConfig {
        let place = |&variable: &usize| match is_reversed {
            true => flow.n_visible.saturating_sub(variable + 1),
            false => variable,
        };
        let variables: Vec<usize> = self.angles.iter().map(place).collect();
        let angles =
            Some(Angles { variables, bound: self.bound }).filter(|angles| !angles.variables.is_empty());
        flow.with_angles(angles)
    }
}

/// The kinds of flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowKind {
    /// Additive couplings.
    Nice,
    /// Affine couplings.
    Realnvp,
    /// Couplings with rational-quadratic splines.
    Spline,
    /// Affine masked autoregressive layers.
    Maf,
    /// Masked autoregressive layers with rational-quadratic splines.
    SplineMaf,
    /// Inverted affine masked autoregressive layers.
    Iaf,
    /// Affine couplings of images, with convolutions at several scales.
    Image,
    /// Couplings of images with rational-quadratic splines.
    ImageSpline,
    /// Affine couplings of neighboring sites and of Fourier modes of a field on a periodic lattice.
    Lattice,
    /// Small flows of patches of a periodic lattice, scale by scale: the neural renormalization group.
    Hierarchy,
}

impl FlowKind {
    /// The default kind for data of this width: splines for one or two columns, affine autoregressive layers for up to 60, else
    /// affine couplings.
    pub fn of_data(n_visible: usize) -> Self {
        match n_visible {
            1 => Self::SplineMaf,
            2 => Self::Spline,
            n if n <= FEW_COLUMNS => Self::Maf,
            _ => Self::Realnvp,
        }
    }

    /// The default kind for tables of this width: splines, whose slopes outside of their box are 1, so that no point far out is
    /// thrown further.
    pub fn of_table(n_visible: usize) -> Self {
        match n_visible {
            2 => Self::Spline,
            _ => Self::SplineMaf,
        }
    }

    /// The default kind for a Hamiltonian whose variables have this shape: `lattice` for two axes, `realnvp` for more and for
    /// harmonic chains, `spline` for two variables.
    pub fn of_hamiltonian(shape: &[usize], is_harmonic_chain: bool) -> Self {
        match (shape.len(), shape.iter().product()) {
            _ if is_harmonic_chain => Self::Realnvp,
            (2, _) => Self::Lattice,
            (3.., _) => Self::Realnvp,
            (_, 2) => Self::Spline,
            (_, n) => Self::of_data(n),
        }
    }

    /// Whether its variables are images.
    pub fn is_of_images(self) -> bool {
        matches!(self, Self::Image | Self::ImageSpline)
    }

    /// Whether its maps are splines inside a box, with the same box for all variables, and no normalization before it.
    pub fn has_box(self) -> bool {
        matches!(self, Self::Spline | Self::SplineMaf)
    }

    /// The default margin of logits: 0.05 for affine couplings of images (Dinh et al. 2017), 2e-4 for splines of images, where the
    /// gray value 0 covers a sixth of the axis, else 1e-6 (Papamakarios et al. 2017).
    pub fn margin(self) -> f64 {
        match self {
            Self::Image => 0.05,
            Self::ImageSpline => 2e-4,
            _ => 1e-6,
        }
    }
}

impl fmt::Display for FlowKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nice => "nice",
            Self::Realnvp => "realnvp",
            Self::Spline => "spline",
            Self::Maf => "maf",
            Self::SplineMaf => "spline_maf",
            Self::Iaf => "iaf",
            Self::Image => "image",
            Self::ImageSpline => "image_spline",
            Self::Lattice => "lattice",
            Self::Hierarchy => "hierarchy",
        })
    }
}

/// A flow of any family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FlowFamilyConfig {
    /// See [`FlowKind::Nice`].
    Nice(RealNvpConfig),
    /// See [`FlowKind::Realnvp`].
    Realnvp(RealNvpConfig),
    /// See [`FlowKind::Spline`].
    Spline(Splines<RealNvpConfig>),
    /// See [`FlowKind::Maf`].
    Maf(MafConfig),
    /// See [`FlowKind::SplineMaf`].
    SplineMaf(Splines<MafConfig>),
    /// See [`FlowKind::Iaf`].
    Iaf(MafConfig),
    /// See [`FlowKind::Image`].
    Image(MultiScaleConfig),
    /// See [`FlowKind::ImageSpline`].
    ImageSpline(Splines<MultiScaleConfig>),
    /// See [`FlowKind::Lattice`].
    Lattice(LatticeConfig),
    /// See [`FlowKind::Hierarchy`].
    Hierarchy(HierarchyConfig),
}

/// What the default sizes of a flow depend on.
struct Defaults {
    n_visible: usize,
    n_context: usize,
    n_layers: usize,
    n_hidden: Widths,
    /// `None` takes that of the kind.
    activation: Option<Activation>,
    mask: CouplingMask,
    linear: bool,
    image: ImageConfig,
}

impl FlowFamilyConfig {
    /// Default sizes for data of this width. `shape` are rows and columns of images, which only flows of images need.
    pub fn of_data(kind: FlowKind, n_visible: usize, n_context: usize, shape: Option<[usize; 2]>) -> Self {
        let is_autoregressive = matches!(kind, FlowKind::Maf | FlowKind::SplineMaf | FlowKind::Iaf);
        let width = if n_visible <= FEW_COLUMNS { 128 } else { 512 };
        Self::of(
            kind,
            Defaults {
                n_visible,
                n_context,
                n_layers: if is_autoregressive { 5 } else { 8 },
                n_hidden: Widths::Many(vec![width, width]),
                activation: None,
                mask: CouplingMask::Alternating,
                linear: false,
                image: image(shape.unwrap_or([0, 0])),
            },
        )
    }

    /// Default sizes for a Hamiltonian whose variables have this shape.
    pub fn of_hamiltonian(kind: FlowKind, shape: &[usize], is_harmonic_chain: bool) -> Self {
        let n_visible = shape.iter().product();
        let two = |width| Widths::Many(vec![width, width]);
        let plain = Self::of_data(kind, n_visible, 0, None);
        let (n_layers, n_hidden, linear) = match (shape.len(), n_visible) {
            _ if is_harmonic_chain => (2, Widths::One(32), true),
            (2, _) if matches!(kind, FlowKind::Lattice | FlowKind::Hierarchy) => (4, two(64), false),
            (2.., _) => (4, Widths::One(256), true),
            (_, 2) => (6, two(64), false),
            _ => plain
                .sizes()
                .map_or((0, Widths::One(0), false), |(n_layers, n_hidden)| (n_layers, n_hidden, false)),
        };
        let (mask, lattice) = match *shape {
            [rows, columns] => (CouplingMask::Checkerboard { rows, columns }, [rows, columns]),
            _ => (CouplingMask::Alternating, [0, 0]),
        };
        let activation = Some(Activation::Silu);
        let image = image(lattice);
        Self::of(
            kind,
            Defaults { n_visible, n_context: 0, n_layers, n_hidden, activation, mask, linear, image },
        )
    }

    fn of(kind: FlowKind, defaults: Defaults) -> Self {
        let Defaults { n_visible, n_context, n_layers, n_hidden, activation, mask, linear, image } = defaults;
        let [rows, columns] = image.shape;
        let lattice = LatticeConfig::new(rows, columns)
            .with_n_layers(n_layers)
            .with_n_hidden(n_hidden.clone())
            .with_activation(activation.unwrap_or(Activation::Silu))
            .with_linear(linear);
        let hierarchy = HierarchyConfig::new(rows, columns)
            .with_n_layers(n_layers)
            .with_n_hidden(n_hidden.clone())
            .with_activation(activation.unwrap_or(Activation::Silu));
        let couplings = RealNvpConfig::new(n_visible, n_layers, n_hidden.clone())
            .with_activation(activation.unwrap_or(Activation::Relu))
            .with_mask(mask)
            .with_linear(linear)
            .with_n_context(n_context);
        let autoregressive = MafConfig::new(n_visible, n_layers, n_hidden)
            .with_activation(activation.unwrap_or(Activation::Tanh))
            .with_linear(linear)
            .with_n_context(n_context);
        let images = MultiScaleConfig::new(n_visible, image)
            .with_activation(activation.unwrap_or(Activation::Relu))
            .with_linear(linear)
            .with_n_context(n_context);
        match kind {
            FlowKind::Nice => Self::Nice(couplings),
            FlowKind::Realnvp => Self::Realnvp(couplings),
            FlowKind::Spline => Self::Spline(Splines::of(couplings)),
            FlowKind::Maf => Self::Maf(autoregressive),
            FlowKind::SplineMaf => Self::SplineMaf(Splines::of(autoregressive)),
            FlowKind::Iaf => Self::Iaf(autoregressive),
            FlowKind::Image => Self::Image(images),
            FlowKind::ImageSpline => Self::ImageSpline(Splines::of_pixels(images)),
            FlowKind::Lattice => Self::Lattice(lattice),
            FlowKind::Hierarchy => Self::Hierarchy(hierarchy),
        }
    }

    /// Its kind.
    pub fn kind(&self) -> FlowKind {
        match self {
            Self::Nice(_) => FlowKind::Nice,
            Self::Realnvp(_) => FlowKind::Realnvp,
            Self::Spline(_) => FlowKind::Spline,
            Self::Maf(_) => FlowKind::Maf,
            Self::SplineMaf(_) => FlowKind::SplineMaf,
            Self::Iaf(_) => FlowKind::Iaf,
            Self::Image(_) => FlowKind::Image,
            Self::ImageSpline(_) => FlowKind::ImageSpline,
            Self::Lattice(_) => FlowKind::Lattice,
            Self::Hierarchy(_) => FlowKind::Hierarchy,
        }
    }

    /// Number of variables.
    pub fn n_visible(&self) -> usize {
        match self {
            Self::Nice(config) | Self::Realnvp(config) => config.n_visible,
            Self::Spline(config) => config.flow.n_visible,
            Self::Maf(config) | Self::Iaf(config) => config.n_visible,
            Self::SplineMaf(config) => config.flow.n_visible,
            Self::Image(config) => config.n_visible,
            Self::ImageSpline(config) => config.flow.n_visible,
            Self::Lattice(config) => config.rows * config.columns,
            Self::Hierarchy(config) => config.rows * config.columns,
        }
    }

    /// Width of the context.
    pub fn n_context(&self) -> usize {
        match self {
            Self::Nice(config) | Self::Realnvp(config) => config.n_context,
            Self::Spline(config) => config.flow.n_context,
            Self::Maf(config) | Self::Iaf(config) => config.n_context,
            Self::SplineMaf(config) => config.flow.n_context,
            Self::Image(config) => config.n_context,
            Self::ImageSpline(config) => config.flow.n_context,
            Self::Lattice(_) | Self::Hierarchy(_) => 0,
        }
    }

    /// The number of layers and the hidden widths, where the kind has them.
    pub fn sizes_mut(&mut self) -> Option<(&mut usize, &mut Widths)> {
        match self {
            Self::Nice(c) | Self::Realnvp(c) => Some((&mut c.n_layers, &mut c.n_hidden)),
            Self::Spline(c) => Some((&mut c.flow.n_layers, &mut c.flow.n_hidden)),
            Self::Maf(c) | Self::Iaf(c) => Some((&mut c.n_layers, &mut c.n_hidden)),
            Self::SplineMaf(c) => Some((&mut c.flow.n_layers, &mut c.flow.n_hidden)),
            Self::Lattice(c) => Some((&mut c.n_layers, &mut c.n_hidden)),
            Self::Hierarchy(c) => Some((&mut c.n_layers, &mut c.n_hidden)),
            Self::Image(_) | Self::ImageSpline(_) => None,
        }
    }

    fn sizes(&self) -> Option<(usize, Widths)> {
        self.clone().sizes_mut().map(|(n_layers, n_hidden)| (*n_layers, n_hidden.clone()))
    }

    /// The angles of a table and the bound of their splines, where the kind has any.
    pub fn angles_mut(&mut self) -> Option<(&mut Vec<usize>, f64)> {
        match self {
            Self::Spline(config) => Some((&mut config.angles, config.bound)),
            Self::SplineMaf(config) => Some((&mut config.angles, config.bound)),
            _ => None,
        }
    }

    /// Sizes of images, where the kind has them.
    pub fn image_mut(&mut self) -> Option<&mut ImageConfig> {
        match self {
            Self::Image(config) => Some(&mut config.image),
            Self::ImageSpline(config) => Some(&mut config.flow.image),
            _ => None,
        }
    }

    /// Whether a flow has normalizations: see [`Chain::fitted`](crate::Chain::fitted).
    pub fn has_normalizations(&self) -> bool {
        match self {
            Self::Nice(config) | Self::Realnvp(config) => config.act_norm,
            Self::Spline(config) => config.flow.act_norm,
            Self::Maf(config) | Self::Iaf(config) => config.act_norm,
            Self::SplineMaf(config) => config.flow.act_norm,
            Self::Image(config) => config.act_norm,
            Self::ImageSpline(config) => config.flow.act_norm,
            Self::Lattice(_) | Self::Hierarchy(_) => true,
        }
    }

    /// The chain of layers.
    ///
    /// # Errors
    /// If a field is out of range, or the kind does not suit the variables.
    pub fn flow(&self) -> Result<FlowConfig, ConfigError> {
        if let Some((n_layers, n_hidden)) = self.sizes() {
            ConfigError::at_least("n_layers", n_layers, 1)?;
            let list = n_hidden.list();
            ConfigError::require(
                !list.contains(&0),
                "n_hidden",
                format!("{list:?}"),
                "each width must be at least 1",
            )?;
        }
        let n = self.n_visible();
        let is_coupling = matches!(self, Self::Nice(_) | Self::Realnvp(_) | Self::Spline(_));
        let reason =
            format!("a coupling needs at least 2 columns, the data have {n}; take maf or spline_maf");
        ConfigError::require(!is_coupling || n >= 2, "kind", self.kind(), reason)?;
        let flow = match self {
            Self::Nice(config) => config.flow_with(Univariate::Additive),
            Self::Realnvp(config) => config.flow(),
            Self::Spline(config) => {
                config.with_angles(config.flow.flow_of_angles(config.map(), &config.angles), false)
            }
            Self::Maf(config) => config.flow(),
            Self::SplineMaf(config) => {
                let is_reversed = config.flow.n_layers.is_multiple_of(2);
                config.with_angles(config.flow.flow_of_angles(config.map(), &config.angles), is_reversed)
            }
            Self::Iaf(config) => config.inverse_flow_with(Univariate::affine()),
            Self::Image(config) => config.flow()?,
            Self::ImageSpline(config) => config.flow.flow_with(config.map())?,
            Self::Lattice(config) => config.flow()?,
            Self::Hierarchy(config) => FlowConfig::new(n, vec![LayerConfig::Hierarchy(config.clone())]),
        };
        flow.validate()?;
        Ok(flow)
    }
}

/// Default sizes of convolutional networks for images with this number of rows and columns.
fn image(shape: [usize; 2]) -> ImageConfig {
    ImageConfig::new(shape, vec![32, 48]).with_positions(true).with_checkerboards(2).with_stripes(2)
}
