//! Fields on lattices against their symmetries, sums over sites and closed forms.

use std::f64::consts::TAU;

use burn::{module::Param, store::ModuleSnapshot};
use gibbs_core::{LogProb, math::to_host};

use super::*;

fn perturbed_field(lengths: &[usize], seed: u64) -> LatticeField {
    let config = LatticeFieldConfig::new(lengths.to_vec()).with_features(3).with_frequencies(3);
    let field = config.init(&Device::flex(), &mut Noise::new(seed, "init")).unwrap();
    perturbed(cast(field, FloatDType::F64), 0.5, Noise::new(seed, "stir"))
}

/// What a map of sites, given by their coordinates, does to fields.
fn moves([rows, columns]: [usize; 2], from: impl Fn([usize; 2]) -> [usize; 2]) -> Symmetry {
    let of_site = |site: usize| {
        let [r, c] = from([site / columns, site % columns]);
        columns * (r % rows) + c % columns
    };
    Symmetry::permutation((0..rows * columns).map(of_site).collect())
}

/// Shifts, reflections, the reversal of signs, and on a square the exchange of its axes: 2·4·N or 2·8·N elements.
#[test]
fn velocities_move_with_the_lattice() {
    for lengths in [[4, 4], [3, 5]] {
        let [rows, columns] = lengths;
        let n_sites = rows * columns;
        let mut generators = vec![
            moves(lengths, |[r, c]| [r + 1, c]),
            moves(lengths, |[r, c]| [r, c + 1]),
            moves(lengths, |[r, c]| [rows - r, c]),
            moves(lengths, |[r, c]| [r, columns - c]),
            Symmetry::negation(n_sites),
        ];
        if rows == columns {
            generators.push(moves(lengths, |[r, c]| [c, r]));
        }
        let group = SymmetryGroup::generated_by(n_sites, &generators);
        assert_eq!(group.order(), n_sites * if rows == columns { 16 } else { 8 });
        let field = perturbed_field(&lengths, 0);
        let velocity = field.velocity(None);
        let (x, now) = (normal("x", [2, n_sites]), time(0.3, &normal("x", [2, n_sites])));
        let (v, trace) = velocity.divergence(&now, x.clone());
        for element in group.elements() {
            let (of_image, trace_of_image) = velocity.divergence(&now, element.apply(x.clone()));
            let difference = to_host((of_image - element.apply(v.clone())).abs().max())[0];
            assert!(difference < 1e-12, "{lengths:?} {element:?}: {difference}");
            assert!(to_host((trace_of_image - trace.clone()).abs().max())[0] < 1e-11, "{element:?}");
        }
    }
}

/// The formula of the module, summed over pairs of sites.
#[test]
fn velocities_are_sums_over_sites() {
    let (lengths, t, n_features, n_cosines) = ([2, 3], 0.7, 3, 3);
    let n_sites = 6;
    let field = perturbed_field(&lengths, 1);
    let x = to_host(normal("x", [1, n_sites]));
    let [frequencies, mixtures, kernels] =
        [&field.frequencies, &field.mixtures, &field.kernels].map(|param| to_host(param.val()));
    let width = kernels.len() / n_cosines;
    let n_orbits = width / 3;
    let kernel = |channel: usize, site: usize, other: usize| {
        let of_mode = |q: usize| {
            let lambda: f64 = (0..n_cosines)
                .map(|k| {
                    let cosine = (0.5 * TAU * k as f64 * t).cos();
                    cosine * kernels[width * k + n_orbits * channel + field.orbits()[q]]
                })
                .sum();
            let turns = [3, 1].iter().zip(lengths).map(|(&stride, length)| {
                let along = |index: usize| (index / stride % length) as f64;
                along(q) * (along(site) - along(other)) / length as f64
            });
            lambda * (TAU * turns.sum::<f64>()).cos()
        };
        (0..n_sites).map(of_mode).sum::<f64>() / n_sites as f64
    };
    let height = |channel: usize, phi: f64| match channel {
        0 => phi,
        c => (0..n_features).map(|f| mixtures[n_features * (c - 1) + f] * (frequencies[f] * phi).sin()).sum(),
    };
    let found = to_host(field.velocity(None).at(&time(t, &normal("x", [1, 6])), normal("x", [1, n_sites])));
    for (site, found) in found.iter().enumerate() {
        let pairs = (0..n_sites).flat_map(|other| (0..3).map(move |channel| (other, channel)));
        let truth: f64 =
            pairs.map(|(other, channel)| kernel(channel, site, other) * height(channel, x[other])).sum();
        assert!((found - truth).abs() < 1e-12, "site {site}: {found} instead of {truth}");
    }
}

