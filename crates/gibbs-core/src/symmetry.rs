//! Symmetries of a distribution, and models averaged over them.
//!
//! ```text
//! (g x)_i = ± x_{π(i)}
//! q_G(x) = 1/|G| Σ_{g ∈ G} q(g x),    x ~ q_G:  x' ~ q,  g uniform in G,  x = g x'
//! ```
//!
//! If the target `p` has the symmetry, then `KL(q_G ‖ p) ≤ KL(q ‖ p)`, because the divergence is convex: the errors of `q` at
//! the `|G|` images of a configuration average out. The average needs no training.
//!
//! Reference: Wu, Wang & Zhang, Phys. Rev. Lett. 122:080602 (2019), arXiv:1809.10606. They symmetrize a network under the
//! flip of all spins.
//!
//! Cost: a density costs `|G|` densities of the model; a draw costs one draw.

use std::{collections::HashSet, sync::Arc};

use burn::prelude::*;
use gibbs_backend::Noise;

use crate::{LogProb, Sample, columns, math::log_sum_exp_rows};

/// Approximate number of examples in one call of the model, when a density is symmetrized.
const ROWS_AT_ONCE: usize = 4096;

/// A permutation of variables, with or without a flip of all signs: `(g x)_i = ± x_{π(i)}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Symmetry {
    from: Vec<usize>,
    negates: bool,
}

impl Symmetry {
    /// The permutation `(g x)_i = x_{from[i]}`.
    ///
    /// # Panics
    /// If `from` is not a permutation.
    pub fn permutation(from: Vec<usize>) -> Self {
        let distinct: HashSet<usize> = from.iter().copied().filter(|&i| i < from.len()).collect();
        assert_eq!(distinct.len(), from.len(), "a permutation names each of {} variables once", from.len());
        Self { from, negates: false }
    }

    /// The sign flip `g x = -x` of `n` variables.
    pub fn negation(n: usize) -> Self {
        Self { from: (0..n).collect(), negates: true }
    }

    /// Number of variables.
    pub fn width(&self) -> usize {
        self.from.len()
    }

    /// The permutation `π`.
    pub fn from(&self) -> &[usize] {
        &self.from
    }

    /// Whether the symmetry flips all signs.
    pub fn negates(&self) -> bool {
        self.negates
    }

    /// The inverse `g⁻¹`. As a matrix, it is the transpose of `g`.
    pub fn inverse(&self) -> Self {
        Self { from: columns::inverse(&self.from), negates: self.negates }
    }

    /// The product `g h`: `h` acts first, then `g`.
    fn after(&self, first: &Self) -> Self {
        Self {
            from: self.from.iter().map(|&i| first.from[i]).collect(),
            negates: self.negates != first.negates,
        }
    }

    /// Returns `g x` for each row of `x [batch, width]`.
    ///
    /// # Panics
    /// If `x` has another width.
    pub fn apply(&self, x: Tensor<2>) -> Tensor<2> {
        assert_eq!(x.dims()[1], self.width(), "a symmetry of {} variables", self.width());
        let x = columns::select(x, &self.from);
        if self.negates { x.neg() } else { x }
    }
}

/// A finite group of symmetries. The identity is the first element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymmetryGroup {
    elements: Vec<Symmetry>,
}

impl SymmetryGroup {
    /// The group of the identity alone.
    pub fn trivial(width: usize) -> Self {
        Self { elements: vec![Symmetry { from: (0..width).collect(), negates: false }] }
    }

    /// The group of all products of `generators`, in the order of a breadth-first search.
    ///
    /// # Panics
    /// If a generator has another width.
    pub fn generated_by(width: usize, generators: &[Symmetry]) -> Self {
        assert!(generators.iter().all(|g| g.width() == width), "symmetries of {width} variables");
        let mut elements = Self::trivial(width).elements;
        let mut found: HashSet<Symmetry> = elements.iter().cloned().collect();
        let mut next = 0;
        while next < elements.len() {
            for product in generators.iter().map(|g| g.after(&elements[next])).collect::<Vec<_>>() {
                if found.insert(product.clone()) {
                    elements.push(product);
                }
            }
            next += 1;
        }
        Self { elements }
    }

