//! The linear assignment problem: the permutation with the least sum of costs.
//!
//! ```text
//! min_π Σ_i C_{i π(i)} = max { Σ_i u_i + Σ_j v_j :  u_i + v_j ≤ C_ij }
//! ```
//!
//! Rows are assigned one after the other, each along a shortest augmenting path in the reduced costs `C_ij - u_i - v_j ≥ 0`. A start
//! with the least cost of each column assigns most rows at once.
//!
//! References: Jonker & Volgenant, Computing 38:325 (1987), doi:10.1007/BF02278710.
//!
//! Differences from the paper: neither reduction transfer nor augmenting row reduction.
//!
//! Cost: at most `n³` operations.

/// No row or column.
const NONE: usize = usize::MAX;

/// A solution of an assignment problem.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Assignment {
    /// `π`: the column of each row.
    pub(super) columns: Vec<usize>,
    /// `v`: the dual variable of each column. That of a row is `u_i = C_{i π(i)} - v_{π(i)}`.
    pub(super) duals: Vec<f64>,
}

/// The assignment of `n` rows to `n` columns with the least sum of `costs [n, n]`, row by row.
///
/// # Panics
/// If there are not `n²` costs, or one is not finite.
pub(super) fn assign(costs: &[f64], n: usize) -> Assignment {
    assert!(costs.len() == n * n && costs.iter().all(|cost| cost.is_finite()), "{n} by {n} finite costs");
    let (mut columns, mut rows, mut duals) = (vec![NONE; n], vec![NONE; n], vec![0.0; n]);
    // Column reduction: the dual variable of a column is its least cost, and its row is the first one with it that is free.
    for j in 0..n {
        let least = (0..n).map(|i| costs[n * i + j]).fold(f64::INFINITY, f64::min);
        duals[j] = least;
        if let Some(i) = (0..n).find(|&i| columns[i] == NONE && costs[n * i + j] == least) {
            (columns[i], rows[j]) = (j, i);
        }
    }
    let free: Vec<usize> = (0..n).filter(|&i| columns[i] == NONE).collect();
    let (mut lengths, mut before, mut is_done) = (vec![0.0; n], vec![0; n], vec![false; n]);
    for start in free {
        // Dijkstra's algorithm from the free row to the nearest free column, over paths that alternate between reduced costs of
        // pairs and assigned pairs.
        lengths.iter_mut().enumerate().for_each(|(j, length)| *length = costs[n * start + j] - duals[j]);
        before.fill(start);
        is_done.fill(false);
        let mut scanned = Vec::new();
        let end = loop {
            let nearest = (0..n).filter(|&j| !is_done[j]).min_by(|&a, &b| lengths[a].total_cmp(&lengths[b]));
            let Some(j) = nearest else { unreachable!("a free row has a free column") };
            if rows[j] == NONE {
                break j;
            }
            is_done[j] = true;
            scanned.push(j);
            let i = rows[j];
            let row = &costs[n * i..n * (i + 1)];
            let base = lengths[j] - (row[j] - duals[j]);
            for k in (0..n).filter(|&k| !is_done[k]) {
                let length = base + (row[k] - duals[k]);
                if length < lengths[k] {
                    (lengths[k], before[k]) = (length, i);
                }
            }
        };
        for j in scanned {
            duals[j] += lengths[j] - lengths[end];
        }
        let mut j = end;
        while j != NONE {
            let i = before[j];
            rows[j] = i;
            j = std::mem::replace(&mut columns[i], j);
        }
    }
    Assignment { columns, duals }
}

#[cfg(test)]
mod tests {
    use gibbs_backend::Noise;

    use super::*;

    fn uniform(n: usize, seed: u64) -> Vec<f64> {
        let noise = &mut Noise::new(seed, "costs");
        (0..n * n).map(|_| noise.next_uniform() - 0.3).collect()
    }

    fn total(costs: &[f64], columns: &[usize]) -> f64 {
        columns.iter().enumerate().map(|(i, &j)| costs[columns.len() * i + j]).sum()
    }

    fn permute(order: &mut Vec<usize>, from: usize, see: &mut impl FnMut(&[usize])) {
        if from == order.len() {
            return see(order);
        }
        for i in from..order.len() {
            order.swap(from, i);
            permute(order, from + 1, see);
            order.swap(from, i);
        }
    }

    #[test]
    fn no_permutation_has_a_smaller_sum() {
        for n in 1..=7 {
            for seed in 0..20 {
                let mut costs = uniform(n, seed);
                if seed % 2 == 1 {
                    // Many equal costs.
                    costs.iter_mut().for_each(|cost| *cost = (*cost * 4.0).floor());
                }
                let found = assign(&costs, n).columns;
                let mut least = f64::INFINITY;
                permute(&mut (0..n).collect(), 0, &mut |order| least = least.min(total(&costs, order)));
                let found = total(&costs, &found);
                assert!((found - least).abs() < 1e-12, "{n}, {seed}: {found} instead of {least}");
            }
        }
    }

    /// A permutation has the least sum if dual variables exist that are tight on it and nowhere too large.
    #[test]
    fn dual_variables_prove_a_large_assignment() {
        let n = 200;
        let costs = uniform(n, 0);
        let Assignment { columns, duals } = assign(&costs, n);
        let mut sorted = columns.clone();
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq(0..n));
        for (i, &column) in columns.iter().enumerate() {
            let u = costs[n * i + column] - duals[column];
            assert!((0..n).all(|j| u + duals[j] <= costs[n * i + j] + 1e-12), "row {i}");
        }
    }
}
