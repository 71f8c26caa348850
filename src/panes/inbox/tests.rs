//! The inbox as it looks, moves, and what its keys ask for.

use chrono::TimeDelta;
use insta::assert_snapshot;

use super::*;
use crate::model::Model;
use crate::model::inbox::{Finding, Source};
use crate::panes::fixture::{self, ago, key, now};
use crate::panes::stage::Stage;

fn own() -> Vec<Notice> {
    let notice = |seconds, level, text: &str, times| Notice {
        at: ago(seconds).unwrap(),
        level,
        text: text.into(),
        times,
    };
    vec![
        notice(7_200, Level::Info, "theme jobdeck-light", 1),
        notice(
            600,
            Level::Error,
            "events in hep: forbidden (needs list on events); R retries",
            14,
        ),
        notice(
            5,
            Level::Warning,
            "themes/mine.toml:12: roles.text: \u{1b}[31m is not a colour",
            1,
        ),
    ]
}

fn stage() -> Stage {
    let mut stage = Stage::new(fixture::model());
    stage.messages = own();
    let say = |stage: &mut Stage, name: &str, source, cause: &str, severity, text: &str, since| {
        let job = stage.model.jobs.get(key(name)).unwrap();
        let subject = Subject::job(job);
        let lead = Lead::Log {
            job: job.key,
            pod: None,
            at: ago(since),
        };
        let finding = Finding::new(source, subject, cause, severity, text);
        let finding = finding.leads(lead).since(ago(since));
        stage.session.inbox.found(finding, now());
    };
    let (error, warning) = (Severity::Error, Severity::Warning);
    say(
        &mut stage,
        "llama-sft",
        Source::Training,
        "training/nan/1",
        error,
        "rank 0: the loss is NaN at step 1840",
        190,
    );
    say(
        &mut stage,
        "resnet-hpo",
        Source::Training,
        "training/silent/2",
        warning,
        "index 12: no output for {age} while 7 of the others go on",
        1_260,
    );
    say(
        &mut stage,
        "jet-tagger-v3",
        Source::Pods,
        "pods/image",
        error,
        "cannot pull its image: \"ghcr.io/hep/jet:v3\": not found",
        4_000,
    );
    say(
        &mut stage,
        "gnn-hgcal",
        Source::Training,
        "training/slow/3",
        warning,
        "slower than usual: 48 % of its median speed",
        3_000,
    );
    say(
        &mut stage,
        "oom-probe",
        Source::Pods,
        "pods/restarts",
        error,
        "crash loop, restarted 6 times, last: out of memory: main was killed (OOMKilled)",
        900,
    );
    let id = |name: &str| SubjectId::Object(key(name));
    let inbox = &mut stage.session.inbox;
    inbox.over(
        &id("gnn-hgcal"),
        "training/slow/3",
        "as fast as usual again",
        now() - TimeDelta::seconds(400),
    );
    inbox.set_read(&(id("jet-tagger-v3"), "pods/image".into()), true);
    stage
}

#[test]
fn at_three_sizes() {
    let stage = stage();
    let mut pane = Inbox::default();
    assert_snapshot!("inbox_80x24", stage.draw(&mut pane, 80, 20));
    assert_snapshot!("inbox_160x48", stage.draw(&mut pane, 160, 24));
    assert_snapshot!("inbox_60x16", stage.draw(&mut pane, 60, 12));
    let empty = Stage::new(Model::default());
    assert_snapshot!("inbox_empty", empty.draw(&mut pane, 80, 14));
}

#[test]
fn the_selection_stays_with_its_line() {
    let mut stage = stage();
    let mut pane = Inbox::default();
    stage.draw(&mut pane, 80, 20);
    stage.act(&mut pane, Action::Down);
    let copied = |stage: &Stage, pane: &mut Inbox| match stage.act(pane, Action::Copy) {
        Reply::Copy { text, .. } => text,
        other => panic!("{other:?}"),
    };
    let before = copied(&stage, &mut pane);
    // a worse one comes in above
    let subject = Subject::named(ClusterId(0), "gpu-h100-1/GPU 3", "");
    let finding = Finding::new(Source::Gpus, subject, "xid/79", Severity::Error, "Xid 79");
    stage.session.inbox.found(finding, now());
    assert!(stage.draw(&mut pane, 80, 20).ends_with("3/9"));
    assert_eq!(copied(&stage, &mut pane), before);
}

