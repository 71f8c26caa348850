//! What of an object may be kept: nothing the server added, no value of an environment variable, nothing that looks
//! like a secret. Separate because it is the one place where that is decided, and it is tested as such.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::{Map, Value};

/// Stands where something was that is not kept.
pub const MASK: &str = "(not kept)";

/// Set by the server; an object with them cannot be sent again.
const SERVER: &[&str] = &[
    "managedFields",
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "generation",
    "selfLink",
    "ownerReferences",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "finalizers",
];

/// Labels the Job controller puts on a Job and its pods.
const MADE: &[&str] = &[
    "controller-uid",
    "batch.kubernetes.io/controller-uid",
    "job-name",
    "batch.kubernetes.io/job-name",
];

/// Words of names whose values are secrets.
const SECRET: &[&str] = &[
    "token",
    "secret",
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "credential",
    "credentials",
    "apikey",
    "accesskey",
    "privatekey",
    "authorization",
    "cookie",
    "dockerconfigjson",
    "dockercfg",
    "auth",
    "pat",
];

/// Two words that mean one together.
const PAIRS: &[(&str, &str)] = &[
    ("api", "key"),
    ("access", "key"),
    ("private", "key"),
    ("secret", "key"),
    ("signing", "key"),
    ("encryption", "key"),
    ("account", "key"),
    ("license", "key"),
    ("pass", "word"),
];

/// An object without status and what the server added, and without its secrets; with the paths of what is not kept.
pub fn manifest(object: &Value) -> (Value, Vec<String>) {
    let mut kept = object.clone();
    if let Some(map) = kept.as_object_mut() {
        map.remove("status");
        if let Some(metadata) = map.get_mut("metadata").and_then(Value::as_object_mut) {
            SERVER.iter().for_each(|key| drop(metadata.remove(*key)));
            unlabel(metadata);
        }
        if map.get("kind").and_then(Value::as_str) == Some("Job")
            && let Some(spec) = map.get_mut("spec").and_then(Value::as_object_mut)
        {
            if spec.get("manualSelector").and_then(Value::as_bool) != Some(true) {
                spec.remove("selector");
            }
            let template = spec.get_mut("template").and_then(|t| t.get_mut("metadata"));
            if let Some(metadata) = template.and_then(Value::as_object_mut) {
                metadata.remove("creationTimestamp");
                unlabel(metadata);
            }
        }
    }
    let mut walk = Walk::default();
    walk.value(&mut kept, "", "");
    (kept, walk.masked)
}

fn unlabel(metadata: &mut Map<String, Value>) {
    if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
        MADE.iter().for_each(|key| drop(labels.remove(*key)));
    }
}

#[derive(Default)]
struct Walk {
    masked: Vec<String>,
}

impl Walk {
    fn mask(&mut self, value: &mut Value, path: &str) {
        if !value.is_null() && *value != MASK {
            *value = MASK.into();
            self.masked.push(path.to_owned());
        }
    }

    fn value(&mut self, value: &mut Value, path: &str, key: &str) {
        match value {
            Value::Object(map) => self.map(map, path),
            Value::Array(list) if matches!(key, "args" | "command" | "entrypoint") => {
                self.arguments(list, path);
            }
            Value::Array(list) => {
                for (n, item) in list.iter_mut().enumerate() {
                    self.value(item, &format!("{path}[{n}]"), key);
                }
            }
            Value::String(text) => {
                if let Some(clean) = changed(text) {
                    *text = clean;
                    self.masked.push(path.to_owned());
                }
            }
            _ => {}
        }
    }

    fn map(&mut self, map: &mut Map<String, Value>, path: &str) {
        // of all applied manifests, whoever applied them: they hold every value once more
        map.retain(|key, _| !key.ends_with("/last-applied-configuration"));
        let is_secret = map.get("kind").and_then(Value::as_str) == Some("Secret");
        let named = map
            .get("name")
            .and_then(Value::as_str)
            .is_some_and(is_secret_name);
        for (key, value) in map.iter_mut() {
            let path = match path {
                "" => key.clone(),
                path if key.contains(['.', '/']) => format!("{path}[{key:?}]"),
                path => format!("{path}.{key}"),
            };
            let all = is_secret && matches!(&**key, "data" | "stringData");
            if is_environment(key) || all {
                self.environment(value, &path);
            } else if key == "runtimeEnvYAML"
                || named && key == "value"
                || value.is_string() && is_secret_name(key)
            {
                self.mask(value, &path);
            } else if let Some(mut inner) = value.as_str().and_then(json) {
                let before = self.masked.len();
                self.value(&mut inner, &path, key);
                let text = inner.to_string();
                if self.masked.len() > before || value.as_str() != Some(text.as_str()) {
                    *value = text.into();
                }
            } else {
                self.value(value, &path, key);
            }
        }
    }

