//! What is integrated.

use burn::prelude::*;
use gibbs_backend::combination;

/// A point in the space of an equation: matrices of any shapes side by side.
#[derive(Clone, Debug)]
pub struct State(Vec<Tensor<2>>);

impl State {
    /// The point with these parts.
    pub fn new(parts: Vec<Tensor<2>>) -> Self {
        Self(parts)
    }

    /// Its parts.
    pub fn parts(&self) -> &[Tensor<2>] {
        &self.0
    }

    /// Its parts, for use elsewhere.
    pub fn into_parts(self) -> Vec<Tensor<2>> {
        self.0
    }

    /// `self + Σ_i w_i·s_i`.
    ///
    /// # Panics
    /// If a term has other parts.
    pub fn plus(&self, terms: &[(f64, &Self)]) -> Self {
        Self::combined(Some(self), terms).unwrap_or_else(|| self.clone())
    }

    /// `Σ_i w_i·s_i` over terms whose weight is not zero; `None` where there are none.
    ///
    /// # Panics
    /// If the terms have different parts.
    pub fn sum(terms: &[(f64, &Self)]) -> Option<Self> {
        Self::combined(None, terms)
    }

    fn combined(start: Option<&Self>, terms: &[(f64, &Self)]) -> Option<Self> {
        let terms: Vec<_> = terms.iter().filter(|(weight, _)| *weight != 0.0).collect();
        let n = terms.first()?.1.0.len();
        assert!(terms.iter().all(|(_, state)| state.0.len() == n), "terms with the same parts");
        let part = |i: usize| {
            let of_terms = terms.iter().map(|(weight, state)| (*weight, state.0[i].clone()));
            combination(start.map(|start| start.0[i].clone()), of_terms.collect())
        };
        Some(Self((0..n).map(part).collect()))
    }

    /// Root mean square of all numbers, computed on the device in its type; waits for it. Infinite or NaN where a number is.
    pub fn norm(&self) -> f64 {
        root_mean_square(&self.0)
    }

    /// Root mean square of `self` in units of `tolerance·(1 + max(|before|, |after|))`, number by number, over the whole
    /// state: an error that is allowed has at most 1.
    pub(super) fn relative_norm(&self, before: &Self, after: &Self, tolerance: f64) -> f64 {
        let ends = before.0.iter().zip(&after.0);
        let parts: Vec<Tensor<2>> = self
            .0
            .iter()
            .zip(ends)
            .map(|(error, (before, after))| {
                let size = before.clone().abs().max_pair(after.clone().abs());
                error.clone() / ((size + 1.0) * tolerance)
            })
            .collect();
        root_mean_square(&parts)
    }
}

fn root_mean_square(parts: &[Tensor<2>]) -> f64 {
    let n: usize = parts.iter().map(|part| part.dims().iter().product::<usize>()).sum();
    let squares = parts.iter().map(|part| {
        let part = part.clone().detach();
        (part.clone() * part).sum().into_scalar::<f64>()
    });
    (squares.sum::<f64>() / n.max(1) as f64).sqrt()
}
