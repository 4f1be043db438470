//! A velocity field by an MLP (a fully connected network).
//!
//! ```text
//! v = h_L·W_{L+1} + b,    h_l = f(a_l),   a_l depends on the time, see TimeInput;   D_l = diag f'(a_l)
//! J·ε = W_{L+1}ᵀ D_L W_Lᵀ … D_1 W_1ᵀ ε
//! tr J, one hidden layer:   Σ_a f'(a_1)_a · (W_1ᵀ∘W_2)_a summed over the variables
//!       two hidden layers:  f'(a_1)ᵀ · M · f'(a_2),   M = W_2 ∘ (W_1ᵀ·W_3ᵀ)
//!       else:               the tangents of all variables, up to the last hidden layer
//! ```
//!
//! Points are rows, so matrices multiply from the right. `M` does not depend on the point. A trace costs one more product with a
//! hidden layer, for any number of variables, and no backward pass.
//!
//! References: Chen, Rubanova, Bettencourt & Duvenaud, "Neural ordinary differential equations", NeurIPS 2018,
//! arXiv:1806.07366.
//!
//! Differences from the paper: traces in closed form. The last layer has no gate.
//!
//! Cost of a divergence: the velocity and a product `[n, h]·[h, h]`. With more than two hidden layers or with Fourier features of the
//! variables: `D` times the velocity.

use burn::{config::Config, module::Module, prelude::*};
use gibbs_backend::{Noise, affine, network, network_with_trace};
use gibbs_core::{
    ConfigError,
    math::row_sums,
    nn::{Activation, Mlp, MlpConfig, Widths},
};

use super::{
    fourier::{FourierFeatures, Inputs},
    smooth::{check_smooth, slope, slope_from_value},
    time::{Gate, TimeInput, features, n_features, with_context},
    velocity::{Velocity, VelocityField, check_context},
};

/// Sizes of the network.
#[derive(Config, Debug, PartialEq)]
pub struct MlpFieldConfig {
    /// Number of variables `D`, at least 1.
    pub n_visible: usize,
    /// Widths of the hidden layers, at least one of them.
    pub n_hidden: Widths,
    /// Function of the hidden units, a smooth one.
    #[config(default = "Activation::Tanh")]
    pub activation: Activation,
    /// How time and context enter the network.
    #[config(default = "TimeInput::Concatenated")]
    pub time: TimeInput,
    /// Number `K` of Fourier frequencies of the time, in addition to the time itself.
    #[config(default = 0)]
    pub frequencies: usize,
    /// Number `F` of Fourier features of the variables, in addition to the variables. They help densities with sharp edges.
    #[config(default = 0)]
    pub fourier_features: usize,
    /// Standard deviation of the initial frequencies of these features, radians per unit of length.
    #[config(default = 3.0)]
    pub fourier_scale: f64,
    /// Width of the context, 0 for none.
    #[config(default = 0)]
    pub n_context: usize,
    /// Factor on the initial weights of the last layer; 0 begins at rest.
    #[config(default = 0.0)]
    pub output_gain: f64,
}

impl MlpFieldConfig {
    fn network(&self) -> MlpConfig {
        let further = match self.time {
            TimeInput::Concatenated => n_features(self.frequencies) + self.n_context,
            TimeInput::Gated => 0,
        };
        let n_inputs = self.n_visible + 2 * self.fourier_features + further;
        MlpConfig::new([&[n_inputs], self.n_hidden.list(), &[self.n_visible]].concat())
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
        let is_scale = self.fourier_scale.is_finite() && self.fourier_scale > 0.0;
        ConfigError::require(is_scale, "fourier_scale", self.fourier_scale, "must be finite and above 0")?;
        self.network().validate()
    }

    /// A field with weights drawn from `noise`.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails.
    pub fn init(&self, device: &Device, noise: &mut Noise) -> Result<MlpField, ConfigError> {
        self.validate()?;
        let network = self.network().init(device, noise)?;
        let n_inputs = n_features(self.frequencies) + self.n_context;
        let gates = match self.time {
            TimeInput::Concatenated => Vec::new(),
            TimeInput::Gated => self
                .n_hidden
                .list()
                .iter()
                .map(|&width| Gate::new(n_inputs, width, device, noise))
                .collect::<Result<_, _>>()?,
        };
        let fourier = (self.fourier_features > 0).then(|| {
            FourierFeatures::new(self.n_visible, self.fourier_features, self.fourier_scale, device, noise)
        });
        Ok(MlpField {
            fourier,
            network,
            gates,
            n_variables: self.n_visible,
            n_context: self.n_context,
            frequencies: self.frequencies,
            activation: self.activation,
        })
    }
}

/// An MLP as a velocity field.
#[derive(Module, Debug)]
pub struct MlpField {
    /// Fourier features of the variables, if there are any.
    pub fourier: Option<FourierFeatures>,
    /// The layers. The first layer reads the variables and their Fourier features. If the time is concatenated, it also reads the
    /// features of the time and the context.
    pub network: Mlp,
    /// One gate for each hidden layer, none if the time is concatenated.
    pub gates: Vec<Gate>,
    n_variables: usize,
    n_context: usize,
    frequencies: usize,
    #[module(skip)]
    activation: Activation,
}

