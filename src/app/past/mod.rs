//! Times other than now: a recording that is replayed, and the last hour of a live cluster. Both have the same slider
//! and the same keys; what a screen shows is as of where the slider is.

mod live;
pub mod playhead;
mod recording;
mod slider;
#[cfg(test)]
mod tests;

use chrono::{DateTime, TimeDelta, Utc};

use super::App;
use super::action::{Action, Scope};
use super::effect::Effect;
use crate::model::past::Past as Noted;
use crate::panes::Level;
pub use playhead::{Playhead, Speed};
pub use recording::Recording;

/// How to begin a replay.
pub struct Replay {
    pub info: crate::recording::scan::Info,
    /// Where; the end if that is told by nobody.
    pub at: Option<DateTime<Utc>>,
    pub speed: Option<Speed>,
}

/// What is shown in the place of now.
#[derive(Default)]
pub(super) enum Past {
    /// Now.
    #[default]
    Not,
    Recording(Box<Recording>),
    /// What was, while what is goes on.
    Live(Box<live::Rewound>),
}

/// The past as the settings want it kept.
pub(super) fn noted(settings: &crate::settings::Settings) -> Noted {
    let of = &settings.time_machine;
    let minutes = of.minutes.min(1440);
    Noted::new(
        of.memory_mib.min(4096) << 20,
        TimeDelta::minutes(minutes.into()),
    )
}

impl Past {
    fn recording_mut(&mut self) -> Option<&mut Recording> {
        match self {
            Self::Recording(of) => Some(of),
            Self::Not | Self::Live(_) => None,
        }
    }
}

impl App {
    /// A recording is replayed: there is no cluster.
    pub(super) fn replays(&self) -> bool {
        matches!(self.past, Past::Recording(_))
    }

    /// The slider is on screen.
    pub(super) fn in_the_past(&self) -> bool {
        self.desk.playhead.is_some()
    }

    /// Begins a replay: nothing of it needs a network, and nothing of it is kept.
    pub(super) fn begin_replay(&mut self, replay: Replay) {
        let now = Utc::now();
        let Replay { info, at, speed } = replay;
        let session = &mut self.desk.session;
        session.context.clone_from(&info.header.context);
        session.server_version.clone_from(&info.header.server);
        session.namespace = info.header.namespace.as_deref().map(Into::into);
        session.read_only = true;
        session.gpu_use.on = false;
        self.take_namespace_from_context = false;
        self.settings.tips = false;
        self.settings.history.enabled = false;
        self.settings.logs.watch = crate::settings::Follow::Off;
        self.link = super::Link::Open;
        let mut head = Playhead::new(info.complete(), info.end, now);
        head.go(at.unwrap_or(head.start), now);
        head.speed = speed.unwrap_or(head.speed);
        head.playing = at.is_none();
        self.desk.playhead = Some(head);
        for text in info.worries() {
            self.say(Level::Warning, text, now);
        }
        self.past = Past::Recording(Box::new(Recording::new(info)));
        self.follow(now);
    }

    /// Begins a recording of what is connected, or ends the one under way.
    pub(super) fn toggle_record(&mut self, now: DateTime<Utc>) {
        if self.replays() {
            return self.only_looks("record", now);
        }
        if self.link != super::Link::Open {
            let text = "nothing is recorded: there is no connection yet";
            return self.say(Level::Warning, text, now);
        }
        let text = match self.recording {
            true => {
                self.effects.push(Effect::EndRecord);
                "the recording ends"
            }
            false => {
                let namespace = self.desk.session.namespace.as_deref();
                self.effects
                    .push(Effect::Record(namespace.map(str::to_owned)));
                "recording into the working folder; the same key ends it"
            }
        };
        self.recording = !self.recording;
        self.say(Level::Info, text, now);
    }

