use super::*;
use crate::panes::fixture;
use crate::panes::stage::Stage;

fn key_of(stage: &Stage, job: &str) -> Key {
    let mut rows = stage.model.kueue.workloads.rows();
    rows.find(|row| name(row) == job).unwrap().key
}

#[test]
fn says_everything_there_is() {
    let stage = Stage::new(fixture::queued());
    for job in ["gnn-hgcal-v2", "ntuple-sweep", "sam3-finetune", "track-fit"] {
        let mut pane = Workload::new(key_of(&stage, job));
        insta::assert_snapshot!(job, stage.draw(&mut pane, 90, 30));
    }
}

#[test]
fn leads_to_its_job_and_back() {
    let stage = Stage::new(fixture::queued());
    let key = key_of(&stage, "detr-queue");
    let job = fixture::key("detr-queue");
    let mut pane = Workload::new(key);
    stage.draw(&mut pane, 90, 30);
    assert_eq!(
        stage.act(&mut pane, Action::Why),
        Reply::Open(Target::Job(job))
    );
    let row = stage.model.jobs.get(job).unwrap();
    assert_eq!(of_job(row, &stage.cx()), Reply::Open(Target::Workload(key)));
}

#[test]
fn one_that_goes_is_shown_as_it_was() {
    use crate::model::delta::{Change, Rows};
    use crate::model::kueue::QueueRows;
    let mut stage = Stage::new(fixture::queued());
    let key = key_of(&stage, "gnn-hgcal-v2");
    let mut pane = Workload::new(key);
    stage.draw(&mut pane, 90, 30);
    let gone = QueueRows::Workloads(Change::Gone(vec![key.uid]));
    // told by the source that brought it
    fixture::feed(&mut stage.model, 103, Rows::Queues(gone));
    let drawn = stage.draw(&mut pane, 90, 30);
    assert!(
        drawn.contains("deleted; this is what was seen last"),
        "{drawn}"
    );
    assert!(drawn.contains("gnn-hgcal-v2"));
}
