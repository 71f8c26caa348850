//! The shapes of names, labels and keys, and the sentences in which the server says what is wrong with one.

const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";

fn regex_error(what: &str, format: &str, examples: &[&str]) -> String {
    let mut text = format!("{what} (");
    for (i, example) in examples.iter().enumerate() {
        text += if i == 0 { "e.g. " } else { " or " };
        text += &format!("'{example}', ");
    }
    format!("{text}regex used for validation is '{format}')")
}

fn too_long(limit: usize) -> String {
    format!("must be no more than {limit} bytes")
}

fn is_label(s: &str) -> bool {
    let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let (first, last) = (s.bytes().next(), s.bytes().last());
    first.is_some_and(inner) && last.is_some_and(inner) && s.bytes().all(|c| inner(c) || c == b'-')
}

/// What is wrong with a lower-case RFC 1123 label (namespace, container, volume name).
pub fn dns_label(s: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if s.len() > 63 {
        errors.push(too_long(63));
    }
    if !is_label(s) {
        errors.push(if s.split('.').all(is_label) {
            "must not contain dots".to_owned()
        } else {
            regex_error(
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
                LABEL,
                &["my-name", "123-abc"],
            )
        });
    }
    errors
}

/// What is wrong with a lower-case RFC 1123 subdomain (most object names).
pub fn dns_subdomain(s: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if s.len() > 253 {
        errors.push(too_long(253));
    }
    if !s.split('.').all(is_label) {
        errors.push(regex_error(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
            &format!("{LABEL}(\\.{LABEL})*"),
            &["example.com"],
        ));
    }
    errors
}

/// What is wrong with an RFC 1035 label (service names).
pub fn dns1035_label(s: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if s.len() > 63 {
        errors.push(too_long(63));
    }
    if !is_label(s) || !s.starts_with(|c: char| c.is_ascii_lowercase()) {
        errors.push(regex_error(
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
            "[a-z]([-a-z0-9]*[a-z0-9])?",
            &["my-name", "abc-123"],
        ));
    }
    errors
}

fn is_label_text(s: &str) -> bool {
    let (first, last) = (s.bytes().next(), s.bytes().last());
    first.is_some_and(|c| c.is_ascii_alphanumeric())
        && last.is_some_and(|c| c.is_ascii_alphanumeric())
        && s.bytes()
            .all(|c| c.is_ascii_alphanumeric() || b"-_.".contains(&c))
}

const KEY: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const KEY_FORMAT: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const KEY_EXAMPLES: [&str; 3] = ["MyName", "my.name", "123-abc"];

/// What is wrong with a qualified name: the key of a label, an annotation, a resource, a finalizer.
pub fn qualified_name(s: &str) -> Vec<String> {
    let parts: Vec<&str> = s.split('/').collect();
    let mut errors = Vec::new();
    let name = match parts.as_slice() {
        [name] => *name,
        [prefix, name] => {
            if prefix.is_empty() {
                errors.push("prefix part must be non-empty".to_owned());
            } else {
                let why = dns_subdomain(prefix);
                errors.extend(why.iter().map(|e| format!("prefix part {e}")));
            }
            *name
        }
        _ => {
            let what = format!("a valid label key {KEY}");
            let text = regex_error(&what, KEY_FORMAT, &KEY_EXAMPLES);
            errors.push(format!(
                "{text} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            ));
            return errors;
        }
    };
    if name.is_empty() {
        errors.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        errors.push(format!("name part {}", too_long(63)));
    }
    if !is_label_text(name) {
        errors.push(regex_error(
            &format!("name part {KEY}"),
            KEY_FORMAT,
            &KEY_EXAMPLES,
        ));
    }
    errors
}

/// What is wrong with the value of a label.
pub fn label_value(s: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if s.len() > 63 {
        errors.push(too_long(63));
    }
    if !s.is_empty() && !is_label_text(s) {
        errors.push(regex_error(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
            &format!("({KEY_FORMAT})?"),
            &["MyValue", "my_value", "12345"],
        ));
    }
    errors
}

/// What is wrong with a key of a ConfigMap or Secret.
pub fn config_key(s: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if s.len() > 253 {
        errors.push(too_long(253));
    }
    let fits = |c: u8| c.is_ascii_alphanumeric() || b"-._".contains(&c);
    if s.is_empty() || !s.bytes().all(fits) {
        errors.push(regex_error(
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
            "[-._a-zA-Z0-9]+",
            &["key.name", "KEY_NAME", "key-name"],
        ));
    } else if s == "." {
        errors.push("must not be '.'".to_owned());
    } else if s == ".." {
        errors.push("must not be '..'".to_owned());
    } else if s.starts_with("..") {
        errors.push("must not start with '..'".to_owned());
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_judged_as_the_server_does() {
        assert!(dns_label("a-1").is_empty());
        assert_eq!(dns_label("a.b"), ["must not contain dots"]);
        assert!(dns_label("A")[0].starts_with("a lowercase RFC 1123 label must"));
        assert!(dns_subdomain("a.b-c").is_empty());
        assert_eq!(
            dns_subdomain("a_b")[0],
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
        );
        assert!(!dns1035_label("1a").is_empty() && dns1035_label("a1").is_empty());
    }

    #[test]
    fn labels_are_judged_as_the_server_does() {
        assert!(qualified_name("a.b/c_D").is_empty());
        assert_eq!(qualified_name("/c"), ["prefix part must be non-empty"]);
        assert_eq!(qualified_name("a/").len(), 2);
        assert!(label_value("").is_empty() && label_value("a_b.C").is_empty());
        assert_eq!(
            label_value("-a"),
            [
                "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
            ]
        );
        assert_eq!(config_key(".."), ["must not be '..'"]);
    }
}
