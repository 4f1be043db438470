//! A velocity field that is the gradient of a potential: Monge-Ampère flow.
//!
//! ```text
//! v = ∇φ,    ∇·v = ∇²φ,    φ_G(x, t) = 1/|G| Σ_{g ∈ G} φ(g x, t)
//! φ = h_L·w + ψ,   h_l = f(a_l),   a_l = h_{l-1}·W_l + b_l (the first layer also reads the time)
//! ∇φ:   p_L = w,   p_{l-1} = (p_l ∘ f'(a_l))·W_lᵀ,   ∇φ = p_0 + ∇ψ
//! ∇²φ = Σ_l Σ_a p_l,a · f''(a_l,a) · |∇a_l,a|² + ∇²ψ
//! ```
//!
//! `ψ` is a [`Separable`] function or zero.
//!
//! With one hidden layer `|∇a|²` are the squared norms of the columns of the weights, so the Laplacian costs almost nothing. Further
//! layers need the tangents of all variables. A potential averaged over a group of symmetries is symmetric. Its gradient is
//! equivariant, so a symmetric base becomes a symmetric density.
//!
//! References: Zhang, E & Wang, "Monge-Ampère flow for generative modeling", 2018, arXiv:1809.10188: equations 3 and 4, softplus
//! units.
//!
//! Differences from the paper: the potential may depend on time, have a separable part, and be averaged over any group of permutations
//! and of the change of all signs.
//!
//! Cost of a velocity: two passes of the network for each element of the group.

use std::sync::Arc;

use burn::{
    config::Config,
    module::{Module, Param},
    prelude::*,
};
use gibbs_backend::{Noise, affine};
use gibbs_core::{
    ConfigError,
    math::row_sums,
    nn::{Activation, Affine, MlpConfig, Widths},
    symmetry::{Symmetry, SymmetryGroup},
};

use super::{
    separable::{Separable, Units},
    smooth::{check_smooth, slope_from_value, slopes},
    velocity::{Velocity, VelocityField, check_context},
};

/// Sizes of the network.
#[derive(Config, Debug, PartialEq)]
pub struct PotentialConfig {
    /// Number of variables `D`, at least 1.
    pub n_visible: usize,
    /// Widths of the hidden layers, at least one of them (one of 1024 in the paper).
    pub n_hidden: Widths,
    /// Function of the hidden units, a smooth one.
    #[config(default = "Activation::Softplus")]
    pub activation: Activation,
    /// Whether the potential depends on time.
    #[config(default = false)]
    pub timed: bool,
    /// Number `K` of units of each single variable, added to the network.
    #[config(default = 0)]
    pub separable: usize,
    /// Factor on the initial weights of the last layer; with a small one the flow begins nearly at rest.
    #[config(default = 0.01)]
    pub output_gain: f64,
}

impl PotentialConfig {
    fn network(&self) -> MlpConfig {
        let n_in = self.n_visible + usize::from(self.timed);
        MlpConfig::new([&[n_in], self.n_hidden.list(), &[1]].concat())
            .with_activation(self.activation)
            .with_output_gain(self.output_gain)
    }

    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::at_least("n_visible", self.n_visible, 1)?;
        ConfigError::at_least("n_hidden (number of layers)", self.n_hidden.list().len(), 1)?;
        check_smooth(self.activation)?;
        self.network().validate()
    }

    /// A field with weights drawn from `noise`, without symmetries.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails.
    pub fn init(&self, device: &Device, noise: &mut Noise) -> Result<Potential, ConfigError> {
        self.validate()?;
        let mut layers = self.network().init(device, noise)?.layers;
        let Some(last) = layers.pop() else { unreachable!("a network has a layer") };
        let separable =
            (self.separable > 0).then(|| Separable::new(self.separable, self.n_visible, self.timed, device));
        Ok(Potential {
            layers,
            separable,
            weight: Param::from_tensor(last.weight.val().squeeze_dim(1)),
            group: Arc::new(SymmetryGroup::trivial(self.n_visible)),
            n_variables: self.n_visible,
            timed: self.timed,
            activation: self.activation,
        })
    }
}

