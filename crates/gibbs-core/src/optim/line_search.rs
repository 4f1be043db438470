//! Line search for a step that satisfies the strong Wolfe conditions.
//!
//! ```text
//! φ(α) = f(x + α·d)
//! φ(α)    ≤ φ(0) + c₁·α·φ'(0)        sufficient decrease
//! |φ'(α)| ≤ c₂·|φ'(0)|               curvature
//! ```
//!
//! References: Nocedal & Wright, Numerical Optimization, 2nd edition (2006), algorithms 3.5 and 3.6 with the cubic
//! interpolation of equation 3.59; Moré & Thuente, ACM Trans. Math. Softw. 20:286 (1994), doi:10.1145/192115.192132, for the
//! bisection of a bracket that does not shrink.
//!
//! Differences from the book: one loop replaces both algorithms, and an open bracket has its upper end at infinity;
//! extrapolation is cubic too; a value that is not finite counts as an infinite loss.
//!
//! Cost: one evaluation of value and gradient for each trial step. A nearly quadratic φ needs two trial steps.

use burn::config::Config;

use crate::ConfigError;

/// Smallest and largest extrapolation, in units of the last move.
const EXTRAPOLATION: (f64, f64) = (0.1, 9.0);
/// Smallest distance of a trial step from both ends of a bracket, in units of its width.
const MARGIN: f64 = 0.01;
/// Position of the next trial step in a bracket, in units of its width, if the loss at its far end is not finite.
const RETREAT: f64 = 0.1;
/// A bracket is bisected if two steps do not narrow it to this fraction of its width.
const NARROWED: f64 = 2.0 / 3.0;

/// The conditions that end a line search, and its largest number of evaluations.
#[derive(Config, Debug, PartialEq)]
pub struct LineSearch {
    /// c₂, above c₁ and below 1: the largest allowed fraction of the initial slope. Nocedal & Wright, section 3.1, take 0.1 for
    /// conjugate gradients and 0.9 for quasi-Newton directions.
    pub curvature: f64,
    /// c₁, above 0 and below 1: the required fraction of the predicted decrease (1e-4 in Nocedal & Wright, section 3.1).
    #[config(default = 1e-4)]
    pub sufficient_decrease: f64,
    /// Largest number of evaluations, at least 1. After them the search returns the lowest point.
    #[config(default = 20)]
    pub max_evaluations: usize,
}

/// A point on the line: the step, the loss, the derivative of the loss in the step, and further data of the caller.
#[derive(Clone, Debug)]
pub(crate) struct Trial<P> {
    pub(crate) step: f64,
    pub(crate) loss: f64,
    pub(crate) slope: f64,
    pub(crate) point: P,
}

impl<P> Trial<P> {
    fn is_finite(&self) -> bool {
        self.loss.is_finite() && self.slope.is_finite()
    }
}

impl LineSearch {
    /// Checks every field.
    ///
    /// # Errors
    /// [`ConfigError`] for the first field out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let Self { sufficient_decrease, curvature, .. } = *self;
        let holds = sufficient_decrease > 0.0 && sufficient_decrease < 1.0;
        ConfigError::require(
            holds,
            "sufficient_decrease",
            sufficient_decrease,
            "must be above 0 and below 1",
        )?;
        let holds = curvature > sufficient_decrease && curvature < 1.0;
        ConfigError::require(holds, "curvature", curvature, "must be above sufficient_decrease and below 1")?;
        ConfigError::at_least("max_evaluations", self.max_evaluations, 1)
    }

    /// Returns the first point that satisfies both conditions. If the budget ends before, returns the lowest point that
    /// satisfies the first condition, or `start` if there is none.
    ///
    /// `start` has the step 0, a finite loss and a negative slope. `first` is the first trial step, positive. The search ends
    /// when its slope predicts a decrease of less than `resolution`.
    pub(crate) fn search<P>(
        &self,
        start: Trial<P>,
        first: f64,
        resolution: f64,
        mut evaluate: impl FnMut(f64) -> Trial<P>,
    ) -> Trial<P> {
        let (loss, slope) = (start.loss, start.slope);
        let mut bracket = Bracket::new(start);
        let mut step = first;
        for _ in 0..self.max_evaluations {
            let trial = evaluate(step);
            let ceiling = loss + self.sufficient_decrease * trial.step * slope;
            let lower = trial.is_finite() && trial.loss <= ceiling && trial.loss < bracket.low.loss;
            if lower && trial.slope.abs() <= -self.curvature * slope {
                return trial;
            }
            bracket.narrow(trial, lower);
            if bracket.promise() < resolution {
                break;
            }
            step = bracket.next_step();
        }
        bracket.low
    }
}

