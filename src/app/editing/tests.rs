mod kinds;

use crossterm::event::{Event, KeyCode, KeyModifiers};
use serde_json::json;

use super::super::fixture::{app, draw, rows};
use super::super::message::Message;
use super::*;
use crate::actions::Step;
use crate::actions::outcome::Cause;
use crate::cluster::report::Report;
use crate::model::delta::{Change as Changed, Rows};
use crate::model::fixture::{at, job};
use crate::model::ids::{ClusterId, Uid};
use crate::settings::Settings;

fn said(app: &App) -> String {
    let all = app.desk.notices.all().last();
    all.map(|n| n.text.clone()).unwrap_or_default()
}

fn press(app: &mut App, code: KeyCode, modifiers: KeyModifiers) {
    app.input(&Event::Key(KeyEvent::new(code, modifiers)), at(1));
}

fn control(app: &mut App, c: char) {
    press(app, KeyCode::Char(c), KeyModifiers::CONTROL);
}

fn letters(app: &mut App, text: &str) {
    for c in text.chars() {
        press(app, KeyCode::Char(c), KeyModifiers::NONE);
    }
}

fn effects(app: &mut App) -> Vec<Effect> {
    let all = app.take_effects(at(1)).into_iter();
    all.filter(|e| !matches!(e, Effect::Wants { .. })).collect()
}

const TEXT: &str =
    "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: new\n  namespace: ml\nspec: {}\n";

/// An app with a text open.
fn writing(text: &str) -> App {
    let mut app = app(Settings::default(), false);
    app.edit(From::Text {
        text: text.into(),
        title: "new".into(),
    });
    draw(&mut app);
    effects(&mut app);
    app
}

fn answer(app: &mut App, dry: bool, ended: Ended) {
    let id = app.editors;
    let steps = manifests::steps(TEXT, &[], "ml").unwrap();
    let mut outcome = Outcome::new(steps[0].clone(), ended);
    if outcome.ended == Ended::Done {
        outcome.made = Some(outcome.step.object.clone());
        let message = Message::Written {
            connection: app.connection,
            outcome: Box::new(outcome.clone()),
        };
        app.receive(message, at(2));
    }
    let message = Message::Submitted {
        connection: app.connection,
        id,
        dry,
        outcomes: vec![outcome],
    };
    app.receive(message, at(2));
}

fn text(app: &mut App) -> String {
    let id = app.editors;
    let cx = app.desk.cx(at(1), true);
    let editor = app.screens.editor(id).unwrap();
    editor.unsent(&cx).map(|u| u.text).unwrap_or_default()
}

#[test]
fn all_printable_keys_are_text_and_the_others_are_the_editors() {
    let mut app = writing("");
    letters(&mut app, "q?:/1n0 rN");
    assert_eq!(text(&mut app), "q?:/1n0 rN\n");
    assert!(!app.done && app.overlay.is_none() && app.prompt.is_none());
    // pasted text is text, whatever is in it
    app.input(&Event::Paste("\u{1b}[Aa:\r\n  b\u{3}".into()), at(1));
    assert_eq!(text(&mut app), "q?:/1n0 rN[Aa:\n  b\n");
    control(&mut app, 'z');
    assert_eq!(text(&mut app), "q?:/1n0 rN\n");
    // a line that is being typed has its keys to itself
    control(&mut app, 'f');
    assert!(app.prompt.is_some());
    letters(&mut app, "0");
    press(&mut app, KeyCode::Enter, KeyModifiers::NONE);
    assert!(app.prompt.is_none());
    assert_eq!(text(&mut app), "q?:/1n0 rN\n");
    press(&mut app, KeyCode::F(1), KeyModifiers::NONE);
    let help = draw(&mut app);
    assert!(
        help.contains("in the editor") && !help.contains("quit jobdeck"),
        "{help}"
    );
}

#[test]
fn a_chord_of_several_keys_types_nothing() {
    let mut app = writing("");
    let keymap =
        crate::ui::keymap::from_text::<Action>("mine", "name = \"mine\"\ninherits = \"emacs\"\n");
    app.desk.look.keymap = keymap.unwrap();
    control(&mut app, 'x');
    letters(&mut app, "z");
    letters(&mut app, "a");
    assert_eq!(
        text(&mut app),
        "a\n",
        "what was begun and given up is no text"
    );
    control(&mut app, 'x');
    control(&mut app, 's');
    assert!(draw(&mut app).contains("not sent"), "{}", draw(&mut app));
}

