//! Continue tokens of paged lists: opaque to clients, built as the real server builds them.

use serde_json::{Value, json};

use super::gojson;
use super::write::Refusal;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Where a list goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Continue {
    /// Version of the list; -1 in a token that gave consistency up.
    pub rv: i64,
    /// Namespace and name of the last object given out.
    pub after: (String, String),
}

impl Continue {
    pub fn encode(&self, namespaced: bool) -> String {
        let (ns, name) = &self.after;
        let start = if namespaced {
            format!("{ns}/{name}\0")
        } else {
            format!("{name}\0")
        };
        let token = json!({"v": "meta.k8s.io/v1", "rv": self.rv, "start": start});
        encode(token.to_string().as_bytes())
    }

    /// Reads a token. `namespace` is that of the request if it has one: tokens of such lists leave it out.
    ///
    /// # Errors
    /// 400 as the server words it.
    pub fn decode(text: &str) -> Result<Self, Refusal> {
        let bad = |why: String| Refusal::bad_request(format!("invalid continue token: {why}"));
        let invalid = |why: String| bad(format!("continue key is not valid: {why}"));
        let bytes = decode(text)
            .map_err(|at| invalid(format!("illegal base64 data at input byte {at}")))?;
        if let Some(why) = gojson::syntax_error(&bytes) {
            return Err(invalid(why));
        }
        let token: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let version = token["v"].as_str().unwrap_or_default();
        if version != "meta.k8s.io/v1" {
            return Err(invalid(format!(
                "server does not recognize this encoded version {version}"
            )));
        }
        let rv = token["rv"].as_i64().unwrap_or_default();
        let start = token["start"].as_str().unwrap_or_default();
        if rv == 0 {
            return Err(invalid(
                "incorrect encoded start resourceVersion (version meta.k8s.io/v1)".to_owned(),
            ));
        }
        if start.is_empty() {
            return Err(invalid(
                "encoded start key empty (version meta.k8s.io/v1)".to_owned(),
            ));
        }
        let start = start.trim_end_matches('\0');
        let (ns, name) = start.split_once('/').unwrap_or(("", start));
        Ok(Self {
            rv,
            after: (ns.to_owned(), name.to_owned()),
        })
    }
}

fn encode(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let n = chunk
            .iter()
            .enumerate()
            .fold(0u32, |n, (i, b)| n | u32::from(*b) << (16 - 8 * i));
        for i in 0..=chunk.len() {
            out.push(ALPHABET[(n >> (18 - 6 * i)) as usize & 63] as char);
        }
    }
    out
}

/// The bytes, or where the text stops being base64url.
fn decode(text: &str) -> Result<Vec<u8>, usize> {
    let mut out = Vec::new();
    for (i, chunk) in text.as_bytes().chunks(4).enumerate() {
        let mut n = 0u32;
        for (j, c) in chunk.iter().enumerate() {
            let digit = ALPHABET.iter().position(|a| a == c).ok_or(i * 4 + j)?;
            n |= (digit as u32) << (18 - 6 * j);
        }
        if chunk.len() == 1 {
            return Err(i * 4);
        }
        out.extend((0..chunk.len() - 1).map(|k| (n >> (16 - 8 * k)) as u8));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_come_back_as_they_went() {
        let token = Continue {
            rv: 42,
            after: ("ns".to_owned(), "pod-1".to_owned()),
        };
        assert_eq!(Continue::decode(&token.encode(true)).unwrap(), token);
        let rootless = Continue {
            rv: 7,
            after: (String::new(), "node".to_owned()),
        };
        assert_eq!(Continue::decode(&rootless.encode(false)).unwrap(), rootless);
    }

    #[test]
    fn garbage_is_refused_in_the_servers_words() {
        assert_eq!(
            Continue::decode("garbage").unwrap_err().message,
            "invalid continue token: continue key is not valid: invalid character '\\u0081' looking for beginning of value"
        );
        assert!(
            Continue::decode("!")
                .unwrap_err()
                .message
                .ends_with("input byte 0")
        );
    }
}
