//! Keymap files → keymaps: one table per scope, `action = "keys"` or `action = ["keys", "keys"]`, `[]` to unbind.
//! Separate because it is the only part of key handling that can fail.

use std::borrow::Cow;
use std::path::Path;

use toml::Spanned;
use toml::de::DeValue;

use super::{Bindable, Binding, Keymap, Sequence};
use crate::ui::source::{Source, SourceError, nearest};

const BUILT_IN: [(&str, &str); 3] = [
    ("default", include_str!("../../../keymaps/default.toml")),
    ("vim", include_str!("../../../keymaps/vim.toml")),
    ("emacs", include_str!("../../../keymaps/emacs.toml")),
];

const DEEPEST: usize = 8;

pub(super) fn names(folder: Option<&Path>) -> Vec<String> {
    let mut names: Vec<String> = BUILT_IN
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    let mut more: Vec<String> = folder
        .and_then(|folder| std::fs::read_dir(folder).ok())
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            entry
                .file_name()
                .to_str()?
                .strip_suffix(".toml")
                .map(str::to_owned)
        })
        .filter(|name| !names.contains(name))
        .collect();
    more.sort();
    names.extend(more);
    names
}

pub(super) fn keymap<A: Bindable>(
    folder: Option<&Path>,
    name: &str,
) -> Result<Keymap<A>, SourceError> {
    let bindings = named(folder, name, &mut Vec::new())?;
    Ok(Keymap {
        name: name.to_owned(),
        bindings,
    })
}

pub(super) fn from_text<A: Bindable>(file: &str, text: &str) -> Result<Keymap<A>, SourceError> {
    let bindings = layer(None, &Source::new(file, text), &mut Vec::new())?;
    Ok(Keymap {
        name: file.trim_end_matches(".toml").to_owned(),
        bindings,
    })
}

fn named<A: Bindable>(
    folder: Option<&Path>,
    name: &str,
    chain: &mut Vec<String>,
) -> Result<Vec<Binding<A>>, SourceError> {
    let whole = |file: &str, what: String, hint: String| SourceError {
        file: file.to_owned(),
        line: 0,
        key: String::new(),
        what,
        hint,
    };
    // A user's file may build upon the built-in keymap of the same name.
    let folder_here = if chain.iter().any(|seen| seen == name) {
        None
    } else {
        folder
    };
    let path = folder_here.filter(|_| !name.contains(['/', '\\']) && !name.starts_with('.'));
    let path = path
        .map(|folder| folder.join(format!("{name}.toml")))
        .filter(|path| path.is_file());
    let (file, text) = match path {
        Some(path) => {
            let file = path.display().to_string();
            let text = std::fs::read_to_string(&path)
                .map_err(|error| whole(&file, format!("cannot be read: {error}"), String::new()))?;
            (file, Cow::Owned(text))
        }
        None => match BUILT_IN.iter().find(|(built_in, _)| *built_in == name) {
            Some((_, text)) => (format!("keymaps/{name}.toml"), Cow::Borrowed(*text)),
            None => {
                let names = names(folder);
                let hint = match nearest(name, names.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there are {}", names.join(", ")),
                };
                return Err(whole("keymap", format!("no keymap named `{name}`"), hint));
            }
        },
    };
    chain.push(name.to_owned());
    let bindings = layer(folder, &Source::new(&file, &text), chain)?;
    chain.pop();
    Ok(bindings)
}

