//! Random numbers from the words of a stream.

use std::marker::PhantomData;

use super::real::{at_least, at_most, exp_moderate};
use super::{Isa, Kernel, in_pieces, run};
use crate::noise::normal::quantile;
use crate::noise::philox::{Block, Cursor, WORDS};

/// Computes a draw from a number `x` and a word. `draw` must be `#[inline(always)]`.
pub(crate) trait Draw<T> {
    fn draw<I: Isa>(x: T, word: u32) -> T;
}

/// Replaces each number by a draw. The words start at the cursor, one for each number.
pub(crate) fn draw<D: Draw<T>, T: Copy + Send>(x: &mut [T], cursor: Cursor) {
    in_pieces(x, 1, 1, |start, x| {
        run(Draws::<D, T> { x, cursor: cursor.advanced(start), draw: PhantomData })
    });
}

struct Draws<'a, D, T> {
    x: &'a mut [T],
    cursor: Cursor,
    draw: PhantomData<D>,
}

impl<D: Draw<T>, T: Copy> Kernel for Draws<'_, D, T> {
    /// Generates the words in groups that fit into the first-level cache.
    #[inline(always)]
    fn run<I: Isa>(self) {
        const BLOCKS: usize = 128;
        let philox = self.cursor.philox();
        let (mut block, mut skip) = self.cursor.block();
        let mut buffer: [Block; BLOCKS] = [[0; 2]; BLOCKS];
        let mut rest = self.x;
        while !rest.is_empty() {
            let (x, after) = rest.split_at_mut(rest.len().min(BLOCKS * WORDS - skip));
            // Whole vectors of blocks. The rest of the last vector is not used.
            let needed = (skip + x.len()).div_ceil(WORDS).next_multiple_of(16).min(BLOCKS);
            for (index, slot) in buffer[..needed].iter_mut().enumerate() {
                *slot = philox.block(block.wrapping_add(index as u64));
            }
            block = block.wrapping_add(BLOCKS as u64);
            let pairs = buffer.as_flattened_mut();
            if cfg!(target_endian = "big") {
                pairs.iter_mut().for_each(|pair| *pair = pair.rotate_left(32));
            }
            let words: &[u32] = bytemuck::cast_slice(pairs);
            for (x, &word) in x.iter_mut().zip(&words[skip..]) {
                *x = D::draw::<I>(*x, word);
            }
            (rest, skip) = (after, 0);
        }
    }
}

/// `Name: |x, word| expression for f32; expression for f64;`
macro_rules! draws {
    ($($(#[$doc:meta])* $name:ident: |$x:pat_param, $word:ident| $single:expr; $double:expr;)*) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl Draw<f32> for $name {
            #[inline(always)]
            fn draw<I: Isa>($x: f32, $word: u32) -> f32 {
                $single
            }
        }

        impl Draw<f64> for $name {
            #[inline(always)]
            fn draw<I: Isa>($x: f64, $word: u32) -> f64 {
                $double
            }
        }
    )*};
}

draws! {
    /// Uniform on `[0, 1)`.
    Uniform: |_, word| uniform_f32(word); uniform_f64(word);
    /// One bit less than `Uniform` in f32: the rounded product with any number is below that number.
    Coarse: |_, word| uniform_f32(word & !0x1FF); uniform_f64(word);
    /// Standard normal.
    Normal: |_, word| quantile(word) as f32; quantile(word);
    /// The bit `u < x`.
    Probs: |x, word| bit(uniform_f32(word) < x); bit(uniform_f64(word) < x).into();
    /// The bit `u < 1/(1 + exp(-x))`, without a division: `u·(1 + exp(-x)) < 1`. If the probability underflows, the exponential
    /// is infinite and the bit is 0, also for `u = 0`.
    Logits: |x, word| {
        let u = uniform_f32(word);
        bit(I::mul_add(u, exp_moderate::<I>(at_most(at_least(-x, -87.0), 89.0)), u) < 1.0)
    }; bit(uniform_f64(word) * (1.0 + (-x).exp()) < 1.0).into();
}

/// The word itself.
pub(crate) struct Word;

impl Draw<u32> for Word {
    #[inline(always)]
    fn draw<I: Isa>(_: u32, word: u32) -> u32 {
        word
    }
}

/// The upper 24 bits of a word as a number in `[0, 1)`.
#[inline(always)]
pub(crate) fn uniform_f32(word: u32) -> f32 {
    const SPACING: f32 = 1.0 / 16_777_216.0;
    (word >> 8) as i32 as f32 * SPACING
}

/// A word as a number in `[0, 1)`.
#[inline(always)]
pub(crate) fn uniform_f64(word: u32) -> f64 {
    const SPACING: f64 = 1.0 / 4_294_967_296.0;
    f64::from(word) * SPACING
}

#[inline(always)]
fn bit(set: bool) -> f32 {
    if set { 1.0 } else { 0.0 }
}
