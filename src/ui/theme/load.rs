//! Theme files → themes: parsing, inheritance, the palette, and errors that say where. Separate because it is the
//! only part of theming that can fail.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use ratatui::style::{Color, Modifier, Style};
use toml::Spanned;
use toml::de::DeValue;

use super::color::{self, Depth};
use super::role::Role;
use super::{Glyphs, State, Theme};
use crate::ui::source::{Source, SourceError, nearest};

/// The themes in the program, in the order they are offered.
pub(super) const BUILT_IN: [(&str, &str); 12] = [
    (
        "jobdeck-dark",
        include_str!("../../../themes/jobdeck-dark.toml"),
    ),
    (
        "jobdeck-light",
        include_str!("../../../themes/jobdeck-light.toml"),
    ),
    (
        "high-contrast",
        include_str!("../../../themes/high-contrast.toml"),
    ),
    (
        "colorblind-dark",
        include_str!("../../../themes/colorblind-dark.toml"),
    ),
    (
        "colorblind-light",
        include_str!("../../../themes/colorblind-light.toml"),
    ),
    (
        "catppuccin-mocha",
        include_str!("../../../themes/catppuccin-mocha.toml"),
    ),
    (
        "gruvbox-dark",
        include_str!("../../../themes/gruvbox-dark.toml"),
    ),
    ("nord", include_str!("../../../themes/nord.toml")),
    (
        "tokyonight",
        include_str!("../../../themes/tokyonight.toml"),
    ),
    ("ansi16", include_str!("../../../themes/ansi16.toml")),
    (
        "ansi16-light",
        include_str!("../../../themes/ansi16-light.toml"),
    ),
    ("mono", include_str!("../../../themes/mono.toml")),
];

const DEEPEST: usize = 8;

/// A style as written: colours still by name.
#[derive(Debug, Clone, Default)]
struct Written {
    fg: Option<Ink>,
    bg: Option<Ink>,
    modifier: Modifier,
}

/// A colour by name, with where it was written so that a wrong name can be reported there.
#[derive(Debug, Clone)]
struct Ink {
    name: String,
    file: String,
    line: usize,
    key: String,
}

/// A file and what it inherits, merged: later files win key by key.
#[derive(Debug, Default)]
struct Sheet {
    dark: Option<bool>,
    palette: BTreeMap<String, Ink>,
    roles: BTreeMap<&'static str, Written>,
    states: BTreeMap<&'static str, Written>,
    series: Vec<Ink>,
}

pub(super) fn theme(
    folder: Option<&Path>,
    name: &str,
    depth: Depth,
    glyphs: Glyphs,
) -> Result<Theme, SourceError> {
    let mut sheet = Sheet::default();
    read(folder, name, &mut sheet, &mut Vec::new())?;
    let theme = resolve(&sheet, name, depth, glyphs)?;
    let stand_in = match (depth, theme.dark) {
        (Depth::None, _) => "mono",
        (Depth::Ansi16, true) => "ansi16",
        (Depth::Ansi16, false) => "ansi16-light",
        _ => return Ok(theme),
    };
    let truly_coloured =
        |sheet: &Sheet| sheet.palette.values().any(|ink| ink.name.starts_with('#'));
    let all_ansi = depth == Depth::Ansi16 && !truly_coloured(&sheet);
    if name == stand_in || all_ansi {
        return Ok(theme);
    }
    let mut sheet = Sheet::default();
    read(None, stand_in, &mut sheet, &mut Vec::new())?;
    let mut tuned = resolve(&sheet, stand_in, depth, glyphs)?;
    tuned.name = name.to_owned();
    Ok(tuned)
}

fn text_of(
    folder: Option<&Path>,
    name: &str,
) -> Option<(String, Result<Cow<'static, str>, String>)> {
    if let Some(folder) = folder {
        let path = folder.join(format!("{name}.toml"));
        if path.is_file() {
            let text = std::fs::read_to_string(&path)
                .map(Cow::Owned)
                .map_err(|error| error.to_string());
            return Some((path.display().to_string(), text));
        }
    }
    let (_, text) = BUILT_IN.iter().find(|(built_in, _)| *built_in == name)?;
    Some((format!("themes/{name}.toml"), Ok(Cow::Borrowed(text))))
}