    /// Names stay, and where a value is taken from; what is written here does not.
    fn environment(&mut self, value: &mut Value, path: &str) {
        match value {
            Value::Array(list) => {
                for (n, item) in list.iter_mut().enumerate() {
                    let path = format!("{path}[{n}]");
                    match item.as_object_mut() {
                        Some(map) => {
                            let name = map.get("name").and_then(Value::as_str);
                            let path = name.map_or(path, |name| format!("{name} (environment)"));
                            if let Some(value) = map.get_mut("value") {
                                self.mask(value, &path);
                            }
                        }
                        None => self.mask(item, &path),
                    }
                }
            }
            Value::Object(map) => {
                for (key, value) in map.iter_mut() {
                    let path = format!("{path}.{key}");
                    match value {
                        Value::Object(_) | Value::Array(_) => self.environment(value, &path),
                        value => self.mask(value, &path),
                    }
                }
            }
            value => self.mask(value, path),
        }
    }

    fn arguments(&mut self, list: &mut [Value], path: &str) {
        let mut expects = false;
        for (n, item) in list.iter_mut().enumerate() {
            let path = format!("{path}[{n}]");
            let Value::String(text) = item else {
                expects = false;
                continue;
            };
            let flag = text.starts_with('-') && !text.contains(['=', ' ', '\n']);
            if std::mem::take(&mut expects) && !flag && !is_harmless(text) {
                self.mask(item, &path);
                continue;
            }
            expects = flag && is_secret_name(text);
            if let Some(clean) = changed(text) {
                *text = clean;
                self.masked.push(path);
            }
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

/// Whether the value of this name would be a secret: by its words, so that `max_tokens` and `tokenizer` are none. What
/// only refers to one (`secretName`, `secretKeyRef`) is none either.
fn is_secret_name(name: &str) -> bool {
    let words = words(name);
    if matches!(
        words.last().map(|w| &**w),
        Some("name" | "ref" | "file" | "path" | "id")
    ) {
        return false;
    }
    let single = words.iter().any(|word| SECRET.contains(&&**word));
    let pair = |two: &[String]| PAIRS.contains(&(&two[0], &two[1]));
    single || words.windows(2).any(pair)
}

/// `HF_TOKEN`, `hfToken`, `--hf-token` → `hf`, `token`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut lower = false;
    for c in name.chars() {
        let begins = c.is_uppercase() && lower;
        if !c.is_alphanumeric() || begins {
            words.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
        lower = c.is_lowercase() || c.is_ascii_digit();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Numbers, words that are no value, and what takes its value from elsewhere.
fn is_harmless(value: &str) -> bool {
    let value = value.trim_matches(['"', '\'']);
    let number = value.len() <= 8 && value.parse::<f64>().is_ok();
    let taken = value.starts_with('$') || value.starts_with("<(");
    number
        || taken
        || matches!(
            value,
            "" | "true"
                | "false"
                | "none"
                | "null"
                | "auto"
                | "Bearer"
                | "Basic"
                | "bearer"
                | "basic"
        )
}

/// `name=value`, `name: value`, `--name value`.
static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?P<name>-{0,2}[A-Za-z_][A-Za-z0-9_.-]*["']?)(?P<sep>\s*=\s*|\s*:\s*|\s+)(?P<value>"[^"]*"|'[^']*'|[^\s"'`;|&,)}\]]+)"#,
    )
    .ok()
});

/// Values that are secrets whatever they are called.
static SHAPES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let shapes = [
        r"hf_[A-Za-z0-9]{16,}",
        r"gh[pousr]_[A-Za-z0-9]{16,}",
        r"github_pat_[A-Za-z0-9_]{16,}",
        r"glpat-[A-Za-z0-9_-]{16,}",
        r"sk-[A-Za-z0-9_-]{16,}",
        r"(?:AKIA|ASIA)[0-9A-Z]{16}",
        r"xox[abprs]-[A-Za-z0-9-]{10,}",
        r"AIza[0-9A-Za-z_-]{30,}",
        r"ya29\.[0-9A-Za-z_-]{16,}",
        r"npm_[A-Za-z0-9]{20,}",
        r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?",
        r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)",
    ];
    Regex::new(&shapes.join("|")).ok()
});

/// `https://user:password@host`, `Bearer abc`.
static CARRIED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?P<url>[A-Za-z][A-Za-z0-9+.-]*://)(?:[^\s/@:]+:[^\s/@]+|[^\s/@:]{12,})@|(?i:(?P<word>\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,})",
    )
    .ok()
});

/// A text without what looks like a secret in it.
pub fn text(text: &str) -> String {
    changed(text).unwrap_or_else(|| text.to_owned())
}

fn changed(text: &str) -> Option<String> {
    let mut out = text.to_owned();
    if let Some(shapes) = SHAPES.as_ref() {
        out = shapes.replace_all(&out, MASK).into_owned();
    }
    if let Some(carried) = CARRIED.as_ref() {
        let told = |found: &Captures| {
            let name = |name| found.name(name).map_or("", |found| found.as_str());
            match name("url") {
                "" => format!("{}{MASK}", name("word")),
                url => format!("{url}{MASK}@"),
            }
        };
        out = carried.replace_all(&out, told).into_owned();
    }
    if let Some(named) = NAMED.as_ref() {
        let mut at = 0;
        let mut told = String::new();
        while let Some(found) = named.captures_at(&out, at) {
            let (Some(whole), Some(name), Some(sep), Some(value)) = (
                found.get(0),
                found.name("name"),
                found.name("sep"),
                found.name("value"),
            ) else {
                break;
            };
            // without a sign between them only a flag takes what follows
            let blank = sep.as_str().trim().is_empty();
            let flag = name.as_str().starts_with('-');
            let kept = value.as_str().starts_with("(not") || is_harmless(value.as_str());
            let secret = is_secret_name(name.as_str()) && !kept && (!blank || flag);
            let end = match secret {
                true => {
                    told.push_str(&out[at..value.start()]);
                    told.push_str(MASK);
                    whole.end()
                }
                // the value may be a name itself: `sh -c token=x`
                false => {
                    let end = sep.start().max(at + 1);
                    let end = (end..=out.len()).find(|e| out.is_char_boundary(*e));
                    let end = end.unwrap_or(out.len());
                    told.push_str(&out[at..end]);
                    end
                }
            };
            at = end;
        }
        told.push_str(&out[at..]);
        out = told;
    }
    (out != text).then_some(out)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case("--token=abc123xyz", "--token=(not kept)")]
    #[case("--hf-token abc123xyz --lr 3e-4", "--hf-token (not kept) --lr 3e-4")]
    #[case(
        "export WANDB_API_KEY='0123abc' && python t.py",
        "export WANDB_API_KEY=(not kept) && python t.py"
    )]
    #[case(
        "HF_TOKEN=abc python train.py --epochs 3",
        "HF_TOKEN=(not kept) python train.py --epochs 3"
    )]
    #[case("sh -c password=hunter2", "sh -c password=(not kept)")]
    #[case(
        "git clone https://me:ghx@host/r.git",
        "git clone https://(not kept)@host/r.git"
    )]
    #[case(
        "curl -H \"Authorization: Bearer abcdefgh123\"",
        "curl -H \"Authorization: Bearer (not kept)\""
    )]
    #[case("login with hf_abcdefghijklmnopqrst now", "login with (not kept) now")]
    #[case("AKIAABCDEFGHIJKLMNOP", "(not kept)")]
    #[case("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig_nature", "(not kept)")]
    #[case(
        "aws_secret_access_key = abcd/EFG",
        "aws_secret_access_key = (not kept)"
    )]
    #[case("{\"password\": \"hunter2\"}", "{\"password\": (not kept)}")]
    fn secrets_in_texts_go(#[case] given: &str, #[case] want: &str) {
        assert_eq!(text(given), want);
    }

    #[rstest]
    #[case("python train.py --max_new_tokens=512 --tokenizer bert-base")]
    #[case("--token $HF_TOKEN --num-tokens 4096")]
    #[case("step 12 loss 0.5 tokens/s 1234")]
    #[case("--secret-name db --auth-file /etc/x")]
    #[case("loss: 1.25, tokens: 12345, grad_norm: 0.5")]
    #[case("sleep 3600; echo done")]
    #[case("ü token é=1 — größer")]
    fn what_is_none_stays(#[case] given: &str) {
        assert_eq!(text(given), given);
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
        let (kept, masked) = manifest(&object);
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
        assert!(
            masked.iter().any(|path| path == "MODE (environment)"),
            "{masked:?}"
        );
        // once more changes nothing
        assert_eq!(manifest(&kept).0, kept);
    }
}
