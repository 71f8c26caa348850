//! Tests of every built-in theme: contrast of every role on every background, hues apart, files and their errors.

use ratatui::style::Modifier;
use rstest::rstest;

use super::color::{Depth, difference};
use super::judge::{Eyes, all, load, seen, shown};
use super::*;

#[test]
fn every_role_can_be_read_on_every_surface() {
    let mut wrong = Vec::new();
    for (name, depth) in all() {
        let theme = load(&name, depth);
        // The sixteen are the user's own; only gross mistakes can be judged.
        let ansi = depth == Depth::Ansi16;
        let slack = if depth == Depth::Indexed { 0.88 } else { 1.0 };
        let mut need = |what: &str, style: Style, surface: Style, least: f64| {
            let got = seen(&theme, style, surface);
            if got < least * slack {
                wrong.push(format!(
                    "{name} at {depth:?}: {what} has {got:.2}, needs {least}"
                ));
            }
        };
        let base = theme.base();
        let mut surfaces = vec![("screen", base), ("popup", base.patch(theme.popup()))];
        for (on, focused) in [("selection", true), ("selection elsewhere", false)] {
            let selection = base.patch(theme.selection(focused));
            if theme.selection(focused).fg.is_some() {
                need(on, selection, base, 4.5);
            } else {
                surfaces.push((on, selection));
            }
        }
        for (on, surface) in surfaces {
            let selected = on.starts_with("selection");
            let of = |role: &str| format!("{role} on {on}");
            need(&of("text"), theme.text(), surface, 7.0);
            need(
                &of("title"),
                theme.title(),
                surface,
                if ansi { 4.5 } else { 7.0 },
            );
            need(
                &of("dim"),
                theme.dim(),
                surface,
                if selected { 4.0 } else { 4.5 },
            );
            need(
                &of("hint"),
                theme.hint(),
                surface,
                if selected { 4.0 } else { 4.5 },
            );
            for (role, style) in [
                ("header", theme.header()),
                ("key", theme.key()),
                ("accent", theme.accent()),
                ("mark", theme.mark()),
            ] {
                need(&of(role), style, surface, if selected { 3.0 } else { 4.5 });
            }
            need(
                &of("faint"),
                theme.faint(),
                surface,
                if selected { 1.5 } else { 2.0 },
            );
            need(&of("border"), theme.border(true), surface, 3.0);
            for state in State::ALL
                .into_iter()
                .filter(|state| *state != State::NotRun)
            {
                need(
                    &of(state.name()),
                    theme.state(state),
                    surface,
                    if ansi { 1.9 } else { 3.0 },
                );
            }
            for n in 0..theme.series_len() {
                need(
                    &of(&format!("series {n}")),
                    theme.series_at(n),
                    surface,
                    if ansi { 1.2 } else { 3.0 },
                );
            }
        }
        for current in [true, false] {
            need("match", theme.matched(current), base, 4.5);
            need("tab", theme.tab(current), base, 4.5);
        }
        for level in [Level::Info, Level::Ok, Level::Warn, Level::Error] {
            need(
                "banner",
                theme.banner(level),
                base,
                if ansi { 3.0 } else { 4.5 },
            );
        }
        need(
            "bar fill",
            theme.bar_fill(),
            if ansi {
                base
            } else {
                base.patch(Style::new().bg(theme.bar_track().bg.unwrap()))
            },
            2.0,
        );
        need("tick", theme.bar_tick(), base, 4.5);
        need("border", theme.border(false), base, 1.3);
    }
    assert!(
        wrong.is_empty(),
        "{}\n{} in all",
        wrong.join("\n"),
        wrong.len()
    );
}

