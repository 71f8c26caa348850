//! All that is wrong with GPUs of a cluster, one entry per cause: what objects tell ([`super::capacity::alarms`]) and,
//! where exporters are asked, what they tell ([`super::gpu_use::alarm`]). The map lists them, the inbox keeps them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::Model;
use super::capacity::alarms::{self, What};
use super::gpu_use::Device;
use super::gpu_use::alarm::{Alarm as Seen, Weight};
use super::gpu_use::verdict::Terms;
use super::human;
use super::ids::{ClusterId, Key, Name};
use super::inbox::{AGE, Finding, Lead, Severity, Source, Subject, said};
use super::job::JobRow;
use super::pod::PodRow;
use super::progress::job_of;
use super::xid;

/// One of them.
#[derive(Debug, Clone, PartialEq)]
pub struct GpuAlarm {
    pub cluster: ClusterId,
    pub weight: Weight,
    pub subject: Subject,
    /// What of the subject: `gpus/xid/79`. With the subject it is the identity.
    pub cause: Name,
    /// The node to look at.
    pub node: Option<(Key, Name)>,
    /// The workload it is about.
    pub job: Option<Key>,
    /// One sentence without the subject's name; [`AGE`] in it is how long it has been so.
    pub text: String,
    pub since: Option<DateTime<Utc>>,
    /// It was read from an exporter, and that is not asked (or does not answer) any more: it may be over.
    pub stale: bool,
    /// What to say when it is over.
    pub end: &'static str,
    /// Alike on other nodes, these are one entry of an inbox.
    alike: bool,
}

impl GpuAlarm {
    /// The sentence as of now.
    pub fn words(&self, now: DateTime<Utc>) -> String {
        said(&self.text, now - self.since.unwrap_or(now))
    }

    fn severity(&self) -> Severity {
        match self.weight {
            Weight::Sick => Severity::Error,
            Weight::Waste => Severity::Warning,
            Weight::Note => Severity::Note,
        }
    }
}

/// All of a cluster, the gravest first, then by name. O(nodes and the devices exporters told of).
pub fn all(model: &Model, cluster: ClusterId, now: DateTime<Utc>, terms: &Terms) -> Vec<GpuAlarm> {
    let mut out: Vec<GpuAlarm> = alarms::alarms(model, cluster, now)
        .into_iter()
        .map(|alarm| of_object(cluster, alarm))
        .collect();
    let mut idle: BTreeMap<(Option<Key>, Name, Name), Idle> = BTreeMap::new();
    for (node, device, seen) in model.gpu_use.alarms(cluster, now, terms) {
        match seen {
            Seen::Parked { since, .. } | Seen::Unused { since, .. } => {
                let (pod, job) = holder(model, cluster, node, device);
                let name = match (&job, device.holders.first()) {
                    (Some(job), _) => job.name.clone(),
                    (None, Some(holder)) => holder.pod.clone(),
                    (None, None) => continue,
                };
                let namespace = device.holders.first().map(|h| h.namespace.clone());
                let key = job.map(|job| job.key).or(pod.map(|pod| pod.key));
                let of = (key, namespace.unwrap_or_default(), name);
                let entry = idle.entry(of).or_insert_with(|| Idle {
                    node: node.clone(),
                    since,
                    devices: 0,
                    nodes: 0,
                    last: None,
                    parked: false,
                    job: job.map(|job| job.key),
                });
                entry.devices += 1;
                entry.nodes += u32::from(entry.last.as_ref() != Some(node));
                entry.last = Some(node.clone());
                entry.since = entry.since.max(since);
                entry.parked |= matches!(seen, Seen::Parked { .. });
            }
            // what a card is bought for
            Seen::PowerCapped => {}
            seen => out.push(of_device(model, cluster, node, device, seen, now)),
        }
    }
    out.extend(
        idle.into_iter()
            .map(|(of, idle)| idle.alarm(model, cluster, of)),
    );
    out.sort_by(|a, b| {
        let rank = |a: &GpuAlarm| (std::cmp::Reverse(a.weight), a.stale);
        let place = |a: &GpuAlarm| (a.subject.name.clone(), a.cause.clone());
        rank(a).cmp(&rank(b)).then_with(|| place(a).cmp(&place(b)))
    });
    out
}