fn read(
    folder: Option<&Path>,
    name: &str,
    sheet: &mut Sheet,
    chain: &mut Vec<String>,
) -> Result<(), SourceError> {
    let unknown = || {
        let names: Vec<String> = super::Themes::new(folder.map(Path::to_path_buf)).names();
        let hint = match nearest(name, names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", names.join(", ")),
        };
        let what = format!("no theme named `{name}`");
        SourceError {
            file: "theme".to_owned(),
            line: 0,
            key: String::new(),
            what,
            hint,
        }
    };
    let safe = !name.contains(['/', '\\']) && !name.starts_with('.');
    // A user's file may build upon the built-in theme of the same name.
    let own_parent = chain.iter().any(|seen| seen == name);
    let found = if safe {
        text_of(if own_parent { None } else { folder }, name)
    } else {
        None
    };
    let (file, text) = found.ok_or_else(unknown)?;
    let whole = |what: String| SourceError {
        file: file.clone(),
        line: 0,
        key: String::new(),
        what,
        hint: String::new(),
    };
    let text = text.map_err(|why| whole(format!("cannot be read: {why}")))?;
    let source = Source::new(&file, &text);
    let table = source.parse()?;

    if let Some((key, parent)) = table.iter().find(|(key, _)| key.get_ref() == "inherits") {
        let wanted = string(&source, "inherits", parent)?;
        if chain.iter().any(|seen| seen == wanted) || chain.len() >= DEEPEST {
            return Err(source.error(&key.span(), "inherits", "leads back to itself"));
        }
        chain.push(name.to_owned());
        read(folder, wanted, sheet, chain).map_err(|error| {
            if error.line == 0 && error.file == "theme" {
                source
                    .error(&parent.span(), "inherits", error.what)
                    .hint(error.hint)
            } else {
                error
            }
        })?;
        chain.pop();
    }

    for (key, value) in &table {
        match key.get_ref().as_ref() {
            "inherits" | "name" | "description" => {
                string(&source, key.get_ref(), value)?;
            }
            "kind" => {
                sheet.dark = Some(match string(&source, "kind", value)? {
                    "dark" => true,
                    "light" => false,
                    other => {
                        let wrong =
                            source.error(&value.span(), "kind", format!("`{other}` is not a kind"));
                        return Err(wrong.hint("`dark` or `light`"));
                    }
                });
            }
            "palette" => {
                for (name, value) in entries(&source, "palette", value)? {
                    let ink = ink(&source, &format!("palette.{}", name.get_ref()), value)?;
                    sheet
                        .palette
                        .insert(name.get_ref().clone().into_owned(), ink);
                }
            }
            "roles" => {
                for (name, value) in entries(&source, "roles", value)? {
                    let full = format!("roles.{}", name.get_ref());
                    let Some(role) = Role::parse(name.get_ref()) else {
                        let names = Role::ALL.iter().map(|role| role.name());
                        return Err(source
                            .error(&name.span(), full, "no such role")
                            .suggest(name.get_ref(), names));
                    };
                    sheet
                        .roles
                        .insert(role.name(), written(&source, &full, value)?);
                }
            }
            "states" => {
                for (name, value) in entries(&source, "states", value)? {
                    let full = format!("states.{}", name.get_ref());
                    let Some(state) = State::parse(name.get_ref()) else {
                        let names = State::ALL.iter().map(|state| state.name());
                        return Err(source
                            .error(&name.span(), full, "no such state")
                            .suggest(name.get_ref(), names));
                    };
                    sheet
                        .states
                        .insert(state.name(), written(&source, &full, value)?);
                }
            }
            "series" => {
                let DeValue::Array(list) = value.get_ref() else {
                    return Err(source.error(&value.span(), "series", "must be a list of colours"));
                };
                if list.is_empty() {
                    return Err(source.error(&value.span(), "series", "must not be empty"));
                }
                sheet.series = list
                    .iter()
                    .map(|item| ink(&source, "series", item))
                    .collect::<Result<_, _>>()?;
            }
            other => {
                let names = [
                    "inherits",
                    "name",
                    "description",
                    "kind",
                    "palette",
                    "roles",
                    "states",
                    "series",
                ];
                return Err(source
                    .error(&key.span(), other, "no such key")
                    .suggest(other, names));
            }
        }
    }
    Ok(())
}

fn string<'v>(
    source: &Source<'_>,
    key: &str,
    value: &'v Spanned<DeValue<'_>>,
) -> Result<&'v str, SourceError> {
    match value.get_ref() {
        DeValue::String(text) => Ok(text),
        _ => Err(source.error(&value.span(), key, "must be a text in quotes")),
    }
}

fn entries<'v, 'i>(
    source: &Source<'_>,
    key: &str,
    value: &'v Spanned<DeValue<'i>>,
) -> Result<&'v toml::de::DeTable<'i>, SourceError> {
    match value.get_ref() {
        DeValue::Table(table) => Ok(table),
        _ => Err(source.error(&value.span(), key, format!("must be a table: [{key}]"))),
    }
}

