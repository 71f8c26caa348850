//! Validation of `metadata`.

use serde_json::Value;

use super::{Errors, list, text};
use crate::api::names;
use crate::api::status::Cause;
use crate::store::Kind;

/// All annotations together may be this long.
const ANNOTATIONS: usize = 256 * 1024;

/// What is wrong with a name of this kind.
pub fn name(kind: &Kind, name: &str) -> Vec<String> {
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Namespace") => names::dns_label(name),
        ("", "Service") => names::dns1035_label(name),
        ("rbac.authorization.k8s.io", _) => {
            let mut wrong = Vec::new();
            if name == "." || name == ".." {
                wrong.push(format!("may not be '{name}'"));
            }
            for c in ['/', '%'] {
                if name.contains(c) {
                    wrong.push(format!("may not contain '{c}'"));
                }
            }
            wrong
        }
        _ => names::dns_subdomain(name),
    }
}

/// Metadata of a new object.
pub fn object(errors: &mut Errors, kind: &Kind, meta: &Value) {
    let (prefix, own) = (text(&meta["generateName"]), text(&meta["name"]));
    if !prefix.is_empty() {
        // A prefix may end in what a name may not end in.
        let mask = format!("{}a", prefix.trim_end_matches('-'));
        let wrong = name(kind, if prefix.ends_with('-') { &mask } else { prefix });
        errors.each("metadata.generateName", prefix, wrong);
    }
    if own.is_empty() {
        errors.push(Cause::required(
            "metadata.name",
            "name or generateName is required",
        ));
    } else {
        errors.each("metadata.name", own, name(kind, own));
    }
    common(errors, meta);
}

/// What holds for old and new metadata alike.
pub fn common(errors: &mut Errors, meta: &Value) {
    labels(errors, "metadata.labels", &meta["labels"]);
    annotations(errors, "metadata.annotations", &meta["annotations"]);
    let path = "metadata.ownerReferences";
    let mut controllers = 0;
    for owner in list(&meta["ownerReferences"]) {
        for (field, why) in [
            ("apiVersion", "version must not be empty"),
            ("kind", "must not be empty"),
            ("name", "must not be empty"),
            ("uid", "must not be empty"),
        ] {
            if text(&owner[field]).is_empty() {
                errors.invalid(&format!("{path}.{field}"), &"".into(), why);
            }
        }
        controllers += usize::from(owner["controller"] == true);
    }
    if controllers > 1 {
        errors.invalid(
            path,
            &meta["ownerReferences"],
            "Only one reference can have Controller set to true",
        );
    }
    let finalizers = list(&meta["finalizers"]);
    for (i, f) in finalizers.iter().map(text).enumerate() {
        errors.each("metadata.finalizers", f, names::qualified_name(f));
        let known = [
            "orphan",
            "foregroundDeletion",
            "kubernetes",
            "customresourcecleanup.apiextensions.k8s.io",
        ];
        if !f.contains('/') && !known.contains(&f) {
            errors.invalid(
                &format!("metadata.finalizers[{i}]"),
                &f.into(),
                "name is neither a standard finalizer name nor is it fully qualified",
            );
        }
    }
    let has = |name: &str| finalizers.iter().any(|f| f == name);
    if has("orphan") && has("foregroundDeletion") {
        errors.invalid(
            "metadata.finalizers",
            &meta["finalizers"],
            "finalizer orphan and foregroundDeletion cannot be both set",
        );
    }
}

pub fn labels(errors: &mut Errors, path: &str, labels: &Value) {
    for (key, value) in labels.as_object().into_iter().flatten() {
        errors.each(path, key, names::qualified_name(key));
        let value = text(value);
        errors.each(path, value, names::label_value(value));
    }
}

pub fn annotations(errors: &mut Errors, path: &str, annotations: &Value) {
    let mut size = 0;
    for (key, value) in annotations.as_object().into_iter().flatten() {
        errors.each(path, key, names::qualified_name(&key.to_lowercase()));
        size += key.len() + text(value).len();
    }
    if size > ANNOTATIONS {
        errors.push(Cause::too_long(path, ANNOTATIONS));
    }
}
