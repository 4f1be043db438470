//! The neural renormalization group.

use burn::{module::Module, optim::GradientsParams, optim::ModuleOptimizer};
use gibbs_core::{Bijection, LogProb, Sample, math::to_host, optim::Adam, variational::path_gradient};
use gibbs_testkit::check_bijection;

use super::*;

fn config(rows: usize, columns: usize) -> HierarchyConfig {
    HierarchyConfig::new(rows, columns)
        .with_n_layers(1)
        .with_patch(2)
        .with_n_hidden(Widths::One(5))
        .with_activation(Activation::Tanh)
}

fn flow(config: &HierarchyConfig) -> FlowConfig {
    FlowConfig::new(config.rows * config.columns, vec![LayerConfig::Hierarchy(config.clone())])
}

/// Lattices that end in one site, in an odd lattice, and with one axis; with flows of their own at each scale and with shared ones.
#[test]
fn hierarchies_invert_and_know_their_jacobian() {
    for (rows, columns) in [(4, 4), (2, 8), (1, 8), (6, 6)] {
        for (patch, shared) in [(2, false), (2, true), (4, false)] {
            let config = config(rows, columns).with_n_layers(2).with_patch(patch).with_shared(shared);
            let n = rows * columns;
            let x = Noise::new(1, "points").normal([3, n], (&Device::flex(), DType::F64)) * 1.3;
            check_bijection(&wide_flow(&flow(&config), 0.3, 3), x, None, 1e-9);
        }
    }
}

/// The hierarchy begins as an orthogonal transform, so it has each variable once, and a constant field is the coarsest latent alone.
#[test]
fn each_latent_is_counted_once() {
    for (rows, columns) in [(8, 8), (4, 2), (6, 6)] {
        let n = rows * columns;
        let config = config(rows, columns).with_patch(4);
        let axes = Tensor::<2>::eye(n, &Device::flex()).cast(DType::F64);
        let z = wide_flow(&flow(&config), 0.0, 0).forward(axes.clone(), None).0;
        let products = z.clone().transpose().matmul(z.clone());
        assert!(to_host((products - axes).abs().max())[0] < 1e-12);

        let scales = config.scales();
        let constant = to_host(z.sum_dim(0));
        let coarsest = scales.last().unwrap().latents.clone();
        let norm: f64 = constant[coarsest].iter().map(|z| z * z).sum();
        assert!((norm - n as f64).abs() < 1e-9, "{constant:?}");

        let mut latents: Vec<usize> = scales.into_iter().flat_map(|scale| scale.latents).collect();
        latents.sort_unstable();
        assert!(latents.into_iter().eq(0..n));
    }
}

/// A shift by a patch of a scale shifts the latents of the finer scales and of this one.
#[test]
fn latents_move_with_the_patches() {
    let (side, patch) = (16, 4);
    let config = config(side, side).with_patch(patch);
    let flow = wide_flow(&flow(&config), 0.3, 3);
    let x = to_host(Noise::new(0, "x").normal([1, side * side], (&Device::flex(), DType::F64)));
    let shifted = |x: &[f64], side: usize, by: usize| -> Vec<f64> {
        (0..side * side).map(|site| x[(site / side + by) % side * side + (site % side + by) % side]).collect()
    };
    let z = |x: &[f64]| to_host(flow.forward(wide(x.to_vec(), [1, side * side]), None).0);
    for (by, moved) in [(patch, 1), (2 * patch, 2)] {
        let (before, after) = (z(&x), z(&shifted(&x, side, by)));
        for (s, scale) in config.scales().iter().enumerate() {
            let left = scale.rows / 2;
            let parts = before[scale.latents.clone()].chunks(left * left);
            let expected: Vec<f64> = parts.flat_map(|part| shifted(part, left, by >> (s + 1))).collect();
            let changes = expected.iter().zip(&after[scale.latents.clone()]).map(|(a, b)| (a - b).abs());
            let most = changes.fold(0.0, f64::max);
            assert_eq!(most < 1e-12, s < moved, "scale {s}, shift by {by}: {most:e}");
            if s + 1 == moved {
                break;
            }
        }
    }
}

