//! What the curves say: crossings, half-retrieved loads, the critical load with its error.

use anyhow::{Context, Result};
use gibbs_core::{Estimate, Kind};
use gibbs_physics::memory::{Extrapolation, RetrievalCurve, critical_load, crossing, extrapolate_over};
use serde_json::{Value, json};

use super::{Capacity, EXPONENTS, THEORY, THRESHOLD, THRESHOLDS, near};

/// What was measured.
pub(super) struct Report {
    pub(super) curves: Vec<RetrievalCurve>,
    /// Of each two neighboring sizes, for each threshold.
    pub(super) crossings: Vec<Vec<Estimate>>,
    /// The load at which half of the patterns are retrieved, for each size.
    pub(super) half: Vec<Estimate>,
    /// Their limit, if there are enough of them.
    pub(super) power_law: Option<Extrapolation>,
}

impl Report {
    pub(super) fn new(curves: Vec<RetrievalCurve>) -> Result<Self> {
        let crossings = curves
            .windows(2)
            .map(|pair| {
                let [small, large] = [near(&pair[0]), near(&pair[1])];
                let all = THRESHOLDS.iter().map(|threshold| crossing(&small, &large, *threshold));
                all.collect::<Result<Vec<_>, _>>().with_context(|| {
                    let (a, b) = (small.n_spins, large.n_spins);
                    format!("no crossing of {a} and {b} spins: take sizes farther apart, larger ones, or more --instances")
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let half = curves
            .iter()
            .map(|curve| critical_load(curve, THRESHOLD))
            .collect::<Result<Vec<_>, _>>()
            .context("half-retrieved load")?;
        let points: Vec<(usize, Estimate)> =
            curves.iter().map(|curve| curve.n_spins).zip(half.iter().cloned()).collect();
        let exponents: Vec<f64> = EXPONENTS.map(|x| 0.01 * x as f64).collect();
        let power_law = extrapolate_over(&points, &exponents).ok();
        Ok(Self { curves, crossings, half, power_law })
    }

    /// Middle of the crossings of the two largest sizes over the thresholds; its statistical error, the largest of theirs; its
    /// systematic error, half of their range.
    pub(super) fn critical(&self) -> (Estimate, f64, f64) {
        let last = &self.crossings[self.crossings.len() - 1];
        let fold = |f: fn(f64, f64) -> f64, start: f64| last.iter().map(|c| c.value).fold(start, f);
        let (low, high) = (fold(f64::min, f64::INFINITY), fold(f64::max, f64::NEG_INFINITY));
        let statistical = last.iter().map(|c| c.std_err).fold(0.0, f64::max);
        let systematic = 0.5 * (high - low);
        let samples = last[0].samples.unwrap_or(0);
        let std_err = statistical.hypot(systematic);
        (Estimate::sampled(0.5 * (low + high), std_err, Kind::Asymptotic, samples), statistical, systematic)
    }

    pub(super) fn verdict(&self) -> String {
        let (critical, statistical, systematic) = self.critical();
        let errors = (critical.value - THEORY).abs() / critical.std_err;
        let compatible = if errors <= 2.0 { "compatible" } else { "not compatible" };
        let [.., small, large] = &self.curves[..] else { return String::new() };
        format!(
            "critical load {:.4} ± {:.4} ({statistical:.4} statistical, {systematic:.4} systematic), where the curves of {} and {} \
             spins cross: {compatible} with the theory, {THEORY}, {errors:.1} errors away",
            critical.value, critical.std_err, small.n_spins, large.n_spins
        )
    }

    pub(super) fn to_json(&self, args: &Capacity) -> Value {
        let (critical, statistical, systematic) = self.critical();
        let mut metric = json!(critical);
        metric["unit"] = json!("patterns per spin");
        metric["statistical"] = json!(statistical);
        metric["systematic"] = json!(systematic);
        metric["theory"] = json!(THEORY);
        let crossings: Vec<Value> = self
            .crossings
            .iter()
            .zip(self.curves.windows(2))
            .flat_map(|(list, pair)| {
                let sizes = [pair[0].n_spins, pair[1].n_spins];
                list.iter().zip(THRESHOLDS).map(move |(estimate, threshold)| {
                    with(estimate, json!({ "sizes": sizes, "threshold": threshold }))
                })
            })
            .collect();
        let half: Vec<Value> = self
            .curves
            .iter()
            .zip(&self.half)
            .map(|(curve, estimate)| with(estimate, json!({ "n": curve.n_spins, "threshold": THRESHOLD })))
            .collect();
        let power_law = self.power_law.as_ref().map(|law| {
            let fit = json!({
                "exponent": law.exponent, "slope": law.slope, "chi_squared": law.chi_squared, "freedom": law.freedom,
            });
            with(&law.limit, fit)
        });
        let curves: Vec<Value> = self.curves.iter().map(curve_to_json).collect();
        json!({
            "experiment": "hopfield capacity",
            "rule": "hebb",
            "seed": args.seed,
            "instances": args.instances,
            "metrics": { "critical_load": metric },
            "crossings": crossings,
            "half_retrieved": half,
            "half_retrieved_limit": power_law,
            "curves": curves,
        })
    }
}

fn with(estimate: &Estimate, more: Value) -> Value {
    let mut object = json!(estimate);
    for (key, value) in more.as_object().into_iter().flatten() {
        object[key] = value.clone();
    }
    object
}

fn curve_to_json(curve: &RetrievalCurve) -> Value {
    let points: Vec<Value> = curve
        .points
        .iter()
        .map(|point| {
            json!({
                "patterns": point.patterns,
                "load": point.load,
                "overlap": point.overlap(),
                "retrieved": point.retrieved(THRESHOLD),
            })
        })
        .collect();
    json!({ "n": curve.n_spins, "points": points })
}
