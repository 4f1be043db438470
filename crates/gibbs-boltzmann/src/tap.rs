//! Second-order mean-field estimate of the partition function (Thouless, Anderson & Palmer).
//!
//! ```text
//! log Z ≈ max_m [ S(m_v) + S(m_h) - E_v(m_v) - E_h(m_h) + m_v·W·m_h + ½ Σ_ij W_ij² c_i c_j ]
//! m_j = mean of unit j with input  Σ_i W_ij m_i + ½ c'_j Σ_i W_ij² c_i,    and the same for visible units
//! c = m - m², c' = 1 - 2m  for binary units;   c = 1 - m², c' = -2m  for spins
//! ```
//!
//! `S` is the entropy of independent units and `c` the variance of a unit. The expansion in the weights ends after the second order, so
//! it is neither a lower nor an upper bound, and good for weak couplings. Strong couplings have many solutions; the one with the largest
//! value counts.
//!
//! References: Thouless, Anderson & Palmer, Phil. Mag. 35:593 (1977); Plefka, J. Phys. A 15:1971 (1982); Gabrié, Tramel & Krzakala,
//! NIPS 2015, arXiv:1506.02914, equations 9 to 11, for RBMs.
//!
//! Cost: four products `[starts, visible] × [visible, hidden]` for each iteration.

use burn::prelude::*;
use gibbs_core::{
    Estimate, Kind,
    math::{row_sums, to_host},
};

use crate::{
    rbm::AnyRbm,
    units::{AnyUnits, UnitKind, Units},
};

/// Part of the way to the new means that an iteration goes.
const DAMPING: f64 = 0.5;
/// Largest change of a mean in the last iteration of a solution.
const TOLERANCE: f64 = 1e-4;

/// The variance `c` of units with the means `m`, and its derivative `c'`; `None` for kinds without.
fn variance(units: &AnyUnits, m: &Tensor<2>) -> Option<[Tensor<2>; 2]> {
    match units.kind() {
        UnitKind::Binary => Some([m.clone() - m.clone().square(), m.clone() * -2.0 + 1.0]),
        UnitKind::Spin => Some([-m.clone().square() + 1.0, m.clone() * -2.0]),
        UnitKind::Gaussian | UnitKind::Softmax | UnitKind::Labeled => None,
    }
}

