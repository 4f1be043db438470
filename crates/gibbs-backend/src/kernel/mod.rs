//! Loops over numbers with SIMD and threads.
//!
//! A [`Kernel`] is Rust code that is compiled three times: for AVX-512, for AVX2 with fused multiply-add, and for the baseline
//! of the target. [`run`] selects one of them at run time by the features of the processor.

#![allow(
    unsafe_code,
    reason = "calls into functions compiled for an instruction set; uninitialized output buffers"
)]

#[cfg(feature = "flex")]
pub(crate) mod adam;
#[cfg(feature = "flex")]
pub(crate) mod affine;
#[cfg(feature = "flex")]
pub(crate) mod combination;
#[cfg(feature = "flex")]
pub(crate) mod convolution;
#[cfg(feature = "flex")]
pub(crate) mod dense;
pub(crate) mod draws;
pub(crate) mod functions;
pub(crate) mod loops;
#[cfg(feature = "flex")]
pub(crate) mod masked;
#[cfg(feature = "flex")]
pub(crate) mod matrix;
#[cfg(feature = "flex")]
pub(crate) mod network;
#[cfg(feature = "flex")]
pub(crate) mod prefix;
#[cfg(feature = "flex")]
pub(crate) mod products;
pub(crate) mod real;
#[cfg(feature = "flex")]
pub(crate) mod scaling;
#[cfg(feature = "flex")]
pub(crate) mod spline;
#[cfg(feature = "flex")]
mod tile;

use std::mem::MaybeUninit;

use crate::parallel::*;

/// Work that is compiled for several instruction sets. `run` and all functions that it calls must be `#[inline(always)]`,
/// otherwise the calls use the baseline.
pub(crate) trait Kernel {
    fn run<I: Isa>(self);
}

/// Arithmetic of an instruction set in f32.
pub(crate) trait Isa: Copy + Send + Sync + 'static {
    /// Whether there are 32 registers of 16 numbers.
    const IS_WIDE: bool = false;

    /// `a·b + c`
    fn mul_add(a: f32, b: f32, c: f32) -> f32;
    /// `a/b`, possibly not correctly rounded, and the remainder of `a`. `inverse` is `1/b`.
    fn divide(a: f32, b: f32, inverse: f32) -> (f32, f32);
}

/// With fused multiply-add instructions.
#[derive(Clone, Copy)]
pub(crate) struct Fused;

/// With fused multiply-add instructions and the registers of AVX-512.
#[derive(Clone, Copy)]
pub(crate) struct Wide;

/// With separate instructions; a fused operation would be a library call.
#[derive(Clone, Copy)]
pub(crate) struct Separate;

impl Isa for Fused {
    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }

    #[inline(always)]
    fn divide(a: f32, b: f32, inverse: f32) -> (f32, f32) {
        let quotient = a * inverse;
        (quotient, b.mul_add(-quotient, a))
    }
}

impl Isa for Wide {
    const IS_WIDE: bool = true;

    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        Fused::mul_add(a, b, c)
    }

    #[inline(always)]
    fn divide(a: f32, b: f32, inverse: f32) -> (f32, f32) {
        Fused::divide(a, b, inverse)
    }
}

impl Isa for Separate {
    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        a * b + c
    }

    #[inline(always)]
    fn divide(a: f32, b: f32, _: f32) -> (f32, f32) {
        let quotient = a / b;
        let remainder = f64::from(a) - f64::from(b) * f64::from(quotient);
        (quotient, remainder as f32)
    }
}

/// The baseline of the target. On 64-bit ARM it includes vectors and fused multiply-add.
#[cfg(target_arch = "aarch64")]
type Baseline = Fused;
#[cfg(not(target_arch = "aarch64"))]
type Baseline = Separate;

/// Runs a kernel on the best instruction set of this processor.
pub(crate) fn run<K: Kernel>(kernel: K) {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("fma")
        {
            // SAFETY: the processor has every feature the function is compiled for.
            return unsafe { run_avx512(kernel) };
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the processor has both features the function is compiled for.
            return unsafe { run_avx2(kernel) };
        }
    }
    kernel.run::<Baseline>();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,fma")]
fn run_avx512<K: Kernel>(kernel: K) {
    kernel.run::<Wide>();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2<K: Kernel>(kernel: K) {
    kernel.run::<Fused>();
}

/// Numbers in one task of a thread. With fewer than two tasks a single thread is faster.
const PIECE: usize = 1 << 13;

/// Calls `work` on pieces of `out`, with the index of the first element of each. Long slices use all threads.
///
/// Each element of `out` costs as much as `weight` numbers. Pieces begin at multiples of `unit`.
pub(crate) fn in_pieces<T: Send>(
    out: &mut [T],
    unit: usize,
    weight: usize,
    work: impl Fn(usize, &mut [T]) + Sync,
) {
    let piece = (PIECE / weight.max(1)).max(1).next_multiple_of(unit.max(1));
    if out.len() < 2 * piece {
        work(0, out);
    } else {
        out.par_chunks_mut(piece).enumerate().for_each(|(index, part)| work(index * piece, part));
    }
}

/// A vector of `n` elements that `work` writes in pieces. The memory is not set to zero first.
///
/// # Safety
///
/// `work` must initialize all elements of its pieces.
unsafe fn written_in_pieces<T: Send>(n: usize, work: impl Fn(usize, &mut [MaybeUninit<T>]) + Sync) -> Vec<T> {
    let mut out = Vec::with_capacity(n);
    in_pieces(&mut out.spare_capacity_mut()[..n], 1, 1, work);
    // SAFETY: the capacity is at least n, and the caller guarantees that the first n elements are initialized.
    unsafe { out.set_len(n) };
    out
}

#[cfg(test)]
mod tests;
