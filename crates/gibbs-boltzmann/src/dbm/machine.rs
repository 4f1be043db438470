//! The machine: its layers, and the same machine as an RBM.

use burn::{
    module::{Module, Param},
    prelude::*,
};

use crate::{
    rbm::{AnyRbm, Rbm},
    units::{AnyUnits, Gaussian, Joined, UnitFamily, UnitKind, UnitMoments, Units},
};

/// The couplings of two neighboring layers.
#[derive(Module, Debug)]
pub struct Coupling {
    /// `W_k [below, above]`.
    pub weight: Param<Tensor<2>>,
}

/// A label of softmax units above the highest layer.
#[derive(Module, Debug)]
pub struct Label {
    /// Couplings `[highest layer, classes]`.
    pub weight: Param<Tensor<2>>,
    /// Bias of each class.
    pub bias: Param<Tensor<1>>,
}

/// A deep Boltzmann machine; see the [module documentation](crate::dbm).
#[derive(Module, Debug)]
pub struct Dbm {
    /// The couplings, bottom to top.
    pub layers: Vec<Coupling>,
    /// The bias of each layer, the visible one first. That of Gaussian visible units is their mean.
    pub biases: Vec<Param<Tensor<1>>>,
    /// Logarithm of the variances of Gaussian visible units; `None` for binary ones.
    pub log_var: Option<Param<Tensor<1>>>,
    /// The label above the highest layer, if there is one.
    pub label: Option<Label>,
}

/// A layer, or the label, in the view of the machine as an RBM.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Whether it is on the side of the even layers.
    pub(super) is_even: bool,
    /// First column on its side.
    pub(super) start: usize,
    /// Number of columns.
    pub(super) width: usize,
}

impl Dbm {
    /// The machine of pre-trained RBMs, bottom to top, which were trained with doubled inputs ([`DoubledLayer`](super::DoubledLayer)).
    /// The two biases of a layer between two RBMs are averaged.
    ///
    /// # Panics
    /// If there are no RBMs, their widths do not fit, or their units are other than those of a machine.
    pub fn of_rbms(rbms: &[AnyRbm], label: Option<Label>) -> Self {
        let own = |x: Tensor<1>| Param::from_tensor(x);
        let visible = &rbms[0].visible;
        let bias = |units: &AnyUnits| units.parameters()[0].val();
        let mut biases = vec![own(bias(visible))];
        for pair in rbms.windows(2) {
            biases.push(own((bias(&pair[0].hidden) + bias(&pair[1].visible)) * 0.5));
        }
        biases.push(own(bias(&rbms[rbms.len() - 1].hidden)));
        let weight = |rbm: &AnyRbm| Coupling { weight: Param::from_tensor(rbm.weight.val()) };
        Self {
            layers: rbms.iter().map(weight).collect(),
            biases,
            log_var: match visible {
                AnyUnits::Gaussian(units) => Some(own(units.log_var.val())),
                _ => None,
            },
            label,
        }
    }

    /// Number of hidden layers.
    pub fn depth(&self) -> usize {
        self.layers.len()
    }

    /// Width of layer `k`; 0 is the visible one.
    pub fn width(&self, k: usize) -> usize {
        self.biases[k].dims()[0]
    }

    /// States of the label; 0 without one.
    pub fn n_classes(&self) -> usize {
        self.label.as_ref().map_or(0, |label| label.bias.dims()[0])
    }

    /// The visible units.
    pub fn visible(&self) -> AnyUnits {
        let bias = Param::from_tensor(self.biases[0].val());
        match &self.log_var {
            Some(log_var) => AnyUnits::Gaussian(Gaussian { mean: bias, log_var: log_var.clone() }),
            None => binary(bias.val()),
        }
    }

    /// The machine with visible biases that give it the moments of the data when the weights are zero.
    pub fn with_visible_fitted(mut self, data: &UnitMoments) -> Self {
        let fitted = self.visible().fitted(data);
        let parameter = |i: usize| Param::from_tensor(fitted.parameters()[i].val());
        self.biases[0] = parameter(0);
        self.log_var = self.log_var.map(|_| parameter(1));
        self
    }

    /// The machine as an RBM: its visible units are the even layers, its hidden units the odd ones, each bottom to top, and a label
    /// at the end of its side. Energies, and so `Z`, are the same.
    pub fn bipartite(&self) -> Rbm<Joined, Joined> {
        let below = self.hidden_rbm();
        let first = self.layers[0].weight.val();
        let missing = below.weight.dims()[1] - first.dims()[1];
        let first = match missing {
            0 => first,
            n => {
                let zeros = Tensor::zeros([first.dims()[0], n], (&first.device(), first.dtype()));
                Tensor::cat(vec![first, zeros], 1)
            }
        };
        let visible = match (self.visible(), below.visible) {
            (AnyUnits::Binary(v), even) => vec![self.with_columns_before(v.bias.val(), even)],
            (v, even) => vec![v, even],
        };
        Rbm {
            weight: Param::from_tensor(Tensor::cat(vec![first, below.weight.val()], 0)),
            visible: Joined::new(visible),
            hidden: Joined::new(vec![below.hidden]),
        }
    }

