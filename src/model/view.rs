//! One table as it is shown: the order of its rows under a filter, a sort and a scope, repaired rather than
//! made anew.
//!
//! [`View::refresh`] does nothing while neither the table nor the inputs changed. If only rows changed, the
//! table's log names them: they are taken out of the order (one pass over it), judged and sorted among
//! themselves, and put back at places found by bisection. So a frame costs O(rows) copying plus the changed
//! rows' own work. Only new inputs, a long absence, or changes to more than a quarter of the rows sort anew. Where time
//! alone moves the order or the filter (`age>2h`, sorted by elapsed), that happens at most once a second,
//! less often with very many rows.

use std::cmp::Ordering;

use chrono::{DateTime, TimeDelta, Utc};

use super::Model;
use super::filter::{Filter, FilterError};
use super::ids::Key;
use super::listed::{Listed, Scope};
use super::sort::{Column, Sort, compare};
use super::table::Table;

/// The rows of a table in the order shown, as slots.
#[derive(Debug, Clone)]
pub struct View<R: Listed> {
    order: Vec<u32>,
    filter: Filter,
    sort: Sort<R::Column>,
    scope: Scope,
    seen: Option<(u64, DateTime<Utc>)>,
    revision: u64,
    /// Rows of the scope before the filter, as of the last full look.
    in_scope: Vec<bool>,
    scoped: usize,
}

impl<R: Listed> View<R> {
    pub fn new(sort: Sort<R::Column>, scope: Scope) -> Self {
        Self {
            order: Vec::new(),
            filter: Filter::default(),
            sort,
            scope,
            seen: None,
            revision: 0,
            in_scope: Vec::new(),
            scoped: 0,
        }
    }

    pub fn sort(&self) -> Sort<R::Column> {
        self.sort
    }

    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    pub fn set_sort(&mut self, sort: Sort<R::Column>) {
        if self.sort != sort {
            self.sort = sort;
            self.seen = None;
        }
    }

    pub fn set_scope(&mut self, scope: Scope) {
        if self.scope != scope {
            self.scope = scope;
            self.seen = None;
        }
    }

    /// Reads a new filter.
    ///
    /// # Errors
    /// If it is none; the previous one stays.
    pub fn set_filter(&mut self, text: &str) -> Result<(), FilterError> {
        let filter = Filter::parse(text, &R::VOCABULARY)?;
        if filter != self.filter {
            self.filter = filter;
            self.seen = None;
        }
        Ok(())
    }

    /// The slots shown, as of the last [`refresh`](Self::refresh).
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    /// Rows in scope, whether or not they pass the filter: the `n` of `62/n`.
    pub fn scoped(&self) -> usize {
        self.scoped
    }

