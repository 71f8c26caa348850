//! A list as it is looked at, under a name: filter, order, columns and namespace together.

use super::{Chosen, Extra, Extras, IDS, List, numbered};
use crate::model::event::EventRow;
use crate::model::filter::{Filter, FilterError, Vocabulary};
use crate::model::ids::Name;
use crate::model::job::JobRow;
use crate::model::listed::Listed;
use crate::model::node::NodeRow;
use crate::model::pod::PodRow;
use crate::model::sort::Column;

/// A saved view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    pub screen: List,
    pub filter: String,
    /// A column's name, or what one of the user's own is made of, with a `-` before it for the other way round.
    pub sort: Option<String>,
    pub columns: Option<Chosen>,
    /// `None`: the one that is looked at; `*`: all.
    pub namespace: Option<Name>,
}

/// All namespaces, as a view says it.
pub const ALL: &str = "*";

impl List {
    fn vocabulary(self) -> &'static Vocabulary {
        match self {
            Self::Jobs => &JobRow::VOCABULARY,
            Self::Pods => &PodRow::VOCABULARY,
            Self::Nodes => &NodeRow::VOCABULARY,
            Self::Events => &EventRow::VOCABULARY,
        }
    }

    /// Whether it can be sorted so.
    ///
    /// # Errors
    /// There is no such order; and those there are.
    pub fn check_order(self, sort: &str) -> Result<(), String> {
        let name = sort.trim_start_matches('-');
        let known = self.orders();
        if known.contains(&name) || Extra::parse(name).is_ok() {
            return Ok(());
        }
        let (list, all) = (self.name(), known.join(", "));
        Err(format!(
            "{list} are not sorted by {name:?}: there are {all}, and columns of one's own as they are written; - before it turns it round"
        ))
    }

    /// What it can be sorted by.
    pub fn orders(self) -> Vec<&'static str> {
        fn names<R: Listed>() -> Vec<&'static str> {
            R::Column::ALL.iter().map(|column| column.name()).collect()
        }
        match self {
            Self::Jobs => names::<JobRow>(),
            Self::Pods => names::<PodRow>(),
            Self::Nodes => names::<NodeRow>(),
            Self::Events => names::<EventRow>(),
        }
    }
}

impl Saved {
    /// What of it cannot be: the key, and why.
    ///
    /// # Errors
    /// A filter that is none, or an order there is not.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let filter = Filter::parse(&self.filter, self.screen.vocabulary());
        filter.map_err(|e: FilterError| ("filter", e.to_string()))?;
        let sort = self.sort.iter();
        { sort }.try_for_each(|sort| self.screen.check_order(sort).map_err(|why| ("sort", why)))
    }

    /// In a few words: `jobs · state:failed · by -age · 4 columns`.
    pub fn words(&self) -> String {
        let mut parts = vec![self.screen.name().to_owned()];
        match self.namespace.as_deref() {
            None => {}
            Some(ALL) => parts.push("all namespaces".into()),
            Some(name) => parts.push(format!("in {name}")),
        }
        if !self.filter.is_empty() {
            parts.push(self.filter.clone());
        }
        parts.extend(self.sort.as_ref().map(|sort| format!("by {sort}")));
        match self.columns.as_ref().map_or(0, |columns| columns.len()) {
            0 => {}
            n => parts.push(format!("{n} columns")),
        }
        parts.join(" · ")
    }
}

impl Extras {
    /// The id of the column that is called so in an order, and whether it goes the other way round.
    pub fn order<'a>(&self, list: List, text: &'a str) -> (&'a str, bool) {
        let (name, turned) = match text.strip_prefix('-') {
            Some(name) => (name, true),
            None => (text, false),
        };
        let at = self
            .shown(list)
            .iter()
            .position(|extra| *extra.text == *name || extra.is_called(name));
        match at.and_then(|at| IDS.get(at)) {
            Some(id) => (id, turned),
            None => (name, turned),
        }
    }

    /// An order as it is written: the other direction of the same.
    pub fn order_text(&self, list: List, id: &str, turned: bool) -> String {
        let own = numbered(id).and_then(|at| self.shown(list).get(usize::from(at)));
        let name = own.map_or(id, |extra| &extra.text);
        format!("{}{name}", if turned { "-" } else { "" })
    }
}
