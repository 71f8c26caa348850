//! Messages for the user: kept, counted when they repeat, the newest shown in the footer for a while.

use chrono::{DateTime, TimeDelta, Utc};

use crate::panes::{Level, Notice};

/// How many are kept.
const KEPT: usize = 500;

#[derive(Debug, Default)]
pub struct Notices {
    all: Vec<Notice>,
    /// In the footer until then; nothing: the newest.
    until: Option<DateTime<Utc>>,
    flash: Option<Notice>,
    unread: usize,
}

impl Notices {
    pub fn add(&mut self, level: Level, text: impl Into<String>, now: DateTime<Utc>) {
        let text = text.into();
        match self.all.last_mut() {
            Some(last) if last.text == text && last.level == level => {
                last.times += 1;
                last.at = now;
            }
            _ => {
                self.all.push(Notice {
                    at: now,
                    level,
                    text,
                    times: 1,
                });
                if level != Level::Info {
                    self.unread += 1;
                }
            }
        }
        if self.all.len() > KEPT {
            self.all.drain(..self.all.len() - KEPT);
        }
        self.flash = None;
        let shown = if level == Level::Info { 4 } else { 10 };
        self.until = Some(now + TimeDelta::seconds(shown));
    }

    /// A sentence for the footer that is kept elsewhere.
    pub fn flash(&mut self, level: Level, text: String, now: DateTime<Utc>) {
        self.flash = Some(Notice {
            at: now,
            level,
            text,
            times: 1,
        });
        self.until = Some(now + TimeDelta::seconds(8));
    }

    pub fn all(&self) -> &[Notice] {
        &self.all
    }

    /// Warnings and errors since the messages were last looked at.
    pub fn unread(&self) -> usize {
        self.unread
    }

    pub fn read(&mut self) {
        self.unread = 0;
    }

    /// The one for the footer now, if any.
    pub fn current(&self, now: DateTime<Utc>) -> Option<&Notice> {
        let shown = self.flash.as_ref().or(self.all.last());
        self.until.filter(|u| *u > now).and(shown)
    }

    /// When the footer changes by itself.
    pub fn wake(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.until.filter(|u| *u > now)
    }

    /// A key was pressed: the user has seen it.
    pub fn dismiss(&mut self) {
        self.until = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_are_counted_and_the_footer_forgets() {
        let (mut notices, now) = (Notices::default(), DateTime::UNIX_EPOCH);
        notices.add(Level::Error, "no route", now);
        notices.add(Level::Error, "no route", now + TimeDelta::seconds(3));
        notices.add(Level::Info, "copied pi", now + TimeDelta::seconds(4));
        assert_eq!(
            (
                notices.all().len(),
                notices.all()[0].times,
                notices.unread()
            ),
            (2, 2, 1)
        );
        assert_eq!(
            notices
                .current(now + TimeDelta::seconds(7))
                .map(|n| &*n.text),
            Some("copied pi")
        );
        assert_eq!(notices.current(now + TimeDelta::seconds(9)), None);
        let later = now + TimeDelta::seconds(20);
        notices.flash(Level::Warning, "pi: failed".into(), later);
        let shown = |at| notices.current(at).map(|n| &*n.text);
        assert_eq!(shown(later), Some("pi: failed"));
        assert_eq!(shown(later + TimeDelta::seconds(9)), None);
        assert_eq!(notices.all().len(), 2, "it is kept elsewhere");
        (0..600).for_each(|i| notices.add(Level::Warning, i.to_string(), now));
        assert_eq!(notices.all().len(), 500);
    }
}
