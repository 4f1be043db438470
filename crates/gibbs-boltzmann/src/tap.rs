//! Second-order mean field (Thouless, Anderson & Palmer): estimates of the partition function, and the states that make them up.
//!
//! ```text
//! log Z ≈ max_m [ S(m_v) + S(m_h) - E_v(m_v) - E_h(m_h) + m_v·W·m_h + ½ Σ_ij W_ij² c_i c_j ]
//! m_j = mean of unit j with input  Σ_i W_ij m_i + ½ c'_j Σ_i W_ij² c_i,    and the same for visible units
//! c = m - m², c' = 1 - 2m  for binary units;   c = 1 - m², c' = -2m  for spins;   c = e^s, c' = 0  for Gaussian units
//! ```
//!
//! `S` is the entropy of independent units and `c` the variance of a unit. The expansion in the weights ends after the second order, so
//! it is neither a lower nor an upper bound, and good for weak couplings. Strong couplings have many solutions; the one with the largest
//! value counts for `log Z`. The solutions themselves show what an RBM has learned: each is the mean of a group of likely states.
//!
//! References: Thouless, Anderson & Palmer, Phil. Mag. 35:593 (1977); Plefka, J. Phys. A 15:1971 (1982); Gabrié, Tramel & Krzakala,
//! NIPS 2015, arXiv:1506.02914, equations 9 to 11, for RBMs; Tramel, Gabrié, Manoel, Caltagirone & Krzakala, Phys. Rev. X 8:041006 (2018),
//! arXiv:1702.03260, for Gaussian units and for solutions from data.
//!
//! Cost: four products `[starts, visible] × [visible, hidden]` for each iteration.

use burn::prelude::*;
use gibbs_core::{
    Estimate, Kind,
    math::{row_sums, to_host},
};

use crate::{
    rbm::AnyRbm,
    units::{AnyUnits, Units},
};

/// Part of the way to the new means that an iteration goes.
const DAMPING: f64 = 0.5;
/// Largest change of a mean in the last iteration of a solution.
const TOLERANCE: f64 = 1e-4;
/// Largest difference of a visible mean between two ends of the same solution: slow iterations stop this far from it.
const SAME: f64 = 0.05;

/// A solution of the mean-field equations.
#[derive(Clone, Debug)]
pub struct Solution {
    /// Means of the visible units, `[visible]`.
    pub visible: Tensor<1>,
    /// Means of the hidden units, `[hidden]`.
    pub hidden: Tensor<1>,
    /// Minus the `log Z` that the solution alone stands for, nats.
    pub free_energy: f64,
    /// Number of starts that lead to it.
    pub n_starts: usize,
}

/// Where iterations end.
struct Ends {
    /// Visible means `[starts, visible]`.
    v: Tensor<2>,
    /// Hidden means `[starts, hidden]`.
    h: Tensor<2>,
    /// The estimate of `log Z` by each.
    values: Vec<f64>,
    /// Whether each is a solution.
    is_solution: Vec<bool>,
}

/// The variance `c` of units with the means `m`, and its derivative `c'`; `None` for kinds without.
fn variance(units: &AnyUnits, m: &Tensor<2>) -> Option<[Tensor<2>; 2]> {
    match units {
        AnyUnits::Binary(_) => Some([m.clone() - m.clone().square(), m.clone() * -2.0 + 1.0]),
        AnyUnits::Spin(_) => Some([-m.clone().square() + 1.0, m.clone() * -2.0]),
        AnyUnits::Gaussian(layer) => {
            let variance = layer.log_var.val().exp().unsqueeze::<2>();
            Some([variance.expand(m.dims()), m.zeros_like()])
        }
        AnyUnits::Softmax(_) | AnyUnits::Labeled(_) => None,
    }
}

