//! A setting of the memory allocator.

#![allow(unsafe_code, reason = "a call into the C library")]

/// Makes the allocator keep freed memory instead of returning it to the system. Call it at the start of a program: it applies to
/// the whole process. Only glibc has this setting; on other systems the function does nothing.
///
/// Each training step allocates the same tensors. By default glibc returns the end of the heap and large blocks (above a
/// variable threshold of 128 kB to 32 MB) to the system. Their pages are cleared and mapped again at the next use, which costs
/// about 10 percent of a step of a large network. After this call the process keeps its peak memory.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        use std::ffi::c_int;

        /// Constants of `malloc.h`: the size of free memory at the end of the heap above which it is returned, and the size above
        /// which a block is not on the heap.
        const M_TRIM_THRESHOLD: c_int = -1;
        const M_MMAP_THRESHOLD: c_int = -3;
        /// The largest threshold that glibc accepts on 64 bits.
        const LARGEST: c_int = 32 << 20;

        unsafe extern "C" {
            safe fn mallopt(parameter: c_int, value: c_int) -> c_int;
        }
        // If the call fails, the default remains, which is only slower.
        mallopt(M_MMAP_THRESHOLD, LARGEST);
        mallopt(M_TRIM_THRESHOLD, c_int::MAX);
    }
}