/// `log Z` by the solutions that `iterations` from the visible means `starts [n, visible]` lead to: asymptotic, nats. `samples` are the
/// starts that ended at a solution; the estimate is marked if there is none. `None` for units that are neither binary nor spins.
///
/// # Panics
/// If `starts` has another width than the visible layer, or no rows.
pub fn log_z(rbm: &AnyRbm, starts: Tensor<2>, iterations: usize) -> Option<Estimate> {
    let (weight, squares) = (rbm.weight.val(), rbm.weight.val().square());
    let input_of = |weight: &Tensor<2>, m: &Tensor<2>| m.clone().matmul(weight.clone());
    let (up, down) = (weight.clone(), weight.transpose());
    let (up_squares, down_squares) = (squares.clone(), squares.transpose());
    // Inputs with the reaction term: `[to hidden, to visible]`.
    let inputs = |v: &Tensor<2>, h: &Tensor<2>| {
        let ([c_v, d_v], [c_h, d_h]) = (variance(&rbm.visible, v)?, variance(&rbm.hidden, h)?);
        let to_hidden = input_of(&up, v) + d_h * input_of(&up_squares, &c_v) * 0.5;
        let to_visible = input_of(&down, h) + d_v * input_of(&down_squares, &c_h) * 0.5;
        Some([to_hidden, to_visible])
    };
    let step = |old: &Tensor<2>, new: Tensor<2>| old.clone() * (1.0 - DAMPING) + new * DAMPING;
    let mut v = starts;
    let mut h = rbm.hidden_mean(v.clone());
    let mut change = v.full_like(f64::INFINITY).sum_dim(1);
    for _ in 0..iterations {
        let [to_hidden, _] = inputs(&v, &h)?;
        let new_h = step(&h, Units::mean(&rbm.hidden, to_hidden));
        let [_, to_visible] = inputs(&v, &new_h)?;
        let new_v = step(&v, Units::mean(&rbm.visible, to_visible));
        let of_v = (new_v.clone() - v).abs().max_dim(1);
        change = of_v.max_pair((new_h.clone() - h).abs().max_dim(1));
        (v, h) = (new_v, new_h);
    }
    let [to_hidden, to_visible] = inputs(&v, &h)?;
    let entropy = |units: &AnyUnits, input: Tensor<2>, m: &Tensor<2>| {
        units.log_partition(input.clone()) - row_sums(input * m.clone())
    };
    let ([c_v, _], [c_h, _]) = (variance(&rbm.visible, &v)?, variance(&rbm.hidden, &h)?);
    let pairs = row_sums(input_of(&up, &v) * h.clone()) + row_sums(input_of(&up_squares, &c_v) * c_h) * 0.5;
    // The inputs are those of the means up to the tolerance, at which the estimate is stationary.
    let values = entropy(&rbm.visible, to_visible, &v) + entropy(&rbm.hidden, to_hidden, &h) + pairs;
    let (values, changes) = (to_host(values), to_host(change));
    let is_solution = |change: &f64| *change < TOLERANCE;
    let n = changes.iter().filter(|change| is_solution(change)).count();
    let best = |all: bool| {
        let kept = values.iter().zip(&changes).filter(|(_, change)| all || is_solution(change));
        kept.map(|(value, _)| *value).fold(f64::NEG_INFINITY, f64::max)
    };
    let reason = format!("none of {} starts came to a solution in {iterations} iterations", changes.len());
    let estimate = Estimate { kind: Kind::Asymptotic, samples: Some(n), ..Estimate::exact(best(n == 0)) };
    Some(estimate.or_unreliable((n == 0).then_some(reason)))
}

#[cfg(test)]
mod tests {
    use burn::module::Param;

    use super::*;
    use crate::{
        exact,
        fixtures::{rbm_f64, tensor},
    };

    /// Errors of a couplings' expansion that ends after the second order fall with the third power of the couplings.
    #[test]
    fn it_is_right_to_second_order_in_the_couplings() {
        for (visible, hidden) in [
            (UnitKind::Binary, UnitKind::Binary),
            (UnitKind::Spin, UnitKind::Spin),
            (UnitKind::Spin, UnitKind::Binary),
            (UnitKind::Binary, UnitKind::Spin),
        ] {
            let error = |scale: f64| {
                let mut rbm = rbm_f64(visible, hidden, 5);
                rbm.weight = Param::from_tensor(rbm.weight.val() * scale);
                let starts = tensor(vec![0.5; 6], [1, 6]);
                let estimate = log_z(&rbm, starts, 300).unwrap();
                assert_eq!((estimate.samples, estimate.kind), (Some(1), Kind::Asymptotic));
                let first = rbm.visible.log_partition(tensor(vec![0.0; 6], [1, 6]));
                assert!(first.dims() == [1] && estimate.unreliable.is_none());
                (estimate.value - exact::log_z(&rbm).unwrap().value).abs()
            };
            let (large, small) = (error(0.1), error(0.05));
            assert!(small < large / 6.0 && large < 1e-2, "{visible}-{hidden}: {large} {small}");
        }
    }

    #[test]
    fn other_units_have_none_and_divergence_is_marked() {
        let starts = || tensor(vec![0.5; 6], [1, 6]);
        assert!(log_z(&rbm_f64(UnitKind::Gaussian, UnitKind::Binary, 1), starts(), 10).is_none());
        let rbm = rbm_f64(UnitKind::Binary, UnitKind::Binary, 1);
        assert!(log_z(&rbm, starts(), 1).unwrap().unreliable.is_some());
    }
}
