//! Round trips, bounds, privacy, broken files, several writers at once.

use std::fs;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::logs::run::{Progress, Summary};
use crate::model::Model;
use crate::model::delta::{Change, Delta, Rows, SourceId};
use crate::model::fixture::{at, devices, ended, failed_example, pod, running};
use crate::model::ids::ClusterId;

fn record(uid: &str, minutes: i64) -> Record {
    Record {
        version: VERSION,
        context: "hep".into(),
        kind: "Job".into(),
        namespace: "ml".into(),
        name: format!("train-{uid}"),
        uid: uid.into(),
        phase: "Failed".into(),
        created: Some(at(0)),
        updated: at(minutes * 60),
        ..Record::default()
    }
}

fn keep(folder: &std::path::Path) -> Keep {
    Keep::new(folder.join("history"), Limits::default())
}

#[test]
fn a_job_is_recorded_with_its_end_and_read_back() {
    let mut model = Model::default();
    let mut job = failed_example(7);
    job.devices = devices("nvidia.com/gpu", 2);
    let feed = |model: &mut Model, source, rows| {
        model.apply(Delta {
            cluster: ClusterId(0),
            source: SourceId(source),
            rows,
        });
    };
    let mut dead = ended(running(pod(20, &job), "n", 5), 42, 50);
    dead.index = Some(4).into();
    feed(&mut model, 1, Rows::Jobs(Change::Rows(vec![job.clone()])));
    feed(&mut model, 2, Rows::Pods(Change::Rows(vec![dead])));
    let summary = Summary {
        progress: Progress {
            step: Some(40.0),
            steps: Some(100.0),
            ..Progress::default()
        },
        name: "loss".into(),
        last: Some((40.0, f64::NAN)),
        best: Some((30.0, 1.5)),
        spark: vec![3.0, 2.0, f64::NAN],
        concern: Some("the loss is NaN at step 40".into()),
        ..Summary::default()
    };
    let seen = Seen {
        model: &model,
        context: "hep",
        summary: Some(&summary),
        now: at(100),
    };
    let mut record = Record::of(&job, &seen);
    record.set_lines(["\u{1b}[31mTraceback", "HF_TOKEN=hf_abcdefghijklmnopqrst"].into_iter());
    record.set_manifest(&json!({"kind": "Job", "metadata": {"name": "x", "uid": "y"}, "spec": {}}));
    assert_eq!(
        (&*record.phase, &*record.failed_indexes),
        ("Failed", "0,2,4,6,8")
    );
    let end = IndexEnd {
        index: 4,
        exit_code: Some(42),
        reason: "Error".into(),
    };
    assert_eq!(record.ends, [end]);
    assert_eq!(record.exits, [("exit 42".to_owned(), 1)]);
    let gpus: u32 = model.gpus(&job).0.iter().map(|(_, n)| *n).sum();
    assert_eq!(record.gpus["nvidia.com/gpu"], gpus);
    let hours = f64::from(gpus) * 64.0 / 3600.0;
    assert!(record.gpu_hours.is_some_and(|h| (h - hours).abs() < 1e-3));
    assert_eq!(record.lines, ["[31mTraceback", "HF_TOKEN=(not kept)"]);
    let folder = tempfile::tempdir().unwrap();
    let keep = keep(folder.path());
    assert_eq!(keep.save(record.clone()).unwrap(), record);
    let shelf = keep.load().unwrap();
    assert_eq!((shelf.records, shelf.problems), (vec![record], Vec::new()));
}

#[test]
fn a_later_look_keeps_what_the_earlier_knew_more() {
    let folder = tempfile::tempdir().unwrap();
    let keep = keep(folder.path());
    let mut looked = record("a", 1);
    looked.phase = "Running".into();
    looked.lines = vec!["step 1".into()];
    looked.set_manifest(&json!({"kind": "Job", "spec": {"env": [{"name": "A", "value": "b"}]}}));
    let (manifest, masked) = (looked.manifest.clone(), looked.masked.clone());
    keep.save(looked).unwrap();
    let mut gone = record("a", 2);
    gone.deleted = Some(at(120));
    let kept = keep.save(gone.clone()).unwrap();
    assert_eq!((&*kept.phase, kept.lines.len()), ("Failed", 1));
    assert_eq!(
        (kept.manifest(), &kept.masked),
        (manifest.as_ref(), &masked)
    );
    assert_eq!((masked.len(), masked[0].name.as_str()), (1, "A"));
    // one that comes late does not undo what is known
    let mut late = record("a", 1);
    late.phase = "Running".into();
    assert_eq!(keep.save(late).unwrap().phase, "Failed");
    // another life of the same uid is another job
    let mut again = record("a", 3);
    again.created = Some(at(170));
    assert_eq!(keep.save(again).unwrap().manifest(), None);
    assert_eq!(keep.load().unwrap().records.len(), 1);
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let keep = keep(folder.path());
    keep.save(record("a", 1)).unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(keep.folder()), 0o700);
    for entry in fs::read_dir(keep.folder()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn it_is_bounded_in_number_and_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits {
        max_records: 5,
        max_mib: 1,
        ..Limits::default()
    };
    let keep = Keep::new(folder.path().join("h"), limits);
    for n in 0..9 {
        keep.save(record(&format!("u{n}"), n)).unwrap();
    }
    assert_eq!(keep.load().unwrap().records.len(), 5);
    // four of 200 KiB and the small ones are too much for one MiB… of five
    for n in 0..7 {
        let mut big = record(&format!("big{n}"), 20 + n);
        big.message = "x".repeat(200 << 10);
        keep.save(big).unwrap();
    }
    let shelf = keep.load().unwrap();
    let bytes: u64 = fs::read_dir(keep.folder())
        .unwrap()
        .map(|e| e.unwrap().metadata().unwrap().len())
        .sum();
    assert!(shelf.records.len() <= 5 && bytes <= 1 << 20, "{bytes}");
    assert!(
        shelf.records.iter().any(|r| r.uid == "big6"),
        "the newest stays"
    );
    let mut giant = record("giant", 99);
    giant.message = "x".repeat(2 << 20);
    let why = keep.save(giant).unwrap_err().to_string();
    assert!(why.contains("a quarter of max-mib"), "{why}");
    assert!(keep.load().unwrap().records.iter().any(|r| r.uid == "big6"));
}