    /// The elements. The identity is the first.
    pub fn elements(&self) -> &[Symmetry] {
        &self.elements
    }

    /// The subgroup of the elements that keep all signs.
    #[must_use]
    pub fn without_negations(&self) -> Self {
        Self { elements: self.elements.iter().filter(|element| !element.negates).cloned().collect() }
    }

    /// Number of elements, `|G|`.
    pub fn order(&self) -> usize {
        self.elements.len()
    }

    /// Applies an independent random element, uniform in the group, to each row of `x [batch, width]`.
    ///
    /// # Panics
    /// If `x` has another width.
    pub fn apply_random(&self, x: Tensor<2>, noise: &mut Noise) -> Tensor<2> {
        if self.order() == 1 {
            return x;
        }
        let [n, width] = x.dims();
        let (mut from, mut signs) = (Vec::with_capacity(n * width), Vec::with_capacity(n));
        for _ in 0..n {
            let element = &self.elements[noise.below(self.order())];
            from.extend(element.from.iter().map(|&i| i as i64));
            signs.push(if element.negates { -1.0f32 } else { 1.0 });
        }
        let device = x.device();
        let from = Tensor::<2, Int>::from_data(TensorData::new(from, [n, width]), &device);
        let signs = Tensor::<2>::from_data(TensorData::new(signs, [n, 1]), (&device, x.dtype()));
        x.gather(1, from) * signs
    }
}

/// A symmetrized model: the mixture of the images of the model under a group.
///
/// ```
/// use burn::prelude::*;
/// use gibbs_core::{LogProb, math::to_host, symmetry::{Symmetrized, Symmetry, SymmetryGroup}};
///
/// /// Two variables: the first has the density `2x` on `[0, 1]`, the second is uniform.
/// struct Ramp;
/// impl LogProb for Ramp {
///     fn log_prob(&self, x: Tensor<2>) -> Tensor<1> {
///         (x.narrow(1, 0, 1) * 2.0).log().squeeze_dim(1)
///     }
/// }
/// let swap = Symmetry::permutation(vec![1, 0]);
/// let symmetric = Symmetrized::new(Ramp, SymmetryGroup::generated_by(2, &[swap]));
/// let x = Tensor::<2>::from_data([[0.2, 0.6], [0.6, 0.2]], &Device::flex());
/// for log_prob in to_host(symmetric.log_prob(x)) {
///     assert!((log_prob - 0.8f64.ln()).abs() < 1e-6);
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Symmetrized<M> {
    model: M,
    group: Arc<SymmetryGroup>,
}

impl<M> Symmetrized<M> {
    /// Symmetrizes `model` over `group`.
    pub fn new(model: M, group: impl Into<Arc<SymmetryGroup>>) -> Self {
        Self { model, group: group.into() }
    }

    /// The model itself.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// The group.
    pub fn group(&self) -> &SymmetryGroup {
        &self.group
    }
}

impl<M: LogProb> LogProb for Symmetrized<M> {
    fn log_prob(&self, x: Tensor<2>) -> Tensor<1> {
        let (n, order) = (x.dims()[0], self.group.order());
        if order == 1 {
            return self.model.log_prob(x);
        }
        let at_once = (ROWS_AT_ONCE / n.max(1)).max(1);
        let images = self.group.elements.chunks(at_once).map(|elements| {
            let images = elements.iter().map(|g| g.apply(x.clone())).collect();
            self.model.log_prob(Tensor::cat(images, 0)).reshape([elements.len(), n])
        });
        let log_probs = Tensor::cat(images.collect(), 0).transpose();
        log_sum_exp_rows(log_probs) - (order as f64).ln()
    }
}

