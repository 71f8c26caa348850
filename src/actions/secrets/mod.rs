//! Values in a manifest that look like secrets: what is kept on disk has them masked, so that neither the trash nor the
//! history is a place to find passwords in. Where they were is kept, so that they can be given again.

mod lines;
mod words;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::Refusal;
use words::{changed, is_harmless, is_secret_name};

pub use lines::rough;
pub use words::text;

/// What stands in place of a value.
pub const MASK: &str = "(not kept)";
/// What stood there in the trash before.
const OLD_MASK: &str = "<masked by jobdeck>";

/// Whether a text has a mask in it.
pub fn is_masked(text: &str) -> bool {
    text.contains(MASK) || text.contains(OLD_MASK)
}

/// A masked value: where it was (a JSON pointer), and what it is called. Several in one text stand in its order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Masked {
    pub pointer: String,
    pub name: String,
}

impl<'de> Deserialize<'de> for Masked {
    /// Older records of the history have only words; [`find`] finds the places again.
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Words(String),
            Place { pointer: String, name: String },
        }
        Ok(match Either::deserialize(d)? {
            Either::Words(name) => Self {
                name,
                ..Self::default()
            },
            Either::Place { pointer, name } => Self { pointer, name },
        })
    }
}

/// Masks what looks like a secret, and answers what was masked. `environment`: every value of an environment variable as
/// well, whatever it is called.
pub fn mask(manifest: &mut Value, environment: bool) -> Vec<Masked> {
    let mut walk = Walk {
        masked: Vec::new(),
        at: String::new(),
        inside: false,
        environment,
    };
    walk.value(manifest, "");
    walk.masked
}

/// Puts a value back in the place of the first mask of a text; false if there is none.
pub fn unmask(manifest: &mut Value, place: &Masked, value: &str) -> bool {
    let Some(Value::String(text)) = manifest.pointer_mut(&place.pointer) else {
        return false;
    };
    let mask = match (text.find(MASK), text.find(OLD_MASK)) {
        (Some(new), Some(old)) if old < new => OLD_MASK,
        (Some(_), _) => MASK,
        (None, Some(_)) => OLD_MASK,
        (None, None) => return false,
    };
    *text = text.replacen(mask, value, 1);
    true
}

