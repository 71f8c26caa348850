//! From values with names to the fields of a record: roles, sides, which of several losses is the loss, what a
//! fraction counts; and whether all of it is a line of metrics at all.

use super::items::{Item, Join};
use super::names::{self, Meaning, Role, Side, Weight};
use super::number::{Form, Value, gib_in, seconds_in};
use super::rates;
use super::record::Record;

/// A record in the making.
#[derive(Debug, Default)]
pub struct Draft {
    pub record: Record,
    /// Of what follows, where its name does not say it.
    pub side: Side,
    pub(super) losses: Vec<(u8, Side, f64, String)>,
    pub(super) rates: Vec<(u8, f64, String)>,
    pub(super) fractions: Vec<Fraction>,
    pub(super) times: Vec<f64>,
    /// Seconds behind a Keras bar.
    pub(super) seconds: Option<f64>,
    /// A time that is only called so.
    pub(super) time: Option<f64>,
    /// Names nobody knows, told after all others.
    pub(super) unknown: Vec<(String, f64)>,
    pub(super) strong: bool,
    pub(super) weak: bool,
    /// Keras and its like: `8/8 … 3ms/step`.
    pub(super) per_step: bool,
    pub(super) bytes: bool,
    /// What came last was a side and a count (`Train: 3`).
    pub(super) bracket_number: Option<f64>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Fraction {
    pub(super) n: f64,
    pub(super) of: f64,
    pub(super) percent: Option<f64>,
    pub(super) side: Side,
    /// `Train: [3/300]`
    pub(super) side_only: bool,
    pub(super) bar: bool,
    /// The bar is drawn behind it.
    pub(super) bar_next: bool,
    /// Another bracket with one follows at once.
    pub(super) pair: bool,
    pub(super) first: bool,
    pub(super) batches: bool,
    pub(super) after_loss: bool,
}

fn is_count(n: f64) -> bool {
    n >= 0.0 && n.fract() == 0.0
}

fn seconds(value: &Value) -> f64 {
    value.value * seconds_in(value.unit).unwrap_or(1.0)
}

impl Draft {
    /// Nothing said yet, but on which data.
    pub fn on(side: Side) -> Self {
        Self {
            side,
            ..Self::default()
        }
    }

    /// All values of a text.
    pub fn items(&mut self, items: &[Item]) {
        for (index, item) in items.iter().enumerate() {
            // A line of pytorch's tutorial: `[2,  4000] loss: 1.9`
            if index == 1
                && item.name.is_empty()
                && item.lead.trim() == ","
                && is_count(item.value.value)
                && let Some(epoch) = self.bracket_number.take()
            {
                self.record.remove("step");
                self.record.add("epoch", epoch);
                self.record.add("epoch_step", item.value.value);
                continue;
            }
            self.item(item, index, items.get(index + 1));
        }
    }

