//! What is found in a single column.

use super::{FAR, Finding, Grid, REPEATED, is_discrete};

/// A normal distribution has its quartiles at ±0.6745 standard deviations: a median absolute deviation of 1 is a standard
/// deviation of 1.4826.
const STD_OF_MAD: f64 = 1.4826;

/// The part of a column, from its end to the quantile of 95 %, in which an edge is looked for.
const EDGE: f64 = 0.02;

/// The fewest values that make an edge: the chance that ten of a smooth tail lie there is negligible.
const EDGE_ROWS: usize = 10;

/// The values of a column in ascending order, as the set holds them, and what to add for those of the file.
pub(super) struct Sorted(Vec<f64>, f64);

impl Sorted {
    pub(super) fn new(values: &[f32], offset: f64) -> Self {
        let mut sorted: Vec<f64> = values.iter().map(|&x| f64::from(x)).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        Self(sorted, offset)
    }

    /// What a density of this column may stumble over. The column varies.
    pub(super) fn findings(&self, name: &str) -> Vec<Finding> {
        let column = || name.to_owned();
        let n = self.0.len();
        let runs = self.runs();
        if is_discrete(runs.len(), n) {
            let values: Vec<f64> = runs.iter().map(|&(value, _)| value).collect();
            let step = Grid::of(&values).map(|grid| grid.step);
            return vec![Finding::Discrete { column: column(), distinct: runs.len(), step }];
        }
        let mut findings = Vec::new();
        if let Some(&(value, count)) = runs.iter().max_by_key(|(_, count)| *count)
            && count as f64 > REPEATED * n as f64
            && count > 1
        {
            let is_bound = value == self.low() || value == self.high();
            findings.push(Finding::Piled {
                column: column(),
                value: value + self.1,
                share: count as f64 / n as f64,
                is_bound,
            });
            return findings;
        }
        let (median, scale) = self.median_and_scale();
        let far = |x: f64| (x - median).abs() > FAR * scale;
        let count = self.0.iter().filter(|&&x| far(x)).count();
        if count > 0 && scale > 0.0 {
            let largest = (median - self.low()).max(self.high() - median) / scale;
            findings.push(Finding::Outliers {
                column: column(),
                count,
                largest,
                is_positive: self.low() + self.1 > 0.0,
            });
        }
        let [low, high] = [true, false].map(|is_low| self.edge(is_low).map(|end| end + self.1));
        if low.is_some() || high.is_some() {
            findings.push(Finding::Edge { column: column(), low, high });
        }
        findings
    }

    /// Each value, and how often it occurs.
    fn runs(&self) -> Vec<(f64, usize)> {
        self.0.chunk_by(|a, b| a == b).map(|run| (run[0], run.len())).collect()
    }

    fn low(&self) -> f64 {
        self.0[0]
    }

    fn high(&self) -> f64 {
        self.0[self.0.len() - 1]
    }

    /// The median, and the median distance from it as a standard deviation.
    fn median_and_scale(&self) -> (f64, f64) {
        let middle = |sorted: &[f64]| sorted[sorted.len() / 2];
        let median = middle(&self.0);
        let mut distances: Vec<f64> = self.0.iter().map(|x| (x - median).abs()).collect();
        distances.sort_unstable_by(f64::total_cmp);
        (median, STD_OF_MAD * middle(&distances))
    }

    /// The end of the column, if the outermost fiftieth of the way to the other 5 % holds
    /// half its even share of the values or more.
    fn edge(&self, is_low: bool) -> Option<f64> {
        let n = self.0.len();
        let at = |rank: usize| if is_low { self.0[rank] } else { self.0[n - 1 - rank] };
        let (end, other) = (at(0), at(n - 1 - n / 20));
        let limit = EDGE * (other - end).abs();
        let count = (0..n).take_while(|&rank| (at(rank) - end).abs() <= limit).count();
        (count >= EDGE_ROWS && count as f64 >= 0.5 * EDGE * n as f64).then_some(end)
    }
}
