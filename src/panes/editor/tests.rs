//! The editor as somebody uses it: typed keys in, frames out.

mod settings;

use std::sync::Arc;

use crossterm::event::KeyModifiers;
use serde_json::json;

use super::*;
use crate::actions::outcome::{Cause, Ended, Outcome};
use crate::actions::{Refusal, Step};
use crate::model::ids::{ClusterId, Uid};
use crate::model::want::{Kind, ObjectWant, Want};
use crate::panes::fixture;
use crate::panes::stage::{Stage, text as picture};

fn job() -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {
            "name": "train", "namespace": "ml", "uid": "0a", "resourceVersion": "7",
            "ownerReferences": [{"kind": "CronJob", "name": "nightly", "controller": true}],
            "labels": {"team": "vision", "controller-uid": "0a"},
        },
        "spec": {
            "completionMode": "Indexed", "completions": 4, "parallelism": 2, "backoffLimitPerIndex": 0,
            "selector": {"matchLabels": {"controller-uid": "0a"}},
            "template": {"spec": {"restartPolicy": "Never", "containers": [{
                "name": "main", "image": "registry.example.com/train:1",
                "command": ["python", "train.py"],
                "env": [{"name": "NOTE", "value": "größe 大きさ 👩‍🚀 of a name that is so long that no screen of eighty columns shows the end of it, not even this"}],
            }]}},
        },
        "status": {"failedIndexes": "1,3", "completedIndexes": "0,2", "conditions": [
            {"type": "Failed", "status": "True"}]},
    })
}

fn key() -> Key {
    Key {
        cluster: ClusterId(0),
        uid: Uid::parse("0a"),
    }
}

fn want() -> ObjectWant {
    ObjectWant {
        kind: Kind::Job,
        namespace: "ml".into(),
        name: "train".into(),
    }
}

/// An editor on the live job, drawn once and answered.
fn live(stage: &Stage) -> Editor {
    let from = From::Live {
        want: want(),
        workload: None,
        key: key(),
    };
    let mut editor = Editor::new(Start { id: 3, from });
    assert_eq!(editor.wants(&stage.cx()), []);
    stage.draw(&mut editor, 80, 20);
    assert_eq!(editor.wants(&stage.cx()), [Want::Object(want())]);
    let object = Ok(job());
    let arrival = crate::panes::Arrival::Object {
        want: &want(),
        object: &object,
    };
    editor.receive(&arrival, &stage.cx());
    assert_eq!(editor.wants(&stage.cx()), []);
    editor
}

fn of(text: &str) -> Editor {
    let from = From::Text {
        text: text.into(),
        title: "new".into(),
    };
    Editor::new(Start { id: 1, from })
}

fn press(editor: &mut Editor, stage: &Stage, keys: &str) {
    for c in keys.chars() {
        let code = match c {
            '⏎' => KeyCode::Enter,
            '↓' => KeyCode::Down,
            '⇲' => KeyCode::End,
            c => KeyCode::Char(c),
        };
        let reply = editor.typed(KeyEvent::new(code, KeyModifiers::NONE), &stage.cx());
        assert_eq!(reply, Reply::Done, "{c}");
    }
}

fn found(editor: &Editor, problems: Vec<Problem>, unknown: usize) -> Told {
    Told::Found(Found {
        version: editor.buffer.version(),
        problems,
        unknown,
        objects: 1,
        ..Found::default()
    })
}

/// What was asked by a key.
fn asked(reply: Reply) -> Ask {
    match reply {
        Reply::Run(Command::Editor(ask)) => ask,
        other => panic!("{other:?}"),
    }
}

fn refused(stage: &Stage, editor: &mut Editor, dry: bool, cause: Cause, why: &str) {
    stage.act(editor, Action::Create);
    let object = Object {
        kind: Kind::Job,
        namespace: "ml".into(),
        name: "train-r2".into(),
        key: None,
    };
    let step = Step::create(object, Arc::new(Value::Null));
    let outcome = Outcome::new(step, Ended::Not(cause, Refusal::new(why)));
    let told = Told::Answered {
        dry,
        outcomes: vec![outcome],
    };
    editor.hear(&told, &stage.cx());
}

