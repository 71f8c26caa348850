//! Where a stream is in its run: records with a step, an epoch or neither become places on one axis, a step that
//! goes back becomes another start. Separate because this is the only part that has to guess.

use super::super::metrics::Record;

/// What the axis counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Axis {
    /// The records, in order: nothing better was said.
    #[default]
    Record,
    Epoch,
    Step,
}

impl Axis {
    pub fn word(self) -> &'static str {
        match self {
            Axis::Record => "record",
            Axis::Epoch => "epoch",
            Axis::Step => "step",
        }
    }
}

/// A record's place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    pub x: f64,
    pub segment: u32,
    /// What the points of before are to be multiplied with: the axis counts something else from now on.
    pub rescale: Option<f64>,
}

/// The state of one stream (or of one rank in it).
#[derive(Debug, Clone, Default)]
pub struct Places {
    pub axis: Axis,
    x: f64,
    /// The distinct place before that, in this segment.
    before: Option<f64>,
    pub segment: u32,
    /// Steps that count within the epoch: those of the epochs before.
    base: f64,
    /// The last step as it was said.
    said: Option<f64>,
    pub epoch: Option<f64>,
    pub epochs: Option<f64>,
    pub step: Option<f64>,
    pub steps: Option<f64>,
    /// Part of the whole run that is done, if said in another way.
    pub pct: Option<f64>,
    /// Part of the epoch.
    within: Option<f64>,
    records: f64,
    /// How often the run began again.
    pub restarts: u32,
}

impl Places {
    /// Takes over what the record says of place and totals. `None`: it is about something else than training (a bar
    /// over another count, a header) and belongs nowhere.
    pub fn read(&mut self, record: &Record) -> Option<Place> {
        let n = |name: &str| record.number(name).filter(|n| n.is_finite());
        let kind = record.text("kind");
        if kind.is_some_and(|kind| kind != "validation") {
            return None;
        }
        let eval = is_eval(record) || kind.is_some();
        let (step, steps) = (n("step"), n("steps"));
        if self.is_other_bar(record, step, steps) {
            return None;
        }
        if eval && step.is_none() {
            // Told of where training is; an epoch it names is the one just done.
            if self.records == 0.0
                && let Some(epoch) = n("epoch")
            {
                (self.axis, self.x) = (Axis::Epoch, epoch);
            }
            self.records += 1.0;
            return Some(self.here(None));
        }
        let epoch = n("epoch");
        let epochs = n("epochs");
        let new_epoch = matches!((epoch, self.epoch), (Some(now), Some(before)) if now > before);
        let within = match (n("epoch_step"), n("epoch_total"), n("epoch_pct")) {
            (Some(at), Some(of), _) if of > 0.0 => Some((at / of).clamp(0.0, 1.0)),
            (_, _, Some(pct)) => Some((pct / 100.0).clamp(0.0, 1.0)),
            _ => None,
        };
        self.epochs = epochs.or(self.epochs);
        self.steps = steps.or(self.steps);
        self.pct = n("pct").or(self.pct);
        let old_epoch = self.epoch;
        self.epoch = epoch.or(self.epoch);
        self.within = within.or(if epoch.is_some() { None } else { self.within });
        self.records += 1.0;
        let (axis, x) = match step {
            Some(step) => {
                let back = self.said.is_some_and(|said| step < said);
                if back && new_epoch {
                    self.base = self.x;
                } else if back && self.base > 0.0 && epoch < old_epoch {
                    self.base = 0.0;
                }
                self.said = Some(step);
                self.step = Some(step + self.base);
                (Axis::Step, step + self.base)
            }
            None => match (epoch, n("epoch_step"), n("epoch_total")) {
                // Counted from one, as all do who count whole epochs with steps in them.
                (Some(epoch), Some(at), Some(of)) if epoch.fract() == 0.0 && of > 0.0 => {
                    (Axis::Step, (epoch - 1.0).max(0.0) * of + at)
                }
                (Some(epoch), _, _) if self.axis <= Axis::Epoch => (Axis::Epoch, epoch),
                _ if self.axis == Axis::Record => (Axis::Record, self.records),
                // It says where it is in another way than before: that is where it is.
                _ => return Some(self.here(None)),
            },
        };
        if axis > self.axis {
            let known = self.x > 0.0 && self.records > 1.0;
            let factor = known.then_some(x / self.x);
            let factor = factor.filter(|f| f.is_finite() && *f > 0.0);
            if known && factor.is_none() {
                // What was counted so far cannot be put on the new axis.
                self.segment += 1;
            }
            (self.axis, self.x, self.before) = (axis, x, None);
            return Some(self.here(factor));
        }
        if axis < self.axis {
            return Some(self.here(None));
        }
        self.go(x)
    }

    fn go(&mut self, x: f64) -> Option<Place> {
        if x < self.x {
            // Several processes in one stream tell the same steps, a little apart: no restart.
            if self.before.is_some_and(|before| x >= before) {
                return None;
            }
            if self.before.is_some() {
                self.segment += 1;
                self.restarts += 1;
            }
            (self.x, self.before) = (x, None);
        } else if x > self.x || self.before.is_none() && self.records <= 1.0 {
            self.before = Some(self.x).filter(|_| self.records > 1.0);
            self.x = x;
        }
        Some(self.here(None))
    }

    fn here(&self, rescale: Option<f64>) -> Place {
        Place {
            x: self.x,
            segment: self.segment,
            rescale,
        }
    }

    /// A bar that counts something else (an evaluation, a download) while the run's own total is known.
    fn is_other_bar(&self, record: &Record, step: Option<f64>, steps: Option<f64>) -> bool {
        let (Some(step), Some(steps), Some(known)) = (step, steps, self.steps) else {
            return false;
        };
        let values = record
            .fields()
            .any(|(name, _)| name.ends_with("loss") || name == "lr" || name == "grad_norm");
        !values && steps != known && step < self.said.unwrap_or(0.0)
    }

    /// Part of the run that is done, 0 to 1.
    pub fn fraction(&self) -> Option<f64> {
        let of = |at: Option<f64>, of: Option<f64>| {
            let (at, of) = (at?, of?);
            (of > 0.0).then(|| (at / of).clamp(0.0, 1.0))
        };
        if self.base == 0.0
            && let Some(done) = of(self.step, self.steps)
        {
            return Some(done);
        }
        if let (Some(epoch), Some(epochs)) = (self.epoch, self.epochs) {
            let done = match self.within {
                Some(within) if epoch.fract() == 0.0 => (epoch - 1.0).max(0.0) + within,
                _ => epoch,
            };
            return of(Some(done), Some(epochs));
        }
        self.pct.map(|pct| (pct / 100.0).clamp(0.0, 1.0))
    }
}

/// Whether it is the evaluation that speaks.
fn is_eval(record: &Record) -> bool {
    let mut values = record
        .fields()
        .filter_map(|(name, _)| super::meaning::curve(name))
        .map(|(_, side)| side);
    let Some(first) = values.next() else {
        return record.has("eval_step");
    };
    first == super::Side::Eval && values.all(|side| side == super::Side::Eval)
}
