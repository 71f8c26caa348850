//! The YAML screen as its reader sees it.

use insta::assert_snapshot;
use serde_json::json;

use super::*;
use crate::model::Model;
use crate::model::fields::{FieldPath, Step, Unknown};
use crate::model::kind::{Facts, JobKind};
use crate::panes::stage::Stage;

fn want() -> ObjectWant {
    ObjectWant {
        kind: Kind::Job,
        namespace: "team-a".into(),
        name: "indexed-sweep".into(),
    }
}

fn job() -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {
            "name": "indexed-sweep", "namespace": "team-a", "resourceVersion": "48213",
            "creationTimestamp": "2026-11-23T11:48:29Z",
            "annotations": {"note": "\u{1b}[2Jcleared? \u{202e}drowssap", "weight": "007"},
            "managedFields": [{"manager": "kubectl-create", "operation": "Update",
                "fieldsV1": {"f:spec": {"f:backoffLimit": {}}}}],
        },
        "spec": {
            "completions": 10, "parallelism": 3, "completionMode": "Indexed", "suspend": false,
            "backoffLimitPerIndex": 1, "maxFailedIndexes": 5,
            "template": {"spec": {"restartPolicy": "Never", "containers": [{
                "name": "main", "image": "docker.io/library/python:3.13",
                "command": ["python3", "-c", "import os, sys\nprint(\"Hello world\")\nif int(os.environ[\"I\"]) % 2 == 0:\n  sys.exit(1)\n"],
                "resources": {"limits": {"nvidia.com/gpu": "1"}},
                "env": [{"name": "LONG", "value": "x".repeat(300)}],
            }]}}
        },
        "status": {"failed": 10, "succeeded": 5, "completedIndexes": "1,3,5,7,9", "failedIndexes": "0,2,4,6,8"}
    })
}

fn loaded(stage: &Stage) -> Yaml {
    let mut yaml = Yaml::new(want());
    let object = Ok(job());
    let arrival = Arrival::Object {
        want: &want(),
        object: &object,
    };
    yaml.receive(&arrival, &stage.cx());
    yaml
}

#[test]
fn drawn_at_three_sizes() {
    let stage = Stage::new(Model::default());
    let mut yaml = loaded(&stage);
    assert_snapshot!("yaml_60x16", stage.draw(&mut yaml, 60, 13));
    stage.act(&mut yaml, Action::Bottom);
    assert_snapshot!("yaml_80x24", stage.draw(&mut yaml, 80, 21));
    stage.act(&mut yaml, Action::Fold);
    stage.act(&mut yaml, Action::Wrap);
    assert_snapshot!("yaml_200x60", stage.draw(&mut yaml, 200, 57));
}

#[test]
fn search_steps_round_and_says_where() {
    let stage = Stage::new(Model::default());
    let mut yaml = loaded(&stage);
    stage.draw(&mut yaml, 80, 10);
    assert!(matches!(
        stage.act(&mut yaml, Action::Filter),
        Reply::Prompt { .. }
    ));
    stage.type_in(&mut yaml, "index");
    // name, completionMode, backoffLimitPerIndex, maxFailedIndexes, completedIndexes, failedIndexes
    assert!(stage.draw(&mut yaml, 80, 10).contains("‘index’: 1 of 6"));
    stage.act(&mut yaml, Action::SearchPrevious);
    let seen = stage.draw(&mut yaml, 80, 10);
    assert!(
        seen.contains("6 of 6") && seen.contains("failedIndexes: 0,2,4,6,8"),
        "{seen}"
    );
    stage.act(&mut yaml, Action::SearchNext);
    assert!(stage.draw(&mut yaml, 80, 10).contains("1 of 6"));
    yaml.set_filter("", &stage.cx()).unwrap();
    assert!(!stage.draw(&mut yaml, 80, 10).contains("of 6"));
}