#[test]
fn it_is_checked_first_then_made_and_its_row_is_selected() {
    let mut app = writing(TEXT);
    control(&mut app, 's');
    match &effects(&mut app)[..] {
        [
            Effect::Submit {
                steps,
                only: false,
                unchecked: false,
                ..
            },
        ] => {
            assert_eq!(steps[0].object.words(), "job/new");
            assert_eq!(steps[0].intent, Intent::Create);
        }
        other => panic!("{other:?}"),
    }
    assert!(draw(&mut app).contains("asking the server"));
    answer(&mut app, true, Ended::DryRun);
    assert!(draw(&mut app).contains("creating"));
    answer(&mut app, false, Ended::Done);
    assert!(!app.edits(), "its work is done");
    assert!(
        said(&app).contains("created job/new in ml"),
        "{}",
        said(&app)
    );
    assert!(!said(&app).contains("do not come back"), "{}", said(&app));
    let screen = draw(&mut app);
    assert!(
        screen.contains("job/new: created, not seen yet"),
        "{screen}"
    );
    // its row comes, and is under the cursor
    let mut new = job(9, "new");
    new.namespace = "ml".into();
    rows(&mut app, Rows::Jobs(Changed::Rows(vec![new])));
    let screen = draw(&mut app);
    assert!(!screen.contains("not seen yet"), "{screen}");
    let keys = app.screens.top().subjects(&app.desk.cx(at(1), true));
    assert_eq!(
        app.desk.model.jobs.get(keys[0]).map(|j| &*j.name),
        Some("new")
    );
}

#[test]
fn a_refusal_keeps_the_text_and_nothing_is_sent_again_by_itself() {
    for (dry, ended) in [
        (
            true,
            Ended::Not(Cause::Denied, Refusal::new("422: spec.x: Invalid")),
        ),
        (
            true,
            Ended::Not(Cause::Conflict, Refusal::new("there is a job/new already")),
        ),
        (
            false,
            Ended::Not(Cause::Denied, Refusal::new("403: exceeded quota")),
        ),
        (
            false,
            Ended::Unknown {
                lost: "reset".into(),
                look: "look for it".into(),
            },
        ),
    ] {
        let mut app = writing(TEXT);
        press(&mut app, KeyCode::End, KeyModifiers::NONE);
        letters(&mut app, " # mine");
        control(&mut app, 's');
        effects(&mut app);
        answer(&mut app, dry, ended);
        assert!(text(&mut app).starts_with("apiVersion: batch/v1 # mine\n"));
        assert!(draw(&mut app).contains("not sent"));
        let again = effects(&mut app);
        assert!(
            !again.iter().any(|e| matches!(e, Effect::Submit { .. })),
            "{again:?}"
        );
    }
}

#[test]
fn what_cannot_be_sent_is_said_at_its_line_and_asks_no_server() {
    for (text, said) in [
        ("", "no object"),
        ("kind: [", "line 1"),
        ("metadata: {name: a}\n", "they are missing"),
        (
            "apiVersion: batch/v1\nkind: Job\nmetadata: {}\n",
            "it has no name",
        ),
    ] {
        let mut app = writing(text);
        control(&mut app, 's');
        let asked = effects(&mut app);
        assert!(
            !asked.iter().any(|e| matches!(e, Effect::Submit { .. })),
            "{asked:?}"
        );
        let screen = draw(&mut app);
        assert!(screen.contains(said), "{said}\n{screen}");
    }
}

#[test]
fn a_missing_right_is_grey_and_refused_before_anything_is_asked() {
    let mut app = app(Settings::default(), false);
    let key = app.screens.top().subjects(&app.desk.cx(at(1), true))[0];
    let question = app.creates(key).unwrap();
    assert_eq!(question.words(), "create jobs.batch");
    app.desk.session.permits.insert(question.clone(), false);
    let denied = app.denied(Action::Resubmit, &[key]);
    assert_eq!(denied.as_deref(), Some("needs create jobs.batch"));
    app.act(Action::Resubmit, at(1));
    assert!(!app.edits());
    assert!(
        said(&app).contains("needs create jobs.batch"),
        "{}",
        said(&app)
    );
    // and in an editor that is open already
    let namespace = question.namespace.clone().unwrap();
    let text = TEXT.replace("namespace: ml", &format!("namespace: {namespace}"));
    app.edit(From::Text {
        text: text.clone(),
        title: "new".into(),
    });
    control(&mut app, 's');
    let asked = effects(&mut app);
    assert!(
        !asked.iter().any(|e| matches!(e, Effect::Submit { .. })),
        "{asked:?}"
    );
    assert!(draw(&mut app).contains("forbidden, needs create jobs.batch"));
    let id = app.editors;
    let found = Found {
        needs: vec![question],
        ..Found::default()
    };
    letters(&mut app, " ");
    let cx = app.desk.cx(at(1), true);
    let mut found = found;
    if let Some(Ask::Look { version, .. }) = app
        .screens
        .editor(id)
        .and_then(|e| e.due(&crate::panes::Cx { now: at(9), ..cx }))
    {
        found.version = version;
    }
    app.found(id, &found, at(9));
    let denied = app.denied(Action::Create, &[]);
    assert_eq!(denied.as_deref(), Some("needs create jobs.batch"));
}

