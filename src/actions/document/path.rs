//! Paths of fields, as people and the API server write them.

use serde_json::{Map, Value};

use crate::actions::Refusal;

/// `a.b[0]["c.d"]` → `a`, `b`, `0`, `c.d`.
pub fn steps(path: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut chars = path.chars().peekable();
    let put = |all: &mut Vec<String>, c: char| {
        if let Some(last) = all.last_mut() {
            last.push(c);
        }
    };
    while let Some(c) = chars.next() {
        match c {
            '.' => all.push(String::new()),
            '[' => {
                all.push(String::new());
                let quote = chars.next_if(|c| matches!(c, '"' | '\''));
                while let Some(c) = chars.next() {
                    match (c, quote) {
                        (']', None) => break,
                        (c, Some(quote)) if c == quote => {
                            chars.next_if_eq(&']');
                            break;
                        }
                        ('\\', Some(_)) => {
                            if let Some(c) = chars.next() {
                                put(&mut all, c);
                            }
                        }
                        (c, _) => put(&mut all, c),
                    }
                }
            }
            c => put(&mut all, c),
        }
    }
    all.retain(|step| !step.is_empty());
    all
}

/// Where a path ends that is followed by `=`; none where there is no such sign.
pub fn end_of_path(text: &str) -> Option<usize> {
    let mut inside = false;
    let mut signs = text.char_indices();
    let at = signs.find(|(_, c)| {
        match c {
            '[' => inside = true,
            ']' => inside = false,
            _ => {}
        }
        *c == '=' && !inside
    });
    at.map(|(at, _)| at).filter(|at| *at > 0)
}

/// Sets a field by its path; maps on the way are made, null takes it out.
///
/// # Errors
/// Something on the way is no map and no list, or there is no such item.
pub fn set(object: &mut Value, path: &str, value: Value) -> Result<(), Refusal> {
    let steps = match path.starts_with('/') {
        true => pointer(path),
        false => steps(path),
    };
    let Some((last, way)) = steps.split_last() else {
        return Err(Refusal::new(format!("{path:?} is no field")).next("e.g. spec.parallelism"));
    };
    let wrong = |step: &str| {
        Refusal::new(format!("{path}: there is no place for {step:?}"))
            .next("an item of a list is e.g. containers[0], one more than there are adds one")
    };
    let mut at = object;
    for step in way {
        if at.is_null() {
            *at = Value::Object(Map::new());
        }
        at = match at {
            // nothing is made only to take something out of it
            Value::Object(map) if value.is_null() && !map.contains_key(step) => return Ok(()),
            Value::Object(map) => map.entry(step.as_str()).or_insert(Value::Null),
            Value::Array(all) => {
                let item = step.parse().ok().and_then(|n: usize| all.get_mut(n));
                item.ok_or_else(|| wrong(step))?
            }
            _ => return Err(wrong(step)),
        };
    }
    if at.is_null() && !value.is_null() {
        *at = Value::Object(Map::new());
    }
    match at {
        Value::Object(map) if value.is_null() => drop(map.remove(last)),
        Value::Object(map) => drop(map.insert(last.clone(), value)),
        Value::Array(all) => match last.parse::<usize>() {
            Ok(n) if n < all.len() && value.is_null() => drop(all.remove(n)),
            Ok(n) if n < all.len() => all[n] = value,
            Ok(n) if n == all.len() && !value.is_null() => all.push(value),
            _ => return Err(wrong(last)),
        },
        Value::Null => {}
        _ => return Err(wrong(last)),
    }
    Ok(())
}

/// `/a/b~1c/0`
pub fn pointer(path: &str) -> Vec<String> {
    let parts = path.split('/').skip(1);
    parts
        .map(|part| part.replace("~1", "/").replace("~0", "~"))
        .collect()
}

/// A complaint of the server about one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    pub path: String,
    pub why: String,
    /// What stands there where something else is wanted, as the server calls it: `string`, `number 3.5`. The path has no
    /// numbers of items then.
    pub got: Option<String>,
}

impl Complaint {
    fn new(path: &str, why: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            why: why.into(),
            got: None,
        }
    }
}

/// `json: cannot unmarshal string into Go struct field JobSpec.spec.parallelism of type int32`
fn mistyped(message: &str) -> Option<Complaint> {
    let (_, rest) = message.split_once("cannot unmarshal ")?;
    let (got, rest) = rest.split_once(" into Go struct field ")?;
    let (place, wanted) = rest.split_once(" of type ")?;
    let (_, path) = place.split_once('.')?;
    let is = match got.split(' ').next().unwrap_or_default() {
        "string" => "a text",
        "number" => "a number",
        "bool" => "true or false",
        "array" => "a list",
        "object" => "a map",
        other => other,
    };
    let wanted = match wanted.trim_end() {
        w if w.starts_with("[]") => "a list",
        w if w.starts_with("int") || w.starts_with("uint") => "a whole number",
        w if w.starts_with("float") => "a number",
        "string" => "a text",
        "bool" => "true or false",
        _ => "a map",
    };
    Some(Complaint {
        got: Some(got.into()),
        ..Complaint::new(path, format!("{wanted} is wanted, not {is}"))
    })
}

