//! Questions about what this user may do, and the answers: plain data, so that a pane can ask and the footer can
//! grey what is not allowed. The cluster layer puts them to the server.

use std::collections::BTreeMap;

use super::ids::Name;
use super::want::Kind;

/// One question: may I?
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Question {
    pub verb: &'static str,
    /// Empty: the core group.
    pub group: &'static str,
    /// Plural.
    pub resource: &'static str,
    /// Empty for the object itself.
    pub subresource: &'static str,
    /// `None`: in all namespaces, or a kind without.
    pub namespace: Option<Name>,
}

impl Question {
    /// May this verb be used on objects of a kind there?
    pub fn on(verb: &'static str, kind: Kind, namespace: Option<&str>) -> Self {
        Self {
            verb,
            group: kind.group(),
            resource: kind.plural(),
            subresource: "",
            namespace: namespace.filter(|_| kind.namespaced()).map(Into::into),
        }
    }

    pub fn subresource(mut self, name: &'static str) -> Self {
        self.subresource = name;
        self
    }

    /// `list jobs.batch`, `get pods/log`.
    pub fn words(&self) -> String {
        let dot = if self.group.is_empty() { "" } else { "." };
        let slash = if self.subresource.is_empty() { "" } else { "/" };
        format!(
            "{} {}{slash}{}{dot}{}",
            self.verb, self.resource, self.subresource, self.group
        )
    }
}

/// What was answered so far. A question without an answer is no hindrance: the server has the last word.
pub type Permits = BTreeMap<Question, bool>;

/// The first of these that was answered with no.
pub fn missing<'a>(needs: &'a [Question], permits: &Permits) -> Option<&'a Question> {
    needs.iter().find(|q| permits.get(q) == Some(&false))
}