/// The gradient of an MLP with one output, plus units of single variables.
#[derive(Module, Debug)]
pub struct Potential {
    /// The hidden layers, the first from the variables and the time behind them.
    pub layers: Vec<Affine>,
    /// `w`: from the last hidden layer to the potential.
    pub weight: Param<Tensor<1>>,
    /// `ψ`.
    pub separable: Option<Separable>,
    #[module(skip)]
    group: Arc<SymmetryGroup>,
    n_variables: usize,
    timed: bool,
    #[module(skip)]
    activation: Activation,
}

impl Potential {
    /// The field of the potential averaged over `group`.
    ///
    /// # Panics
    /// If the group has another number of variables.
    #[must_use]
    pub fn symmetrized(mut self, group: impl Into<Arc<SymmetryGroup>>) -> Self {
        self.group = group.into();
        assert_eq!(self.group.elements()[0].width(), self.n_variables, "symmetries of the variables");
        self
    }
}

impl VelocityField for Potential {
    fn n_variables(&self) -> usize {
        self.n_variables
    }

    fn n_context(&self) -> usize {
        0
    }

    fn velocity<'a>(&'a self, context: Option<&Tensor<2>>) -> Box<dyn Velocity + 'a> {
        check_context(context, 0);
        let weights: Vec<Tensor<2>> = self.layers.iter().map(|layer| layer.weight.val()).collect();
        let biases: Vec<Tensor<1>> = self.layers.iter().map(|layer| layer.bias.val()).collect();
        let of_variables = weights[0].clone().narrow(0, 0, self.n_variables);
        let squares = of_variables.clone().powi_scalar(2).sum_dim(0);
        let out = self.weight.val().unsqueeze();
        let units = self.separable.as_ref().map(Separable::ready);
        Box::new(Ready { field: self, of_variables, weights, biases, out, squares, units })
    }
}

/// The weights of a solve.
struct Ready<'a> {
    field: &'a Potential,
    /// `W_1` without the row of the time.
    of_variables: Tensor<2>,
    weights: Vec<Tensor<2>>,
    biases: Vec<Tensor<1>>,
    /// `w`, `[1, h]`.
    out: Tensor<2>,
    /// `|∇a_1|²`, `[1, h]`.
    squares: Tensor<2>,
    units: Option<Units>,
}

/// A pass up and down the network of one image of the points.
struct Pass {
    /// `f'(a_l)` and `f''(a_l)`.
    slopes: Vec<[Tensor<2>; 2]>,
    /// `p_l` for `l = 1 … L`.
    pulls: Vec<Tensor<2>>,
    /// `∇φ`.
    gradient: Tensor<2>,
    /// `∂²ψ/∂x_i²`.
    diagonal: Option<Tensor<2>>,
}

