//! Tests of chords, sequences, inheritance and the errors of keymap files.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use rstest::rstest;

use super::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Quit,
    Top,
    Down,
    Delete,
    Logs,
    Describe,
}

impl Bindable for Act {
    fn all() -> &'static [Self] {
        &[
            Act::Quit,
            Act::Top,
            Act::Down,
            Act::Delete,
            Act::Logs,
            Act::Describe,
        ]
    }
    fn name(self) -> &'static str {
        match self {
            Act::Quit => "quit",
            Act::Top => "top",
            Act::Down => "down",
            Act::Delete => "delete",
            Act::Logs => "logs",
            Act::Describe => "describe",
        }
    }
    fn describe(self) -> &'static str {
        "does something"
    }
    fn scope(self) -> &'static str {
        match self {
            Act::Quit => "global",
            Act::Top | Act::Down => "list",
            _ => "jobs",
        }
    }
    fn more_scopes() -> &'static [&'static str] {
        &["prompt"]
    }
}

const BASE: &str = r#"
[global]
quit = ["q", "ctrl-c"]
[list]
top = ["g g", "home"]
down = ["j", "down"]
[jobs]
delete = "ctrl-d"
logs = "l"
"#;

fn key(text: &str) -> KeyEvent {
    match text {
        "G" => KeyEvent::new(KeyCode::Char('G'), KeyModifiers::SHIFT),
        "backtab" => KeyEvent::new(KeyCode::BackTab, KeyModifiers::SHIFT),
        "ctrl-d" => KeyEvent::new(KeyCode::Char('d'), KeyModifiers::CONTROL),
        "esc" => KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE),
        c => KeyEvent::new(KeyCode::Char(c.chars().next().unwrap()), KeyModifiers::NONE),
    }
}

#[rstest]
#[case("ctrl-d")]
#[case("G")]
#[case("f1")]
#[case("space")]
#[case("ctrl-space")]
#[case("shift-tab")]
#[case("alt-x")]
#[case("<")]
#[case("?")]
#[case("-")]
#[case("ctrl--")]
#[case("page-down")]
#[case("alt-enter")]
#[case("shift-left")]
#[case("ctrl-\\")]
#[case("é")]
fn chords_print_as_they_are_written(#[case] text: &str) {
    let chord: Chord = text.parse().unwrap();
    assert_eq!(chord.to_string(), text);
    assert_eq!(chord.to_string().parse::<Chord>().unwrap(), chord);
}

#[rstest]
#[case("shift-g", "G")]
#[case("Ctrl-D", "ctrl-d")]
#[case("escape", "esc")]
#[case("pgdn", "page-down")]
#[case("minus", "-")]
#[case("ctrl-7", "ctrl-/")]
#[case("ctrl-_", "ctrl-/")]
fn spellings_of_one_key_are_one_chord(#[case] a: &str, #[case] b: &str) {
    assert_eq!(a.parse::<Chord>().unwrap(), b.parse::<Chord>().unwrap());
}

#[rstest]
#[case("ctrl-i")]
#[case("ctrl-m")]
#[case("f99")]
#[case("hyper-x")]
#[case("entr")]
#[case("")]
fn what_is_not_a_key_is_refused(#[case] text: &str) {
    assert!(text.parse::<Chord>().is_err());
}

#[test]
fn terminal_events_match_what_files_say() {
    let same = |event: KeyEvent, text: &str| {
        assert_eq!(
            Chord::from_event(event),
            Some(text.parse().unwrap()),
            "{text}"
        )
    };
    same(key("G"), "G");
    same(key("backtab"), "shift-tab");
    same(
        KeyEvent::new(KeyCode::Char('4'), KeyModifiers::CONTROL),
        "ctrl-\\",
    );
    same(KeyEvent::new(KeyCode::Char('?'), KeyModifiers::SHIFT), "?");
    same(KeyEvent::new(KeyCode::Char('g'), KeyModifiers::SHIFT), "G");
    let mut release = key("G");
    release.kind = crossterm::event::KeyEventKind::Release;
    assert_eq!(Chord::from_event(release), None);
}

#[test]
fn the_narrowest_scope_decides_and_sequences_wait() {
    let keys: Keymap<Act> = from_text(
        "k.toml",
        &format!("{BASE}q = []\n").replace("q = []", "describe = \"q\""),
    )
    .unwrap();
    let scopes = ["jobs", "list", "global"];
    let mut pending = Pending::default();
    assert_eq!(
        keys.press(&mut pending, &scopes, key("q")),
        Press::Action(Act::Describe)
    );
    assert_eq!(
        keys.press(&mut pending, &["list", "global"], key("q")),
        Press::Action(Act::Quit)
    );
    assert_eq!(keys.press(&mut pending, &scopes, key("g")), Press::Pending);
    assert_eq!(pending.to_string(), "g");
    assert_eq!(
        keys.continuations(&pending, &scopes),
        [("g".to_owned(), Act::Top)]
    );
    assert_eq!(
        keys.press(&mut pending, &scopes, key("g")),
        Press::Action(Act::Top)
    );
    assert!(pending.is_empty());
    assert_eq!(keys.press(&mut pending, &scopes, key("z")), Press::None);
}

