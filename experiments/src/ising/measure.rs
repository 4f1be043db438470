//! A system over temperatures: energy, specific heat, magnetization, Binder's cumulant.

use std::{
    array,
    sync::atomic::{AtomicUsize, Ordering},
    time::Instant,
};

use anyhow::Context;
use gibbs_physics::{
    monte_carlo::{McmcSchedule, Measured, Measurements, MonteCarloMethod, TimeAverage},
    system::{Reference, SpinSystem, SpinSystemConfig, SpinSystemKind},
};
use gibbs_report::format_value;
use rayon::prelude::*;

use super::config;
use crate::{
    output::note,
    prelude::*,
    system::{self, SystemArgs, choices, number},
    usage::check_counts,
};

/// Temperatures when none are given, relative to that of the system, which is critical for the square lattice.
const AROUND: [f64; 5] = [0.9, 0.95, 1.0, 1.05, 1.1];
/// Sizes of the lattice when none are given.
const LATTICE: &str = "32x32";
/// Index of the specific heat.
const SPECIFIC_HEAT: usize = 1;
/// Points of a line.
const POINTS: usize = 401;
/// Part of the range of temperatures by which lines are longer at both ends.
const MARGIN: f64 = 0.05;
/// Upper end of the axis of the specific heat, in units of the largest value of this size: that of the infinite lattice diverges.
const HEADROOM: f64 = 1.25;
/// Radius of the dots of the first method, and of the others, which lie on top.
const RADII: [f64; 2] = [5.5, 3.0];
/// Colors of two lines and four methods.
const COLORS: usize = 6;

/// What is measured: name in the result, label of the axis, head of the column, average, and whether the value of the system is
/// divided by the number of spins.
struct Quantity(&'static str, &'static str, &'static str, fn(&Measurements) -> TimeAverage, bool);

const QUANTITIES: [Quantity; 4] = [
    Quantity("energy", "energy per spin", "energy", Measurements::energy, true),
    Quantity("specific_heat", "specific heat", "specific heat", Measurements::heat_capacity, true),
    Quantity("abs_magnetization", "|m|", "|m|", Measurements::abs_magnetization, false),
    Quantity("binder", "Binder cumulant", "Binder", Measurements::binder, false),
];

/// Flags of `ising measure`.
#[derive(Args, Debug)]
pub struct Measure {
    /// Folder for measure.json and measure.png; runs/ising-measure-MODEL-sSEED if not given
    pub folder: Option<PathBuf>,
    /// The system; ising on 32x32 if not given
    #[command(flatten)]
    pub system: SystemArgs,
    /// Inverse temperatures; five temperatures from 0.9 to 1.1 times 1/beta if neither these nor temperatures are given
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "B,...",
        conflicts_with = "temperatures",
        allow_negative_numbers = true
    )]
    pub betas: Vec<f64>,
    /// Temperatures
    #[arg(long, value_delimiter = ',', value_name = "T,...", allow_negative_numbers = true)]
    pub temperatures: Vec<f64>,
    /// Method; may be repeated. Wolff's clusters where they can grow, and the heat bath, if not given
    #[arg(long = "method", value_parser = choices!(MonteCarloMethod), value_name = "METHOD")]
    pub methods: Vec<MonteCarloMethod>,
    /// Measurements of each chain
    #[arg(long, default_value_t = 2000, value_name = "N")]
    pub measurements: usize,
    /// Sweeps between two measurements; Wolff's clusters are measured after each sweep, as many times more often
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub every: usize,
    /// Sweeps before the first measurement
    #[arg(long, default_value_t = 5000, value_name = "N")]
    pub burn_in: usize,
    /// Chains of each method; the heat bath in bits has 64 replicas instead
    #[arg(long, default_value_t = 4, value_name = "N")]
    pub chains: usize,
    /// Seed of the chains
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub seed: u64,
}

