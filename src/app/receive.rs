//! What tasks tell, folded into the state.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::effect::Effect;
use super::message::{Failure, Message, Opened};
use super::{App, Link};
use crate::cluster::report::{Report, Severity, SourceHealth};
use crate::logs::run::Said;
use crate::model::Model;
use crate::model::delta::{Change, Rows, SourceId};
use crate::model::health::Health;
use crate::model::ids::ClusterId;
use crate::model::want::{Kind, Want};
use crate::panes::{Arrival, Level, clusters, worker};

impl App {
    /// Folds one message into the state. Messages of an earlier connection are ignored.
    pub fn receive(&mut self, message: Message, now: DateTime<Utc>) {
        match message {
            Message::Opened { connection, opened } if connection == self.connection => {
                // of several clusters none has the screen to itself
                let dressed = match self.desk.session.several() {
                    true => "",
                    false => &opened.context,
                };
                self.dress(dressed, now);
                self.opened(&opened);
                if let Some(name) = self.first_view.take() {
                    self.show_view(&name, now);
                }
                self.publish_layouts();
                self.arrange_first(now);
            }
            Message::NotOpened {
                connection,
                failure,
            } if connection == self.connection => self.failed(failure, now),
            Message::From {
                connection,
                report,
                said,
                failed,
            } if connection == self.connection => {
                if let (Report::Log(batch), false) = (&report, failed.is_empty()) {
                    self.failures(batch.cluster, &batch.want, &failed, now);
                }
                self.report(report, &said, now);
            }
            Message::Joined {
                connection,
                id,
                outcome,
            } if connection == self.connection => self.joined(id, outcome, now),
            Message::Written {
                connection,
                outcome,
            } => match connection == self.connection {
                true => self.written(&outcome, now),
                // of a cluster that was left: it must not go unsaid all the same
                false => self.say(Level::Info, outcome.sentence(), now),
            },
            Message::Entered {
                connection,
                running,
            } if connection == self.connection => self.entered(running.err(), now),
            Message::Offers {
                connection,
                pod,
                offers,
            } if connection == self.connection => self.offered(&pod, offers, now),
            Message::Forward {
                connection,
                id,
                said,
            } if connection == self.connection => self.forwarded(id, said, now),
            Message::Trash {
                connection,
                cluster,
                entries,
            } if connection == self.connection => self.trash(cluster, entries),
            Message::Looked {
                connection,
                id,
                found,
            } if connection == self.connection => self.found(id, &found, now),
            Message::Met {
                connection,
                id,
                problems,
                then,
            } if connection == self.connection => self.met(id, &problems, then, now),
            Message::Submitted {
                connection,
                id,
                dry,
                outcomes,
            } => self.submitted(connection, id, dry, outcomes, now),
            Message::Beginnings(all) => self.beginnings(all, now),
            Message::FileRead { name, text } => self.file_read(&name, text, now),
            Message::File(heard) => {
                let here = self.desk.session.cluster;
                self.arrive(here, &Arrival::File(&heard), now);
            }
            Message::Notice(level, text) => self.say(level, text, now),
            Message::History(shelf) => {
                for problem in self.desk.session.history.take(*shelf) {
                    self.say(Level::Warning, problem, now);
                }
                self.dirty = true;
            }
            Message::Kept(record) => self.desk.session.history.put(*record),
            Message::Measured(reading) => self.measured(*reading),
            Message::FilesChanged => self.reload(now),
            Message::Recorded(level, text) => {
                self.recording = false;
                self.say(level, text, now);
            }
            Message::Played { t, moved } => self.played(t, moved, now),
            Message::Opened { .. }
            | Message::NotOpened { .. }
            | Message::From { .. }
            | Message::Trash { .. }
            | Message::Entered { .. }
            | Message::Offers { .. }
            | Message::Forward { .. }
            | Message::Looked { .. }
            | Message::Met { .. }
            | Message::Joined { .. } => {}
        }
    }

