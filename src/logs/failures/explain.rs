//! From the words of a failure to its kind and a sentence about it, with the figures that the words hold.

use super::Failure;
use crate::model::xid;

/// What stands between two texts.
fn between<'a>(text: &'a str, from: &str, to: &[char]) -> Option<&'a str> {
    let (_, rest) = text.split_once(from)?;
    let found = rest.split(to).next()?.trim();
    (!found.is_empty()).then_some(found)
}

/// The kind and the sentence, if the words are known.
pub fn explain(text: &str, rank: Option<u32>) -> Option<(Failure, String)> {
    let has = |words: &str| text.contains(words);
    let say = |kind, words: &str| Some((kind, words.to_owned()));
    if has("DataLoader worker") && (has("killed") || has("exited unexpectedly")) {
        let signal = between(text, "killed by signal: ", &['.']).unwrap_or("a signal");
        return Some((
            Failure::DataLoader,
            format!(
                "a DataLoader worker was killed by {signal}: memory or shared memory (/dev/shm) ran out"
            ),
        ));
    }
    if (has("CUDA out of memory")
        || has("HIP out of memory")
        || has("OutOfMemoryError")
        || has("CUDA_ERROR_OUT_OF_MEMORY")
        || has("RESOURCE_EXHAUSTED: Out of memory")
        || has("OOM when allocating"))
        && !has("PYTORCH_CUDA_ALLOC_CONF=")
    {
        return Some((Failure::CudaOom, cuda_oom(text)));
    }
    if has("collective operation timeout") || has("NCCL") && (has("timed out") || has("Timed out"))
    {
        let operation = between(text, "OpType=", &[',', ')', ' ']);
        let rank = between(text, "[Rank ", &[']'])
            .map(str::to_owned)
            .or(rank.map(|rank| rank.to_string()));
        let waited = between(text, "ran for ", &[' ']).and_then(|ms| ms.parse::<u64>().ok());
        let who = rank.map_or("a rank".to_owned(), |rank| format!("rank {rank}"));
        let what = operation.map_or("a collective".to_owned(), |operation| {
            format!("a collective ({operation})")
        });
        let time = waited.map_or(String::new(), |ms| format!(" for {} s", ms / 1000));
        return Some((
            Failure::NcclTimeout,
            format!("{who} waited in vain{time} for {what}: another rank is late, stuck or gone"),
        ));
    }
    if has("uncorrectable ECC") || has("Uncorrectable ECC") {
        return say(
            Failure::Ecc,
            "the GPU's memory has an uncorrectable ECC error: the node needs attention",
        );
    }
    if let Some(code) = between(text, "Xid (", &[' ']).and(between(text, "): ", &[','])) {
        let words = match code.parse() {
            Ok(code) => xid::words(code),
            Err(_) => format!("Xid {code}"),
        };
        return Some((Failure::Xid, format!("GPU error {words}")));
    }
    if has("NCCL error")
        || has("NCCL Error")
        || has("ncclSystemError")
        || has("ncclInternalError")
        || has("ncclUnhandledCudaError")
        || has("ncclRemoteError")
    {
        let words = if has("ncclRemoteError") || has("remote process exited") {
            "NCCL: another process is gone or the network between them failed"
        } else if has("ncclSystemError") || has("system error") {
            "NCCL: a system call failed, often the network or /dev/shm; NCCL_DEBUG=WARN tells which"
        } else {
            "NCCL failed; NCCL_DEBUG=WARN tells more"
        };
        return say(Failure::NcclError, words);
    }
    if has("CUDA error")
        || has("CUDA driver")
        || has("device-side assert")
        || has("cudaError")
        || has("CUDA initialization") && has("rror")
    {
        let what =
            between(text, "CUDA error: ", &['\n', '.']).unwrap_or("the driver or a kernel failed");
        return Some((Failure::CudaError, format!("CUDA: {what}")));
    }
    if has("OOMKilled")
        || has("Out of memory: Killed")
        || has("oom-kill")
        || text.trim() == "Killed"
        || has("SIGKILL")
        || text.trim_end().ends_with(" Killed")
    {
        return say(
            Failure::Killed,
            "killed (SIGKILL), most likely because the container ran out of memory",
        );
    }
    if has("Segmentation fault") || has("SIGSEGV") {
        return say(Failure::Segfault, "a segmentation fault in native code");
    }
    if has("Bus error") || has("SIGBUS") {
        return say(
            Failure::BusError,
            "a bus error, most often because /dev/shm is too small",
        );
    }
    if has("No space left on device") {
        let path = between(text, "device: '", &['\'']);
        return Some((
            Failure::DiskFull,
            with_path("no space left on the device", path),
        ));
    }
    if has("quota exceeded") {
        let path = between(text, "exceeded: '", &['\'']);
        return Some((
            Failure::Quota,
            with_path("the disk quota is exceeded", path),
        ));
    }
    if let Some(module) = between(text, "No module named ", &['\n', ';', ' ']) {
        let module = module.trim_matches(['\'', '"']);
        return Some((
            Failure::Import,
            format!("Python module ‘{module}’ is not in the image"),
        ));
    }
    if has("cannot open shared object file") {
        let library = text
            .split(": cannot open")
            .next()
            .and_then(|head| head.rsplit([' ', ':']).next())
            .unwrap_or("a library");
        return Some((
            Failure::Import,
            format!("shared library ‘{library}’ is missing"),
        ));
    }
    if has("cannot import name") {
        let name = between(text, "cannot import name ", &[' ', '\n'])
            .unwrap_or("")
            .trim_matches(['\'', '"']);
        return Some((
            Failure::Import,
            format!("‘{name}’ cannot be imported: versions that do not fit together"),
        ));
    }
    if has("ddress already in use") || has("EADDRINUSE") {
        let port = between(text, "port: ", &[',', ' ', ')', ']'])
            .filter(|port| port.parse::<u16>().is_ok());
        let which = port.map_or("a port is".to_owned(), |port| format!("port {port} is"));
        return Some((
            Failure::AddressInUse,
            format!("{which} taken already by another process"),
        ));
    }
    if has("ermission denied") {
        let path = between(text, "denied: '", &['\'']);
        return Some((Failure::Permission, with_path("permission denied", path)));
    }
    None
}

fn with_path(words: &str, path: Option<&str>) -> String {
    path.map_or(words.to_owned(), |path| format!("{words}: {path}"))
}

fn cuda_oom(text: &str) -> String {
    let gpu = between(text, "GPU ", &[' ', ';', ')']).filter(|gpu| gpu.parse::<u32>().is_ok());
    let gpu = gpu.map_or("the GPU".to_owned(), |gpu| format!("GPU {gpu}"));
    // Sizes are a number and a unit.
    let size = |from: &str| {
        let (_, rest) = text.split_once(from)?;
        let mut words = rest.split_whitespace();
        let (number, unit) = (words.next()?, words.next()?);
        let unit = unit.trim_matches(|c: char| !c.is_ascii_alphabetic());
        number
            .parse::<f64>()
            .ok()
            .map(|_| format!("{number} {unit}"))
    };
    let asked = size("Tried to allocate ");
    let free = size("of which ");
    let all = size("total capacity of ");
    match (asked, free, all) {
        (Some(asked), Some(free), Some(all)) => {
            format!("{gpu} ran out of memory: {asked} asked for, {free} free of {all}")
        }
        (Some(asked), ..) => format!("{gpu} ran out of memory: {asked} asked for"),
        _ => format!("{gpu} ran out of memory"),
    }
}
