//! The command `capacity`: how many random patterns Hebb's rule can store.

use std::{path::PathBuf, time::Instant};

use anyhow::{Context, Result};
use clap::Args;
use gibbs_backend::Noise;
use gibbs_core::{Estimate, Kind};
use gibbs_physics::memory::{
    DenseMemory, Extrapolation, Interaction, RetrievalConfig, RetrievalCurve, critical_load, crossing,
    extrapolate_over, retrieval_curve,
};
use gibbs_report::{Axis, Figure, Panel, Series};
use gibbs_train::atomic;
use serde_json::{Value, json};

use crate::fault::Fault;

/// The replica-symmetric theory: Amit, Gutfreund & Sompolinsky, Phys. Rev. Lett. 55:1530 (1985),
/// doi:10.1103/PhysRevLett.55.1530.
const THEORY: f64 = 0.138;

/// Loads around the crossing, to which its fits are restricted: a logistic curve is good for no more.
const NEAR: [f64; 7] = [0.120, 0.126, 0.132, 0.138, 0.144, 0.150, 0.156];
/// Loads that show the rest of the curves.
const BELOW: [f64; 2] = [0.06, 0.09];
const ABOVE: [f64; 5] = [0.165, 0.18, 0.2, 0.225, 0.25];

/// One of so many networks is measured where the fits do not look; recalls that fail take ten times as long.
const FEWER: usize = 5;

/// Overlaps above which a pattern counts as retrieved: inside the gap of the jump, from 0.35 to 0.97, where the choice does
/// not matter in the limit. By how much it does in a finite network is the systematic error.
const THRESHOLDS: [f64; 3] = [0.7, 0.8, 0.9];
/// The one that the figures and the half-retrieved loads use.
const THRESHOLD: f64 = 0.8;

/// Exponents of `n` that are tried for the excess of the half-retrieved loads: 0.2 to 1.5.
const EXPONENTS: std::ops::RangeInclusive<usize> = 20..=150;

/// Steps after which a recall is stopped; Hebb's rule needs at most about a hundred at these sizes.
const MAX_STEPS: usize = 1000;

/// Flags of `capacity`.
#[derive(Args, Debug)]
pub struct Capacity {
    /// Folder for the figure and the numbers; runs/hopfield-capacity-sSEED if not given
    pub run_dir: Option<PathBuf>,
    /// Numbers of spins, at least two
    #[arg(long, value_delimiter = ',', default_value = "250,1000,4000", value_name = "N,N,...")]
    pub sizes: Vec<usize>,
    /// Networks for each size and load
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub instances: usize,
    /// Seed of the patterns
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub seed: u64,
    /// No progress on stderr
    #[arg(long)]
    pub quiet: bool,
}

/// What was measured.
struct Report {
    curves: Vec<RetrievalCurve>,
    /// Of each two neighboring sizes, for each threshold.
    crossings: Vec<Vec<Estimate>>,
    /// The load at which half of the patterns are retrieved, for each size.
    half: Vec<Estimate>,
    /// Their limit, if there are enough of them.
    power_law: Option<Extrapolation>,
}

#[allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "stdout carries the results, stderr the progress"
)]
pub(super) fn run(args: &Capacity) -> Result<()> {
    let sizes = sizes(args)?;
    let noise = Noise::new(args.seed, "capacity");
    let mut curves = Vec::new();
    for n in sizes {
        let start = Instant::now();
        curves.push(curve(n, args.instances, &noise.child(n.to_string()))?);
        if !args.quiet {
            let loads = NEAR.len() + BELOW.len() + ABOVE.len();
            eprintln!(
                "{n} spins: {loads} loads, {} networks each, {:.0} s",
                args.instances,
                start.elapsed().as_secs_f64()
            );
        }
    }
    let report = Report::new(curves)?;
    let folder =
        args.run_dir.clone().unwrap_or_else(|| format!("runs/hopfield-capacity-s{}", args.seed).into());
    std::fs::create_dir_all(&folder)
        .map_err(|error| Fault::usage(format!("cannot make {}: {error}", folder.display())))?;
    let figure = report.figure();
    figure.save(folder.join("capacity.png"))?;
    figure.save(folder.join("capacity.svg"))?;
    let json = report.to_json(args);
    atomic::write_json(folder.join("capacity.json"), &json)?;
    println!("{json}");
    if !args.quiet {
        eprintln!("{}", report.verdict());
    }
    Ok(())
}

fn sizes(args: &Capacity) -> Result<Vec<usize>> {
    let mut sizes = args.sizes.clone();
    sizes.sort_unstable();
    sizes.dedup();
    if sizes.len() < 2 || sizes[0] < 2 {
        let list: Vec<String> = args.sizes.iter().map(usize::to_string).collect();
        return Err(Fault::usage(format!(
            "--sizes {}: give at least two different numbers of spins, each at least 2",
            list.join(",")
        )));
    }
    if args.instances < 2 {
        return Err(Fault::usage(format!("--instances {}: give at least 2", args.instances)));
    }
    Ok(sizes)
}

