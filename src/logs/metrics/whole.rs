//! Shapes that only make sense as a whole line, and lines that are talk.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::items::{Item, Join};
use super::names::{self, Role, Weight};
use super::number::{self, Form};
use super::record::Record;

/// `Epoch 3/10`, `-- Epoch 3`, `===== Step 3/500 =====`, `[batch=366/48000]:`: nothing else on the line. A word other
/// than epoch has to be drawn as a heading, as installers count their steps, too.
pub(super) fn place_alone(body: &str) -> Option<Record> {
    if body.len() > 100 {
        return None;
    }
    let other = |c: char| !c.is_alphanumeric();
    let inside = body.trim().trim_start_matches(other);
    let drawn = inside.len() < body.trim().len() && body.trim().ends_with(other);
    // `          Learning iteration 3/500          `
    let drawn = drawn || body.starts_with("          ");
    let inside = match inside.split_once(' ') {
        Some((word, rest))
            if ["learning", "training"]
                .iter()
                .any(|w| word.eq_ignore_ascii_case(w)) =>
        {
            rest
        }
        _ => inside,
    };
    let word = inside.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (name, rest) = inside.split_at(word);
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    let names = if is("epoch") {
        ["epoch", "epochs"]
    } else if drawn && (is("step") || is("batch") || is("iteration") || is("iter")) {
        ["step", "steps"]
    } else {
        return None;
    };
    let rest = rest.trim_end_matches(other);
    let rest = rest.trim_start_matches([' ', ':', '#', '[', '=']);
    let (n, end) = number::plain(rest, 0)?;
    let tail = rest[end..].trim_matches([' ', ']', ')']);
    let mut record = Record::default();
    record.add(names[0], n);
    let of = tail.strip_prefix('/').or(tail.strip_prefix("of "));
    if let Some(of) = of {
        let of = of.trim_start();
        let (total, end) = number::plain(of, 0)?;
        record.add(names[1], total);
        // `[step=1200/5000,epoch=0]`
        if let Some(more) = of[end..].strip_prefix(',') {
            let epoch = more.trim_start().strip_prefix("epoch")?;
            let epoch = epoch.trim_start_matches(['=', ' ', ':']);
            let (epoch, _) = number::plain(epoch, 0).filter(|found| found.1 == epoch.len())?;
            record.add("epoch", epoch);
        } else if end != of.len() {
            return None;
        }
    } else if !tail.is_empty() || names[0] == "step" {
        return None;
    }
    (n >= 0.0).then_some(record)
}

/// CatBoost's lines: `5:\tlearn: 0.62\ttest: 0.75\tbest: 0.75 (5)\ttotal: 47ms\tremaining: 111ms`. Data is all their
/// names say; whether the metric is a loss or a score (AUC) shows in which way its best value moves.
#[derive(Debug, Default)]
pub(super) struct Boosting {
    step: f64,
    learn: Option<f64>,
    best: Option<f64>,
    /// Higher is better. `None` while nothing told.
    score: Option<bool>,
}

impl Boosting {
    /// `number`: what was taken for a prefix; with blanks for tabs the step looks like one.
    pub(super) fn read(
        &mut self,
        items: &[Item],
        body: &str,
        number: Option<f64>,
    ) -> Option<Record> {
        let of = |name: &str| items.iter().any(|item| item.name == name);
        if !(of("learn") || of("test")) || !of("total") {
            return None;
        }
        let mut record = Record::default();
        for item in items {
            let n = item.value.value;
            match item.name {
                "" if item.at == body.len() - body.trim_start().len() => record.add("step", n),
                name @ ("learn" | "test" | "best") => record.add(name.to_owned(), n),
                name @ ("total" | "remaining") => {
                    let name = if name == "total" {
                        "elapsed_s"
                    } else {
                        "eta_s"
                    };
                    record.add(name, n * number::seconds_in(item.value.unit).unwrap_or(1.0));
                }
                _ => {}
            }
        }
        let step = record.number("step").or(number)?;
        let (learn, test) = (record.number("learn"), record.number("test"));
        learn.or(test)?;
        if step <= self.step {
            *self = Self::default();
        }
        self.step = step;
        self.see_direction(learn, test, record.number("best"));
        // Above one it is no score; and one that joins late takes the usual case.
        let likely = self.score.is_none() && learn.is_some_and(|learn| step > 0.0 || learn > 1.0);
        if self.score == Some(false) || likely {
            for (name, value) in [("loss", learn), ("eval_loss", test)] {
                if let Some(value) = value {
                    record.add(name, value);
                }
            }
        }
        Some(record)
    }

    fn see_direction(&mut self, learn: Option<f64>, test: Option<f64>, best: Option<f64>) {
        let up = |from: Option<f64>, to: Option<f64>| match (from, to) {
            (Some(from), Some(to)) if from != to => Some(to > from),
            _ => None,
        };
        // The best value is on the better side of this one, and moves to the better side.
        let told = up(test, best).or_else(|| up(self.best, best));
        let told = if test.is_none() {
            up(self.learn, learn)
        } else {
            // Scores are by default not computed on the training data, losses are.
            told.or((learn.is_none() && self.score.is_none()).then_some(true))
        };
        if test.is_some() || self.score.is_none() {
            self.score = told.or(self.score);
        }
        self.learn = self.learn.or(learn);
        self.best = best.or(self.best);
    }
}

/// Words of talk about files and settings, which names metrics, too; then commands with flags, and requests served.
static TALK: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::LeftmostLongest)
        .kind(Some(AhoCorasickKind::DFA))
        .build([
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
            "GET /",
            "POST /",
            "PUT /",
            "DELETE /",
            " --",
            " HTTP/",
        ])
        .ok()
});

/// A line that carries names and numbers and is no point of a training.
pub(super) fn is_talk(body: &str) -> bool {
    // TensorFlow's and SpeechBrain's ways to tell an evaluation.
    if is_evaluation(body) {
        return false;
    }
    let bytes = body.as_bytes();
    let part = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
    let mut found = TALK.iter().flat_map(|words| words.find_iter(body));
    found.any(|word| match bytes[word.start()..word.end()] {
        [b' ', b'-', ..] => bytes.get(word.end()).is_some_and(u8::is_ascii_alphabetic),
        [.., b'/'] => true,
        _ => {
            let before = word.start().checked_sub(1).and_then(|at| bytes.get(at));
            !before.is_some_and(part) && !bytes.get(word.end()).is_some_and(part)
        }
    })
}

/// `Saving dict for global step 500: loss = 0.3`, `Epoch loaded: 7 - test loss: 0.3`: no prose.
pub(super) fn is_evaluation(body: &str) -> bool {
    body.starts_with("Saving dict for ") || body.starts_with("Epoch loaded: ")
}

/// `Score=0.75` and nothing else: how objectives are reported to tuners.
pub(super) fn lone(item: &Item, body: &str) -> Option<Record> {
    // What most lines fail at first.
    if item.join != Join::Equals || !item.value.unit.is_empty() || item.value.form != Form::Number {
        return None;
    }
    let whole = item.lead.trim().is_empty()
        && body.trim_start().starts_with(item.name)
        && item.value.end == body.trim_end().len();
    if !whole {
        return None;
    }
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
    if !fractional || shouted || setting || !own {
        return None;
    }
    let mut record = Record::default();
    record.add(item.name.replace(' ', "_"), value.value);
    Some(record)
}
