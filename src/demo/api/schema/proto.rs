//! Reads the protobuf bodies that kubectl's typed commands send. Field numbers stand in a table, everything
//! else is told by the schema; answers are always JSON.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::{Schemas, Shape, Type, TypeId};
use crate::clock::{rfc3339, rfc3339_micro};

/// What a numbered field of a message is.
enum Slot {
    Field(&'static str),
    /// A message whose fields JSON shows as the parent's.
    Inline(&'static str),
}

type Message = HashMap<u64, Slot>;

static MESSAGES: LazyLock<HashMap<&'static str, Message>> = LazyLock::new(|| {
    let lines = include_str!("proto.txt").lines();
    let mut all = HashMap::new();
    for line in lines.filter(|l| !l.starts_with('#')) {
        let mut words = line.split(' ');
        let Some(name) = words.next() else { continue };
        let mut message = Message::new();
        let mut number = 0;
        for word in words.filter(|w| !w.is_empty()) {
            let (leap, word) = match word.split_once(':') {
                Some((n, word)) => (n.parse().ok(), word),
                None => (None, word),
            };
            number = leap.unwrap_or(number + 1);
            let slot = match word.strip_prefix('+') {
                Some(inline) => Slot::Inline(inline),
                None => Slot::Field(word),
            };
            message.insert(number, slot);
        }
        all.insert(name, message);
    }
    all
});

/// An object in the Kubernetes envelope: `k8s\0`, then a `runtime.Unknown` with the type and the message.
///
/// # Errors
/// What is wrong with the bytes, or that the type is not known.
pub fn decode(schemas: &Schemas, bytes: &[u8]) -> Result<Value, String> {
    let inner = bytes.strip_prefix(b"k8s\0").ok_or(
        "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]",
    )?;
    let (mut version, mut kind, mut raw) = (String::new(), String::new(), &b""[..]);
    for field in Fields(inner) {
        match field? {
            (1, Wire::Bytes(meta)) => {
                for field in Fields(meta) {
                    match field? {
                        (1, Wire::Bytes(b)) => version = text(b),
                        (2, Wire::Bytes(b)) => kind = text(b),
                        _ => {}
                    }
                }
            }
            (2, Wire::Bytes(b)) => raw = b,
            _ => {}
        }
    }
    let (group, v) = version.rsplit_once('/').unwrap_or(("", &version));
    let of = if kind.ends_with("Options") {
        schemas.named(&format!("io.k8s.apimachinery.pkg.apis.meta.v1.{kind}"))
    } else {
        schemas.root(group, v, &kind)
    };
    let of = of.ok_or_else(|| {
        format!("no kind \"{kind}\" is registered for version \"{version}\" in scheme")
    })?;
    let reader = Reader { schemas };
    let this = schemas.get(of);
    let mut out = reader.message(this, &this.message, raw)?;
    out.insert("apiVersion".to_owned(), json!(version));
    out.insert("kind".to_owned(), json!(kind));
    Ok(Value::Object(out))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[derive(Debug, Clone, Copy)]
enum Wire<'a> {
    Varint(u64),
    Fixed(u64),
    Bytes(&'a [u8]),
}

impl Wire<'_> {
    fn number(self) -> i64 {
        match self {
            Self::Varint(n) | Self::Fixed(n) => n as i64,
            Self::Bytes(_) => 0,
        }
    }
}

/// The fields of a message, in wire order.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn varint(&mut self) -> Result<u64, String> {
        let mut out = 0u64;
        for shift in (0..70).step_by(7) {
            let (first, rest) = self.0.split_first().ok_or("unexpected EOF")?;
            self.0 = rest;
            out |= u64::from(first & 0x7f).checked_shl(shift).unwrap_or(0);
            if first & 0x80 == 0 {
                return Ok(out);
            }
        }
        Err("proto: integer overflow".to_owned())
    }

    fn take(&mut self, n: u64) -> Result<&'a [u8], String> {
        let n = usize::try_from(n).map_err(|_| "unexpected EOF")?;
        if n > self.0.len() {
            return Err("unexpected EOF".to_owned());
        }
        let (head, rest) = self.0.split_at(n);
        self.0 = rest;
        Ok(head)
    }

    fn field(&mut self) -> Result<(u64, Wire<'a>), String> {
        let tag = self.varint()?;
        let little = |b: &[u8]| b.iter().rev().fold(0u64, |n, b| n << 8 | u64::from(*b));
        let wire = match tag & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => Wire::Fixed(little(self.take(8)?)),
            2 => {
                let n = self.varint()?;
                Wire::Bytes(self.take(n)?)
            }
            5 => Wire::Fixed(little(self.take(4)?)),
            other => return Err(format!("proto: illegal wireType {other}")),
        };
        Ok((tag >> 3, wire))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Wire<'a>), String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

