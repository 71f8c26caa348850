//! The last hour of a live cluster: a copy of the model goes back, while the model itself goes on and is shown again on
//! return.

use chrono::{DateTime, TimeDelta, Utc};

use super::{App, Past, Playhead};
use crate::app::Link;
use crate::model::Model;
use crate::model::delta::Delta;
use crate::panes::Level;

/// So far back it begins.
const BACK: TimeDelta = TimeDelta::seconds(10);

/// What is put aside while the past is shown.
pub struct Rewound {
    /// As of now.
    pub live: Model,
    /// The time the copy shows; none: that of entering.
    shown: Option<DateTime<Utc>>,
    read_only: bool,
}

impl App {
    /// The key of the time machine: into the past, or back to now.
    pub(in crate::app) fn time_machine(&mut self, now: DateTime<Utc>) {
        match self.past {
            Past::Live(_) => return self.back_to_now(),
            Past::Recording(_) => return self.only_looks("time-machine", now),
            Past::Not => {}
        }
        if !self.noted.is_on() {
            let text = "the time machine is off: set memory-mib and minutes under [time-machine] in the settings";
            return self.say(Level::Warning, text, now);
        }
        let start = self.noted.start(now).filter(|start| *start < now);
        let Some(start) = start.filter(|_| self.link == Link::Open) else {
            let text = "there is no past yet: it begins when the first lists are complete";
            return self.say(Level::Info, text, now);
        };
        let live = self.desk.model.clone();
        let session = &mut self.desk.session;
        self.past = Past::Live(Box::new(Rewound {
            live,
            shown: None,
            read_only: std::mem::replace(&mut session.read_only, true),
        }));
        // what GPUs did then is not kept
        let mut unknown = crate::model::gpu_use::GpuUse::default();
        unknown.succeed(&self.desk.model.gpu_use);
        self.desk.model.gpu_use = unknown;
        let mut head = Playhead::new(start, now, now);
        head.go(now - BACK, now);
        self.desk.playhead = Some(head);
        self.follow(now);
    }

    /// What is live is shown again.
    pub(in crate::app) fn back_to_now(&mut self) {
        let Past::Live(of) = std::mem::take(&mut self.past) else {
            return;
        };
        let mut live = of.live;
        live.succeed(&self.desk.model);
        self.desk.model = live;
        self.desk.session.read_only = of.read_only;
        self.desk.playhead = None;
        self.dirty = true;
    }

    /// The connection is left, and its past with it.
    pub(in crate::app) fn forget_past(&mut self) {
        self.back_to_now();
        self.noted = super::noted(&self.settings);
    }

    /// Takes the copy to where the slider is.
    pub(super) fn follow_live(&mut self, now: DateTime<Utc>) {
        let start = self.noted.start(now);
        let (Past::Live(of), Some(head)) = (&mut self.past, &mut self.desk.playhead) else {
            return;
        };
        head.end = now;
        let at = head.at(now);
        if let Some(start) = start {
            head.start = start;
            // what was kept longest is gone by now
            if at < start {
                head.go(start, now);
            }
        }
        if head.playing && at >= now - TimeDelta::milliseconds(200) {
            return self.back_to_now();
        }
        let at = head.at(now);
        if of.shown != Some(at) {
            let copy = &mut self.desk.model;
            self.noted.show(copy, &of.live, of.shown, at);
            of.shown = Some(at);
            self.dirty = true;
        }
    }

    /// Folds rows into what is live, and notes what they took away; false if that is not on screen.
    pub(in crate::app) fn fold(&mut self, delta: Delta, now: DateTime<Utc>) -> bool {
        match &mut self.past {
            Past::Live(of) => {
                self.noted.note(&of.live, &delta, now);
                // what a screen asked for only then: it is shown as far as it is known
                if self.noted.is_new(&delta) {
                    self.desk.model.apply(delta.clone());
                    self.dirty = true;
                }
                of.live.apply(delta);
                false
            }
            Past::Not => {
                self.noted.note(&self.desk.model, &delta, now);
                self.desk.model.apply(delta);
                true
            }
            Past::Recording(_) => {
                self.desk.model.apply(delta);
                true
            }
        }
    }
}