impl Measure {
    /// Measures, prints one JSON object, writes it and a picture.
    ///
    /// # Errors
    /// Settings that make no system, a method that does not suit it, or a folder that cannot be written.
    pub(super) fn run(&self, shared: &Shared) -> Result<()> {
        let default = |kind: SpinSystemKind| {
            let config = config::default_system(kind);
            SpinSystemConfig { lattice: config.lattice.map(|_| LATTICE.into()), ..config }
        };
        let system = system::build(&self.system.over(SpinSystemKind::Ising, default))?;
        let betas = self.betas(&system.config)?;
        let &Self { chains, burn_in, measurements, every, .. } = self;
        check_counts(&[("--chains", chains), ("--measurements", measurements), ("--every", every)])?;
        let schedule = McmcSchedule { chains, burn_in, measurements, every };
        let hamiltonian = &system.hamiltonian;
        let methods = match &self.methods[..] {
            [] => MonteCarloMethod::suitable(hamiltonian),
            methods => methods.to_vec(),
        };
        for method in &methods {
            method.check(hamiltonian, &betas).with_context(|| format!("--method {method}")).or_usage()?;
        }
        let exact: Vec<Option<Exact>> =
            betas.iter().map(|beta| Exact::of(&system, *beta)).collect::<Result<_>>()?;

        // Whole ladders are one piece of work, else each temperature.
        let pieces = |method: MonteCarloMethod| match method.is_joint() {
            true => vec![(method, betas.clone())],
            false => betas.iter().map(|beta| (method, vec![*beta])).collect(),
        };
        let work: Vec<(MonteCarloMethod, Vec<f64>)> =
            methods.iter().flat_map(|method| pieces(*method)).collect();
        let described = system.config.describe();
        let name = described.split(',').next().unwrap_or_default();
        note(format!("{name}, {} temperatures, {} pieces of work", betas.len(), work.len()));
        let (start, done) = (Instant::now(), AtomicUsize::new(0));
        let noise = Noise::new(self.seed, "measure");
        let exact_at = |beta: f64| exact[betas.iter().position(|own| *own == beta)?].as_ref();
        let measure = |(method, betas): &(MonteCarloMethod, Vec<f64>)| {
            let noise = noise.child(method.name());
            let found = method.measure(hamiltonian, betas, schedule, &noise).context(method.name())?;
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            note(format!("{done} of {}: {method}, {:.1} s", work.len(), start.elapsed().as_secs_f64()));
            let n = system.n_spins();
            let point = |one: &Measured| Point::new(*method, one, n, exact_at(one.measurements.beta()));
            Ok(found.iter().map(point).collect())
        };
        let points: Vec<Vec<Point>> = work.par_iter().map(measure).collect::<Result<_>>()?;
        let points = points.concat();

        let temperature = |(beta, exact): (&f64, &Option<Exact>)| {
            let here = points.iter().filter(|point| point.beta == *beta);
            let methods: Vec<Value> = here.map(|point| point.to_json(exact.as_ref())).collect();
            let exact = exact.as_ref().map(Exact::to_json);
            json!({ "beta": beta, "temperature": 1.0 / beta, "exact": exact, "methods": methods })
        };
        let temperatures: Vec<Value> = betas.iter().zip(&exact).map(temperature).collect();
        show(&betas, &exact, &points);
        let result = json!({
            "experiment": super::IsingExperiment::NAME,
            "system": system.config,
            "plan": schedule,
            "seed": self.seed,
            "seconds": start.elapsed().as_secs_f64(),
            "temperatures": temperatures,
        });
        let figure = figure(&system, &points, &methods)?;
        super::write_result("measure", &self.folder, &system, self.seed, (&result, shared), Some(&figure))
    }

    /// The inverse temperatures asked for.
    fn betas(&self, system: &SpinSystemConfig) -> Result<Vec<f64>> {
        let betas: Vec<f64> = if !self.betas.is_empty() {
            self.betas.clone()
        } else if !self.temperatures.is_empty() {
            self.temperatures.iter().map(|t| 1.0 / t).collect()
        } else {
            AROUND.iter().map(|t| system.beta / t).collect()
        };
        for (flag, values) in [("temperatures", &self.temperatures), ("betas", &betas)] {
            if let Some(value) = values.iter().find(|value| !(value.is_finite() && **value > 0.0)) {
                refuse!("--{flag} {value}: must be finite and above 0");
            }
        }
        match betas.iter().enumerate().find(|(i, beta)| betas[..*i].contains(beta)) {
            Some((_, beta)) => Err(usage!("beta = {beta} is given twice: leave one out")),
            None => Ok(betas),
        }
    }
}

