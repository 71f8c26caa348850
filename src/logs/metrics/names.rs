//! What a name means: which of the known values it is, on which data (training or evaluation), and of which unit.

use std::borrow::Cow;

use super::rates::{self, rate};

/// On which data a value was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Side {
    #[default]
    Unsaid,
    Train,
    Eval,
}

impl Side {
    /// The words themselves.
    pub fn of_word(word: &str) -> Self {
        const TRAIN: [&str; 4] = ["train", "training", "trn", "train_inner"];
        const EVAL: [&str; 15] = [
            "val",
            "valid",
            "validation",
            "eval",
            "evaluation",
            "test",
            "testing",
            "dev",
            "validate",
            "validating",
            "evaluating",
            "evaluate",
            "tests",
            "holdout",
            "validator",
        ];
        // Looked at for every word of every line: most are told by their first letter.
        let first = word.as_bytes().first().map(u8::to_ascii_lowercase);
        if !matches!(first, Some(b't' | b'v' | b'e' | b'd' | b'h')) {
            return Self::Unsaid;
        }
        let is = |known: &&str| word.eq_ignore_ascii_case(known);
        if TRAIN.iter().any(&is) {
            Self::Train
        } else if EVAL.iter().any(is) {
            Self::Eval
        } else {
            Self::Unsaid
        }
    }

    /// The last such word of a text.
    pub fn of_text(text: &str) -> Self {
        // Most leads are separators.
        let begins = |b: u8| matches!(b | 0x20, b't' | b'v' | b'e' | b'd' | b'h');
        if text.len() < 3 || !text.bytes().any(begins) {
            return Self::Unsaid;
        }
        text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .rev()
            .map(Self::of_word)
            .find(|side| *side != Self::Unsaid)
            .unwrap_or_default()
    }

    pub fn or(self, other: Self) -> Self {
        if self == Self::Unsaid { other } else { self }
    }
}

/// The meaning of a name.
#[derive(Debug, Clone, PartialEq)]
pub enum Role {
    Epoch,
    Step,
    /// Within the epoch.
    Batch,
    /// 0: called just so; higher: only if nothing better is there.
    Loss(u8),
    Accuracy,
    /// 0: called just so; higher: of a part of the model.
    Lr(u8),
    GradNorm(u8),
    /// Per step, whatever the unit; `plain`: it is only called "time".
    StepTime {
        plain: bool,
        ms: bool,
    },
    Eta,
    /// Percent of the run.
    Progress,
    Elapsed,
    Memory,
    Mfu,
    Tflops,
    /// Throughput in this unit, empty if the value has to say it; higher ranks are chosen last.
    Rate(Cow<'static, str>, u8),
    ItPerS,
    Rank,
    NanIterations,
    /// A side word alone: `Train: 3`, `Test: [10/195]`.
    SideOnly,
    /// Its own. How much it says that the line is one of metrics.
    Own(Weight),
    /// Never a metric.
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Nobody calls anything else so.
    Strong,
    /// A usual name of a metric and an ordinary word as well.
    Weak,
    Unknown,
}

/// A name taken apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Meaning {
    pub role: Role,
    pub side: Side,
    /// In snake case, without the side.
    pub base: String,
}

