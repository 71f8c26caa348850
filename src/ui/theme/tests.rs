//! Tests of every built-in theme: contrast of every role on every background, hues apart, files and their errors.

use ratatui::style::Modifier;
use rstest::rstest;

use super::color::{contrast, difference, rgb};
use super::*;

type Rgb = (u8, u8, u8);

fn load(name: &str, depth: Depth) -> Theme {
    Themes::default()
        .load(name, depth, Glyphs::Unicode)
        .unwrap_or_else(|error| panic!("{error}"))
}

fn all() -> Vec<(String, Depth)> {
    let coloured = |name: &String| !name.starts_with("ansi16") && name != "mono";
    let names = Themes::default().names();
    let mut all: Vec<_> = names
        .iter()
        .filter(|name| coloured(name))
        .map(|name| (name.clone(), Depth::True))
        .collect();
    all.extend(
        names
            .iter()
            .filter(|name| coloured(name))
            .map(|name| (name.clone(), Depth::Indexed)),
    );
    all.extend([
        ("ansi16".to_owned(), Depth::Ansi16),
        ("ansi16-light".to_owned(), Depth::Ansi16),
    ]);
    all
}

/// What the terminal's own colours are taken to be.
fn shown(theme: &Theme, colour: Option<Color>, back: bool) -> Rgb {
    let own = match (theme.is_dark(), back) {
        (true, true) | (false, false) => (0, 0, 0),
        (true, false) => (0xe5, 0xe5, 0xe5),
        (false, true) => (255, 255, 255),
    };
    colour.and_then(rgb).unwrap_or(own)
}

/// The contrast of a style over a surface, as it would be seen.
fn seen(theme: &Theme, style: Style, surface: Style) -> f64 {
    let style = surface.patch(style);
    let (mut fg, mut bg) = (shown(theme, style.fg, false), shown(theme, style.bg, true));
    if style.add_modifier.contains(Modifier::REVERSED) {
        std::mem::swap(&mut fg, &mut bg);
    }
    if style.add_modifier.contains(Modifier::DIM) {
        let mix = |a: u8, b: u8| u8::try_from((u16::from(a) * 2 + u16::from(b)) / 3).unwrap();
        fg = (mix(fg.0, bg.0), mix(fg.1, bg.1), mix(fg.2, bg.2));
    }
    contrast(fg, bg)
}

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

/// How a colour looks to someone without red (protan) or green (deutan) receptors, after Viénot, Brettel and Mollon 1999.
fn as_seen_by(deutan: bool, (r, g, b): Rgb) -> Rgb {
    let linear = |c: u8| {
        let c = f64::from(c) / 255.0;
        if c <= 0.04045 {
            c / 12.92
        } else {
            ((c + 0.055) / 1.055).powf(2.4)
        }
    };
    let back = |c: f64| {
        let c = c.clamp(0.0, 1.0);
        let c = if c <= 0.003_130_8 {
            12.92 * c
        } else {
            1.055 * c.powf(1.0 / 2.4) - 0.055
        };
        (c * 255.0).round() as u8
    };
    let (r, g, b) = (linear(r), linear(g), linear(b));
    let (red_green, blue) = if deutan {
        (
            0.292_75 * r + 0.707_25 * g,
            -0.022_34 * r + 0.022_34 * g + b,
        )
    } else {
        (0.112_38 * r + 0.887_62 * g, 0.004_01 * r - 0.004_01 * g + b)
    };
    (back(red_green), back(red_green), back(blue))
}

#[rstest]
#[case("colorblind-dark")]
#[case("colorblind-light")]
fn colour_blind_themes_keep_what_matters_apart(#[case] name: &str) {
    let theme = load(name, Depth::True);
    let main = [
        State::Running,
        State::Succeeded,
        State::Failed,
        State::Waiting,
        State::Held,
    ];
    for deutan in [true, false] {
        for (n, a) in main.iter().enumerate() {
            for b in &main[..n] {
                let hue =
                    |state: State| as_seen_by(deutan, shown(&theme, theme.state(state).fg, false));
                let apart = difference(hue(*a), hue(*b));
                assert!(
                    apart > 0.06,
                    "{name}: {} and {} are {apart:.3} apart (deutan: {deutan})",
                    a.name(),
                    b.name()
                );
            }
        }
    }
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
