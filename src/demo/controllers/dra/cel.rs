//! Device selectors: the part of CEL that drivers' classes and most claims use, and nothing else.
//!
//! Conditions joined by `&&`. A condition compares `device.driver`, `device.attributes["domain"].name` or
//! `device.capacity["domain"].name` with a literal: `==`, `!=`, `<`, `<=`, `>`, `>=`, `.startsWith("…")`, `.contains("…")`,
//! `.compareTo(quantity("…")) >= 0` (and the like), or is an attribute that is itself true or false. What a device lacks is
//! equal to nothing; the real scheduler takes that for an error.

use std::cmp::Ordering;

use serde_json::Value;

use super::slices::Device;
use crate::controllers::quantity;

/// A selector that was understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Selector(Vec<Condition>);

#[derive(Debug, Clone, PartialEq)]
struct Condition {
    subject: Subject,
    test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Subject {
    Driver,
    Attribute(String, String),
    Capacity(String, String),
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    Compare(Operator, Literal),
    StartsWith(String),
    Contains(String),
    True,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
}

#[derive(Debug, Clone, PartialEq)]
enum Literal {
    Text(String),
    Number(i64),
    Truth(bool),
    /// In thousandths.
    Quantity(i64),
}

const OPERATORS: [(&str, Operator); 6] = [
    ("==", Operator::Equal),
    ("!=", Operator::Unequal),
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("<", Operator::Less),
    (">", Operator::More),
];

impl Operator {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order == Ordering::Equal,
            Self::Unequal => order != Ordering::Equal,
            Self::Less => order == Ordering::Less,
            Self::AtMost => order != Ordering::Greater,
            Self::More => order == Ordering::Greater,
            Self::AtLeast => order != Ordering::Less,
        }
    }
}

impl Selector {
    /// Reads an expression.
    ///
    /// # Errors
    /// What of it is beyond this reader.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split("&&").map(str::trim);
        let all = parts.map(|part| condition(part).ok_or_else(|| beyond(part)));
        Ok(Self(all.collect::<Result<_, _>>()?))
    }

    pub fn takes(&self, driver: &str, device: &Device) -> bool {
        self.0.iter().all(|c| c.holds(driver, device))
    }
}

fn beyond(part: &str) -> String {
    format!("the demo cluster does not understand the CEL expression `{part}`")
}

/// `"…"` or `'…'` at the beginning, and what comes after it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| *c == '"' || *c == '\'')?;
    text[1..].split_once(quote)
}

fn condition(text: &str) -> Option<Condition> {
    let rest = text.strip_prefix("device.")?;
    let (subject, rest) = if let Some(rest) = rest.strip_prefix("driver") {
        (Subject::Driver, rest)
    } else {
        let (capacity, rest) = match rest.strip_prefix("attributes[") {
            Some(rest) => (false, rest),
            None => (true, rest.strip_prefix("capacity[")?),
        };
        let (domain, rest) = quoted(rest)?;
        let rest = rest.strip_prefix("].")?;
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        let (name, rest) = rest.split_at(end);
        let (domain, name) = (domain.to_owned(), name.to_owned());
        if name.is_empty() {
            return None;
        }
        if capacity {
            (Subject::Capacity(domain, name), rest)
        } else {
            (Subject::Attribute(domain, name), rest)
        }
    };
    let test = test(rest.trim())?;
    Some(Condition { subject, test })
}

fn test(text: &str) -> Option<Test> {
    if text.is_empty() {
        return Some(Test::True);
    }
    let call = |name: &str| {
        let inner = text.strip_prefix(name)?.strip_suffix(')')?;
        let (literal, rest) = quoted(inner)?;
        rest.is_empty().then(|| literal.to_owned())
    };
    if let Some(text) = call(".startsWith(") {
        return Some(Test::StartsWith(text));
    }
    if let Some(text) = call(".contains(") {
        return Some(Test::Contains(text));
    }
    if let Some(rest) = text.strip_prefix(".compareTo(quantity(") {
        let (amount, rest) = quoted(rest)?;
        let rest = rest.strip_prefix("))")?.trim();
        let (sign, operator) = OPERATORS.iter().find(|(s, _)| rest.starts_with(s))?;
        let zero = rest[sign.len()..].trim();
        let literal = Literal::Quantity(quantity::parse(amount));
        return (zero == "0").then_some(Test::Compare(*operator, literal));
    }
    let (sign, operator) = OPERATORS.iter().find(|(s, _)| text.starts_with(s))?;
    let literal = text[sign.len()..].trim();
    let literal = match (quoted(literal), literal) {
        (Some((text, "")), _) => Literal::Text(text.to_owned()),
        (_, "true") => Literal::Truth(true),
        (_, "false") => Literal::Truth(false),
        (_, number) => Literal::Number(number.parse().ok()?),
    };
    Some(Test::Compare(*operator, literal))
}

