//! What this process takes at most, by the kernel's own count: allocations of C libraries are in it.

use std::fs;

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
