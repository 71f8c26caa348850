//! What somebody who looks after the nodes should know of a device.

use chrono::{DateTime, Utc};

use super::reading::Basis;
use super::verdict::{Terms, Verdict};
use super::{Device, GpuUse};
use crate::model::human;
use crate::model::ids::{ClusterId, Name};
use crate::model::xid::{self, Blame};

/// One thing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Alarm {
    /// The driver reported an error; since when, if it was seen to happen.
    Xid(u16, Option<DateTime<Utc>>),
    /// Memory that fails: rows could not be replaced, or values not be corrected (how many).
    RemapFailed,
    Uncorrected(u32),
    /// Its exporter says that it is unwell.
    Unwell,
    /// Degrees Celsius, over what is hot.
    Hot(f32),
    /// The clocks are held down, by heat.
    SlowedByHeat,
    /// The clocks are held down, by the board.
    SlowedByBoard,
    /// The clocks are held down, by a power limit.
    PowerCapped,
    /// Somebody has it and did nothing with it over the whole window.
    Parked {
        since: DateTime<Utc>,
        basis: Basis,
        held: Option<f32>,
    },
    Unused {
        since: DateTime<Utc>,
        basis: Basis,
    },
}

/// How urgent it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Good to know.
    Note,
    /// Costs money or speed.
    Waste,
    /// The hardware wants somebody.
    Sick,
}

impl Alarm {
    pub fn weight(self) -> Weight {
        match self {
            Alarm::Xid(code, _) => match xid::blame(code) {
                Blame::Device => Weight::Sick,
                Blame::Program | Blame::Watch => Weight::Note,
            },
            Alarm::RemapFailed | Alarm::Uncorrected(_) | Alarm::Unwell => Weight::Sick,
            Alarm::SlowedByBoard => Weight::Sick,
            Alarm::Hot(_) | Alarm::SlowedByHeat => Weight::Waste,
            Alarm::Parked { .. } | Alarm::Unused { .. } => Weight::Waste,
            Alarm::PowerCapped => Weight::Note,
        }
    }

    /// In a word or two.
    pub fn short(self) -> String {
        match self {
            Alarm::Xid(code, _) => format!("Xid {code}"),
            Alarm::RemapFailed => "row remap failed".into(),
            Alarm::Uncorrected(n) => format!("{n} ECC"),
            Alarm::Unwell => "unwell".into(),
            Alarm::Hot(c) => format!("{c:.0} °C"),
            Alarm::SlowedByHeat => "slowed by heat".into(),
            Alarm::SlowedByBoard => "slowed by its board".into(),
            Alarm::PowerCapped => "power capped".into(),
            Alarm::Parked { .. } => "parked".into(),
            Alarm::Unused { .. } => "unused".into(),
        }
    }

    /// In a sentence, with what to do where there is something.
    pub fn words(self, now: DateTime<Utc>) -> String {
        let idle = |since: DateTime<Utc>, basis: Basis| {
            format!("{} ({})", human::duration(now - since), basis.words())
        };
        match self {
            Alarm::Xid(code, at) => {
                let when = match at {
                    Some(at) => format!(", {} ago", human::duration(now - at)),
                    None => ", the last one reported; when, is not told".into(),
                };
                let next = xid::known(code).map_or(String::new(), |x| format!("; {}", x.next));
                format!("{}{when}{next}", xid::words(code))
            }
            Alarm::RemapFailed => "replacing a bad memory row failed: drain the node, the GPU may have to be replaced".into(),
            Alarm::Uncorrected(n) => format!("{n} memory errors that could not be corrected: drain the node and reset the GPU"),
            Alarm::Unwell => "its exporter calls it unhealthy: its log tells why".into(),
            Alarm::Hot(c) => format!("{c:.0} °C: check airflow and fans, or the limit in [gpu-use] hot"),
            Alarm::SlowedByHeat => "its clocks are held down by heat".into(),
            Alarm::SlowedByBoard => "its clocks are held down from outside the chip (slowdown or power brake): check power and cooling of the node".into(),
            Alarm::PowerCapped => "its clocks are held down by its power limit".into(),
            Alarm::Parked { since, basis, held } => {
                let held = held.map_or(String::new(), |mib| {
                    format!(", {} of memory held", human::bytes((mib as u64) << 20))
                });
                format!("no activity for {}{held}", idle(since, basis))
            }
            Alarm::Unused { since, basis } => {
                format!("no activity and no memory held for {}", idle(since, basis))
            }
        }
    }
}

impl Device {
    /// What is wrong with it, the gravest first. `started`: see [`Device::verdict`].
    pub fn alarms(
        &self,
        now: DateTime<Utc>,
        terms: &Terms,
        started: Option<DateTime<Utc>>,
    ) -> Vec<Alarm> {
        let mut out = Vec::new();
        let reading = &self.reading;
        out.extend(
            reading
                .xid
                .filter(|x| *x > 0)
                .map(|x| Alarm::Xid(x, self.xid_at)),
        );
        if reading.remap_failed == Some(true) {
            out.push(Alarm::RemapFailed);
        }
        out.extend(
            reading
                .uncorrected
                .filter(|n| *n > 0)
                .map(Alarm::Uncorrected),
        );
        if reading.unwell == Some(true) {
            out.push(Alarm::Unwell);
        }
        // what follows is about now
        if !self.is_stale(now) {
            out.extend(reading.celsius.filter(|c| *c >= terms.hot).map(Alarm::Hot));
            if let Some(slowed) = reading.slowed {
                let all = [
                    (slowed.heat, Alarm::SlowedByHeat),
                    (slowed.board, Alarm::SlowedByBoard),
                    (slowed.power, Alarm::PowerCapped),
                ];
                out.extend(
                    all.into_iter()
                        .filter(|(is, _)| *is)
                        .map(|(_, alarm)| alarm),
                );
            }
            match self.verdict(now, terms.window, started) {
                Verdict::Parked { since, basis } => {
                    let held = self.quiet.and_then(|quiet| quiet.held);
                    out.push(Alarm::Parked { since, basis, held });
                }
                Verdict::Unused { since, basis } => out.push(Alarm::Unused { since, basis }),
                _ => {}
            }
        }
        out.sort_by_key(|alarm| std::cmp::Reverse(alarm.weight()));
        out
    }
}

impl GpuUse {
    /// All alarms of a cluster, the gravest first, then by node and device. Looks at every device that is
    /// remembered ([`super::NODES`]): to be asked when [`GpuUse::version`] moved, not for each frame.
    pub fn alarms<'a>(
        &'a self,
        cluster: ClusterId,
        now: DateTime<Utc>,
        terms: &Terms,
    ) -> Vec<(&'a Name, &'a Device, Alarm)> {
        let mut out: Vec<(&Name, &Device, Alarm)> = Vec::new();
        for (name, node) in self.nodes(cluster) {
            for device in node.devices() {
                let alarms = device.alarms(now, terms, None);
                out.extend(alarms.into_iter().map(|alarm| (name, device, alarm)));
            }
        }
        out.sort_by(|a, b| {
            let place = |(name, device, alarm): &(&'a Name, &'a Device, Alarm)| {
                (
                    std::cmp::Reverse(alarm.weight()),
                    (*name).clone(),
                    device.index,
                )
            };
            place(a).cmp(&place(b))
        });
        out
    }
}
