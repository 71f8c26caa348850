//! From values with names to the fields of a record: roles, sides, which of several losses is the loss, what a
//! fraction counts; and whether all of it is a line of metrics at all.

use std::borrow::Cow;
use std::sync::Arc;

use super::items::{Item, Join};
use super::known::Known;
use super::names::{Meaning, Role, Side, Weight};
use super::number::{Form, Value, gib_in, seconds_in};
use super::rates;
use super::record::Record;

mod unnamed;

/// A record in the making.
#[derive(Debug, Default)]
pub struct Draft<'a> {
    pub record: Record,
    /// Of what follows, where its name does not say it.
    pub side: Side,
    pub(super) losses: Vec<(u8, Side, f64, &'a str)>,
    /// Of several throughputs the best: rank, value, unit.
    pub(super) rate: Option<(u8, f64, Cow<'static, str>)>,
    pub(super) fractions: Vec<Fraction>,
    pub(super) times: Vec<f64>,
    /// Seconds behind a Keras bar.
    pub(super) seconds: Option<f64>,
    /// A time that is only called so.
    pub(super) time: Option<f64>,
    /// Names nobody knows, told after all others.
    pub(super) unknown: Vec<(Cow<'a, str>, f64)>,
    /// Which of several learning rates and norms was taken: rank and name.
    lr: Option<(u8, &'a str)>,
    norm: Option<(u8, &'a str)>,
    /// What the step was called.
    pub(super) step_name: Option<&'a str>,
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

/// Words with single blanks between them; a remark in parentheses at the end is none.
fn words(name: &str) -> usize {
    let name = match name.split_once(" (") {
        Some((head, remark)) if remark.ends_with(')') => head,
        _ => name,
    };
    1 + memchr::memchr_iter(b' ', name.as_bytes()).count()
}

fn is_count(n: f64) -> bool {
    n >= 0.0 && n.fract() == 0.0
}

fn seconds(value: &Value) -> f64 {
    value.value * seconds_in(value.unit).unwrap_or(1.0)
}

/// A name as a record keeps it.
pub(super) fn own_name(name: Cow<str>) -> Cow<'static, str> {
    match &*name {
        "ppl" => Cow::Borrowed("ppl"),
        _ => Cow::Owned(name.into_owned()),
    }
}

/// `Accuracy of the network on the test set`: what is measured and its name, the side being told by the rest.
fn measured<'a>(name: &'a str, names: &mut Known) -> Option<(&'a str, Arc<Meaning>)> {
    const OF: [&str; 6] = [" of ", " on ", " over ", " for ", " in ", " across "];
    let find = |word: &&str| {
        let last = name.strip_suffix(word.trim_end());
        name.find(*word).or(last.map(str::len))
    };
    let at = OF.iter().filter_map(find).min()?;
    let (head, rest) = name.split_at(at);
    let mut meaning = names.meaning(head)?;
    if meaning.side == Side::Unsaid {
        Arc::make_mut(&mut meaning).side = Side::of_text(rest);
    }
    matches!(
        meaning.role,
        Role::Loss(_) | Role::Accuracy | Role::Own(Weight::Strong) | Role::Rate(..)
    )
    .then_some((head, meaning))
}

impl<'a> Draft<'a> {
    /// Nothing said yet, but on which data.
    pub fn on(side: Side) -> Self {
        Self {
            side,
            record: Record::roomy(),
            ..Self::default()
        }
    }

    /// All values of a text.
    pub fn items(&mut self, items: &[Item<'a>], names: &mut Known) {
        let mut told = false;
        for (index, item) in items.iter().enumerate() {
            if std::mem::take(&mut told) {
                continue;
            }
            if let Some(next) = items.get(index + 1)
                && self.phrase(item, next, names)
            {
                told = true;
                continue;
            }
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
            self.item(item, index, items.get(index + 1), names);
        }
    }

    /// `11.87 loss, 3e-4 LR`: the name stands behind the value.
    fn named_behind(
        &mut self,
        item: &Item<'a>,
        next: Option<&Item<'a>>,
        names: &mut Known,
    ) -> bool {
        let Some(next) = next else { return false };
        if item.join != Join::Blank
            || !matches!(item.value.form, Form::Number | Form::Percent)
            || !item.value.unit.is_empty()
        {
            return false;
        }
        let Some(end) = next.lead.find([',', '|']) else {
            return false;
        };
        let name = next.lead[..end].trim();
        if name.is_empty() || name.split(' ').count() > 3 || !next.lead.starts_with(' ') {
            return false;
        }
        let Some(meaning) = names.meaning(name) else {
            return false;
        };
        let fits = match meaning.role {
            Role::Loss(_) | Role::Lr(_) | Role::GradNorm(0) => item.value.form == Form::Number,
            Role::Accuracy | Role::Mfu => true,
            _ => false,
        };
        if fits {
            self.value(name, &meaning, &item.value, Join::Colon);
        }
        fits
    }

    /// A number within the name of the next one. `Accuracy on the 10000 test images: 54 %`: it counts what that is measured on.
    /// `Training loss (for one batch) at step 200: 0.91`: it is where.
    fn phrase(&mut self, item: &Item<'a>, next: &Item<'a>, names: &mut Known) -> bool {
        if item.join != Join::Blank
            || next.join == Join::Blank
            || !next.lead.trim().is_empty()
            || !is_count(item.value.value)
            || words(next.name) > 3
        {
            return false;
        }
        if next.name.is_empty() {
            let mut words = item.name.rsplitn(3, ' ');
            let (Some(last), Some("at" | "after" | "in" | "for"), Some(head)) =
                (words.next(), words.next(), words.next())
            else {
                return false;
            };
            let (Some(place), Some(what)) = (names.meaning(last), names.meaning(head)) else {
                return false;
            };
            let fits = matches!(place.role, Role::Step | Role::Epoch | Role::Batch)
                && matches!(
                    what.role,
                    Role::Loss(_) | Role::Accuracy | Role::Own(Weight::Strong)
                );
            if fits {
                self.value(last, &place, &item.value, Join::Blank);
                self.value(head, &what, &next.value, next.join);
            }
            return fits;
        }
        let Some((head, mut meaning)) = measured(item.name, names) else {
            return false;
        };
        let side = Side::of_text(next.name);
        if side != Side::Unsaid {
            Arc::make_mut(&mut meaning).side = side;
        }
        self.value(head, &meaning, &next.value, next.join);
        true
    }

    fn item(&mut self, item: &Item<'a>, index: usize, next: Option<&Item<'a>>, names: &mut Known) {
        self.side = Side::of_text(item.lead).or(self.side);
        let value = &item.value;
        if gib_in(value.unit).is_some() && matches!(value.form, Form::Of(_)) {
            self.bytes = true;
        }
        if item.name.is_empty() {
            if !self.named_behind(item, next, names) {
                self.unnamed(item, index, next, names);
            }
            return;
        }
        // A clock behind a date, a number behind one.
        let numeric = !item
            .name
            .bytes()
            .any(|b| b.is_ascii_alphabetic() || b >= 0x80);
        if numeric
            || value.form == Form::Time && item.name.starts_with(|c: char| c.is_ascii_digit())
        {
            return;
        }
        let Some(mut meaning) = names.meaning(item.name) else {
            return;
        };
        let mut words = words(item.name);
        // `Trial a1b2 reported loss=0.31`: talk before the name.
        if words > 3
            && item.join == Join::Equals
            && matches!(meaning.role, Role::Own(_))
            && let Some(last) = item
                .name
                .rsplit(' ')
                .next()
                .and_then(|word| names.meaning(word))
            && !matches!(
                last.role,
                Role::Own(Weight::Unknown | Weight::Weak) | Role::SideOnly
            )
        {
            (meaning, words) = (last, 1);
        }
        if item.join == Join::Blank && matches!(meaning.role, Role::Own(_)) {
            if words > 1 {
                // `validation loss at iteration 1000`, `Saving at step 5`
                self.side = Side::of_text(item.name).or(self.side);
                let last = item
                    .name
                    .rsplit(' ')
                    .next()
                    .and_then(|word| names.meaning(word));
                match last {
                    Some(last) if matches!(last.role, Role::Epoch | Role::Step | Role::Batch) => {
                        meaning = last;
                    }
                    Some(last)
                        if last.role == Role::Own(Weight::Strong)
                            && words <= 3
                            && meaning.role == Role::Own(Weight::Strong) => {}
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
                Arc::make_mut(&mut meaning).role = role;
            }
        }
        if words > 7 {
            return;
        }
        if item.join != Join::Blank && words > 2 && matches!(meaning.role, Role::Own(_)) {
            // `Accuracy of the network: 54 %`
            if let Some((head, meaning)) = measured(item.name, names) {
                return self.value(head, &meaning, value, item.join);
            }
            // `eval metrics after step: 500`
            let mut last = item.name.rsplitn(3, ' ');
            if let (Some(last), Some("at" | "after" | "for" | "in" | "on")) =
                (last.next(), last.next())
                && let Some(place) = names.meaning(last)
                && matches!(place.role, Role::Epoch | Role::Step)
            {
                self.side = Side::of_text(item.name).or(self.side);
                return self.value(last, &place, value, item.join);
            }
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
            // `loss train: 1.34, val: 1.52`
            if let Some((rank, side, _, raw)) = self.losses.last().copied()
                && side != Side::Unsaid
                && side != meaning.side
                && item.join != Join::Blank
                && matches!(value.form, Form::Number)
                && Side::of_text(raw) == side
                && !is_count(value.value)
            {
                self.losses
                    .push((rank, meaning.side, value.value, item.name));
                return;
            }
            let changed = Arc::make_mut(&mut meaning);
            (changed.role, changed.side) = (Role::Own(Weight::Weak), Side::Unsaid);
            self.own(item.name, &meaning, Side::Unsaid, value, item.join);
            return;
        }
        // Named like a value, but a rate by its unit: `speed 3.2 it/s`, `Avg throughput: 12 tokens/s`
        if let Role::Own(_) = meaning.role
            && item.join != Join::Blank
            && let Some(role @ (Role::Rate(..) | Role::ItPerS)) = rates::of_unit(value.unit)
        {
            Arc::make_mut(&mut meaning).role = role;
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
    pub fn value(&mut self, raw: &'a str, meaning: &Meaning, value: &Value, join: Join) {
        let n = value.value;
        let side = meaning.side.or(self.side);
        match &meaning.role {
            Role::Epoch => {
                self.side = side;
                let whole = n >= 0.0 && !raw.ends_with('s');
                self.place(value, ["epoch", "epochs"], whole);
            }
            Role::Step if value.is_span() => self.step_time(false, false, value),
            Role::Step => {
                self.side = side;
                self.step(raw, value);
            }
            Role::Batch => self.place(value, ["epoch_step", "epoch_total"], is_count(n)),
            Role::Loss(rank) if matches!(value.form, Form::Number | Form::Percent) => {
                self.strong = true;
                self.losses.push((*rank, side, n, raw));
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
            Role::Lr(part) => {
                self.weak = true;
                // As it is now: a setting is not called so.
                let now = raw.get(.."current ".len());
                self.strong |= now.is_some_and(|now| now.eq_ignore_ascii_case("current "));
                self.ranked("lr", *part, raw, n);
            }
            Role::GradNorm(part) => {
                self.strong = true;
                self.ranked("grad_norm", *part, raw, n);
            }
            // A simulation's own time step has no unit.
            Role::StepTime { ms: false, .. }
                if value.unit.is_empty()
                    && value.form == Form::Number
                    && raw.eq_ignore_ascii_case("dt") =>
            {
                self.unknown.push((raw.into(), n));
            }
            Role::StepTime { plain, ms } => self.step_time(*plain, *ms, value),
            Role::Progress => {
                if value.form == Form::Percent {
                    self.record.add("pct", n);
                }
            }
            Role::Eta => self.record.add("eta_s", seconds(value)),
            Role::Elapsed => {
                let sure = raw.contains("lapsed") || raw.contains("ELAPSED");
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
                    self.unknown.push((meaning.base.clone().into(), n));
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
                self.unknown.push((raw.into(), n));
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

    /// `3/10`, or `3` if it can be a place.
    fn place(&mut self, value: &Value, [at, total]: [&'static str; 2], can_be: bool) {
        match value.form {
            Form::Of(of) => {
                self.record.add(at, value.value);
                self.record.add(total, of);
            }
            Form::Number if can_be => self.record.add(at, value.value),
            _ => {}
        }
    }

    /// A step; of iterations and optimizer steps the latter, of a step of the epoch and of the run both.
    fn step(&mut self, raw: &'a str, value: &Value) {
        let whole = raw.bytes().any(|b| b == b'g' || b == b'G');
        let optimizer = whole || raw.eq_ignore_ascii_case("step");
        if optimizer
            && value.form == Form::Number
            && is_count(value.value)
            && let Some(before) = self.record.number("step")
            && before != value.value
        {
            if let Some(of) = self.record.number("steps").filter(|_| whole) {
                self.record.remove("steps");
                self.record.add("epoch_step", before);
                self.record.add("epoch_total", of);
            } else if !self.record.has("steps")
                && self
                    .step_name
                    .is_some_and(|name| name.starts_with(['i', 'I']))
            {
                self.unknown.push(("iter".into(), before));
            } else {
                return;
            }
            self.record.replace("step", value.value);
            return;
        }
        self.step_name = self.step_name.or(Some(raw));
        self.place(value, ["step", "steps"], is_count(value.value));
    }

    /// Of several of one kind the one that is called just so, else the first; the others keep their own names.
    fn ranked(&mut self, name: &'static str, part: u8, raw: &'a str, n: f64) {
        let taken = match name {
            "lr" => &mut self.lr,
            _ => &mut self.norm,
        };
        match *taken {
            None => {
                *taken = Some((part, raw));
                self.record.add(name, n);
            }
            Some((known, before)) if part < known => {
                *taken = Some((part, raw));
                if let Some(value) = self.record.replace(name, n) {
                    self.unknown.push((before.into(), value));
                }
            }
            Some(_) if raw != name && !self.record.has(raw) => self.unknown.push((raw.into(), n)),
            Some(_) => {}
        }
    }

    fn own(&mut self, raw: &'a str, meaning: &Meaning, side: Side, value: &Value, join: Join) {
        let n = match value.form {
            Form::Of(_) => return,
            _ => value.value,
        };
        let weight = match meaning.role {
            Role::Own(weight) => weight,
            _ => Weight::Unknown,
        };
        // Boosting libraries name data and metric at once; that is how they are known.
        let dataset = raw.contains("'s ")
            || raw.contains('-') && meaning.side != Side::Unsaid && !raw.contains(':');
        let plain = !raw.contains(' ') && !raw.contains('(');
        let lower = !raw.bytes().any(|b| b.is_ascii_uppercase());
        let base = match &*meaning.base {
            "perplexity" => "ppl",
            base if base.ends_with("loss_ppl") => "ppl",
            base => base,
        };
        let name: Cow<'a, str> = if dataset {
            raw.into()
        } else if side == Side::Eval {
            format!("eval_{base}").into()
        } else if base == "ppl" {
            "ppl".into()
        } else if plain && !(weight == Weight::Strong && (meaning.side == Side::Train || !lower)) {
            raw.into()
        } else {
            base.to_owned().into()
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
        self.record.add(own_name(name), n);
    }
}
