//! Values in a manifest that look like secrets: what is kept on disk of a deleted object has them masked, so that the
//! trash is no place to find passwords in.

use serde_json::Value;

/// What stands in place of a value.
pub const MASK: &str = "<masked by jobdeck>";

/// What history puts there.
const OLD_MASK: &str = "(not kept)";

/// Whether a text has a mask in it.
pub fn is_masked(text: &str) -> bool {
    text.contains(MASK) || text.contains(OLD_MASK)
}

/// Parts of names whose values are no one's business.
const TELLING: [&str; 13] = [
    "secret",
    "token",
    "passwd",
    "password",
    "passphrase",
    "apikey",
    "api_key",
    "access_key",
    "accesskey",
    "private_key",
    "credential",
    "auth_key",
    "_pwd",
];

/// Whether a name says that its value is a secret.
pub fn is_telling(name: &str) -> bool {
    let name = name.to_lowercase().replace('-', "_");
    // where a secret lies is none
    if name.ends_with("_file") || name.ends_with("_path") || name.ends_with("_name") {
        return false;
    }
    TELLING.iter().any(|part| name.contains(part))
}

/// A masked value: where it was (a JSON pointer), and what it is called.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Masked {
    pub pointer: String,
    pub name: String,
}

/// Masks values that look like secrets: of environment variables, of `--password=X` and `--token X` among arguments,
/// and passwords in URLs. Answers what was masked.
pub fn mask(manifest: &mut Value) -> Vec<Masked> {
    let mut masked = Vec::new();
    walk(manifest, &mut String::new(), &mut masked);
    masked
}

/// Puts a value back in the place of a mask; false if there is none.
pub fn unmask(manifest: &mut Value, place: &Masked, value: &str) -> bool {
    match manifest.pointer_mut(&place.pointer) {
        Some(Value::String(text)) if text.contains(MASK) => {
            *text = text.replace(MASK, value);
            true
        }
        _ => false,
    }
}

fn walk(value: &mut Value, at: &mut String, masked: &mut Vec<Masked>) {
    let length = at.len();
    match value {
        Value::Object(map) => {
            let name = map.get("name").and_then(Value::as_str).map(str::to_owned);
            if let Some(name) = name.filter(|name| is_telling(name))
                && let Some(Value::String(text)) = map.get_mut("value")
                && !text.is_empty()
            {
                *text = MASK.into();
                masked.push(Masked {
                    pointer: format!("{at}/value"),
                    name,
                });
            }
            for (key, value) in map {
                at.push('/');
                at.push_str(&key.replace('~', "~0").replace('/', "~1"));
                walk(value, at, masked);
                at.truncate(length);
            }
        }
        Value::Array(all) => {
            let mut telling: Option<String> = None;
            for (n, value) in all.iter_mut().enumerate() {
                at.push('/');
                at.push_str(&n.to_string());
                // the word after `--token`
                let before = telling.take();
                if let (Some(name), Value::String(text)) = (before, &mut *value)
                    && !text.starts_with('-')
                    && !text.contains(MASK)
                {
                    *text = MASK.into();
                    masked.push(Masked {
                        pointer: at.clone(),
                        name,
                    });
                }
                if let Value::String(text) = &*value
                    && let Some(flag) = text.strip_prefix("--")
                    && !flag.contains('=')
                    && is_telling(flag)
                {
                    telling = Some(flag.to_owned());
                }
                walk(value, at, masked);
                at.truncate(length);
            }
        }
        Value::String(text) => word(text, at, masked),
        _ => {}
    }
}

/// `--password=X`, `HF_TOKEN=X`, `https://user:X@host`.
fn word(text: &mut String, at: &str, masked: &mut Vec<Masked>) {
    let mut out = text.clone();
    let mut found = None;
    if let Some((name, value)) = text.split_once('=')
        && !name.contains(char::is_whitespace)
        && !value.is_empty()
        && is_telling(name)
    {
        out = format!("{name}={MASK}");
        found = Some(name.trim_start_matches('-').to_owned());
    } else if let Some((scheme, rest)) = text.split_once("://")
        && let Some((login, host)) = rest.split_once('@')
        && let Some((user, password)) = login.split_once(':')
        && !password.is_empty()
        && !login.contains(['/', ' '])
    {
        out = format!("{scheme}://{user}:{MASK}@{host}");
        found = Some(format!("password of {user}"));
    }
    if let Some(name) = found.filter(|_| !text.contains(MASK)) {
        *text = out;
        masked.push(Masked {
            pointer: at.to_owned(),
            name,
        });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_masked_and_can_be_put_back() {
        let whole = json!({"spec": {"containers": [{
            "name": "main",
            "env": [
                {"name": "HF_TOKEN", "value": "hf_abc"},
                {"name": "EPOCHS", "value": "3"},
                {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "p"}}},
                {"name": "TOKEN_FILE", "value": "/run/t"},
            ],
            "args": ["--wandb-api-key=xyz", "--token", "abc", "--lr=0.1", "--token", "--next"],
            "command": ["git", "clone", "https://bot:pw1@git.example.com/x.git"],
        }]}});
        let mut manifest = whole.clone();
        let masked = mask(&mut manifest);
        let text = manifest.to_string();
        for secret in ["hf_abc", "xyz", "\"abc\"", "pw1"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        for kept in ["\"3\"", "/run/t", "--lr=0.1", "secretKeyRef", "--next"] {
            assert!(text.contains(kept), "{kept} not in {text}");
        }
        let names: Vec<&str> = masked.iter().map(|m| m.name.as_str()).collect();
        let expected = ["wandb-api-key", "token", "password of bot", "HF_TOKEN"];
        assert_eq!(names, expected);
        for (place, value) in masked.iter().zip(["xyz", "abc", "pw1", "hf_abc"]) {
            assert!(unmask(&mut manifest, place, value));
        }
        assert_eq!(manifest, whole);
    }
}
