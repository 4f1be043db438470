//! Vectors of the numbers of a panel.

use crate::kernel::Isa;
use crate::kernel::functions::Map;
use crate::kernel::real::{Number, Real};

/// Hidden units in a panel.
pub(super) const WIDTH: usize = 64;

/// Number of partial sums in a sum over the units of a line.
const LANES: usize = 16;

/// One number for each unit of a panel. Numbers beyond the last unit are not used.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Line<T>(pub(super) [T; WIDTH]);

impl<T: Number> Line<T> {
    pub(super) fn zero() -> Self {
        Self([T::default(); WIDTH])
    }

    /// The values, followed by zeros.
    #[inline(always)]
    pub(super) fn read(values: &[T]) -> Self {
        let mut line = Self::zero();
        line.0[..values.len()].copy_from_slice(values);
        line
    }

    /// Adds `factor·line`.
    #[inline(always)]
    pub(super) fn add_multiple<I: Isa>(&mut self, factor: T, line: &Self) {
        for (sum, value) in self.0.iter_mut().zip(&line.0) {
            *sum = T::lower::<I>(value.lift::<I>().mul_add(factor.lift::<I>(), sum.lift::<I>()));
        }
    }

    /// Adds the products of the elements.
    #[inline(always)]
    pub(super) fn add_products<I: Isa>(&mut self, a: &Self, b: &Self) {
        for ((sum, a), b) in self.0.iter_mut().zip(&a.0).zip(&b.0) {
            *sum = T::lower::<I>(a.lift::<I>().mul_add(b.lift::<I>(), sum.lift::<I>()));
        }
    }

    /// The function of each element.
    #[inline(always)]
    pub(super) fn map<I: Isa, F: Map>(&self) -> Self {
        let mut line = *self;
        for value in &mut line.0 {
            *value = T::lower::<I>(F::value(value.lift::<I>()));
        }
        line
    }

    /// The derivative of the function, from its results or arguments.
    #[inline(always)]
    pub(super) fn derivative<I: Isa, F: Map>(&self) -> Self {
        let mut line = *self;
        for value in &mut line.0 {
            *value = T::lower::<I>(F::derivative(value.lift::<I>()));
        }
        line
    }
}

/// Partial sums over units.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Lanes<T>([T; LANES]);

impl<T: Number> Lanes<T> {
    pub(super) fn zero() -> Self {
        Self([T::default(); LANES])
    }

    /// Adds the products of the elements.
    #[inline(always)]
    pub(super) fn add_products<I: Isa>(&mut self, a: &Line<T>, b: &Line<T>) {
        let mut sums = self.0;
        for (a, b) in a.0.chunks_exact(LANES).zip(b.0.chunks_exact(LANES)) {
            for lane in 0..LANES {
                let (a, b) = (a[lane].lift::<I>(), b[lane].lift::<I>());
                sums[lane] = T::lower::<I>(a.mul_add(b, sums[lane].lift::<I>()));
            }
        }
        self.0 = sums;
    }

    /// The sum of the lanes. Each step halves their number.
    #[inline(always)]
    pub(super) fn total<I: Isa>(mut self) -> T {
        let mut width = LANES / 2;
        while width > 0 {
            for lane in 0..width {
                self.0[lane] = T::lower::<I>(self.0[lane].lift::<I>() + self.0[lane + width].lift::<I>());
            }
            width /= 2;
        }
        self.0[0]
    }
}
