use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_core::math::to_host;
use gibbs_testkit::check_stationary;

use super::*;

/// Checks that `step`, of all rows together, leaves `distribution` unchanged. Rows are states of `width` spins in the order of
/// [`states`].
fn check(distribution: &[f64], width: usize, mut step: impl FnMut(Vec<Vec<i8>>, &mut Noise) -> Vec<Vec<i8>>) {
    let states: Vec<Vec<f64>> =
        states(width).iter().map(|s| s.iter().map(|x| f64::from(*x)).collect()).collect();
    let device = Device::flex();
    check_stationary(distribution, &states, &device, 6400, &mut Noise::new(1, "chains"), |x, noise| {
        let shape = x.dims();
        let rows: Vec<Vec<i8>> =
            to_host(x).chunks(width).map(|row| row.iter().map(|s| *s as i8).collect()).collect();
        let moved: Vec<f32> = step(rows, noise).concat().into_iter().map(f32::from).collect();
        Tensor::from_data(TensorData::new(moved, shape), &device)
    });
}

fn check_chain<C: Chain<State = Vec<i8>>>(hamiltonian: &Pairwise, chain: &C) {
    let distribution = distribution(hamiltonian, chain.betas()[0]);
    check(&distribution, hamiltonian.n_spins(), |rows, noise| {
        rows.into_iter().map(|spins| chain.step(spins, noise)).collect()
    });
}

#[test]
fn sweeps_keep_the_canonical_distribution() {
    for (system, beta) in [(torus(3, 1.0, 0.0), 0.4), (torus(3, -1.0, 0.5), 0.6), (glass(), 0.8)] {
        for rule in [Rule::HeatBath, Rule::Metropolis] {
            check_chain(&system, &Sweep::new(&system, beta, rule).unwrap());
        }
    }
}

#[test]
fn clusters_keep_the_canonical_distribution() {
    let system = torus(3, 1.0, 0.0);
    for beta in [0.2, 0.4] {
        check_chain(&system, &Wolff::new(&system, beta).unwrap());
    }
    let bonds = glass().bonds().map(|(i, j, _)| (i, j, 0.1 + (i * j % 5) as f64)).collect::<Vec<_>>();
    let uneven = Pairwise::from_bonds(bonds, vec![0.0; 9]).unwrap();
    check_chain(&uneven, &Wolff::new(&uneven, 0.25).unwrap());
}

#[test]
fn the_heat_bath_in_bits_keeps_the_canonical_distribution() {
    for (system, beta) in [(torus(3, 1.0, 0.0), 0.4), (torus(3, -1.0, 0.5), 0.6), (glass(), 0.8)] {
        let chain = HeatBath64::new(&system, beta).unwrap();
        check(&distribution(&system, beta), 9, |rows, noise| {
            rows.chunks(REPLICAS)
                .flat_map(|group| {
                    let state = chain.step(chain.pack(group), noise);
                    (0..group.len()).map(move |r| (r, state.clone())).collect::<Vec<_>>()
                })
                .map(|(r, state)| chain.unpack(&state, r))
                .collect()
        });
    }
}

/// Two replicas of four spins: a state of eight.
#[test]
fn exchanges_keep_the_product_of_the_distributions() {
    let system = ising(&Lattice::square(2, Boundary::Open).unwrap(), 1.0, 0.3).unwrap();
    let betas = [0.2, 0.7];
    let distributions = betas.map(|beta| distribution(&system, beta));
    let product: Vec<f64> =
        (0..256).map(|state| distributions[0][state % 16] * distributions[1][state / 16]).collect();
    for rule in [Rule::HeatBath, Rule::Metropolis] {
        let chain = ParallelTempering::new(&system, &betas, rule).unwrap();
        check(&product, 8, |rows, noise| {
            let step = |spins: Vec<i8>| {
                let ladder = chain.ladder(vec![spins[..4].to_vec(), spins[4..].to_vec()]);
                chain.step(ladder, noise).replicas.concat()
            };
            rows.into_iter().map(step).collect()
        });
    }
}
