//! Names and units that are rates: something per second, or seconds per something.

use std::borrow::Cow;

use super::names::{Role, snake};

/// Things that are counted per second, and how their rate is written.
fn per_second(word: &str) -> Option<&'static str> {
    Some(match word {
        "tok" | "toks" | "token" | "tokens" => "tokens/s",
        "word" | "words" => "words/s",
        "sample" | "samples" | "samp" => "samples/s",
        "example" | "examples" | "ex" | "exs" => "examples/s",
        "image" | "images" | "img" | "imgs" | "im" => "images/s",
        "frame" | "frames" => "frames/s",
        "seq" | "seqs" | "sequence" | "sequences" => "sequences/s",
        "sentence" | "sentences" | "sent" | "sents" => "sentences/s",
        "item" | "items" => "items/s",
        "record" | "records" => "records/s",
        "row" | "rows" => "rows/s",
        "timestep" | "timesteps" | "env_step" | "env_steps" => "timesteps/s",
        "graph" | "graphs" => "graphs/s",
        "video" | "videos" => "videos/s",
        "episode" | "episodes" => "episodes/s",
        "req" | "reqs" | "request" | "requests" => "requests/s",
        _ => return None,
    })
}

fn is_step_noun(word: &str) -> bool {
    matches!(
        word,
        "it" | "its"
            | "iter"
            | "iters"
            | "iteration"
            | "iterations"
            | "step"
            | "steps"
            | "batch"
            | "batches"
            | "update"
            | "updates"
            | "global_step"
            | "global_steps"
            | "train_step"
    )
}

/// The rate a name or a unit stands for: `ItPerS`, `StepTime`, `Tflops` or a throughput.
pub(super) fn rate(base: &str) -> Option<Role> {
    let mut rest = base;
    let mut per = "";
    for (tail, who) in [
        ("_gpu", "/GPU"),
        ("_device", "/device"),
        ("_chip", "/chip"),
        ("_core", "/core"),
        ("_rank", "/rank"),
    ] {
        if let Some(head) = rest.strip_suffix(tail) {
            (rest, per) = (head.strip_suffix("_per").unwrap_or(head), who);
        }
    }
    // Seconds per step.
    for (head, ms) in [
        ("ms_per_", true),
        ("ms_", true),
        ("s_per_", false),
        ("sec_per_", false),
        ("secs_per_", false),
        ("seconds_per_", false),
        ("s_", false),
        ("sec_", false),
        ("time_per_", false),
        ("us_", true),
    ] {
        if rest.strip_prefix(head).is_some_and(is_step_noun) {
            return Some(Role::StepTime { plain: false, ms });
        }
    }
    let what = [
        "_per_second",
        "_per_sec",
        "_per_s",
        "_second",
        "_sec",
        "_s",
        "_ps",
    ]
    .iter()
    .find_map(|tail| rest.strip_suffix(tail))?;
    let what = [
        "running_avg_",
        "curr_",
        "avg_",
        "average_",
        "mean_",
        "train_",
        "training_",
        "total_",
        "global_",
        "num_",
        "median_",
    ]
    .iter()
    .fold(what, |what, head| {
        if what == "global_step" {
            what
        } else {
            what.strip_prefix(head).unwrap_or(what)
        }
    });
    if what.starts_with("tflop") {
        return Some(Role::Tflops);
    }
    if is_step_noun(what) {
        return Some(Role::ItPerS);
    }
    let rank =
        u8::from(base.contains("running") || base.starts_with("avg") || base.contains("total_"));
    let unit = |rate: &'static str| match per {
        "" => Cow::Borrowed(rate),
        per => Cow::Owned(format!("{rate}{per}")),
    };
    if let Some(rate) = per_second(what) {
        return Some(Role::Rate(unit(rate), rank));
    }
    // consumed_samples_per_sec and the like
    let last = what.rsplit('_').next().and_then(per_second)?;
    Some(Role::Rate(unit(last), 2))
}

/// The role of a unit: a throughput, or the time of a step.
pub fn of_unit(unit: &str) -> Option<Role> {
    // The usual ones at once.
    match unit {
        "it/s" => return Some(Role::ItPerS),
        "tok/s" | "tokens/s" | "tok/sec" | "tokens/sec" => {
            return Some(Role::Rate("tokens/s".into(), 0));
        }
        "samples/s" | "samples/sec" => return Some(Role::Rate("samples/s".into(), 0)),
        "images/s" | "img/s" | "images/sec" => return Some(Role::Rate("images/s".into(), 0)),
        "" | "s" | "ms" | "GB" | "GiB" | "MB" => return None,
        _ => {}
    }
    // A rate is of two words.
    if !unit.bytes().any(|b| matches!(b, b'/' | b'_' | b' ' | b'-')) {
        return None;
    }
    if unit == "/s" || unit == "/sec" {
        // Only frameworks of image models print it bare.
        return Some(Role::Rate("images/s".into(), 1));
    }
    rate(&snake(unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units() {
        assert_eq!(
            of_unit("img/sec per GPU"),
            Some(Role::Rate("images/s/GPU".into(), 0))
        );
        assert_eq!(of_unit("it/s"), Some(Role::ItPerS));
        assert_eq!(of_unit("MB/s"), None);
        assert_eq!(of_unit("ms"), None);
    }
}