/// Retrieval at all loads, in ascending order. The quadratic dense memory is Hebb's rule without the matrix.
fn curve(n_spins: usize, instances: usize, noise: &Noise) -> Result<RetrievalCurve> {
    let hebb = |patterns: &[Vec<i8>]| DenseMemory::new(patterns, Interaction::Power(2));
    let measure = |loads: &[f64], instances: usize| {
        let config = RetrievalConfig { n_spins, loads: loads.to_vec(), instances, max_steps: MAX_STEPS };
        retrieval_curve(&config, hebb, noise)
    };
    let few = (instances / FEWER).max(2);
    let parts = [measure(&BELOW, few)?, measure(&NEAR, instances)?, measure(&ABOVE, few)?];
    Ok(RetrievalCurve { n_spins, points: parts.into_iter().flat_map(|part| part.points).collect() })
}

/// The part of a curve around the crossing.
fn near(curve: &RetrievalCurve) -> RetrievalCurve {
    let points = &curve.points[BELOW.len()..BELOW.len() + NEAR.len()];
    RetrievalCurve { n_spins: curve.n_spins, points: points.to_vec() }
}

impl Report {
    fn new(curves: Vec<RetrievalCurve>) -> Result<Self> {
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
    fn critical(&self) -> (Estimate, f64, f64) {
        let last = &self.crossings[self.crossings.len() - 1];
        let fold = |f: fn(f64, f64) -> f64, start: f64| last.iter().map(|c| c.value).fold(start, f);
        let (low, high) = (fold(f64::min, f64::INFINITY), fold(f64::max, f64::NEG_INFINITY));
        let statistical = last.iter().map(|c| c.std_err).fold(0.0, f64::max);
        let systematic = 0.5 * (high - low);
        let samples = last[0].samples.unwrap_or(0);
        let std_err = statistical.hypot(systematic);
        (Estimate::sampled(0.5 * (low + high), std_err, Kind::Asymptotic, samples), statistical, systematic)
    }

    fn verdict(&self) -> String {
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

    fn to_json(&self, args: &Capacity) -> Value {
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

    fn figure(&self) -> Figure {
        let series = |curve: &RetrievalCurve, of: &dyn Fn(&RetrievalCurve) -> Vec<Estimate>| {
            let estimates = of(curve);
            let loads: Vec<f64> = curve.points.iter().map(|point| point.load).collect();
            let [values, errors] = parts(&estimates);
            Series::new(format!("{} spins", curve.n_spins), &loads, &values).std_err(&errors)
        };
        let overlap = |curve: &RetrievalCurve| curve.points.iter().map(|point| point.overlap()).collect();
        let retrieved =
            |curve: &RetrievalCurve| curve.points.iter().map(|point| point.retrieved(THRESHOLD)).collect();
        let theory =
            |low: f64, high: f64| Series::new(format!("theory, {THEORY}"), &[THEORY, THEORY], &[low, high]);
        let mut overlaps = Panel::new(Axis::new("overlap")).series(theory(0.2, 1.0));
        let mut fractions = Panel::new(Axis::new("fraction retrieved").range(0.5, 1.0))
            .x_axis(Axis::new("patterns per spin").range(NEAR[0], NEAR[NEAR.len() - 1]))
            .series(theory(0.5, 1.0));
        for curve in &self.curves {
            overlaps = overlaps.series(series(curve, &overlap));
            fractions = fractions.series(series(&near(curve), &retrieved));
        }
        let sizes: Vec<f64> = self.curves.iter().map(|curve| curve.n_spins as f64).collect();
        let points = |name: &str, sizes: &[f64], estimates: &[Estimate]| {
            let [values, errors] = parts(estimates);
            Series::new(name, sizes, &values).std_err(&errors)
        };
        let middle: Vec<Estimate> = self.crossings.iter().map(|list| list[list.len() / 2].clone()).collect();
        let limits = Panel::new(Axis::new("patterns per spin"))
            .x_axis(Axis::new("spins").log())
            .series(points("half of the patterns retrieved", &sizes, &self.half))
            .series(points("crossing with the next smaller size", &sizes[1..], &middle))
            .reference(THEORY, format!("theory, {THEORY}"));
        Figure::new(Axis::new("patterns per spin")).panel(overlaps).panel(fractions).panel(limits)
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

fn parts(estimates: &[Estimate]) -> [Vec<f64>; 2] {
    [estimates.iter().map(|e| e.value).collect(), estimates.iter().map(|e| e.std_err).collect()]
}
