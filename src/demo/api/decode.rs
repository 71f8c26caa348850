//! Request bodies: from bytes to a decoded object, with everything the server says of bad ones.

use serde_json::Value;

use super::events;
use super::gojson;
use super::options::Validation;
use super::schema::{self, decode, schemas};
use super::status::Cause;
use super::write::Refusal;
use crate::store::Kind;

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    Json,
    Yaml,
    Protobuf,
}

impl Media {
    /// From a Content-Type without parameters; nothing is JSON.
    ///
    /// # Errors
    /// 415.
    pub fn of(content_type: &str) -> Result<Self, Refusal> {
        match content_type {
            "" | "application/json" => Ok(Self::Json),
            "application/yaml" => Ok(Self::Yaml),
            "application/vnd.kubernetes.protobuf" => Ok(Self::Protobuf),
            _ => Err(Refusal::new(
                415,
                "UnsupportedMediaType",
                "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf",
            )),
        }
    }
}

/// An object with what strict validation had to say of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Body {
    pub value: Value,
    /// For `Warning` headers.
    pub warnings: Vec<String>,
}

fn summary(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    match text.char_indices().nth(30) {
        Some((i, _)) => format!("{} ...", &text[..i]),
        None => text.into_owned(),
    }
}

/// Reads an object of a kind. `newer_events` is the events.k8s.io view.
///
/// # Errors
/// 400 as the server words it.
pub fn object(
    kind: &Kind,
    newer_events: bool,
    media: Media,
    bytes: &[u8],
    validation: Validation,
) -> Result<Body, Refusal> {
    let (group, version) = if newer_events {
        ("events.k8s.io", "v1")
    } else {
        (kind.group.as_str(), kind.version.as_str())
    };
    let named = schema::definition_name(group, version, &kind.kind);
    let expected = Expected {
        group,
        version,
        kind: &kind.kind,
        definition: if kind.custom { None } else { Some(&named) },
    };
    let mut body = expected.read(media, bytes, validation)?;
    if newer_events {
        body.value = events::core(body.value);
    }
    Ok(body)
}

/// The type a body must have.
pub struct Expected<'a> {
    pub group: &'a str,
    pub version: &'a str,
    pub kind: &'a str,
    /// Name of the schema; `None` takes anything.
    pub definition: Option<&'a str>,
}

impl Expected<'_> {
    fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// Decodes a body of this type.
    ///
    /// # Errors
    /// 400 as the server words it.
    pub fn read(
        &self,
        media: Media,
        bytes: &[u8],
        validation: Validation,
    ) -> Result<Body, Refusal> {
        let unrecognized = |why: &str| {
            Refusal::bad_request(format!(
                "the object provided is unrecognized (must be of type {}): {why} ({})",
                self.kind,
                summary(bytes)
            ))
        };
        let untyped: Value = match media {
            Media::Json => {
                if let Some(why) = gojson::syntax_error(bytes) {
                    return Err(unrecognized(&format!(
                        "couldn't get version/kind; json parse error: {why}"
                    )));
                }
                serde_json::from_slice(bytes).map_err(|e| unrecognized(&e.to_string()))?
            }
            Media::Yaml => yaml(bytes).map_err(|e| unrecognized(&e))?,
            Media::Protobuf => {
                schema::proto::decode(schemas(), bytes).map_err(|e| unrecognized(&e))?
            }
        };
        let (version, kind) = self.type_of(&untyped, &unrecognized)?;
        if self.definition.is_none() {
            self.custom_type(&untyped, &version, &kind, &unrecognized)?;
        } else if kind != self.kind || version != self.api_version() {
            return Err(self.mismatch(&version, &kind));
        }
        let v = self.version;
        let refuse = |why: &str| {
            Refusal::bad_request(format!(
                "{kind} in version \"{v}\" cannot be handled as a {}: {why}",
                self.kind
            ))
        };
        let of = self.definition.and_then(|d| schemas().named(d));
        let of = of.unwrap_or(schemas().any());
        let decoded = match media {
            Media::Json => {
                let mut input = serde_json::Deserializer::from_slice(bytes);
                decode::typed(schemas(), of, &mut input)
            }
            _ => decode::typed(schemas(), of, untyped),
        };
        let decoded = decoded.map_err(|e| refuse(&e))?;
        let strict = decoded.strict;
        if validation == Validation::Strict && !strict.is_empty() {
            return Err(refuse(&format!(
                "strict decoding error: {}",
                strict.join(", ")
            )));
        }
        Ok(Body {
            value: decoded.value,
            warnings: if validation == Validation::Warn {
                strict
            } else {
                Vec::new()
            },
        })
    }

    /// Custom kinds take nothing from the URL, and put a wrong type in other words.
    fn custom_type(
        &self,
        body: &Value,
        version: &str,
        kind: &str,
        unrecognized: &dyn Fn(&str) -> Refusal,
    ) -> Result<(), Refusal> {
        if body["kind"].as_str().is_none_or(str::is_empty) {
            return Err(unrecognized(&format!(
                "Object 'Kind' is missing in '{body}'"
            )));
        }
        if version != self.api_version() {
            return Err(self.mismatch_version(version));
        }
        if kind != self.kind {
            let why = format!("must be {}", self.kind);
            let cause = Cause::invalid("kind", &body["kind"], &why);
            let name = body["metadata"]["name"].as_str().unwrap_or_default();
            return Err(Refusal::invalid(self.group, kind, name, &[cause]));
        }
        Ok(())
    }

    fn mismatch_version(&self, version: &str) -> Refusal {
        Refusal::bad_request(format!(
            "the API version in the data ({version}) does not match the expected API version ({})",
            self.api_version()
        ))
    }

    /// What the body says it is; what it leaves out is taken from the URL.
    fn type_of(
        &self,
        body: &Value,
        unrecognized: &dyn Fn(&str) -> Refusal,
    ) -> Result<(String, String), Refusal> {
        let found = match body {
            Value::Object(_) => None,
            Value::Array(_) => Some("array"),
            Value::String(_) => Some("string"),
            Value::Number(_) => Some("number"),
            Value::Bool(_) => Some("bool"),
            Value::Null => None,
        };
        if let Some(found) = found {
            return Err(unrecognized(&format!(
                "couldn't get version/kind; json parse error: json: cannot unmarshal {found} into Go value of type struct {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}"
            )));
        }
        let text = |field: &str| {
            body[field]
                .as_str()
                .filter(|s| !s.is_empty())
                .map(str::to_owned)
        };
        let version = text("apiVersion").unwrap_or_else(|| self.api_version());
        let kind = text("kind").unwrap_or_else(|| self.kind.to_owned());
        Ok((version, kind))
    }

    fn mismatch(&self, version: &str, kind: &str) -> Refusal {
        let (group, v) = version.rsplit_once('/').unwrap_or(("", version));
        let known = schemas().root(group, v, kind).is_some();
        if !known {
            let served = schema::knows_version(group, v);
            let scheme = if served {
                "pkg/runtime/scheme.go:111"
            } else {
                "pkg/api/legacyscheme/scheme.go:30"
            };
            return Refusal::bad_request(format!(
                "{kind} in version \"{v}\" cannot be handled as a {}: no kind \"{kind}\" is registered for version \"{version}\" in scheme \"{scheme}\"",
                self.kind
            ));
        }
        if kind == self.kind {
            return self.mismatch_version(version);
        }
        let package = |group: &str| {
            let first = group.split('.').next().unwrap_or_default();
            if first.is_empty() { "core" } else { first }.to_owned()
        };
        Refusal::bad_request(format!(
            "{kind} in version \"{v}\" cannot be handled as a {}: converting (v1.{kind}) to ({}.{}): unknown conversion",
            self.kind,
            package(self.group),
            self.kind
        ))
    }
}