/// Scales and shifts fit the fields: the latents of a field without correlations are standard normal from the start.
#[test]
fn means_and_differences_are_normalized() {
    for (rows, columns) in [(4, 4), (6, 2)] {
        let n = rows * columns;
        let x = Noise::new(2, "fields").normal([20_000, n], (&Device::flex(), DType::F64)) * 0.5 + 3.0;
        let z = wide_flow(&flow(&config(rows, columns)), 0.0, 0).fitted(x.clone(), None).forward(x, None).0;
        for column in to_host(z.transpose()).chunks(20_000) {
            let (mean, variance) = gibbs_core::math::mean_and_variance(column);
            // Five standard errors: 1/√20000 of a mean, √2/√20000 of a variance.
            assert!(mean.abs() < 0.036 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
        }
    }
}

/// `Σ_<xy> (φ_x - φ_y)² + m² Σ φ_x²` on a periodic lattice of 4 by 4 sites has `ln Z = ½ Σ_k ln(π/(m² + k²))`, with
/// `k² = 4 sin²(q_1/2) + 4 sin²(q_2/2)` of each mode.
#[test]
fn a_gaussian_field_is_learned() {
    let (side, mass) = (4, 1.0);
    let momentum = |q: usize| 4.0 * (std::f64::consts::PI * q as f64 / side as f64).sin().powi(2);
    let modes = (0..side * side).map(|k| mass + momentum(k / side) + momentum(k % side));
    let log_z: f64 = modes.map(|stiffness| 0.5 * (std::f64::consts::PI / stiffness).ln()).sum();
    let energy = |x: Tensor<2>| {
        let shifted = |rows: usize, columns: usize| {
            let from: Vec<usize> = (0..side * side)
                .map(|site| (site / side + rows) % side * side + (site % side + columns) % side)
                .collect();
            gibbs_core::columns::select(x.clone(), &from)
        };
        let differences = [shifted(0, 1), shifted(1, 0)].map(|next| (x.clone() - next).powi_scalar(2));
        let [right, below] = differences;
        (right + below + x.clone().powi_scalar(2) * mass).sum_dim(1).squeeze_dim::<1>(1)
    };
    let hierarchy = HierarchyConfig::new(side, side)
        .with_n_layers(2)
        .with_patch(2)
        .with_couplings(4)
        .with_n_hidden(Widths::Many(Vec::new()));
    let config = flow(&hierarchy);
    let start = config.init(&Device::flex(), &mut Noise::new(0, "init")).unwrap();
    let fields = Noise::new(0, "fields").normal([512, side * side], &Device::flex()) * 0.4;
    let mut model = start.fitted(fields, None).train();
    let mut optimizer = ModuleOptimizer::from(Adam::default());
    let (steps, noise) = (3000, &mut Noise::new(0, "draws"));
    for step in 0..steps {
        let rate = 2e-2 * 0.5 * (1.0 + (std::f64::consts::PI * step as f64 / steps as f64).cos());
        let draws = model.sample(64, noise);
        let loss = path_gradient(draws, &model.clone().no_grad(), &energy).loss;
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(rate, model, gradients);
    }
    let model = model.valid();
    let x = model.sample(20_000, noise);
    let gaps = to_host(model.log_prob(x.clone()) + energy(x));
    let (mean, variance) = gibbs_core::math::mean_and_variance(&gaps);
    let (gap, error) = ((mean + log_z) / log_z.abs(), (variance / 20_000.0).sqrt() / log_z.abs());
    assert!(gap > -4.0 * error && gap + 4.0 * error < 1e-4, "gap {gap:e} +- {error:e} of ln Z = {log_z}");
}

#[test]
fn what_makes_no_hierarchy_is_named() {
    let message = |config: &HierarchyConfig| {
        flow(config).init(&Device::flex(), &mut Noise::new(0, "init")).unwrap_err().to_string()
    };
    let cases = [
        (config(5, 5), "rows and columns = 5 by 5: a hierarchy halves"),
        (config(1, 1), "rows and columns = 1 by 1"),
        (config(4, 4).with_n_layers(0), "n_layers = 0: must be at least 1"),
        (config(4, 4).with_patch(1), "patch = 1: must be at least 2"),
        (config(4, 4).with_couplings(1), "couplings = 1: must be at least 2"),
    ];
    for (config, expected) in cases {
        let found = message(&config);
        assert!(found.contains(expected), "{found}");
    }
    let few = FlowConfig::new(9, vec![LayerConfig::Hierarchy(config(4, 4))]);
    assert!(few.validate().unwrap_err().to_string().contains("rows times columns = 16: must be 9"));
    let given = FlowConfig::new(16, vec![LayerConfig::Hierarchy(config(4, 4))]).with_n_context(2);
    assert!(given.validate().unwrap_err().to_string().contains("n_context = 2: a hierarchy has no context"));
}
