//! Configurations of spins ±1 on the host.

use gibbs_backend::Noise;

/// `n` spins, up or down with probability 1/2. One 64-bit word makes 64 of them.
pub(crate) fn fair_spins(n: usize, noise: &mut Noise) -> Vec<i8> {
    let mut words = vec![0; n.div_ceil(64)];
    noise.fill_u64(&mut words);
    (0..n).map(|i| if words[i / 64] >> (i % 64) & 1 == 1 { 1 } else { -1 }).collect()
}