/// A YAML document as a value.
pub fn yaml(bytes: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(bytes).map_err(|e| e.to_string())?;
    serde_saphyr::from_str(text)
        .map_err(|e| format!("yaml: {}", e.to_string().lines().next().unwrap_or_default()))
}

/// Reads a tree of unknown origin (a template in a custom resource, a file) with a built-in kind's type: numbers
/// become quantities, what the type does not know goes. Custom kinds have no type and pass as they are.
///
/// # Errors
/// 400 in the words of Go's decoder.
pub fn conform(kind: &Kind, value: Value) -> Result<Value, Refusal> {
    let of = schemas().root(&kind.group, &kind.version, &kind.kind);
    let Some(of) = of.filter(|_| !kind.custom) else {
        return Ok(value);
    };
    let decoded = decode::typed(schemas(), of, value);
    decoded.map(|d| d.value).map_err(Refusal::bad_request)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds;

    fn read(text: &str, validation: Validation) -> Result<Body, String> {
        let kinds = kinds::builtin();
        let kind = kinds.iter().find(|k| k.kind == "Job").unwrap();
        object(kind, false, Media::Json, text.as_bytes(), validation).map_err(|r| r.message)
    }

    #[test]
    fn bad_bodies_are_refused_in_the_servers_words() {
        for (text, want) in [
            (
                r#"{"apiVersion":"batch/v1","kind":"Job""#,
                r#"the object provided is unrecognized (must be of type Job): couldn't get version/kind; json parse error: unexpected end of JSON input ({"apiVersion":"batch/v1","kind ...)"#,
            ),
            (
                r#"{"apiVersion":"batch/v1","kind":"Pod"}"#,
                "Pod in version \"v1\" cannot be handled as a Job: no kind \"Pod\" is registered for version \"batch/v1\" in scheme \"pkg/runtime/scheme.go:111\"",
            ),
            (
                r#"{"apiVersion":"batch/v1","kind":"Job","spec":{"completions":"three"}}"#,
                "Job in version \"v1\" cannot be handled as a Job: json: cannot unmarshal string into Go struct field JobSpec.spec.completions of type int32",
            ),
            (
                r#"{"apiVersion":"batch/v1","kind":"Job","spec":{"paralelism":3}}"#,
                "Job in version \"v1\" cannot be handled as a Job: strict decoding error: unknown field \"spec.paralelism\"",
            ),
        ] {
            assert_eq!(read(text, Validation::Strict).unwrap_err(), want);
        }
        let warned = read(r#"{"spec":{"paralelism":3}}"#, Validation::Warn).unwrap();
        assert_eq!(warned.warnings, ["unknown field \"spec.paralelism\""]);
    }

    #[test]
    fn yaml_is_read_like_json() {
        let value = yaml(b"{kind: Job, spec: {suspend: true, n: [1, a]}}").unwrap();
        assert_eq!(
            value["spec"],
            serde_json::json!({"suspend": true, "n": [1, "a"]})
        );
    }
}