/// Iterates from the visible means `starts [n, visible]` until all are solutions; `None` for softmax and labeled units.
fn ends(rbm: &AnyRbm, starts: Tensor<2>, iterations: usize) -> Option<Ends> {
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
    let mut is_solution = vec![false; v.dims()[0]];
    for _ in 0..iterations {
        let [to_hidden, _] = inputs(&v, &h)?;
        let new_h = step(&h, Units::mean(&rbm.hidden, to_hidden));
        let [_, to_visible] = inputs(&v, &new_h)?;
        let new_v = step(&v, Units::mean(&rbm.visible, to_visible));
        let of_v = (new_v.clone() - v).abs().max_dim(1);
        let change = of_v.max_pair((new_h.clone() - h).abs().max_dim(1));
        (v, h) = (new_v, new_h);
        is_solution = to_host(change).into_iter().map(|change| change < TOLERANCE).collect();
        if is_solution.iter().all(|is_solution| *is_solution) {
            break;
        }
    }
    let [to_hidden, to_visible] = inputs(&v, &h)?;
    let entropy = |units: &AnyUnits, input: Tensor<2>, m: &Tensor<2>| {
        units.log_partition(input.clone()) - row_sums(input * m.clone())
    };
    let ([c_v, _], [c_h, _]) = (variance(&rbm.visible, &v)?, variance(&rbm.hidden, &h)?);
    let pairs = row_sums(input_of(&up, &v) * h.clone()) + row_sums(input_of(&up_squares, &c_v) * c_h) * 0.5;
    // The inputs are those of the means up to the tolerance, at which the estimate is stationary.
    let values = entropy(&rbm.visible, to_visible, &v) + entropy(&rbm.hidden, to_hidden, &h) + pairs;
    Some(Ends { v, h, values: to_host(values), is_solution })
}

/// `log Z` by the solutions that at most `iterations` from the visible means `starts [n, visible]` lead to: asymptotic, nats.
/// `samples` are the starts that ended at a solution; the estimate is marked if there is none. `None` for softmax and labeled units.
///
/// # Panics
/// If `starts` has another width than the visible layer, or no rows.
pub fn log_z(rbm: &AnyRbm, starts: Tensor<2>, iterations: usize) -> Option<Estimate> {
    let Ends { values, is_solution, .. } = ends(rbm, starts, iterations)?;
    let n = is_solution.iter().filter(|is_solution| **is_solution).count();
    let kept = values.iter().zip(&is_solution).filter(|(_, is_solution)| n == 0 || **is_solution);
    let best = kept.map(|(value, _)| *value).fold(f64::NEG_INFINITY, f64::max);
    let reason = format!("none of {} starts came to a solution in {iterations} iterations", values.len());
    let estimate = Estimate { kind: Kind::Asymptotic, samples: Some(n), ..Estimate::exact(best) };
    Some(estimate.or_unreliable((n == 0).then_some(reason)))
}

/// The different solutions that at most `iterations` from the visible means `starts [n, visible]` lead to, lowest free energy first.
/// Starts that come to none do not count. `None` for softmax and labeled units.
///
/// # Panics
/// If `starts` has another width than the visible layer, or no rows.
pub fn solutions(rbm: &AnyRbm, starts: Tensor<2>, iterations: usize) -> Option<Vec<Solution>> {
    let Ends { v, h, values, is_solution } = ends(rbm, starts, iterations)?;
    let means = to_host(v.clone());
    let rows: Vec<&[f64]> = means.chunks(v.dims()[1]).collect();
    let is_same = |a: usize, b: usize| rows[a].iter().zip(rows[b]).all(|(x, y)| (x - y).abs() < SAME);
    let mut order: Vec<usize> = (0..rows.len()).filter(|&k| is_solution[k]).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    let mut found: Vec<(usize, usize)> = Vec::new();
    for k in order {
        match found.iter_mut().find(|(first, _)| is_same(*first, k)) {
            Some((_, n)) => *n += 1,
            None => found.push((k, 1)),
        }
    }
    let row = |x: &Tensor<2>, k: usize| x.clone().narrow(0, k, 1).squeeze_dim(0);
    let solution = |(k, n_starts)| Solution {
        visible: row(&v, k),
        hidden: row(&h, k),
        free_energy: -values[k],
        n_starts,
    };
    Some(found.into_iter().map(solution).collect())
}

