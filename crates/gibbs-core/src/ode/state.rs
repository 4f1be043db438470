//! What is integrated.

use burn::prelude::*;

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
        match Self::sum(terms) {
            Some(change) => {
                Self(self.0.iter().zip(change.0).map(|(part, change)| part.clone() + change).collect())
            }
            None => self.clone(),
        }
    }

    /// `Σ_i w_i·s_i` over terms whose weight is not zero; `None` where there are none.
    ///
    /// # Panics
    /// If the terms have different parts.
    pub fn sum(terms: &[(f64, &Self)]) -> Option<Self> {
        let mut terms = terms.iter().filter(|(weight, _)| *weight != 0.0);
        let scaled = |&(weight, state): &(f64, &Self)| -> Vec<Tensor<2>> {
            state.0.iter().map(|part| part.clone() * weight).collect()
        };
        let first = scaled(terms.next()?);
        let add = |total: Vec<Tensor<2>>, term: &(f64, &Self)| {
            assert_eq!(total.len(), term.1.0.len(), "terms with the same parts");
            total.into_iter().zip(scaled(term)).map(|(total, part)| total + part).collect()
        };
        Some(Self(terms.fold(first, add)))
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