    fn opened(&mut self, opened: &Opened) {
        let session = &mut self.desk.session;
        let several = session.several();
        // another one of several may have answered before, and be in front
        let first = ClusterId::default();
        if let Some(peer) = session.peers.iter_mut().find(|peer| peer.id == first) {
            peer.link = worker::Link::Open;
        }
        session.put_in_front(first);
        session.link = worker::Link::Open;
        session.context.clone_from(&opened.context);
        session.home = opened.namespace.as_str().into();
        session.server_version.clone_from(&opened.server_version);
        session.contexts.clone_from(&opened.contexts);
        session.read_only = (self.settings).is_read_only(&opened.context, self.told_read_only);
        session.gpu_use.on = self.settings.asks_gpus_of(&opened.context);
        let is_open = |id| {
            let peer = session.peers.iter().find(|peer| peer.id == id);
            peer.is_some_and(|peer| peer.link == worker::Link::Open) || id == first
        };
        session.workers = opened
            .workers
            .iter()
            .map(|(name, id)| worker::Worker {
                name: name.clone(),
                id: *id,
                link: match is_open(*id) {
                    true => worker::Link::Open,
                    false => worker::Link::Idle,
                },
            })
            .collect();
        for (name, id) in &opened.workers {
            self.desk.model.connect_worker(name.clone(), *id);
        }
        let widths = self.habits.widths.get(&opened.context);
        session.widths = widths.cloned().unwrap_or_default();
        if self.take_namespace_from_context && !several {
            session.namespace = Some(opened.namespace.as_str())
                .filter(|n| !n.is_empty())
                .map(Into::into);
        }
        self.remembered_columns();
        self.choose_columns();
        self.link = Link::Open;
        self.publish_names();
        if !self.is_demo() {
            self.tour = None;
        }
        self.wanted = None;
        self.dirty = true;
    }

    /// The theme that the settings want in a context; one that a key chose stays where they want no other.
    fn dress(&mut self, context: &str, now: DateTime<Utc>) {
        let wanted = self.settings.theme_of(context).to_owned();
        if self.theme_wanted.as_ref().is_none_or(|was| *was == wanted) {
            return;
        }
        match self.desk.look.use_theme(&wanted) {
            Ok(()) => self.theme_wanted = Some(wanted),
            Err(why) => self.say(Level::Error, format!("theme kept as it was: {why}"), now),
        }
    }

    fn failed(&mut self, failure: Failure, now: DateTime<Utc>) {
        self.desk.session.contexts.clone_from(&failure.contexts);
        if self.desk.session.several() && self.first_failed(&failure.why, now) {
            return;
        }
        self.link = Link::Failed(failure);
        self.refresh_start();
        self.dirty = true;
    }

