//! Events as a table.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use super::{Listed, Parent, age_value, cluster_of, columns, since, text_value};
use crate::model::Model;
use crate::model::event::EventRow;
use crate::model::extra::List;
use crate::model::filter::{Fields, Num, Vocabulary, Word};
use crate::model::ids::Name;
use crate::model::sort::Value;
use crate::model::table::Table;

columns! {
    EventColumn {
        Last "last" up,
        Type "type" down,
        Reason "reason" up,
        About "about" up,
        Count "count" down,
        Namespace "namespace" up,
        Cluster "cluster" up,
        By "by" up,
    }
}

impl EventRow {
    pub fn kind_word(&self) -> &'static str {
        if self.warning { "Warning" } else { "Normal" }
    }

    /// When it was last seen, as far as told.
    pub fn when(&self) -> Option<DateTime<Utc>> {
        self.last.or(self.first)
    }
}

struct EventFields<'a>(&'a EventRow, DateTime<Utc>, &'a Model);

impl Listed for EventRow {
    type Column = EventColumn;
    const VOCABULARY: Vocabulary = Vocabulary {
        words: &[
            Word::Type,
            Word::Reason,
            Word::About,
            Word::Kind,
            Word::Message,
            Word::By,
            Word::Namespace,
            Word::Cluster,
        ],
        numbers: &[Num::Last, Num::Age, Num::Count],
        labels: false,
        extra: Some(List::Events),
    };

    fn table(model: &Model) -> &Table<Self> {
        &model.events
    }

    fn namespace(&self) -> Option<&Name> {
        Some(&self.namespace)
    }

    fn name(&self) -> &str {
        &self.about.1
    }

    fn under(&self, parent: &Parent) -> bool {
        match parent {
            Parent::Any => true,
            Parent::Of(key) => key.cluster == self.key.cluster && self.about.2 == key.uid,
            Parent::Node(cluster, name) => {
                *cluster == self.key.cluster && &*self.about.0 == "Node" && self.about.1 == *name
            }
            Parent::AnyOf(keys) => keys.iter().any(|key| self.under(&Parent::Of(*key))),
        }
    }

    fn fields<'a>(&'a self, model: &'a Model, now: DateTime<Utc>) -> impl Fields + 'a {
        EventFields(self, now, model)
    }

    fn value<'a>(&'a self, column: EventColumn, model: &'a Model, _: DateTime<Utc>) -> Value<'a> {
        match column {
            EventColumn::Last => age_value(self.when()),
            EventColumn::Type => Value::Int(self.warning.into()),
            EventColumn::Reason => Value::Text(&self.reason),
            EventColumn::About => Value::Text(&self.about.1),
            EventColumn::Count => Value::Int(self.count.into()),
            EventColumn::Namespace => Value::Text(&self.namespace),
            EventColumn::Cluster => text_value(cluster_of(model, self)),
            EventColumn::By => Value::Text(&self.by),
            EventColumn::Extra(at) => model.extras.value(List::Events, self.key, at),
        }
    }
}

impl Fields for EventFields<'_> {
    fn texts(&self, see: &mut dyn FnMut(&str) -> bool) -> bool {
        let row = self.0;
        see(&row.reason)
            || see(&row.message)
            || see(&row.about.1)
            || see(&row.about.0)
            || see(&row.namespace)
            || see(row.kind_word())
            || see(&row.by)
    }

    fn word(&self, word: Word) -> Option<Cow<'_, str>> {
        let row = self.0;
        let text = match word {
            Word::Type => row.kind_word(),
            Word::Reason => &*row.reason,
            Word::About => &*row.about.1,
            Word::Kind => &*row.about.0,
            Word::Message => &*row.message,
            Word::By => &*row.by,
            Word::Namespace => &*row.namespace,
            Word::Cluster => cluster_of(self.2, row)?,
            _ => return None,
        };
        Some(text.into())
    }

    fn number(&self, num: Num) -> Option<f64> {
        match num {
            Num::Last => since(self.0.when(), self.1),
            Num::Age => since(self.0.first.or(self.0.last), self.1),
            Num::Count => Some(self.0.count.into()),
            _ => None,
        }
    }
}
