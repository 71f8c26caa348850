//! Where in a kubeconfig the thing stands that an error is about: file, line and key, as an editor finds it.

use std::path::PathBuf;

use serde_json::Value;

use super::ConnectError;
use crate::actions::document::line_of;

/// The error with its place before it, where it has one.
pub fn placed(files: &[PathBuf], error: ConnectError) -> ConnectError {
    let found = match &error {
        ConnectError::BadData { what, of, .. } | ConnectError::MissingFile { what, of, .. } => {
            match *what {
                "certificate-authority" | "proxy-url" => {
                    find(files, "clusters", "cluster", of, what)
                }
                _ => find(files, "users", "user", of, what),
            }
        }
        ConnectError::BadServer { cluster, .. } => {
            find(files, "clusters", "cluster", cluster, "server")
        }
        ConnectError::Dangling { context, what, .. } => {
            find(files, "contexts", "context", context, what)
        }
        _ => None,
    };
    at(found, error)
}

/// The same of the context that the files themselves choose.
pub fn chosen(files: &[PathBuf], error: ConnectError) -> ConnectError {
    let found = files.iter().find_map(|file| {
        let text = std::fs::read_to_string(file).ok()?;
        let config: Value = serde_saphyr::from_str(&text).ok()?;
        config
            .get("current-context")?
            .as_str()
            .filter(|name| !name.is_empty())?;
        place(file, &text, "current-context")
    });
    at(found, error)
}

fn at(place: Option<String>, error: ConnectError) -> ConnectError {
    match place {
        Some(place) => ConnectError::At {
            place,
            error: Box::new(error),
        },
        None => error,
    }
}

fn place(file: &std::path::Path, text: &str, path: &str) -> Option<String> {
    let line = line_of(text, path)?;
    Some(format!("{}:{line}: {path}", file.display()))
}

/// The key of the entry of this name, in the first file that has it; data in the file itself wins over a file it names.
fn find(files: &[PathBuf], list: &str, inner: &str, name: &str, key: &str) -> Option<String> {
    files.iter().find_map(|file| {
        let text = std::fs::read_to_string(file).ok()?;
        let config: Value = serde_saphyr::from_str(&text).ok()?;
        let all = config.get(list)?.as_array()?;
        let n = all.iter().position(|entry| entry["name"] == name)?;
        let has = |key: &&String| {
            all[n][inner]
                .get(key.as_str())
                .is_some_and(|v| !v.is_null())
        };
        let keys = [format!("{key}-data"), key.to_owned()];
        let key = keys.iter().find(has).map_or(key, String::as_str);
        place(file, &text, &format!("{list}[{n}].{inner}.{key}"))
    })
}