#[test]
fn a_live_job_is_fetched_cleaned_and_opened_under_a_fresh_name() {
    let stage = Stage::new(fixture::model());
    let mut editor = live(&stage);
    let text = editor.buffer.text();
    assert!(text.contains("name: train-r2\n"), "{text}");
    for gone in [
        "uid",
        "resourceVersion",
        "status",
        "selector",
        "ownerReferences",
    ] {
        assert!(!text.contains(gone), "{gone} in\n{text}");
    }
    assert!(!editor.is_changed(), "nothing of the user's is in it yet");
    let looked = found(&editor, Vec::new(), 0);
    editor.hear(&looked, &stage.cx());
    insta::assert_snapshot!(stage.draw(&mut editor, 80, 20));
    insta::assert_snapshot!(stage.draw(&mut editor, 120, 36));
}

#[test]
fn what_is_gone_or_another_by_now_is_said() {
    let stage = Stage::new(fixture::model());
    for (object, said) in [
        (Err("jobs train is gone".to_owned()), "train is gone"),
        (
            Ok(json!({"metadata": {"uid": "ff"}})),
            "another object has its name",
        ),
        (
            Ok(json!({"metadata": {"uid": "0a"}})),
            "its manifest is not known",
        ),
    ] {
        let from = From::Live {
            want: want(),
            workload: None,
            key: key(),
        };
        let mut editor = Editor::new(Start { id: 1, from });
        stage.draw(&mut editor, 80, 20);
        let arrival = crate::panes::Arrival::Object {
            want: &want(),
            object: &object,
        };
        editor.receive(&arrival, &stage.cx());
        let drawn = stage.draw(&mut editor, 80, 20);
        assert!(drawn.contains(said), "{drawn}");
        assert_eq!(
            asked(stage.act(&mut editor, Action::Close)),
            Ask::Leave { id: 1, keep: false }
        );
    }
}

#[test]
fn it_is_looked_at_when_typing_rests_and_late_answers_are_about_another_text() {
    let mut stage = Stage::new(fixture::model());
    let mut editor = of("kind: Job\n");
    stage.draw(&mut editor, 80, 10);
    let cx = stage.cx();
    assert!(matches!(
        editor.due(&cx),
        Some(Ask::Look { version: 0, .. })
    ));
    let old = found(&editor, vec![Problem::error(Some(0), "old")], 0);
    press(&mut editor, &stage, "x");
    assert_eq!(editor.due(&stage.cx()), None, "it is being typed");
    assert_eq!(editor.wake(&stage.cx()), Some(fixture::now() + REST));
    editor.hear(&old, &stage.cx());
    assert_eq!((editor.state(), editor.problems.len()), (State::Typing, 0));
    stage.session.home = "ml".into();
    let cx = Cx {
        now: fixture::now() + REST,
        ..stage.cx()
    };
    assert!(matches!(
        editor.due(&cx),
        Some(Ask::Look { version: 1, .. })
    ));
    let looked = found(
        &editor,
        vec![Problem::warning(Some(0), "batch/v1 Job has no field x")],
        2,
    );
    editor.hear(&looked, &cx);
    assert!(stage.draw(&mut editor, 80, 10).contains("2 unknown fields"));
}

