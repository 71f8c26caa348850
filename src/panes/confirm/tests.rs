use super::*;
use crate::panes::fixture;
use crate::panes::stage::{Stage, text};

fn ask(stage: &Stage, names: &[&str], intent: &Intent) -> Confirm {
    let cx = stage.cx();
    let keys: Vec<Key> = names
        .iter()
        .map(|name| {
            let mut jobs = cx.model.jobs.rows();
            let job = jobs.find(|job| &*job.name == *name);
            let mut crons = cx.model.cronjobs.rows();
            let cron = crons.find(|cron| &*cron.name == *name);
            job.map(|j| j.key).or(cron.map(|c| c.key)).expect("a row")
        })
        .collect();
    let steps = keys
        .iter()
        .flat_map(|key| plan(cx.model, *key, intent).unwrap());
    let steps = steps.collect();
    Confirm::new(keys, intent.clone(), steps, Vec::new(), &cx)
}

fn some(stage: &Stage) -> Vec<String> {
    let mut all: Vec<String> = stage
        .model
        .jobs
        .rows()
        .filter(|job| !job.deleting)
        .map(|job| job.name.to_string())
        .collect();
    all.sort();
    all
}

#[test]
fn looks() {
    let mut stage = Stage::new(fixture::model());
    stage.session.type_above = 5;
    let all = some(&stage);
    let busy = stage
        .model
        .jobs
        .rows()
        .filter(|job| !job.deleting)
        .max_by_key(|job| (stage.model.pods_of(job.key).count(), job.name.clone()))
        .map(|job| job.name.to_string())
        .expect("a job");
    for (width, height) in [(80, 24), (160, 48)] {
        let mut one = ask(&stage, &[&busy], &Intent::DELETE);
        let picture = text(&stage.buffer(&mut one, width, height));
        insta::assert_snapshot!(format!("one@{width}x{height}"), picture);
        one.act(Action::NextPropagation, &stage.cx());
        one.act(Action::NextPropagation, &stage.cx());
        let picture = text(&stage.buffer(&mut one, width, height));
        insta::assert_snapshot!(format!("orphan@{width}x{height}"), picture);
        let names: Vec<&str> = all.iter().map(String::as_str).collect();
        let mut many = ask(&stage, &names, &Intent::DELETE);
        let picture = text(&stage.buffer(&mut many, width, height));
        insta::assert_snapshot!(format!("many@{width}x{height}"), picture);
    }
}

#[test]
fn what_is_behind_the_question_is_not_reached() {
    let stage = Stage::new(fixture::model());
    let all = some(&stage);
    let mut pane = ask(&stage, &[&all[0]], &Intent::DELETE);
    for action in [
        Action::Yaml,
        Action::Logs,
        Action::GoPods,
        Action::Delete,
        Action::Filter,
    ] {
        assert_eq!(
            stage.act(&mut pane, action),
            Reply::Done,
            "{}",
            action.name()
        );
    }
    assert_eq!(stage.act(&mut pane, Action::Back), Reply::Ignored);
    assert_eq!(
        stage.act(&mut pane, Action::Open),
        Reply::Run(Command::Close)
    );
    // another way to delete puts the focus back on cancel
    stage.act(&mut pane, Action::Right);
    stage.act(&mut pane, Action::Force);
    assert_eq!(
        stage.act(&mut pane, Action::Open),
        Reply::Run(Command::Close)
    );
    assert!(matches!(
        pane.steps[0].intent,
        Intent::Delete { force: true, .. }
    ));
}