#[test]
fn an_abandoned_sequence_gives_its_last_key_a_chance() {
    let keys: Keymap<Act> = from_text("k.toml", BASE).unwrap();
    let scopes = ["jobs", "list", "global"];
    let mut pending = Pending::default();
    keys.press(&mut pending, &scopes, key("g"));
    assert_eq!(
        keys.press(&mut pending, &scopes, key("j")),
        Press::Action(Act::Down)
    );
    keys.press(&mut pending, &scopes, key("g"));
    assert_eq!(keys.press(&mut pending, &scopes, key("x")), Press::Pending);
    assert!(pending.is_empty());
    keys.press(&mut pending, &scopes, key("g"));
    assert_eq!(
        keys.press(&mut pending, &scopes, key("esc")),
        Press::Pending
    );
    assert!(pending.is_empty());
}

#[test]
fn keys_are_told_for_help_and_footer() {
    let keys: Keymap<Act> = from_text("k.toml", BASE).unwrap();
    let text = |found: Vec<&Sequence>| {
        found
            .iter()
            .map(|keys| keys.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(text(keys.keys_for(Act::Top, &["list"])), ["gg", "home"]);
    assert_eq!(
        keys.key_for(Act::Quit, &["jobs", "global"])
            .unwrap()
            .to_string(),
        "q"
    );
    assert_eq!(keys.key_for(Act::Delete, &["list"]), None);
    let hints = keys.hints("jobs");
    assert_eq!(
        hints.iter().map(|(action, _)| *action).collect::<Vec<_>>(),
        [Act::Delete, Act::Logs]
    );
    assert_eq!(keys.unbound(), [Act::Describe]);
}

#[test]
fn a_user_file_replaces_an_action_and_takes_keys_over() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("base.toml"), BASE).unwrap();
    let mine = "inherits = \"base\"\n[jobs]\ndelete = \"D\"\n[list]\ndown = [\"j\", \"g\"]\n[global]\nquit = []\n";
    std::fs::write(folder.path().join("mine.toml"), mine).unwrap();
    let maps = Keymaps::new(Some(folder.path().to_path_buf()));
    let keys: Keymap<Act> = maps.load("mine").unwrap();
    let text = |action| {
        keys.all_keys_for(action)
            .iter()
            .map(|keys| keys.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(text(Act::Delete), ["D"]);
    assert_eq!(text(Act::Top), ["home"], "`g` took the place of `gg`");
    assert_eq!(text(Act::Down), ["j", "g"]);
    assert_eq!(text(Act::Quit), [""; 0]);
    assert_eq!(text(Act::Logs), ["l"]);
    assert!(maps.names().contains(&"mine".to_owned()));
}

#[rstest]
#[case(
    "[jobs]\ndelet = \"x\"\n",
    "k.toml:2: jobs.delet: no such action (did you mean `delete`?)"
)]
#[case(
    "[job]\ndelete = \"x\"\n",
    "k.toml:1: job: no such scope (did you mean `jobs`?)"
)]
#[case(
    "[jobs]\ndelete = \"crtl-d\"\n",
    "k.toml:2: jobs.delete: `crtl-d` is not a key"
)]
#[case(
    "[jobs]\ndelete = 4\n",
    "k.toml:2: jobs.delete: must be keys in quotes, or a list of them"
)]
#[case(
    "[jobs]\ndelete = \"shift-x\"\nlogs = \"l\"\ndescribe = \"X\"\n",
    "k.toml:4: jobs.describe: `X` is already bound to `delete` at k.toml:2"
)]
#[case(
    "[list]\ntop = \"g g\"\ndown = \"g\"\n",
    "k.toml:3: list.down: `g` and `gg` of `top` at k.toml:2 begin alike, so the longer could never be typed"
)]
#[case(
    "inherits = \"vmi\"\n",
    "k.toml:1: inherits: no keymap named `vmi` (did you mean `vim`?)"
)]
#[case("jobs = 3\n", "k.toml:1: jobs: must be a table: [jobs]")]
fn mistakes_are_told_with_their_line(#[case] text: &str, #[case] want: &str) {
    assert_eq!(
        from_text::<Act>("k.toml", text).unwrap_err().to_string(),
        want
    );
}

#[test]
fn the_same_key_in_two_scopes_is_no_mistake() {
    assert!(from_text::<Act>("k.toml", "[global]\nquit = \"x\"\n[jobs]\ndelete = \"x\"\n").is_ok());
}

#[test]
fn circles_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.toml"), "inherits = \"b\"\n").unwrap();
    std::fs::write(folder.path().join("b.toml"), "inherits = \"a\"\n").unwrap();
    let error = Keymaps::new(Some(folder.path().to_path_buf()))
        .load::<Act>("a")
        .unwrap_err();
    assert!(error.what.contains("back to itself"), "{error}");
}
