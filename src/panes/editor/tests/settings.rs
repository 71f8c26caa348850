//! What is changed in one step.

use super::*;

#[test]
fn only_the_failed_indexes_is_a_step_that_undo_takes_back() {
    let stage = Stage::new(fixture::model());
    let mut editor = live(&stage);
    let before = editor.buffer.text();
    let mut options = editor.options(&stage.cx());
    insta::assert_snapshot!(stage.draw(&mut options, 80, 16));
    // the first of the list; its value is there already
    let reply = stage.act(&mut options, Action::Open);
    assert!(
        matches!(&reply, Reply::Prompt { text, .. } if text == "1,3"),
        "{reply:?}"
    );
    let change = match stage.act(&mut options, Action::Open) {
        Reply::Run(Command::Change(change)) => change,
        other => panic!("{other:?}"),
    };
    assert_eq!(editor.change(&change, &stage.cx()), Reply::Done);
    let text = editor.buffer.text();
    assert!(
        text.contains("completions: 2") && text.contains("index-map"),
        "{text}"
    );
    assert!(editor.notes.len() > 1, "how its programs know them is said");
    assert!(
        stage
            .draw(&mut editor, 100, 30)
            .contains("JOB_COMPLETION_INDEX")
    );
    stage.act(&mut editor, Action::EditUndo);
    assert_eq!(editor.buffer.text(), before);
}

#[test]
fn options_keep_comments_and_the_cursor() {
    let stage = Stage::new(fixture::model());
    let mut editor = live(&stage);
    editor.buffer.go(0, 0);
    press(&mut editor, &stage, "# mine⏎");
    let line = editor
        .buffer
        .lines()
        .iter()
        .position(|l| l.contains("image:"))
        .unwrap();
    editor.buffer.go(line, 5);
    let change = options::Change::Image("registry.example.com/train:2".into());
    assert_eq!(editor.change(&change, &stage.cx()), Reply::Done);
    let text = editor.buffer.text();
    assert!(
        text.starts_with("# mine\n") && text.contains("train:2"),
        "{text}"
    );
    assert_eq!(editor.buffer.cursor(), (line, 5));
    let refused = options::Change::Pods("workers=3".parse().unwrap());
    assert!(matches!(
        editor.change(&refused, &stage.cx()),
        Reply::Say(..)
    ));
    assert_eq!(editor.buffer.text(), text);
    // of several documents the one the cursor is in
    let two = "kind: Job\nmetadata:\n  name: a\nspec:\n  parallelism: 1\n---\n# b\nkind: Job\nmetadata:\n  name: b\nspec:\n  parallelism: 1 # one\n";
    let change = options::Change::Pods("3".parse().unwrap());
    let applied = options::apply(two, 8, &change).unwrap();
    let first = applied.text.find("parallelism: 1").unwrap();
    assert!(
        applied.text[first..].contains("parallelism: 3"),
        "{}",
        applied.text
    );
    assert!(applied.text[..first].contains("name: a"));
}
