//! A velocity field by a multi-layer perceptron.
//!
//! ```text
//! v = h_L·W_{L+1} + b,    h_l = f(a_l),   a_l as the time comes in, see TimeInput;   D_l = diag f'(a_l)
//! J·ε = W_{L+1}ᵀ D_L W_Lᵀ … D_1 W_1ᵀ ε
//! tr J, one hidden layer:   Σ_a f'(a_1)_a · (W_1ᵀ∘W_2)_a summed over the variables
//!       two hidden layers:  f'(a_1)ᵀ · M · f'(a_2),   M = W_2 ∘ (W_1ᵀ·W_3ᵀ)
//!       more, or waves:     the tangents of all variables, up to the last hidden layer
//! ```
//!
//! with rows as points, so that matrices stand to the right. `M` does not depend on the point: a trace costs one more product
//! with a hidden layer, whatever the number of variables, and no backward pass.
//!
//! References: Chen, Rubanova, Bettencourt & Duvenaud, "Neural ordinary differential equations", NeurIPS 2018,
//! arXiv:1806.07366.
//!
//! Differences from the papers: the traces in closed form; the last layer has no gate.
//!
//! Cost of a divergence: that of the velocity and a product `[n, h]·[h, h]`; beyond two hidden layers, or with waves of
//! the variables, `D` times the velocity.

use burn::{config::Config, module::Module, prelude::*};
use gibbs_backend::{Noise, affine};
use gibbs_core::nn::{Activation, Mlp, MlpConfig};

use super::{
    smooth::{check_smooth, slope, slope_from_value},
    time::{Gate, TimeInput, features, n_features, with_context},
    velocity::{Velocity, VelocityField, check_context},
    waves::{Inputs, Waves},
};
use crate::{ConfigError, univariate::sum};

/// Sizes of the network.
#[derive(Config, Debug, PartialEq)]
pub struct PerceptronConfig {
    /// Number of variables `D`, at least 1.
    pub n_variables: usize,
    /// Widths of the hidden layers, at least one of them.
    pub hidden: Vec<usize>,
    /// Function of the hidden units, a smooth one.
    #[config(default = "Activation::Tanh")]
    pub activation: Activation,
    /// How the time comes in.
    #[config(default = "TimeInput::Concatenated")]
    pub time: TimeInput,
    /// Waves in the time beside the time itself, `K`.
    #[config(default = 0)]
    pub frequencies: usize,
    /// Waves of the variables beside the variables themselves, `F`.
    #[config(default = 0)]
    pub waves: usize,
    /// Standard deviation of the initial frequencies of these waves, radians for each unit of length.
    #[config(default = 3.0)]
    pub wave_scale: f64,
    /// Width of the context, 0 for none.
    #[config(default = 0)]
    pub n_context: usize,
    /// Factor on the initial weights of the last layer; 0 begins at rest.
    #[config(default = 0.0)]
    pub output_gain: f64,
}

impl PerceptronConfig {
    fn network(&self) -> MlpConfig {
        let beside = match self.time {
            TimeInput::Concatenated => n_features(self.frequencies) + self.n_context,
            TimeInput::Gated => 0,
        };
        let n_inputs = self.n_variables + 2 * self.waves + beside;
        MlpConfig::new([&[n_inputs], self.hidden.as_slice(), &[self.n_variables]].concat())
            .with_activation(self.activation)
            .with_output_gain(self.output_gain)
    }

    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::range(self.n_variables > 0, "n_variables", 0.0, "at least 1")?;
        ConfigError::range(!self.hidden.is_empty(), "number of hidden layers", 0.0, "at least 1")?;
        check_smooth(self.activation)?;
        let is_scale = self.wave_scale.is_finite() && self.wave_scale > 0.0;
        ConfigError::range(is_scale, "wave_scale", self.wave_scale, "finite and above 0")?;
        Ok(self.network().validate()?)
    }

    /// A field with weights drawn from `noise`.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails.
    pub fn init(&self, device: &Device, noise: &mut Noise) -> Result<Perceptron, ConfigError> {
        self.validate()?;
        let network = self.network().init(device, noise)?;
        let n_inputs = n_features(self.frequencies) + self.n_context;
        let gates = match self.time {
            TimeInput::Concatenated => Vec::new(),
            TimeInput::Gated => self
                .hidden
                .iter()
                .map(|&width| Gate::new(n_inputs, width, device, noise))
                .collect::<Result<_, _>>()?,
        };
        let waves = (self.waves > 0)
            .then(|| Waves::new(self.n_variables, self.waves, self.wave_scale, device, noise));
        Ok(Perceptron {
            waves,
            network,
            gates,
            n_variables: self.n_variables,
            n_context: self.n_context,
            frequencies: self.frequencies,
            activation: self.activation,
        })
    }
}