    fn item(&mut self, item: &Item, index: usize, next: Option<&Item>) {
        self.side = Side::of_text(item.lead).or(self.side);
        let value = &item.value;
        if gib_in(value.unit).is_some() && matches!(value.form, Form::Of(_)) {
            self.bytes = true;
        }
        if item.name.is_empty() {
            return self.unnamed(item, index, next);
        }
        let Some(mut meaning) = names::meaning(item.name) else {
            return;
        };
        let words = item.name.split(' ').count();
        if item.join == Join::Blank && matches!(meaning.role, Role::Own(_)) {
            if words > 1 {
                // `validation loss at iteration 1000`, `Saving at step 5`
                self.side = Side::of_text(item.name).or(self.side);
                let last = item.name.rsplit(' ').next().and_then(names::meaning);
                match last {
                    Some(last) if matches!(last.role, Role::Epoch | Role::Step | Role::Batch) => {
                        meaning = last;
                    }
                    Some(Meaning {
                        role: Role::Own(Weight::Strong),
                        ..
                    }) if words <= 3 && meaning.role == Role::Own(Weight::Strong) => {}
                    _ => {
                        if let Some(rate @ Role::Rate(..)) = rates::of_unit(value.unit) {
                            self.rate(&rate, value, item.name);
                        }
                        return;
                    }
                }
            } else if meaning.role == Role::Own(Weight::Unknown)
                && let Some(role) = rates::of_unit(value.unit)
            {
                meaning.role = role;
            }
        }
        if words > 7 {
            return;
        }
        if let Form::Of(of) = value.form
            && meaning.role == Role::SideOnly
        {
            self.side = meaning.side;
            self.fraction(item, index, of, true);
            return;
        }
        if meaning.role == Role::SideOnly {
            self.side = meaning.side;
            let fraction = next
                .is_some_and(|next| matches!(next.value.form, Form::Of(_)) && next.name.is_empty());
            if fraction && is_count(value.value) {
                self.record.add("epoch", value.value);
                return;
            }
            meaning.role = Role::Own(Weight::Weak);
            meaning.side = Side::Unsaid;
            self.own(item.name, &meaning, Side::Unsaid, value, item.join);
            return;
        }
        // Named like a value, but a rate by its unit: `speed 3.2 it/s`, `Avg throughput: 12 tokens/s`
        if let Role::Own(_) = meaning.role
            && item.join != Join::Blank
            && let Some(role @ (Role::Rate(..) | Role::ItPerS)) = rates::of_unit(value.unit)
        {
            meaning.role = role;
        }
        self.value(item.name, &meaning, value, item.join);
        // `val Loss: 0.2 Acc: 0.9`: the word holds for what follows.
        if words > 1
            && meaning.side != Side::Unsaid
            && Side::of_text(item.name.split(' ').next().unwrap_or("")) == meaning.side
        {
            self.side = meaning.side;
        }
        if let Some(of) = value.percent.filter(|_| matches!(value.form, Form::Of(_)))
            && meaning.role == Role::Step
        {
            self.record.add("pct", of);
        }
    }

    /// A value whose name is understood.
    pub fn value(&mut self, raw: &str, meaning: &Meaning, value: &Value, join: Join) {
        let n = value.value;
        let side = meaning.side.or(self.side);
        match &meaning.role {
            Role::Epoch => {
                self.side = meaning.side.or(self.side);
                match value.form {
                    Form::Of(of) => {
                        self.record.add("epoch", n);
                        self.record.add("epochs", of);
                    }
                    Form::Number if n >= 0.0 && !raw.ends_with('s') => self.record.add("epoch", n),
                    _ => {}
                }
            }
            Role::Step => {
                self.side = meaning.side.or(self.side);
                match value.form {
                    Form::Of(of) => {
                        self.record.add("step", n);
                        self.record.add("steps", of);
                    }
                    Form::Number if is_count(n) => self.record.add("step", n),
                    _ => {}
                }
            }
            Role::Batch => match value.form {
                Form::Of(of) => {
                    self.record.add("epoch_step", n);
                    self.record.add("epoch_total", of);
                }
                Form::Number if is_count(n) => self.record.add("epoch_step", n),
                _ => {}
            },
            Role::Loss(rank) if matches!(value.form, Form::Number | Form::Percent) => {
                self.strong = true;
                self.losses.push((*rank, side, n, raw.to_owned()));
            }
            Role::Loss(_) => {}
            Role::Accuracy => {
                self.strong = true;
                let ratio = if let Form::Of(of) = value.form {
                    n / of
                } else {
                    n
                };
                if side == Side::Eval {
                    // Of a count of right answers both readers and the old name are served.
                    if matches!(value.form, Form::Of(_)) {
                        self.record.add("accuracy", ratio);
                    }
                    self.record.add("eval_accuracy", ratio);
                } else {
                    self.record.add("accuracy", ratio);
                }
            }
            Role::Lr => {
                self.weak = true;
                self.record.add("lr", n);
            }
            Role::GradNorm => {
                self.strong = true;
                self.record.add("grad_norm", n);
            }
            Role::StepTime { plain, ms } => self.step_time(*plain, *ms, value),
            Role::Eta => self.record.add("eta_s", seconds(value)),
            Role::Elapsed => {
                let sure = raw.to_ascii_lowercase().contains("elapsed");
                if sure || value.form == Form::Time || seconds_in(value.unit).is_some() {
                    self.record.add("elapsed_s", seconds(value));
                }
            }
            Role::Memory => {
                if let Some(gib) = gib_in(value.unit) {
                    self.record.add("mem_gib", n * gib);
                    if let Some(percent) = value.percent {
                        self.record.add("mem_pct", percent);
                    }
                } else if value.form == Form::Number {
                    self.unknown.push((meaning.base.clone(), n));
                }
            }
            Role::Mfu => {
                // Before it is known some print -100 %.
                if n >= 0.0 {
                    self.weak = true;
                    self.record.add("mfu", n);
                }
            }
            Role::Tflops => {
                self.weak = true;
                self.record.add("tflops", n);
            }
            Role::Rate(..) | Role::ItPerS if meaning.side == Side::Eval => {
                self.unknown.push((raw.to_owned(), n));
            }
            role @ (Role::Rate(..) | Role::ItPerS) => self.rate(role, value, raw),
            Role::Rank => self.record.add("rank", n),
            Role::NanIterations => {
                self.record.add("nan_iterations", n);
                if n > 0.0 {
                    self.record.add("alarm", "nan");
                }
            }
            Role::SideOnly | Role::Own(_) => self.own(raw, meaning, side, value, join),
            Role::Never => {}
        }
    }