/// The fields that a message of the API server is about: `Job.batch "x" is invalid: [spec.a: Required value, …]`,
/// `strict decoding error: unknown field "spec.b"`. A message about no field has none.
pub fn complaints(message: &str) -> Vec<Complaint> {
    let field = |text: &str| {
        let text = text.trim_matches('"');
        let known = ["spec", "metadata", "status", "apiVersion", "kind"];
        let head: String = text.chars().take_while(|c| c.is_alphanumeric()).collect();
        let plain = |c: char| c.is_alphanumeric() || "._-[]()\"'/*".contains(c);
        known.contains(&&*head) && text.chars().all(plain)
    };
    let mut all = Vec::new();
    if let Some(one) = mistyped(message) {
        return vec![one];
    }
    if let Some((_, rest)) = message.split_once("strict decoding error: ") {
        for one in rest.split(", ") {
            let Some((what, name)) = one.split_once("field ") else {
                continue;
            };
            let path = name.trim().trim_matches('"');
            all.push(Complaint::new(path, format!("{what}field")));
        }
        return all;
    }
    let body = message
        .split_once(" is invalid: ")
        .map_or(message, |(_, b)| b);
    let body = body
        .strip_prefix('[')
        .map_or(body, |b| b.strip_suffix(']').unwrap_or(b));
    // one begins where a field does; commas are in their words, too
    for piece in body.split(", ") {
        match piece.split_once(": ") {
            Some((path, why)) if field(path) => all.push(Complaint::new(path, why)),
            _ => {
                if let Some(last) = all.last_mut() {
                    last.why.push_str(", ");
                    last.why.push_str(piece);
                }
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_set_by_their_path() {
        let mut object = json!({"spec": {"list": [{"a": 1}], "text": "x"}});
        let mut put = |path: &str, value: Value| set(&mut object, path, value);
        put("spec.list[0].a", 2.into()).unwrap();
        put("spec.list[1]", json!({"b": 1})).unwrap();
        put("metadata.labels[\"x.y/z\"]", "1".into()).unwrap();
        put("spec.gone.deep", Value::Null).unwrap();
        put("/spec/text", Value::Null).unwrap();
        for wrong in ["spec.list[7].a", "spec.list.x", "spec.list[0].a.b", ""] {
            assert!(put(wrong, 1.into()).is_err(), "{wrong}");
        }
        assert_eq!(
            object,
            json!({"metadata": {"labels": {"x.y/z": "1"}}, "spec": {"list": [{"a": 2}, {"b": 1}]}})
        );
        assert_eq!(
            (
                end_of_path("a[b=c].d=e"),
                end_of_path("=x"),
                end_of_path("a")
            ),
            (Some(8), None, None)
        );
    }

    #[rstest]
    #[case("Job.batch \"x\" is invalid: spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\"",
        &[("spec.template.spec.restartPolicy", "Required value: valid values: \"OnFailure\", \"Never\"")])]
    #[case("Job.batch \"x\" is invalid: [spec.completions: Required value, spec.template.spec.containers[0].image: Required value]",
        &[("spec.completions", "Required value"), ("spec.template.spec.containers[0].image", "Required value")])]
    #[case("Job in version \"v1\" cannot be handled as a Job: strict decoding error: unknown field \"spec.parallel\", duplicate field \"spec.a\"",
        &[("spec.parallel", "unknown field"), ("spec.a", "duplicate field")])]
    #[case("Job in version \"v1\" cannot be handled as a Job: json: cannot unmarshal string into Go struct field JobSpec.spec.parallelism of type int32",
        &[("spec.parallelism", "a whole number is wanted, not a text")])]
    #[case("json: cannot unmarshal number 3.5 into Go struct field JobSpec.spec.completions of type int32",
        &[("spec.completions", "a whole number is wanted, not a number")])]
    #[case("json: cannot unmarshal object into Go struct field Container.spec.template.spec.containers.env of type []v1.EnvVar",
        &[("spec.template.spec.containers.env", "a list is wanted, not a map")])]
    #[case("admission webhook \"x\" denied the request: no", &[])]
    fn complaints_name_fields(#[case] message: &str, #[case] want: &[(&str, &str)]) {
        let got = complaints(message);
        let got: Vec<(&str, &str)> = got.iter().map(|c| (&*c.path, &*c.why)).collect();
        assert_eq!(got, want);
    }
}
