//! What tasks tell, folded into the state.

use chrono::{DateTime, Utc};

use super::effect::Effect;
use super::message::{Failure, Message, Opened};
use super::workers::Verdict;
use super::{App, Link};
use crate::cluster::report::{Report, Severity};
use crate::logs::run::Said;
use crate::model::Model;
use crate::model::delta::{Change, Rows};
use crate::model::health::Health;
use crate::model::ids::{ClusterId, Name};
use crate::model::want::Kind;
use crate::panes::{Arrival, Level, worker};

impl App {
    /// Folds one message into the state. Messages of an earlier connection are ignored.
    pub fn receive(&mut self, message: Message, now: DateTime<Utc>) {
        match message {
            Message::Opened { connection, opened } if connection == self.connection => {
                self.dress(&opened.context, now);
                self.opened(&opened)
            }
            Message::NotOpened {
                connection,
                failure,
            } if connection == self.connection => self.failed(failure),
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
            Message::Worker {
                connection,
                name,
                outcome,
            } if connection == self.connection => {
                self.worker(&name, outcome.err(), now);
            }
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
                entries,
            } if connection == self.connection => self.trash(entries),
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
            Message::File(heard) => self.arrive(&Arrival::File(&heard), now),
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
            Message::Opened { .. }
            | Message::NotOpened { .. }
            | Message::From { .. }
            | Message::Trash { .. }
            | Message::Entered { .. }
            | Message::Offers { .. }
            | Message::Forward { .. }
            | Message::Looked { .. }
            | Message::Met { .. }
            | Message::Worker { .. } => {}
        }
    }

    /// A worker cluster was opened, or why not. Said once, not with every try.
    fn worker(&mut self, name: &Name, failed: Option<String>, now: DateTime<Utc>) {
        let mut workers = self.desk.session.workers.iter_mut();
        let Some(worker) = workers.find(|worker| worker.name == *name) else {
            return;
        };
        let link = failed.map_or(worker::Link::Open, worker::Link::Failed);
        let before = std::mem::replace(&mut worker.link, link.clone());
        self.dirty = true;
        match (before, link) {
            (worker::Link::Failed(_), worker::Link::Failed(_)) => {}
            (_, worker::Link::Failed(why)) => {
                let text = format!("worker cluster {name}: {why}; trying again");
                self.say(Level::Warning, text, now);
            }
            (worker::Link::Failed(_), _) => {
                self.say(Level::Info, format!("worker cluster {name} answers"), now);
            }
            _ => {}
        }
    }

    /// What its watches tell of it; nothing as long as none has answered.
    fn worker_is(&mut self, name: &Name, is: Verdict, now: DateTime<Utc>) {
        match is {
            Verdict::Unknown => {}
            Verdict::Well => self.worker(name, None, now),
            Verdict::Failed(why) => self.worker(name, Some(why), now),
        }
    }

    /// What comes from a worker cluster: rows, lines and how it is, and nothing about this one.
    fn worker_says(&mut self, cluster: ClusterId, report: &Report, now: DateTime<Utc>) {
        let workers = self.desk.session.workers.iter();
        let name = workers
            .filter(|worker| worker.id == cluster)
            .map(|worker| worker.name.clone())
            .next();
        let Some(name) = name else { return };
        match report {
            Report::Health(of) => {
                let watches = &mut self.worker_watches;
                let is = watches.health(cluster, of.source, of.kind, &of.health);
                self.worker_is(&name, is, now);
            }
            Report::Ended { source, .. } => {
                let is = self.worker_watches.ended(cluster, *source);
                self.worker_is(&name, is, now);
            }
            Report::Notice(notice) if notice.severity > Severity::Info => {
                let text = format!("worker cluster {name}: {}", notice.text);
                self.say(level(notice.severity), text, now);
            }
            _ => {}
        }
    }

    fn opened(&mut self, opened: &Opened) {
        let session = &mut self.desk.session;
        session.context.clone_from(&opened.context);
        session.home = opened.namespace.as_str().into();
        session.server_version.clone_from(&opened.server_version);
        session.contexts.clone_from(&opened.contexts);
        session.read_only = (self.settings).is_read_only(&opened.context, self.told_read_only);
        session.gpu_use.on = self.settings.asks_gpus_of(&opened.context);
        session.workers = opened
            .workers
            .iter()
            .map(|(name, id)| worker::Worker {
                name: name.clone(),
                id: *id,
                link: worker::Link::Idle,
            })
            .collect();
        for (name, id) in &opened.workers {
            self.desk.model.workers.connect(name.clone(), *id);
        }
        let widths = self.habits.widths.get(&opened.context);
        session.widths = widths.cloned().unwrap_or_default();
        if self.take_namespace_from_context {
            session.namespace = Some(opened.namespace.as_str())
                .filter(|n| !n.is_empty())
                .map(Into::into);
        }
        self.link = Link::Open;
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

    fn failed(&mut self, failure: Failure) {
        self.desk.session.contexts.clone_from(&failure.contexts);
        self.link = Link::Failed(failure);
        self.refresh_start();
        self.dirty = true;
    }

    fn report(&mut self, report: Report, said: &[Said], now: DateTime<Utc>) {
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
            return self.worker_says(cluster, &report, now);
        }
        match report {
            Report::Delta(delta) => {
                let cancelled = matches!(
                    delta.rows,
                    Rows::Jobs(Change::Dropped) | Rows::Pods(Change::Dropped)
                );
                self.keep_gone(&delta, now);
                self.desk.model.apply(delta);
                self.look_around(now, cancelled);
                self.look_at_gpus(now);
                if !self.desk.session.pending.is_empty() {
                    self.desk.session.pending.look(&self.desk.model);
                }
                self.dirty = true;
            }
            Report::Health(of) => {
                let trouble = trouble(of.kind, &of.health);
                self.sources.insert(of.source, (of.kind, of.health));
                self.publish_health();
                self.look_around(now, false);
                self.look_at_gpus(now);
                self.tell(trouble, now);
            }
            Report::Ended { source, .. } => {
                self.sources.remove(&source);
                self.publish_health();
                self.tell(None, now);
            }
            Report::Log(batch) => {
                self.hear_background(&batch, said, now);
                let want = &*batch.want;
                if !batch.lines.is_empty() {
                    self.arrive(
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
                        &Arrival::LogNote {
                            want,
                            level: level(note.severity),
                            text: &note.text,
                        },
                        now,
                    );
                }
            }
            Report::Object { want, object, .. } => {
                self.keep_object(&want, &object, now);
                let arrival = Arrival::Object {
                    want: &want,
                    object: &object,
                };
                self.arrive(&arrival, now);
            }
            Report::Fields { want, fields, .. } => self.arrive(
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
        }
    }

    fn arrive(&mut self, arrival: &Arrival, now: DateTime<Utc>) {
        let cx = self.desk.cx(now, true);
        if let Some(overlay) = &mut self.overlay {
            overlay.receive(arrival, &cx);
        }
        for pane in self.screens.fronts_mut() {
            pane.receive(arrival, &cx);
        }
        if matches!(arrival, Arrival::Lines { .. }) {
            self.keep_lines_later(now);
        }
        if matches!(arrival, Arrival::Lines { said, .. } if !said.is_empty()) {
            self.remember(now);
        }
        self.dirty = true;
    }

    /// Says once that something no longer arrives, and once that everything does again: not for each watch of
    /// a lost cluster, and not for each try.
    fn tell(&mut self, trouble: Option<String>, now: DateTime<Utc>) {
        let context = self.desk.session.context.clone();
        if let Some(trouble) = trouble {
            if !std::mem::replace(&mut self.troubled, true) {
                self.say(Level::Error, format!("{context}: {trouble}"), now);
            }
            return;
        }
        let settled = |(_, health): &(Kind, Health)| {
            matches!(
                health,
                Health::Live | Health::Absent | Health::Forbidden { .. }
            )
        };
        if self.troubled && self.sources.values().all(settled) {
            self.troubled = false;
            let text = format!("{context} answers again, what is shown is live");
            self.say(Level::Info, text, now);
        }
    }

    fn publish_health(&mut self) {
        self.desk.session.sources = self.sources.values().cloned().collect();
        self.dirty = true;
    }

    /// The worst health of all watches, for the header.
    pub fn overall(&self) -> Option<&Health> {
        let kinds = [
            Kind::Job,
            Kind::Pod,
            Kind::Node,
            Kind::CronJob,
            Kind::Event,
            Kind::Namespace,
        ];
        let sources = &self.desk.session.sources;
        let watched = kinds
            .into_iter()
            .filter(|k| sources.iter().any(|(kind, _)| kind == k));
        // a kind that is not this user's to see takes nothing from the others
        let optional = sources
            .iter()
            .filter(|(kind, health)| {
                matches!(kind, Kind::Workload(_) | Kind::Queue(_) | Kind::Dra(_))
                    && !matches!(health, Health::Forbidden { .. })
            })
            .map(|(kind, _)| *kind);
        watched
            .chain(optional)
            .map(|k| self.desk.session.health(k))
            .find(|h| !matches!(h, Health::Live | Health::Absent))
    }

    /// Leaves the connection there is; its rows go.
    fn leave(&mut self) {
        self.keep_written();
        self.connection += 1;
        self.desk.model = Model::default();
        self.sources.clear();
        self.troubled = false;
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

    /// Connects to a context (`None`: the current one).
    pub(super) fn connect(&mut self, context: Option<String>) {
        self.leave();
        self.desk.session.context = context.clone().unwrap_or_default();
        self.link = Link::Connecting {
            context: context.clone(),
        };
        self.refresh_start();
        self.effects.push(Effect::Connect {
            connection: self.connection,
            context,
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
        self.keep_written();
        self.screens.reset();
        let text = namespace.map_or("all namespaces".to_owned(), |n| format!("namespace {n}"));
        self.say(Level::Info, text, now);
    }
}

fn level(severity: Severity) -> Level {
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
