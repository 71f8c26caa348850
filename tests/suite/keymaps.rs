//! The shipped keymaps against the real actions: each loads, each action has a key where it acts, and what a table
//! or text takes from the global keys is meant.

use jobdeck::app::action::{Action, Scope};
use jobdeck::ui::Keymap;
use jobdeck::ui::keymap::Keymaps;

/// Reached through the command bar only.
const PALETTE_ONLY: &[Action] = &[];

fn keymap(name: &str) -> Keymap<Action> {
    Keymaps::default()
        .load(name)
        .unwrap_or_else(|e| panic!("{e}"))
}

/// The scopes keys are looked up in when a pane of this scope has the keyboard.
fn chain(scope: Scope) -> Vec<&'static str> {
    let shared = match scope {
        Scope::Global => return vec!["global"],
        Scope::Text => return vec!["text", "global"],
        Scope::List => return vec!["list", "global"],
        Scope::Editor => return vec!["editor"],
        Scope::Logs => Scope::Text,
        _ => Scope::List,
    };
    vec![scope.name(), shared.name(), Scope::Global.name()]
}

#[test]
fn every_action_has_a_key_where_it_acts() {
    let mut wrong = Vec::new();
    for name in Keymaps::default().names() {
        let keys = keymap(&name);
        for action in Action::ALL
            .iter()
            .filter(|action| !PALETTE_ONLY.contains(action))
        {
            if keys.key_for(*action, &chain(action.scope())).is_none() {
                wrong.push(format!("{name}: no key for {}", action.name()));
            }
        }
        for action in PALETTE_ONLY {
            assert!(
                keys.all_keys_for(*action).is_empty(),
                "{} has a key after all",
                action.name()
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn texts_move_like_lists() {
    for name in Keymaps::default().names() {
        let keys = keymap(&name);
        let moves = [
            Action::Up,
            Action::Down,
            Action::PageUp,
            Action::PageDown,
            Action::Top,
            Action::Bottom,
        ];
        for action in moves {
            for scope in [Scope::Text, Scope::Logs] {
                assert!(
                    keys.key_for(action, &chain(scope)).is_some(),
                    "{name}: {} in {scope:?}",
                    action.name()
                );
            }
        }
    }
}

#[test]
fn help_back_quit_and_command_work_everywhere() {
    let all = [
        Scope::Global,
        Scope::List,
        Scope::Jobs,
        Scope::Job,
        Scope::Pods,
        Scope::Nodes,
        Scope::Events,
        Scope::Text,
        Scope::Logs,
        Scope::Start,
    ];
    for name in Keymaps::default().names() {
        let keys = keymap(&name);
        for scope in all {
            for action in [
                Action::Quit,
                Action::Back,
                Action::Help,
                Action::Command,
                Action::Filter,
            ] {
                assert!(
                    keys.key_for(action, &chain(scope)).is_some(),
                    "{name}: {} in {scope:?}",
                    action.name()
                );
            }
        }
    }
}

#[test]
fn the_default_keys_are_the_ones_people_know() {
    let keys = keymap("default");
    let first = |action, scope| {
        keys.key_for(action, &chain(scope))
            .map(ToString::to_string)
            .unwrap_or_default()
    };
    for (action, scope, key) in [
        (Action::Command, Scope::Jobs, ":"),
        (Action::Filter, Scope::Jobs, "/"),
        (Action::Help, Scope::Jobs, "?"),
        (Action::Open, Scope::Jobs, "enter"),
        (Action::Logs, Scope::Jobs, "l"),
        (Action::Yaml, Scope::Jobs, "y"),
        (Action::Mark, Scope::Jobs, "space"),
        (Action::PreviousLogs, Scope::Pods, "p"),
        (Action::AllNamespaces, Scope::Jobs, "0"),
        (Action::SearchNext, Scope::Text, "n"),
        (Action::Wrap, Scope::Logs, "w"),
        (Action::Timestamps, Scope::Logs, "t"),
    ] {
        assert_eq!(first(action, scope), key, "{}", action.name());
    }
}
