//! Shells and forwarded ports: from the key to the pod, container and port that are meant, to the effect, to what became
//! of it.

use chrono::{DateTime, Utc};

use super::App;
use super::action::Action;
use super::effect::Effect;
use super::message::Forwarded;
use crate::actions::outcome::{Cause, Ended, Outcome};
use crate::actions::plan::plan;
use crate::actions::stream::{self, Offer};
use crate::actions::{Intent, Object, Refusal, Run, Step};
use crate::model::ids::{Key, Name};
use crate::model::pod::PodPhase;
use crate::panes::choose::Of;
use crate::panes::forwards::{How, Row};
use crate::panes::{Level, worker};

/// Forwarded ports that have ended and are still shown.
const ENDED: usize = 8;

impl App {
    /// Which pod is meant; asked if there are several.
    pub(super) fn enter(&mut self, action: Action, key: Key, now: DateTime<Utc>) {
        let (model, port) = (&self.desk.model, action == Action::PortForward);
        let exact = {
            let cx = self.desk.cx(now, true);
            self.screens.top().within(&cx)
        };
        let runs = |key: &Key| {
            let pod = model.pods.get(*key);
            pod.is_some_and(|pod| pod.phase == PodPhase::Running)
        };
        let pods = match exact.filter(runs) {
            Some(pod) => Ok(vec![pod]),
            None => stream::pods(model, key).map(|pods| pods.iter().map(|pod| pod.key).collect()),
        };
        let pods: Vec<Key> = match pods {
            Ok(pods) => pods,
            Err(refusal) => return self.say(Level::Warning, refusal.to_string(), now),
        };
        let away = pods.first().and_then(|pod| {
            let cx = self.desk.cx(now, true);
            worker::elsewhere(pod.cluster, "its pod", &cx)
        });
        if let Some(away) = away {
            return self.say(Level::Warning, away, now);
        }
        match pods[..] {
            [pod] if port => self.which_port(pod, now),
            [pod] => self.which_container(pod, now),
            _ => self.choose(Of::Into(pods, port)),
        }
    }

    /// What is done in a pod, unless it is known that it may not be.
    fn planned(&mut self, pod: Key, intent: &Intent, now: DateTime<Utc>) -> Option<Step> {
        let steps = match plan(&self.desk.model, pod, intent) {
            Ok(steps) => steps,
            Err(refusal) => {
                self.say(Level::Warning, refusal.to_string(), now);
                return None;
            }
        };
        if self.desk.session.is_read_only(pod.cluster) {
            let context = self.desk.session.context_of(pod.cluster);
            let text = format!("read-only in context {context}; nothing was done");
            self.say(Level::Warning, text, now);
            return None;
        }
        if let Some(text) = self.forbidden(&steps) {
            self.say(Level::Warning, text, now);
            return None;
        }
        steps.into_iter().next()
    }

    /// Which container; asked if there are several.
    pub(super) fn which_container(&mut self, pod: Key, now: DateTime<Utc>) {
        let Some(row) = self.desk.model.pods.get(pod) else {
            return self.say(Level::Warning, "the pod is gone", now);
        };
        if row.containers <= 1 {
            return self.shell(pod, None, now);
        }
        let names = row.container_names.split(',');
        let names: Vec<Name> = names.take(row.containers.into()).map(Into::into).collect();
        self.choose(Of::Container(pod, names));
    }

    /// A shell in a container; none: the default one.
    pub(super) fn shell(&mut self, pod: Key, container: Option<Name>, now: DateTime<Utc>) {
        let run = Run {
            container,
            command: Vec::new(),
            stdin: true,
            tty: true,
        };
        let Some(step) = self.planned(pod, &Intent::Exec(run.into()), now) else {
            return;
        };
        self.say(
            Level::Info,
            format!("opening a shell in {}", step.object.words()),
            now,
        );
        self.effects.push(Effect::Shell {
            connection: self.connection,
            step,
        });
    }

    /// It runs and wants the terminal, or does not.
    pub(super) fn entered(&mut self, failed: Option<Box<Outcome>>, now: DateTime<Utc>) {
        match failed {
            None => self.effects.push(Effect::Attach),
            Some(outcome) => self.refused(&outcome, now),
        }
    }