    /// [`bipartite`](Self::bipartite), with the sides exchanged if a label is on the odd one: chains move on the side of its visible units,
    /// where a label can be clamped in the last columns.
    pub fn with_label_visible(&self) -> Rbm<Joined, Joined> {
        let rbm = self.bipartite();
        match self.label_is_odd() {
            true => Rbm {
                weight: Param::from_tensor(rbm.weight.val().transpose()),
                visible: rbm.hidden,
                hidden: rbm.visible,
            },
            false => rbm,
        }
    }

    /// `E[v | h_1]` of states of both sides of [`with_label_visible`](Self::with_label_visible), `[batch, visible]`.
    pub fn visible_of_sides(&self, visible: Tensor<2>, hidden: Tensor<2>) -> Tensor<2> {
        let odd = if self.label_is_odd() { visible } else { hidden };
        self.visible_mean(odd.narrow(1, 0, self.width(1)))
    }

    fn label_is_odd(&self) -> bool {
        self.label.is_some() && self.depth().is_multiple_of(2)
    }

    /// The hidden layers, and the label, as an RBM between even and odd layers: `p(h | v)` is the distribution of this RBM where the
    /// units of the lowest hidden layer get the additional input `v·W_1`.
    pub(super) fn hidden_rbm(&self) -> AnyRbm {
        let n_places = self.depth() + usize::from(self.label.is_some());
        let of_side = |parity: usize| (1..=n_places).filter(move |k| k % 2 == parity);
        let row = |even: usize| Tensor::cat(of_side(1).map(|odd| self.block(even, odd)).collect(), 1);
        let units = |parity: usize| {
            let hidden = of_side(parity).filter(|&k| k <= self.depth());
            let mut biases: Vec<Tensor<1>> = hidden.map(|k| self.biases[k].val()).collect();
            let label = self.label.as_ref().filter(|_| n_places % 2 == parity);
            biases.extend(label.map(|label| label.bias.val()));
            let n_classes = if label.is_some() { self.n_classes() } else { 0 };
            with_label(Tensor::cat(biases, 0), n_classes)
        };
        Rbm {
            weight: Param::from_tensor(Tensor::cat(of_side(0).map(row).collect(), 0)),
            visible: units(0),
            hidden: units(1),
        }
    }

    /// The couplings of an even and an odd layer, `[even, odd]`; the place above the highest layer is the label.
    fn block(&self, even: usize, odd: usize) -> Tensor<2> {
        let width = |k: usize| if k > self.depth() { self.n_classes() } else { self.width(k) };
        let (low, high) = (even.min(odd), even.max(odd));
        let weight = match (&self.label, high - low) {
            (Some(label), 1) if high > self.depth() => label.weight.val(),
            (_, 1) => self.layers[low].weight.val(),
            _ => {
                let like = self.layers[0].weight.val();
                return Tensor::zeros([width(even), width(odd)], (&like.device(), like.dtype()));
            }
        };
        if low == even { weight } else { weight.transpose() }
    }

    /// Binary units with these biases, and after them the units of `after`.
    fn with_columns_before(&self, bias: Tensor<1>, after: AnyUnits) -> AnyUnits {
        let n_classes = if after.kind() == UnitKind::Labeled { self.n_classes() } else { 0 };
        with_label(Tensor::cat(vec![bias, after.parameters()[0].val()], 0), n_classes)
    }

    /// Where each layer is in [`bipartite`](Self::bipartite), the visible one first, and the label last.
    pub(super) fn places(&self) -> Vec<Place> {
        let label = self.label.as_ref().map(|_| self.n_classes());
        let widths = (0..=self.depth()).map(|k| self.width(k)).chain(label);
        let mut next = [0, 0];
        widths
            .enumerate()
            .map(|(k, width)| {
                let start = next[k % 2];
                next[k % 2] += width;
                Place { is_even: k % 2 == 0, start, width }
            })
            .collect()
    }

    /// The columns of layer `k` in states of the RBM [`bipartite`](Self::bipartite), `[batch, even]` and `[batch, odd]`. The layer
    /// above the highest one is the label.
    ///
    /// # Panics
    /// If there is no such layer.
    pub fn layer_of(&self, k: usize, even: &Tensor<2>, odd: &Tensor<2>) -> Tensor<2> {
        let Place { is_even, start, width } = self.places()[k];
        if is_even { even } else { odd }.clone().narrow(1, start, width)
    }
}

/// Binary units with these biases.
fn binary(bias: Tensor<1>) -> AnyUnits {
    with_label(bias, 0)
}

/// Binary units and, in the last columns, a label of `n_classes` states, with these biases.
fn with_label(bias: Tensor<1>, n_classes: usize) -> AnyUnits {
    let kind = if n_classes > 0 { UnitKind::Labeled } else { UnitKind::Binary };
    let mut units = AnyUnits::new(kind, bias.dims()[0], n_classes, &bias.device());
    match &mut units {
        AnyUnits::Binary(units) => units.bias = Param::from_tensor(bias),
        AnyUnits::Labeled(units) => units.bias = Param::from_tensor(bias),
        _ => unreachable!("the two kinds above"),
    }
    units
}