/// Exact values per spin at one temperature, in the order of [`QUANTITIES`].
struct Exact {
    reference: Reference,
    values: [Option<f64>; 4],
}

impl Exact {
    fn of(system: &SpinSystem, beta: f64) -> Result<Option<Self>> {
        let exact = system.reference(beta)?.map(|reference| {
            let (per_spin, m) =
                (reference.thermodynamics.per_spin(system.n_spins()), reference.magnetization);
            let moments = [m.map(|m| m.abs), m.map(|m| m.binder())];
            let values = [Some(per_spin.energy), Some(per_spin.heat_capacity), moments[0], moments[1]];
            Self { reference, values }
        });
        Ok(exact)
    }

    fn to_json(&self) -> Value {
        let mut object = json!({ "method": self.reference.method });
        for (Quantity(name, ..), value) in QUANTITIES.iter().zip(self.values) {
            if let Some(value) = value {
                object[*name] = json!(value);
            }
        }
        object
    }
}

/// The estimates of one method at one temperature, in the order of [`QUANTITIES`].
#[derive(Clone)]
struct Point {
    beta: f64,
    method: MonteCarloMethod,
    averages: [TimeAverage; 4],
    replicas: usize,
}

impl Point {
    fn new(method: MonteCarloMethod, measured: &Measured, n_spins: usize, exact: Option<&Exact>) -> Self {
        let Measured { measurements, replicas, every } = measured;
        // Times are from one measurement to the next.
        let averages = array::from_fn(|k| {
            let Quantity(_, _, _, average, is_extensive) = &QUANTITIES[k];
            let TimeAverage { estimate, time, window } = average(measurements);
            let scale = if *is_extensive { 1.0 / n_spins as f64 } else { 1.0 };
            let estimate = estimate.affine(scale, 0.0);
            TimeAverage {
                estimate: match exact.and_then(|exact| exact.values[k]) {
                    Some(exact) => estimate.compared_with(exact),
                    None => estimate,
                },
                time: time.affine(*every as f64, 0.0),
                window: window * every,
            }
        });
        Self { beta: measurements.beta(), method, averages, replicas: *replicas }
    }

    /// One line for each estimate whose error cannot be trusted.
    fn warnings(&self) -> impl Iterator<Item = String> {
        let warning = |(Quantity(name, ..), average): (&Quantity, &TimeAverage)| {
            let (method, t) = (self.method.name(), 1.0 / self.beta);
            let reason = average.estimate.unreliable.as_ref()?;
            Some(format!("warning: {name} of {method} at T = {t:.4} is unreliable: {reason}"))
        };
        QUANTITIES.iter().zip(&self.averages).filter_map(warning)
    }

    /// The estimates with their distances from exact values.
    fn to_json(&self, exact: Option<&Exact>) -> Value {
        let mut object = json!({ "method": self.method.name(), "replicas": self.replicas });
        for (k, (Quantity(name, ..), average)) in QUANTITIES.iter().zip(&self.averages).enumerate() {
            let Estimate { value, std_err, kind, samples, unreliable, .. } = &average.estimate;
            let mut metric = json!({
                "value": number(*value), "std_err": number(*std_err), "kind": kind, "independent_samples": samples,
                "autocorrelation_sweeps": number(average.time.value),
            });
            if let Some(reason) = unreliable {
                metric["unreliable"] = json!(reason);
            }
            if let Some(deviation) = self.deviation(k, exact) {
                metric["deviation"] = number(deviation);
            }
            object[*name] = metric;
        }
        object
    }

    /// Distance of quantity `k` from the exact value in standard errors.
    fn deviation(&self, k: usize, exact: Option<&Exact>) -> Option<f64> {
        let estimate = &self.averages[k].estimate;
        Some((estimate.value - exact?.values[k]?) / estimate.std_err)
    }
}