/// Wave vectors `(q_1, q_2)` of 4×4 sites up to signs and order: 00, 01, 02, 11, 12, 22.
#[test]
fn modes_that_symmetries_exchange_share_their_kernel() {
    let square = perturbed_field(&[4, 4], 0);
    assert_eq!(square.orbits(), [0, 1, 2, 1, 1, 3, 4, 3, 2, 4, 5, 4, 1, 3, 4, 3]);
    let rectangle = perturbed_field(&[2, 4], 0);
    assert_eq!(rectangle.orbits(), [0, 1, 2, 1, 3, 4, 5, 4]);
}

/// Without sines, and at rest, the flow multiplies the mode `q` by `exp(λ(q))`: a Gaussian distribution whose precision has the
/// eigenvalues `exp(-2λ)`, and whose `ln p` at 0 is that of the base less the trace `Σ_q λ(q)`.
#[test]
fn the_linear_part_makes_gaussian_distributions() {
    let lengths = [2, 4];
    let mut field = perturbed_field(&lengths, 2);
    let n_orbits = 6;
    let lambda = [0.3, -0.2, 0.5, 0.1, -0.7, 0.4];
    let kernels: Vec<f64> = (0..3 * 3 * n_orbits).map(|i| lambda.get(i).copied().unwrap_or(0.0)).collect();
    field.kernels = Param::from_tensor(Tensor::from_data(
        TensorData::new(kernels, [3, 3 * n_orbits]),
        (&Device::flex(), DType::F64),
    ));
    let of_modes: Vec<f64> = field.orbits().iter().map(|&orbit| lambda[orbit]).collect();
    let trace: f64 = of_modes.iter().sum();
    let x = normal("x", [1, 8]);
    let found = to_host(field.velocity(None).divergence(&time(0.4, &x), x.clone()).1)[0];
    assert!((found - trace).abs() < 1e-13, "{found} instead of {trace}");
    let modes = to_host(gibbs_core::Bijection::forward(&crate::Hartley::new(&lengths), x.clone(), None).0);
    let square: f64 = modes.iter().zip(&of_modes).map(|(z, lambda)| (z * (-lambda).exp()).powi(2)).sum();
    let truth = -0.5 * square - 4.0 * TAU.ln() - trace;
    let flow = ContinuousFlow::new(field, tight(), Trace::Exact).unwrap();
    let found = to_host(flow.log_prob(x))[0];
    assert!((found - truth).abs() < 1e-8, "{found} instead of {truth}");
}

#[test]
fn a_field_begins_at_rest() {
    let field =
        LatticeFieldConfig::new(vec![3, 4]).init(&Device::flex(), &mut Noise::new(0, "init")).unwrap();
    let x = Noise::new(0, "x").normal([2, 12], &Device::flex());
    assert!(to_host(field.velocity(None).at(&time(0.5, &x), x)).iter().all(|&v| v == 0.0));
}

#[test]
fn weights_survive_saving() {
    use burn::store::SafetensorsStore;
    let (saved, mut loaded) = (perturbed_field(&[2, 3], 0), perturbed_field(&[2, 3], 1));
    let mut store = SafetensorsStore::from_bytes(None);
    saved.save_into(&mut store).unwrap();
    let mut reader = SafetensorsStore::from_bytes(Some(store.get_bytes().unwrap()));
    let mut names = loaded.load_from(&mut reader).unwrap().applied;
    names.sort();
    assert_eq!(names, ["frequencies", "kernels", "mixtures"]);
    let x = normal("x", [2, 6]);
    let of = |field: &LatticeField| to_host(field.velocity(None).at(&time(0.2, &x), x.clone()));
    assert_eq!(of(&loaded), of(&saved));
}
