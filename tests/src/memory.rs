//! What this process takes at most, by the kernel's own count: allocations of C libraries are in it.

use std::{env, fs};

/// Makes the C library of a process that begins with it give back at once what is freed (mallopt(3)). Otherwise what
/// was taken before lies ready, and what comes next seems to take nothing.
pub const GIVEN_BACK: [(&str, &str); 3] = [
    ("MALLOC_MMAP_THRESHOLD_", "65536"),
    ("MALLOC_TOP_PAD_", "0"),
    ("MALLOC_TRIM_THRESHOLD_", "0"),
];

/// Whether this process has begun with [`GIVEN_BACK`].
#[must_use]
pub fn is_given_back() -> bool {
    let is_set = |(name, value): &(&str, &str)| env::var(name).is_ok_and(|set| set == *value);
    GIVEN_BACK.iter().all(is_set)
}

/// Resident memory now; from here on the kernel counts the most anew.
///
/// Nothing is counted where the kernel does not tell: then everything takes nothing.
pub fn rest() -> u64 {
    // Refused in some sandboxes: then the most is that of the whole life of the process, which is no less.
    let _refused = fs::write("/proc/self/clear_refs", "5");
    field("VmRSS:")
}

/// The most that was resident since [`rest`], beyond what was then.
#[must_use]
pub fn most_since(before: u64) -> u64 {
    field("VmHWM:").saturating_sub(before)
}

fn field(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or(0) * 1_024
}
