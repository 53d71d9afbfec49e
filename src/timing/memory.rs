//! How much memory the program has taken.

/// The most memory that this process has had resident so far, in bytes; none where the system does
/// not say (all but Linux).
pub fn peak_resident_bytes() -> Option<u64> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    peak_of(&std::fs::read_to_string("/proc/self/status").ok()?)
}

/// The high-water mark of Linux' `/proc/PID/status`, which is in kibibytes.
fn peak_of(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_read_in_kibibytes() {
        assert_eq!(
            peak_of("VmPeak:\t  9 kB\nVmHWM:\t    1536 kB\nVmRSS:\t 1 kB\n"),
            Some(1_572_864)
        );
        assert_eq!(peak_of("VmHWM:\t much\n"), None);
        assert_eq!(peak_of(""), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_peak_rises_with_what_is_used_and_does_not_fall() {
        const MORE: usize = 64 << 20;
        let before = peak_resident_bytes().unwrap();
        let block = std::hint::black_box(vec![1_u8; before as usize + MORE]);
        drop(block);
        let after = peak_resident_bytes().unwrap();
        assert!(after >= before + MORE as u64, "{before} {after}");
    }
}