#[test]
fn what_is_copied_is_the_object_without_what_is_folded() {
    let stage = Stage::new(Model::default());
    let mut yaml = loaded(&stage);
    let Reply::Copy { text, .. } = stage.act(&mut yaml, Action::Copy) else {
        panic!("no copy");
    };
    let mut expected = job();
    let back: Value = serde_saphyr::from_str(&text).unwrap();
    expected["metadata"]
        .as_object_mut()
        .unwrap()
        .remove("managedFields");
    assert_eq!(back, expected);
    stage.act(&mut yaml, Action::Fold);
    let Reply::Save { name, text } = stage.act(&mut yaml, Action::Save) else {
        panic!("no save");
    };
    assert_eq!(name, "job-indexed-sweep.yaml");
    assert_eq!(serde_saphyr::from_str::<Value>(&text).unwrap(), job());
}

#[test]
fn what_went_wrong_is_said_and_asked_again() {
    let stage = Stage::new(Model::default());
    let mut yaml = Yaml::new(want());
    assert!(
        stage
            .draw(&mut yaml, 60, 13)
            .contains("fetching job/indexed-sweep")
    );
    for (why, words) in [
        (
            "jobs.batch \"indexed-sweep\" not found",
            "job/indexed-sweep is gone",
        ),
        (
            "jobs.batch is forbidden: User cannot get",
            "job/indexed-sweep: forbidden",
        ),
        ("connection refused", "could not be fetched"),
    ] {
        let object = Err(why.to_owned());
        let arrival = Arrival::Object {
            want: &want(),
            object: &object,
        };
        yaml.receive(&arrival, &stage.cx());
        let seen = stage.draw(&mut yaml, 60, 13);
        assert!(seen.contains(words) && seen.contains(why), "{seen}");
    }
    stage.act(&mut yaml, Action::Retry);
    // Let go once, then wanted again: the app asks anew.
    assert!(yaml.wants(&stage.cx()).is_empty());
    assert!(stage.draw(&mut yaml, 60, 13).contains("fetching"));
    assert_eq!(yaml.wants(&stage.cx()).len(), 1);
}

/// An old manifest on a cluster of today: one field was dropped, and two are there that the schema has not.
fn torch() -> (ObjectWant, Value, Checked) {
    static FACTS: Facts = Facts::new(
        "kubeflow.org",
        &["v1"],
        "PyTorchJob",
        "pytorchjobs",
        "PyTorch",
    );
    let want = ObjectWant {
        kind: Kind::Workload(JobKind(&FACTS)),
        namespace: "ml".into(),
        name: "mnist".into(),
    };
    let object = json!({
        "apiVersion": "kubeflow.org/v1", "kind": "PyTorchJob",
        "metadata": {"name": "mnist", "namespace": "ml", "resourceVersion": "7"},
        "spec": {"pytorchReplicaSpecs": {
            "Master": {"replicas": 1, "restartPolicy": "OnFailure"},
            "Worker": {"replicas": 3, "minReplicas": 1, "hooks": [{"run": "a\nb\n"}]}},
            "runPolicy": {"cleanPodPolicy": "None"}},
    });
    let path = |text: &str| FieldPath(text.split('.').map(|s| Step::Field(s.into())).collect());
    let kind = "kubeflow.org/v1 PyTorchJob".to_owned();
    let worker = "spec.pytorchReplicaSpecs.Worker";
    let checked = Checked {
        here: Unknown {
            kind: kind.clone(),
            fields: vec![
                path(&format!("{worker}.minReplicas")),
                path(&format!("{worker}.hooks")),
            ],
        },
        dropped: Unknown {
            kind,
            fields: vec![path("spec.cleanPodPolicy")],
        },
        ..Checked::default()
    };
    (want, object, checked)
}

fn tell(stage: &Stage, yaml: &mut Yaml, want: &ObjectWant, fields: Result<Checked, String>) {
    let fields = &fields;
    yaml.receive(&Arrival::Fields { want, fields }, &stage.cx());
}

fn shown(stage: &Stage, want: &ObjectWant, object: Value) -> Yaml {
    let mut yaml = Yaml::new(want.clone());
    let object = &Ok(object);
    yaml.receive(&Arrival::Object { want, object }, &stage.cx());
    yaml
}

