//! What a real API server served, read by the slim types: rows as the model gets them.

use jobdeck::cluster::wire::{self, Event, Wire};
use jobdeck::model::ids::{ClusterId, Names};
use jobdeck::model::resources::Devices;

fn fixture(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/wire");
    std::fs::read(format!("{folder}/{name}")).expect("a fixture")
}

fn rows<W: Wire>(name: &str) -> Vec<W::Row> {
    let page = wire::page::<W>(&fixture(name)).expect("a list");
    assert_eq!(page.skipped, 0);
    assert!(page.version.parse::<u64>().expect("a version") > 0);
    let mut names = Names::default();
    page.items
        .into_iter()
        .map(|item| item.row(ClusterId(0), &mut names))
        .collect()
}

fn devices(devices: &Devices) -> String {
    let all: Vec<String> = devices.0.iter().map(|(n, a)| format!("{n}={a}")).collect();
    all.join(" ")
}

#[test]
fn jobs() {
    let lines: Vec<String> = rows::<wire::job::Job>("jobs.json")
        .iter()
        .map(|j| {
            let conditions: Vec<String> = j
                .conditions
                .iter()
                .filter(|c| c.on)
                .map(|c| format!("{}/{}", c.kind, c.reason))
                .collect();
            format!(
                "{} {}x{:?} {} ok={} fail={} done[{}] lost[{}] {} {} {}",
                j.name,
                j.parallelism,
                j.completions,
                if j.indexed { "indexed" } else { "plain" },
                j.succeeded,
                j.failed,
                j.completed_indexes,
                j.failed_indexes,
                conditions.join(","),
                devices(&j.devices),
                j.queue.as_deref().unwrap_or("-"),
            )
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
    let job = &rows::<wire::job::Job>("jobs.json")[1];
    let rules: Vec<&str> = job.policy.failure_rules.iter().map(|r| &**r).collect();
    assert_eq!(rules, ["FailIndex on exit 17"]);
    assert_eq!(job.created.map(|t| t.timestamp() > 0), Some(true));
}

#[test]
fn pods() {
    let lines: Vec<String> = rows::<wire::pod::Pod>("pods.json")
        .iter()
        .map(|p| {
            let exit = p.exit.as_ref().map(|e| {
                let when = if e.previous { " before" } else { "" };
                format!("{} {}{when}", e.code, e.reason)
            });
            format!(
                "{} {} {}/{} r{} i{:?} {} {} exit[{}] {} why[{}] in {}",
                p.name,
                p.status,
                p.ready,
                p.containers,
                p.restarts,
                p.index.get(),
                p.owner
                    .as_ref()
                    .map_or("-".into(), |(k, n, _)| format!("{k}/{n}")),
                p.node.as_deref().unwrap_or("nowhere"),
                exit.unwrap_or_default(),
                devices(&p.shape.devices),
                p.why.as_deref().unwrap_or_default(),
                p.container_names,
            )
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn nodes() {
    let lines: Vec<String> = rows::<wire::node::Node>("nodes.json")
        .iter()
        .map(|n| {
            let taints: Vec<&str> = n.taints.iter().map(|t| &**t).collect();
            format!(
                "{} ready={} cordoned={} {} of [{}] [{}] cpu {}m mem {} pods {} {} {}",
                n.name,
                n.ready,
                n.cordoned,
                n.product.as_deref().unwrap_or("-"),
                devices(&n.allocatable),
                taints.join(" "),
                n.cpu_milli,
                n.memory,
                n.pods,
                n.zone.as_deref().unwrap_or("-"),
                n.version,
            )
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn events() {
    let lines: Vec<String> = rows::<wire::event::Event>("events.json")
        .iter()
        .map(|e| {
            let (kind, name, _) = &e.about;
            format!(
                "{} {} {kind}/{name} x{} by {} first {} last {}: {}",
                if e.warning { "W" } else { "N" },
                e.reason,
                e.count,
                e.by,
                e.first.is_some(),
                e.last >= e.first,
                e.message,
            )
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

/// From creation to Failed/FailedIndexes, as it was watched.
#[test]
fn the_life_of_an_indexed_job() {
    let mut names = Names::default();
    let (mut lines, mut bookmarks) = (Vec::new(), 0);
    for line in fixture("indexed-job.watch.jsonl").split(|b| *b == b'\n') {
        if line.is_empty() {
            continue;
        }
        match wire::event::<wire::job::Job>(line).expect("a line") {
            Event::Applied(job) => {
                let j = job.row(ClusterId(0), &mut names);
                let on: Vec<&str> = j.conditions.iter().map(|c| &*c.kind).collect();
                lines.push(format!(
                    "a{} ok[{}] lost[{}] failed {} uncounted {:?} {}",
                    j.active,
                    j.completed_indexes,
                    j.failed_indexes,
                    j.failed,
                    j.uncounted,
                    on.join(","),
                ));
            }
            Event::Bookmark { version, end } => {
                assert!(!version.is_empty() && !end);
                bookmarks += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(bookmarks > 0);
    lines.dedup();
    insta::assert_snapshot!(lines.join("\n"));
}