    fn own(&mut self, raw: &str, meaning: &Meaning, side: Side, value: &Value, join: Join) {
        let n = match value.form {
            Form::Of(_) => return,
            _ => value.value,
        };
        let weight = match meaning.role {
            Role::Own(weight) => weight,
            _ => Weight::Unknown,
        };
        // Boosting libraries name data and metric at once; that is how they are known.
        let dataset = raw.contains("'s ") || raw.contains('-') && meaning.side != Side::Unsaid;
        let plain = !raw.contains(' ') && !raw.contains('(');
        let lower = !raw.bytes().any(|b| b.is_ascii_uppercase());
        let base = match &*meaning.base {
            "perplexity" => "ppl",
            base => base,
        };
        let name = if dataset {
            raw.to_owned()
        } else if side == Side::Eval {
            format!("eval_{base}")
        } else if base == "ppl"
            || weight == Weight::Strong && (meaning.side == Side::Train || !lower)
        {
            base.to_owned()
        } else if plain {
            raw.to_owned()
        } else {
            base.to_owned()
        };
        match weight {
            Weight::Strong => self.strong = true,
            Weight::Weak => self.weak = true,
            Weight::Unknown if dataset => self.strong = true,
            Weight::Unknown => {
                let word = !raw.contains(' ');
                if join != Join::Blank || word {
                    self.unknown.push((name, n));
                }
                return;
            }
        }
        self.record.add(name, n);
    }

    fn rate(&mut self, role: &Role, value: &Value, raw: &str) {
        let of_unit = rates::of_unit(value.unit);
        if value.unit.contains('/') && of_unit.is_none() && !value.unit.contains("FLOP") {
            return;
        }
        match (role, of_unit) {
            (Role::ItPerS, _) | (Role::Rate(..), Some(Role::ItPerS)) => {
                self.strong = true;
                self.record.add("it_per_s", value.value);
            }
            (Role::Rate(..), Some(Role::StepTime { .. })) => self.step_time(false, false, value),
            (Role::Rate(unit, rank), of_unit) => {
                let unit = match of_unit {
                    Some(Role::Rate(said, _)) => said.into_owned(),
                    _ if value.unit.contains("FLOP") => value.unit.to_owned(),
                    _ => unit.clone().into_owned(),
                };
                let prompt = raw.to_ascii_lowercase().contains("prompt");
                if prompt {
                    self.unknown.push(("prompt_throughput".into(), value.value));
                }
                self.strong |= !unit.is_empty();
                self.rates
                    .push((rank + 3 * u8::from(prompt), value.value, unit));
            }
            _ => {}
        }
    }

