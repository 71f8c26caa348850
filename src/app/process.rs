//! What the system says of this process. Separate because each system says it elsewhere, and none says all.

use std::time::Duration;

use crate::model::vitals::Process;

/// As of now. Memory and threads are told by Linux only.
pub fn read() -> Process {
    Process {
        cpu: cpu(),
        ..status()
    }
}

#[cfg(unix)]
fn cpu() -> Option<Duration> {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let (seconds, nanos) = (u64::try_from(used.tv_sec), u32::try_from(used.tv_nsec));
    Some(Duration::new(seconds.ok()?, nanos.ok()?))
}

#[cfg(not(unix))]
fn cpu() -> Option<Duration> {
    None
}

#[cfg(target_os = "linux")]
fn status() -> Process {
    std::fs::read_to_string("/proc/self/status")
        .map(|text| parse(&text))
        .unwrap_or_default()
}

#[cfg(not(target_os = "linux"))]
fn status() -> Process {
    Process::default()
}

/// Reads `/proc/self/status`.
#[cfg(any(target_os = "linux", test))]
fn parse(text: &str) -> Process {
    let number = |key: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        line.split_whitespace().next()?.parse().ok()
    };
    Process {
        cpu: None,
        rss: number("VmRSS:").map(|kib| kib * 1024),
        peak: number("VmHWM:").map(|kib| kib * 1024),
        threads: number("Threads:").and_then(|n| u32::try_from(n).ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_by_its_keys() {
        let text = "Name:\tjobdeck\nVmHWM:\t   2048 kB\nVmRSS:\t   1024 kB\nThreads:\t5\n";
        let process = parse(text);
        assert_eq!(
            (process.rss, process.peak, process.threads),
            (Some(1 << 20), Some(2 << 20), Some(5))
        );
        assert_eq!(parse("Threads: many\n"), Process::default());
    }

    #[cfg(unix)]
    #[test]
    fn the_processor_time_is_known() {
        assert!(read().cpu.is_some());
    }
}