/// The same of several clusters together, the gravest first wherever it is.
pub fn of_all(
    model: &Model,
    clusters: &[ClusterId],
    now: DateTime<Utc>,
    terms: &Terms,
) -> Vec<GpuAlarm> {
    let each = clusters.iter().flat_map(|of| all(model, *of, now, terms));
    let mut out: Vec<GpuAlarm> = each.collect();
    out.sort_by_key(|alarm| (std::cmp::Reverse(alarm.weight), alarm.stale));
    out
}

fn of_object(cluster: ClusterId, alarm: alarms::Alarm) -> GpuAlarm {
    let weight = match alarm.what {
        what if what.is_severe() => Weight::Sick,
        What::MigPending => Weight::Note,
        _ => Weight::Waste,
    };
    let subject = match &alarm.node {
        Some((_, name)) => Subject::named(cluster, name, ""),
        None => Subject::named(cluster, "quota", ""),
    };
    let cause = match &*alarm.of {
        "" => format!("gpus/{}", alarm.what.word()),
        of => format!("gpus/{}/{of}", alarm.what.word()),
    };
    GpuAlarm {
        cluster,
        weight,
        subject,
        cause: cause.as_str().into(),
        text: alarm.text,
        job: None,
        since: None,
        stale: false,
        end: alarm.what.end(),
        alike: alarm.node.is_some() && !alarm.what.is_severe(),
        node: alarm.node,
    }
}

/// One thing an exporter says of one device.
fn of_device(
    model: &Model,
    cluster: ClusterId,
    node: &Name,
    device: &Device,
    seen: Seen,
    now: DateTime<Utc>,
) -> GpuAlarm {
    let index = match device.index {
        Some(n) => n.to_string(),
        None => device.id.uuid.to_string(),
    };
    let slice = device.id.slice.as_ref();
    let slice = slice.map_or(String::new(), |s| format!("/{} {}", s.id, s.profile));
    let name = format!("{node}/GPU {index}{slice}");
    let (cause, text, since, end) = match seen {
        Seen::Xid(code, Some(at)) => {
            let next = xid::known(code).map_or(String::new(), |x| format!("; {}", x.next));
            let text = format!("{}, {AGE} ago{next}", xid::words(code));
            (
                format!("xid/{code}"),
                text,
                Some(at),
                "its exporter tells of it no more",
            )
        }
        Seen::Xid(code, None) => (
            format!("xid/{code}"),
            seen.words(now),
            None,
            "its exporter tells of it no more",
        ),
        Seen::Hot(_) => ("hot".into(), seen.words(now), None, "it has cooled down"),
        Seen::SlowedByHeat => (
            "heat".into(),
            seen.words(now),
            None,
            "its clocks are free again",
        ),
        Seen::SlowedByBoard => (
            "board".into(),
            seen.words(now),
            None,
            "its clocks are free again",
        ),
        _ => (
            seen.short()
                .trim_matches(|c: char| c.is_ascii_digit() || c == ' ')
                .replace(' ', "-"),
            seen.words(now),
            None,
            "its exporter tells of it no more",
        ),
    };
    let (_, job) = holder(model, cluster, node, device);
    GpuAlarm {
        cluster,
        weight: seen.weight(),
        subject: Subject::named(cluster, &name, ""),
        cause: format!("gpus/{cause}").as_str().into(),
        node: model
            .capacity
            .key(cluster, node)
            .map(|key| (key, node.clone())),
        job: job.map(|job| job.key),
        text,
        since,
        stale: device.is_stale(now),
        end,
        alike: false,
    }
}