/// Prints the estimates, and how far they are from the exact values.
fn show(betas: &[f64], exact: &[Option<Exact>], points: &[Point]) {
    let heads = QUANTITIES.map(|Quantity(_, _, head, ..)| format!("{head:>20}")).concat();
    note(format!("{:>7} {:<11}{heads}   off by   tau(E)  tau(|m|)", "T", ""));
    for (beta, exact) in betas.iter().zip(exact) {
        let temperature = format!("{:>7.4}", 1.0 / beta);
        let here = points.iter().filter(|point| point.beta == *beta);
        for point in here.clone() {
            let cell = |average: &TimeAverage| format_value(average.estimate.value, average.estimate.std_err);
            let cells: String =
                point.averages.iter().map(|average| format!("{:>20}", cell(average))).collect();
            let off = point.deviation(0, exact.as_ref());
            let off = off.map_or_else(String::new, |off| format!("{off:+.2} se"));
            let [energy, _, magnetization, _] = &point.averages;
            let (method, times) = (point.method.name(), [energy.time.value, magnetization.time.value]);
            note(format!("{temperature} {method:<11}{cells} {off:>8} {:>8.1} {:>9.1}", times[0], times[1]));
        }
        here.flat_map(Point::warnings).for_each(note);
        if let Some(exact) = exact {
            let cell = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.6}"));
            let cells = exact.values.map(|value| format!("{:>20}", cell(value))).concat();
            note(format!("{temperature} {:<11}{cells}", "exact"));
        }
    }
}

/// Energy, specific heat, magnetization and Binder's cumulant over temperature, with exact lines.
fn figure(system: &SpinSystem, points: &[Point], methods: &[MonteCarloMethod]) -> Result<Figure> {
    let temperatures = temperatures(points);
    let [mut exact, mut plane]: [[Vec<f64>; 4]; 2] = Default::default();
    let is_fast = system.reference(system.config.beta)?.is_some_and(|reference| reference.is_fast);
    for t in &temperatures {
        if let Some(here) = if is_fast { Exact::of(system, 1.0 / t)? } else { None } {
            exact.iter_mut().zip(here.values).for_each(|(line, value)| line.extend(value));
        }
        if let Some((infinite, magnetization)) = system.infinite_lattice(1.0 / t)? {
            let values = [infinite.energy, infinite.heat_capacity, magnetization];
            plane.iter_mut().zip(values).for_each(|(line, value)| line.push(value));
        }
    }
    let mut figure = Figure::new(Axis::new("temperature")).columns(2).width(1100);
    for (k, Quantity(_, label, ..)) in QUANTITIES.iter().enumerate() {
        let mut axis = Axis::new(*label);
        if k == SPECIFIC_HEAT {
            let measured = points.iter().map(|point| point.averages[k].estimate.value);
            let largest = measured.chain(exact[k].iter().copied()).fold(0.0, f64::max);
            axis = axis.range(0.0, HEADROOM * largest);
        }
        let mut panel = Panel::new(axis);
        let lines = [("exact, this size", &exact[k]), ("exact, infinite lattice", &plane[k])];
        for (i, (name, line)) in lines.into_iter().enumerate().filter(|(_, (_, line))| !line.is_empty()) {
            panel = panel.series(Series::new(name, &temperatures, line).color(Color::of_class(i, COLORS)));
        }
        for (i, method) in methods.iter().enumerate() {
            let of = |f: &dyn Fn(&Point) -> f64| -> Vec<f64> {
                points.iter().filter(|point| point.method == *method).map(f).collect()
            };
            let x = of(&|point| 1.0 / point.beta);
            let y = of(&|point| point.averages[k].estimate.value);
            // An unknown error has no bar.
            let std_err = |point: &Point| point.averages[k].estimate.std_err;
            let std_err = of(&|point| Some(std_err(point)).filter(|e| e.is_finite()).unwrap_or(0.0));
            let series = Series::new(method.name(), &x, &y).dots(RADII[i.min(1)]).std_err(&std_err);
            panel = panel.series(series.color(Color::of_class(2 + i, COLORS)));
        }
        figure = figure.panel(panel);
    }
    Ok(figure)
}

/// Temperatures of the lines.
fn temperatures(points: &[Point]) -> Vec<f64> {
    let all = points.iter().map(|point| 1.0 / point.beta);
    let (low, high) = all.fold((f64::INFINITY, 0.0f64), |(low, high), t| (low.min(t), high.max(t)));
    let margin = MARGIN * if high > low { high - low } else { high };
    let (low, high) = (low - margin, high + margin);
    (0..POINTS).map(|i| low + (high - low) * i as f64 / (POINTS - 1) as f64).collect()
}