/// Step, loss and slope at one end of a bracket.
type End = (f64, f64, f64);

/// An interval that contains points with both conditions. `low` satisfies the first condition and has the lowest loss so far.
/// The loss falls from `low` into the interval.
struct Bracket<P> {
    low: Trial<P>,
    /// The other end; `None` while it is unknown.
    high: Option<End>,
    /// The previous lowest point.
    behind: Option<End>,
    /// Widths of the last two brackets, the older one first.
    widths: [f64; 2],
}

impl<P> Bracket<P> {
    fn new(low: Trial<P>) -> Self {
        Self { low, high: None, behind: None, widths: [f64::INFINITY; 2] }
    }

    fn low_end(&self) -> End {
        (self.low.step, self.low.loss, self.low.slope)
    }

    /// Narrows the bracket by a trial between its ends, or beyond `low` while the other end is unknown.
    fn narrow(&mut self, trial: Trial<P>, lower: bool) {
        if !lower {
            let loss = if trial.is_finite() { trial.loss } else { f64::INFINITY };
            self.high = Some((trial.step, loss, trial.slope));
            return;
        }
        let outwards = self.high.map_or(1.0, |(high, _, _)| high - self.low.step);
        self.behind = Some(self.low_end());
        if trial.slope * outwards >= 0.0 {
            self.high = self.behind;
        }
        self.low = trial;
    }

    /// The decrease from `low` to the other end for a constant slope.
    fn promise(&self) -> f64 {
        self.high.map_or(f64::INFINITY, |(high, _, _)| (self.low.slope * (high - self.low.step)).abs())
    }

    fn next_step(&mut self) -> f64 {
        let low = self.low_end();
        let Some(high) = self.high else {
            let behind = self.behind.unwrap_or(low);
            let reach = |factor| low.0 + factor * (low.0 - behind.0);
            return match cubic_minimum(behind, low) {
                Some(step) if step > low.0 => step.clamp(reach(EXTRAPOLATION.0), reach(EXTRAPOLATION.1)),
                _ => reach(EXTRAPOLATION.1),
            };
        };
        let width = (high.0 - low.0).abs();
        let stuck = width > NARROWED * self.widths[0];
        self.widths = [self.widths[1], width];
        let part = match cubic_minimum(low, high) {
            _ if high.1.is_infinite() => RETREAT,
            Some(step) if !stuck => ((step - low.0) / (high.0 - low.0)).clamp(MARGIN, 1.0 - MARGIN),
            _ => 0.5,
        };
        low.0 + part * (high.0 - low.0)
    }
}

