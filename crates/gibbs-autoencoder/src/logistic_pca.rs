//! Logistic principal component analysis: a linear model of the logits, with one code for each example.
//!
//! ```text
//! p(x | z) = Π_d Bernoulli(x_d; σ(θ_d)),   θ = z·V + b        x in [0, 1]; grey values stand for means
//! L = Σ_i [ log p(x_i | z_i) - ½|z_i|² ] - ½ ρ (|V|² + |b|²)    maximized over V, b and all codes z_i
//! z(x) = argmax_z  log p(x | z) - ½|z|²                       encode: concave, one maximum
//! x̂ = σ(z·V + b)                                              decode
//! ```
//!
//! Codes and loadings are fitted alternately by Newton steps. With the loadings fixed, each code is a separate concave problem;
//! with the codes fixed, each column of the loadings is. For a code,
//!
//! ```text
//! ∂/∂z = (x - σ(θ))·Vᵀ - z,   -∂²/∂z² = V·diag(σ(θ)(1 - σ(θ)))·Vᵀ + I        similar for the columns of (V, b)
//! ```
//!
//! The step of an example or a column is halved until its part of `L` does not decrease, so `L` increases from pass to pass.
//!
//! **The ridges** keep the maximum finite. Without them, a column that is always 0 has its maximum at `b = -∞`, and an example
//! whose bits a hyperplane separates has an infinite code. Scaling codes by `c` and loadings by `1/c` leaves the model unchanged,
//! so only the product of the two ridges matters. The ridge of the codes is 1: a code is the most probable one under a standard
//! normal prior. [`ridge`](LogisticPcaConfig::ridge) is the ridge of the loadings.
//!
//! References: Schein, Saul & Ungar, "A generalized linear model for principal component analysis of binary data", AISTATS
//! 2003; Hinton & Salakhutdinov, Science 313:504 (2006), for the comparison with deep autoencoders (8.01 on MNIST with 30
//! numbers).
//!
//! Differences from the paper: the ridges; Newton steps instead of maxima of a bound, which need many more passes where logits
//! are large; a start at the principal components, which involves nothing random.
//!
//! Cost: a pass over `n` examples takes about `n·width·k²` multiplications and `n` linear systems of size `k`. The fit keeps
//! the codes `[n, k]` and one batch of data in memory.

mod newton;

use burn::{config::Config, prelude::*};
use gibbs_backend::{bce_with_logits, sigmoid};
use gibbs_core::{check, math::to_host};
use thiserror::Error;

use crate::pca::{Pca, PcaError};
use newton::{halved_until_lower, pairs, solve};

/// Why a logistic PCA cannot be fitted.
#[derive(Debug, Error, PartialEq)]
pub enum LogisticPcaError {
    /// The number of code units does not fit the data, or there are none.
    #[error(transparent)]
    Pca(#[from] PcaError),
    /// The ridge is zero, negative or not finite.
    #[error("ridge = {0} must be positive and finite")]
    Ridge(f64),
    /// A value is outside the range of a mean of bits.
    #[error(
        "logistic PCA models values in [0, 1], and the data go from {low} to {high}: scale them, or use plain PCA"
    )]
    Range {
        /// Smallest value of the first batch that does not fit.
        low: f64,
        /// Largest one.
        high: f64,
    },
}

/// Settings of a fit.
#[derive(Config, Debug, PartialEq)]
pub struct LogisticPcaConfig {
    /// Code units `k` (30 in Hinton & Salakhutdinov 2006), at most the width and the number of examples.
    pub d_latent: usize,
    /// `ρ`, the ridge of loadings and biases; positive. For MNIST with 30 code units, values from 0.001 to 0.1 give similar
    /// results.
    #[config(default = 0.01)]
    pub ridge: f64,
    /// Passes over the data. Most of the improvement comes from the first ten.
    #[config(default = 20)]
    pub passes: usize,
}

/// Loadings and biases of a fitted logistic PCA.
#[derive(Clone, Debug)]
pub struct LogisticPca {
    /// `V`, `[k, width]`.
    loadings: Tensor<2>,
    /// `b`, `[width]`.
    bias: Tensor<1>,
}

impl LogisticPca {
    /// Fits `config.passes` passes of `batches`, each batch `[batch, width]` with values in `[0, 1]`. Every call of `batches`
    /// must yield the same batches in the same order. [`Fitting`] does the same pass by pass.
    ///
    /// # Errors
    /// As [`Fitting::new`].
    ///
    /// # Panics
    /// If a batch is empty, the batches differ in width, or two calls of `batches` in their sizes.
    pub fn fit<B: IntoIterator<Item = Tensor<2>>>(
        config: &LogisticPcaConfig,
        batches: impl Fn() -> B,
    ) -> Result<Self, LogisticPcaError> {
        let mut fitting = Fitting::new(config, batches())?;
        for _ in 0..config.passes {
            fitting.pass(&batches);
        }
        Ok(fitting.model)
    }

