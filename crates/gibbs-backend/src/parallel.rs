//! Iterators that use all threads with the feature `rayon`, and one thread without.
//!
//! With the feature this module is rayon's prelude. Without it the same methods return sequential iterators, so that a crate
//! writes its loops once. The CPU backends switch the feature on.
//!
//! ```
//! use gibbs_backend::parallel::*;
//!
//! let squares: Vec<usize> = (0..4usize).into_par_iter().map(|n| n * n).collect();
//! assert_eq!(squares, [0, 1, 4, 9]);
//! ```

#[cfg(feature = "rayon")]
pub use rayon::{current_num_threads, prelude::*};

/// Does the work on one of the threads that share parallel loops. A loop in it starts at once; from another thread it would first be
/// handed over, which costs more than many small loops do.
pub fn on_worker<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    #[cfg(feature = "rayon")]
    return rayon::scope(|_| work());
    #[cfg(not(feature = "rayon"))]
    work()
}

#[cfg(not(feature = "rayon"))]
pub use sequential::*;

#[cfg(any(test, not(feature = "rayon")))]
#[cfg_attr(feature = "rayon", allow(dead_code, unreachable_pub, reason = "the tests compare it with rayon"))]
mod sequential {
    use std::slice;

    /// Number of threads: one.
    pub fn current_num_threads() -> usize {
        1
    }

    /// Iterates over a collection that it consumes.
    pub trait IntoParallelIterator: IntoIterator + Sized {
        /// The sequential iterator.
        fn into_par_iter(self) -> Self::IntoIter {
            self.into_iter()
        }
    }

    impl<I: IntoIterator> IntoParallelIterator for I {}

    /// Iterates over the elements or the chunks of a slice.
    pub trait ParallelSlice<T> {
        /// The sequential iterator over references.
        fn par_iter(&self) -> slice::Iter<'_, T>;
        /// The sequential iterator over mutable references.
        fn par_iter_mut(&mut self) -> slice::IterMut<'_, T>;
        /// The sequential iterator over chunks.
        fn par_chunks(&self, size: usize) -> slice::Chunks<'_, T>;
        /// The sequential iterator over mutable chunks.
        fn par_chunks_mut(&mut self, size: usize) -> slice::ChunksMut<'_, T>;
    }

    impl<T> ParallelSlice<T> for [T] {
        fn par_iter(&self) -> slice::Iter<'_, T> {
            self.iter()
        }

        fn par_iter_mut(&mut self) -> slice::IterMut<'_, T> {
            self.iter_mut()
        }

        fn par_chunks(&self, size: usize) -> slice::Chunks<'_, T> {
            self.chunks(size)
        }

        fn par_chunks_mut(&mut self, size: usize) -> slice::ChunksMut<'_, T> {
            self.chunks_mut(size)
        }
    }

    /// Bounds on the work of a thread, which mean nothing for one thread.
    pub trait ParallelIterator: Iterator + Sized {
        /// The same iterator.
        #[must_use]
        fn with_min_len(self, _items: usize) -> Self {
            self
        }

        /// The same iterator.
        #[must_use]
        fn with_max_len(self, _items: usize) -> Self {
            self
        }
    }

    impl<I: Iterator> ParallelIterator for I {}
}

#[cfg(test)]
mod tests {
    use super::sequential::{self, ParallelIterator, ParallelSlice};

    #[test]
    fn the_sequential_iterators_do_what_those_of_rayon_do() {
        let squares: Vec<usize> =
            sequential::IntoParallelIterator::into_par_iter(0..5).map(|n| n * n).collect();
        assert_eq!(squares, [0, 1, 4, 9, 16]);
        let mut numbers = [1, 2, 3, 4, 5];
        ParallelSlice::par_iter_mut(&mut numbers[..]).for_each(|n| *n += 1);
        let sums: Vec<i32> =
            ParallelSlice::par_chunks(&numbers[..], 2).map(|part| part.iter().sum()).collect();
        assert_eq!(sums, [5, 9, 6]);
        ParallelSlice::par_chunks_mut(&mut numbers[..], 3)
            .enumerate()
            .for_each(|(i, part)| part.fill(i as i32));
        assert_eq!(numbers, [0, 0, 0, 1, 1]);
        let iter = ParallelSlice::par_iter(&numbers[..]);
        assert_eq!(ParallelIterator::with_max_len(ParallelIterator::with_min_len(iter, 7), 1).count(), 5);
        assert_eq!(sequential::current_num_threads(), 1);
    }
}