/// Devices of one workload that do nothing.
struct Idle {
    node: Name,
    /// Since when all of them do.
    since: DateTime<Utc>,
    devices: u32,
    nodes: u32,
    last: Option<Name>,
    parked: bool,
    job: Option<Key>,
}

impl Idle {
    fn alarm(
        self,
        model: &Model,
        cluster: ClusterId,
        (key, namespace, name): (Option<Key>, Name, Name),
    ) -> GpuAlarm {
        let what = match self.devices {
            1 => "a GPU of it has".to_owned(),
            n => format!("{n} GPUs of it have"),
        };
        let place = match self.nodes {
            0 | 1 => format!("on {}", self.node),
            n => format!("on {n} nodes, the first {}", self.node),
        };
        let held = if self.parked { ", memory is held" } else { "" };
        let subject = match key {
            Some(key) => Subject::object(key, &name, &namespace),
            None => Subject::named(cluster, &name, &namespace),
        };
        let at = model.capacity.key(cluster, &self.node);
        GpuAlarm {
            cluster,
            weight: Weight::Waste,
            subject,
            cause: "gpus/idle".into(),
            node: at.map(|key| (key, self.node)),
            job: self.job,
            text: format!("{what} done nothing for {AGE} {place}{held}"),
            since: Some(self.since),
            stale: false,
            end: "its GPUs work, or are given back",
            alike: false,
        }
    }
}

/// Who has a device: the pod and its outermost workload, where there are rows of them.
fn holder<'a>(
    model: &'a Model,
    cluster: ClusterId,
    node: &Name,
    device: &Device,
) -> (Option<&'a PodRow>, Option<&'a JobRow>) {
    let row = model.capacity.key(cluster, node);
    let row = row.and_then(|key| model.nodes.get(key));
    let used = row.and_then(|row| model.capacity.of(row));
    let pods = used.into_iter().flat_map(|used| &used.holders);
    let mut pods = pods.filter_map(|key| model.pods.get(*key));
    let pod = pods.find(|pod| device.is_of(pod));
    let job = pod.and_then(job_of).map(|job| model.top(job));
    (pod, job.and_then(|job| model.jobs.get(job)))
}

/// As findings of an inbox: what is alike on several nodes of a cluster is one of them. What is not known any more is not among them.
pub fn findings(all: &[GpuAlarm]) -> Vec<(Finding, &'static str)> {
    let mut out = Vec::new();
    let mut alike: BTreeMap<(ClusterId, &Name), Vec<&GpuAlarm>> = BTreeMap::new();
    for alarm in all.iter().filter(|alarm| !alarm.stale) {
        if alarm.alike {
            let of = (alarm.cluster, &alarm.cause);
            alike.entry(of).or_default().push(alarm);
            continue;
        }
        let (subject, text) = (alarm.subject.clone(), alarm.text.clone());
        out.push((finding(alarm, subject, text), alarm.end));
    }
    for alarms in alike.into_values() {
        let Some(first) = alarms.first() else {
            continue;
        };
        let others = match alarms.len() - 1 {
            0 => String::new(),
            n => format!(" (and {} more like it)", human::count(n as u64)),
        };
        let text = format!("{}{others}: {}", first.subject.name, first.text);
        let subject = Subject::named(first.cluster, "nodes with GPUs", "");
        out.push((finding(first, subject, text), first.end));
    }
    out
}

fn finding(alarm: &GpuAlarm, subject: Subject, text: String) -> Finding {
    let lead = match (&alarm.job, &alarm.node) {
        (Some(job), _) if &*alarm.cause == "gpus/idle" => Lead::Job(*job),
        (_, Some((_, node))) => Lead::Node(node.clone()),
        (..) => Lead::Nowhere,
    };
    Finding::new(Source::Gpus, subject, &alarm.cause, alarm.severity(), text)
        .leads(lead)
        .since(alarm.since)
}

#[cfg(test)]
mod tests;