fn layer<A: Bindable>(
    folder: Option<&Path>,
    source: &Source<'_>,
    chain: &mut Vec<String>,
) -> Result<Vec<Binding<A>>, SourceError> {
    let table = source.parse()?;
    let scopes = scopes::<A>();
    let mut inherited = Vec::new();
    let mut own: Vec<Binding<A>> = Vec::new();
    let mut replaced: Vec<(String, A)> = Vec::new();

    for (key, value) in &table {
        let name = key.get_ref().as_ref();
        match name {
            "name" | "description" | "inherits" => {
                let DeValue::String(text) = value.get_ref() else {
                    return Err(source.error(&value.span(), name, "must be a text in quotes"));
                };
                if name == "inherits" {
                    let again = chain.iter().filter(|seen| *seen == text).count();
                    if again > 1
                        || (again == 1 && chain.last().is_none_or(|last| last != text))
                        || chain.len() >= DEEPEST
                    {
                        return Err(source.error(&value.span(), name, "leads back to itself"));
                    }
                    inherited = named(folder, text, chain).map_err(|error| {
                        if error.file == "keymap" {
                            source
                                .error(&value.span(), name, error.what)
                                .hint(error.hint)
                        } else {
                            error
                        }
                    })?;
                }
            }
            scope if scopes.contains(&scope) => {
                let DeValue::Table(actions) = value.get_ref() else {
                    return Err(source.error(
                        &value.span(),
                        scope,
                        format!("must be a table: [{scope}]"),
                    ));
                };
                for (word, keys) in actions {
                    let full = format!("{scope}.{}", word.get_ref());
                    let Some(action) = A::parse(word.get_ref()) else {
                        let names = A::all().iter().map(|action| action.name());
                        let wrong = source.error(&word.span(), full, "no such action");
                        return Err(wrong.suggest(word.get_ref(), names));
                    };
                    replaced.push((scope.to_owned(), action));
                    for (keys, line) in sequences(source, &full, keys)? {
                        own.push(Binding {
                            scope: scope.to_owned(),
                            keys,
                            action,
                            file: source.file().to_owned(),
                            line,
                        });
                    }
                }
            }
            other => {
                let known = scopes
                    .iter()
                    .copied()
                    .chain(["name", "description", "inherits"]);
                let wrong = source.error(&key.span(), other, "no such scope");
                return Err(wrong
                    .hint(format!("scopes are {}", scopes.join(", ")))
                    .suggest(other, known));
            }
        }
    }

    own.sort_by_key(|binding| binding.line);
    refuse_collisions(&own)?;
    inherited.retain(|old: &Binding<A>| {
        !replaced
            .iter()
            .any(|(scope, action)| *scope == old.scope && *action == old.action)
            && !own
                .iter()
                .any(|new| new.scope == old.scope && new.keys.collides(&old.keys))
    });
    inherited.extend(own);
    Ok(inherited)
}

/// Two bindings of one scope that the keyboard could not tell apart.
fn refuse_collisions<A: Bindable>(own: &[Binding<A>]) -> Result<(), SourceError> {
    for (n, second) in own.iter().enumerate() {
        for first in &own[..n] {
            if first.scope != second.scope || !first.keys.collides(&second.keys) {
                continue;
            }
            let place = format!("`{}` at {}:{}", first.action.name(), first.file, first.line);
            let what = if first.keys == second.keys {
                format!("`{}` is already bound to {place}", second.keys)
            } else {
                format!(
                    "`{}` and `{}` of {place} begin alike, so the longer could never be typed",
                    second.keys, first.keys
                )
            };
            return Err(SourceError {
                file: second.file.clone(),
                line: second.line,
                key: format!("{}.{}", second.scope, second.action.name()),
                what,
                hint: String::new(),
            });
        }
    }
    Ok(())
}

fn scopes<A: Bindable>() -> Vec<&'static str> {
    let mut scopes = Vec::new();
    for scope in A::all()
        .iter()
        .map(|action| action.scope())
        .chain(A::more_scopes().iter().copied())
    {
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    scopes
}

fn sequences(
    source: &Source<'_>,
    key: &str,
    value: &Spanned<DeValue<'_>>,
) -> Result<Vec<(Sequence, usize)>, SourceError> {
    let one = |value: &Spanned<DeValue<'_>>| match value.get_ref() {
        DeValue::String(text) => match text.parse::<Sequence>() {
            Ok(keys) => Ok((keys, source.line(&value.span()))),
            Err(what) => Err(source.error(&value.span(), key, what)),
        },
        _ => Err(source.error(
            &value.span(),
            key,
            "must be keys in quotes, or a list of them",
        )),
    };
    match value.get_ref() {
        DeValue::Array(list) => list.iter().map(one).collect(),
        _ => Ok(vec![one(value)?]),
    }
}
