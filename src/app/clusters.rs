//! Clusters beside the first: those that are looked at together with it, and MultiKueue's worker clusters. What each
//! tells of itself, which of them is in front, and where what is wanted goes.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use ratatui::text::Span;

use super::message::Joined;
use super::receive::level;
use super::workers::Verdict;
use super::{App, Link};
use crate::cluster::report::{Report, Severity};
use crate::model::clusters::Clusters;
use crate::model::health::Health;
use crate::model::ids::{ClusterId, Name};
use crate::model::want::{Kind, Want};
use crate::panes::clusters::{Open, Peer};
use crate::panes::{Level, worker};
use crate::ui::{State, text};

/// The cluster that was named first.
const FIRST: ClusterId = ClusterId(0);

/// Says of each want which cluster it goes to: what a pane wants of one object is meant for the cluster in front. What
/// says nothing goes to the first, and what is of all to all.
pub(super) fn addressed(wants: Vec<Want>, front: ClusterId) -> Vec<Want> {
    let one = |want: Want| match want {
        Want::At { cluster, want } if cluster == FIRST => *want,
        Want::At { .. } | Want::Worker { .. } => want,
        want if front == FIRST || want.is_of_all() => want,
        want => want.at(front),
    };
    wants.into_iter().map(one).collect()
}

impl App {
    /// These are open from now on: the first in front, as long as nothing else is chosen.
    pub(super) fn name_clusters(&mut self, contexts: &[String]) {
        let session = &mut self.desk.session;
        let rest = contexts.iter().zip(0..).skip(1);
        let peers = rest.map(|(context, n)| Peer::new(ClusterId(n), context));
        session.peers = peers.collect();
        session.context = contexts.first().cloned().unwrap_or_default();
        self.publish_names();
    }

    pub(super) fn publish_names(&mut self) {
        let open = self.desk.session.clusters();
        let named = open.iter().map(|open| (open.id, open.context));
        self.desk.model.clusters = Clusters::new(named);
    }

    /// The cluster of the row under the cursor, or of what the screen was opened from, comes to the front. Nothing moves
    /// under a question.
    pub(super) fn settle_front(&mut self, now: DateTime<Utc>) {
        if !self.desk.session.several() || self.overlay.is_some() || self.link != Link::Open {
            return;
        }
        let cx = self.desk.cx(now, true);
        let of_row = || self.screens.top().cluster(&cx);
        if let Some(id) = self.screens.cluster().or_else(of_row) {
            self.front(id);
        }
    }

    /// Another try at what does not answer.
    pub(super) fn connect_again(&mut self) {
        let open = self.desk.session.clusters();
        let contexts = open.iter().map(|open| open.context.to_owned());
        let mut contexts: Vec<String> = contexts.collect();
        if let Link::Failed(failure) = &self.link
            && let Some(first) = contexts.first_mut()
        {
            first.clone_from(&failure.context);
        }
        contexts.retain(|context| !context.is_empty());
        self.connect(&contexts);
    }

    /// Of several clusters, the next alone, and all again after the last; of one, what was connected to before.
    pub(super) fn next_cluster(&mut self, now: DateTime<Utc>) {
        let session = &self.desk.session;
        if !session.several() {
            let before = self.before.clone();
            return match before.is_empty() {
                true => {
                    let text = "no other cluster was connected to before: C lists the contexts";
                    self.say(Level::Info, text, now);
                }
                false => self.connect(&before),
            };
        }
        let open = session.clusters();
        let ids: Vec<ClusterId> = open.iter().map(|open| open.id).collect();
        let at = |id: ClusterId| ids.iter().position(|of| *of == id);
        let next = match session.only.and_then(at) {
            Some(at) => ids.get(at + 1).copied(),
            None => ids.first().copied(),
        };
        let text = match next {
            Some(id) => format!("only {}", session.context_of(id)),
            None => format!("all {} clusters", ids.len()),
        };
        self.desk.session.only = next;
        if let Some(id) = next {
            self.front(id);
        }
        self.say(Level::Info, text, now);
    }

    /// Of several clusters, whether something about one object was asked of this one: another may have an object of the
    /// same name, and what was asked about that comes late.
    pub(super) fn is_asked(&self, cluster: ClusterId, want: &Want) -> bool {
        if !self.desk.session.several() || !self.desk.session.is_open(cluster) {
            return true;
        }
        let Some((_, wanted)) = &self.wanted else {
            return false;
        };
        let asked = match cluster == FIRST {
            true => want.clone(),
            false => want.clone().at(cluster),
        };
        wanted.contains(&asked)
    }