/// Puts all values back. `next`: how they are given.
///
/// # Errors
/// Which are missing.
pub fn fill(
    manifest: &mut Value,
    masked: &[Masked],
    given: &[(String, String)],
    next: &str,
) -> Result<(), Refusal> {
    let value = |place: &Masked| {
        let value = given.iter().find(|(name, _)| *name == place.name);
        value.map(|(_, value)| value)
    };
    let mut missing: Vec<&str> = Vec::new();
    for place in masked {
        let put = value(place).is_some_and(|value| unmask(manifest, place, value));
        if !put && !missing.contains(&place.name.as_str()) {
            missing.push(&place.name);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let all = missing.join(", ");
    let why = format!("the values of {all} were not kept: they look like secrets");
    Err(Refusal::new(why).next(next))
}

/// The masks in a manifest, where their places were not kept.
pub fn find(manifest: &Value) -> Vec<Masked> {
    let mut found = Vec::new();
    search(manifest, &mut String::new(), "", &mut found);
    found
}

fn search(value: &Value, at: &mut String, name: &str, found: &mut Vec<Masked>) {
    match value {
        Value::Object(map) => {
            let named = map.get("name").and_then(Value::as_str);
            for (key, value) in map {
                let name = named.filter(|_| key == "value").unwrap_or(key);
                below(at, key, |at| search(value, at, name, found));
            }
        }
        Value::Array(all) => {
            let mut before = "";
            for (n, value) in all.iter().enumerate() {
                let flag = before.strip_prefix("--").unwrap_or(name);
                below(at, &n.to_string(), |at| search(value, at, flag, found));
                before = value.as_str().unwrap_or_default();
            }
        }
        Value::String(text) => {
            let mut parts = text
                .split(MASK)
                .flat_map(|part| part.split(OLD_MASK))
                .peekable();
            while let Some(part) = parts.next() {
                if parts.peek().is_none() {
                    break;
                }
                // `--token=`, `TOKEN: `: what stands before it
                let word = part.trim_end_matches([' ', '=', ':', '"', '\'']);
                let sign = |c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
                let word = word.rsplit(sign).next().unwrap_or_default();
                let own = (word.len() < part.len()).then(|| word.trim_start_matches('-'));
                let own = own.filter(|word| !word.is_empty());
                found.push(Masked {
                    pointer: at.clone(),
                    name: own.unwrap_or(name).to_owned(),
                });
            }
        }
        _ => {}
    }
}

/// Goes one step down a JSON pointer and back.
fn below<R>(at: &mut String, key: &str, then: impl FnOnce(&mut String) -> R) -> R {
    let length = at.len();
    at.push('/');
    at.push_str(&key.replace('~', "~0").replace('/', "~1"));
    let out = then(at);
    at.truncate(length);
    out
}

struct Walk {
    masked: Vec<Masked>,
    at: String,
    /// Within JSON that is a text: the place is that of the text.
    inside: bool,
    environment: bool,
}

impl Walk {
    fn down(&mut self, key: &str, then: impl FnOnce(&mut Self)) {
        let length = self.at.len();
        if !self.inside {
            self.at.push('/');
            self.at.push_str(&key.replace('~', "~0").replace('/', "~1"));
        }
        then(self);
        self.at.truncate(length);
    }

    fn note(&mut self, name: &str) {
        self.masked.push(Masked {
            pointer: self.at.clone(),
            name: name.to_owned(),
        });
    }

    /// All of a value.
    fn whole(&mut self, value: &mut Value, name: &str) {
        let known = value
            .as_str()
            .is_some_and(|text| text.is_empty() || is_masked(text));
        if !value.is_null() && !known {
            *value = MASK.into();
            self.note(name);
        }
    }

    fn words(&mut self, text: &mut String) {
        if let Some((clean, names)) = changed(text) {
            *text = clean;
            names.iter().for_each(|name| self.note(name));
        }
    }

    fn value(&mut self, value: &mut Value, key: &str) {
        match value {
            Value::Object(map) => self.map(map),
            Value::Array(list) if matches!(key, "args" | "command" | "entrypoint") => {
                self.arguments(list);
            }
            Value::Array(list) => {
                for (n, item) in list.iter_mut().enumerate() {
                    self.down(&n.to_string(), |walk| walk.value(item, key));
                }
            }
            Value::String(text) => self.words(text),
            _ => {}
        }
    }

    fn map(&mut self, map: &mut Map<String, Value>) {
        // of all applied manifests, whoever applied them: they hold every value once more
        map.retain(|key, _| !key.ends_with("/last-applied-configuration"));
        let is_secret = map.get("kind").and_then(Value::as_str) == Some("Secret");
        let name = map.get("name").and_then(Value::as_str).map(str::to_owned);
        let telling = name.as_deref().filter(|name| is_secret_name(name));
        for (key, value) in map.iter_mut() {
            let all = is_secret && matches!(&**key, "data" | "stringData");
            let env = is_environment(key);
            self.down(key, |walk| {
                if env || all {
                    walk.variables(value, all || walk.environment, key);
                } else if key == "runtimeEnvYAML" && walk.environment {
                    walk.whole(value, key);
                } else if let Some(name) = telling.filter(|_| key == "value") {
                    walk.whole(value, name);
                } else if value.is_string() && is_secret_name(key) {
                    walk.whole(value, key);
                } else if let Some(mut inner) = value.as_str().and_then(json) {
                    let (before, outside) = (walk.masked.len(), walk.inside);
                    walk.inside = true;
                    walk.value(&mut inner, key);
                    walk.inside = outside;
                    if walk.masked.len() > before {
                        *value = inner.to_string().into();
                    }
                } else {
                    walk.value(value, key);
                }
            });
        }
    }

    /// Names stay, and where a value is taken from. `all`: no value does.
    fn variables(&mut self, value: &mut Value, all: bool, key: &str) {
        match value {
            Value::Array(list) => {
                for (n, item) in list.iter_mut().enumerate() {
                    self.down(&n.to_string(), |walk| match item.as_object_mut() {
                        Some(map) => {
                            let name = map.get("name").and_then(Value::as_str);
                            let name = name.unwrap_or_default().to_owned();
                            if let Some(value) = map.get_mut("value") {
                                walk.down("value", |walk| walk.variable(value, all, &name));
                            }
                        }
                        None => walk.variable(item, all, key),
                    });
                }
            }
            Value::Object(map) => {
                for (key, value) in map.iter_mut() {
                    self.down(key, |walk| match value {
                        Value::Object(_) | Value::Array(_) => walk.variables(value, all, key),
                        value => walk.variable(value, all, key),
                    });
                }
            }
            value => self.variable(value, all, key),
        }
    }

    fn variable(&mut self, value: &mut Value, all: bool, name: &str) {
        match value {
            Value::String(word)
                if !all && matches!(&**word, "true" | "false" | "none" | "auto") => {}
            value if all || is_secret_name(name) => self.whole(value, name),
            Value::String(text) => self.words(text),
            _ => {}
        }
    }

    fn arguments(&mut self, list: &mut [Value]) {
        let mut expects: Option<String> = None;
        for (n, item) in list.iter_mut().enumerate() {
            let Value::String(text) = item else {
                expects = None;
                continue;
            };
            let flag = text.starts_with('-') && !text.contains(['=', ' ', '\n']);
            if let Some(name) = expects.take()
                && !flag
                && !is_harmless(text)
            {
                self.down(&n.to_string(), |walk| walk.whole(item, &name));
                continue;
            }
            if flag && is_secret_name(text) {
                expects = Some(text.trim_start_matches('-').to_owned());
            }
            self.down(&n.to_string(), |walk| walk.words(text));
        }
    }
}

/// A value that is JSON itself, as annotations often are.
fn json(text: &str) -> Option<Value> {
    let text = text.trim();
    let looks = text.starts_with('{') && text.ends_with('}') || text.starts_with('[');
    looks.then(|| serde_json::from_str(text).ok()).flatten()
}

fn is_environment(key: &str) -> bool {
    let key = key.to_ascii_lowercase().replace(['_', '-'], "");
    matches!(
        &*key,
        "env" | "envvars" | "environment" | "environmentvariables"
    )
}

#[cfg(test)]
mod table;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::actions::clean::clean;

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
        let masked = mask(&mut manifest, false);
        let text = manifest.to_string();
        for secret in ["hf_abc", "xyz", "\"abc\"", "pw1"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        for kept in ["\"3\"", "/run/t", "--lr=0.1", "secretKeyRef", "--next"] {
            assert!(text.contains(kept), "{kept} not in {text}");
        }
        let names: Vec<&str> = masked.iter().map(|m| m.name.as_str()).collect();
        let expected = ["wandb-api-key", "token", "password of bot", "HF_TOKEN"];
        // without their places they are found again, under names that tell as much
        let found = find(&manifest);
        let places = |all: &[Masked]| all.iter().map(|m| m.pointer.clone()).collect::<Vec<_>>();
        assert_eq!(places(&found), places(&masked));
        assert_eq!(
            (&*found[0].name, &*found[1].name, &*found[3].name),
            ("wandb-api-key", "token", "HF_TOKEN")
        );
        assert_eq!(names, expected);
        for (place, value) in masked.iter().zip(["xyz", "abc", "pw1", "hf_abc"]) {
            assert!(unmask(&mut manifest, place, value));
        }
        assert_eq!(manifest, whole);
    }

    #[test]
    fn several_masks_of_one_text_are_given_in_their_order() {
        let whole = json!({"command": ["sh", "-c", "A_TOKEN=one B_SECRET=two git clone https://me:three@h/x"]});
        let mut manifest = whole.clone();
        let masked = mask(&mut manifest, false);
        let names: Vec<&str> = masked.iter().map(|m| m.name.as_str()).collect();
        assert_eq!(names, ["A_TOKEN", "B_SECRET", "password of me"]);
        let given = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let two = [given("B_SECRET", "two"), given("A_TOKEN", "one")];
        let refusal = fill(&mut manifest.clone(), &masked, &two, "give it").unwrap_err();
        assert!(
            refusal
                .to_string()
                .contains("the values of password of me were not kept")
        );
        let all = [two.to_vec(), vec![given("password of me", "three")]].concat();
        fill(&mut manifest, &masked, &all, "").unwrap();
        assert_eq!(manifest, whole);
    }

    #[test]
    fn older_files_are_read() {
        let trash = r#"{"pointer": "/env/0/value", "name": "T"}"#;
        let masked: Masked = serde_json::from_str(trash).unwrap();
        let mut manifest = json!({"env": [{"name": "T", "value": "<masked by jobdeck>"}]});
        assert_eq!(find(&manifest), std::slice::from_ref(&masked));
        assert!(unmask(&mut manifest, &masked, "x") && manifest["env"][0]["value"] == "x");
        let history: Masked = serde_json::from_str("\"MODE (environment)\"").unwrap();
        assert_eq!(
            (&*history.pointer, &*history.name),
            ("", "MODE (environment)")
        );
    }

    #[test]
    fn every_place_of_an_object_that_can_hold_a_secret() {
        let applied =
            json!({"spec": {"env": [{"name": "A", "value": "leak-applied"}]}}).to_string();
        let other = json!({"env": [{"name": "B", "value": "leak-json"}], "x": 1}).to_string();
        let object = json!({
            "apiVersion": "batch/v1", "kind": "Job",
            "metadata": {
                "name": "train", "namespace": "ml", "uid": "u", "resourceVersion": "1", "managedFields": [{"a": 1}],
                "labels": {"team": "ml", "job-name": "train"},
                "annotations": {
                    "kubectl.kubernetes.io/last-applied-configuration": applied,
                    "example.com/notes": other,
                    "vault.example.com/token": "leak-annotation",
                    "kueue.x-k8s.io/queue-name": "main",
                },
            },
            "status": {"failed": 1},
            "spec": {
                "selector": {"matchLabels": {"controller-uid": "u"}},
                "completions": 2,
                "template": {
                    "metadata": {"labels": {"controller-uid": "u", "app": "train"}},
                    "spec": {
                        "imagePullSecrets": [{"name": "registry"}],
                        "containers": [{
                            "name": "main", "image": "r/t:1",
                            "command": ["sh", "-c", "DB_PASSWORD=leak-shell python t.py"],
                            "args": ["--token", "leak-arg", "--password=leak-flag", "--lr", "1e-4", "--api-key", "leak-key"],
                            "env": [
                                {"name": "MODE", "value": "leak-env"},
                                {"name": "HF", "valueFrom": {"secretKeyRef": {"name": "hf", "key": "token"}}},
                            ],
                            "envFrom": [{"secretRef": {"name": "all"}}],
                            "livenessProbe": {"httpGet": {"httpHeaders": [{"name": "Authorization", "value": "leak-header"}]}},
                        }],
                        "volumes": [
                            {"name": "s", "secret": {"secretName": "hf"}},
                            {"name": "c", "csi": {"driver": "d", "volumeAttributes": {"clientSecret": "leak-csi"}}},
                            {"name": "f", "flexVolume": {"options": {"accountKey": "leak-flex", "share": "x"}}},
                            {"name": "t", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}},
                        ],
                    },
                },
                "runtimeEnvYAML": "env_vars: {A: leak-ray}",
                "trainer": {"env": [{"name": "X", "value": "leak-trainer"}], "environment": {"Y": "leak-map"}},
                "extra": [{"kind": "Secret", "data": {".dockerconfigjson": "leak-docker"}, "stringData": {"k": "leak-string"}}],
            },
        });
        let mut kept = clean(&object, None).manifest;
        let masked = mask(&mut kept, true);
        let text = kept.to_string();
        assert!(!text.contains("leak"), "{text}");
        assert_eq!(text.matches("leak").count(), 0);
        for stays in [
            "r/t:1",
            "\"main\"",
            "1e-4",
            "secretKeyRef",
            "\"HF\"",
            "\"MODE\"",
            "registry",
            "\"completions\":2",
            "\"hf\"",
            "\"app\":\"train\"",
            "\"team\":\"ml\"",
            "\"path\":\"token\"",
            "\"share\":\"x\"",
        ] {
            assert!(text.contains(stays), "{stays} is lost: {text}");
        }
        for gone in [
            "managedFields",
            "controller-uid",
            "job-name",
            "resourceVersion",
            "status",
            "last-applied",
            "selector",
        ] {
            assert!(!text.contains(gone), "{gone} stays: {text}");
        }
        assert!(masked.len() >= 14, "{masked:?}");
        assert!(masked.iter().any(|m| m.name == "MODE"), "{masked:?}");
        // once more changes nothing
        let mut again = kept.clone();
        assert!(mask(&mut again, true).is_empty());
        assert_eq!(again, kept);
    }
}