#[test]
fn refusals_stand_at_their_line_and_the_text_stays() {
    let stage = Stage::new(fixture::model());
    for (dry, cause, why, line, said) in [
        (
            true,
            Cause::Denied,
            "422: Job.batch \"train-r2\" is invalid: spec.template.spec.containers[0].image: Required value",
            "image: registry",
            "Required value",
        ),
        (
            true,
            Cause::Conflict,
            "there is a job/train-r2 in ml already",
            "name: train-r2",
            "already",
        ),
        (
            false,
            Cause::Denied,
            "403: exceeded quota: gpus, requested: nvidia.com/gpu=8",
            "",
            "exceeded quota",
        ),
        (
            true,
            Cause::Denied,
            "400: admission webhook \"x\" denied the request: spec.parallelism must be 1",
            "parallelism: 2",
            "denied the request",
        ),
        (
            true,
            Cause::Forbidden,
            "forbidden: needs create jobs.batch",
            "namespace: ml",
            "needs create",
        ),
        (
            false,
            Cause::Unreachable,
            "the connection was lost (reset), and the server has not done it",
            "",
            "was lost",
        ),
    ] {
        let mut editor = live(&stage);
        press(&mut editor, &stage, "# mine⏎");
        let text = editor.buffer.text();
        refused(&stage, &mut editor, dry, cause, why);
        assert_eq!(editor.buffer.text(), text, "{why}");
        assert_eq!(editor.state(), State::Refused);
        let problem = &editor.problems[0];
        let at = problem.line.map_or("", |n| &editor.buffer.lines()[n]);
        assert!(
            at.contains(line) && at.is_empty() == line.is_empty(),
            "{why}: {at}"
        );
        let drawn = stage.draw(&mut editor, 120, 36);
        assert!(drawn.contains(said), "{drawn}");
        assert!(!drawn.contains("would accept"), "{drawn}");
        // and it can be sent again
        assert!(matches!(
            asked(stage.act(&mut editor, Action::Create)),
            Ask::Send { .. }
        ));
    }
}

#[test]
fn a_refusal_on_a_screen() {
    let stage = Stage::new(fixture::model());
    let mut editor = live(&stage);
    refused(
        &stage,
        &mut editor,
        true,
        Cause::Denied,
        "422: Job.batch \"train-r2\" is invalid: [spec.completions: Invalid value: 4: field is immutable, spec.template.spec.containers[0].image: Required value]",
    );
    insta::assert_snapshot!(stage.draw(&mut editor, 80, 20));
    stage.act(&mut editor, Action::NextProblem);
    assert!(
        stage
            .draw(&mut editor, 80, 20)
            .contains("containers[0].image: Required value")
    );
}

#[test]
fn sending_asks_first_and_says_what_the_server_would_do() {
    let stage = Stage::new(fixture::model());
    let mut editor = live(&stage);
    match asked(stage.act(&mut editor, Action::DryRun)) {
        Ask::Send {
            only: true,
            unchecked: false,
            text,
            made,
            ..
        } => {
            assert_eq!(text, editor.buffer.text());
            assert_eq!(made, []);
        }
        other => panic!("{other:?}"),
    }
    assert!(
        stage
            .draw(&mut editor, 80, 20)
            .contains("asking the server")
    );
    // twice is once
    assert!(matches!(
        stage.act(&mut editor, Action::Create),
        Reply::Say(..)
    ));
    let told = Told::Answered {
        dry: true,
        outcomes: Vec::new(),
    };
    editor.hear(&told, &stage.cx());
    let drawn = stage.draw(&mut editor, 80, 20);
    assert!(
        drawn.contains("server would accept it (dry-run)"),
        "{drawn}"
    );
    press(&mut editor, &stage, "# x");
    assert!(
        !stage.draw(&mut editor, 80, 20).contains("would accept"),
        "it is another text"
    );
    // a webhook that knows no dry run: the next time it is sent without
    refused(
        &stage,
        &mut editor,
        true,
        Cause::Denied,
        "400: admission webhook \"x\" does not support dry run",
    );
    let ask = asked(stage.act(&mut editor, Action::Create));
    assert!(
        matches!(
            ask,
            Ask::Send {
                unchecked: true,
                ..
            }
        ),
        "{ask:?}"
    );
}

