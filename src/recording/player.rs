//! Plays a recording: the state of any time, and what was told between two times. It blocks: it has a thread of its own.

use std::path::Path;

use super::Trouble;
use super::line::Line;
use super::read::Reader;
use super::scan::{Info, Kept, Said, State, Walk, scan};
use crate::cluster::kinds::entry;
use crate::cluster::report::Report;
use crate::model::want::ObjectWant;

/// What brings who watches from where the player was to another time.
#[derive(Debug)]
pub enum Moved {
    /// What was told in between.
    On(Vec<Report>),
    /// Everything, anew.
    To(Box<State>),
}

/// A recording and where in it one is.
pub struct Player {
    walk: Walk,
    kept: Vec<Kept>,
    /// The line after those told.
    ahead: Option<Said>,
    /// Milliseconds up to which all was told; none before anything was.
    at: Option<u64>,
}

impl Player {
    /// Reads through a recording once.
    ///
    /// # Errors
    /// It cannot be read at all, or is none.
    pub fn open(path: &Path) -> Result<(Info, Self), Trouble> {
        let (info, walk, kept) = scan(path)?;
        let player = Self {
            walk,
            kept,
            ahead: None,
            at: None,
        };
        Ok((info, player))
    }

    /// Goes to a time, in milliseconds since the start.
    ///
    /// # Errors
    /// The file is gone.
    pub fn to(&mut self, t: u64) -> std::io::Result<Moved> {
        let kept = self.kept.iter().rposition(|kept| kept.t <= t).unwrap_or(0);
        let near = |at: u64| t >= at && self.kept.get(kept).is_none_or(|kept| kept.t <= at);
        if self.at.is_some_and(near) {
            let mut told = Vec::new();
            self.until(t, |report| told.push(report));
            return Ok(Moved::On(told));
        }
        let mut state = State::default();
        if let Some(kept) = self.kept.get(kept) {
            self.walk.begin_at(kept.t, kept.place, &kept.state)?;
            state = kept.state.clone();
        }
        self.ahead = None;
        self.until(t, |report| state.take(report));
        Ok(Moved::To(Box::new(state)))
    }

    /// Takes in all lines up to a time.
    fn until(&mut self, t: u64, mut each: impl FnMut(Report)) {
        self.at = Some(t);
        loop {
            let said = match self.ahead.take().or_else(|| self.walk.next()) {
                Some(said) if said.t <= t => said,
                ahead => {
                    self.ahead = ahead;
                    return;
                }
            };
            for report in said.reports.into_iter().flatten() {
                each(report);
            }
        }
    }

    /// An object as it was at a time, in milliseconds since the start.
    ///
    /// # Errors
    /// It is not in the recording then.
    pub fn object(
        &self,
        path: &Path,
        want: &ObjectWant,
        t: u64,
    ) -> Result<serde_json::Value, String> {
        let (_, mut reader) = Reader::open(path).map_err(|e| e.to_string())?;
        let (mut found, mut sources) = (None, Vec::new());
        let kind = entry(want.kind);
        let name = format!("\"name\":\"{}\"", &*want.name);
        while let Some(text) = reader.next_line() {
            let Ok(text) = std::str::from_utf8(&text) else {
                continue;
            };
            let opens = text.contains("\"open\":");
            if !opens && !text.contains(&name) {
                continue;
            }
            let Ok(line) = serde_json::from_str::<Line>(text) else {
                continue;
            };
            if line.t > t {
                break;
            }
            if let (Some(open), Some(s)) = (&line.open, line.s)
                && (&*open.group, &*open.plural) == (kind.group, kind.plural())
            {
                sources.push(s);
            }
            let Some(put) = line
                .put
                .filter(|_| line.s.is_some_and(|s| sources.contains(&s)))
            else {
                continue;
            };
            let object: serde_json::Value = serde_json::from_str(put.get()).unwrap_or_default();
            let is = |field: &str, value: &str| {
                object["metadata"][field].as_str().unwrap_or_default() == value
            };
            if is("name", &want.name) && is("namespace", &want.namespace) {
                found = Some(object);
            }
        }
        found.ok_or_else(|| "it is not in the recording at this time".into())
    }
}