    fn refused(&mut self, outcome: &Outcome, now: DateTime<Utc>) {
        if let Ended::Not(Cause::Forbidden, _) = &outcome.ended {
            for question in outcome.step.needs() {
                let permits = self.desk.session.permits_of(outcome.step.cluster);
                permits.insert(question, false);
            }
        }
        self.say(Level::Error, outcome.sentence(), now);
    }

    /// Asks which port; what is likely to be there comes with the answer of the server.
    pub(super) fn which_port(&mut self, pod: Key, now: DateTime<Utc>) {
        if let Some(step) = self.planned(pod, &Intent::Forward(0), now) {
            self.effects.push(Effect::Offers {
                connection: self.connection,
                pod: step.object,
            });
        }
    }

    pub(super) fn offered(
        &mut self,
        pod: &Object,
        offers: Result<Vec<Offer>, Refusal>,
        now: DateTime<Utc>,
    ) {
        let (Some(key), true) = (pod.key, self.overlay.is_none()) else {
            return;
        };
        match offers {
            Ok(offers) => self.choose(Of::Port(key, offers)),
            Err(refusal) => self.say(Level::Error, refusal.to_string(), now),
        }
        self.dirty = true;
    }

    /// Leads a port into a pod.
    pub(super) fn lead(
        &mut self,
        pod: Key,
        (local, remote): (Option<u16>, u16),
        now: DateTime<Utc>,
    ) {
        let Some(step) = self.planned(pod, &Intent::Forward(remote), now) else {
            return;
        };
        let rows = &mut self.desk.session.forwards;
        let id = rows.iter().map(|row| row.id + 1).max().unwrap_or(0);
        let id = id.max(self.forwards);
        self.forwards = id + 1;
        rows.push(Row {
            id,
            pod,
            name: step.object.name.clone(),
            namespace: step.object.namespace.clone(),
            remote,
            what: stream::known(remote).into(),
            how: How::Opening,
            traffic: stream::Traffic::default(),
            since: now,
        });
        self.effects.push(Effect::Forward {
            connection: self.connection,
            id,
            step,
            local,
        });
        self.dirty = true;
    }

    /// How one is.
    pub(super) fn forwarded(&mut self, id: u32, said: Forwarded, now: DateTime<Utc>) {
        self.dirty = true;
        let rows = &mut self.desk.session.forwards;
        let Some(row) = rows.iter_mut().find(|row| row.id == id) else {
            return;
        };
        let of = format!("port {} of pod/{}", row.remote, row.name);
        match said {
            Forwarded::Traffic(traffic) => {
                let told = row.traffic.trouble.is_some();
                let trouble = traffic.trouble.clone().filter(|_| !told);
                row.traffic = traffic;
                if let Some(why) = trouble {
                    self.say(Level::Warning, format!("{of}: {why}"), now);
                }
            }
            Forwarded::Opened(port) => {
                row.how = How::Open(port);
                let scope = &[super::action::Scope::Global];
                let list = self.desk.look.key_for(Action::GoForwards, scope);
                let list = list.map_or_else(String::new, |key| {
                    format!("; {key} lists it, copies it, stops it")
                });
                let text = format!("http://127.0.0.1:{port} leads to {of}{list}");
                self.say(Level::Info, text, now);
            }
            Forwarded::Refused(outcome) => {
                rows.retain(|row| row.id != id);
                self.refused(&outcome, now);
            }
            Forwarded::Ended(why) => {
                row.how = How::Ended(why.unwrap_or("stopped").into());
                row.traffic.open = 0;
                let over = |row: &Row| matches!(row.how, How::Ended(_));
                if rows.iter().filter(|row| over(row)).count() > ENDED
                    && let Some(oldest) = rows.iter().position(over)
                {
                    rows.remove(oldest);
                }
                if let Some(why) = why {
                    self.say(
                        Level::Warning,
                        format!("{of} is not forwarded any more: {why}"),
                        now,
                    );
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
