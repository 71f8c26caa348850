//! Two panes side by side: how wide the right one of a screen is, and what one that follows another's cursor shows.

use super::{Cx, LogsOf, Target};
use crate::app::action::Action;
use crate::model::ids::Key;
use crate::model::want::{Kind, ObjectWant};

/// Neither is less wide.
const LEAST: u16 = 30;

/// Columns of the right one: as somebody drew it, else as the screen would have it.
pub fn width(name: &str, whole: u16, ideal: u16, cx: &Cx) -> u16 {
    match cx.session.widths.get(name) {
        Some(share) => {
            let wide = u32::from(whole) * u32::from(*share) / 1000;
            let most = whole.saturating_sub(LEAST).max(LEAST);
            u16::try_from(wide).unwrap_or(most).clamp(LEAST, most)
        }
        None => ideal,
    }
}

/// What an action shows of the object under a cursor; `pod`: the one that is meant more exactly.
pub fn leads(key: Key, pod: Option<Key>, action: Action, cx: &Cx) -> Option<Target> {
    let model = cx.model;
    let log = |pod: Key| {
        Target::Logs(LogsOf::Pod {
            pod,
            container: None,
            previous: false,
        })
    };
    let yaml = |kind: Option<Kind>, namespace: &str, name: &str| {
        kind.map(|kind| {
            Target::Yaml(ObjectWant {
                kind,
                namespace: namespace.into(),
                name: name.into(),
            })
        })
    };
    if let Some(job) = model.jobs.get(key) {
        return match action {
            Action::Open => Some(Target::Job(key)),
            Action::Logs => Some(match pod {
                Some(pod) => log(pod),
                None => Target::Logs(LogsOf::Job {
                    job: key,
                    index: None,
                }),
            }),
            Action::Yaml => yaml(job.kind.object(), &job.namespace, &job.name),
            _ => None,
        };
    }
    if let Some(cron) = model.cronjobs.get(key) {
        return match action {
            Action::Open => Some(Target::Job(key)),
            Action::Yaml => yaml(Some(Kind::CronJob), &cron.namespace, &cron.name),
            _ => None,
        };
    }
    if let Some(pod) = model.pods.get(key) {
        return match action {
            Action::Open | Action::Logs => Some(log(key)),
            Action::Yaml => yaml(Some(Kind::Pod), &pod.namespace, &pod.name),
            _ => None,
        };
    }
    let node = model.nodes.get(key)?;
    match action {
        Action::Open => Some(Target::Node(key)),
        Action::Yaml => yaml(Some(Kind::Node), "", &node.name),
        _ => None,
    }
}
