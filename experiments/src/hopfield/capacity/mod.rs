//! The command `capacity`: how many random patterns Hebb's rule can store.

mod figure;
mod report;

use std::{path::PathBuf, time::Instant};

use anyhow::Result;
use clap::Args;
use gibbs_backend::Noise;
use gibbs_physics::memory::{DenseMemory, Interaction, RetrievalConfig, RetrievalCurve, retrieval_curve};
use gibbs_train::atomic;

use report::Report;

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
    #[arg(long, default_value_t = 2000, value_name = "N")]
    pub instances: usize,
    /// Seed of the patterns
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub seed: u64,
    /// No progress on stderr
    #[arg(long)]
    pub quiet: bool,
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
