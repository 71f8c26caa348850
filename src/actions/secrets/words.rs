//! What looks like a secret, by its name or by its looks. Separate because it is decided in one place, and tested as such.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::{MASK, is_masked};

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
    "jwt",
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
    ("ssh", "key"),
    ("rsa", "key"),
    ("deploy", "key"),
    ("hmac", "key"),
    ("master", "key"),
    ("shared", "key"),
    ("storage", "key"),
    ("subscription", "key"),
    ("connection", "string"),
    ("amz", "signature"),
    ("pass", "word"),
];

/// The last word of a name that says something about a secret: `AUTH_METHOD`, `passwordLength`.
const ABOUT: &[&str] = &[
    "name",
    "names",
    "namespace",
    "ref",
    "file",
    "path",
    "dir",
    "id",
    "url",
    "uri",
    "host",
    "endpoint",
    "type",
    "mode",
    "method",
    "enabled",
    "required",
    "provider",
    "issuer",
    "length",
    "limit",
    "count",
    "ttl",
];

/// Before `token` they make it one of a vocabulary.
const VOCABULARY: &[&str] = &[
    "pad", "eos", "bos", "unk", "mask", "sep", "cls", "image", "special", "stop", "start", "end",
];

/// In a word of a name they leave no doubt: `DBPASSWORD`.
const CONTAINED: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "credential",
    "apikey",
    "accesskey",
    "privatekey",
];

/// Whether the value of this name would be a secret: by its words, so that `max_tokens` and `tokenizer` are none. What
/// only refers to one (`secretName`, `secretKeyRef`) is none either.
pub fn is_secret_name(name: &str) -> bool {
    // where a shell is
    if matches!(name, "PWD" | "OLDPWD") {
        return false;
    }
    let words = words(name);
    if words.last().is_some_and(|word| ABOUT.contains(&&**word)) {
        return false;
    }
    if let [.., kind, token] = &words[..]
        && token == "token"
        && VOCABULARY.contains(&&**kind)
    {
        return false;
    }
    let single = |word: &String| {
        SECRET.contains(&&**word)
            || CONTAINED.iter().any(|part| word.contains(part))
            || word.ends_with("token")
    };
    let single = words.iter().any(single);
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
pub fn is_harmless(value: &str) -> bool {
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
        // whole words: `mask-rcnn-…` has no key in it
        r"\bhf_[A-Za-z0-9]{16,}",
        r"\bgh[pousr]_[A-Za-z0-9]{16,}",
        r"\bgithub_pat_[A-Za-z0-9_]{16,}",
        r"\bglpat-[A-Za-z0-9_-]{16,}",
        r"\bsk-[A-Za-z0-9_-]{16,}",
        r"\b(?:AKIA|ASIA)[0-9A-Z]{16}",
        r"\bxox[abprs]-[A-Za-z0-9-]{10,}",
        r"\bAIza[0-9A-Za-z_-]{30,}",
        r"\bya29\.[0-9A-Za-z_-]{16,}",
        r"\bnpm_[A-Za-z0-9]{20,}",
        r"\bnvapi-[A-Za-z0-9_-]{20,}",
        r"\bpypi-[A-Za-z0-9_-]{32,}",
        r"\bdckr_pat_[A-Za-z0-9_-]{16,}",
        r"\br8_[A-Za-z0-9]{20,}",
        r"\blsv2_(?:pt|sk)_[A-Za-z0-9_]{16,}",
        r"\bhvs\.[A-Za-z0-9_-]{20,}",
        r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
        r"\bAGE-SECRET-KEY-1[A-Z0-9]{20,}",
        r"https://hooks\.slack\.com/services/[A-Za-z0-9/]{8,}",
        r"https://discord(?:app)?\.com/api/webhooks/[0-9]+/[A-Za-z0-9_-]+",
        // of a signed address
        r"[?&]sig=[A-Za-z0-9%+/=_-]{16,}",
        r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?",
        r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)",
    ];
    Regex::new(&shapes.join("|")).ok()
});

/// `https://user:password@host`, `Bearer abc`.
static CARRIED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?P<url>[A-Za-z][A-Za-z0-9+.-]*://)(?:(?P<user>[^\s/@:]+:)(?P<password>[^\s/@]+)|[^\s/@:]{12,})@|(?i:(?P<word>\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,})",
    )
    .ok()
});

/// Stands for a mask while a text is looked through: a sign that is in no text.
const SIGN: char = '\u{f8ff}';

/// A text without what looks like a secret in it.
pub fn text(text: &str) -> String {
    changed(text).map_or_else(|| text.to_owned(), |(text, _)| text)
}

/// The same, with what each mask in it stands for, in order; none if nothing looks like a secret.
pub fn changed(text: &str) -> Option<(String, Vec<String>)> {
    let mut names: Vec<String> = Vec::new();
    let mut mark = |name: &str| {
        names.push(name.to_owned());
        format!("{SIGN}{}{SIGN}", names.len() - 1)
    };
    let mut out = text.replace(SIGN, "");
    if let Some(shapes) = SHAPES.as_ref() {
        out = shapes
            .replace_all(&out, |_: &Captures| mark("a token"))
            .into_owned();
    }
    if let Some(carried) = CARRIED.as_ref() {
        let told = |found: &Captures| {
            let name = |name| found.name(name).map_or("", |found| found.as_str());
            match (name("url"), name("user")) {
                ("", _) => format!("{}{}", name("word"), mark("Authorization")),
                (url, "") => format!("{url}{}@", mark("a token")),
                (url, user) => {
                    let whose = format!("password of {}", user.trim_end_matches(':'));
                    format!("{url}{user}{}@", mark(&whose))
                }
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
            let rest = &out[value.start()..];
            let kept = rest.starts_with(SIGN) || begins_masked(rest) || is_harmless(value.as_str());
            let secret = is_secret_name(name.as_str()) && !kept && (!blank || flag);
            let end = match secret {
                true => {
                    told.push_str(&out[at..value.start()]);
                    told.push_str(&mark(name.as_str().trim_matches(['-', '"', '\''])));
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
    if names.is_empty() {
        return None;
    }
    // in the order they stand in
    let (mut text, mut order) = (String::new(), Vec::new());
    for (n, part) in out.split(SIGN).enumerate() {
        match n % 2 {
            0 => text.push_str(part),
            _ => {
                text.push_str(MASK);
                let name = part.parse().ok().and_then(|n: usize| names.get(n));
                order.extend(name.cloned());
            }
        }
    }
    Some((text, order))
}

fn begins_masked(text: &str) -> bool {
    let quote = text.trim_start_matches(['"', '\'']);
    let end = quote.char_indices().nth(24).map_or(quote.len(), |(n, _)| n);
    quote.starts_with(['(', '<']) && is_masked(&quote[..end])
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

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
        "git clone https://me:(not kept)@host/r.git"
    )]
    #[case(
        "DBPASSWORD=x1 AUTHTOKEN=y1",
        "DBPASSWORD=(not kept) AUTHTOKEN=(not kept)"
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
        assert_eq!(text(want), want);
        let names = changed(given).map(|(_, names)| names.len());
        assert_eq!(names, Some(want.matches(MASK).count()));
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
}