/// Lower case, `_` between words, without parentheses.
pub(super) fn snake(name: &str) -> String {
    let mut humps = 0;
    let bytes = name.as_bytes();
    for pair in bytes.windows(2) {
        humps += usize::from(pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
    }
    let mut out = String::with_capacity(name.len() + humps);
    let mut depth = 0;
    let mut before = ' ';
    let mut part = 0;
    for (at, c) in name.char_indices() {
        match c {
            // Acc@1
            '@' => {}
            '(' => depth += 1,
            ')' => depth = (depth - 1).max(0),
            _ if depth > 0 => {}
            '%' => out.push_str("pct"),
            _ if c.is_alphanumeric() => {
                // CurrSamplesPerSec, but mIoU
                let last = at + c.len_utf8() == name.len();
                if humps >= 2 && c.is_uppercase() && before.is_lowercase() && part > 1 && !last {
                    out.push('_');
                    part = 0;
                }
                part += 1;
                out.extend(c.to_lowercase());
            }
            '\'' => {}
            _ if out.ends_with('_') || out.is_empty() => {}
            _ => {
                out.push('_');
                part = 0;
            }
        }
        before = c;
    }
    while out.ends_with('_') {
        out.pop();
    }
    out
}

/// What in a name's parentheses says something: `(ms)`, `(TFLOP/s/GPU)`, `(val)`.
fn parenthesis(name: &str) -> Option<&str> {
    let (_, inside) = name.split_once('(')?;
    inside.split_once(')').map(|parts| parts.0.trim())
}

/// `val_1_loss` → eval, `loss`.
fn without_side(base: &str) -> (Side, &str) {
    if let Some((head, rest)) = base.split_once('_') {
        let side = Side::of_word(head);
        if side != Side::Unsaid && !rest.is_empty() {
            let number = rest.bytes().take_while(u8::is_ascii_digit).count();
            let rest = match rest[number..].strip_prefix('_') {
                Some(after) if number > 0 => after,
                _ => rest,
            };
            let rest = rest
                .strip_prefix("set_")
                .or(rest.strip_prefix("epoch_").filter(|r| *r == "loss"));
            let whole = &base[head.len() + 1..];
            return (
                side,
                rest.unwrap_or_else(|| {
                    let number = whole.bytes().take_while(u8::is_ascii_digit).count();
                    match whole[number..].strip_prefix('_') {
                        Some(after) if number > 0 => after,
                        _ => whole,
                    }
                }),
            );
        }
    }
    if let Some((rest, tail)) = base.rsplit_once('_') {
        let side = Side::of_word(tail);
        if side != Side::Unsaid && !rest.is_empty() {
            return (side, rest);
        }
    }
    (Side::Unsaid, base)
}

/// Strips words that do not change what is measured.
fn without_modifiers(mut base: &str, part: bool) -> &str {
    const HEADS: [&str; 14] = [
        "avg_",
        "avr_",
        "average_",
        "mean_",
        "running_",
        "current_",
        "curr_",
        "cur_",
        "the_",
        "interval_",
        "smoothed_",
        "global_avg_",
        "overall_",
        "this_",
    ];
    const TAILS: [&str; 6] = ["_avg", "_mean", "_value", "_step", "_epoch", "_average"];
    loop {
        let before = base;
        for head in HEADS {
            base = base.strip_prefix(head).unwrap_or(base);
        }
        for tail in TAILS {
            // `global_step` is no `global`.
            base = base
                .strip_suffix(tail)
                .filter(|b| {
                    b.len() > 1
                        // `loss/value_avg` is the loss of the value head.
                        && !(part && tail == "_value")
                        && !matches!(
                            *b,
                            "global"
                                | "train"
                                | "env"
                                | "sec_per"
                                | "per"
                                | "time_per"
                                | "optimizer"
                                | "opt"
                                | "completed"
                                | "total"
                        )
                })
                .unwrap_or(base);
        }
        if base == before {
            return base;
        }
    }
}

/// Metrics by any of their words.
fn vocabulary(base: &str) -> Weight {
    const SETTINGS: [&str; 14] = [
        "chunk",
        "interval",
        "freq",
        "every",
        "window",
        "scale",
        "weight",
        "threshold",
        "smoothing",
        "decay",
        "size",
        "coef",
        "alpha",
        "patience",
    ];
    if SETTINGS.iter().any(|word| base.contains(word)) {
        return Weight::Unknown;
    }
    let mut weight = Weight::Unknown;
    for word in base.split('_') {
        let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
        match word {
            "loss" | "acc" | "accuracy" | "ppl" | "perplexity" | "auc" | "auroc" | "bleu"
            | "rouge" | "rougel" | "f"
                if word != "f" || base.contains("f1") =>
            {
                return Weight::Strong;
            }
            "rmse" | "mae" | "mse" | "mape" | "logloss" | "ndcg" | "wer" | "cer" | "psnr"
            | "ssim" | "fid" | "iou" | "miou" | "bpb" | "bpc" | "elbo" | "mlogloss" | "merror"
            | "reward" | "rew" | "nll" | "gnorm" | "dice" | "perplexities" | "rmsle"
            | "inertia" | "logprob" | "kld" => return Weight::Strong,
            "error" | "err" | "score" | "return" | "precision" | "recall" | "map" | "entropy"
            | "kl" | "r" | "mfu" | "top" | "em" | "exact" | "cost" | "objective" | "bound"
            | "metric" | "likelihood" | "margin" | "margins" | "throughput" => {
                weight = Weight::Weak;
            }
            _ => {}
        }
    }
    weight
}

/// What a name means. `None` for an empty one.
pub fn meaning(name: &str) -> Option<Meaning> {
    let whole = snake(name);
    if whole.is_empty() {
        return None;
    }
    let inside = parenthesis(name);
    let side = inside.map(Side::of_word).unwrap_or_default();
    let alone = Side::of_word(&whole);
    if alone != Side::Unsaid {
        let (role, base) = (Role::SideOnly, whole);
        return Some(Meaning {
            role,
            side: alone,
            base,
        });
    }
    // Names that begin like a side and are whole.
    let (found, base) = match &*whole {
        "test_set" | "eval_set" | "validation_set" => {
            return Some(Meaning {
                role: Role::SideOnly,
                side: Side::Eval,
                base: whole,
            });
        }
        "train_runtime" | "train_samples_per_second" | "train_steps_per_second" => {
            (Side::Train, &*whole)
        }
        // The last of its series: `Final test loss`.
        _ => match whole.strip_prefix("final_").map(without_side) {
            Some((side, base)) if side != Side::Unsaid => (side, base),
            _ => without_side(&whole),
        },
    };
    let side = side.or(found);
    let ms = inside.is_some_and(|unit| matches!(unit, "ms" | "msec" | "milliseconds"));
    // Marian's `Up. 1000`; as a word of a sentence it is none.
    let updates = (name == "Up").then_some(Role::Step);
    let role = updates.or_else(|| role(base, ms, inside)).or_else(|| {
        let bare = without_modifiers(base, name.contains('/'));
        (bare != base).then(|| role(bare, ms, inside)).flatten()
    });
    // `actor/grad_norm`: whose it is and what it is.
    let role = role.or_else(|| {
        let (head, last) = name.rsplit_once('/')?;
        let part = !head.is_empty()
            && head
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'/' | b'-'));
        let found = self::role(&snake(last), ms, inside).filter(|_| part)?;
        match found {
            Role::Lr(_) => Some(Role::Lr(1)),
            Role::Loss(0) => Some(Role::Loss(3)),
            // Chainer's `main/accuracy`; of rewards it is another one.
            Role::Accuracy => (head.rsplit('/').next() == Some("main")).then_some(found),
            Role::GradNorm(_) => Some(Role::GradNorm(1)),
            Role::Rate(..) | Role::ItPerS | Role::Tflops | Role::Mfu => Some(found),
            Role::StepTime { plain: false, .. } => Some(found),
            _ => None,
        }
    });
    // `gen throughput (token/s)`
    let role = role.or_else(|| match rates::of_unit(inside?)? {
        role @ (Role::Rate(..) | Role::ItPerS) => Some(role),
        _ => None,
    });
    // `train_loss` is one, `train_loss_avg` too, `lm_train_loss` is not known.
    let role = role.unwrap_or_else(|| Role::Own(vocabulary(base)));
    let role = match role {
        // `train_time`, `Val took`: of all of it, not of a step.
        Role::StepTime { plain: true, .. } if found != Side::Unsaid => Role::Own(Weight::Unknown),
        // scikit-learn's `Norm:` is that of the weights.
        Role::GradNorm(1) if base == "norm" && !name.starts_with('n') => Role::Own(Weight::Unknown),
        role => role,
    };
    let base = base.to_owned();
    Some(Meaning { role, side, base })
}