impl Condition {
    fn holds(&self, driver: &str, device: &Device) -> bool {
        let found = |domain: &str, name: &str, has: &dyn Fn(&str) -> bool| {
            let full = format!("{domain}/{name}");
            // names without a domain are in the driver's
            let bare = domain == driver && has(name);
            if bare {
                Some(name.to_owned())
            } else {
                has(&full).then_some(full)
            }
        };
        match &self.subject {
            Subject::Driver => self.test.text(driver),
            Subject::Attribute(domain, name) => {
                let key = found(domain, name, &|n| device.attributes.contains_key(n));
                let value = key.and_then(|k| device.attributes.get(&k));
                value.is_some_and(|v| self.test.attribute(v))
            }
            Subject::Capacity(domain, name) => {
                let key = found(domain, name, &|n| device.capacity.contains_key(n));
                let value = key.and_then(|k| device.capacity.get(&k));
                let amount = value.map(|v| quantity::parse(&v.value));
                match &self.test {
                    Test::Compare(operator, Literal::Quantity(limit)) => {
                        amount.is_some_and(|a| operator.holds(a.cmp(limit)))
                    }
                    _ => false,
                }
            }
        }
    }
}

impl Test {
    fn text(&self, text: &str) -> bool {
        match self {
            Self::Compare(operator, Literal::Text(other)) => operator.holds(text.cmp(other)),
            Self::StartsWith(start) => text.starts_with(start.as_str()),
            Self::Contains(part) => text.contains(part.as_str()),
            Self::Compare(..) | Self::True => false,
        }
    }

    /// `{"string": …}`, `{"int": …}`, `{"bool": …}` or `{"version": …}`.
    fn attribute(&self, value: &Value) -> bool {
        if let Some(text) = value["string"].as_str().or(value["version"].as_str()) {
            return self.text(text);
        }
        match (self, value["int"].as_i64(), value["bool"].as_bool()) {
            (Self::Compare(operator, Literal::Number(n)), Some(have), _) => {
                operator.holds(have.cmp(n))
            }
            (Self::Compare(operator, Literal::Truth(t)), _, Some(have)) => {
                operator.holds(have.cmp(t))
            }
            (Self::True, _, Some(have)) => have,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    fn device() -> Device {
        serde_json::from_value(json!({
            "name": "gpu-0",
            "attributes": {
                "type": {"string": "gpu"}, "index": {"int": 3}, "spare": {"bool": true},
                "driverVersion": {"version": "580.95.5"}, "resource.kubernetes.io/pcieRoot": {"string": "pci0000:15"},
            },
            "capacity": {"memory": {"value": "143771Mi"}},
        }))
        .unwrap()
    }

    #[rstest]
    #[case("device.driver == 'gpu.nvidia.com'", true)]
    #[case(
        "device.driver == \"gpu.nvidia.com\" && device.attributes['gpu.nvidia.com'].type == 'gpu'",
        true
    )]
    #[case("device.attributes['gpu.nvidia.com'].type == 'mig'", false)]
    #[case("device.attributes['gpu.nvidia.com'].type != 'mig'", true)]
    #[case("device.attributes['gpu.nvidia.com'].index > 2", true)]
    #[case("device.attributes['gpu.nvidia.com'].index <= 2", false)]
    #[case("device.attributes['gpu.nvidia.com'].spare", true)]
    #[case("device.attributes['gpu.nvidia.com'].spare == false", false)]
    #[case(
        "device.attributes['gpu.nvidia.com'].driverVersion.startsWith('580.')",
        true
    )]
    #[case(
        "device.attributes['resource.kubernetes.io'].pcieRoot == 'pci0000:15'",
        true
    )]
    #[case("device.attributes['other.com'].type == 'gpu'", false)]
    #[case(
        "device.capacity['gpu.nvidia.com'].memory.compareTo(quantity('100Gi')) >= 0",
        true
    )]
    #[case(
        "device.capacity['gpu.nvidia.com'].memory.compareTo(quantity('200Gi')) >= 0",
        false
    )]
    #[case("device.attributes['gpu.nvidia.com'].nothing == 'x'", false)]
    fn what_a_selector_takes(#[case] text: &str, #[case] taken: bool) {
        let selector = Selector::parse(text).unwrap();
        assert_eq!(selector.takes("gpu.nvidia.com", &device()), taken);
    }

    #[rstest]
    #[case("")]
    #[case("device.attributes['a'].b.matches('^x')")]
    #[case("device.driver == 'a' || true")]
    #[case("1 == 1")]
    #[case("device.attributes[\"a")]
    fn what_is_beyond_it_is_said(#[case] text: &str) {
        let why = Selector::parse(text).unwrap_err();
        assert!(why.contains("does not understand"), "{why}");
    }
}
