//! What a row type needs to be shown as a table with filter and sort: its columns, its fields, its scope.

mod cronjobs;
mod events;
mod jobs;
mod namespaces;
mod nodes;
mod pods;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

pub use cronjobs::CronJobColumn;
pub use events::EventColumn;
pub use jobs::{JobColumn, JobFields};
pub use namespaces::NamespaceColumn;
pub use nodes::NodeColumn;
pub use pods::PodColumn;

use super::Model;
use super::extra::{Extras, List};
use super::filter::{Fields, Filter, Num, Vocabulary, Word};
use super::ids::{ClusterId, Key, Name, Uid};
use super::sort::{Column, Value};
use super::table::{Row, Table};

/// What a list is restricted to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope {
    /// Rows of these clusters only; `None` is all.
    pub clusters: Option<Vec<ClusterId>>,
    /// These namespaces only; `None` is all. Cluster-scoped rows always pass.
    pub namespaces: Option<Vec<Name>>,
    pub parent: Parent,
}

/// The object whose rows are listed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Parent {
    #[default]
    Any,
    /// Pods of a job, jobs of a CronJob, events about an object.
    Of(Key),
    /// Pods of a workload and of all it made.
    AnyOf(Arc<BTreeSet<Key>>),
    /// Pods on a node.
    Node(ClusterId, Name),
}

impl Scope {
    /// The pods of a workload and of all it made.
    pub fn pods_of(model: &Model, job: Key) -> Parent {
        let owners = model.pod_owners(job);
        let plain = model.jobs.get(job).is_none_or(|job| job.kind.is_job());
        match owners.len() < 2 && plain {
            true => Parent::Of(job),
            false => Parent::AnyOf(Arc::new(owners.into_iter().collect())),
        }
    }

    /// All rows under one object.
    pub fn of(parent: Key) -> Self {
        Self {
            parent: Parent::Of(parent),
            ..Self::default()
        }
    }

    /// Whether rows of a cluster are in it.
    pub fn is_of(&self, cluster: ClusterId) -> bool {
        let mine = self.clusters.as_ref();
        mine.is_none_or(|all| all.contains(&cluster))
    }

    pub fn holds<R: Listed>(&self, row: &R) -> bool {
        let in_namespace = match (&self.namespaces, row.namespace()) {
            (Some(names), Some(name)) => names.contains(name),
            _ => true,
        };
        in_namespace
            && self.is_of(row.key().cluster)
            && (self.parent == Parent::Any || row.under(&self.parent))
    }
}

/// A row type that is shown as a table.
pub trait Listed: Row + 'static {
    type Column: Column;
    const VOCABULARY: Vocabulary;

    fn table(model: &Model) -> &Table<Self>;
    /// None for cluster-scoped kinds.
    fn namespace(&self) -> Option<&Name>;
    fn name(&self) -> &str;
    /// Whether the row belongs under an object.
    fn under(&self, parent: &Parent) -> bool;
    /// The slots of the rows under a parent, where the model knows them without looking at all rows.
    fn slots<'a>(
        _model: &'a Model,
        _parent: &Parent,
    ) -> Option<Box<dyn Iterator<Item = u32> + 'a>> {
        None
    }
    fn fields<'a>(&'a self, model: &'a Model, now: DateTime<Utc>) -> impl Fields + 'a;
    fn value<'a>(&'a self, column: Self::Column, model: &'a Model, now: DateTime<Utc>)
    -> Value<'a>;

    /// Whether a filter lets it pass, by its own fields and by columns of the user's own.
    fn passes(&self, filter: &Filter, model: &Model, now: DateTime<Utc>) -> bool {
        if filter.is_empty() {
            return true;
        }
        let own = self.fields(model, now);
        match Self::VOCABULARY
            .extra
            .filter(|list| !model.extras.shown(*list).is_empty())
        {
            None => filter.passes(&own),
            Some(list) => filter.passes(&With {
                own,
                extras: &model.extras,
                list,
                key: self.key(),
            }),
        }
    }

    /// Breaks ties: namespace, name, uid.
    fn tie(&self) -> (&str, &str, Uid) {
        (
            self.namespace().map_or("", |n| n),
            self.name(),
            self.key().uid,
        )
    }
}

/// A row's fields, and what it has in columns of the user's own.
struct With<'a, F> {
    own: F,
    extras: &'a Extras,
    list: List,
    key: Key,
}

impl<F: Fields> Fields for With<'_, F> {
    fn texts(&self, see: &mut dyn FnMut(&str) -> bool) -> bool {
        self.own.texts(see) || self.extras.any(self.list, self.key, see)
    }

    fn word(&self, word: Word) -> Option<Cow<'_, str>> {
        self.own.word(word)
    }

    fn any_word(&self, word: Word, see: &mut dyn FnMut(&str) -> bool) -> bool {
        self.own.any_word(word, see)
    }

    fn number(&self, num: Num) -> Option<f64> {
        self.own.number(num)
    }

    fn label(&self, key: &str) -> Option<&str> {
        self.own.label(key)
    }

    fn extra(&self, name: &str) -> Option<&str> {
        self.extras.named(self.list, self.key, name)
    }
}

/// Declares the columns of a table: variant, name, `up` or `down` (largest first), `moves` if time alone
/// changes the order.
macro_rules! columns {
    ($(#[$doc:meta])* $name:ident { $($variant:ident $text:literal $way:ident $($moves:ident)?,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($variant,)*
            /// One of the user's own, by its place among them.
            Extra(u8),
        }

        impl $crate::model::sort::Column for $name {
            const ALL: &'static [Self] = &[$($name::$variant,)*];

            fn name(self) -> &'static str {
                match self {
                    $($name::$variant => $text,)*
                    $name::Extra(at) => $crate::model::extra::IDS[usize::from(at) % $crate::model::extra::IDS.len()],
                }
            }

            fn largest_first(self) -> bool {
                match self {
                    $($name::$variant => columns!(@way $way),)*
                    $name::Extra(_) => false,
                }
            }

            fn moves(self) -> bool {
                match self {
                    $($name::$variant => columns!(@moves $($moves)?),)*
                    $name::Extra(_) => false,
                }
            }

            fn named(name: &str) -> Option<Self> {
                let known = Self::ALL.iter().copied().find(|c| $crate::model::sort::Column::name(*c) == name);
                known.or_else(|| $crate::model::extra::numbered(name).map($name::Extra))
            }
        }
    };
    (@way up) => { false };
    (@way down) => { true };
    (@moves) => { false };
    (@moves moves) => { true };
}
use columns;

/// Seconds since `then`.
fn since(then: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<f64> {
    Some((now - then?).num_milliseconds() as f64 / 1000.0)
}

/// Sorts ages, youngest first, without a clock.
fn age_value<'a>(created: Option<DateTime<Utc>>) -> Value<'a> {
    created.map_or(Value::Missing, |at| Value::Int(-at.timestamp_millis()))
}

/// The name of the cluster a row is of, for filter and sort.
fn cluster_of<'a>(model: &'a Model, row: &impl Row) -> Option<&'a str> {
    model.clusters.name(row.key().cluster).map(|name| &**name)
}

fn text_value(text: Option<&str>) -> Value<'_> {
    text.map_or(Value::Missing, Value::Text)
}