    pub(super) fn report(&mut self, report: Report, said: &[Said], now: DateTime<Utc>) {
        let cluster = report.cluster();
        let about_itself = matches!(
            report,
            Report::Health(_)
                | Report::Ended { .. }
                | Report::Workloads { .. }
                | Report::May { .. }
                | Report::Notice(_)
        );
        if about_itself && cluster != self.desk.session.cluster {
            return self.other_says(cluster, report, now);
        }
        let then = self.desk.time(now);
        match report {
            Report::Delta(delta) => {
                let cancelled = matches!(
                    delta.rows,
                    Rows::Jobs(Change::Dropped) | Rows::Pods(Change::Dropped)
                );
                self.keep_gone(&delta, now);
                if !self.fold(delta, now) {
                    return;
                }
                self.look_around(then, cancelled);
                self.look_at_gpus(then);
                if !self.desk.session.pending.is_empty() {
                    self.desk.session.pending.look(&self.desk.model);
                }
                self.dirty = true;
            }
            Report::Health(of) => self.watch_is(of, now),
            Report::Ended { source, .. } => self.watch_ended(cluster, source, now),
            Report::Log(batch) => {
                self.hear_background(&batch, said, now);
                if !self.is_asked(cluster, &Want::Log((*batch.want).clone())) {
                    return;
                }
                let want = &*batch.want;
                if !batch.lines.is_empty() {
                    self.arrive(
                        cluster,
                        &Arrival::Lines {
                            want,
                            lines: &batch.lines,
                            said,
                        },
                        now,
                    );
                }
                for note in &batch.notes {
                    self.arrive(
                        cluster,
                        &Arrival::LogNote {
                            want,
                            level: level(note.severity),
                            text: &note.text,
                        },
                        now,
                    );
                }
            }
            Report::Object {
                cluster,
                want,
                object,
            } => {
                self.keep_object(cluster, &want, &object, now);
                if !self.is_asked(cluster, &Want::Object(want.clone())) {
                    return;
                }
                let arrival = Arrival::Object {
                    want: &want,
                    object: &object,
                };
                self.arrive(cluster, &arrival, now);
            }
            Report::Fields { want, .. } if !self.is_asked(cluster, &Want::Object(want.clone())) => {
            }
            Report::Fields { want, fields, .. } => self.arrive(
                cluster,
                &Arrival::Fields {
                    want: &want,
                    fields: &fields,
                },
                now,
            ),
            // their sources tell how they are
            Report::Workloads { kinds, .. } => {
                self.desk.session.served = Some(kinds);
                self.dirty = true;
            }
            Report::May {
                question, allowed, ..
            } => {
                if self.desk.session.permits.insert(question, allowed) != Some(allowed) {
                    self.dirty = true;
                }
            }
            Report::Notice(notice) => self.say(level(notice.severity), notice.text, now),
            // nobody records with the connection of a screen
            Report::Raw { .. } => {}
        }
    }

    /// A watch is in another state.
    pub(super) fn watch_is(&mut self, of: SourceHealth, now: DateTime<Utc>) {
        let (cluster, trouble) = (of.cluster, trouble(of.kind, &of.health));
        let source = (cluster, of.source);
        self.sources.insert(source, (of.kind, of.health));
        self.publish_health(cluster);
        // what is shown is the past: the present goes on behind it
        if self.desk.playhead.is_none() || self.replays() {
            let then = self.desk.time(now);
            self.look_around(then, false);
            self.look_at_gpus(then);
        }
        self.tell(cluster, trouble, now);
    }

    /// Nobody wants a watch any more.
    pub(super) fn watch_ended(&mut self, cluster: ClusterId, source: SourceId, now: DateTime<Utc>) {
        self.sources.remove(&(cluster, source));
        self.publish_health(cluster);
        self.tell(cluster, None, now);
    }

    fn arrive(&mut self, cluster: ClusterId, arrival: &Arrival, now: DateTime<Utc>) {
        let cx = self.desk.cx(now, true);
        if let Some(overlay) = &mut self.overlay {
            overlay.receive(arrival, &cx);
        }
        // an object of the same name in another cluster is another
        let named = matches!(arrival, Arrival::Object { .. } | Arrival::Fields { .. });
        for id in self.screens.ids() {
            self.with_front_of(id, now, |app| {
                let session = &app.desk.session;
                if named && cluster != session.cluster && session.is_open(cluster) {
                    return;
                }
                let cx = app.desk.cx(now, true);
                if let Some(pane) = app.screens.front_of_mut(id) {
                    pane.receive(arrival, &cx);
                }
            });
        }
        if matches!(arrival, Arrival::Lines { .. }) {
            self.keep_lines_later(now);
        }
        if matches!(arrival, Arrival::Lines { said, .. } if !said.is_empty()) {
            self.remember(now);
        }
        self.dirty = true;
    }

    /// The worst health of all watches of the cluster in front, for the header.
    pub fn overall(&self) -> Option<&Health> {
        let session = &self.desk.session;
        clusters::trouble(&session.sources)
    }