#[cfg(test)]
mod tests {
    use burn::module::Param;
    use gibbs_backend::Noise;

    use super::*;
    use crate::{
        exact,
        fixtures::{rbm_f64, tensor},
        hopfield::rbm_of_patterns,
        units::UnitKind,
    };

    const PAIRS: [(UnitKind, UnitKind); 7] = [
        (UnitKind::Binary, UnitKind::Binary),
        (UnitKind::Spin, UnitKind::Spin),
        (UnitKind::Spin, UnitKind::Binary),
        (UnitKind::Binary, UnitKind::Spin),
        (UnitKind::Binary, UnitKind::Gaussian),
        (UnitKind::Spin, UnitKind::Gaussian),
        (UnitKind::Gaussian, UnitKind::Binary),
    ];

    /// An RBM of 6 and 3 units whose weights are those of the fixtures times `scale`.
    fn scaled(visible: UnitKind, hidden: UnitKind, scale: f64) -> AnyRbm {
        let mut rbm = rbm_f64(visible, hidden, 5);
        rbm.weight = Param::from_tensor(rbm.weight.val() * scale);
        rbm
    }

    /// Visible means in the middle of (0, 1).
    fn starts(n: usize) -> Tensor<2> {
        let mut noise = Noise::new(3, "starts");
        tensor((0..6 * n).map(|_| 0.1 + 0.8 * noise.next_uniform()).collect(), [n, 6])
    }

    /// Errors of a couplings' expansion that ends after the second order fall with the third power of the couplings.
    #[test]
    fn it_is_right_to_second_order_in_the_couplings() {
        for (visible, hidden) in PAIRS {
            let error = |scale: f64| {
                let rbm = scaled(visible, hidden, scale);
                let estimate = log_z(&rbm, starts(1), 300).unwrap();
                assert_eq!((estimate.samples, estimate.kind), (Some(1), Kind::Asymptotic));
                assert!(estimate.unreliable.is_none());
                (estimate.value - exact::log_z(&rbm).unwrap().value).abs()
            };
            let (large, small) = (error(0.1), error(0.05));
            assert!(small < large / 6.0 && large < 1e-2, "{visible}-{hidden}: {large} {small}");
        }
    }

    /// `S(m) - E(m)` and the variance of a unit, by their definitions.
    fn unit(units: &AnyUnits, j: usize, m: f64) -> (f64, f64) {
        let parameter = |k: usize| to_host(units.parameters()[k].val())[j];
        let entropy = |p: f64| -p * p.ln() - (1.0 - p) * (1.0 - p).ln();
        match units.kind() {
            UnitKind::Binary => (entropy(m) + parameter(0) * m, m * (1.0 - m)),
            UnitKind::Spin => (entropy((1.0 + m) / 2.0) + parameter(0) * m, 1.0 - m * m),
            _ => {
                let (deviation, variance) = (m - parameter(0), parameter(1).exp());
                let constant = 0.5 * (std::f64::consts::TAU * variance).ln();
                (constant - 0.5 * deviation * deviation / variance, variance)
            }
        }
    }

    /// The sum in brackets of the module documentation.
    fn log_z_of_means(rbm: &AnyRbm, v: &[f64], h: &[f64]) -> f64 {
        let weight = to_host(rbm.weight.val());
        let of = |units, m: &[f64]| -> Vec<(f64, f64)> {
            m.iter().enumerate().map(|(j, &m)| unit(units, j, m)).collect()
        };
        let (of_v, of_h) = (of(&rbm.visible, v), of(&rbm.hidden, h));
        let pair = |i: usize, j: usize| {
            let w = weight[i * h.len() + j];
            w * v[i] * h[j] + 0.5 * w * w * of_v[i].1 * of_h[j].1
        };
        let pairs: f64 = (0..v.len()).map(|i| (0..h.len()).map(|j| pair(i, j)).sum::<f64>()).sum();
        of_v.iter().chain(&of_h).map(|unit| unit.0).sum::<f64>() + pairs
    }