#[test]
fn broken_files_are_told_skipped_and_kept_aside() {
    let folder = tempfile::tempdir().unwrap();
    let keep = keep(folder.path());
    assert_eq!(keep.load().unwrap(), Shelf::default(), "nothing there yet");
    keep.save(record("good", 1)).unwrap();
    fs::write(keep.folder().join("half.json"), b"{\"version\": 1, \"ui").unwrap();
    fs::write(keep.folder().join("odd.json"), b"[1, 2]").unwrap();
    fs::write(
        keep.folder().join("new.json"),
        b"{\"version\": 99, \"uid\": \"x\"}",
    )
    .unwrap();
    fs::write(keep.folder().join("binary.json"), [0xff; 300]).unwrap();
    let shelf = keep.load().unwrap();
    assert_eq!(
        (shelf.records.len(), shelf.problems.len()),
        (1, 4),
        "{:?}",
        shelf.problems
    );
    assert!(keep.folder().join("half.json.broken").exists());
    assert!(
        keep.folder().join("new.json").exists(),
        "a newer one is not ours to judge"
    );
    let again = keep.load().unwrap();
    assert_eq!((again.records.len(), again.problems.len()), (1, 1));
}

#[test]
fn where_nothing_can_be_written_it_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"x").unwrap();
    let keep = Keep::new(file.join("history"), Limits::default());
    let why = keep.save(record("a", 1)).unwrap_err().to_string();
    assert!(
        why.contains("cannot write") && why.contains("enabled = false"),
        "{why}"
    );
}

#[test]
fn many_at_once_leave_whole_records() {
    let folder = tempfile::tempdir().unwrap();
    let keep = keep(folder.path());
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let keep = &keep;
            scope.spawn(move || {
                for n in 0..20 {
                    let mut one = record(&format!("u{}", n % 4), n);
                    one.lines = vec![format!("line of {writer}"); 30];
                    keep.save(one).unwrap();
                    assert_eq!(keep.load().unwrap().problems, [""; 0]);
                }
            });
        }
    });
    let shelf = keep.load().unwrap();
    assert_eq!(shelf.records.len(), 4);
    let rest = fs::read_dir(keep.folder()).unwrap().flatten();
    assert!(
        rest.map(|e| e.file_name())
            .all(|n| !n.to_string_lossy().ends_with(".tmp"))
    );
}

proptest! {
    /// No string of a manifest survives that was put where a secret stands.
    #[test]
    fn environment_values_never_stay(
        value in "[ -~]{6,40}", name in "[A-Z]{3,8}", depth in 0usize..4, list in any::<bool>(),
    ) {
        let value = format!("leak{value}");
        let env = match list {
            true => json!([{"name": name, "value": value}]),
            false => json!({name: value}),
        };
        let mut object = json!({"env": env});
        for _ in 0..depth {
            object = json!({"spec": [object]});
        }
        let mut record = record("a", 1);
        record.set_manifest(&object);
        let text = serde_json::to_string(&record).unwrap();
        prop_assert!(!text.contains("leak"), "{}", text);
    }

    /// Whatever a log holds, what is kept is bounded and drives no terminal.
    #[test]
    fn lines_are_bounded_and_plain(lines in proptest::collection::vec(".{0,80}", 0..200)) {
        let mut record = record("a", 1);
        record.set_lines(lines.iter().map(String::as_str));
        prop_assert!(record.lines.len() <= LINES);
        for line in &record.lines {
            prop_assert!(line.chars().count() <= LINE && !line.chars().any(char::is_control));
        }
    }

    /// Merging knows the newest, in whatever order records come.
    #[test]
    fn merging_goes_by_time(times in proptest::collection::vec(0i64..50, 1..8)) {
        let all: Vec<Record> = times.iter().map(|t| Record { message: t.to_string(), ..record("a", *t) }).collect();
        let newest: i64 = times.iter().copied().max().unwrap_or(0);
        let merged = all.into_iter().reduce(Record::merge).map(|r| r.message);
        prop_assert_eq!(merged, Some(newest.to_string()));
    }
}