#[test]
fn states_and_series_are_told_apart() {
    let mut wrong = Vec::new();
    for (name, depth) in all() {
        if depth == Depth::Ansi16 {
            continue;
        }
        let theme = load(&name, depth);
        let hue = |style: Style| shown(&theme, style.fg, false);
        let main = [
            State::Running,
            State::Succeeded,
            State::Failed,
            State::Waiting,
            State::Retrying,
            State::Held,
            State::Stale,
        ];
        for (n, a) in main.iter().enumerate() {
            for b in &main[..n] {
                let apart = difference(hue(theme.state(*a)), hue(theme.state(*b)));
                if apart < 0.06 {
                    wrong.push(format!(
                        "{name} at {depth:?}: {} and {} are {apart:.3} apart",
                        a.name(),
                        b.name()
                    ));
                }
            }
        }
        if depth == Depth::True {
            assert!(theme.series_len() >= 12, "{name}");
            for a in 0..theme.series_len() {
                for b in 0..a {
                    let apart = difference(hue(theme.series_at(a)), hue(theme.series_at(b)));
                    if apart < 0.035 {
                        wrong.push(format!("{name}: series {b} and {a} are {apart:.3} apart"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Least distance in OKLab of what must be told apart: three times what is just noticeable (0.02, CSS Color 4).
const APART: f64 = 0.06;

#[rstest]
#[case("colorblind-dark")]
#[case("colorblind-light")]
#[case("high-contrast")]
fn themes_for_all_eyes_keep_states_apart(#[case] name: &str) {
    let theme = load(name, Depth::True);
    let main = [
        State::Running,
        State::Succeeded,
        State::Failed,
        State::Waiting,
        State::Retrying,
        State::Held,
        State::Stale,
    ];
    let mut wrong = Vec::new();
    for eyes in Eyes::EVERY {
        for (n, a) in State::ALL.iter().enumerate() {
            for b in &State::ALL[..n] {
                let hue = |state: State| eyes.see(shown(&theme, theme.state(state).fg, false));
                // those that pass by in seconds may come nearer
                let both = main.contains(a) && main.contains(b);
                let least = if both { APART } else { 0.04 };
                let apart = difference(hue(*a), hue(*b));
                if apart < least {
                    wrong.push(format!(
                        "{eyes:?}: {} and {} are {apart:.3} apart",
                        a.name(),
                        b.name()
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{name}\n{}", wrong.join("\n"));
}

#[test]
fn surfaces_differ_even_in_256_colours() {
    for (name, depth) in all() {
        let theme = load(&name, depth);
        assert_ne!(
            theme.selection(true),
            theme.selection(false),
            "{name} at {depth:?}"
        );
        assert_ne!(
            theme.selection(true).bg,
            theme.base().bg,
            "{name} at {depth:?}"
        );
        if depth != Depth::Ansi16 {
            assert_ne!(theme.bar_track().bg, theme.base().bg, "{name} at {depth:?}");
        }
    }
}

#[test]
fn depths_change_the_colours_and_nothing_else() {
    let theme = load("jobdeck-dark", Depth::Ansi16);
    assert_eq!(theme.name(), "jobdeck-dark");
    assert_eq!(
        theme.state(State::Running),
        load("ansi16", Depth::Ansi16).state(State::Running)
    );
    assert_eq!(
        load("jobdeck-light", Depth::Ansi16).accent(),
        load("ansi16-light", Depth::Ansi16).accent()
    );
    let mono = load("nord", Depth::None);
    for role in Role::ALL {
        let style = mono.role(*role);
        assert!(
            style.fg.is_none_or(|fg| fg == Color::Reset)
                && style.bg.is_none_or(|bg| bg == Color::Reset)
        );
    }
    let indexed = load("nord", Depth::Indexed);
    assert!(matches!(indexed.text().fg, Some(Color::Indexed(_))));
}

#[test]
fn series_hues_belong_to_names() {
    let theme = Theme::default();
    assert_eq!(theme.series("llama-sft"), theme.series("llama-sft"));
    let hues: std::collections::HashSet<_> = (0..200)
        .map(|n| theme.series(&format!("pod-{n}")).fg)
        .collect();
    assert_eq!(hues.len(), theme.series_len());
    assert_eq!(theme.series_at(3), theme.series_at(3 + theme.series_len()));
}

#[test]
fn a_users_file_changes_part_of_a_theme() {
    let folder = tempfile::tempdir().unwrap();
    let mine = "inherits = \"nord\"\n[palette]\nblue = \"#0000ff\"\n[roles]\ntitle = { fg = \"blue\", italic = true }\n";
    std::fs::write(folder.path().join("mine.toml"), mine).unwrap();
    // A file may carry a built-in name and build upon it.
    std::fs::write(
        folder.path().join("nord.toml"),
        "inherits = \"nord\"\n[palette]\ntext = \"#ffffff\"\n",
    )
    .unwrap();
    let themes = Themes::new(Some(folder.path().to_path_buf()));
    let theme = themes.load("mine", Depth::True, Glyphs::Unicode).unwrap();
    assert_eq!(theme.state(State::Running).fg, Some(Color::Rgb(0, 0, 255)));
    assert_eq!(
        theme.title(),
        Style::new()
            .fg(Color::Rgb(0, 0, 255))
            .add_modifier(Modifier::ITALIC)
    );
    assert_eq!(theme.text().fg, Some(Color::Rgb(255, 255, 255)));
    assert_eq!(
        theme.state(State::Failed),
        load("nord", Depth::True).state(State::Failed)
    );
    assert_eq!(themes.names().last().map(String::as_str), Some("mine"));
}

#[rstest]
#[case(
    "inherits = \"nrod\"\n",
    ":1: inherits: no theme named `nrod` (did you mean `nord`?)"
)]
#[case(
    "inherits = \"nord\"\n[roles]\ntxt = \"blue\"\n",
    ":3: roles.txt: no such role (did you mean `text`?)"
)]
#[case(
    "inherits = \"nord\"\n[roles]\ntext = \"bleu\"\n",
    ":3: roles.text: `bleu` is not a colour (did you mean `blue`?)"
)]
#[case(
    "inherits = \"nord\"\n[palette]\nblue = \"#12\"\n",
    ":3: palette.blue: `#12` is not a colour (#rrggbb, a palette name, or an ANSI name like `bright-blue`)"
)]
#[case(
    "inherits = \"nord\"\n[roles]\ntext = { fg = \"blue\", blod = true }\n",
    ":3: roles.text.blod: no such key (did you mean `bold`?)"
)]
#[case(
    "inherits = \"nord\"\n[states]\nrunning = 4\n",
    ":3: states.running: must be a colour or a table (\"blue\" or { fg = \"blue\", bold = true })"
)]
#[case(
    "inherits = \"nord\"\n[states]\nrunnin = \"blue\"\n",
    ":3: states.runnin: no such state (did you mean `running`?)"
)]
#[case(
    "inherits = \"nord\"\nkind = \"dim\"\n",
    ":2: kind: `dim` is not a kind (`dark` or `light`)"
)]
#[case(
    "kind = \"dark\"\n",
    ": roles.base: is missing (a theme that does not inherit must give all of them)"
)]
#[case("inherits = \"bad\"\n", ":1: inherits: no theme named `bad`")]
#[case("inherits = \"nord\"\n[roles\n", ":2: ")]
fn mistakes_are_told_with_file_line_and_key(#[case] text: &str, #[case] want: &str) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bad.toml"), text).unwrap();
    let themes = Themes::new(Some(folder.path().to_path_buf()));
    let error = themes
        .load("bad", Depth::True, Glyphs::Unicode)
        .unwrap_err()
        .to_string();
    assert!(error.contains(want), "{error}");
}

#[test]
fn unknown_names_and_paths_are_refused() {
    let error = Themes::default()
        .load("nordd", Depth::True, Glyphs::Unicode)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "theme: no theme named `nordd` (did you mean `nord`?)"
    );
    assert!(
        Themes::default()
            .load("../nord", Depth::True, Glyphs::Unicode)
            .is_err()
    );
}

#[test]
fn two_themes_may_not_inherit_each_other() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.toml"), "inherits = \"b\"\n").unwrap();
    std::fs::write(folder.path().join("b.toml"), "inherits = \"a\"\n").unwrap();
    let themes = Themes::new(Some(folder.path().to_path_buf()));
    let error = themes.load("a", Depth::True, Glyphs::Unicode).unwrap_err();
    assert!(error.what.contains("back to itself"), "{error}");
}
