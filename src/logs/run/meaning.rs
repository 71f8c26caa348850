//! What a value's name says about it: worth a curve, of which side, better when lower or higher, and how important.
//! Separate because it is a table of words, not a machine.

/// Whether a low or a high value is the better one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aim {
    Low,
    High,
    /// Neither: a learning rate, a memory figure.
    Nothing,
}

/// Told by the training set, or by the one held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    Train,
    Eval,
}

impl Side {
    pub fn word(self) -> &'static str {
        match self {
            Side::Train => "train",
            Side::Eval => "eval",
        }
    }
}

/// Where the run is and who speaks: no values of it.
const PLACES: &[&str] = &[
    "epoch",
    "epochs",
    "epoch_step",
    "epoch_total",
    "epoch_pct",
    "step",
    "steps",
    "pct",
    "eta_s",
    "elapsed_s",
    "rank",
    "local_rank",
    "eval_step",
    "eval_total",
    "line",
    "best",
    "train_loss",
];

/// The curve a field belongs to; `None`: it is not a value.
pub fn curve(field: &str) -> Option<(&str, Side)> {
    if PLACES.contains(&field) {
        return None;
    }
    match field.strip_prefix("eval_") {
        Some(base) if !base.is_empty() => Some((base, Side::Eval)),
        _ => Some((field, Side::Train)),
    }
}

/// What is better, by the words of its name.
pub fn aim(name: &str) -> Aim {
    const LOW: &[&str] = &[
        "loss",
        "perplexity",
        "ppl",
        "error",
        "err",
        "rmse",
        "rmsle",
        "mae",
        "mse",
        "mape",
        "logloss",
        "mlogloss",
        "merror",
        "wer",
        "cer",
        "fid",
        "bpb",
        "bpc",
        "nll",
        "kl",
        "kld",
        "cost",
        "inertia",
        "eer",
    ];
    const HIGH: &[&str] = &[
        "acc",
        "accuracy",
        "auc",
        "auroc",
        "auprc",
        "f1",
        "bleu",
        "rouge",
        "rougel",
        "rouge1",
        "rouge2",
        "ndcg",
        "psnr",
        "ssim",
        "iou",
        "miou",
        "dice",
        "map",
        "map50",
        "precision",
        "recall",
        "reward",
        "rew",
        "return",
        "score",
        "elbo",
        "r2",
        "em",
        "throughput",
        "mfu",
        "tflops",
        "it_per_s",
    ];
    if name == "it_per_s" {
        return Aim::High;
    }
    if matches!(name, "s_per_it" | "ms_per_step") {
        return Aim::Low;
    }
    let mut words = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    words
        .find_map(|word| {
            let word = word.to_ascii_lowercase();
            if LOW.contains(&&*word) || word.ends_with("loss") {
                Some(Aim::Low)
            } else if HIGH.contains(&&*word) || word.starts_with("acc") || word.starts_with("top") {
                Some(Aim::High)
            } else {
                None
            }
        })
        .unwrap_or(Aim::Nothing)
}

/// The order in which curves are offered: the loss first, then what is aimed at, then the machinery.
pub fn rank(name: &str) -> u8 {
    match name {
        "loss" => 0,
        "accuracy" => 1,
        "lr" => 4,
        "grad_norm" => 5,
        "throughput" => 6,
        "it_per_s" | "s_per_it" | "ms_per_step" | "mfu" | "tflops" => 7,
        name if aim(name) != Aim::Nothing => 2,
        name if name.contains("mem") || name.contains("time") => 9,
        _ => 8,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("loss", Aim::Low)]
    #[case("rpn_box_loss", Aim::Low)]
    #[case("perplexity", Aim::Low)]
    #[case("accuracy", Aim::High)]
    #[case("acc1", Aim::High)]
    #[case("top5", Aim::High)]
    #[case("mAP", Aim::High)]
    #[case("ep_rew_mean", Aim::High)]
    #[case("lr", Aim::Nothing)]
    #[case("grad_norm", Aim::Nothing)]
    #[case("s_per_it", Aim::Low)]
    #[case("it_per_s", Aim::High)]
    #[case("max_mem", Aim::Nothing)]
    fn the_words_of_a_name_say_what_is_better(#[case] name: &str, #[case] want: Aim) {
        assert_eq!(aim(name), want);
    }

    #[rstest]
    #[case("loss", Some(("loss", Side::Train)))]
    #[case("eval_loss", Some(("loss", Side::Eval)))]
    #[case("eval_step", None)]
    #[case("epoch", None)]
    #[case("eval_", Some(("eval_", Side::Train)))]
    fn places_are_no_curves_and_eval_is_a_side(
        #[case] field: &str,
        #[case] want: Option<(&str, Side)>,
    ) {
        assert_eq!(curve(field), want);
    }
}
