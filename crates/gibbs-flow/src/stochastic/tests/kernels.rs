//! One layer alone.

use gibbs_testkit::{check_follows, check_gradient, check_mean};

use super::*;

/// Edges of the cells of a histogram along `x`.
const EDGES: [f64; 9] = [-1.2, -0.95, -0.7, -0.3, 0.3, 0.7, 0.9, 1.1, 1.3];

fn cell(x: f64) -> usize {
    EDGES.partition_point(|edge| *edge < x)
}

#[test]
fn kernels_with_rejections_leave_the_density_as_it_is() {
    let probs: Vec<f64> = (0..=EDGES.len()).map(|k| mean(|x| f64::from(u8::from(cell(x) == k)))).collect();
    let mut noise = Noise::new(0, "stationary");
    for kernel in &kernels()[..2] {
        for applications in [1, 6] {
            let mut x = draws(20_000, &mut noise);
            for _ in 0..applications {
                let before = Wells.energy(x.clone());
                let (next, entropy) = kernel.run(&Wells, x, &mut noise);
                let change = to_host(Wells.energy(next.clone()) - before);
                for (change, entropy) in change.into_iter().zip(to_host(entropy)) {
                    assert!(
                        (change - entropy).abs() < 1e-12 * change.abs().max(1.0),
                        "{entropy}, not {change}"
                    );
                }
                x = next;
            }
            let found: Vec<usize> = to_host(x).chunks(2).map(|x| cell(x[0])).collect();
            check_follows(&found, &probs);
        }
    }
}

/// `⟨e^(u(x) - u(x') + ΔS) f(x')⟩ = ⟨f⟩` for `x` from the density: the weight corrects whatever the kernel does.
#[test]
fn weights_correct_every_kernel() {
    let mut noise = Noise::new(1, "weights");
    for kernel in kernels() {
        let x = draws(40_000, &mut noise);
        let before = Wells.energy(x.clone());
        let (next, entropy) = kernel.run(&Wells, x, &mut noise);
        let weights = to_host((before - Wells.energy(next.clone()) + entropy).exp());
        let ends = to_host(next);
        let moment = |expected: f64, f: fn(&[f64]) -> f64| {
            let values: Vec<f64> = weights.iter().zip(ends.chunks(2)).map(|(w, x)| w * f(x)).collect();
            check_mean(&values, expected);
        };
        // Weights of kernels in detailed balance are exactly 1, which has no spread.
        if matches!(kernel, Kernel::Langevin { .. }) {
            moment(1.0, |_| 1.0);
            assert!(
                weights.iter().any(|weight| (weight - 1.0).abs() > 0.01),
                "steps without an error test nothing"
            );
        }
        moment(mean(|x| x), |x| x[0]);
        moment(mean(|x| x * x), |x| x[0] * x[0]);
        moment(mean(|x| x.powi(4)), |x| x[0].powi(4));
        moment(1.0 / 1.4, |x| x[1] * x[1]);
    }
}

/// Along the path with its decisions held fixed, by autodiff of first order through steps along the gradient.
#[test]
fn gradients_through_paths_are_those_of_finite_differences() {
    let n = 5;
    for kernel in kernels() {
        let flow = mixed(kernel);
        let z = to_host(normal(n, &mut Noise::new(2, "z")));
        let cost = |flow: &StochasticFlow, z: Tensor<2>| {
            let paths = flow.paths_from(z, &Wells, &mut Noise::new(3, "path"));
            (paths.log_q + paths.energy).sum()
        };
        let at = wide(z.clone(), [n, 2]).autodiff().require_grad();
        let gradients = cost(&flow.clone().fork(&Device::flex().autodiff()), at.clone()).backward();
        let slope = to_host(at.grad(&gradients).unwrap());
        check_gradient(&slope, &z, 1e-6, |z| to_host(cost(&flow, wide(z.to_vec(), [n, 2])))[0]);
    }
}

#[test]
fn the_slope_between_base_and_target_is_that_of_its_energy() {
    let x = to_host(normal(4, &mut Noise::new(4, "x")));
    for lambda in [0.0, 0.3, 1.0] {
        let between = Interpolated::new(&Wells, lambda);
        let slope = to_host(between.slope(wide(x.clone(), [4, 2])));
        check_gradient(&slope, &x, 1e-7, |x| to_host(between.energy(wide(x.to_vec(), [4, 2])).sum())[0]);
    }
    let (ends, base) = (wide(x.clone(), [4, 2]), Interpolated::new(&Wells, 0.0));
    let expected = row_sums(ends.clone() * ends.clone()) * 0.5 + std::f64::consts::TAU.ln();
    for (found, expected) in to_host(base.energy(ends)).into_iter().zip(to_host(expected)) {
        assert!((found - expected).abs() < 1e-13, "{found}, not {expected}");
    }
}
