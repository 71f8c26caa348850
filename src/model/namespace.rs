//! Namespaces, for the switcher.

use super::ids::{Key, Name};

#[derive(Debug, Clone, PartialEq)]
pub struct NamespaceRow {
    pub key: Key,
    pub name: Name,
    /// `status.phase` is Terminating.
    pub terminating: bool,
}
