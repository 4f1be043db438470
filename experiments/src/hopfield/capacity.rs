//! The command `capacity`: how many random patterns Hebb's rule can store.

use std::time::Instant;

use gibbs_physics::memory::{CapacityStudy, Extrapolation, LoadPoint, RetrievalCurve};
use gibbs_report::format_value;
use gibbs_train::atomic;

use crate::{
    output::{note, print_json},
    prelude::*,
};

const THEORY: f64 = CapacityStudy::THEORY;
const THRESHOLD: f64 = CapacityStudy::THRESHOLD;

/// Color of the theory.
const GRAY: Color = Color::new(0x66, 0x66, 0x66);

/// Lower ends of the theory's line among the overlaps and among the fractions.
const LEAST_OVERLAP: f64 = 0.2;
const LEAST_FRACTION: f64 = 0.5;

/// Flags of `capacity`.
#[derive(Args, Debug)]
pub struct Capacity {
    /// Folder for the figure and the numbers; runs/hopfield-capacity-sSEED if not given
    pub run_dir: Option<PathBuf>,
    /// Numbers of spins, at least two
    #[arg(long, value_delimiter = ',', default_value = "250,1000,4000", value_name = "N,N,...")]
    pub sizes: Vec<usize>,
    /// Networks for each size and load
    #[arg(long, default_value_t = 2000, value_name = "N")]
    pub instances: usize,
    /// Seed of the patterns
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub seed: u64,
    /// No progress on stderr
    #[arg(long)]
    pub quiet: bool,
}

pub(super) fn run(args: &Capacity, shared: &Shared) -> Result<()> {
    let sizes = sizes(args)?;
    let noise = Noise::new(args.seed, "capacity");
    let mut curves = Vec::new();
    for n in sizes {
        let start = Instant::now();
        curves.push(CapacityStudy::curve(n, args.instances, &noise.child(n.to_string()))?);
        if !args.quiet {
            let (loads, seconds) = (CapacityStudy::N_LOADS, start.elapsed().as_secs_f64());
            note(format!("{n} spins: {loads} loads, {} networks each, {seconds:.0} s", args.instances));
        }
    }
    let study = CapacityStudy::new(curves).map_err(|error| usage!("--sizes, --instances: {error}"))?;
    let folder =
        args.run_dir.clone().unwrap_or_else(|| format!("runs/hopfield-capacity-s{}", args.seed).into());
    std::fs::create_dir_all(&folder).map_err(|error| usage!("cannot make {}: {error}", folder.display()))?;
    let figure = figure(&study);
    figure.save(folder.join("capacity.png"))?;
    figure.save(folder.join("capacity.svg"))?;
    let json = to_json(&study, args);
    atomic::write_json(folder.join("capacity.json"), &json)?;
    if !args.quiet {
        note(verdict(&study));
    }
    print_json(&json, shared.json)
}

fn sizes(args: &Capacity) -> Result<Vec<usize>> {
    let mut sizes = args.sizes.clone();
    sizes.sort_unstable();
    sizes.dedup();
    if sizes.len() < 2 || sizes[0] < 2 {
        let list: Vec<String> = args.sizes.iter().map(usize::to_string).collect();
        refuse!("--sizes {}: give at least two different numbers of spins, each at least 2", list.join(","));
    }
    require!(args.instances >= 2, "--instances {}: give at least 2", args.instances);
    Ok(sizes)
}

/// One line with the critical load and its distance from the theory.
fn verdict(study: &CapacityStudy) -> String {
    let (critical, statistical, systematic) = study.critical();
    let errors = (critical.value - THEORY).abs() / critical.std_err;
    let compatible = if errors <= 2.0 { "compatible" } else { "not compatible" };
    let [.., small, large] = &study.curves[..] else { return String::new() };
    format!(
        "critical load {:.4} ± {:.4} ({statistical:.4} statistical, {systematic:.4} systematic), where the curves of {} and {} \
         spins cross: {compatible} with the theory, {THEORY}, {errors:.1} errors away",
        critical.value, critical.std_err, small.n_spins, large.n_spins
    )
}

