//! Point transformations: a map of the positions, and what it makes of the momenta.
//!
//! ```text
//! Q_A = q_A,   Q_B = q_B e^s + t,     s = S tanh(σ(q_A)/S),  t = τ(q_A),   S = 3
//! P_B = p_B e^-s,   P_A = p_A - (∂s/∂q_A)ᵀ (q_B p_B) - (∂t/∂q_A)ᵀ P_B           so that P·dQ = p·dq
//! h = tanh(W q_A + b),   (σ, τ) = V h + c,   (∂(σ, τ)/∂q_A)ᵀ v = Wᵀ ((Vᵀ v) ∘ (1 - h²))
//! ```

use burn::{module::Module, prelude::*};
use gibbs_backend::{Noise, exp, tanh};
use gibbs_core::{
    Bijection, ConfigError,
    columns::{inverse, select},
    math::row_zeros,
    nn::{Activation, Affine, MlpConfig},
};

use super::{halves, joined};

/// Bound `S` of the log-scales, that of the couplings of flows.
const BOUND: f64 = 3.0;

/// An affine coupling of positions, extended to momenta. It begins as the identity.
#[derive(Module, Debug)]
pub struct PointTransformation {
    /// From the kept positions to the hidden units (`W`, `b`), and from there to `σ` and `τ` side by side (`V`, `c`).
    pub layers: Vec<Affine>,
    #[module(skip)]
    kept: Vec<usize>,
    #[module(skip)]
    changed: Vec<usize>,
}

/// A pass of the network: `s`, `t`, and what the way back needs.
struct Pass {
    hidden: Tensor<2>,
    /// `∂s/∂σ`.
    slope: Tensor<2>,
    log_scale: Tensor<2>,
    shift: Tensor<2>,
}

impl PointTransformation {
    /// A coupling of `n` positions, at least 2, with a network of `n_hidden` units. Every other position is kept, from the first on or,
    /// `flipped`, from the second on.
    ///
    /// # Errors
    /// Fewer than 2 positions, or no hidden units.
    pub fn new(
        n: usize,
        n_hidden: usize,
        flipped: bool,
        device: &Device,
        noise: &mut Noise,
    ) -> Result<Self, ConfigError> {
        ConfigError::at_least("n_visible", n, 2)?;
        ConfigError::at_least("n_hidden", n_hidden, 1)?;
        let (kept, changed): (Vec<usize>, Vec<usize>) = (0..n).partition(|i| (i % 2 == 1) == flipped);
        let network = MlpConfig::new(vec![kept.len(), n_hidden, 2 * changed.len()])
            .with_activation(Activation::Tanh)
            .with_output_gain(0.0)
            .init(device, noise)?;
        Ok(Self { layers: network.layers, kept, changed })
    }

    fn pass(&self, kept: Tensor<2>) -> Pass {
        let [first, last] = [0, 1].map(|l| &self.layers[l]);
        let hidden = tanh(kept.matmul(first.weight.val()) + first.bias.val().unsqueeze());
        let outputs = hidden.clone().matmul(last.weight.val()) + last.bias.val().unsqueeze();
        let n = self.changed.len();
        let bounded = tanh(outputs.clone().narrow(1, 0, n) * (1.0 / BOUND));
        Pass {
            hidden,
            slope: bounded.clone().powi_scalar(2).neg() + 1.0,
            log_scale: bounded * BOUND,
            shift: outputs.narrow(1, n, n),
        }
    }

    /// `(∂s/∂q_A)ᵀ u + (∂t/∂q_A)ᵀ v`, `[batch, kept]`.
    fn pulled(&self, pass: &Pass, u: Tensor<2>, v: Tensor<2>) -> Tensor<2> {
        let outputs = Tensor::cat(vec![u * pass.slope.clone(), v], 1);
        let hidden = outputs.matmul(self.layers[1].weight.val().transpose());
        let hidden = hidden * (pass.hidden.clone().powi_scalar(2).neg() + 1.0);
        hidden.matmul(self.layers[0].weight.val().transpose())
    }

    fn parts(&self, x: Tensor<2>) -> [Tensor<2>; 2] {
        [select(x.clone(), &self.kept), select(x, &self.changed)]
    }

    fn whole(&self, kept: Tensor<2>, changed: Tensor<2>) -> Tensor<2> {
        let order = inverse(&[self.kept.as_slice(), &self.changed].concat());
        select(Tensor::cat(vec![kept, changed], 1), &order)
    }
}

impl Bijection for PointTransformation {
    fn forward(&self, x: Tensor<2>, _: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        let none = row_zeros(&x);
        let (q, p) = halves(x);
        let ([q_kept, q], [p_kept, p]) = (self.parts(q), self.parts(p));
        let pass = self.pass(q_kept.clone());
        let new_p = p.clone() * exp(pass.log_scale.clone().neg());
        let pull = self.pulled(&pass, q.clone() * p, new_p.clone());
        let new_q = q * exp(pass.log_scale) + pass.shift;
        (joined(self.whole(q_kept, new_q), self.whole(p_kept - pull, new_p)), none)
    }

    fn inverse(&self, z: Tensor<2>, _: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        let none = row_zeros(&z);
        let (q, p) = halves(z);
        let ([q_kept, new_q], [new_p_kept, new_p]) = (self.parts(q), self.parts(p));
        let pass = self.pass(q_kept.clone());
        let q = (new_q - pass.shift.clone()) * exp(pass.log_scale.clone().neg());
        let p = new_p.clone() * exp(pass.log_scale.clone());
        let pull = self.pulled(&pass, q.clone() * p.clone(), new_p);
        (joined(self.whole(q_kept, q), self.whole(new_p_kept + pull, p)), none)
    }
}
