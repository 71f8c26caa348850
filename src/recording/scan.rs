//! One pass through a recording: how long it is, where what happened, what is wrong with it, and states to begin at.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::Trouble;
use super::decode::{Decoder, Opened};
use super::line::{Header, Line};
use super::read::{Place, Reader};
use crate::cluster::report::{Report, SourceHealth};
use crate::model::Model;
use crate::model::delta::{Rows, SourceId, Step};
use crate::model::past::fails;
use crate::model::want::Kind;

/// Lines between two kept states, at first.
const BETWEEN: u64 = 4000;
/// States kept, and rows in all of them: beyond that every other goes.
const STATES: usize = 24;
const ROWS: usize = 600_000;
/// First lists take no longer, in milliseconds.
const FIRST: u64 = 120_000;
/// Failures that are marked.
const MARKS: usize = 4096;
/// No recording is longer in earnest: ten years.
const LONGEST: u64 = 10 * 366 * 24 * 3600 * 1000;

/// What the watches had told by some time.
#[derive(Clone, Default)]
pub struct State {
    pub model: Model,
    pub sources: BTreeMap<SourceId, SourceHealth>,
    pub served: Option<Vec<Kind>>,
    opened: Opened,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "State({} pods)", self.model.pods.len())
    }
}

impl State {
    /// Folds one report in.
    pub fn take(&mut self, report: Report) {
        match report {
            Report::Delta(delta) => self.model.apply(delta),
            Report::Health(of) => drop(self.sources.insert(of.source, of)),
            Report::Ended { source, .. } => drop(self.sources.remove(&source)),
            Report::Workloads { kinds, .. } => self.served = Some(kinds),
            _ => {}
        }
    }
}

/// A state to begin at.
pub(super) struct Kept {
    /// Of the last line in it.
    pub t: u64,
    pub place: Place,
    pub state: State,
}

/// What there is to know of a recording before it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Info {
    pub header: Header,
    pub end: DateTime<Utc>,
    /// Milliseconds since the start after which jobs, pods and nodes are all there.
    pub complete: u64,
    /// Milliseconds since the start at which something was told.
    pub times: Arc<[u64]>,
    /// Those at which a job failed.
    pub failures: Arc<[u64]>,
    pub objects: u64,
    /// Lines of which nothing could be made, and what is wrong with the first.
    pub skipped: u64,
    pub first_skipped: Option<String>,
    /// Why it ends before its end.
    pub cut: Option<String>,
}

impl Info {
    /// When jobs, pods and nodes were all there.
    pub fn complete(&self) -> DateTime<Utc> {
        let millis = i64::try_from(self.complete).unwrap_or_default();
        let at = self
            .header
            .start
            .checked_add_signed(TimeDelta::milliseconds(millis));
        at.unwrap_or(self.end).min(self.end)
    }

    /// What to say of a recording that is not whole.
    pub fn worries(&self) -> Vec<String> {
        let cut = self.cut.as_ref().map(|why| {
            let end = self.end.with_timezone(&chrono::Local).format("%H:%M:%S");
            format!("the recording is not whole: {why}; it is replayed up to {end}")
        });
        let skipped = self.first_skipped.as_ref().map(|first| {
            let n = self.skipped;
            format!("{n} of its lines cannot be read and are left out; the first: {first}")
        });
        cut.into_iter().chain(skipped).collect()
    }
}

/// Reads lines one after the other, as what they say and when.
pub(super) struct Walk {
    pub reader: Reader,
    pub decoder: Decoder,
    t: u64,
}

/// What a line said.
pub(super) struct Said {
    pub t: u64,
    pub reports: Result<Vec<Report>, String>,
    pub ends: bool,
}

impl Walk {
    pub fn new(reader: Reader) -> Self {
        Self {
            reader,
            decoder: Decoder::default(),
            t: 0,
        }
    }

    /// Goes on from a kept state.
    pub fn begin_at(&mut self, t: u64, place: Place, state: &State) -> std::io::Result<()> {
        self.reader.begin_at(place)?;
        self.decoder.opened = state.opened.clone();
        self.t = t;
        Ok(())
    }