fn ink(source: &Source<'_>, key: &str, value: &Spanned<DeValue<'_>>) -> Result<Ink, SourceError> {
    let name = string(source, key, value)?.to_owned();
    Ok(Ink {
        name,
        file: source.file().to_owned(),
        line: source.line(&value.span()),
        key: key.to_owned(),
    })
}

fn written(
    source: &Source<'_>,
    key: &str,
    value: &Spanned<DeValue<'_>>,
) -> Result<Written, SourceError> {
    let table = match value.get_ref() {
        DeValue::String(_) => {
            return Ok(Written {
                fg: Some(ink(source, key, value)?),
                ..Written::default()
            });
        }
        DeValue::Table(table) => table,
        _ => {
            let wrong = source.error(&value.span(), key, "must be a colour or a table");
            return Err(wrong.hint("\"blue\" or { fg = \"blue\", bold = true }"));
        }
    };
    let mut style = Written::default();
    for (name, value) in table {
        let full = format!("{key}.{}", name.get_ref());
        let modifier = match name.get_ref().as_ref() {
            "fg" => {
                style.fg = Some(ink(source, &full, value)?);
                continue;
            }
            "bg" => {
                style.bg = Some(ink(source, &full, value)?);
                continue;
            }
            "bold" => Modifier::BOLD,
            "dim" => Modifier::DIM,
            "italic" => Modifier::ITALIC,
            "underline" => Modifier::UNDERLINED,
            "reverse" => Modifier::REVERSED,
            other => {
                let names = ["fg", "bg", "bold", "dim", "italic", "underline", "reverse"];
                return Err(source
                    .error(&name.span(), full, "no such key")
                    .suggest(other, names));
            }
        };
        match value.get_ref() {
            DeValue::Boolean(on) => style.modifier.set(modifier, *on),
            _ => return Err(source.error(&value.span(), full, "must be true or false")),
        }
    }
    Ok(style)
}

fn resolve(sheet: &Sheet, name: &str, depth: Depth, glyphs: Glyphs) -> Result<Theme, SourceError> {
    let missing = |key: String| SourceError {
        file: format!("theme {name}"),
        line: 0,
        key,
        what: "is missing".to_owned(),
        hint: "a theme that does not inherit must give all of them".to_owned(),
    };
    let mut theme = Theme::plain(glyphs);
    theme.name = name.to_owned();
    theme.depth = depth;
    theme.dark = sheet.dark.ok_or_else(|| missing("kind".to_owned()))?;
    for role in Role::ALL {
        let written = sheet
            .roles
            .get(role.name())
            .ok_or_else(|| missing(format!("roles.{}", role.name())))?;
        theme.roles[*role as usize] = style(sheet, written, depth)?;
    }
    for state in State::ALL {
        let written = sheet
            .states
            .get(state.name())
            .ok_or_else(|| missing(format!("states.{}", state.name())))?;
        theme.states[state as usize] = style(sheet, written, depth)?;
    }
    if sheet.series.is_empty() {
        return Err(missing("series".to_owned()));
    }
    theme.series = sheet
        .series
        .iter()
        .map(|ink| {
            colour(sheet, ink, 0).map(|colour| Style::new().fg(color::at_depth(colour, depth)))
        })
        .collect::<Result<_, _>>()?;
    Ok(theme)
}

fn style(sheet: &Sheet, written: &Written, depth: Depth) -> Result<Style, SourceError> {
    let mut style = Style::new().add_modifier(written.modifier);
    if let Some(ink) = &written.fg {
        style = style.fg(color::at_depth(colour(sheet, ink, 0)?, depth));
    }
    if let Some(ink) = &written.bg {
        style = style.bg(color::at_depth(colour(sheet, ink, 0)?, depth));
    }
    Ok(style)
}

/// A palette name, possibly through another palette name, or a colour.
fn colour(sheet: &Sheet, ink: &Ink, depth: usize) -> Result<Color, SourceError> {
    let in_palette = sheet
        .palette
        .get(&ink.name)
        .filter(|next| next.key != ink.key);
    if let Some(next) = in_palette.filter(|_| depth < DEEPEST) {
        return colour(sheet, next, depth + 1);
    }
    color::parse(&ink.name).ok_or_else(|| {
        let mut names: Vec<&str> = sheet.palette.keys().map(String::as_str).collect();
        names.extend(color::names());
        let what = format!("`{}` is not a colour", ink.name);
        let hint = match nearest(&ink.name, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "#rrggbb, a palette name, or an ANSI name like `bright-blue`".to_owned(),
        };
        SourceError {
            file: ink.file.clone(),
            line: ink.line,
            key: ink.key.clone(),
            what,
            hint,
        }
    })
}
