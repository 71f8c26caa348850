//! What is written is read again, whatever happens to the file in between.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use flate2::read::MultiGzDecoder;

use super::Trouble;
use super::line::{Header, VERSION};
use super::player::{Moved, Player};
use super::scan::{Info, State};
use super::slim::slim;
use super::write::Writer;
use crate::cluster::kinds::entry;
use crate::cluster::report::{Report, SourceHealth};
use crate::cluster::wire::{self, Bare};
use crate::model::Model;
use crate::model::delta::{Change, Delta, Rows, SourceId};
use crate::model::health::Health;
use crate::model::ids::{ClusterId, Names, Uid};
use crate::model::want::{Kind, Selector};

fn start() -> DateTime<Utc> {
    crate::model::fixture::at(0)
}

fn at(millis: i64) -> DateTime<Utc> {
    start() + TimeDelta::milliseconds(millis)
}

fn header() -> Header {
    Header {
        recording: VERSION,
        jobdeck: "0.1.0".into(),
        context: "prod".into(),
        server: Some("v1.36.3".into()),
        namespace: None,
        start: start(),
    }
}

fn health(health: Health) -> Report {
    Report::Health(SourceHealth {
        cluster: ClusterId(0),
        source: SourceId(7),
        kind: Kind::Job,
        selector: Selector::All,
        namespace: None,
        health,
    })
}

fn change(bare: Bare) -> Report {
    Report::Delta(Delta {
        cluster: ClusterId(0),
        source: SourceId(7),
        rows: (entry(Kind::Job).batch.unwrap())().change(bare),
    })
}

fn uid(n: u32) -> String {
    format!("00000000-0000-0000-0000-{n:012}")
}

fn object(n: u32, active: u32) -> String {
    let failed = match active {
        9 => r#","conditions":[{"type":"Failed","status":"True","reason":"BackoffLimitExceeded"}]"#,
        _ => "",
    };
    format!(
        r#"{{"metadata":{{"name":"job-{n}","namespace":"ml","uid":"{}","managedFields":[{{"manager":"kubectl"}}]}},"spec":{{"parallelism":3,"template":{{"spec":{{"containers":[{{"name":"main","env":[{{"name":"PASSWORD","value":"hunter2"}}]}}]}}}}}},"status":{{"active":{active}{failed}}}}}"#,
        uid(n)
    )
}

fn raw(n: u32, active: u32) -> Report {
    Report::Raw {
        cluster: ClusterId(0),
        source: SourceId(7),
        objects: vec![object(n, active).into()],
    }
}

/// A list of two jobs, then a change a second for so long: job `n` counts up, every third is deleted again.
fn recorded(path: &Path, changes: u32) {
    let mut writer = Writer::new(std::fs::File::create(path).unwrap(), &header()).unwrap();
    let mut tell = |report: Report, millis| writer.report(&report, at(millis)).unwrap();
    tell(health(Health::Connecting), 0);
    tell(change(Bare::Restart), 10);
    tell(raw(1, 0), 20);
    tell(raw(2, 0), 20);
    tell(change(Bare::Synced), 30);
    tell(health(Health::Live), 30);
    for n in 0..changes {
        let millis = 1000 + i64::from(n) * 1000;
        match n % 3 {
            0 => tell(raw(3, n), millis),
            1 => tell(raw(1, n), millis),
            _ => tell(change(Bare::Gone(vec![Uid::parse(&uid(3))])), millis),
        }
    }
    writer.finish(at(1000 + i64::from(changes) * 1000)).unwrap();
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("incident");
    (folder, path)
}

fn jobs(model: &Model) -> Vec<(String, u32)> {
    let mut all: Vec<_> = model
        .jobs
        .rows()
        .map(|job| (job.name.to_string(), job.active))
        .collect();
    all.sort();
    all
}