    /// A fitted model from its loadings `[k, width]` and biases `[width]`.
    ///
    /// # Panics
    /// If the widths differ.
    pub fn from_parts(loadings: Tensor<2>, bias: Tensor<1>) -> Self {
        assert_eq!(loadings.dims()[1], bias.dims()[0], "loadings and biases differ in width");
        Self { loadings, bias }
    }

    /// The loadings `V`, `[k, width]`.
    pub fn loadings(&self) -> Tensor<2> {
        self.loadings.clone()
    }

    /// The biases `b`, `[width]`.
    pub fn bias(&self) -> Tensor<1> {
        self.bias.clone()
    }

    /// The most probable codes, `[batch, width] -> [batch, k]`: at most 100 Newton steps from 0, until no number moves by more than
    /// 10⁻⁴ standard deviations of the prior.
    ///
    /// # Panics
    /// If the width of `x` is not that of the data.
    pub fn encode(&self, x: Tensor<2>) -> Tensor<2> {
        const STILL: f64 = 1e-4;
        const STEPS: usize = 100;
        check::require_width("the logistic PCA", &x, self.bias.dims()[0]);
        let pairs = pairs(self.loadings.clone().transpose());
        let mut z = Tensor::zeros([x.dims()[0], self.loadings.dims()[0]], (&x.device(), x.dtype()));
        for _ in 0..STEPS {
            let next = self.improved(x.clone(), z.clone(), pairs.clone());
            let moves = to_host(next.clone() - z);
            z = next;
            if moves.iter().all(|move_by| move_by.abs() < STILL) {
                break;
            }
        }
        z
    }

    /// `θ = z·V + b`, `[batch, k] -> [batch, width]`.
    ///
    /// # Panics
    /// If the width of `z` is not that of the code.
    pub fn logits(&self, z: Tensor<2>) -> Tensor<2> {
        check::require_width("the code of the logistic PCA", &z, self.loadings.dims()[0]);
        z.matmul(self.loadings.clone()) + self.bias.clone().unsqueeze()
    }

    /// `σ(z·V + b)`, `[batch, k] -> [batch, width]`.
    pub fn decode(&self, z: Tensor<2>) -> Tensor<2> {
        sigmoid(self.logits(z))
    }

    /// [`decode`](Self::decode) of [`encode`](Self::encode), `[batch, width] -> [batch, width]`.
    pub fn reconstruct(&self, x: Tensor<2>) -> Tensor<2> {
        self.decode(self.encode(x))
    }

    /// `Σ_d (x_d - x̂_d)²` of each example, `[batch, width] -> [batch]`.
    pub fn squared_error(&self, x: Tensor<2>) -> Tensor<1> {
        (x.clone() - self.reconstruct(x)).square().sum_dim(1).squeeze_dim(1)
    }

    /// `-Σ_d [x_d log x̂_d + (1 - x_d) log(1 - x̂_d)]` of each example, nats, `[batch, width] -> [batch]`.
    pub fn cross_entropy(&self, x: Tensor<2>) -> Tensor<1> {
        bce_with_logits(self.logits(self.encode(x.clone())), x)
    }

    /// `-log p(x | z) + ½|z|²`, `[batch]`.
    fn code_loss(&self, x: Tensor<2>, z: Tensor<2>) -> Tensor<1> {
        bce_with_logits(self.logits(z.clone()), x) + half_squares(z)
    }

    /// The codes after a Newton step from `z`, given the [`pairs`] of the transposed loadings.
    fn improved(&self, x: Tensor<2>, z: Tensor<2>, pairs: Tensor<2>) -> Tensor<2> {
        let mean = self.decode(z.clone());
        let gradient = (x.clone() - mean.clone()).matmul(self.loadings.clone().transpose()) - z.clone();
        let step = solve(variance(mean).matmul(pairs), gradient, 1.0);
        halved_until_lower(z, step, |z| self.code_loss(x.clone(), z))
    }
}

/// A logistic PCA during its fit, with the codes of all examples.
#[derive(Clone, Debug)]
pub struct Fitting {
    /// The model so far.
    pub model: LogisticPca,
    ridge: f64,
    codes: Vec<Tensor<2>>,
}