    #[test]
    fn solutions_are_stationary_points_of_their_free_energy() {
        const STEP: f64 = 1e-5;
        for (visible, hidden) in PAIRS {
            let rbm = scaled(visible, hidden, 0.6);
            let found = solutions(&rbm, starts(4), 1000).unwrap();
            assert_eq!(found.iter().map(|solution| solution.n_starts).sum::<usize>(), 4);
            for solution in found {
                let means = [to_host(solution.visible), to_host(solution.hidden)];
                let at = |means: &[Vec<f64>; 2]| log_z_of_means(&rbm, &means[0], &means[1]);
                assert!((at(&means) + solution.free_energy).abs() < 1e-5, "{visible}-{hidden}");
                for (layer, k) in (0..6).map(|k| (0, k)).chain((0..3).map(|k| (1, k))) {
                    let moved = |step: f64| {
                        let mut means = means.clone();
                        means[layer][k] += step;
                        at(&means)
                    };
                    // The derivative is the error of the input: that of the mean, at most 2e-4, over the variance.
                    let units = if layer == 0 { &rbm.visible } else { &rbm.hidden };
                    let slope =
                        (moved(STEP) - moved(-STEP)) / (2.0 * STEP) * unit(units, k, means[layer][k]).1;
                    assert!(slope.abs() < 1e-3, "{visible}-{hidden}, layer {layer}, unit {k}: {slope}");
                }
            }
        }
    }

    #[test]
    fn weak_couplings_have_one_solution() {
        for (visible, hidden) in PAIRS {
            let found = solutions(&scaled(visible, hidden, 0.1), starts(20), 300).unwrap();
            assert_eq!((found.len(), found[0].n_starts), (1, 20), "{visible}-{hidden}");
        }
    }

    #[test]
    fn stored_patterns_are_solutions() {
        let (n, p, copies) = (60, 3, 5);
        let mut noise = Noise::new(1, "patterns");
        let patterns: Vec<f64> = (0..n * p).map(|_| noise.next_normal().signum()).collect();
        let rbm = AnyRbm::from(rbm_of_patterns(tensor(patterns.clone(), [p, n]), 2.5));
        // Copies of which every tenth spin is flipped.
        let noisy = patterns.chunks(n).flat_map(|pattern| {
            (0..copies).flat_map(move |copy| {
                pattern.iter().enumerate().map(move |(i, s)| if i % 10 == copy { -s } else { *s })
            })
        });
        let found = solutions(&rbm, tensor(noisy.collect(), [p * copies, n]), 500).unwrap();
        assert_eq!(found.iter().map(|solution| solution.n_starts).collect::<Vec<_>>(), [copies; 3]);
        assert!(found.windows(2).all(|pair| pair[0].free_energy <= pair[1].free_energy));
        let overlaps = found.iter().map(|solution| {
            let m = to_host(solution.visible.clone());
            let overlap =
                |pattern: &[f64]| pattern.iter().zip(&m).map(|(a, b)| a * b).sum::<f64>() / n as f64;
            patterns.chunks(n).map(overlap).collect::<Vec<_>>()
        });
        let mut recalled: Vec<usize> =
            overlaps.map(|overlaps| overlaps.iter().position(|m| *m > 0.9).unwrap()).collect();
        recalled.sort_unstable();
        assert_eq!(recalled, [0, 1, 2]);
    }

    #[test]
    fn other_units_have_none_and_divergence_is_marked() {
        let labeled = rbm_f64(UnitKind::Labeled, UnitKind::Binary, 1);
        assert!(log_z(&labeled, starts(1), 10).is_none() && solutions(&labeled, starts(1), 10).is_none());
        let rbm = rbm_f64(UnitKind::Binary, UnitKind::Binary, 1);
        assert!(log_z(&rbm, starts(1), 1).unwrap().unreliable.is_some());
        assert!(solutions(&rbm, starts(1), 1).unwrap().is_empty());
    }
}