struct Reader<'a> {
    schemas: &'a Schemas,
}

impl Reader<'_> {
    /// Reads message `name` whose fields JSON shows in an object of type `of`.
    fn message(&self, of: &Type, name: &str, bytes: &[u8]) -> Result<Map<String, Value>, String> {
        let mut out = Map::new();
        let (Shape::Struct(fields), Some(slots)) = (&of.shape, MESSAGES.get(name)) else {
            return Ok(out);
        };
        for field in Fields(bytes) {
            let (number, wire) = field?;
            match slots.get(&number) {
                Some(Slot::Inline(inline)) => {
                    if let Wire::Bytes(bytes) = wire {
                        let package = name.rsplit_once('.').map_or("", |(p, _)| p);
                        let inline = format!("{package}.{inline}");
                        out.extend(self.message(of, &inline, bytes)?);
                    }
                }
                Some(Slot::Field(key)) => {
                    if let Some(field) = fields.get(*key) {
                        self.field(field.of, (*key).to_owned(), wire, &mut out)?;
                    }
                }
                None => {}
            }
        }
        Ok(out)
    }

    fn field(
        &self,
        of: TypeId,
        key: String,
        wire: Wire<'_>,
        out: &mut Map<String, Value>,
    ) -> Result<(), String> {
        match (&self.schemas.get(of).shape, wire) {
            (Shape::List(item), _) => {
                let values = self.items(*item, wire)?;
                match out.get_mut(&key).and_then(Value::as_array_mut) {
                    Some(list) => list.extend(values),
                    None => {
                        out.insert(key, Value::Array(values));
                    }
                }
            }
            (Shape::Map(item), Wire::Bytes(entry)) => {
                let (mut name, mut value) = (String::new(), None);
                for field in Fields(entry) {
                    match field? {
                        (1, Wire::Bytes(b)) => name = text(b),
                        (2, wire) => value = Some(self.value(*item, wire)?),
                        _ => {}
                    }
                }
                let value = match value {
                    Some(value) => value,
                    None => self.value(*item, Wire::Bytes(&[]))?,
                };
                let map = out.entry(key).or_insert_with(|| json!({}));
                map[name] = value;
            }
            _ => {
                let value = self.value(of, wire)?;
                out.insert(key, value);
            }
        }
        Ok(())
    }

    /// Items that one occurrence of a repeated field brings: numbers may come packed.
    fn items(&self, of: TypeId, wire: Wire<'_>) -> Result<Vec<Value>, String> {
        match (&self.schemas.get(of).shape, wire) {
            (Shape::Int32 | Shape::Int64, Wire::Bytes(packed)) => {
                let mut rest = Fields(packed);
                let mut out = Vec::new();
                while !rest.0.is_empty() {
                    out.push(json!(rest.varint()? as i64));
                }
                Ok(out)
            }
            _ => Ok(vec![self.value(of, wire)?]),
        }
    }

    fn value(&self, of: TypeId, wire: Wire<'_>) -> Result<Value, String> {
        let this = self.schemas.get(of);
        let bytes = match wire {
            Wire::Bytes(bytes) => bytes,
            _ => &[],
        };
        Ok(match &this.shape {
            Shape::Struct(_) => Value::Object(self.message(this, &this.message, bytes)?),
            Shape::Text => json!(text(bytes)),
            Shape::Bytes => json!(base64(bytes)),
            Shape::Int32 => json!(wire.number() as i32),
            Shape::Int64 => json!(wire.number()),
            Shape::Number => match wire {
                Wire::Fixed(bits) => json!(f64::from_bits(bits)),
                other => json!(other.number()),
            },
            Shape::Bool => json!(wire.number() != 0),
            Shape::Quantity => json!(first_text(bytes)?),
            Shape::IntOrString => {
                let (mut kind, mut number, mut word) = (0, 0, String::new());
                for field in Fields(bytes) {
                    match field? {
                        (1, n) => kind = n.number(),
                        (2, n) => number = n.number(),
                        (3, Wire::Bytes(b)) => word = text(b),
                        _ => {}
                    }
                }
                if kind == 0 {
                    json!(number as i32)
                } else {
                    json!(word)
                }
            }
            Shape::Time | Shape::MicroTime => {
                let (mut seconds, mut nanos) = (0, 0);
                for field in Fields(bytes) {
                    match field? {
                        (1, n) => seconds = n.number(),
                        (2, n) => nanos = n.number(),
                        _ => {}
                    }
                }
                // No time at all is an empty message.
                match chrono::DateTime::from_timestamp(seconds, nanos as u32) {
                    Some(at) if seconds != 0 && this.shape == Shape::Time => json!(rfc3339(at)),
                    Some(at) if seconds != 0 => json!(rfc3339_micro(at)),
                    _ => Value::Null,
                }
            }
            // A list or map inside a list does not occur in these messages.
            Shape::List(_) | Shape::Map(_) => {
                let mut out = Map::new();
                self.field(of, String::new(), wire, &mut out)?;
                out.remove("").unwrap_or(Value::Null)
            }
            Shape::Any => {
                let raw = first_text(bytes)?;
                serde_json::from_str(&raw).unwrap_or(Value::Null)
            }
        })
    }
}

