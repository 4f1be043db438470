//! The memory allocator: a setting, and what happens when the memory runs out.

#![allow(unsafe_code, reason = "an allocator, and a call into the C library")]

use std::alloc::{GlobalAlloc, Layout, System};

/// Size from which on an allocation is compared with the memory that is available. Smaller ones cost no look.
const LARGE: usize = 256 << 20;

/// An allocator that refuses a large block before it is taken, if the machine does not have the memory. The system's allocator
/// would promise it, and the process be killed at its use, or abort.
///
/// It is for programs: `#[global_allocator] static ALLOCATOR: CheckedAllocator = CheckedAllocator::new(refuse);`. The function
/// `refuse` receives the size of the block and the available memory, in bytes, and ends the process.
pub struct CheckedAllocator {
    refuse: fn(usize, Option<u64>) -> !,
}

impl CheckedAllocator {
    /// The allocator of the system, with `refuse` called for a block that it does not have.
    pub const fn new(refuse: fn(usize, Option<u64>) -> !) -> Self {
        Self { refuse }
    }

    fn check(&self, size: usize) {
        if size < LARGE {
            return;
        }
        let available = available_memory();
        if available.is_some_and(|available| size as u64 > available) {
            (self.refuse)(size, available);
        }
    }

    fn checked(&self, block: *mut u8, size: usize) -> *mut u8 {
        if block.is_null() && size >= LARGE {
            (self.refuse)(size, available_memory());
        }
        block
    }
}

// SAFETY: every call goes to the system's allocator with the same arguments, and its result is returned unchanged.
unsafe impl GlobalAlloc for CheckedAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.check(layout.size());
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`.
        self.checked(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.check(layout.size());
        // SAFETY: as in `alloc`.
        self.checked(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block is from the system's allocator.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        self.check(size.saturating_sub(layout.size()));
        // SAFETY: the block is from the system's allocator.
        self.checked(unsafe { System.realloc(block, layout, size) }, size)
    }
}

/// Memory that this process can still take, in bytes: `MemAvailable` and the limit of the control group on Linux. `None` on other
/// systems.
pub fn available_memory() -> Option<u64> {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let number = |path: &str| read(path)?.trim().parse::<u64>().ok();
    let system = mem_available(&read("/proc/meminfo")?)?;
    let limit = number("/sys/fs/cgroup/memory.max")
        .zip(number("/sys/fs/cgroup/memory.current"))
        .map(|(limit, used)| limit.saturating_sub(used));
    Some(limit.map_or(system, |limit| limit.min(system)))
}

fn mem_available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn available_memory_is_in_bytes() {
        let text = "MemTotal:       16 kB\nMemAvailable:    1234 kB\nBuffers: 1 kB\n";
        assert_eq!(mem_available(text), Some(1234 * 1024));
        assert_eq!(mem_available("MemTotal: 16 kB\n"), None);
    }

    #[test]
    #[should_panic(expected = "1099511627776")]
    fn a_block_that_is_not_there_is_refused() {
        CheckedAllocator::new(|size, _| panic!("{size}")).checked(std::ptr::null_mut(), 1 << 40);
    }

    #[test]
    fn what_there_is_comes_from_the_system() {
        let allocator = CheckedAllocator::new(|size, _| panic!("{size}"));
        let layout = Layout::from_size_align(64, 8).unwrap();
        // SAFETY: the layout is not empty, and the block is freed with the layout of its last size.
        unsafe {
            let block = allocator.alloc_zeroed(layout);
            assert_eq!(std::slice::from_raw_parts(block, 64), [0; 64]);
            let block = allocator.realloc(block, layout, 128);
            allocator.dealloc(block, Layout::from_size_align(128, 8).unwrap());
        }
    }
}