impl VelocityField for MlpField {
    fn n_variables(&self) -> usize {
        self.n_variables
    }

    fn n_context(&self) -> usize {
        self.n_context
    }

    fn velocity<'a>(&'a self, context: Option<&Tensor<2>>) -> Box<dyn Velocity + 'a> {
        check_context(context, self.n_context);
        let mut layers: Vec<Layer> = self
            .network
            .layers
            .iter()
            .map(|layer| Layer { weight: layer.weight.val(), bias: layer.bias.val() })
            .collect();
        let first = &mut layers[0].weight;
        let frequencies = self.fourier.as_ref().map(|fourier| fourier.frequencies.val());
        let n_inputs = self.n_variables + frequencies.as_ref().map_or(0, |b| 2 * b.dims()[1]);
        let n_further = first.dims()[0] - n_inputs;
        let further = (n_further > 0).then(|| first.clone().narrow(0, n_inputs, n_further));
        *first = first.clone().narrow(0, 0, n_inputs);
        let is_constant = self.gates.is_empty() && frequencies.is_none() && layers.len() == 3;
        let joint = is_constant.then(|| {
            let weights: Vec<Tensor<2>> = layers.iter().map(|layer| layer.weight.clone()).collect();
            joint(&weights)
        });
        Box::new(Ready { field: self, frequencies, context: context.cloned(), layers, further, joint })
    }
}

struct Layer {
    weight: Tensor<2>,
    bias: Tensor<1>,
}

/// `M = W_2 ∘ (W_1ᵀ·W_3ᵀ)`.
fn joint(weights: &[Tensor<2>]) -> Tensor<2> {
    let [first, second, last] = weights else { unreachable!("two hidden layers") };
    let around = first.clone().transpose().matmul(last.clone().transpose());
    second.clone() * around
}

/// The weights of a solve.
struct Ready<'a> {
    field: &'a MlpField,
    /// Frequencies of the Fourier features.
    frequencies: Option<Tensor<2>>,
    context: Option<Tensor<2>>,
    /// Without their gates.
    layers: Vec<Layer>,
    /// Weights of time and context.
    further: Option<Tensor<2>>,
    /// `M`, if it is the same at all times.
    joint: Option<Tensor<2>>,
}

/// The layers as they are at a time: `h_l = f((h_{l-1}·W_l + b_l) ⊙ g_l + s_l)`.
struct Timed {
    weights: Vec<Tensor<2>>,
    biases: Vec<Tensor<1>>,
    /// Gates and shifts `[n, width]` of hidden layers if each point has its own. Else they are part of weights and biases.
    of_points: Vec<Option<(Option<Tensor<2>>, Tensor<2>)>>,
}

impl Timed {
    /// Weights and biases, if they are those of all points.
    fn of_all(&self) -> Option<Vec<(Tensor<2>, Tensor<1>)>> {
        let is_shared = self.of_points.iter().all(Option::is_none);
        is_shared.then(|| self.weights.iter().cloned().zip(self.biases.iter().cloned()).collect())
    }
}