impl<M: Sample> Sample for Symmetrized<M> {
    /// Draws from the model first, then the elements of the group.
    fn sample(&self, n: usize, noise: &mut Noise) -> Tensor<2> {
        let x = self.model.sample(n, noise);
        self.group.apply_random(x, noise)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::to_host;

    /// The symmetries of a square whose corners are numbered around it.
    fn square() -> SymmetryGroup {
        let turn = Symmetry::permutation(vec![1, 2, 3, 0]);
        let reflection = Symmetry::permutation(vec![0, 3, 2, 1]);
        SymmetryGroup::generated_by(4, &[turn, reflection])
    }

    #[test]
    fn elements_that_keep_signs_are_a_subgroup() {
        let shift = Symmetry::permutation(vec![1, 2, 0]);
        let whole = SymmetryGroup::generated_by(3, &[Symmetry::negation(3), shift.clone()]);
        let kept = whole.without_negations();
        assert_eq!((whole.order(), kept.order()), (6, 3));
        assert_eq!(kept, SymmetryGroup::generated_by(3, &[shift]));
    }

    #[test]
    fn generators_give_the_whole_group_once() {
        assert_eq!(square().order(), 8);
        let n = 5;
        let shift = Symmetry::permutation((0..n).map(|i| (i + 1) % n).collect());
        let group = SymmetryGroup::generated_by(n, &[shift, Symmetry::negation(n)]);
        assert_eq!(group.order(), 10);
        for (g, h) in group.elements().iter().flat_map(|g| group.elements().iter().map(move |h| (g, h))) {
            assert!(group.elements().contains(&g.after(h)));
        }
        assert_eq!(group.elements()[0], SymmetryGroup::trivial(n).elements()[0]);
    }

    #[test]
    fn products_act_one_after_the_other() {
        let x = Tensor::<2>::from_data([[1.0, 2.0, 3.0, 4.0]], &Device::flex());
        let (g, h) = (Symmetry::permutation(vec![1, 2, 3, 0]), Symmetry::permutation(vec![0, 3, 2, 1]));
        let both = g.after(&h).apply(x.clone());
        assert_eq!(to_host(both), to_host(g.apply(h.apply(x.clone()))));
        assert_eq!(to_host(Symmetry::negation(4).apply(x)), [-1.0, -2.0, -3.0, -4.0]);
    }

    #[test]
    fn an_inverse_undoes() {
        let x = Tensor::<2>::from_data([[1.0, 2.0, 3.0, 4.0]], &Device::flex());
        for g in square().elements().iter().chain(&[Symmetry::negation(4)]) {
            assert_eq!(to_host(g.inverse().apply(g.apply(x.clone()))), to_host(x.clone()));
        }
    }

    #[test]
    #[should_panic(expected = "names each of 3 variables once")]
    fn what_is_no_permutation_is_refused() {
        Symmetry::permutation(vec![0, 2, 2]);
    }

    #[test]
    fn each_row_takes_an_element_with_equal_probability() {
        let (n, group) = (8000, square());
        let x = Tensor::<2>::from_data([[1.0, 2.0, 3.0, 4.0]], &Device::flex()).repeat_dim(0, n);
        let rows = to_host(group.apply_random(x.clone(), &mut Noise::new(0, "apply_random")));
        let mut counts = vec![0.0; group.order()];
        for row in rows.chunks_exact(4) {
            let images = group.elements().iter().map(|g| g.from.iter().map(|&i| i as f64 + 1.0));
            let which = images.into_iter().position(|image| image.eq(row.iter().copied()));
            counts[which.expect("a row is an image")] += 1.0;
        }
        let p = 1.0 / group.order() as f64;
        let sigma = (n as f64 * p * (1.0 - p)).sqrt();
        assert!(counts.iter().all(|count| (count - n as f64 * p).abs() < 4.5 * sigma), "{counts:?}");
    }
}
