use gibbs_backend::Noise;
use gibbs_core::Estimate;
use gibbs_testkit::SIGMAS;

use super::*;
use crate::exact::{CRITICAL_BETA, enumerate};

fn check(name: &str, estimate: Estimate, exact: f64) {
    let sigmas = (estimate.value - exact).abs() / estimate.std_err;
    assert!(sigmas < SIGMAS, "{name}: {} ± {}, exact {exact}", estimate.value, estimate.std_err);
}

/// Everything that is measured, against enumeration; the magnetization only where no symmetry makes it zero.
fn check_all(system: &Pairwise, measured: &Measurements) {
    let exact = enumerate(system, measured.beta()).unwrap();
    let magnetization = exact.magnetization;
    check("energy", measured.energy().estimate, exact.thermodynamics.energy);
    check("heat capacity", measured.heat_capacity().estimate, exact.thermodynamics.heat_capacity);
    if system.field().iter().any(|h| *h != 0.0) {
        check("m", measured.magnetization().estimate, magnetization.mean);
    }
    check("|m|", measured.abs_magnetization().estimate, magnetization.abs);
    check("m²", measured.squared_magnetization().estimate, magnetization.second);
    check("Binder", measured.binder().estimate, magnetization.binder());
}

#[test]
fn averages_over_chains_are_those_of_enumeration() {
    let schedule = McmcSchedule { chains: 4, burn_in: 100, measurements: 4000, every: 1 };
    let noise = Noise::new(1, "chains");
    for beta in [0.3, CRITICAL_BETA] {
        let system = torus(4, 1.0, 0.0);
        check_all(&system, &measure(&Wolff::new(&system, beta).unwrap(), schedule, &noise)[0]);
        for rule in [Rule::HeatBath, Rule::Metropolis] {
            check_all(&system, &measure(&Sweep::new(&system, beta, rule).unwrap(), schedule, &noise)[0]);
        }
        let short = McmcSchedule { chains: 2, measurements: 500, ..schedule };
        for system in [system, torus(4, 1.0, 0.1), glass()] {
            check_all(&system, &measure(&HeatBath64::new(&system, beta).unwrap(), short, &noise)[0]);
        }
    }
}

#[test]
fn every_temperature_of_a_ladder_is_right() {
    let system = glass();
    let betas = [0.2, 0.6, 1.2, 2.0];
    let chain = ParallelTempering::new(&system, &betas, Rule::HeatBath).unwrap();
    let schedule = McmcSchedule { chains: 4, burn_in: 100, measurements: 5000, every: 1 };
    let measured = measure(&chain, schedule, &Noise::new(2, "chains"));
    assert_eq!(measured.iter().map(Measurements::beta).collect::<Vec<_>>(), betas);
    for measured in &measured {
        check_all(&system, measured);
    }
    let mut noise = Noise::new(3, "chains");
    let start = chain.init(&mut noise);
    assert!(start.acceptance().iter().all(|share| share.is_nan()));
    let ladder = chain.run(start, 101, &mut noise);
    assert_eq!((ladder.steps, ladder.tried.as_slice()), (101, &[51, 50, 51][..]));
    assert!(ladder.acceptance().iter().all(|share| *share > 0.1 && *share < 1.0), "{ladder:?}");
}

/// Over repeated runs the squared distances from the exact energy, in standard errors, have the mean 1.
#[test]
fn errors_of_energies_are_the_spread_of_repeated_runs() {
    let system = torus(4, 1.0, 0.0);
    let exact = enumerate(&system, CRITICAL_BETA).unwrap().thermodynamics.energy;
    let chain = HeatBath64::new(&system, CRITICAL_BETA).unwrap();
    let schedule = McmcSchedule { chains: 4, burn_in: 200, measurements: 1000, every: 1 };
    let measured = &measure(&chain, schedule, &Noise::new(4, "chains"))[0];
    let runs = measured.energies();
    assert_eq!(runs.len(), 4 * REPLICAS);
    let squares = runs.iter().map(|run| {
        let estimate = TimeAverage::mean(std::slice::from_ref(run)).estimate;
        ((estimate.value - exact) / estimate.std_err).powi(2)
    });
    let mean = squares.sum::<f64>() / runs.len() as f64;
    // As for series with a closed form: 256 runs, τ = 10 or less, windows below 60 of 1000, 2(2W + 1)/N < 0.25.
    assert!((mean - 1.0).abs() < SIGMAS * (2.0 / runs.len() as f64).sqrt() + 0.25, "{mean}");
}

#[test]
fn results_depend_on_the_noise_and_not_on_threads() {
    let system = torus(4, 1.0, 0.0);
    let chain = Wolff::new(&system, 0.4).unwrap();
    let schedule = McmcSchedule { chains: 5, burn_in: 3, measurements: 7, every: 2 };
    let run = |seed| measure(&chain, schedule, &Noise::new(seed, "chains"));
    let single = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(run(5), single.install(|| run(5)));
    assert_ne!(run(5), run(6));
    assert_eq!(run(5)[0].energies().iter().map(Vec::len).collect::<Vec<_>>(), [7; 5]);
}

#[test]
#[should_panic(expected = "nothing to measure")]
fn a_schedule_without_measurements_is_a_mistake() {
    let system = torus(3, 1.0, 0.0);
    let schedule = McmcSchedule { chains: 1, burn_in: 0, measurements: 0, every: 1 };
    measure(&Wolff::new(&system, 0.4).unwrap(), schedule, &Noise::new(7, "chains"));
}
