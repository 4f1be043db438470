use gibbs_core::{symmetry::Symmetry, variational::Draws};
use gibbs_testkit::{SIGMAS, check_mean};

use super::*;
use crate::{Boundary, Hamiltonian, Lattice, exact, ising};

#[test]
fn the_offset_is_that_of_quadrature_and_enumeration() {
    let antiferromagnet = ising(&Lattice::hypercubic(&[Axis::periodic(3)]).unwrap(), -0.4, 0.2).unwrap();
    let alone = Pairwise::from_bonds([], vec![0.7]).unwrap();
    for (spins, beta, margin) in [
        (alone, 1.3, 0.5),
        (glass(2), 1.5, 0.4),
        (glass(3), 1.2, 0.5),
        (antiferromagnet, 1.0, 0.7),
        (glass(3), 0.0, 0.5),
    ] {
        let dual = DualIsing::new(&spins, beta, margin).unwrap();
        // K has eigenvalues below 5 and above the margin: the fields lie within 5√3 + 8√5 and are smooth on a scale of
        // √margin.
        let log_z = grid_log_z(&dual, spins.n_spins(), 20.0, 0.5) + dual.log_z_offset();
        let enumerated = exact::enumerate(&spins, beta).unwrap().thermodynamics.log_z;
        // The error of the trapezoidal rule is exp(-2π² margin / step²) at most.
        let bound = 3.0 * (-2.0 * (std::f64::consts::PI / 0.5).powi(2) * margin).exp() + 1e-12;
        assert!((log_z - enumerated).abs() < bound, "{log_z} {enumerated} {bound}");
    }
}

#[test]
fn the_margin_is_the_smallest_eigenvalue() {
    let torus = ising(&Lattice::square(4, Boundary::Periodic).unwrap(), 1.0, 0.0).unwrap();
    let dual = DualIsing::new(&torus, 0.44, 0.1).unwrap();
    // The couplings of the torus have eigenvalues 2cos q + 2cos q', from -4 to 4.
    assert!((dual.shift() - (0.1 + 0.44 * 4.0)).abs() < 1e-12);
    let eigenvalues = DMatrix::from_row_slice(16, 16, dual.couplings()).symmetric_eigenvalues();
    assert!((eigenvalues.min() - 0.1).abs() < 1e-12 && (eigenvalues.max() - 0.1 - 0.44 * 8.0).abs() < 1e-12);
    let form = quadratic_form(&|x: Tensor<2>| dual.energy(x.clone()) + cosh_term(x), 16);
    let product = form * DMatrix::from_row_slice(16, 16, dual.couplings());
    assert!((product - DMatrix::identity(16, 16)).amax() < 1e-11);
}

/// `Σ_i ln 2cosh x_i`.
fn cosh_term(x: Tensor<2>) -> Tensor<1> {
    let values = to_host((x.clone().exp() + x.neg().exp()).log().sum_dim(1));
    tensor(values, 1).squeeze_dim(1)
}

/// Draws of the canonical distribution, `[n, spins]`.
fn exact_spins(spins: &Pairwise, beta: f64, n: usize) -> Tensor<2> {
    let draws = exact::draw(spins, beta, n, &mut Noise::new(2, "draws")).unwrap();
    tensor(draws.into_iter().map(f64::from).collect(), spins.n_spins())
}

/// `⟨s_i s_j⟩`, on the diagonal 1.
fn correlations(spins: &Pairwise, beta: f64) -> DMatrix<f64> {
    let n = spins.n_spins();
    let matrix = spins.matrix();
    let table: Vec<(f64, Vec<f64>)> = (0..1usize << n)
        .map(|state| {
            let s: Vec<f64> = (0..n).map(|i| if state >> i & 1 == 1 { 1.0 } else { -1.0 }).collect();
            let pairs: f64 = (0..n * n).map(|k| 0.5 * matrix[k] * s[k / n] * s[k % n]).sum();
            let single: f64 = spins.field().iter().zip(&s).map(|(h, s)| h * s).sum();
            ((beta * (pairs + single)).exp(), s)
        })
        .collect();
    let total: f64 = table.iter().map(|(weight, _)| weight).sum();
    DMatrix::from_fn(n, n, |i, j| table.iter().map(|(weight, s)| weight * s[i] * s[j]).sum::<f64>() / total)
}