impl Fitting {
    /// The principal components of `4(x - ½)`: one Newton step for all of `θ`, of rank `k`, from `θ = 0`. Codes are 0 until the
    /// first pass.
    ///
    /// # Errors
    /// [`LogisticPcaError::Ridge`], [`LogisticPcaError::Range`] for values outside `[0, 1]`, and as [`Pca::fit`].
    ///
    /// # Panics
    /// If a batch is empty or the batches differ in width.
    pub fn new(
        config: &LogisticPcaConfig,
        batches: impl IntoIterator<Item = Tensor<2>>,
    ) -> Result<Self, LogisticPcaError> {
        let ridge = config.ridge;
        if !(ridge > 0.0 && ridge.is_finite()) {
            return Err(LogisticPcaError::Ridge(ridge));
        }
        let mut outside = None;
        let mut examples = 0;
        let batches = batches.into_iter().inspect(|x| {
            examples += x.dims()[0];
            outside = outside.or(range_outside(x.clone()));
        });
        let pca = Pca::fit(batches, config.d_latent);
        if let Some((low, high)) = outside {
            return Err(LogisticPcaError::Range { low, high });
        }
        let pca = pca?;
        // The scale at which both ridges weigh the same.
        let variance = 16.0 * pca.eigenvalues()[..config.d_latent].iter().sum::<f64>();
        let squares = examples as f64 * variance / (ridge * config.d_latent as f64);
        let loadings = pca.components() * squares.powf(0.25);
        let bias = (pca.mean() - 0.5) * 4.0;
        Ok(Self { model: LogisticPca { loadings, bias }, ridge, codes: Vec::new() })
    }

    /// One pass: a step of every code, then one of the loadings. Returns `L/n`, nats for each example.
    ///
    /// # Panics
    /// If the batches are not of the sizes that they had in the first pass.
    pub fn pass<B: IntoIterator<Item = Tensor<2>>>(&mut self, batches: impl Fn() -> B) -> f64 {
        let loadings = self.model.loadings.clone();
        let columns = Tensor::cat(vec![loadings.clone(), self.model.bias.clone().unsqueeze()], 0).transpose();
        let code_pairs = pairs(loadings.transpose());
        let [width, inputs] = columns.dims();
        let options = (&columns.device(), columns.dtype());
        let mut curvature = Tensor::zeros([width, inputs * (inputs + 1) / 2], options);
        let mut gradient = columns.clone() * -self.ridge;
        for (i, x) in batches().into_iter().enumerate() {
            if i == self.codes.len() {
                self.codes.push(Tensor::zeros([x.dims()[0], inputs - 1], options));
            }
            let z = self.model.improved(x.clone(), self.codes[i].clone(), code_pairs.clone());
            let mean = self.model.decode(z.clone());
            curvature = curvature + variance(mean.clone()).transpose().matmul(pairs(with_one(z.clone())));
            gradient = gradient + (x - mean).transpose().matmul(with_one(z.clone()));
            self.codes[i] = z;
        }
        let loss = |columns: Tensor<2>| self.column_loss(batches(), columns);
        let columns = halved_until_lower(columns, solve(curvature, gradient, self.ridge), loss);
        let fit = to_host(loss(columns.clone())).iter().sum::<f64>();
        let prior = self.codes.iter().flat_map(|z| to_host(half_squares(z.clone()))).sum::<f64>();
        let examples: usize = self.codes.iter().map(|z| z.dims()[0]).sum();
        let columns = columns.transpose();
        self.model.loadings = columns.clone().narrow(0, 0, inputs - 1);
        self.model.bias = columns.narrow(0, inputs - 1, 1).squeeze_dim(0);
        -(fit + prior) / examples as f64
    }

    /// The part of `-L` that each column of `(V, b)` has, `[width, k + 1] -> [width]`.
    fn column_loss(&self, batches: impl IntoIterator<Item = Tensor<2>>, columns: Tensor<2>) -> Tensor<1> {
        let ridge = half_squares(columns.clone()) * self.ridge;
        batches.into_iter().zip(&self.codes).fold(ridge, |loss, (x, z)| {
            loss + bce_with_logits(columns.clone().matmul(with_one(z.clone()).transpose()), x.transpose())
        })
    }
}

/// The least and the largest value, if one of them is outside `[0, 1]`.
fn range_outside(x: Tensor<2>) -> Option<(f64, f64)> {
    let bound = |x: Tensor<1>| to_host(x)[0];
    let (low, high) = (bound(x.clone().min()), bound(x.max()));
    (low < 0.0 || high > 1.0).then_some((low, high))
}

/// `μ(1 - μ)` of a bit with mean `μ`.
fn variance(mean: Tensor<2>) -> Tensor<2> {
    mean.clone() * (-mean + 1.0)
}

/// `½|x_i|²` of each row.
fn half_squares(x: Tensor<2>) -> Tensor<1> {
    x.square().sum_dim(1).squeeze_dim(1) * 0.5
}

/// A column of ones at the right.
fn with_one(z: Tensor<2>) -> Tensor<2> {
    let ones = Tensor::ones([z.dims()[0], 1], (&z.device(), z.dtype()));
    Tensor::cat(vec![z, ones], 1)
}

#[cfg(test)]
mod tests;
