//! A product of small matrices in registers.

use super::Isa;
use super::real::{Number, Real};

/// Columns of a tile.
pub(super) const LANES: usize = 16;

/// Rows of a tile: as many as keep the multipliers busy with 16 registers of eight numbers.
pub(super) const TALL: usize = 4;

/// The same for 32 registers of sixteen numbers.
pub(super) const TALLER: usize = 8;

/// Where a tile reads its factors: `a` of row `i` and step `k` at `i·row + k·step`, the lanes of step `k` at `k·stride`.
pub(super) struct Factors<T> {
    pub(super) a: *const T,
    pub(super) row: usize,
    pub(super) step: usize,
    pub(super) lanes: *const T,
    pub(super) stride: usize,
    pub(super) depth: usize,
}

/// `sums_i + Σ_k a_ik·lanes_k` for `N` rows `i`. The order of the sum does not depend on the number of rows.
///
/// # Safety
///
/// All numbers that the factors describe must be readable.
#[inline(always)]
pub(super) unsafe fn tile<I: Isa, T: Number, const N: usize>(
    mut sums: [[T; LANES]; N],
    factors: &Factors<T>,
) -> [[T; LANES]; N] {
    for k in 0..factors.depth {
        // SAFETY: the caller guarantees it.
        let lanes = unsafe { &*factors.lanes.add(k * factors.stride).cast::<[T; LANES]>() };
        for (i, sums) in sums.iter_mut().enumerate() {
            // SAFETY: the caller guarantees it.
            let a = unsafe { *factors.a.add(i * factors.row + k * factors.step) };
            for (sum, lane) in sums.iter_mut().zip(lanes) {
                *sum = T::lower::<I>(lane.lift::<I>().mul_add(a.lift::<I>(), sum.lift::<I>()));
            }
        }
    }
    sums
}