    /// How each of several clusters is, for the header: a sign and a name each, and a word where one is not live; in less
    /// than `room` how many are, and the first that is not.
    pub(super) fn health_of_all(&self, room: usize) -> Vec<Span<'static>> {
        let theme = &self.desk.look.theme;
        let mut spans = Vec::new();
        let open = self.desk.session.clusters();
        for open in &open {
            let (state, words) = open.state();
            if !spans.is_empty() {
                spans.push(Span::raw("  "));
            }
            let sign = format!("{} ", theme.state_glyph(state));
            spans.push(Span::styled(sign, theme.state(state)));
            let name = self.desk.model.clusters.name(open.id);
            let name = text::clean(name.map_or(open.context, |name| name)).into_owned();
            let shown = self.desk.session.only.is_none_or(|only| only == open.id);
            let style = match shown {
                true => theme.text(),
                false => theme.dim(),
            };
            spans.push(Span::styled(name, style));
            if state != State::Running {
                let words = format!(" {}", text::clean(&words));
                spans.push(Span::styled(words, theme.state(state)));
            }
        }
        if text::spans_width(&spans) <= room {
            return spans;
        }
        let live = |open: &&Open| open.state().0 == State::Running;
        let (all, well) = (open.len(), open.iter().filter(live).count());
        let style = theme.state(match well == all {
            true => State::Running,
            false => State::Failed,
        });
        let mut words = match well == all {
            true => format!("{all} live"),
            false => format!("{well} of {all} live"),
        };
        if let Some(open) = open.iter().find(|open| !live(open)) {
            let name = self.desk.model.clusters.name(open.id);
            let name = text::clean(name.map_or(open.context, |name| name)).into_owned();
            words.push_str(&format!(", not {name}"));
        }
        let words = text::shorten(&words, room, text::Shorten::End).into_owned();
        vec![Span::styled(words, style)]
    }

    /// What is looked at, for the header: the context, or that there are several; where a screen is of one cluster, that.
    pub(super) fn context_crumb(&self) -> Cow<'_, str> {
        let session = &self.desk.session;
        let is_of_all = self.screens.cluster().is_none();
        match session.several() && session.only.is_none() && is_of_all {
            true => format!("{} clusters", session.peers.len() + 1).into(),
            false => text::clean(&session.context),
        }
    }

    /// That nothing is written, or to which of several clusters.
    pub(super) fn read_only_words(&self) -> Option<String> {
        let open = self.desk.session.clusters();
        let closed: Vec<&str> = open
            .iter()
            .filter(|open| open.read_only)
            .map(|open| {
                let name = self.desk.model.clusters.name(open.id);
                name.map_or(open.context, |name| name)
            })
            .collect();
        match closed.len() {
            0 => None,
            n if n == open.len() => Some("read-only".into()),
            _ => Some(format!("read-only: {}", text::clean(&closed.join(", ")))),
        }
    }

    /// Puts an open cluster in front.
    pub(super) fn front(&mut self, id: ClusterId) -> bool {
        let moved = self.desk.session.put_in_front(id);
        if moved {
            // what a pane asks for is meant for another one now
            self.wanted = None;
            self.dirty = true;
        }
        moved
    }

    /// A cluster beside the first answered, or did not. Said once, not with every try.
    pub(super) fn joined(
        &mut self,
        id: ClusterId,
        outcome: Result<Joined, String>,
        now: DateTime<Utc>,
    ) {
        self.dirty = true;
        let failed = outcome.as_ref().err().cloned();
        let workers = self.desk.session.workers.iter();
        let names: Vec<Name> = workers
            .filter(|worker| worker.id == id)
            .map(|worker| worker.name.clone())
            .collect();
        if !self.desk.session.peers.iter().any(|peer| peer.id == id) {
            for name in names {
                self.worker(&name, failed.clone(), now);
            }
            return;
        }
        for worker in &mut self.desk.session.workers {
            if worker.id == id {
                worker.link = failed
                    .clone()
                    .map_or(worker::Link::Open, worker::Link::Failed);
            }
        }
        let (settings, told) = (&self.settings, self.told_read_only);
        let mut peers = self.desk.session.peers.iter_mut();
        let Some(peer) = peers.find(|peer| peer.id == id) else {
            return;
        };
        let context = peer.context.clone();
        match outcome {
            Ok(joined) => {
                let before = std::mem::replace(&mut peer.link, worker::Link::Open);
                peer.home = joined.namespace.as_str().into();
                peer.server_version = joined.server_version;
                peer.read_only = settings.is_read_only(&context, told);
                if matches!(before, worker::Link::Failed(_)) {
                    self.say(Level::Info, format!("{context} answers"), now);
                }
                if self.link != Link::Open {
                    self.begin_with(id);
                }
            }
            Err(why) => {
                let before = std::mem::replace(&mut peer.link, worker::Link::Failed(why.clone()));
                if !matches!(before, worker::Link::Failed(_)) {
                    let text = format!("{context}: {why}; the others go on, trying again");
                    self.say(Level::Warning, text, now);
                }
            }
        }
    }

    /// The first of several clusters does not answer, or not yet: what does is shown all the same.
    fn begin_with(&mut self, id: ClusterId) {
        if let Link::Failed(failure) = &self.link {
            self.desk.session.link = worker::Link::Failed(failure.why.clone());
        }
        if self.front(id) {
            self.link = Link::Open;
            self.tour = None;
        }
    }

    /// Why the first of several does not answer, if another one does.
    pub(super) fn first_failed(&mut self, why: &str, now: DateTime<Utc>) -> bool {
        let session = &mut self.desk.session;
        let failed = worker::Link::Failed(why.to_owned());
        let first = session.peers.iter_mut().find(|peer| peer.id == FIRST);
        let link = first.map_or(&mut session.link, |peer| &mut peer.link);
        let before = std::mem::replace(link, failed);
        let open = session.peers.iter().find(|p| p.link == worker::Link::Open);
        let open = open.map(|peer| peer.id);
        match (&self.link, open) {
            (Link::Open, _) => {}
            (_, Some(id)) => self.begin_with(id),
            (_, None) => return false,
        }
        if !matches!(before, worker::Link::Failed(_)) {
            let context = self.desk.session.context_of(FIRST);
            let text = format!("{context}: {why}; the others go on");
            self.say(Level::Warning, text, now);
        }
        true
    }

    /// What a cluster tells of itself that is not in front: one that is looked at has the same said of it, a worker
    /// cluster how it is and nothing more.
    pub(super) fn other_says(&mut self, cluster: ClusterId, report: Report, now: DateTime<Utc>) {
        let mut peers = self.desk.session.peers.iter_mut();
        let Some(peer) = peers.find(|peer| peer.id == cluster) else {
            return self.worker_says(cluster, &report, now);
        };
        self.dirty = true;
        match report {
            Report::Health(of) => self.watch_is(of, now),
            Report::Ended { source, .. } => self.watch_ended(cluster, source, now),
            Report::Workloads { kinds, .. } => peer.served = Some(kinds),
            Report::May {
                question, allowed, ..
            } => drop(peer.permits.insert(question, allowed)),
            Report::Notice(notice) => {
                let text = format!("{}: {}", peer.context, notice.text);
                self.say(level(notice.severity), text, now);
            }
            _ => {}
        }
    }

    /// Says once of a cluster that something no longer arrives, and once that everything does again: not for each watch
    /// of a lost cluster, and not for each try.
    pub(super) fn tell(&mut self, cluster: ClusterId, trouble: Option<String>, now: DateTime<Utc>) {
        let context = self.desk.session.context_of(cluster).to_owned();
        if let Some(trouble) = trouble {
            if self.troubled.insert(cluster) {
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
        if self.troubled.contains(&cluster) && self.sources_of(cluster).all(settled) {
            self.troubled.remove(&cluster);
            let text = format!("{context} answers again, what is shown is live");
            self.say(Level::Info, text, now);
        }
    }

    /// The watches of a cluster.
    pub(super) fn sources_of(
        &self,
        cluster: ClusterId,
    ) -> impl Iterator<Item = &(Kind, Health)> + '_ {
        let all = self.sources.iter();
        all.filter(move |((of, _), _)| *of == cluster)
            .map(|(_, source)| source)
    }

    pub(super) fn publish_health(&mut self, cluster: ClusterId) {
        let sources: Vec<_> = self.sources_of(cluster).cloned().collect();
        let session = &mut self.desk.session;
        let peer = session.peers.iter_mut().find(|peer| peer.id == cluster);
        *peer.map_or(&mut session.sources, |peer| &mut peer.sources) = sources;
        self.dirty = true;
    }

    /// A worker cluster was opened, or why not. Said once, not with every try.
    pub(super) fn worker(&mut self, name: &Name, failed: Option<String>, now: DateTime<Utc>) {
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
}

#[cfg(test)]
mod tests;