#[test]
fn a_live_job_is_fetched_anew_with_its_workload() {
    let mut app = app(Settings::default(), false);
    app.act(Action::Resubmit, at(1));
    assert!(app.edits());
    let objects = |app: &mut App| -> usize {
        let all = app.take_effects(at(1)).into_iter();
        all.filter_map(|e| match e {
            Effect::Wants { wants, .. } => Some(wants),
            _ => None,
        })
        .flatten()
        .filter(|w| matches!(w, crate::model::want::Want::Object(_)))
        .count()
    };
    assert_eq!(
        objects(&mut app),
        0,
        "an older answer is not taken for a new one"
    );
    draw(&mut app);
    assert_eq!(objects(&mut app), 1);
    let key = match &app.screens.top().editor().unwrap().old() {
        Some(key) => *key,
        None => panic!("it is made from something"),
    };
    let row = app.desk.model.jobs.get(key).unwrap().clone();
    let want = ObjectWant {
        kind: Kind::Job,
        namespace: row.namespace.clone(),
        name: row.name.clone(),
    };
    let object = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": &*row.name, "namespace":
        &*row.namespace}, "spec": {"parallelism": 1}});
    let report = Report::Object {
        cluster: ClusterId(0),
        want,
        object: Ok(object),
    };
    let message = Message::From {
        connection: app.connection,
        report,
        said: Vec::new(),
        failed: Vec::new(),
    };
    app.receive(message, at(2));
    let screen = draw(&mut app);
    assert!(
        screen.contains(&format!("name: {}-r2", row.name)),
        "{screen}"
    );
    // and the old one is asked about only where that was wanted
    let change = Change::DeleteOld(true);
    app.change(&change, at(2));
    control(&mut app, 's');
    let steps: Vec<Step> = effects(&mut app)
        .into_iter()
        .filter_map(|e| match e {
            Effect::Submit { steps, .. } => Some(steps),
            _ => None,
        })
        .flatten()
        .collect();
    let mut outcome = Outcome::new(steps[0].clone(), Ended::Done);
    outcome.made = Some(steps[0].object.clone());
    let message = Message::Submitted {
        connection: app.connection,
        id: app.editors,
        dry: false,
        outcomes: vec![outcome],
    };
    app.receive(message, at(3));
    let screen = draw(&mut app);
    assert!(
        screen.contains("[ Cancel ]") && screen.contains(&*row.name),
        "{screen}"
    );
}

#[test]
fn what_was_written_is_kept_whatever_closes_it() {
    // closed, and kept
    let mut app = writing(TEXT);
    letters(&mut app, "# mine");
    press(&mut app, KeyCode::Esc, KeyModifiers::NONE);
    assert!(draw(&mut app).contains("It was changed and not sent."));
    app.act(Action::Right, at(1));
    app.act(Action::Open, at(1));
    assert!(!app.edits());
    assert!(app.desk.session.unsent[0].text.starts_with("# mine"));
    let kept = effects(&mut app);
    assert!(
        kept.iter().any(|e| matches!(e, Effect::KeepUnsent(_))),
        "{kept:?}"
    );
    // it is in the list, and opens as it was
    app.act(Action::Submit, at(2));
    letters(&mut app, "submit new");
    assert!(draw(&mut app).contains("not sent, "), "{}", draw(&mut app));
    press(&mut app, KeyCode::Enter, KeyModifiers::NONE);
    assert!(app.edits() && draw(&mut app).contains("# mine"));
    // another namespace takes all screens away
    app.switch_namespace(Some("other"), at(3));
    assert!(!app.edits());
    assert!(app.desk.session.unsent[0].text.starts_with("# mine"));

    // ctrl-c asks once
    let mut app = writing(TEXT);
    letters(&mut app, "# c");
    control(&mut app, 'c');
    assert!(!app.done && app.overlay.is_some());
    control(&mut app, 'c');
    assert!(app.done);
    assert!(app.desk.session.unsent[0].text.starts_with("# c"));

    // thrown away, because that was said
    let mut app = writing(TEXT);
    letters(&mut app, "# no");
    press(&mut app, KeyCode::Esc, KeyModifiers::NONE);
    app.act(Action::Right, at(1));
    app.act(Action::Right, at(1));
    app.act(Action::Open, at(1));
    assert!(!app.edits() && app.desk.session.unsent.is_empty());

    // another cluster
    let mut app = writing(TEXT);
    letters(&mut app, "# far");
    app.connect(&[]);
    assert!(app.desk.session.unsent[0].text.starts_with("# far"));
}