fn role(base: &str, ms: bool, inside: Option<&str>) -> Option<Role> {
    Some(match base {
        "epoch" | "epochs" | "ep" | "epoch_num" | "epoch_number" | "cur_epoch"
        | "current_epoch" => Role::Epoch,
        "step"
        | "steps"
        | "iter"
        | "iters"
        | "iteration"
        | "iterations"
        | "global_step"
        | "global_steps"
        | "num_updates"
        | "completed_step"
        | "it"
        | "train_step"
        | "total_timesteps"
        | "num_timesteps"
        | "learning_iteration"
        | "timesteps_total"
        | "training_iteration"
        | "round"
        | "global_iter"
        | "optimizer_step"
        | "opt_step"
        | "cur_step"
        | "current_step"
        | "step_num"
        | "global_batch"
        | "update"
        | "updates"
        | "boosting_round"
        | "num_steps"
        | "trainer_global_step" => Role::Step,
        "batch" | "batches" | "minibatch" | "mini_batch" | "batch_idx" => Role::Batch,
        "loss" => Role::Loss(0),
        "total_loss" | "train_loss" | "training_loss" | "loss_total" | "sum_loss"
        | "loss_train_total" => Role::Loss(1),
        "lm_loss"
        | "reduced_train_loss"
        | "running_loss"
        | "step_loss"
        | "iter_loss"
        | "batch_loss"
        | "global_avg_loss"
        | "epoch_loss"
        | "loss_lm"
        | "language_model_loss" => Role::Loss(2),
        "acc" | "accuracy" | "accuracies" => Role::Accuracy,
        "lr" | "l_r" | "learning_rate" | "learningrate" | "learn_rate" | "lr_0" | "lr0"
        | "lr_group_0" | "lr_pg0" | "last_lr" | "learning_rate_0" => Role::Lr(0),
        "grad_norm" | "gradnorm" | "gnorm" | "gradient_norm" | "global_grad_norm"
        | "total_grad_norm" | "grad_norm_total" | "global_norm" | "grad_norms" | "norm_grad" => {
            Role::GradNorm(0)
        }
        "norm" => Role::GradNorm(1),
        "elapsed_time_per_iteration"
        | "time_per_iteration"
        | "iter_time"
        | "iteration_time"
        | "step_time"
        | "time_per_step"
        | "dt"
        | "batch_time"
        | "batch_cost"
        | "avg_batch_cost"
        | "time_step"
        | "time_per_batch"
        | "train_step_timing"
        | "sec_step"
        | "it_time"
        | "step_time_s"
        | "train_step_time"
        | "time_per_iter"
        | "seconds_per_step"
        | "step_timing"
        | "step_timing_in_s"
        | "train_step_timing_in_s"
        | "iter_duration"
        | "step_duration" => Role::StepTime { plain: false, ms },
        "time" | "seconds" | "secs" | "time_s" | "step_seconds" | "took" => {
            Role::StepTime { plain: true, ms }
        }
        "step_time_ms" | "time_ms" | "dt_ms" | "iter_time_ms" => Role::StepTime {
            plain: false,
            ms: true,
        },
        "eta"
        | "remaining"
        | "time_left"
        | "remaining_time"
        | "time_remaining"
        | "left"
        | "eta_s"
        | "eta_seconds"
        | "est_time_left"
        | "remaining_wall_clock_time"
        | "estimated_time_to_finish"
        | "time_to_finish"
        | "estimated_time_remaining"
        | "estimated_remaining_time" => Role::Eta,
        "progress" | "complete" | "completed" => Role::Progress,
        "elapsed" | "total" | "total_time" | "elapsed_time" | "time_elapsed" | "wall_time" => {
            Role::Elapsed
        }
        "memory" | "mem" | "gpu_mem" | "max_mem" | "peak_mem" | "max_memory" | "memory_used"
        | "gpu_memory" | "vram" | "peak_memory" | "mem_allocated" | "memallocated" | "reserved"
        | "mem_reserved" => Role::Memory,
        "mfu" | "bf16_mfu" | "fp16_mfu" | "model_flops_utilization" => Role::Mfu,
        "tflops" | "tflop_s" | "tflops_gpu" | "tflops_device" | "tflop_s_device"
        | "tflop_s_gpu" | "tflops_per_gpu" | "tflops_s" => Role::Tflops,
        "tps" => Role::Rate("tokens/s/device".into(), 0),
        "wps" => Role::Rate("words/s".into(), 0),
        "tgs" => Role::Rate("tokens/s/GPU".into(), 0),
        "fps" => Role::Rate("frames/s".into(), 0),
        "sps" => Role::Rate("samples/s".into(), 0),
        "ips" | "throughput" | "speed" | "generation_throughput" | "train_throughput" => {
            Role::Rate("".into(), 0)
        }
        "throughput_per_gpu" | "throughput_per_device" => {
            Role::Rate(inside.unwrap_or("").to_owned().into(), 1)
        }
        "prompt_throughput" => Role::Rate("".into(), 3),
        "ups" | "global_step_sec" => Role::ItPerS,
        "rank" | "global_rank" => Role::Rank,
        "number_of_nan_iterations" | "nan_iterations" => Role::NanIterations,
        "v_num" | "seed" | "port" | "pid" | "version" | "world_size" | "ts" | "timestamp"
        | "lineno" | "line" | "exit_code" | "exitcode" | "attempt" | "retry" | "code"
        | "status" | "rc" | "errno" | "id" | "uid" => Role::Never,
        "train_samples_per_second" => Role::Rate("samples/s".into(), 0),
        "train_steps_per_second" => Role::ItPerS,
        _ if base.starts_with("lr_") && !base.contains("mult") && base.len() < 12 => Role::Lr(1),
        _ if base.len() < 16 && (base.ends_with("_lr") || base.ends_with("_lr0")) => Role::Lr(1),
        _ => {
            return rate(base).or_else(|| match role(base.strip_suffix("_ms")?, true, None)? {
                time @ Role::StepTime { plain: false, .. } => Some(time),
                _ => None,
            });
        }
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("Train loss", Role::Loss(0), Side::Train)]
    #[case("lm loss", Role::Loss(2), Side::Unsaid)]
    #[case("lm loss value", Role::Loss(2), Side::Unsaid)]
    #[case("val/loss", Role::Loss(0), Side::Eval)]
    #[case("loss_val", Role::Loss(0), Side::Eval)]
    #[case("loss (test)", Role::Loss(0), Side::Eval)]
    #[case("Average loss", Role::Loss(0), Side::Unsaid)]
    #[case("train_loss_step", Role::Loss(0), Side::Train)]
    #[case("learning rate", Role::Lr(0), Side::Unsaid)]
    #[case("lr-AdamW", Role::Lr(1), Side::Unsaid)]
    #[case("actor/lr", Role::Lr(1), Side::Unsaid)]
    #[case("actor/grad_norm", Role::GradNorm(1), Side::Unsaid)]
    #[case("perf/throughput", Role::Rate("".into(), 0), Side::Unsaid)]
    #[case("mIoU", Role::Own(Weight::Strong), Side::Unsaid)]
    #[case("rewards/accuracies", Role::Own(Weight::Unknown), Side::Unsaid)]
    #[case("loss_chunks", Role::Own(Weight::Unknown), Side::Unsaid)]
    #[case("lrm", Role::Own(Weight::Unknown), Side::Unsaid)]
    #[case("loss scale", Role::Own(Weight::Unknown), Side::Unsaid)]
    #[case("tok/sec", Role::Rate("tokens/s".into(), 0), Side::Unsaid)]
    #[case("Tokens/s/device", Role::Rate("tokens/s/device".into(), 0), Side::Unsaid)]
    #[case("CurrSamplesPerSec", Role::Rate("samples/s".into(), 0), Side::Unsaid)]
    #[case("RunningAvgSamplesPerSec", Role::Rate("samples/s".into(), 1), Side::Unsaid)]
    #[case("global_step/sec", Role::ItPerS, Side::Unsaid)]
    #[case("ms/batch", Role::StepTime { plain: false, ms: true }, Side::Unsaid)]
    #[case("elapsed time per iteration (ms)", Role::StepTime { plain: false, ms: true }, Side::Unsaid)]
    #[case("iter time (s)", Role::StepTime { plain: false, ms: false }, Side::Unsaid)]
    #[case("Test set", Role::SideOnly, Side::Eval)]
    #[case("Epoch(val)", Role::Epoch, Side::Eval)]
    #[case("global step", Role::Step, Side::Unsaid)]
    fn names(#[case] name: &str, #[case] role: Role, #[case] side: Side) {
        let found = meaning(name).unwrap();
        assert_eq!((found.role, found.side), (role, side), "{name}");
    }
}
