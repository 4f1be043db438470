//! Draws from couplings.

use anyhow::Result;
use gibbs_backend::Noise;
use gibbs_physics::{
    Hamiltonian, Pairwise,
    exact::{self, MAX_DRAWN},
    monte_carlo::{Chain, Rule, Sweep},
};
use rayon::prelude::*;

use super::Walk;

/// `n` configurations `[n, spins]` of `system` at `β = 1`, and how they were made: exactly where states are few, else by
/// heat-bath chains.
pub(super) fn draw(system: &Pairwise, n: usize, walk: Walk, noise: &Noise) -> Result<(Vec<i8>, String)> {
    if system.n_spins() <= MAX_DRAWN {
        let spins = exact::draw(system, 1.0, n, &mut noise.clone())?;
        return Ok((spins, "exact draws by enumeration".into()));
    }
    let chains = walk.chains.min(n);
    let sweep = Sweep::new(system, 1.0, Rule::HeatBath)?;
    let parts: Vec<Vec<i8>> = (0..chains)
        .into_par_iter()
        .map(|c| {
            let mut noise = noise.child(c.to_string());
            let mut state = sweep.init(&mut noise);
            state = sweep.run(state, walk.burn_in, &mut noise);
            let mut rows = Vec::new();
            for draw in (c..n).step_by(chains) {
                if draw >= chains {
                    state = sweep.run(state, walk.every, &mut noise);
                }
                rows.extend_from_slice(&state);
            }
            rows
        })
        .collect();
    let Walk { burn_in, every, .. } = walk;
    let how = format!("draws of {chains} heat-bath chains after {burn_in} sweeps, every {every}");
    Ok((parts.concat(), how))
}