#[test]
fn records_entries_of_the_trash_and_files_are_opened_too() {
    let mut app = app(Settings::default(), false);
    let record = crate::history::Record {
        uid: "0000-1".into(),
        kind: "Job".into(),
        namespace: "ml".into(),
        name: "old".into(),
        ..Default::default()
    };
    app.desk.session.history.read = true;
    app.desk.session.history.put(record.clone());
    app.open(&Target::Kept("0000-1".into()));
    app.act(Action::Resubmit, at(1));
    assert!(said(&app).contains("is not known"), "{}", said(&app));
    let mut record = record;
    record.set_manifest(&json!({"apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": "old", "namespace": "ml"}, "spec": {"parallelism": 2}}));
    app.desk.session.history.put(record);
    app.act(Action::Resubmit, at(1));
    let screen = draw(&mut app);
    assert!(screen.contains("name: old-r2"), "{screen}");

    app.trash = vec![crate::keep::trash::Entry {
        id: "e1".into(),
        time: at(0),
        context: "prod".into(),
        server: String::new(),
        kind: "job".into(),
        namespace: "ml".into(),
        name: "gone".into(),
        uid: Uid(3).to_string(),
        manifest: json!({"apiVersion": "batch/v1", "kind": "Job",
            "metadata": {"name": "gone", "namespace": "ml"}, "spec": {"parallelism": 3}}),
        masked: Vec::new(),
        notes: vec!["it no longer belongs to CronJob x".into()],
        undone: None,
    }];
    let entries = app.trash.clone();
    app.trash(Default::default(), entries);
    press(&mut app, KeyCode::Tab, KeyModifiers::NONE);
    let screen = draw(&mut app);
    assert!(
        screen.contains("name: gone-r2") && screen.contains("CronJob x"),
        "{screen}"
    );
    press(&mut app, KeyCode::Esc, KeyModifiers::NONE);

    app.act(Action::Submit, at(1));
    letters(&mut app, "./x.yaml");
    press(&mut app, KeyCode::Enter, KeyModifiers::NONE);
    let asked = effects(&mut app);
    assert!(
        asked.contains(&Effect::ReadFile("./x.yaml".into())),
        "{asked:?}"
    );
    app.file_read("./x.yaml", Err("it is no text".into()), at(2));
    assert!(
        said(&app).contains("cannot read ./x.yaml"),
        "{}",
        said(&app)
    );
    app.file_read("./x.yaml", Ok(TEXT.into()), at(2));
    assert!(draw(&mut app).contains("submit ./x.yaml"));
    // the user's own editor
    control(&mut app, 'o');
    let id = app.editors;
    let asked = effects(&mut app);
    let text = Effect::External {
        id,
        text: TEXT.into(),
    };
    assert!(asked.contains(&text), "{asked:?}");
    app.edited(id, Ok(TEXT.replace("new", "newer")), at(3));
    assert!(draw(&mut app).contains("name: newer"));
    app.edited(id, Err("cannot run ‘x’".into()), at(3));
    assert!(draw(&mut app).contains("name: newer"));
}

#[test]
fn templates_begin_in_the_namespace_that_is_looked_at() {
    let mut app = app(Settings::default(), false);
    app.desk.session.namespace = Some("ml-team-a".into());
    app.act(Action::Submit, at(1));
    assert!(draw(&mut app).contains("pytorchjob"));
    letters(&mut app, "pytorchjob");
    press(&mut app, KeyCode::Enter, KeyModifiers::NONE);
    let screen = draw(&mut app);
    assert!(screen.contains("namespace: ml-team-a"), "{screen}");
    let steps = |text: &str| manifests::steps(text, &[], "x");
    for template in crate::actions::templates::all(Vec::new()) {
        let text = crate::panes::editor::read::begun(&template.text, &app.desk.cx(at(1), true));
        let steps = steps(&text).unwrap_or_else(|e| panic!("{}: {e:?}", template.name));
        assert!(steps.iter().all(|s| &*s.object.namespace == "ml-team-a"));
    }
}