#[test]
fn of_several_objects_those_that_were_made_are_not_made_again() {
    let stage = Stage::new(fixture::model());
    let mut editor = of("kind: Job\n---\nkind: Job\n");
    stage.act(&mut editor, Action::Create);
    let object = |name: &str| Object {
        kind: Kind::Job,
        namespace: "ml".into(),
        name: name.into(),
        key: None,
    };
    let mut first = Outcome::new(Step::create(object("a"), Arc::default()), Ended::Done);
    first.made = Some(object("a"));
    let refusal = Refusal::new("403: exceeded quota");
    let second = Outcome::new(
        Step::create(object("b"), Arc::default()),
        Ended::Not(Cause::Denied, refusal),
    );
    let told = Told::Answered {
        dry: false,
        outcomes: vec![first, second],
    };
    editor.hear(&told, &stage.cx());
    match asked(stage.act(&mut editor, Action::Create)) {
        Ask::Send { made, .. } => assert_eq!(made, [object("a")]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn masked_values_have_to_be_filled_in() {
    let stage = Stage::new(fixture::model());
    let mut manifest = job();
    manifest["spec"]["template"]["spec"]["containers"][0]["env"][0] =
        json!({"name": "API_TOKEN", "value": crate::actions::secrets::MASK});
    let from = From::Kept {
        manifest: Arc::new(manifest),
        notes: vec!["one value is not kept: fill it in".into()],
        words: "job/train".into(),
        failed: "1,3".into(),
    };
    let mut editor = Editor::new(Start { id: 1, from });
    stage.draw(&mut editor, 80, 20);
    assert_eq!(stage.act(&mut editor, Action::Create), Reply::Done);
    let drawn = stage.draw(&mut editor, 80, 24);
    assert!(drawn.contains("this value was not kept"), "{drawn}");
    let line = editor.buffer.cursor().0;
    editor.buffer.go(line, 0);
    let mut at = editor.buffer.lines()[line].clone();
    at.truncate(at.find(": ").unwrap());
    let text = editor.buffer.lines().join("\n");
    let old = editor.buffer.lines()[line].clone();
    let text = text.replace(&old, &format!("{at}: secret"));
    editor.hear(&Told::Back(text), &stage.cx());
    assert!(matches!(
        asked(stage.act(&mut editor, Action::Create)),
        Ask::Send { .. }
    ));
}

#[test]
fn the_difference_is_a_view_of_its_own() {
    let stage = Stage::new(fixture::model());
    let mut editor = live(&stage);
    let change = options::Change::Pods("4".parse().unwrap());
    assert_eq!(editor.change(&change, &stage.cx()), Reply::Done);
    stage.act(&mut editor, Action::Diff);
    insta::assert_snapshot!(stage.draw(&mut editor, 80, 20));
    // letters do not get into the text from here
    let reply = editor.typed(KeyCode::Char('x').into(), &stage.cx());
    assert!(matches!(reply, Reply::Say(..)));
    assert_eq!(
        stage.act(&mut editor, Action::Close),
        Reply::Done,
        "back to the text"
    );
    assert!(editor.buffer.text().contains("parallelism: 4"));
}

#[test]
fn closing_a_changed_text_asks_and_what_was_written_is_kept() {
    let stage = Stage::new(fixture::model());
    let mut editor = live(&stage);
    assert_eq!(editor.unsent(&stage.cx()), None);
    let leave = Ask::Leave { id: 3, keep: false };
    assert_eq!(asked(stage.act(&mut editor, Action::Close)), leave);
    press(&mut editor, &stage, "# mine⏎");
    assert_eq!(asked(stage.act(&mut editor, Action::Close)), Ask::Close);
    assert_eq!(asked(editor.interrupt(&stage.cx())), Ask::Close);
    let unsent = editor.unsent(&stage.cx()).unwrap();
    assert_eq!(unsent.title, "resubmit job/train");
    // and it opens as it was, compared with the same
    let again = Editor::new(Start {
        id: 9,
        from: From::Unsent(unsent.clone()),
    });
    assert_eq!(again.buffer.text(), unsent.text);
    assert_eq!(again.original, editor.original);
    assert_eq!(again.unsent(&stage.cx()).unwrap().id, unsent.id);
    let mut close = close::Close::new(3, "resubmit job/train".into());
    insta::assert_snapshot!(stage.draw(&mut close, 80, 12));
    assert_eq!(
        stage.act(&mut close, Action::Open),
        Reply::Run(Command::Close)
    );
    stage.act(&mut close, Action::Right);
    let kept = Ask::Leave { id: 3, keep: true };
    assert_eq!(asked(stage.act(&mut close, Action::Open)), kept);
}

#[test]
fn a_selection_is_copied_and_given_up_before_anything_is_closed() {
    let stage = Stage::new(fixture::model());
    let mut editor = of("kind: Job\n");
    let right = KeyEvent::new(KeyCode::Right, KeyModifiers::SHIFT);
    for _ in 0..4 {
        editor.typed(right, &stage.cx());
    }
    let copied = editor.interrupt(&stage.cx());
    assert!(matches!(copied, Reply::Copy { text, .. } if text == "kind"));
    assert_eq!(stage.act(&mut editor, Action::Close), Reply::Done);
    assert_eq!(editor.buffer.selection(), None);
    assert_eq!(editor.interrupt(&stage.cx()), Reply::Ignored);
}

#[test]
fn searching_goes_from_hit_to_hit() {
    let stage = Stage::new(fixture::model());
    let mut editor = live(&stage);
    stage.type_in(&mut editor, "name:");
    let first = editor.buffer.cursor();
    assert!(editor.buffer.lines()[first.0].contains("name:"));
    stage.act(&mut editor, Action::SearchNext);
    let second = editor.buffer.cursor();
    assert!(second > first);
    stage.act(&mut editor, Action::SearchPrevious);
    assert_eq!(editor.buffer.cursor(), first);
    editor.set_filter("nowhere", &stage.cx()).unwrap();
    assert_eq!(editor.buffer.cursor(), first, "the cursor stays");
}

#[test]
fn long_lines_scroll_with_the_cursor_and_wide_signs_stay_whole() {
    let stage = Stage::new(fixture::model());
    let mut editor = live(&stage);
    let line = editor
        .buffer
        .lines()
        .iter()
        .position(|l| l.contains("größe"))
        .unwrap();
    editor.buffer.go(line, 0);
    editor.follow = true;
    let drawn = stage.draw(&mut editor, 60, 14);
    assert!(
        drawn.contains("größe 大きさ 👩") && drawn.contains('›'),
        "{drawn}"
    );
    press(&mut editor, &stage, "⇲");
    insta::assert_snapshot!(stage.draw(&mut editor, 60, 14));
    let at = editor.cursor().unwrap();
    assert!(at.x < 58, "{at:?}");
}

#[test]
fn in_the_light_and_without_colour() {
    let mut stage = Stage::new(fixture::model());
    let mut dark = live(&stage);
    let dark_text = stage.draw(&mut dark, 80, 20);
    let themes = crate::ui::theme::Themes::default();
    let glyphs = crate::ui::Glyphs::Unicode;
    stage.theme = themes
        .load("jobdeck-light", crate::ui::Depth::True, glyphs)
        .unwrap();
    let mut editor = live(&stage);
    assert_eq!(stage.draw(&mut editor, 80, 20), dark_text, "colour only");
    let buf = stage.buffer(&mut editor, 80, 20);
    let key = (0..80).find(|x| buf[(*x, 3)].symbol() == "k").unwrap();
    assert_eq!(
        Some(buf[(key, 3)].fg),
        stage.theme.accent().fg,
        "{}",
        picture(&buf)
    );
    stage.glyphs = crate::ui::Glyphs::Ascii;
    stage.act(&mut editor, Action::Diff);
    let drawn = stage.draw(&mut editor, 80, 20);
    assert!(
        drawn.contains("+   name: train-r2") && drawn.contains("-   name: train\n"),
        "{drawn}"
    );
}