#[test]
fn what_is_shown_can_be_narrowed() {
    let stage = stage();
    let mut pane = Inbox::default();
    assert!(stage.draw(&mut pane, 80, 20).ends_with("1/8"));
    stage.act(&mut pane, Action::InboxShow);
    let findings = stage.draw(&mut pane, 80, 20);
    assert!(
        findings.ends_with("1/5") && !findings.contains("forbidden"),
        "{findings}"
    );
    stage.act(&mut pane, Action::InboxShow);
    let own = stage.draw(&mut pane, 80, 20);
    assert!(own.ends_with("1/3") && !own.contains("NaN"), "{own}");
    stage.act(&mut pane, Action::InboxShow);
    stage.type_in(&mut pane, "training");
    assert!(stage.draw(&mut pane, 80, 20).ends_with("1/3"));
    stage.type_in(&mut pane, "training over");
    let over = stage.draw(&mut pane, 80, 20);
    assert!(
        over.ends_with("1/1") && over.contains("gnn-hgcal"),
        "{over}"
    );
    stage.type_in(&mut pane, "jobdeck");
    assert!(stage.draw(&mut pane, 80, 20).ends_with("1/3"));
}

#[test]
fn keys_ask_for_what_they_say() {
    let stage = stage();
    let mut pane = Inbox::default();
    stage.draw(&mut pane, 80, 20);
    let Reply::Run(Command::Inbox(Do::Open(id, target))) = stage.act(&mut pane, Action::Open)
    else {
        panic!("it leads nowhere");
    };
    assert_eq!(id.0, SubjectId::Object(key("llama-sft")));
    let Target::LogsAt { of, at, since } = target else {
        panic!("{target:?}");
    };
    let job = key("llama-sft");
    assert_eq!((of, Some(at)), (LogsOf::Job { job, index: None }, ago(190)));
    assert_eq!(since, 220, "a little before the line");
    let asked = |stage: &Stage, pane: &mut Inbox, action| match stage.act(pane, action) {
        Reply::Run(Command::Inbox(what)) => what,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        asked(&stage, &mut pane, Action::InboxRead),
        Do::Read(id, true)
    );
    let Do::Mute(subject) = asked(&stage, &mut pane, Action::InboxMute) else {
        panic!("not muted");
    };
    assert_eq!(&*subject.name, "oom-probe", "reading went on to the next");
    assert!(matches!(
        asked(&stage, &mut pane, Action::InboxDismiss),
        Do::Dismiss(_)
    ));
    stage.act(&mut pane, Action::Bottom);
    assert!(matches!(stage.act(&mut pane, Action::Open), Reply::Say(..)));
    assert_eq!(asked(&stage, &mut pane, Action::InboxMute), Do::Unmute);
}

#[test]
fn what_is_gone_says_so() {
    let mut stage = stage();
    stage.model = Model::default();
    let mut pane = Inbox::default();
    stage.draw(&mut pane, 80, 20);
    let Reply::Say(_, why) = stage.act(&mut pane, Action::Open) else {
        panic!("it leads somewhere");
    };
    assert!(why.contains("llama-sft is no longer there"), "{why}");
}

#[test]
fn of_several_clusters_a_finding_says_whose_it_is_and_leads_there() {
    let mut stage = Stage::two();
    for cluster in [ClusterId(0), fixture::EAST] {
        let subject = Subject::named(cluster, "gpu-h100-1", "");
        let finding = Finding::new(
            Source::Gpus,
            subject,
            "gpus/sick",
            Severity::Error,
            "1 sick",
        );
        let lead = Lead::Node("gpu-h100-1".into());
        stage.session.inbox.found(finding.leads(lead), now());
    }
    let mut pane = Inbox::default();
    let screen = stage.draw(&mut pane, 80, 12);
    assert!(
        screen.contains("csc-demo · gpu-h100-1") && screen.contains("csc-east · gpu-h100-1"),
        "{screen}"
    );
    stage.type_in(&mut pane, "csc-east");
    stage.draw(&mut pane, 80, 12);
    assert_eq!(pane.cluster(&stage.cx()), Some(fixture::EAST));
    // what it leads to is looked for in the cluster in front, which is that of the line by then
    stage.session.put_in_front(fixture::EAST);
    assert!(
        matches!(stage.act(&mut pane, Action::Open), Reply::Run(Command::Inbox(Do::Open(id, Target::Node(key))))
        if key.cluster == fixture::EAST && id.0.cluster() == fixture::EAST)
    );
    pane.set_filter("", &stage.cx()).unwrap();
    stage.session.only = Some(ClusterId(0));
    let screen = stage.draw(&mut pane, 80, 12);
    assert!(
        screen.contains("1 error") && !screen.contains("csc-east"),
        "{screen}"
    );
}
