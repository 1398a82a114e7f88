//! Numbers: medians, the time the processor worked for us, the memory we hold.

use std::{fs, time::Duration};

/// The middle one; zero for none.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// How long processors have worked for this process, user and system together. Linux only; zero elsewhere.
pub(crate) fn processor_time() -> Duration {
    // In ticks of a hundredth of a second, which Linux promises to every program whatever its own clock.
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name may contain anything, so count from behind its parenthesis.
    let fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest).split(' ');
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// How much memory this process has in use, in KiB. Linux only; zero elsewhere.
pub(crate) fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}
