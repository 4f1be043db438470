//! What becomes of freed memory.

#![allow(unsafe_code, reason = "a call into the C library")]

/// Makes the allocator keep what is freed for what comes next, instead of handing it back to the system: a setting of the whole
/// process, for the start of a program. Only glibc has it; elsewhere nothing happens.
///
/// A step of training allocates the same tensors as the one before. By default blocks above 128 kB to 32 MB, a threshold that
/// glibc adapts, and the end of the heap go back when they are freed, and each of their pages is cleared and mapped anew when it
/// is first written to: about 10 percent of a step of a large network. With this the process keeps the most memory it ever
/// needed.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        use std::ffi::c_int;

        /// Of `malloc.h`: the size at the end of the heap above which it is handed back, and that above which a block is not
        /// of the heap.
        const M_TRIM_THRESHOLD: c_int = -1;
        const M_MMAP_THRESHOLD: c_int = -3;
        /// The largest threshold that glibc takes on 64 bits.
        const LARGEST: c_int = 32 << 20;

        unsafe extern "C" {
            safe fn mallopt(parameter: c_int, value: c_int) -> c_int;
        }
        // A refusal leaves the default, which is only slower.
        mallopt(M_MMAP_THRESHOLD, LARGEST);
        mallopt(M_TRIM_THRESHOLD, c_int::MAX);
    }
}