    fn step_time(&mut self, plain: bool, ms: bool, value: &Value) {
        let (unit, what) = value.unit.split_once('/').unwrap_or((value.unit, ""));
        if plain && value.form == Form::Time {
            return;
        }
        match unit {
            "ms" | "us" | "µs" | "μs" | "ns" => {
                let ms = value.value * seconds_in(unit).unwrap_or(1e-3) * 1e3;
                self.record.add("ms_per_step", ms);
            }
            _ if ms => self.record.add("ms_per_step", value.value),
            _ if plain => self.time = Some(seconds(value)),
            _ => {
                let s = value.value * seconds_in(unit).unwrap_or(1.0);
                self.record.add("s_per_it", s);
                if what == "step" {
                    self.record.add("ms_per_step", s * 1e3);
                }
            }
        }
    }

    fn fraction(&mut self, item: &Item, index: usize, of: f64, side_only: bool) {
        self.fractions.push(Fraction {
            n: item.value.value,
            of,
            percent: item.value.percent,
            side: self.side,
            side_only,
            bar: item.bar,
            bar_next: false,
            pair: false,
            first: index == 0 && item.lead.trim().is_empty() && !item.bracket,
            batches: item.value.unit.starts_with("batch"),
            after_loss: !self.losses.is_empty(),
        });
    }

    fn unnamed(&mut self, item: &Item, index: usize, next: Option<&Item>) {
        let value = &item.value;
        let tail = next.is_none();
        match value.form {
            Form::Of(of) => {
                self.fraction(item, index, of, false);
                if let Some(fraction) = self.fractions.last_mut() {
                    fraction.bar_next = next.is_some_and(|next| next.bar);
                    fraction.pair = index == 0
                        && item.bracket
                        && next.is_some_and(|next| {
                            next.name.is_empty()
                                && next.bracket
                                && matches!(next.value.form, Form::Of(_))
                        });
                }
                return;
            }
            Form::Time => return self.times.push(value.value),
            Form::Percent if item.bar || next.is_some_and(|n| n.bar) => {
                return self.record.add("pct", value.value);
            }
            _ => {}
        }
        if let Some((unit, what)) = value.unit.split_once('/')
            && seconds_in(unit).is_some()
            && matches!(
                what,
                "step" | "it" | "iter" | "batch" | "iteration" | "sample"
            )
        {
            self.per_step |= what == "step";
            self.strong |= self.fractions.iter().any(|f| f.first || f.bar);
            return self.step_time(false, false, value);
        }
        match rates::of_unit(value.unit) {
            Some(role @ (Role::Rate(..) | Role::ItPerS)) => return self.rate(&role, value, ""),
            _ if !value.unit.is_empty() => {
                if seconds_in(value.unit).is_some() && self.fractions.iter().any(|f| f.first) {
                    self.seconds = Some(seconds(value));
                }
                return;
            }
            _ => {}
        }
        let rate_next = || {
            let role = next
                .and_then(|next| names::meaning(next.name))
                .map(|meaning| meaning.role);
            matches!(role, Some(Role::Rate(..)))
        };
        if index == 0
            && is_count(value.value)
            && item.lead.trim_matches(['[', ' ']).is_empty()
            && (item.bracket || rate_next())
        {
            self.bracket_number = Some(value.value);
            self.record.add("step", value.value);
        } else if tail && item.wide && value.unit.is_empty() && !self.rates.is_empty() && index > 1
        {
            // tf_cnn_benchmarks: the loss is the last column.
            self.losses.push((1, self.side, value.value, "loss".into()));
        } else if item.bracket && index == 1 && self.record.has("epoch") && is_count(value.value) {
            self.record.add("epoch_step", value.value);
        }
    }
}
