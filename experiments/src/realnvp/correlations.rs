//! How much of the correlations of a Hamiltonian a flow takes away: those of its fields, and those of their latents.
//!
//! ```text
//! I = -½ ln(1 - r²)      mutual information of two normal variables with the correlation coefficient r, nats
//! ```
//!
//! Reference: Gel'fand & Yaglom, Usp. Mat. Nauk 12:3 (1957), for the mutual information. It depends on the distance of two fields or of
//! two latents of one scale; Li & Wang, Phys. Rev. Lett. 121:260601 (2018), arXiv:1802.02840, for such a picture.

use std::{collections::BTreeMap, f64::consts::PI};

use gibbs_core::{Bijection, Estimate, symmetry::Symmetry};
use gibbs_flow::{FlowFamilyConfig, HierarchyConfig, correlations};
use gibbs_report::HeatMap;

use super::RealNvpExperiment;
use crate::{pictures::host, prelude::*, variational::SymmetrizedTarget};

/// Measurements of which one is kept.
const THIN: usize = 4;

/// Groups of chains for the jackknife, which leaves out one group at a time.
const GROUPS: usize = 8;

/// Columns of the picture, and pixels along it.
const PANELS: usize = 3;
const WIDTH: u32 = 1600;

/// Correlations at the bright end of the pictures.
const BRIGHTEST: f64 = 0.5;

/// Fields of a Markov chain.
#[derive(Default)]
pub(super) struct Fields {
    kept: Vec<Tensor<2>>,
    seen: usize,
}

impl Fields {
    /// Adds the fields `[chains, N]` of a measurement, of which some are kept.
    pub(super) fn add(&mut self, x: &Tensor<2>) {
        if self.seen.is_multiple_of(THIN) {
            self.kept.push(x.clone());
        }
        self.seen += 1;
    }

    /// The correlations of the fields and of their latents. Where a change of all signs is a symmetry, the chains have one half of the
    /// distribution, and every other field counts with the other sign.
    pub(super) fn correlations(self, flow: &RealNvpExperiment, target: &SymmetrizedTarget) -> Correlations {
        let n_chains = self.kept.first().map_or(0, |x| x.dims()[0]);
        // Row by row, the chains one after the other.
        let x = Tensor::stack::<3>(self.kept, 1).flatten::<2>(0, 1);
        let [n, _] = x.dims();
        let is_even = target.group.elements().iter().any(Symmetry::negates);
        let z = flow.model.model.forward(x.clone(), None).0;
        let signs: Vec<f32> = (0..n).map(|row| if is_even && row % 2 == 1 { -1.0 } else { 1.0 }).collect();
        let both = x.clone() * Tensor::<2>::from_data(TensorData::new(signs, [n, 1]), &x.device());
        let [fields, latents] = [both, z].map(|values| Matrix::of(&values, n_chains));
        let shape = &target.density.shape;
        let places = match (&flow.config.model.flow, shape.as_slice()) {
            (FlowFamilyConfig::Hierarchy(hierarchy), _) => of_scales(hierarchy),
            (_, &[rows, columns]) => vec![sites("latents", [rows, columns], [1, 1], 0)],
            _ => Vec::new(),
        };
        Correlations { n, fields, latents, shape: shape.clone(), places }
    }
}

/// A matrix of correlation coefficients.
struct Matrix {
    /// The magnitudes, row by row.
    magnitudes: Vec<f32>,
    /// The mean magnitude of the coefficients of different variables.
    mean: Estimate,
}

impl Matrix {
    /// Number of variables.
    fn width(&self) -> usize {
        self.magnitudes.len().isqrt()
    }

    /// Distances on a periodic lattice, rounded, and the mean mutual information of the pairs of variables at each.
    fn information(&self, sites: &Sites, lattice: [usize; 2]) -> (Vec<f64>, Vec<f64>) {
        let mut at: BTreeMap<usize, (f64, usize)> = BTreeMap::new();
        for (index, (a, from)) in sites.variables.iter().enumerate() {
            for (b, to) in &sites.variables[..index] {
                let along = [0, 1].map(|axis| {
                    let apart = from[axis].abs_diff(to[axis]);
                    apart.min(lattice[axis] - apart)
                });
                let distance = ((along[0] * along[0] + along[1] * along[1]) as f64).sqrt().round() as usize;
                let r = f64::from(self.magnitudes[a * self.width() + b]);
                let (sum, pairs) = at.entry(distance).or_default();
                (*sum, *pairs) = (*sum - 0.5 * (-r * r).ln_1p(), *pairs + 1);
            }
        }
        let apart = at.into_iter().filter(|(distance, _)| *distance > 0);
        apart.map(|(distance, (sum, pairs))| (distance as f64, sum / pairs as f64)).unzip()
    }