impl Ready<'_> {
    fn inputs(&self, x: Tensor<2>) -> Inputs {
        Inputs::new(x, self.frequencies.as_ref())
    }

    /// The features of the time with the context behind them, with one row or one for each point.
    fn of_time(&self, t: &Tensor<2>) -> Tensor<2> {
        with_context(features(t, self.field.frequencies), self.context.as_ref())
    }

    fn timed(&self, inputs: Tensor<2>) -> Timed {
        let is_shared = inputs.dims()[0] == 1;
        let modulation = |l: usize| match (&self.further, self.field.gates.get(l)) {
            (_, Some(gate)) => {
                let (gate, shift) = gate.modulation(inputs.clone());
                Some((Some(gate), shift))
            }
            (Some(further), None) if l == 0 => Some((None, inputs.clone().matmul(further.clone()))),
            _ => None,
        };
        let mut timed = Timed { weights: Vec::new(), biases: Vec::new(), of_points: Vec::new() };
        for (l, Layer { weight, bias }) in self.layers.iter().enumerate() {
            let (mut weight, mut bias, mut of_points) = (weight.clone(), bias.clone(), None);
            match modulation(l) {
                Some((gate, shift)) if is_shared => {
                    if let Some(gate) = gate {
                        weight = weight * gate.clone();
                        bias = bias * gate.squeeze_dim(0);
                    }
                    bias = bias + shift.squeeze_dim(0);
                }
                other => of_points = other,
            }
            timed.weights.push(weight);
            timed.biases.push(bias);
            timed.of_points.push(of_points);
        }
        timed
    }

    /// The last hidden layer, and the slopes `D_l` of all hidden layers, multiplied by the gates of points.
    fn hidden(&self, timed: &Timed, inputs: Tensor<2>, with_slopes: bool) -> (Tensor<2>, Vec<Tensor<2>>) {
        let activation = self.field.activation;
        let mut slopes = Vec::new();
        let n_hidden = self.layers.len() - 1;
        let h = (0..n_hidden).fold(inputs, |h, l| {
            let (weight, bias) = (timed.weights[l].clone(), timed.biases[l].clone());
            let of_points = &timed.of_points[l];
            if of_points.is_none() && (!with_slopes || slope_from_value(activation)) {
                let h = affine(h, weight, bias, Some(activation.function()));
                if with_slopes {
                    slopes.push(slope(activation, &h, &h));
                }
                return h;
            }
            let mut argument = affine(h, weight, bias, None);
            if let Some((gate, shift)) = of_points {
                argument = match gate {
                    Some(gate) => argument * gate.clone() + shift.clone(),
                    None => argument + shift.clone(),
                };
            }
            let h = activation.apply(argument.clone());
            if with_slopes {
                let slope = slope(activation, &argument, &h);
                slopes.push(match of_points {
                    Some((Some(gate), _)) => slope * gate.clone(),
                    _ => slope,
                });
            }
            h
        });
        (h, slopes)
    }

    fn last(&self, timed: &Timed, h: Tensor<2>) -> Tensor<2> {
        let l = self.layers.len() - 1;
        affine(h, timed.weights[l].clone(), timed.biases[l].clone(), None)
    }

    /// The trace by the tangents of all variables: `[n·D, h]`.
    fn trace(&self, timed: &Timed, inputs: &Inputs, slopes: &[Tensor<2>]) -> Tensor<1> {
        let [n, width] = slopes[0].dims();
        let d = self.field.n_variables;
        let mut tangents = inputs.along_axes(&timed.weights[0]) * slopes[0].clone().reshape([n, 1, width]);
        for (weight, slope) in timed.weights[1..self.layers.len() - 1].iter().zip(&slopes[1..]) {
            let [before, after] = weight.dims();
            let moved = tangents.reshape([n * d, before]).matmul(weight.clone());
            tangents = moved.reshape([n, d, after]) * slope.clone().reshape([n, 1, after]);
        }
        let last = timed.weights[self.layers.len() - 1].clone().transpose().unsqueeze::<3>();
        let [_, d, h] = tangents.dims();
        row_sums((tangents * last).reshape([n, d * h]))
    }
}

impl Velocity for Ready<'_> {
    fn at(&self, t: &Tensor<2>, x: Tensor<2>) -> Tensor<2> {
        let inputs = self.inputs(x).values;
        let of_time = self.of_time(t);
        if self.field.gates.is_empty() && of_time.dims()[0] > 1 {
            return self.field.network.forward(Tensor::cat(vec![inputs, of_time], 1));
        }
        let timed = self.timed(of_time);
        if let Some(layers) = timed.of_all() {
            return network(inputs, layers, self.field.activation.function());
        }
        let (h, _) = self.hidden(&timed, inputs, false);
        self.last(&timed, h)
    }

    fn along(&self, t: &Tensor<2>, x: Tensor<2>, direction: &Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let timed = self.timed(self.of_time(t));
        let inputs = self.inputs(x);
        let (h, slopes) = self.hidden(&timed, inputs.values.clone(), true);
        let tangent = timed
            .weights
            .iter()
            .zip(&slopes)
            .fold(inputs.along(direction.clone()), |tangent, (weight, slope)| {
                tangent.matmul(weight.clone()) * slope.clone()
            });
        let last = timed.weights[self.layers.len() - 1].clone();
        (self.last(&timed, h), tangent.matmul(last))
    }

    fn divergence(&self, t: &Tensor<2>, x: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        let timed = self.timed(self.of_time(t));
        let has_joint = self.frequencies.is_none() && timed.weights.len() == 3;
        let joint = has_joint.then(|| self.joint.clone().unwrap_or_else(|| joint(&timed.weights)));
        let layers = timed.of_all().and_then(|layers| <[_; 3]>::try_from(layers).ok());
        let function = self.field.activation.function();
        if let (Some(joint), Some(layers)) = (&joint, layers)
            && let Some(both) = network_with_trace(x.clone(), layers, joint.clone(), function)
        {
            return both;
        }
        let inputs = self.inputs(x);
        let (h, slopes) = self.hidden(&timed, inputs.values.clone(), true);
        let v = self.last(&timed, h);
        let trace = match (&slopes[..], &timed.weights[..], joint) {
            ([first, second], _, Some(joint)) => row_sums(first.clone().matmul(joint) * second.clone()),
            ([slope], [first, last], _) if self.frequencies.is_none() => {
                let both = first.clone() * last.clone().transpose();
                slope.clone().matmul(both.sum_dim(0).transpose()).squeeze_dim(1)
            }
            _ => self.trace(&timed, &inputs, &slopes),
        };
        (v, trace)
    }
}