    /// What the screens show is brought to where the slider is.
    pub(super) fn follow(&mut self, now: DateTime<Utc>) {
        self.hurry(now);
        match self.past {
            Past::Recording(_) => self.follow_recording(now),
            Past::Live(_) => self.follow_live(now),
            Past::Not => {}
        }
    }

    /// As fast as can be: to the next change.
    fn hurry(&mut self, now: DateTime<Utc>) {
        let at = self.desk.time(now);
        let next = self.next_change(at);
        let Some(head) = &mut self.desk.playhead else {
            return;
        };
        if head.playing && head.speed == Speed::Max {
            let step = (head.end - head.start) / 400;
            let next = next.unwrap_or(head.end);
            head.go(next.max(at + step.max(TimeDelta::milliseconds(100))), now);
        }
    }

    fn next_change(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match &self.past {
            Past::Recording(of) => of.next(at),
            Past::Live(_) => self.noted.next(at),
            Past::Not => None,
        }
    }

    fn previous_change(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match &self.past {
            Past::Recording(of) => of.previous(at),
            Past::Live(_) => self.noted.previous(at),
            Past::Not => None,
        }
    }

    /// A key of the slider; false if it is none.
    pub(super) fn act_in_time(&mut self, action: Action, now: DateTime<Utc>) -> bool {
        if action.scope() != Scope::Past {
            return false;
        }
        let at = self.desk.time(now);
        let (next, previous) = (self.next_change(at), self.previous_change(at));
        let Some(head) = &mut self.desk.playhead else {
            return true;
        };
        let seconds = TimeDelta::seconds;
        match action {
            Action::PastPause => head.toggle(now),
            Action::PastFaster => head.quicken(true, now),
            Action::PastSlower => head.quicken(false, now),
            other => {
                let end = head.end;
                match other {
                    Action::PastNext => head.go(next.unwrap_or(end), now),
                    Action::PastPrevious => head.go(previous.unwrap_or(head.start), now),
                    Action::PastSecond => head.by(seconds(1), now),
                    Action::PastSecondBack => head.by(seconds(-1), now),
                    Action::PastForward => head.by(seconds(10), now),
                    Action::PastBack => head.by(seconds(-10), now),
                    Action::PastMinute => head.by(seconds(60), now),
                    Action::PastMinuteBack => head.by(seconds(-60), now),
                    Action::PastStart => head.go(head.start, now),
                    Action::PastEnd => head.go(end, now),
                    _ => return true,
                }
                // a step is looked at
                if matches!(
                    other,
                    Action::PastNext
                        | Action::PastPrevious
                        | Action::PastSecond
                        | Action::PastSecondBack
                ) {
                    head.pause(now);
                }
            }
        }
        self.follow(now);
        true
    }

    /// A click on the slider.
    pub(super) fn click_in_time(&mut self, column: u16, now: DateTime<Utc>) {
        let track = self.spots.slider;
        let Some(head) = &mut self.desk.playhead else {
            return;
        };
        let last = track.width.saturating_sub(1).max(1);
        let share = f64::from(column.saturating_sub(track.x)) / f64::from(last);
        head.go(head.time_at(share), now);
        self.dirty = true;
        self.follow(now);
    }

    /// Nothing can be changed then.
    pub(super) fn only_looks(&mut self, what: &str, now: DateTime<Utc>) {
        let text = match self.past {
            Past::Recording(_) => format!(
                "{what}: a recording is replayed, no cluster; start jobdeck without it to change anything"
            ),
            Past::Live(_) => {
                let ago = now - self.desk.time(now);
                let ago = crate::model::human::duration(ago);
                let key = self
                    .desk
                    .look
                    .key_for(Action::TimeMachine, &[Scope::Global]);
                let key = key.map_or(String::new(), |key| format!("; {key} leads back to now"));
                format!(
                    "{what}: this is how it was {ago} ago, and nothing can be changed there{key}"
                )
            }
            Past::Not => return,
        };
        self.say(Level::Warning, text, now);
    }
}
