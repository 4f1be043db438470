use super::*;
use crate::KnownDensity;

/// Cells of side `SIDE` on `[-7, 7)²` and the sum of `density · area` over each.
const SIDE: f64 = 0.5;
const CELLS: usize = 28;

fn cell([x, y]: [f64; 2]) -> Option<usize> {
    let place = |x: f64| ((x + 7.0) / SIDE).floor();
    let (column, row) = (place(x), place(y));
    let inside = |k: f64| (0.0..CELLS as f64).contains(&k);
    (inside(column) && inside(row)).then(|| row as usize * CELLS + column as usize)
}

fn masses(density: &PlaneDensity) -> Vec<f64> {
    const FINE: usize = 10;
    let step = SIDE / FINE as f64;
    let mut masses = vec![0.0; CELLS * CELLS];
    for (index, mass) in masses.iter_mut().enumerate() {
        let corner = |k: usize| k as f64 * SIDE - 7.0;
        for i in 0..FINE * FINE {
            let x = corner(index % CELLS) + (i % FINE) as f64 * step + step / 2.0;
            let y = corner(index / CELLS) + (i / FINE) as f64 * step + step / 2.0;
            *mass += density.log_prob(&[x as f32, y as f32]).exp() * step * step;
        }
    }
    masses
}

#[test]
fn densities_integrate_to_one_and_samples_follow_them() {
    const N: usize = 40_000;
    Plane::ALL.into_par_iter().for_each(|set| {
        let masses = masses(&PlaneDensity::new(set));
        let total: f64 = masses.iter().sum();
        assert!((total - 1.0).abs() < 1e-4, "{set}: the density integrates to {total}");

        let mut counts = vec![0usize; masses.len()];
        let mut outside = 0;
        for point in set.generate(N, 5).chunks(2) {
            match cell([f64::from(point[0]), f64::from(point[1])]) {
                Some(index) => counts[index] += 1,
                None => outside += 1,
            }
        }
        assert_eq!(outside, 0, "{set}");
        let (mut chi2, mut degrees, mut rest, mut rest_count) = (0.0, 0.0, 0.0, 0.0);
        for (&count, mass) in counts.iter().zip(masses) {
            let expected = mass * N as f64;
            if expected < 10.0 {
                rest += expected;
                rest_count += count as f64;
            } else {
                chi2 += (count as f64 - expected).powi(2) / expected;
                degrees += 1.0;
            }
        }
        if rest > 10.0 {
            chi2 += (rest_count - rest).powi(2) / rest;
            degrees += 1.0;
        } else {
            assert!(rest_count < rest + 5.0 * (rest + 1.0).sqrt(), "{set}: {rest_count} where {rest}");
        }
        let sigmas = (chi2 - (degrees - 1.0)) / (2.0 * (degrees - 1.0f64)).sqrt();
        assert!(sigmas.abs() < 4.0, "{set}: chi2 {chi2} for {degrees} cells");
    });
}

#[test]
fn entropies_are_the_mean_of_minus_log_prob() {
    const N: usize = 20_000;
    for set in Plane::ALL {
        let density = PlaneDensity::new(set);
        let log_probs: Vec<f64> = set.generate(N, 9).par_chunks(2).map(|x| density.log_prob(x)).collect();
        let mean = log_probs.iter().sum::<f64>() / N as f64;
        let variance = log_probs.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / N as f64;
        let (entropy, std_err) = (density.entropy(), (variance / N as f64).sqrt());
        assert!((mean + entropy).abs() <= 4.0 * std_err + 1e-9, "{set}: {entropy}, {mean} ± {std_err}");
    }
    assert!((PlaneDensity::new(Plane::Checkerboard).entropy() - 32f64.ln()).abs() < 1e-12);
}

#[test]
fn entropies_do_not_depend_on_the_grid() {
    for (set, half_width, step) in [
        (Plane::EightGaussians, 6.0, 0.1),
        (Plane::Moons, 5.5, 0.07),
        (Plane::Rings, 4.5, 0.03),
        (Plane::Pinwheel, 8.0, 0.03),
    ] {
        let density = PlaneDensity::new(set);
        let (used, finer) = (density.entropy(), density.entropy_with(half_width, step));
        assert!((used - finer).abs() < 1e-6, "{set}: {used} {finer}");
    }
}

#[test]
fn points_are_the_same_for_any_number() {
    for set in Plane::ALL {
        let many = set.generate(1000, 3);
        assert_eq!(set.generate(10, 3), many[..20]);
        assert_ne!(set.generate(10, 4), many[..20]);
        assert_eq!(set.name().parse::<Plane>().unwrap(), set);
    }
}

#[test]
fn the_checkerboard_ends_at_its_edge() {
    let density = PlaneDensity::new(Plane::Checkerboard);
    assert!((density.log_prob(&[-4.0, -4.0]) + 32f64.ln()).abs() < 1e-12);
    for outside in [[4.0, 4.0], [-4.1, -4.1], [-3.0, -1.0], [9.0, 9.0]] {
        assert_eq!(density.log_prob(&outside), f64::NEG_INFINITY, "{outside:?}");
    }
}