#[test]
fn fields_of_exact_spins_have_their_covariance_and_give_the_spins_back() {
    let (spins, beta, count) = (glass(8), 1.2, 20_000);
    let dual = DualIsing::new(&spins, beta, 0.2).unwrap();
    let noise = &mut Noise::new(3, "dual");
    let fields = dual.fields(exact_spins(&spins, beta, count), noise);
    let again = dual.spins(fields.clone(), noise);
    let correlations = correlations(&spins, beta);
    let couplings = DMatrix::from_row_slice(8, 8, dual.couplings());
    let covariance = &couplings * &correlations * &couplings + &couplings;
    let (fields, again) = (to_host(fields), to_host(again));
    assert!(again.iter().all(|s| s.abs() == 1.0));
    for (i, j) in (0..64).map(|k| (k / 8, k % 8)).filter(|(i, j)| i <= j) {
        let products = |rows: &[f64]| rows.chunks(8).map(|row| row[i] * row[j]).collect::<Vec<_>>();
        check_mean(&products(&fields), covariance[(i, j)]);
        if i != j {
            check_mean(&products(&again), correlations[(i, j)]);
        }
    }
}

#[test]
fn spins_follow_their_conditional_distribution() {
    let spins = glass(3);
    let dual = DualIsing::new(&spins, 0.7, 0.3).unwrap();
    let x = [0.4, -1.1, 0.1];
    let rows = tensor(x.repeat(20_000), 3);
    let drawn = to_host(dual.spins(rows.clone(), &mut Noise::new(4, "spins")));
    let means = to_host(dual.spin_means(rows.narrow(0, 0, 1)));
    for i in 0..3 {
        assert!((means[i] - (x[i] + 0.7 * spins.field()[i]).tanh()).abs() < 1e-14);
        check_mean(&drawn.iter().skip(i).step_by(3).copied().collect::<Vec<_>>(), means[i]);
    }
}

#[test]
fn importance_sampling_of_the_fields_gives_the_torus() {
    let torus = ising(&Lattice::square(4, Boundary::Periodic).unwrap(), 1.0, 0.0).unwrap();
    let (beta, n, count) = (0.25, 16, 20_000);
    let dual = DualIsing::new(&torus, beta, 0.1).unwrap();
    // A Gaussian of the exact covariance.
    let couplings = DMatrix::from_row_slice(n, n, dual.couplings());
    let covariance = &couplings * correlations(&torus, beta) * &couplings + &couplings;
    let factor = Cholesky::new(covariance).expect("a covariance");
    let noise = &mut Noise::new(5, "importance");
    let normal = noise.normal([count, n], (&Device::flex(), DType::F64));
    let lower = tensor(factor.l().as_slice().to_vec(), n); // column by column: the transpose
    let x = normal.clone().matmul(lower);
    let log_q = to_host((normal.clone() * normal).sum_dim(1) * -0.5)
        .into_iter()
        .map(|square| square - 0.5 * (factor.ln_determinant() + n as f64 * std::f64::consts::TAU.ln()))
        .collect();
    let draws = Draws::new(log_q, to_host(dual.energy(x.clone())));
    let exact = exact::enumerate(&torus, beta).unwrap().thermodynamics;
    let log_z = draws.log_z().affine(1.0, dual.log_z_offset());
    assert!(log_z.std_err < 0.02 && (log_z.value - exact.log_z).abs() < SIGMAS * log_z.std_err, "{log_z}");
    let bound = draws.log_z_bound().affine(1.0, dual.log_z_offset());
    assert!(bound.value < exact.log_z, "{bound}");
    let energy = draws.average(&to_host(torus.energy(dual.spins(x, noise))));
    assert!(
        energy.std_err < 0.2 && (energy.value - exact.energy).abs() < SIGMAS * energy.std_err,
        "{energy}"
    );
}

#[test]
fn fields_have_the_symmetries_of_their_spins() {
    let lattice = Lattice::square(4, Boundary::Periodic).unwrap();
    let dual = DualIsing::new(&ising(&lattice, 1.0, 0.0).unwrap(), 0.44, 0.1).unwrap();
    let x = Noise::new(6, "fields").normal([3, 16], (&Device::flex(), DType::F64));
    let energies = to_host(dual.energy(x.clone()));
    for symmetry in lattice.symmetries().into_iter().chain([Symmetry::negation(16)]) {
        for (image, energy) in to_host(dual.energy(symmetry.apply(x.clone()))).into_iter().zip(&energies) {
            assert!((image - energy).abs() < 1e-11 * energy.abs());
        }
    }
}

#[test]
#[should_panic(expected = "the dual spin system has")]
fn fields_of_another_width_are_a_mistake() {
    DualIsing::new(&glass(3), 1.0, 0.1).unwrap().energy(tensor(vec![0.0; 4], 4));
}
