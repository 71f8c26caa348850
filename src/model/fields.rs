//! What an object's served schema says of its fields: which ones it does not know. The result of a check, as the YAML
//! view shows it; the schemas themselves stay in the cluster layer.

use std::collections::BTreeMap;
use std::fmt;

/// One step on the way from an object to a field of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    Field(Box<str>),
    Item(usize),
}

/// Where a field is: the steps from the object's root.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FieldPath(pub Vec<Step>);

/// As kubectl writes it: `spec.containers[0].image`; names with signs in them in quotes.
impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '$');
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Item(n) => write!(f, "[{n}]")?,
                Step::Field(name) if name.is_empty() || !name.chars().all(plain) => {
                    write!(f, "[{name:?}]")?;
                }
                Step::Field(name) if at == 0 => f.write_str(name)?,
                Step::Field(name) => write!(f, ".{name}")?,
            }
        }
        Ok(())
    }
}

/// Fields that the schema of a kind does not know; of nested ones the outermost.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unknown {
    /// Whose schema was asked: `kubeflow.org/v1 PyTorchJob`.
    pub kind: String,
    pub fields: Vec<FieldPath>,
}

/// A value that is not what its schema asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    pub path: FieldPath,
    /// `a whole number is wanted, this is a text: take the quotes away`
    pub why: String,
}

/// An object beside its served schema.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checked {
    /// Fields the object has.
    pub here: Unknown,
    /// Values of another type than their fields have, or none of those that are allowed.
    pub wrong: Vec<Wrong>,
    /// Fields of the manifest it was last applied from that the object has not: the server dropped them.
    pub dropped: Unknown,
    /// The schema takes any field, so nothing can be unknown to it.
    pub anything: bool,
}

/// Paths as a tree, to be walked along with the object.
#[derive(Debug, Default)]
pub struct Tree {
    marked: bool,
    below: BTreeMap<Step, Tree>,
}

impl Tree {
    pub fn new(paths: &[FieldPath]) -> Self {
        let mut root = Tree::default();
        for path in paths {
            let mut at = &mut root;
            for step in &path.0 {
                at = at.below.entry(step.clone()).or_default();
            }
            at.marked = true;
        }
        root
    }

    /// A path ends here.
    pub fn is_marked(&self) -> bool {
        self.marked
    }

    pub fn field(&self, name: &str) -> Option<&Tree> {
        match self.below.is_empty() {
            true => None,
            false => self.below.get(&Step::Field(name.into())),
        }
    }

    pub fn item(&self, at: usize) -> Option<&Tree> {
        self.below.get(&Step::Item(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_written_as_kubectl_writes_them() {
        let field = |name: &str| Step::Field(name.into());
        let path = FieldPath(vec![
            field("spec"),
            field("items"),
            Step::Item(2),
            field("a-b"),
        ]);
        assert_eq!(path.to_string(), "spec.items[2].a-b");
        let path = FieldPath(vec![field("metadata"), field("labels"), field("x.y/z")]);
        assert_eq!(path.to_string(), r#"metadata.labels["x.y/z"]"#);
        assert_eq!(
            FieldPath(vec![field("a b"), field("")]).to_string(),
            r#"["a b"][""]"#
        );
    }
}