    /// Moves whenever the order may have changed.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The row at a position.
    pub fn row<'a>(&self, model: &'a Model, position: usize) -> Option<&'a R> {
        R::table(model).at(*self.order.get(position)?)
    }

    pub fn rows<'a>(&'a self, model: &'a Model) -> impl DoubleEndedIterator<Item = &'a R> + 'a {
        self.order
            .iter()
            .filter_map(|&slot| R::table(model).at(slot))
    }

    /// Where a row is now, if it is shown.
    pub fn position(&self, model: &Model, key: Key) -> Option<usize> {
        let slot = R::table(model).slot_of(key)?;
        self.order.iter().position(|&s| s == slot)
    }

    /// Brings the order up to date.
    pub fn refresh(&mut self, model: &Model, now: DateTime<Utc>) -> &[u32] {
        let table = R::table(model);
        let version = table.version();
        let moves = self.filter.moves() || self.sort.column.moves();
        let patience = TimeDelta::milliseconds(1000 + (table.len() / 20) as i64);
        // what there is to repair, unless all is to be made anew
        let start = match self.seen {
            Some((_, at)) if moves && now - at >= patience => None,
            Some((seen, _)) if seen == version => return &self.order,
            seen => seen,
        };
        let changed = start.and_then(|(old, at)| {
            let mut slots: Vec<u32> = table.changed_since(old)?.collect();
            slots.sort_unstable();
            slots.dedup();
            (slots.len() <= 64 + self.order.len() / 4).then_some((slots, at))
        });
        match changed {
            Some((slots, at)) => {
                self.repair(model, now, &slots);
                self.seen = Some((version, at));
            }
            None => {
                self.build(model, now);
                self.seen = Some((version, now));
            }
        }
        self.revision += 1;
        &self.order
    }

    fn judge(&mut self, table: &Table<R>, model: &Model, now: DateTime<Utc>, slot: u32) -> bool {
        let row = table.at(slot).filter(|row| self.scope.holds(*row));
        let was = &mut self.in_scope[slot as usize];
        self.scoped = self.scoped + usize::from(row.is_some()) - usize::from(*was);
        *was = row.is_some();
        row.is_some_and(|row| row.passes(&self.filter, model, now))
    }

    fn build(&mut self, model: &Model, now: DateTime<Utc>) {
        let table = R::table(model);
        self.in_scope.clear();
        self.in_scope.resize(table.slots(), false);
        self.scoped = 0;
        let mut order = std::mem::take(&mut self.order);
        order.clear();
        match R::slots(model, &self.scope.parent) {
            Some(slots) => order.extend(slots),
            None => order.extend(table.iter().map(|(slot, _)| slot)),
        }
        order.retain(|&slot| self.judge(table, model, now, slot));
        self.sort_slots(&mut order, model, now);
        self.order = order;
    }

    fn sort_slots(&self, slots: &mut [u32], model: &Model, now: DateTime<Utc>) {
        let table = R::table(model);
        let mut keyed: Vec<_> = slots
            .iter()
            .filter_map(|&slot| {
                let row = table.at(slot)?;
                Some((row.value(self.sort.column, model, now), row, slot))
            })
            .collect();
        keyed.sort_unstable_by(|a, b| {
            compare(&a.0, &b.0, self.sort.descending).then_with(|| tie(a.1, b.1))
        });
        for (place, (_, _, slot)) in slots.iter_mut().zip(keyed) {
            *place = slot;
        }
    }

    fn repair(&mut self, model: &Model, now: DateTime<Utc>, changed: &[u32]) {
        let table = R::table(model);
        self.in_scope.resize(table.slots(), false);
        let mut marked = vec![false; table.slots()];
        for &slot in changed {
            marked[slot as usize] = true;
        }
        self.order.retain(|&slot| !marked[slot as usize]);
        let mut fresh: Vec<u32> = changed
            .iter()
            .copied()
            .filter(|&slot| self.judge(table, model, now, slot))
            .collect();
        self.sort_slots(&mut fresh, model, now);

        let descending = self.sort.descending;
        let mut merged = Vec::with_capacity(self.order.len() + fresh.len());
        let mut rest = self.order.as_slice();
        for slot in fresh {
            let Some(row) = table.at(slot) else { continue };
            let value = row.value(self.sort.column, model, now);
            let at = rest.partition_point(|&other| {
                table.at(other).is_some_and(|other| {
                    let theirs = other.value(self.sort.column, model, now);
                    compare(&theirs, &value, descending).then_with(|| tie(other, row))
                        == Ordering::Less
                })
            });
            merged.extend_from_slice(&rest[..at]);
            merged.push(slot);
            rest = &rest[at..];
        }
        merged.extend_from_slice(rest);
        self.order = merged;
    }
}

fn tie<R: Listed>(a: &R, b: &R) -> Ordering {
    let ((ns_a, name_a, uid_a), (ns_b, name_b, uid_b)) = (a.tie(), b.tie());
    super::sort::natural(ns_a, ns_b)
        .then_with(|| super::sort::natural(name_a, name_b))
        .then_with(|| (uid_a, a.key().cluster).cmp(&(uid_b, b.key().cluster)))
}

#[cfg(test)]
mod tests;
