//! What the model says of the pods becomes streams: new ones join, gone ones stay with their text. Separate because it
//! is the only part of a log screen that looks at the cluster.

use super::follow::{self, Plan, Source};
use super::rail::Entry;
use super::{Level, Logs};
use crate::model::ids::Name;
use crate::model::want::LogWant;
use crate::panes::{Cx, LogsOf, Reply};

impl Logs {
    /// What is read, as the model calls it; nothing when that is gone.
    pub(super) fn named(&self, cx: &Cx) -> Option<String> {
        Some(match &self.of {
            LogsOf::Job { job, .. } => format!("job/{}", cx.model.jobs.get(*job)?.name),
            LogsOf::Pod { pod, .. } => format!("pod/{}", cx.model.pods.get(*pod)?.name),
            LogsOf::File { name } => name.clone(),
        })
    }

    /// Takes over what the model says of the pods: new ones join, gone ones stay with their text.
    pub(super) fn settle(&mut self, cx: &Cx) {
        if let Some(name) = self.named(cx) {
            self.name = name;
        }
        if let LogsOf::File { name } = &self.of {
            if self.sources.is_empty() {
                self.sources.push(Source::file(name));
                self.buffer.add_named(name, None);
            }
            return;
        }
        self.settle_other(cx);
        let plan = (self.planner).plan(&self.of, &self.sources, &self.picked, cx);
        for pod in &plan.pods {
            if !self.sources.iter().any(|source| source.pod == pod.key) {
                let want = self.ask.want(pod);
                self.sources.push(Source::new(pod, want.follow));
                self.buffer.add_named(&pod.name, pod.index.get());
            }
        }
        self.faces.labels = self.sources.iter().map(Source::label).collect();
        self.out = plan
            .next
            .iter()
            .map(|pod| (pod.key, pod.index.get(), pod.name.as_str().into()))
            .collect();
        let kept: Vec<_> = plan.pods.iter().map(|pod| pod.key).collect();
        let losses: Vec<usize> = self
            .reading
            .run()
            .all()
            .iter()
            .filter(|s| s.name.contains("loss"))
            .map(|s| s.source.stream)
            .collect();
        for (n, source) in self.sources.iter_mut().enumerate() {
            source.tells_loss = losses.contains(&n);
            source.update(cx.model.pods.get(source.pod));
            // Let go for another one it can be taken up again; what has ended is not asked for twice.
            source.done = !kept.contains(&source.pod);
        }
        if let Some(index) = self.start_index {
            let streams: Vec<usize> = (0..self.sources.len())
                .filter(|at| self.sources[*at].index == Some(index))
                .collect();
            if let Some(last) = streams.last() {
                self.rail_at = Entry::Stream(*last);
                self.show_only(&streams);
                self.start_index = None;
            }
        }
    }

    /// What is followed now.
    pub(super) fn plan<'a>(&'a self, cx: &Cx<'a>) -> Plan<'a> {
        (self.planner).plan(&self.of, &self.sources, &self.picked, cx)
    }

    pub(super) fn stream_of(&self, want: &LogWant) -> Option<usize> {
        if !self.ask.covers(want) {
            return None;
        }
        self.sources
            .iter()
            .position(|source| source.pod.uid == want.uid)
    }

    pub(super) fn containers(&self, cx: &Cx) -> Vec<Name> {
        let mut names: Vec<Name> = Vec::new();
        for pod in follow::pods(&self.of, cx) {
            for name in pod
                .container_names
                .split([',', ' '])
                .filter(|name| !name.is_empty())
            {
                if !names.iter().any(|known| &**known == name) {
                    names.push(name.into());
                }
            }
        }
        names
    }

    pub(super) fn next_container(&mut self, cx: &Cx) -> Reply {
        let names = self.containers(cx);
        if names.len() < 2 {
            return Reply::Say(Level::Info, "there is only one container".into());
        }
        let at = self
            .ask
            .container
            .as_ref()
            .and_then(|now| names.iter().position(|name| name == now))
            .unwrap_or(0);
        let next = names[(at + 1) % names.len()].clone();
        self.ask_anew(cx, |ask| ask.container = Some(next))
    }
}