    /// Of the columns of `values [chains·measurements, N]`, whose rows are the chains one after the other. The error accounts for
    /// autocorrelation, as whole chains are left out.
    fn of(values: &Tensor<2>, n_chains: usize) -> Self {
        let [n, width] = values.dims();
        let magnitudes = host(correlations(values.clone()).abs());
        let groups = GROUPS.min(n_chains);
        let first = |group: usize| group * n_chains / groups * (n / n_chains);
        let without = |group: usize| {
            let (start, end) = (first(group), first(group + 1));
            let rest = [(0, start), (end, n)].into_iter().filter(|(from, to)| to > from);
            let rest = rest.map(|(from, to)| values.clone().narrow(0, from, to - from)).collect();
            mean_magnitude(&host(correlations(Tensor::cat(rest, 0)).abs()), width)
        };
        let left_out: Vec<f64> = (0..groups).filter(|_| groups > 1).map(without).collect();
        let mean = Estimate::jackknife(mean_magnitude(&magnitudes, width), &left_out);
        Self { magnitudes, mean }
    }
}

/// The mean of all elements but those of the diagonal, which are 1.
fn mean_magnitude(magnitudes: &[f32], width: usize) -> f64 {
    let sum: f64 = magnitudes.iter().map(|&r| f64::from(r)).sum();
    (sum - width as f64) / (width * (width - 1)) as f64
}

/// How the fields and their latents are correlated.
pub(super) struct Correlations {
    n: usize,
    fields: Matrix,
    latents: Matrix,
    /// Sizes of the lattice.
    shape: Vec<usize>,
    /// Where the latents are on the lattice, in groups; none without one.
    places: Vec<Sites>,
}

/// Variables that belong to sites of a lattice.
struct Sites {
    name: String,
    /// Each with its row and column.
    variables: Vec<(usize, [usize; 2])>,
}

/// Variables from `first`, one for each site of a lattice whose sites are `square` apart.
fn sites(name: impl Into<String>, [rows, columns]: [usize; 2], square: [usize; 2], first: usize) -> Sites {
    let place = |site: usize| [site / columns * square[0], site % columns * square[1]];
    let variables = (0..rows * columns).map(|site| (first + site, place(site))).collect();
    Sites { name: name.into(), variables }
}

/// The latents of each scale of a hierarchy, each at the first site of its square.
fn of_scales(hierarchy: &HierarchyConfig) -> Vec<Sites> {
    let group = |scale: gibbs_flow::HierarchyScale| {
        let left = scale.left()?;
        let square = [hierarchy.rows / left[0], hierarchy.columns / left[1]];
        let name = format!("latents of {} × {}", scale.rows, scale.columns);
        let firsts = scale.latents.clone().step_by(left[0] * left[1]);
        let variables = firsts.flat_map(|first| sites("", left, square, first).variables).collect();
        Some(Sites { name, variables })
    };
    hierarchy.scales().into_iter().filter_map(group).collect()
}

impl Correlations {
    /// What independent variables would show for as many independent fields: `√(2/πn)`.
    fn of_noise(&self) -> f64 {
        (2.0 / (PI * self.n as f64)).sqrt()
    }

    /// Both means, with what noise alone would show.
    pub(super) fn metrics(&self) -> Evaluation {
        let mut evaluation = Evaluation::default();
        for (name, matrix) in [("field_correlation", &self.fields), ("latent_correlation", &self.latents)] {
            evaluation.add(name, &matrix.mean, "mean magnitude");
            evaluation.note(name, "of_independent_variables", self.of_noise());
        }
        evaluation
    }

    /// The magnitudes of all coefficients, and on a lattice the mutual information against distance.
    pub(super) fn figure(&self) -> Figure {
        let of = |title: &str, matrix: &Matrix| {
            let Matrix { magnitudes, mean } = matrix;
            let (width, side) = (matrix.width(), (0.0, matrix.width() as f64));
            let map = HeatMap::new(magnitudes, (width, width), side, side).limits(0.0, BRIGHTEST);
            let title = format!("{title}: mean |correlation| {:.3}", mean.value);
            Panel::new(Axis::new("variable")).x_axis(Axis::new("variable")).title(title).equal().heat_map(map)
        };
        let figure = Figure::new(Axis::new("variable")).columns(PANELS).width(WIDTH);
        let figure = figure.panel(of("fields", &self.fields)).panel(of("latents", &self.latents));
        let [rows, columns] = self.shape[..] else { return figure };
        let mut panel = Panel::new(Axis::new("mutual information (nats)").log())
            .x_axis(Axis::new("distance (sites)"))
            .title("of pairs, as of normal variables");
        let of_fields = [(&self.fields, &sites("fields", [rows, columns], [1, 1], 0))];
        for (matrix, sites) in
            of_fields.into_iter().chain(self.places.iter().map(|sites| (&self.latents, sites)))
        {
            let (distances, information) = matrix.information(sites, [rows, columns]);
            if !distances.is_empty() {
                panel = panel.series(Series::new(&*sites.name, &distances, &information));
            }
        }
        figure.panel(panel)
    }
}
