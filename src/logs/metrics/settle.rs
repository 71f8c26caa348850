//! The end of a draft: what its fractions count, which loss is the loss, and whether it is a line of metrics at all.

use super::draft::{self, Draft};
use super::names::Side;
use super::record::Record;

impl Draft<'_> {
    fn place_fractions(&mut self) {
        let fractions = std::mem::take(&mut self.fractions);
        // `[ 41/120 03:12 < 06:11, Epoch 0.34/1]`: as far in the run as the epoch says, so it counts the run.
        let epochs = self
            .record
            .number("epoch")
            .zip(self.record.number("epochs"));
        let of_run = |f: &draft::Fraction| {
            epochs.is_some_and(|(epoch, epochs)| {
                epoch.fract() != 0.0 && (f.n / f.of - epoch / epochs).abs() < 0.02
            })
        };
        for (index, f) in fractions.iter().enumerate() {
            let record = &mut self.record;
            let more = index + 1 < fractions.len();
            // `Train: [3/300][10/1251]`, `[3/25][120/1583]`
            let before_batches = f.side_only && f.side == Side::Train || f.pair;
            if before_batches && more && !record.has("epoch") {
                record.add("epoch", f.n);
                record.add("epochs", f.of);
            } else if f.side == Side::Eval {
                record.add("eval_step", f.n);
                record.add("eval_total", f.of);
            } else if record.has("epoch") && !of_run(f)
                || f.first && (self.per_step || f.bar_next)
                || f.first && !f.bar && self.seconds.is_some()
                || f.batches
                || f.after_loss
            {
                record.add("epoch_step", f.n);
                record.add("epoch_total", f.of);
                if let Some(percent) = f.percent {
                    record.add("epoch_pct", percent);
                }
            } else if !record.has("step") {
                record.add("step", f.n);
                record.add("steps", f.of);
                if let Some(percent) = f.percent {
                    record.add("pct", percent);
                }
            }
        }
        if let Some(seconds) = self.seconds {
            let done = fractions.iter().any(|f| f.n >= f.of);
            self.record
                .add(if done { "elapsed_s" } else { "eta_s" }, seconds);
        }
        // A bar without a bar: `41/120 03:12 < 06:11, 0.21 it/s`.
        let bare = self.times.len() == 2 && !fractions.is_empty() && self.record.has("it_per_s");
        if bare || fractions.iter().any(|f| f.bar) {
            match self.times[..] {
                [elapsed, eta, ..] => {
                    self.record.add("elapsed_s", elapsed);
                    self.record.add("eta_s", eta);
                }
                [eta] => self.record.add("eta_s", eta),
                [] => {}
            }
        }
    }

    /// Anything that says how far it is.
    fn has_progress(&self) -> bool {
        ["step", "epoch", "epoch_step"]
            .iter()
            .any(|name| self.record.has(name))
    }

    /// Progress that needs no metric beside it: with the time that is left, in the epoch and in the run, or with
    /// several values nobody knows.
    fn places(&self) -> bool {
        let record = &self.record;
        let (step, epoch) = (record.has("step"), record.has("epoch"));
        let inside = record.has("epoch_step");
        let named = |(_, value): &&(_, f64)| value.fract() != 0.0 && value.is_finite();
        (step || epoch) && record.has("eta_s") && !self.fractions.iter().any(|f| f.bar)
            || step && inside && self.step_name.is_some()
            || epoch && (step || inside) && self.unknown.iter().filter(named).count() > 1
    }

    /// `step: 770, max_steps: 3000`
    fn total_by_name(&mut self) {
        if self.record.has("steps") {
            return;
        }
        let Some(step) = self.record.number("step") else {
            return;
        };
        let total = self.unknown.iter().position(|(name, value)| {
            matches!(
                &**name,
                "max_steps" | "total_steps" | "num_training_steps" | "max_iters" | "total_iters"
            ) && *value >= step
        });
        if let Some(at) = total {
            let (_, value) = self.unknown.remove(at);
            self.record.add("steps", value);
        }
    }

    /// The record, if this is a line of metrics.
    pub fn finish(mut self) -> Option<Record> {
        let bar = self.fractions.iter().any(|f| f.bar);
        if self.bytes && self.losses.is_empty() {
            return None;
        }
        // Keras and hapi count steps within the epoch; so do those who say both.
        if self.record.has("steps") {
            if self.per_step && !self.record.has("epoch") {
                for (from, to) in [("step", "epoch_step"), ("steps", "epoch_total")] {
                    if let Some(field) = self.record.remove(from) {
                        self.record.add(to, field);
                    }
                }
            } else if self.record.has("epochs")
                && let (Some(n), Some(of)) =
                    (self.record.number("step"), self.record.number("steps"))
            {
                self.record.add("epoch_step", n);
                self.record.add("epoch_total", of);
            }
        }
        let had = self.has_progress();
        self.place_fractions();
        let progress = self.has_progress();
        self.total_by_name();
        if !(self.strong
            || self.places()
            || progress && self.weak
            || bar
            || had && self.record.has("s_per_it")
            || had && self.record.has("ms_per_step"))
        {
            return None;
        }
        self.place_losses();
        let place = self.record.has("step") || self.record.has("epoch_step");
        match self.time {
            Some(time) if place => {
                self.record.add("s_per_it", time);
            }
            Some(time) => self.unknown.push(("time".into(), time)),
            None => {}
        }
        if let Some((_, value, unit)) = self.rate.take() {
            self.record.add("throughput", value);
            if !unit.is_empty() {
                self.record.add("throughput_unit", unit);
            }
        }
        for (name, value) in std::mem::take(&mut self.unknown) {
            self.record.add(draft::own_name(name), value);
        }
        self.record.ring();
        Some(self.record)
    }

    /// The record of a value that is known to be a metric.
    pub fn finish_anyway(mut self) -> Option<Record> {
        self.strong = true;
        let record = self.finish()?;
        (!record.is_empty()).then_some(record)
    }

    fn place_losses(&mut self) {
        let mut losses = std::mem::take(&mut self.losses);
        // What is called just so before averages and the like.
        losses.sort_by_key(|loss| (loss.0, loss.3 != "loss"));
        for (_, side, value, raw) in losses {
            let name = if side == Side::Eval {
                "eval_loss"
            } else {
                "loss"
            };
            if self.record.has(name) {
                let own = raw.replace(' ', "_");
                let own = match side {
                    Side::Eval if Side::of_text(&raw.replace('_', " ")) != side => {
                        format!("eval_{own}")
                    }
                    _ => own,
                };
                let own = if own == name { format!("{own}_2") } else { own };
                self.record.add(own, value);
            } else {
                self.record.add(name, value);
            }
        }
    }
}
