//! Shapes that only make sense as a whole line, and lines that are talk.

use super::items::{Item, Join};
use super::names::{self, Role, Weight};
use super::number::{self, Form};
use super::record::Record;

/// `Epoch 3/10`, `-- Epoch 3`, `===== Epoch: 3 =====`: nothing else on the line.
pub(super) fn epoch_alone(body: &str) -> Option<Record> {
    if body.len() > 60 {
        return None;
    }
    let other = |c: char| !c.is_alphanumeric();
    let text = body.trim_matches(other);
    let rest = text
        .get(..5)
        .filter(|w| w.eq_ignore_ascii_case("epoch"))
        .map(|_| &text[5..])?;
    let rest = rest.trim_start_matches([' ', ':', '#', '[', '=']);
    let (epoch, end) = number::plain(rest, 0)?;
    let tail = rest[end..].trim_matches([' ', ']', ')']);
    let mut record = Record::default();
    record.add("epoch", epoch);
    let of = tail.strip_prefix('/').or(tail.strip_prefix("of "));
    if let Some(of) = of {
        let (epochs, end) = number::plain(of.trim_start(), 0)?;
        if end != of.trim_start().len() {
            return None;
        }
        record.add("epochs", epochs);
    } else if !tail.is_empty() {
        return None;
    }
    (epoch >= 0.0).then_some(record)
}

/// `5:\tlearn: 0.62\ttest: 0.75\tbest: 0.75 (5)\ttotal: 47ms\tremaining: 111ms`: data is all its names say.
pub(super) fn catboost(items: &[Item], body: &str) -> Option<Record> {
    if !body.contains("learn: ") {
        return None;
    }
    let mut record = Record::default();
    for item in items {
        let n = item.value.value;
        match item.name {
            "" if item.at == body.len() - body.trim_start().len() => record.add("step", n),
            "learn" => {
                record.add("learn", n);
                record.add("loss", n);
            }
            "test" => {
                record.add("test", n);
                record.add("eval_loss", n);
            }
            "best" => record.add("best", n),
            "total" | "remaining" => {
                let name = if item.name == "total" {
                    "elapsed_s"
                } else {
                    "eta_s"
                };
                record.add(name, n * number::seconds_in(item.value.unit).unwrap_or(1.0));
            }
            _ => {}
        }
    }
    record.has("loss").then_some(record)
}

/// Talk about files and settings names metrics, too.
pub(super) fn is_prose(body: &str) -> bool {
    const WORDS: [&str; 16] = [
        "checkpoint",
        "checkpoints",
        "saving",
        "saved",
        "loading",
        "loaded",
        "resuming",
        "resumed",
        "restoring",
        "restored",
        "config",
        "arguments",
        "namespace",
        "hyperparameters",
        "improved",
        "traceback",
    ];
    body.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| (5..=15).contains(&word.len()))
        .any(|word| WORDS.iter().any(|known| word.eq_ignore_ascii_case(known)))
}

/// `Score=0.75` and nothing else: how objectives are reported to tuners.
pub(super) fn lone(item: &Item, body: &str) -> Option<Record> {
    let whole = item.lead.trim().is_empty()
        && body.trim_start().starts_with(item.name)
        && item.value.end == body.trim_end().len();
    let text = body[item.at.min(body.len())..].trim();
    let fractional = text.contains(['.', 'e', 'E', 'n', 'N']);
    let shouted = item.name.len() > 1 && !item.name.bytes().any(|b| b.is_ascii_lowercase());
    const SETTINGS: [&str; 14] = [
        "rate",
        "decay",
        "dropout",
        "eps",
        "beta",
        "momentum",
        "ratio",
        "alpha",
        "temperature",
        "size",
        "dim",
        "lr",
        "version",
        "timeout",
    ];
    let lower = item.name.to_ascii_lowercase();
    let setting = SETTINGS.iter().any(|word| lower.contains(word));
    let meaning = names::meaning(item.name)?;
    let own = matches!(meaning.role, Role::Own(Weight::Unknown | Weight::Weak));
    let value = &item.value;
    if !whole
        || item.join != Join::Equals
        || !fractional
        || shouted
        || setting
        || !own
        || !value.unit.is_empty()
        || value.form != Form::Number
    {
        return None;
    }
    let mut record = Record::default();
    record.add(item.name.replace(' ', "_"), value.value);
    Some(record)
}
