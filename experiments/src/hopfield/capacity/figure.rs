//! The curves, their crossing, and how the critical loads depend on the size.

use gibbs_core::Estimate;
use gibbs_physics::memory::RetrievalCurve;
use gibbs_report::{Axis, Color, Figure, Panel, Series, format_value};

use super::{NEAR, THEORY, THRESHOLD, near, report::Report};

/// Color of the theory.
const GRAY: Color = Color::new(0x66, 0x66, 0x66);

/// The lower end of the fractions around the crossing.
const LEAST_SHOWN: f64 = 0.5;

impl Report {
    pub(super) fn figure(&self) -> Figure {
        let series = |curve: &RetrievalCurve, of: &dyn Fn(&RetrievalCurve) -> Vec<Estimate>| {
            let estimates = of(curve);
            let loads: Vec<f64> = curve.points.iter().map(|point| point.load).collect();
            let [values, errors] = parts(&estimates);
            Series::new(format!("{} spins", curve.n_spins), &loads, &values).std_err(&errors)
        };
        let overlap = |curve: &RetrievalCurve| curve.points.iter().map(|point| point.overlap()).collect();
        let retrieved =
            |curve: &RetrievalCurve| curve.points.iter().map(|point| point.retrieved(THRESHOLD)).collect();
        let theory = |low: f64, high: f64| {
            Series::new(format!("theory, {THEORY}"), &[THEORY, THEORY], &[low, high]).color(GRAY)
        };
        let mut overlaps = Panel::new(Axis::new("overlap"));
        let mut fractions = Panel::new(Axis::new("fraction retrieved").range(LEAST_SHOWN, 1.0))
            .x_axis(Axis::new("patterns per spin").range(NEAR[0], NEAR[NEAR.len() - 1]));
        for curve in &self.curves {
            overlaps = overlaps.series(series(curve, &overlap));
            fractions = fractions.series(series(&near(curve), &retrieved));
        }
        let (overlaps, fractions) =
            (overlaps.series(theory(0.2, 1.0)), fractions.series(theory(LEAST_SHOWN, 1.0)));
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
        let (critical, ..) = self.critical();
        let title = format!("critical load {}", format_value(critical.value, critical.std_err));
        Figure::new(Axis::new("patterns per spin"))
            .title(title)
            .panel(overlaps)
            .panel(fractions)
            .panel(limits)
    }
}

fn parts(estimates: &[Estimate]) -> [Vec<f64>; 2] {
    [estimates.iter().map(|e| e.value).collect(), estimates.iter().map(|e| e.std_err).collect()]
}