    /// Leaves the connection there is; its rows go.
    fn leave(&mut self) {
        self.keep_written();
        self.forget_past();
        self.connection += 1;
        self.desk.model = Model::default();
        self.sources.clear();
        self.troubled.clear();
        self.desk.session.cluster = ClusterId::default();
        self.desk.session.link = worker::Link::Idle;
        self.desk.session.peers.clear();
        self.desk.session.only = None;
        self.desk.session.sources.clear();
        self.desk.session.served = None;
        self.desk.session.workers.clear();
        self.desk.session.permits.clear();
        self.desk.session.pending.clear();
        self.desk.session.forwards.clear();
        self.batch = super::writes::Batch::default();
        self.trash.clear();
        self.desk.session.runs.clear();
        // what a key turned on was meant for the cluster that is left
        self.desk.session.gpu_use.on = false;
        self.worker_watches.clear();
        self.finder = super::inbox::Finder::default();
        self.alarms = super::gpus::Alarms::default();
        self.desk.session.gpu_alarms.clear();
        self.keeper = super::history::Keeper::default();
        self.background = super::background::Background::default();
        self.desk.session.inbox.clear();
        self.desk.session.server_version = None;
        self.screens.reset();
        self.overlay = None;
        self.prompt = None;
        self.wanted = None;
        self.dirty = true;
    }

    /// Connects to a context (none: the current one), or to several to look at them together.
    pub(super) fn connect(&mut self, contexts: &[String]) {
        let session = &self.desk.session;
        if self.link == Link::Open && !session.context.is_empty() {
            let left = session.clusters().into_iter();
            self.before = left.map(|open| open.context.to_owned()).collect();
        }
        self.leave();
        let mut contexts = contexts.to_vec();
        let mut seen = BTreeSet::new();
        contexts.retain(|context| seen.insert(context.clone()));
        let context = contexts.first().cloned();
        self.name_clusters(&contexts);
        if self.take_namespace_from_context && contexts.len() > 1 {
            // a namespace of one is seldom one of the others
            self.desk.session.namespace = None;
        }
        self.desk.session.context = context.clone().unwrap_or_default();
        self.link = Link::Connecting {
            context: context.clone(),
        };
        self.refresh_start();
        self.effects.push(Effect::Connect {
            connection: self.connection,
            context,
            peers: contexts.into_iter().skip(1).collect(),
        });
    }

    /// Starts the demo cluster and connects to it.
    pub(super) fn connect_demo(&mut self) {
        self.leave();
        self.desk.session.context = "demo".into();
        // its story is told in all namespaces
        self.take_namespace_from_context = false;
        self.link = Link::Connecting {
            context: Some("demo".into()),
        };
        self.refresh_start();
        self.effects.push(Effect::ConnectDemo {
            connection: self.connection,
        });
    }

    /// Another namespace (`None`: all). Watches change, marks and selections of the old one go.
    pub(super) fn switch_namespace(&mut self, namespace: Option<&str>, now: DateTime<Utc>) {
        self.take_namespace_from_context = false;
        if self.desk.session.namespace.as_deref() == namespace {
            return;
        }
        self.desk.session.namespace = namespace.map(Into::into);
        self.noted.clear();
        self.keep_written();
        self.screens.reset();
        let text = namespace.map_or("all namespaces".to_owned(), |n| format!("namespace {n}"));
        self.say(Level::Info, text, now);
    }
}

pub(super) fn level(severity: Severity) -> Level {
    match severity {
        Severity::Info => Level::Info,
        Severity::Warning => Level::Warning,
        Severity::Error => Level::Error,
    }
}

/// What to say of a watch that does not arrive.
fn trouble(kind: Kind, health: &Health) -> Option<String> {
    let what = kind.plural();
    match health {
        Health::Stale { why, .. } => Some(format!(
            "{what} no longer arrive: {why}; what was seen last stays, trying again"
        )),
        Health::Failing { why } => Some(format!("cannot read {what}: {why}; trying again")),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