/// The minimum of the cubic with these values and slopes at two steps (Nocedal & Wright, equation 3.59). `None` if there is no
/// minimum.
fn cubic_minimum((a, loss_a, slope_a): End, (b, loss_b, slope_b): End) -> Option<f64> {
    let d1 = slope_a + slope_b - 3.0 * (loss_a - loss_b) / (a - b);
    let d2 = (b - a).signum() * (d1 * d1 - slope_a * slope_b).sqrt();
    let step = b - (b - a) * (slope_b + d2 - d1) / (slope_b - slope_a + 2.0 * d2);
    step.is_finite().then_some(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Loss and slope of a function of the step.
    type Line = fn(f64) -> (f64, f64);

    const LINES: [(&str, Line); 6] = [
        ("parabola", |a| ((a - 1.0).powi(2), 2.0 * (a - 1.0))),
        ("hyperbola", |a| (-a / (a * a + 2.0), (a * a - 2.0) / (a * a + 2.0).powi(2))),
        ("quintic", |a| {
            let b = a + 0.4;
            (b.powi(5) - 2.0 * b.powi(4), 5.0 * b.powi(4) - 8.0 * b.powi(3))
        }),
        ("exponential", |a| ((a).exp() - 10.0 * a, a.exp() - 10.0)),
        ("barrier", |a| (-(3.0 - a).ln() - a, 1.0 / (3.0 - a) - 1.0)),
        ("cosine", |a| (1.0 - 0.1 * a + (5.0 * a).cos(), -0.1 - 5.0 * (5.0 * a).sin())),
    ];

    fn trial(line: Line, step: f64) -> Trial<()> {
        let (loss, slope) = line(step);
        Trial { step, loss, slope, point: () }
    }

    #[test]
    fn accepted_points_satisfy_the_wolfe_conditions() {
        for (name, line) in LINES {
            for curvature in [0.9, 0.1, 1e-3] {
                for first in [1e-3, 0.03, 0.7, 2.9, 40.0, 1e4] {
                    let search = LineSearch::new(curvature).with_max_evaluations(60);
                    let start = trial(line, 0.0);
                    let found = search.search(start.clone(), first, 0.0, |step| trial(line, step));
                    let ceiling = start.loss + search.sufficient_decrease * found.step * start.slope;
                    assert!(found.step > 0.0 && found.loss <= ceiling, "{name} from {first}: {found:?}");
                    assert!(
                        found.slope.abs() <= curvature * start.slope.abs(),
                        "{name} from {first} with {curvature}: {found:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_parabola_takes_two_evaluations() {
        let line: Line = |a| (3.0 * (a - 0.7).powi(2), 6.0 * (a - 0.7));
        for first in [0.08, 0.3, 1.3, 5.0] {
            let mut evaluations = 0;
            let found = LineSearch::new(1e-3).search(trial(line, 0.0), first, 0.0, |step| {
                evaluations += 1;
                trial(line, step)
            });
            assert!((found.step - 0.7).abs() < 1e-12 && evaluations == 2, "{found:?} after {evaluations}");
        }
    }

    #[test]
    fn the_budget_ends_with_the_lowest_point() {
        let mut seen = Vec::new();
        let search = LineSearch::new(1e-12).with_sufficient_decrease(1e-13).with_max_evaluations(4);
        let (_, line) = LINES[1];
        let found = search.search(trial(line, 0.0), 0.01, 0.0, |step| {
            let trial = trial(line, step);
            seen.push(trial.loss);
            trial
        });
        assert_eq!(seen.len(), 4);
        assert_eq!(found.loss, seen.into_iter().fold(f64::INFINITY, f64::min));
    }

    #[test]
    fn a_loss_that_rises_or_is_not_finite_everywhere_gives_the_start() {
        let rising: Line = |a| if a == 0.0 { (0.0, -1.0) } else { (a, 1.0) };
        let broken: Line = |a| if a == 0.0 { (0.0, -1.0) } else { (f64::NAN, f64::NAN) };
        let endless: Line = |a| if a == 0.0 { (0.0, -1.0) } else { (f64::NEG_INFINITY, f64::NAN) };
        for line in [rising, broken, endless] {
            let found = LineSearch::new(0.1).search(trial(line, 0.0), 1.0, 0.0, |step| trial(line, step));
            assert_eq!((found.step, found.loss), (0.0, 0.0));
        }
    }

    #[test]
    fn a_decrease_below_rounding_is_not_searched_for() {
        let line: Line = |a| (1.0 + 1e-18 * (a - 0.1).powi(2), 2e-18 * (a - 0.1));
        let mut evaluations = 0;
        let found = LineSearch::new(0.1).search(trial(line, 0.0), 1.0, f64::EPSILON, |step| {
            evaluations += 1;
            trial(line, step)
        });
        assert_eq!((found.step, evaluations), (0.0, 1));
    }

    #[test]
    fn fields_out_of_range_are_named() {
        let message = |search: LineSearch| search.validate().unwrap_err().to_string();
        assert_eq!(
            message(LineSearch::new(1.0)),
            "curvature = 1: must be above sufficient_decrease and below 1"
        );
        assert!(message(LineSearch::new(f64::NAN)).contains("curvature"));
        assert!(
            message(LineSearch::new(0.1).with_sufficient_decrease(0.0)).contains("sufficient_decrease = 0")
        );
        assert!(message(LineSearch::new(0.1).with_max_evaluations(0)).contains("max_evaluations"));
    }
}