fn first_text(bytes: &[u8]) -> Result<String, String> {
    for field in Fields(bytes) {
        if let (1, Wire::Bytes(b)) = field? {
            return Ok(text(b));
        }
    }
    Ok(String::new())
}

/// Standard base64 with padding.
pub fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| chunk.get(i).copied().map_or(0, u32::from);
        let n = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            out.push(if i <= chunk.len() {
                ALPHABET[(n >> (18 - 6 * i)) as usize & 63] as char
            } else {
                '='
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::schema::schemas;

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut out = vec![number << 3 | 2, bytes.len() as u8];
        out.extend_from_slice(bytes);
        out
    }

    fn envelope(version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
        let mut meta = field(1, version.as_bytes());
        meta.extend(field(2, kind.as_bytes()));
        let mut out = b"k8s\0".to_vec();
        out.extend(field(1, &meta));
        out.extend(field(2, raw));
        out
    }

    #[test]
    fn a_job_as_kubectl_sends_it() {
        let container = [
            field(1, b"main"),
            field(2, b"busybox"),
            field(3, b"echo"),
            field(3, b"hi"),
        ]
        .concat();
        let mut pod = field(2, &container);
        pod.extend([4 << 3, 30]); // terminationGracePeriodSeconds
        let spec = [vec![8, 2], field(6, &field(2, &pod))].concat();
        let job = [field(1, &field(1, b"hello")), field(2, &spec)].concat();
        let value = decode(schemas(), &envelope("batch/v1", "Job", &job)).unwrap();
        assert_eq!(
            value,
            json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "hello"},
                   "spec": {"parallelism": 2, "template": {"spec": {
                       "terminationGracePeriodSeconds": 30,
                       "containers": [{"name": "main", "image": "busybox", "command": ["echo", "hi"]}]}}}})
        );
    }

    #[test]
    fn inlined_messages_maps_and_bytes() {
        let secret = [
            field(1, &field(1, b"s")),
            field(2, &[field(1, b"k"), field(2, b"v!")].concat()),
        ]
        .concat();
        let value = decode(schemas(), &envelope("v1", "Secret", &secret)).unwrap();
        assert_eq!(value["data"], json!({"k": "diE="}));
        let volume = [field(1, b"v"), field(2, &field(2, &field(1, b"Memory")))].concat();
        let pod = field(2, &field(1, &volume));
        let value = decode(schemas(), &envelope("v1", "Pod", &pod)).unwrap();
        assert_eq!(
            value["spec"]["volumes"],
            json!([{"name": "v", "emptyDir": {"medium": "Memory"}}])
        );
    }

    #[test]
    fn broken_bytes_are_refused() {
        assert!(decode(schemas(), b"nope").is_err());
        assert!(decode(schemas(), b"k8s\0\x12\x7f").is_err());
    }
}