/// A perceptron as a velocity field.
#[derive(Module, Debug)]
pub struct Perceptron {
    /// Waves of the variables, where it has some.
    pub waves: Option<Waves>,
    /// The layers. The first one reads the variables and their waves, and where the time is concatenated its features and the
    /// context behind them.
    pub network: Mlp,
    /// One for each hidden layer, or none where the time is concatenated.
    pub gates: Vec<Gate>,
    n_variables: usize,
    n_context: usize,
    frequencies: usize,
    #[module(skip)]
    activation: Activation,
}

impl VelocityField for Perceptron {
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
        let frequencies = self.waves.as_ref().map(|waves| waves.frequencies.val());
        let n_inputs = self.n_variables + frequencies.as_ref().map_or(0, |b| 2 * b.dims()[1]);
        let beside = first.dims()[0] - n_inputs;
        let beside = (beside > 0).then(|| first.clone().narrow(0, n_inputs, beside));
        *first = first.clone().narrow(0, 0, n_inputs);
        let is_constant = self.gates.is_empty() && frequencies.is_none() && layers.len() == 3;
        let joint = is_constant.then(|| joint(&layers));
        Box::new(Ready { field: self, frequencies, context: context.cloned(), layers, beside, joint })
    }
}

struct Layer {
    weight: Tensor<2>,
    bias: Tensor<1>,
}

/// `M = W_2 ∘ (W_1ᵀ·W_3ᵀ)`.
fn joint(layers: &[Layer]) -> Tensor<2> {
    let [first, second, last] = layers else { unreachable!("two hidden layers") };
    let around = first.weight.clone().transpose().matmul(last.weight.clone().transpose());
    second.weight.clone() * around
}

/// The weights of a solve.
struct Ready<'a> {
    field: &'a Perceptron,
    /// Those of the waves.
    frequencies: Option<Tensor<2>>,
    context: Option<Tensor<2>>,
    /// Gates not yet in them.
    layers: Vec<Layer>,
    /// Weights of time and context.
    beside: Option<Tensor<2>>,
    /// `M`, where it is the same at all times.
    joint: Option<Tensor<2>>,
}

/// The layers as they are at a time: `h_l = f((h_{l-1}·W_l + b_l) ⊙ g_l + s_l)`.
struct Timed {
    weights: Vec<Tensor<2>>,
    biases: Vec<Tensor<1>>,
    /// Gates and shifts `[n, width]` of hidden layers, where each point has its own; else they are in weights and biases.
    of_points: Vec<Option<(Option<Tensor<2>>, Tensor<2>)>>,
}

impl Ready<'_> {
    fn inputs(&self, x: Tensor<2>) -> Inputs {
        Inputs::new(x, self.frequencies.as_ref())
    }

    fn timed(&self, t: &Tensor<2>) -> Timed {
        let inputs = with_context(features(t, self.field.frequencies), self.context.as_ref());
        let is_shared = inputs.dims()[0] == 1;
        let modulation = |l: usize| match (&self.beside, self.field.gates.get(l)) {
            (_, Some(gate)) => {
                let (gate, shift) = gate.modulation(inputs.clone());
                Some((Some(gate), shift))
            }
            (Some(beside), None) if l == 0 => Some((None, inputs.clone().matmul(beside.clone()))),
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

    /// The last hidden layer, and the slopes of all of them on the way: `D_l`, with gates of points in them.
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
        sum((tangents * last).reshape([n, d * h]))
    }
}

impl Velocity for Ready<'_> {
    fn at(&self, t: &Tensor<2>, x: Tensor<2>) -> Tensor<2> {
        let timed = self.timed(t);
        let (h, _) = self.hidden(&timed, self.inputs(x).values, false);
        self.last(&timed, h)
    }

    fn along(&self, t: &Tensor<2>, x: Tensor<2>, direction: &Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let timed = self.timed(t);
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
        let timed = self.timed(t);
        let inputs = self.inputs(x);
        let (h, slopes) = self.hidden(&timed, inputs.values.clone(), true);
        let v = self.last(&timed, h);
        let trace = match (&slopes[..], &timed.weights[..]) {
            _ if self.frequencies.is_some() => self.trace(&timed, &inputs, &slopes),
            ([slope], [first, last]) => {
                let both = first.clone() * last.clone().transpose();
                slope.clone().matmul(both.sum_dim(0).transpose()).squeeze_dim(1)
            }
            ([first, second], [..]) => {
                let joint = self.joint.clone().unwrap_or_else(|| {
                    let layers: Vec<Layer> = timed
                        .weights
                        .iter()
                        .zip(&timed.biases)
                        .map(|(weight, bias)| Layer { weight: weight.clone(), bias: bias.clone() })
                        .collect();
                    joint(&layers)
                });
                sum(first.clone().matmul(joint) * second.clone())
            }
            (slopes, _) => self.trace(&timed, &inputs, slopes),
        };
        (v, trace)
    }
}