impl Ready<'_> {
    fn n_hidden(&self) -> usize {
        self.weights.len()
    }

    /// `W_l` of a hidden layer as far as the variables reach it, `l` from 0.
    fn weight(&self, l: usize) -> &Tensor<2> {
        if l == 0 { &self.of_variables } else { &self.weights[l] }
    }

    fn pass(&self, t: &Tensor<2>, x: Tensor<2>) -> Pass {
        let (activation, n) = (self.field.activation, x.dims()[0]);
        let mut layers = Vec::new();
        let (own, diagonal) = self.units.as_ref().map(|units| units.derivatives(t, &x)).unzip();
        let mut h = x;
        for l in 0..self.n_hidden() {
            let mut argument = affine(h, self.weight(l).clone(), self.biases[l].clone(), None);
            if l == 0 && self.field.timed {
                argument =
                    argument + t.clone().matmul(self.weights[0].clone().narrow(0, self.field.n_variables, 1));
            }
            // The value of the last layer would only enter the potential itself.
            let is_used = l + 1 < self.n_hidden() || slope_from_value(activation);
            h = if is_used { activation.apply(argument.clone()) } else { argument.clone() };
            layers.push(slopes(activation, &argument, &h));
        }
        let width = self.out.dims()[1];
        let mut pulls = vec![self.out.clone().expand([n, width])];
        for l in (0..self.n_hidden()).rev() {
            let below = (pulls[0].clone() * layers[l][0].clone()).matmul(self.weight(l).clone().transpose());
            pulls.insert(0, below);
        }
        let mut gradient = pulls.remove(0);
        if let Some(own) = own {
            gradient = gradient + own;
        }
        Pass { slopes: layers, pulls, gradient, diagonal }
    }

    /// `∇²φ` after a pass.
    fn laplacian(&self, pass: &Pass) -> Tensor<1> {
        let bent = |l: usize| pass.pulls[l].clone() * pass.slopes[l][1].clone();
        let mut first: Tensor<1> = bent(0).matmul(self.squares.clone().transpose()).squeeze_dim(1);
        if let Some(diagonal) = &pass.diagonal {
            first = first + row_sums(diagonal.clone());
        }
        if self.n_hidden() == 1 {
            return first;
        }
        let [n, width] = pass.slopes[0][0].dims();
        let d = self.field.n_variables;
        let mut tangents: Tensor<3> =
            self.of_variables.clone().unsqueeze::<3>() * pass.slopes[0][0].clone().reshape([n, 1, width]);
        (1..self.n_hidden()).fold(first, |total, l| {
            let [before, after] = self.weight(l).dims();
            let moved = tangents.clone().reshape([n * d, before]).matmul(self.weight(l).clone());
            let moved = moved.reshape([n, d, after]);
            let squares: Tensor<2> = moved.clone().powi_scalar(2).sum_dim(1).squeeze_dim(1);
            tangents = moved * pass.slopes[l][0].clone().reshape([n, 1, after]);
            total + row_sums(bent(l) * squares)
        })
    }

    /// The derivative of `∇φ` along a direction after a pass.
    fn curvature(&self, pass: &Pass, direction: Tensor<2>) -> Tensor<2> {
        let own = pass.diagonal.clone().map(|diagonal| diagonal * direction.clone());
        let mut tangent = direction;
        let mut arguments = Vec::new();
        for l in 0..self.n_hidden() {
            let argument = tangent.matmul(self.weight(l).clone());
            tangent = argument.clone() * pass.slopes[l][0].clone();
            arguments.push(argument);
        }
        let change = (0..self.n_hidden())
            .rev()
            .fold(None, |change: Option<Tensor<2>>, l| {
                let [first, second] = pass.slopes[l].clone();
                let own = pass.pulls[l].clone() * second * arguments[l].clone();
                let all = match change {
                    Some(change) => own + change * first,
                    None => own,
                };
                Some(all.matmul(self.weight(l).clone().transpose()))
            })
            .unwrap_or_else(|| unreachable!("at least one hidden layer"));
        match own {
            Some(own) => change + own,
            None => change,
        }
    }

    /// The mean over the group of what `of` makes of each image, brought back by `back`.
    fn mean<T>(
        &self,
        of: impl Fn(&Symmetry) -> T,
        add: impl Fn(T, T) -> T,
        scale: impl Fn(T, f64) -> T,
    ) -> T {
        let mut elements = self.field.group.elements().iter();
        let Some(first) = elements.next() else { unreachable!("a group has an element") };
        let total = elements.fold(of(first), |total, element| add(total, of(element)));
        match self.field.group.order() {
            1 => total,
            order => scale(total, 1.0 / order as f64),
        }
    }
}

/// `g⁻¹ y`, the image of a vector at `g x` back at `x`.
fn back(element: &Symmetry, y: Tensor<2>) -> Tensor<2> {
    element.inverse().apply(y)
}

impl Velocity for Ready<'_> {
    fn at(&self, t: &Tensor<2>, x: Tensor<2>) -> Tensor<2> {
        self.mean(
            |g| back(g, self.pass(t, g.apply(x.clone())).gradient),
            |a, b| a + b,
            |total, part| total * part,
        )
    }

    fn along(&self, t: &Tensor<2>, x: Tensor<2>, direction: &Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        self.mean(
            |g| {
                let pass = self.pass(t, g.apply(x.clone()));
                let change = self.curvature(&pass, g.apply(direction.clone()));
                (back(g, pass.gradient), back(g, change))
            },
            |a, b| (a.0 + b.0, a.1 + b.1),
            |total, part| (total.0 * part, total.1 * part),
        )
    }

    fn divergence(&self, t: &Tensor<2>, x: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        self.mean(
            |g| {
                let pass = self.pass(t, g.apply(x.clone()));
                let laplacian = self.laplacian(&pass);
                (back(g, pass.gradient), laplacian)
            },
            |a, b| (a.0 + b.0, a.1 + b.1),
            |total, part| (total.0 * part, total.1 * part),
        )
    }
}