    pub fn next(&mut self) -> Option<Said> {
        let text = self.reader.next_line()?;
        let line = match std::str::from_utf8(&text) {
            Ok(text) => serde_json::from_str::<Line>(text).map_err(|e| e.to_string()),
            Err(e) => Err(e.to_string()),
        };
        let line = line.and_then(|line| match line.t {
            0..=LONGEST => Ok(line),
            _ => Err("its time is out of reach".into()),
        });
        Some(match line {
            Ok(line) => {
                // told later is not earlier
                self.t = self.t.max(line.t);
                Said {
                    t: self.t,
                    reports: self.decoder.reports(&line),
                    ends: line.end,
                }
            }
            Err(why) => Said {
                t: self.t,
                reports: Err(why),
                ends: false,
            },
        })
    }
}

/// Reads all of a recording.
///
/// # Errors
/// It cannot be read at all, or is none.
pub(super) fn scan(path: &Path) -> Result<(Info, Walk, Vec<Kept>), Trouble> {
    let (header, reader) = Reader::open(path)?;
    let mut walk = Walk::new(reader);
    let mut state = State::default();
    let mut kept: Vec<Kept> = vec![Kept {
        t: 0,
        place: Place::default(),
        state: State::default(),
    }];
    let (mut between, mut kept_at) = (BETWEEN, 0);
    let (mut times, mut failures) = (BTreeSet::new(), BTreeSet::new());
    let mut listed = BTreeSet::new();
    let (mut objects, mut skipped, mut first_skipped) = (0, 0, None);
    let (mut last, mut ended, mut complete) = (0, false, 0);
    loop {
        let before = walk.reader.line();
        let said = walk.next();
        if let Some(place) = walk.reader.stop()
            && before >= kept_at + between
        {
            kept_at = before;
            state.opened = walk.decoder.opened.clone();
            kept.push(Kept {
                t: last,
                place,
                state: state.clone(),
            });
            if is_much(&kept) {
                let mut even = false;
                kept.retain(|_| {
                    even = !even;
                    even
                });
                between *= 2;
            }
        }
        let Some(Said { t, reports, ends }) = said else {
            break;
        };
        last = t;
        ended |= ends;
        let reports = match reports {
            Ok(reports) => reports,
            Err(why) => {
                skipped += 1;
                let line = walk.reader.line();
                first_skipped.get_or_insert_with(|| format!("line {line}: {why}"));
                continue;
            }
        };
        for report in reports {
            if let Report::Delta(delta) = &report {
                let synced = listed.contains(&delta.source);
                match delta.rows.step() {
                    Some(Step::Synced) => {
                        let is_main =
                            matches!(delta.rows, Rows::Jobs(_) | Rows::Pods(_) | Rows::Nodes(_));
                        // those of other kinds may come to be served at any time
                        if listed.insert(delta.source) && is_main && t < FIRST {
                            complete = t;
                        }
                    }
                    Some(Step::Rows) => {
                        objects += 1;
                        times.insert(t);
                    }
                    Some(Step::Gone(_)) => drop(times.insert(t)),
                    _ => {}
                }
                if synced && failures.len() < MARKS && fails(&state.model, &delta.rows) {
                    failures.insert(t);
                }
            }
            state.take(report);
        }
    }
    let cut = walk.reader.cut().map(str::to_owned);
    let unended = || "it was not ended, so what came last may be missing".to_owned();
    let cut = cut.or_else(|| (!ended).then(unended));
    let millis = i64::try_from(last).unwrap_or_default();
    let end = header
        .start
        .checked_add_signed(TimeDelta::milliseconds(millis));
    let info = Info {
        end: end.unwrap_or(header.start),
        complete,
        header,
        times: times.into_iter().collect(),
        failures: failures.into_iter().collect(),
        objects,
        skipped,
        first_skipped,
        cut,
    };
    Ok((info, walk, kept))
}

fn is_much(kept: &[Kept]) -> bool {
    let rows = |kept: &Kept| kept.state.model.pods.len() + kept.state.model.jobs.len();
    kept.len() > STATES || (kept.len() > 3 && kept.iter().map(rows).sum::<usize>() > ROWS)
}
