//! Namespaces as a table, for the switcher.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use super::{Listed, Parent, columns};
use crate::model::Model;
use crate::model::filter::{Fields, Num, Vocabulary, Word};
use crate::model::ids::Name;
use crate::model::namespace::NamespaceRow;
use crate::model::sort::Value;
use crate::model::table::Table;

columns! {
    NamespaceColumn {
        Name "name" up,
    }
}

struct NamespaceFields<'a>(&'a NamespaceRow);

impl Listed for NamespaceRow {
    type Column = NamespaceColumn;
    const VOCABULARY: Vocabulary = Vocabulary {
        words: &[Word::Name, Word::State],
        numbers: &[],
        labels: false,
        extra: None,
    };

    fn table(model: &Model) -> &Table<Self> {
        &model.namespaces
    }

    fn namespace(&self) -> Option<&Name> {
        None
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn under(&self, parent: &Parent) -> bool {
        *parent == Parent::Any
    }

    fn fields<'a>(&'a self, _: &'a Model, _: DateTime<Utc>) -> impl Fields + 'a {
        NamespaceFields(self)
    }

    fn value<'a>(&'a self, _: NamespaceColumn, _: &'a Model, _: DateTime<Utc>) -> Value<'a> {
        Value::Text(&self.name)
    }
}

impl Fields for NamespaceFields<'_> {
    fn texts(&self, see: &mut dyn FnMut(&str) -> bool) -> bool {
        see(&self.0.name)
    }

    fn word(&self, word: Word) -> Option<Cow<'_, str>> {
        match word {
            Word::Name => Some((&*self.0.name).into()),
            Word::State if self.0.terminating => Some("terminating".into()),
            Word::State => Some("active".into()),
            _ => None,
        }
    }

    fn number(&self, _: Num) -> Option<f64> {
        None
    }
}
