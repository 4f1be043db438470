use gibbs_backend::Noise;
use gibbs_testkit::{check_follows, draw_states};

use super::*;

/// `[512, 512]`: the probabilities to go from each state to each other by one update of spin `i`.
fn update(hamiltonian: &Pairwise, beta: f64, rule: Rule, i: usize) -> Vec<Vec<f64>> {
    let n = hamiltonian.n_spins();
    let mut matrix = vec![vec![0.0; 1 << n]; 1 << n];
    for (from, spins) in states(n).iter().enumerate() {
        let flip = rule.flip_probability(beta, hamiltonian.flip_cost(spins, i));
        matrix[from][from ^ 1 << i] = flip;
        matrix[from][from] = 1.0 - flip;
    }
    matrix
}

/// The distribution after a sweep in the given order.
fn after_sweep(
    hamiltonian: &Pairwise,
    beta: f64,
    rule: Rule,
    order: &[usize],
    mut distribution: Vec<f64>,
) -> Vec<f64> {
    for i in order {
        let matrix = update(hamiltonian, beta, rule, *i);
        let from_both = |to: usize| {
            distribution[to] * matrix[to][to] + distribution[to ^ 1 << i] * matrix[to ^ 1 << i][to]
        };
        distribution = (0..distribution.len()).map(from_both).collect();
    }
    distribution
}

#[test]
fn single_updates_are_in_detailed_balance() {
    for (system, beta) in [(torus(3, 1.0, 0.0), 0.44), (torus(3, -1.0, 0.7), 1.0), (glass(), 2.0)] {
        let distribution = distribution(&system, beta);
        for rule in [Rule::HeatBath, Rule::Metropolis] {
            for i in 0..9 {
                let matrix = update(&system, beta, rule, i);
                for (from, row) in matrix.iter().enumerate() {
                    let to = from ^ 1 << i;
                    let (there, back) = (distribution[from] * row[to], distribution[to] * matrix[to][from]);
                    assert!(row[to] > 0.0 && (there - back).abs() < 1e-13 * there, "{there} {back}");
                }
            }
            let order: Vec<usize> = (0..9).collect();
            for (before, after) in
                distribution.iter().zip(after_sweep(&system, beta, rule, &order, distribution.clone()))
            {
                assert!((before - after).abs() < 1e-14);
            }
        }
    }
}

/// What the code does is what the matrices say.
#[test]
fn sweeps_from_one_state_follow_their_transition_matrix() {
    let (system, beta) = (glass(), 0.5);
    let start = states(9)[77].clone();
    let certain: Vec<f64> = (0..512).map(|state| if state == 77 { 1.0 } else { 0.0 }).collect();
    let mut noise = Noise::new(2, "chains");
    for rule in [Rule::HeatBath, Rule::Metropolis] {
        let chain = Sweep::new(&system, beta, rule).unwrap();
        let ends: Vec<usize> = (0..20_000).map(|_| index(&chain.step(start.clone(), &mut noise))).collect();
        check_follows(&ends, &after_sweep(&system, beta, rule, &chain.colors().concat(), certain.clone()));
    }
    let chain = HeatBath64::new(&system, beta).unwrap();
    let state = chain.pack(std::slice::from_ref(&start));
    let ends: Vec<usize> = (0..320)
        .flat_map(|_| {
            let end = chain.step(state.clone(), &mut noise);
            (0..REPLICAS).map(|r| index(&chain.unpack(&end, r))).collect::<Vec<_>>()
        })
        .collect();
    let order: Vec<usize> = (0..9).collect();
    check_follows(&ends, &after_sweep(&system, beta, Rule::HeatBath, &order, certain));
}

/// The probability of each cluster by summing over all sets of active bonds: rows of the transition matrix of Wolff's
/// update, in detailed balance and followed by the code.
#[test]
fn clusters_are_in_detailed_balance() {
    let beta = 0.3;
    let system = ising(&Lattice::square(2, Boundary::Open).unwrap(), 1.0, 0.0).unwrap();
    let bonds: Vec<_> = system.bonds().collect();
    let mut matrix = vec![vec![0.0; 16]; 16];
    for (from, spins) in states(4).iter().enumerate() {
        for active in 0..1 << bonds.len() {
            let (mut chance, mut label) = (1.0, [0, 1, 2, 3]);
            for (b, (i, j, coupling)) in bonds.iter().enumerate() {
                let join = if spins[*i] == spins[*j] { 1.0 - (-2.0 * beta * coupling).exp() } else { 0.0 };
                if active >> b & 1 == 1 {
                    chance *= join;
                    let (old, new) = (label[*i], label[*j]);
                    label = label.map(|l| if l == old { new } else { l });
                } else {
                    chance *= 1.0 - join;
                }
            }
            for seed in 0..4 {
                let cluster: usize = (0..4).map(|i| usize::from(label[i] == label[seed]) << i).sum();
                matrix[from][from ^ cluster] += 0.25 * chance;
            }
        }
    }
    let distribution = distribution(&system, beta);
    for (from, row) in matrix.iter().enumerate() {
        for (to, chance) in row.iter().enumerate() {
            assert!((distribution[from] * chance - distribution[to] * matrix[to][from]).abs() < 1e-15);
        }
    }
    let chain = Wolff::new(&system, beta).unwrap();
    let mut noise = Noise::new(3, "chains");
    for from in [0, 3, 6, 7] {
        let start = states(4)[from].clone();
        let ends: Vec<usize> = (0..20_000).map(|_| index(&chain.step(start.clone(), &mut noise))).collect();
        check_follows(&ends, &matrix[from]);
    }
}

/// With the product of the distributions, and as often as the distributions say.
#[test]
fn exchanges_are_in_detailed_balance() {
    let system = ising(&Lattice::square(2, Boundary::Open).unwrap(), 1.0, 0.3).unwrap();
    let betas = [0.2, 0.7];
    let chain = ParallelTempering::new(&system, &betas, Rule::HeatBath).unwrap();
    let [hot, cold] = betas.map(|beta| distribution(&system, beta));
    let states = states(4);
    let energies: Vec<f64> = states.iter().map(|spins| system.energy_of(spins)).collect();
    let mut expected = 0.0;
    for s in 0..16 {
        for t in 0..16 {
            let there = hot[s] * cold[t] * chain.exchange_probability(0, [energies[s], energies[t]]);
            let back = hot[t] * cold[s] * chain.exchange_probability(0, [energies[t], energies[s]]);
            assert!((there - back).abs() < 1e-14 * there, "{there} {back}");
            expected += there;
        }
    }
    let (n, mut noise) = (20_000, Noise::new(4, "chains"));
    let starts = [&hot, &cold].map(|distribution| draw_states(distribution, n, &mut noise));
    let accepted: Vec<usize> = (0..n)
        .map(|i| {
            let ladder = chain.ladder(vec![states[starts[0][i]].clone(), states[starts[1][i]].clone()]);
            chain.step(ladder, &mut noise).accepted[0] as usize
        })
        .collect();
    check_follows(&accepted, &[1.0 - expected, expected]);
}
