//! Values whose unit or place says more than their name: rates, the time of a step, fractions, numbers without a name.

use super::super::items::Item;
use super::super::known::Known;
use super::super::names::{Role, Side};
use super::super::number::{Form, Value, seconds_in};
use super::super::rates;
use super::{Draft, Fraction, is_count, seconds};

impl Draft<'_> {
    pub(super) fn rate(&mut self, role: &Role, value: &Value, raw: &str) {
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
                    Some(Role::Rate(said, _)) => said,
                    _ if value.unit.contains("FLOP") => value.unit.to_owned().into(),
                    _ => unit.clone(),
                };
                let prompt = raw.contains("prompt") || raw.contains("Prompt");
                if prompt {
                    self.unknown.push(("prompt_throughput".into(), value.value));
                }
                self.strong |= !unit.is_empty();
                let rank = rank + 3 * u8::from(prompt);
                if self.rate.as_ref().is_none_or(|best| rank < best.0) {
                    self.rate = Some((rank, value.value, unit));
                }
            }
            _ => {}
        }
    }

    pub(super) fn step_time(&mut self, plain: bool, ms: bool, value: &Value) {
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

    pub(super) fn fraction(&mut self, item: &Item, index: usize, of: f64, side_only: bool) {
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

    pub(super) fn unnamed(
        &mut self,
        item: &Item,
        index: usize,
        next: Option<&Item>,
        names: &mut Known,
    ) {
        let value = &item.value;
        let tail = next.is_none();
        match value.form {
            Form::Of(of) if value.unit == "epoch" && index == 0 => {
                self.record.add("epoch", value.value);
                return self.record.add("epochs", of);
            }
            // `3/10 * Epoch (train): `
            Form::Of(of)
                if index == 0
                    && next.is_some_and(|next| {
                        let word = next.lead.strip_prefix(" * ").and_then(|lead| lead.get(..5));
                        word.is_some_and(|word| word.eq_ignore_ascii_case("epoch"))
                    }) =>
            {
                self.record.add("epoch", value.value);
                return self.record.add("epochs", of);
            }
            Form::Of(of) => {
                // `12 of 48 steps`
                if matches!(value.unit, "steps" | "iters" | "iterations" | "its") {
                    self.weak = true;
                }
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
        // ESPnet's `3epoch:train:`
        if value.unit == "epoch" && index == 0 {
            return self.record.add("epoch", value.value);
        }
        match rates::of_unit(value.unit) {
            Some(role @ (Role::Rate(..) | Role::ItPerS)) => return self.rate(&role, value, ""),
            _ if !value.unit.is_empty() => {
                if seconds_in(value.unit).is_some() && self.fractions.iter().any(|f| f.first) {
                    self.seconds = Some(seconds(value));
                } else if value.unit == "ms"
                    && self.record.has("step")
                    && item.lead.trim_end().ends_with('|')
                {
                    // `| lr 5e-4 | 341.11 ms |`
                    self.step_time(false, true, value);
                }
                return;
            }
            _ => {}
        }
        let mut rate_next = || {
            next.and_then(|next| names.meaning(next.name))
                .is_some_and(|meaning| matches!(meaning.role, Role::Rate(..)))
        };
        if index == 0
            && is_count(value.value)
            && item.lead.trim_matches(['[', ' ']).is_empty()
            && (item.bracket || rate_next())
        {
            self.bracket_number = Some(value.value);
            self.record.add("step", value.value);
        } else if tail && item.wide && value.unit.is_empty() && self.rate.is_some() && index > 1 {
            // tf_cnn_benchmarks: the loss is the last column.
            self.losses.push((1, self.side, value.value, "loss"));
        } else if item.bracket && index == 1 && self.record.has("epoch") && is_count(value.value) {
            let name = match self.side {
                Side::Eval => "eval_step",
                _ => "epoch_step",
            };
            self.record.add(name, value.value);
        }
    }
}