/// The state at a time by going there from wherever the player is.
fn go(player: &mut Player, state: &mut State, t: u64) {
    match player.to(t).unwrap() {
        Moved::To(fresh) => *state = *fresh,
        Moved::On(reports) => reports.into_iter().for_each(|report| state.take(report)),
    }
}

fn open(path: &Path) -> (Info, Player) {
    Player::open(path).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn whichever_way_one_comes_to_a_time_it_is_the_same() {
    let (_folder, path) = folder();
    // enough for several parts and kept states
    recorded(&path, 9000);
    let (info, mut player) = open(&path);
    assert_eq!((info.header, info.skipped, info.cut), (header(), 0, None));
    assert_eq!(info.end, at(9_001_000));
    assert_eq!(*info.failures, [1000 + 9 * 1000]);
    let mut state = State::default();
    for t in [
        0, 25, 1000, 9_001_000, 4_500_000, 4_500_999, 3_000, 8_123_000, 8_122_000, 2_000,
    ] {
        go(&mut player, &mut state, t);
        let (_, mut other) = open(&path);
        let mut fresh = State::default();
        go(&mut other, &mut fresh, t);
        assert_eq!(jobs(&state.model), jobs(&fresh.model), "at {t}");
        // and as it was told
        let n = (t / 1000).saturating_sub(1);
        let last = |of: u64| (0..=n).rev().find(|n| n % 3 == of).filter(|_| t >= 1000);
        if let Some(last) = last(1) {
            assert_eq!(
                jobs(&state.model)[0],
                ("job-1".into(), last as u32),
                "at {t}"
            );
        }
    }
    go(&mut player, &mut state, 30);
    assert_eq!(
        jobs(&state.model),
        [("job-1".into(), 0), ("job-2".into(), 0)]
    );
    let live: Vec<_> = state.sources.values().map(|of| &of.health).collect();
    assert_eq!(live, [&Health::Live]);
}

#[test]
fn nothing_secret_and_nothing_useless_is_in_the_file() {
    let (_folder, path) = folder();
    recorded(&path, 3);
    let mut text = String::new();
    let file = std::fs::File::open(&path).unwrap();
    MultiGzDecoder::new(file).read_to_string(&mut text).unwrap();
    assert!(
        !text.contains("hunter2") && !text.contains("managedFields"),
        "{text}"
    );
    assert!(text.contains("\"name\":\"PASSWORD\""), "{text}");
    assert_eq!(slim("[]"), None);
    assert_eq!(slim("{"), None);
}

/// Each file that was cut somewhere tells what came before the cut, and says so.
#[test]
fn a_file_cut_anywhere_is_replayed_up_to_there() {
    let (_folder, path) = folder();
    recorded(&path, 60);
    let whole = std::fs::read(&path).unwrap();
    let mut seen = 0;
    for len in (0..whole.len()).step_by(7) {
        std::fs::write(&path, &whole[..len]).unwrap();
        match Player::open(&path) {
            Err(Trouble::None { why, .. }) => assert!(len < 400, "{len}: {why}"),
            Err(other) => panic!("{len}: {other}"),
            Ok((info, mut player)) => {
                let worries = info.worries().join(" ");
                assert!(worries.contains("not whole"), "{len}: {worries}");
                assert!(player.to(u64::MAX).is_ok());
                assert!(info.objects >= seen, "{len}: {} after {seen}", info.objects);
                seen = info.objects;
            }
        }
    }
    assert!(seen > 30, "{seen}");
}

#[test]
fn what_is_no_recording_is_named_with_its_line() {
    let (_folder, path) = folder();
    let good = serde_json::to_string(&header()).unwrap();
    let opened = r#"{"t":1,"s":1,"open":{"group":"batch","plural":"jobs"},"health":"live"}"#;
    let cases: &[(&str, &str)] = &[
        ("", "it is empty"),
        ("{}\n", "line 1: missing field `recording`"),
        ("hello\n", "line 1: "),
        ("{\"recording\":1", "cut off after line 0"),
        ("\u{1f}\u{8b}nonsense\n", "line 1"),
    ];
    for (text, why) in cases {
        std::fs::write(&path, text).unwrap();
        let told = Player::open(&path)
            .err()
            .map(|e| e.to_string())
            .unwrap_or_default();
        assert!(
            told.contains(why) && told.contains("is no recording"),
            "{text:?}: {told}"
        );
    }
    std::fs::write(&path, [0x1f, 0x8b, 8, 0, 1]).unwrap();
    assert!(matches!(Player::open(&path), Err(Trouble::None { .. })));
    std::fs::write(&path, good.replace(":1,", ":99,") + "\n").unwrap();
    let told = Player::open(&path).err().unwrap().to_string();
    assert!(
        told.contains("format of version 99") && told.contains("or newer"),
        "{told}"
    );

    // lines nothing can be made of are left out, the others are not
    let odd: &[(&str, &str)] = &[
        ("not json", "expected"),
        (r#"{"t":2,"s":9,"put":{}}"#, "watch 9 was not opened"),
        (
            r#"{"t":2,"s":3,"open":{"group":"x","plural":"widgets"}}"#,
            "widgets are not known here",
        ),
        (r#"{"t":99999999999999999,"s":1}"#, "out of reach"),
        (r#"{"t":-1}"#, "invalid value"),
        (r#"{"t":2,"s":1,"health":{"what":1}}"#, "unknown variant"),
    ];
    for (line, why) in odd {
        let text = format!(
            "{good}\n{opened}\n{line}\n{{\"t\":3,\"s\":1,\"put\":{}}}\n{{\"t\":4,\"end\":true}}\n",
            object(5, 1)
        );
        std::fs::write(&path, text).unwrap();
        let (info, mut player) = open(&path);
        let first = info.first_skipped.unwrap_or_default();
        assert!(
            first.starts_with("line 3: ") && first.contains(why),
            "{line}: {first}"
        );
        let mut state = State::default();
        go(&mut player, &mut state, 3);
        assert_eq!(jobs(&state.model), [("job-5".into(), 1)], "{line}");
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(
        lines in proptest::collection::vec("[\\{\\}\":,a-z0-9 \\[\\]]{0,30}|\\{\"t\":[0-9]{1,6},\"s\":1,\"(put|gone|is|health)\":(\\{\\}|\\[\"x\"\\]|\"synced\"|\"live\")\\}", 0..12),
        cut in 0usize..2000,
        packed: bool,
    ) {
        let (_folder, path) = folder();
        let opened = r#"{"t":1,"s":1,"open":{"group":"batch","plural":"jobs"}}"#;
        let text = format!("{}\n{opened}\n{}\n", serde_json::to_string(&header()).unwrap(), lines.join("\n"));
        let mut bytes = text.into_bytes();
        if packed {
            let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            out.write_all(&bytes).unwrap();
            bytes = out.finish().unwrap();
        }
        bytes.truncate(cut);
        std::fs::write(&path, bytes).unwrap();
        if let Ok((_, mut player)) = Player::open(&path) {
            proptest::prop_assert!(player.to(1_000_000).is_ok());
            proptest::prop_assert!(player.to(5).is_ok());
        }
    }
}

/// The decoder reads what was kept as it would have read what was sent.
#[test]
fn what_is_kept_makes_the_rows_that_were_sent() {
    let sent = object(1, 2);
    let kept = slim(&sent).unwrap();
    let rows = |text: &str| {
        let mut jobs = (entry(Kind::Job).batch.unwrap())();
        wire::raw::row(&mut *jobs, text, ClusterId(0), &mut Names::default())
    };
    assert!(matches!(rows(&sent), Rows::Jobs(Change::Rows(rows)) if rows.len() == 1));
    assert_eq!(rows(&sent), rows(&kept));
}
