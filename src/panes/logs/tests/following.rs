//! Which pods are followed is chosen anew when something of it changed, and not for every frame.

use super::*;
use crate::panes::fixture::{ended, pod as pod_row};

/// How often the pods were looked through.
fn times(logs: &Logs) -> usize {
    logs.planner.times.get()
}

#[test]
fn pods_are_looked_through_when_something_changed_only() {
    let mut stage = Stage::new(model());
    let mut logs = training(&stage);
    stage.draw(&mut logs, 160, 40);
    let wants = log_wants(&logs, &stage);
    let settled = times(&logs);
    for _ in 0..10 {
        stage.draw(&mut logs, 160, 40);
        assert_eq!(log_wants(&logs, &stage), wants);
    }
    assert_eq!(times(&logs), settled, "nothing changed");

    // another job's pods come and go
    let other = stage.model.jobs.get(key("indexed-sweep")).unwrap();
    let fresh = pod_row(other, "indexed-sweep-77-new01", Some(77), "gpu-h100-1", 5);
    feed(&mut stage.model, 5, Rows::Pods(Change::Rows(vec![fresh])));
    stage.draw(&mut logs, 160, 40);
    assert_eq!(times(&logs), settled, "a stranger's pod");

    // its own
    let own = stage.model.jobs.get(key("llama-sft")).unwrap();
    let fresh = pod_row(own, "llama-sft-9-new01", Some(9), "gpu-h100-1", 5);
    feed(
        &mut stage.model,
        5,
        Rows::Pods(Change::Rows(vec![fresh.clone()])),
    );
    let wants = log_wants(&logs, &stage);
    assert!(wants.iter().any(|w| &*w.pod == "llama-sft-9-new01"));
    stage.draw(&mut logs, 160, 40);
    log_wants(&logs, &stage);
    let settled = times(&logs);
    stage.draw(&mut logs, 160, 40);
    log_wants(&logs, &stage);
    assert_eq!(times(&logs), settled);

    // one that ended is read for a while yet; then time alone lets it go
    let over = ended(fresh, 0, "Completed", 1);
    feed(&mut stage.model, 5, Rows::Pods(Change::Rows(vec![over])));
    let named = |wants: Vec<Want>| {
        let of = |want: &Want| matches!(want, Want::Log(log) if &*log.pod == "llama-sft-9-new01");
        wants.iter().any(of)
    };
    stage.draw(&mut logs, 160, 40);
    assert!(named(logs.wants(&stage.cx())));
    let mut later = stage.cx();
    later.now += TimeDelta::seconds(600);
    let before = times(&logs);
    logs.wants(&later);
    assert_eq!(times(&logs), before + 1, "its time is over");
}

#[test]
fn what_was_opened_alone_stands_beside_the_others() {
    let stage = Stage::new(model());
    let mut logs = Logs::new(LogsOf::Job {
        job: key("llama-sft"),
        index: Some(2),
    });
    for (n, want) in log_wants(&logs, &stage).iter().enumerate() {
        let end = want.pod.rsplit('-').next().unwrap();
        let text = format!("words of {end}");
        give(&mut logs, &stage, want, &[(n as i64, text.as_bytes())]);
    }
    let seen = stage.draw(&mut logs, 160, 40);
    assert!(!seen.contains("words of zq0pw"), "{seen}");
    stage.act(&mut logs, Action::SideBySide);
    let seen = stage.draw(&mut logs, 160, 40);
    for pod in ["zq0pw", "zq2pw"] {
        assert!(seen.contains(&format!("words of {pod}")), "{pod}: {seen}");
    }
}

#[test]
fn lanes_beside_a_chart_stay_wide_enough_to_be_read() {
    let stage = Stage::new(model());
    let mut logs = training(&stage);
    stage.draw(&mut logs, 160, 40);
    stage.act(&mut logs, Action::SideBySide);
    stage.act(&mut logs, Action::Charts);
    for _ in 0..logs.lanes.len() {
        stage.draw(&mut logs, 160, 40);
        let wide = |lane: &&Lane| lane.area.width > 0;
        let shown: Vec<u16> = logs
            .lanes
            .iter()
            .filter(wide)
            .map(|l| l.area.width)
            .collect();
        assert!(!shown.is_empty() && shown.len() < logs.lanes.len());
        assert!(shown.iter().all(|wide| *wide >= 20), "{shown:?}");
        assert!(logs.lane().area.width > 0, "the one with the keys");
        stage.act(&mut logs, Action::Focus);
    }
}