#[test]
fn unknown_fields_are_marked_and_dropped_ones_told() {
    let stage = Stage::new(Model::default());
    let (want, object, checked) = torch();
    let mut yaml = shown(&stage, &want, object.clone());
    let before = stage.draw(&mut yaml, 80, 21);
    assert!(
        !before.contains("unknown") && !before.contains("checked"),
        "{before}"
    );
    tell(&stage, &mut yaml, &want, Ok(checked));
    assert_eq!(
        yaml.title(&stage.cx()),
        "yaml pytorchjob/mnist (2 unknown, 1 dropped)"
    );
    assert_snapshot!("unknown_80x24", stage.draw(&mut yaml, 80, 21));
    // the name of the dropped field is not cut where the screen is narrow
    assert_snapshot!("unknown_60x16", stage.draw(&mut yaml, 60, 13));
    // what is taken away is the object
    let Reply::Copy { text, .. } = stage.act(&mut yaml, Action::Copy) else {
        panic!("no copy");
    };
    assert!(!text.contains('#'), "{text}");
    assert_eq!(serde_saphyr::from_str::<Value>(&text).unwrap(), object);
}

#[test]
fn a_key_goes_round_the_unknown_fields() {
    let stage = Stage::new(Model::default());
    let (want, object, checked) = torch();
    let mut yaml = shown(&stage, &want, object);
    let at = |yaml: &mut Yaml| {
        assert_eq!(stage.act(yaml, Action::NextUnknown), Reply::Done);
        stage.draw(yaml, 80, 4);
        yaml.lines[yaml.here.unwrap()].text.trim().to_owned()
    };
    stage.draw(&mut yaml, 80, 4);
    assert!(matches!(
        stage.act(&mut yaml, Action::NextUnknown),
        Reply::Say(..)
    ));
    stage.act(&mut yaml, Action::PageDown);
    let top = |yaml: &Yaml| yaml.lines[yaml.top()].text.clone();
    let reading = top(&yaml);
    // what is told late does not move what is being read
    tell(&stage, &mut yaml, &want, Ok(checked));
    stage.draw(&mut yaml, 80, 4);
    assert_eq!(top(&yaml), reading);
    assert_eq!(at(&mut yaml), "hooks:  # unknown field");
    assert_eq!(at(&mut yaml), "minReplicas: 1  # unknown field");
    assert!(at(&mut yaml).starts_with("# dropped by the server"));
    assert_eq!(yaml.window.offset, 0);
    assert_eq!(at(&mut yaml), "hooks:  # unknown field");
}

#[test]
fn where_there_is_no_telling_a_quiet_word_says_so() {
    let stage = Stage::new(Model::default());
    let (want, object, checked) = torch();
    let mut yaml = shown(&stage, &want, object);
    let clean = Unknown {
        fields: Vec::new(),
        ..checked.here.clone()
    };
    let anything = Checked {
        here: clean.clone(),
        anything: true,
        ..Checked::default()
    };
    let knows_all = Checked {
        here: clean,
        ..Checked::default()
    };
    for (fields, line, answer) in [
        (
            Err("this server publishes no schemas".to_owned()),
            "fields not checked: this server publishes no schemas",
            "its fields are not checked: this server publishes no schemas",
        ),
        (
            Ok(anything),
            "its schema takes any field",
            "the schema of kubeflow.org/v1 PyTorchJob takes any field",
        ),
        (
            Ok(knows_all),
            "version 7",
            "kubeflow.org/v1 PyTorchJob knows all its fields",
        ),
    ] {
        tell(&stage, &mut yaml, &want, fields);
        let first = yaml.answer(&stage.cx()).to_string();
        assert!(first.ends_with(line), "{first}");
        assert_eq!(yaml.title(&stage.cx()), "yaml pytorchjob/mnist");
        let said = stage.act(&mut yaml, Action::NextUnknown);
        assert_eq!(said, Reply::Say(Level::Info, answer.into()));
    }
}
