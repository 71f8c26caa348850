//! Words that say that a run is in trouble: one look at a line, by literal text. What surrounds them, tracebacks and
//! sentences for people are the business of [`super::failures`].

use std::sync::LazyLock;

use aho_corasick::packed::{self, Config, Searcher};
use aho_corasick::{AhoCorasick, MatchKind};

/// Any of the words below, in one pass: where the processor can by vectors, else by an automaton.
static WORDS: LazyLock<(Option<Searcher>, Option<AhoCorasick>)> = LazyLock::new(|| {
    let all = || ALARMS.iter().map(|alarm| alarm.0);
    let quick = Config::new()
        .match_kind(packed::MatchKind::LeftmostFirst)
        .builder()
        .extend(all())
        .build();
    let slow = AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostFirst)
        .build(all())
        .ok();
    (quick, slow)
});

const ALARMS: &[(&str, &str)] = &[
    ("CUDA out of memory", "oom"),
    ("HIP out of memory", "oom"),
    ("OutOfMemoryError", "oom"),
    ("CUDA_ERROR_OUT_OF_MEMORY", "oom"),
    ("RESOURCE_EXHAUSTED: Out of memory", "oom"),
    ("OOM when allocating tensor", "oom"),
    ("collective operation timeout", "nccl-timeout"),
    ("Timed out waiting for NCCL", "nccl-timeout"),
    ("NCCL timeout", "nccl-timeout"),
    ("NCCL error", "nccl-error"),
    ("NCCL Error", "nccl-error"),
    ("ncclSystemError", "nccl-error"),
    ("ncclInternalError", "nccl-error"),
    ("ncclUnhandledCudaError", "nccl-error"),
    ("ncclRemoteError", "nccl-error"),
    ("CUDA error:", "cuda-error"),
    ("CUDA driver error", "cuda-error"),
    ("device-side assert", "cuda-error"),
    ("uncorrectable ECC error", "ecc"),
    ("NVRM: Xid", "xid"),
    ("No space left on device", "disk-full"),
    ("Disk quota exceeded", "disk-full"),
    ("Segmentation fault", "segfault"),
    ("Bus error", "bus-error"),
    ("OOMKilled", "killed"),
    ("is killed by signal", "killed"),
    ("Out of memory: Killed process", "killed"),
    ("gradient overflow", "overflow"),
    ("Gradient overflow", "overflow"),
    ("OVERFLOW!", "overflow"),
    ("loss is nan", "nan"),
    ("Loss is nan", "nan"),
    ("Loss is NaN", "nan"),
    ("loss is NaN", "nan"),
    ("NaN loss", "nan"),
    ("nan loss", "nan"),
    ("NaN detected", "nan"),
];

/// The kind of trouble a line speaks of.
pub fn alarm(line: &str) -> Option<&'static str> {
    let (quick, slow) = &*WORDS;
    let pattern = match quick {
        // A short line is no work for vectors; the searcher itself takes care of that.
        Some(quick) => quick.find(line)?.pattern(),
        None => slow.as_ref()?.find(line)?.pattern(),
    };
    ALARMS.get(pattern.as_usize()).map(|alarm| alarm.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_trouble() {
        assert_eq!(
            alarm("RuntimeError: CUDA out of memory. Tried"),
            Some("oom")
        );
        assert_eq!(
            alarm("RuntimeError: CUDA error: an illegal memory access"),
            Some("cuda-error")
        );
        assert_eq!(alarm("NCCL INFO Bootstrap : Using eth0"), None);
        assert_eq!(alarm("export NCCL_TIMEOUT=1800"), None);
    }
}