fn to_json(study: &CapacityStudy, args: &Capacity) -> Value {
    let (critical, statistical, systematic) = study.critical();
    let metric = with(
        &critical,
        json!({
            "unit": "patterns per spin", "statistical": statistical, "systematic": systematic, "theory": THEORY,
        }),
    );
    let crossings = study.crossings.iter().zip(study.curves.windows(2)).flat_map(|(list, pair)| {
        let sizes = [pair[0].n_spins, pair[1].n_spins];
        let thresholds = CapacityStudy::THRESHOLDS;
        list.iter().zip(thresholds).map(move |(c, t)| with(c, json!({ "sizes": sizes, "threshold": t })))
    });
    let half = study
        .curves
        .iter()
        .zip(&study.half)
        .map(|(curve, estimate)| with(estimate, json!({ "n": curve.n_spins, "threshold": THRESHOLD })));
    let limit = study.limit.as_ref().map(|fit| {
        let Extrapolation { limit, exponent, slope, chi_squared, freedom } = fit;
        with(
            limit,
            json!({ "exponent": exponent, "slope": slope, "chi_squared": chi_squared, "freedom": freedom }),
        )
    });
    let point = |point: &LoadPoint| {
        json!({
            "patterns": point.patterns,
            "load": point.load,
            "overlap": point.overlap(),
            "retrieved": point.retrieved(THRESHOLD),
        })
    };
    let curve = |curve: &RetrievalCurve| json!({ "n": curve.n_spins, "points": curve.points.iter().map(point).collect::<Vec<_>>() });
    json!({
        "experiment": "hopfield capacity",
        "rule": "hebb",
        "seed": args.seed,
        "instances": args.instances,
        "metrics": { "critical_load": metric },
        "crossings": crossings.collect::<Vec<_>>(),
        "half_retrieved": half.collect::<Vec<_>>(),
        "half_retrieved_limit": limit,
        "curves": study.curves.iter().map(curve).collect::<Vec<_>>(),
    })
}

/// An estimate with more entries.
fn with(estimate: &Estimate, more: Value) -> Value {
    let mut object = json!(estimate);
    for (key, value) in more.as_object().into_iter().flatten() {
        object[key] = value.clone();
    }
    object
}

/// The curves, their crossing, and how the critical loads depend on the size.
fn figure(study: &CapacityStudy) -> Figure {
    let series = |name: &str, x: &[f64], estimates: &[Estimate]| {
        let parts = estimates.iter().map(|e| (e.value, e.std_err));
        let (values, errors): (Vec<f64>, Vec<f64>) = parts.unzip();
        Series::new(name, x, &values).std_err(&errors)
    };
    let line = |curve: &RetrievalCurve, of: &dyn Fn(&LoadPoint) -> Estimate| {
        let loads: Vec<f64> = curve.points.iter().map(|point| point.load).collect();
        let estimates: Vec<Estimate> = curve.points.iter().map(of).collect();
        series(&format!("{} spins", curve.n_spins), &loads, &estimates)
    };
    let theory =
        |low: f64| Series::new(format!("theory, {THEORY}"), &[THEORY, THEORY], &[low, 1.0]).color(GRAY);
    let [low, high] = CapacityStudy::NEAR;
    let mut overlaps = Panel::new(Axis::new("overlap"));
    let mut fractions = Panel::new(Axis::new("fraction retrieved").range(LEAST_FRACTION, 1.0))
        .x_axis(Axis::new("patterns per spin").range(low, high));
    for curve in &study.curves {
        overlaps = overlaps.series(line(curve, &LoadPoint::overlap));
        fractions = fractions.series(line(&CapacityStudy::near(curve), &|point| point.retrieved(THRESHOLD)));
    }
    let sizes: Vec<f64> = study.curves.iter().map(|curve| curve.n_spins as f64).collect();
    let middle: Vec<Estimate> = study.crossings.iter().map(|list| list[list.len() / 2].clone()).collect();
    let limits = Panel::new(Axis::new("patterns per spin"))
        .x_axis(Axis::new("spins").log())
        .series(series("half of the patterns retrieved", &sizes, &study.half))
        .series(series("crossing with the next smaller size", &sizes[1..], &middle))
        .reference(THEORY, format!("theory, {THEORY}"));
    let (critical, ..) = study.critical();
    Figure::new(Axis::new("patterns per spin"))
        .title(format!("critical load {}", format_value(critical.value, critical.std_err)))
        .panel(overlaps.series(theory(LEAST_OVERLAP)))
        .panel(fractions.series(theory(LEAST_FRACTION)))
        .panel(limits)
}
