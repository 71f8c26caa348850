//! Who is drawn in which hue. Those that hold most have one of their own, and keep it as long as they hold anything;
//! all others share the plain one.

use std::collections::HashMap;

use ratatui::style::{Modifier, Style};

use crate::model::Model;
use crate::model::capacity::holders::{By, Holder};
use crate::model::capacity::ledger::{account, maker};
use crate::model::ids::{ClusterId, Name};
use crate::model::pod::PodRow;
use crate::panes::Cx;

/// A holder by what it is called: cluster, kind, namespace, name. What a pod belongs to and a row of the ledger have the same.
pub type Who = (ClusterId, Name, Name, Name);

/// The hues of holders.
#[derive(Debug, Default)]
pub struct Colours {
    by: Option<By>,
    of: HashMap<Who, usize>,
    /// All others step back.
    pub only: Option<Who>,
}

impl Colours {
    /// Gives hues to the first rows of a ledger, most first; who had one keeps it.
    pub fn settle(&mut self, by: By, ledger: &[Holder], hues: usize) {
        if self.by != Some(by) {
            self.of.clear();
            self.by = Some(by);
        }
        let first: Vec<Who> = ledger.iter().take(hues).map(|row| who(by, row)).collect();
        self.of.retain(|who, _| first.contains(who));
        for who in first {
            if !self.of.contains_key(&who)
                && let Some(free) = (0..hues).find(|hue| self.of.values().all(|used| used != hue))
            {
                self.of.insert(who, free);
            }
        }
    }

    /// The style of what a holder has.
    pub fn style(&self, who: &Who, cx: &Cx) -> Style {
        let style = match self.of.get(who) {
            Some(hue) => cx.theme.series_at(*hue),
            None => cx.theme.text(),
        };
        match &self.only {
            Some(only) if only == who => style.add_modifier(Modifier::BOLD),
            Some(_) => cx.theme.faint(),
            None => style,
        }
    }

    /// The style of what a pod has.
    pub fn of(&self, pod: &PodRow, cx: &Cx) -> Style {
        let by = self.by.unwrap_or(By::Workload);
        self.style(&of_pod(by, pod, cx.model), cx)
    }
}

/// Who a row of the ledger is.
pub fn who(by: By, row: &Holder) -> Who {
    let namespace = row.namespace.clone().unwrap_or_else(|| "".into());
    match by {
        By::Queue => (
            row.cluster,
            "queue".into(),
            namespace,
            row.queue.clone().unwrap_or_else(|| "".into()),
        ),
        By::Namespace => (row.cluster, "namespace".into(), "".into(), row.name.clone()),
        By::Workload | By::Pod => (row.cluster, row.kind.clone(), namespace, row.name.clone()),
    }
}

/// Who a pod belongs to.
pub fn of_pod(by: By, pod: &PodRow, model: &Model) -> Who {
    let (of, namespace) = (pod.key.cluster, pod.namespace.clone());
    if by == By::Namespace {
        return (of, "namespace".into(), "".into(), namespace);
    }
    if by == By::Pod {
        return (of, "pod".into(), namespace, (*pod.name).into());
    }
    let job = model.jobs.get(model.top(account(pod)));
    if by == By::Queue {
        let queue = job.and_then(|job| model.queue(job)).cloned();
        return (
            of,
            "queue".into(),
            namespace,
            queue.unwrap_or_else(|| "".into()),
        );
    }
    match (job, maker(pod)) {
        (Some(job), _) => (of, job.kind_name().into(), namespace, job.name.clone()),
        (None, Some((kind, name))) => (of, kind, namespace, name),
        (None, None) => (of, "pod".into(), namespace, (*pod.name).into()),
    }
}
