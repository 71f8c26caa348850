//! What the Xid codes of NVIDIA's driver mean.
//!
//! Source: NVIDIA, "Xid Errors" (docs.nvidia.com/deploy/xid-errors) and "NVIDIA GPU Memory Error Management"
//! (docs.nvidia.com/deploy/a100-gpu-mem-error-mgmt); which codes are the program's own and leave a device healthy:
//! NVIDIA/k8s-device-plugin, `internal/rm/health.go`.

/// Who is to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Blame {
    /// The program: the device stays as it is.
    Program,
    /// Nothing to do now: something to keep an eye on.
    Watch,
    /// The device needs a reset, or the node a look.
    Device,
}

/// One code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Xid {
    pub code: u16,
    pub meaning: &'static str,
    /// What to do.
    pub next: &'static str,
    pub blame: Blame,
}

const fn xid(code: u16, blame: Blame, meaning: &'static str, next: &'static str) -> Xid {
    Xid {
        code,
        meaning,
        next,
        blame,
    }
}

const LOOK: &str = "look at what the program did; it may start again";
const RESET: &str = "drain the node and reset the GPU";

/// By code.
const KNOWN: [Xid; 28] = [
    xid(
        13,
        Blame::Program,
        "graphics engine exception: the program did something the GPU does not allow",
        LOOK,
    ),
    xid(
        31,
        Blame::Program,
        "GPU memory page fault: the program used an address that is not its own",
        LOOK,
    ),
    xid(
        32,
        Blame::Program,
        "invalid or corrupted push buffer stream",
        LOOK,
    ),
    xid(38, Blame::Device, "driver firmware error", RESET),
    xid(
        43,
        Blame::Program,
        "GPU stopped processing for a program that failed",
        LOOK,
    ),
    xid(
        45,
        Blame::Program,
        "preemptive cleanup: the program was stopped, or failed before",
        LOOK,
    ),
    xid(
        48,
        Blame::Device,
        "double bit ECC error: memory gave a wrong value that could not be corrected",
        RESET,
    ),
    xid(
        61,
        Blame::Device,
        "internal micro-controller breakpoint or warning",
        RESET,
    ),
    xid(62, Blame::Device, "internal micro-controller halt", RESET),
    xid(
        63,
        Blame::Watch,
        "a memory page or row was retired",
        "it takes effect with the next reset of the GPU",
    ),
    xid(
        64,
        Blame::Device,
        "retiring a memory page or row failed",
        "drain the node; the GPU may have to be replaced",
    ),
    xid(68, Blame::Program, "video decoder exception", LOOK),
    xid(69, Blame::Program, "graphics engine class error", LOOK),
    xid(
        74,
        Blame::Device,
        "NVLink error",
        "check the links: dcgmi diag, nvidia-smi nvlink -s; drain if it comes again",
    ),
    xid(
        79,
        Blame::Device,
        "the GPU has fallen off the bus",
        "drain and restart the node; if it comes again, the GPU, its power or its slot is faulty",
    ),
    xid(
        92,
        Blame::Watch,
        "high rate of single bit ECC errors",
        "keep an eye on it; if it stays, run dcgmi diag",
    ),
    xid(
        94,
        Blame::Program,
        "ECC error, contained to the program that had the memory",
        "start the program again; reset the GPU when the node is free",
    ),
    xid(
        95,
        Blame::Device,
        "ECC error, not contained: other programs may be hit",
        RESET,
    ),
    xid(
        109,
        Blame::Program,
        "context switch timeout",
        "start the program again; reset the GPU if it comes again",
    ),
    xid(
        110,
        Blame::Device,
        "security fault",
        "drain and restart the node",
    ),
    xid(
        119,
        Blame::Device,
        "the GPU's system processor (GSP) does not answer",
        RESET,
    ),
    xid(
        120,
        Blame::Device,
        "the GPU's system processor (GSP) reports an error",
        RESET,
    ),
    xid(
        121,
        Blame::Watch,
        "chip-to-chip (C2C) link error",
        "keep an eye on it; reset the GPU when the node is free",
    ),
    xid(
        140,
        Blame::Device,
        "ECC error that could not be recovered from",
        RESET,
    ),
    xid(143, Blame::Device, "GPU initialisation failed", RESET),
    xid(149, Blame::Device, "NVLink error (NETIR)", RESET),
    xid(
        154,
        Blame::Watch,
        "the action needed to recover the GPU changed",
        "nvidia-smi -q tells which",
    ),
    xid(
        171,
        Blame::Device,
        "uncorrectable error in the GPU's DRAM",
        RESET,
    ),
];

/// What a code means; none for one that is rare or unknown.
pub fn known(code: u16) -> Option<&'static Xid> {
    let at = KNOWN.binary_search_by_key(&code, |xid| xid.code).ok()?;
    KNOWN.get(at)
}

/// The code and its meaning: `Xid 79: the GPU has fallen off the bus`.
pub fn words(code: u16) -> String {
    match known(code) {
        Some(xid) => format!("Xid {code}: {}", xid.meaning),
        None => format!("Xid {code}: NVIDIA's Xid catalog tells what it means"),
    }
}

/// Whether it calls for somebody who looks after the node; so do unknown ones.
pub fn blame(code: u16) -> Blame {
    known(code).map_or(Blame::Device, |xid| xid.blame)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_and_each_says_what_to_do() {
        assert!(KNOWN.is_sorted_by_key(|xid| xid.code));
        for code in [
            13, 31, 43, 45, 48, 63, 64, 68, 74, 79, 92, 94, 95, 109, 119, 120,
        ] {
            let xid = known(code).unwrap();
            assert!(!xid.meaning.is_empty() && !xid.next.is_empty());
        }
        // those the device plugin does not call a device unhealthy for
        for code in [13, 31, 43, 45, 68, 109] {
            assert_eq!(blame(code), Blame::Program, "{code}");
        }
        assert_eq!(blame(9999), Blame::Device);
        assert!(words(79).contains("fallen off the bus"));
    }
}
