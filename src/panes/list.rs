//! Selection, marks and movement of a list whose rows come and go. Separate from drawing and from the rows
//! themselves: it holds keys, and every list behaves alike.

use std::collections::BTreeSet;

use crate::app::action::Action;
use crate::model::ids::Key;
use crate::ui::TableState;

/// What a list shows now: keys by position, and where a key is.
pub trait Keys {
    fn count(&self) -> usize;
    fn key(&self, at: usize) -> Option<Key>;
    /// Whether the object still exists, shown or not.
    fn exists(&self, key: Key) -> bool;

    fn find(&self, key: Key) -> Option<usize> {
        (0..self.count()).find(|&at| self.key(at) == Some(key))
    }
}

/// Where the user is in a list. By identity: the row may move, be filtered away and come back.
#[derive(Debug, Clone, Default)]
pub struct List {
    /// What the user chose last; kept while it is only filtered away.
    chosen: Option<Key>,
    selected: Option<Key>,
    marks: BTreeSet<Key>,
    anchor: Option<Key>,
    /// Offset, page and column widths on screen.
    pub table: TableState,
}

/// Moves the selection of a table; false if the action is no movement.
pub fn walk(table: &mut TableState, action: Action, rows: usize) -> bool {
    match action {
        Action::Up => table.step(-1, rows),
        Action::Down => table.step(1, rows),
        Action::PageUp => table.step_page(-1, rows),
        Action::PageDown => table.step_page(1, rows),
        Action::Top => table.first(rows),
        Action::Bottom => table.last(rows),
        _ => return false,
    }
    true
}

impl List {
    pub fn selected(&self) -> Option<Key> {
        self.selected
    }

    pub fn marks(&self) -> &BTreeSet<Key> {
        &self.marks
    }

    /// What is marked, else what is selected.
    pub fn meant(&self) -> Vec<Key> {
        match self.marks.is_empty() {
            true => self.selected.into_iter().collect(),
            false => self.marks.iter().copied().collect(),
        }
    }

    pub fn is_marked(&self, key: Key) -> bool {
        self.marks.contains(&key)
    }

    /// Chooses an object, wherever it is.
    pub fn choose(&mut self, key: Key) {
        self.chosen = Some(key);
        self.selected = Some(key);
    }

    fn at(&self) -> usize {
        self.table.selected().unwrap_or_default()
    }

    /// Finds the selection again after the rows changed: the chosen object if it is shown, else the neighbour
    /// that took its place. Objects that are gone lose their marks. While rows are still being `loading`, an
    /// untouched selection stays at the top.
    pub fn settle(&mut self, keys: &impl Keys, loading: bool) {
        if !self.marks.is_empty() {
            self.marks.retain(|&key| keys.exists(key));
        }
        if keys.count() == 0 {
            self.selected = None;
            self.table.select(None);
            return;
        }
        if self.chosen.is_some_and(|chosen| !keys.exists(chosen)) {
            self.chosen = None;
        } else if self.chosen.is_none() && loading {
            self.place(0, keys);
            return;
        }
        let near = self.at();
        let find = |key: Key| {
            if keys.key(near) == Some(key) {
                Some(near)
            } else {
                keys.find(key)
            }
        };
        let at = self
            .chosen
            .and_then(find)
            .or_else(|| self.selected.and_then(find))
            .unwrap_or_else(|| near.min(keys.count() - 1));
        // rows that come and go above the cursor leave the picture where it is
        let offset = self
            .table
            .offset()
            .saturating_add_signed(at as isize - near as isize);
        self.table.scroll_to(offset);
        self.place(at, keys);
        if self.chosen.is_none() {
            self.chosen = self.selected;
        }
    }

    fn place(&mut self, at: usize, keys: &impl Keys) {
        self.selected = keys.key(at);
        self.table.select(Some(at));
    }

    /// Moves and marks; false if the action is none of that.
    pub fn act(&mut self, action: Action, keys: &impl Keys) -> bool {
        let rows = keys.count();
        match action {
            action if walk(&mut self.table, action, rows) => {}
            Action::Mark => {
                if let Some(key) = self.selected {
                    if !self.marks.remove(&key) {
                        self.marks.insert(key);
                    }
                    self.anchor = Some(key);
                }
                self.table.step(1, rows);
            }
            Action::MarkRange => self.mark_range(keys),
            Action::MarkClear => self.marks.clear(),
            _ => return false,
        }
        self.go(self.at(), keys);
        true
    }

    /// Selects the row at a position.
    pub fn go(&mut self, at: usize, keys: &impl Keys) {
        if let Some(key) = keys.key(at) {
            self.table.select(Some(at));
            self.choose(key);
        }
    }

    /// Scrolls by rows with the wheel; the selection moves only when it would leave the screen.
    pub fn wheel(&mut self, by: isize, keys: &impl Keys) {
        const MARGIN: usize = 2;
        let page = self.table.page();
        let most = keys.count().saturating_sub(page);
        let offset = self.table.offset().saturating_add_signed(by).min(most);
        self.table.scroll_to(offset);
        let margin = MARGIN.min(page.saturating_sub(1) / 2);
        let first = if offset == 0 { 0 } else { offset + margin };
        let last = if offset == most {
            keys.count().saturating_sub(1)
        } else {
            offset + page - 1 - margin
        };
        let at = self.at();
        if at < first || at > last {
            self.go(at.clamp(first, last.max(first)), keys);
        }
    }

    fn mark_range(&mut self, keys: &impl Keys) {
        let at = self.at();
        let from = self.anchor.and_then(|key| keys.find(key)).unwrap_or(at);
        for at in from.min(at)..=from.max(at) {
            self.marks.extend(keys.key(at));
        }
        self.anchor = self.selected;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::{ClusterId, Uid};

    struct Rows(Vec<u128>, Vec<u128>);

    fn k(n: u128) -> Key {
        Key {
            cluster: ClusterId(0),
            uid: Uid(n),
        }
    }

    /// Shown rows; the second list exists but is filtered away.
    impl Keys for Rows {
        fn count(&self) -> usize {
            self.0.len()
        }
        fn key(&self, at: usize) -> Option<Key> {
            self.0.get(at).map(|&n| k(n))
        }
        fn exists(&self, key: Key) -> bool {
            self.0.iter().chain(&self.1).any(|&n| k(n) == key)
        }
    }

    fn rows(shown: &[u128], hidden: &[u128]) -> Rows {
        Rows(shown.to_vec(), hidden.to_vec())
    }

    #[test]
    fn the_selection_follows_its_object() {
        let mut list = List::default();
        list.settle(&rows(&[1, 2, 3], &[]), false);
        assert_eq!(list.selected(), Some(k(1)));
        list.act(Action::Down, &rows(&[1, 2, 3], &[]));
        list.settle(&rows(&[3, 9, 2, 1], &[]), false);
        assert_eq!((list.selected(), list.at()), (Some(k(2)), 2));
    }

    #[test]
    fn a_filtered_object_is_selected_again_when_it_comes_back() {
        let mut list = List::default();
        list.settle(&rows(&[1, 2, 3], &[]), false);
        list.act(Action::Bottom, &rows(&[1, 2, 3], &[]));
        list.settle(&rows(&[1, 2], &[3]), false);
        assert_eq!(list.selected(), Some(k(2)));
        list.settle(&rows(&[1, 2, 3], &[]), false);
        assert_eq!(list.selected(), Some(k(3)));
    }

    #[test]
    fn a_deleted_object_leaves_the_selection_to_its_neighbour_for_good() {
        let mut list = List::default();
        list.settle(&rows(&[1, 2, 3], &[]), false);
        list.act(Action::Down, &rows(&[1, 2, 3], &[]));
        list.settle(&rows(&[1, 3], &[]), false);
        assert_eq!(list.selected(), Some(k(3)));
        list.settle(&rows(&[2, 3, 1], &[]), false);
        assert_eq!(
            list.selected(),
            Some(k(3)),
            "a new object of the old place does not take the selection"
        );
    }

    #[test]
    fn while_loading_the_cursor_waits_at_the_top() {
        let mut list = List::default();
        list.settle(&rows(&[5], &[]), true);
        list.settle(&rows(&[4, 5], &[]), true);
        assert_eq!(list.selected(), Some(k(4)));
        list.settle(&rows(&[4, 5], &[]), false);
        list.settle(&rows(&[3, 4, 5], &[]), false);
        assert_eq!(
            list.selected(),
            Some(k(4)),
            "once live, rows that arrive push nothing away"
        );
        list.settle(&rows(&[], &[]), false);
        assert_eq!(list.selected(), None);
        list.settle(&rows(&[7, 8], &[]), false);
        assert_eq!(list.selected(), Some(k(7)));
    }

    #[test]
    fn marks_are_by_object_and_go_with_it() {
        let mut list = List::default();
        let all = rows(&[1, 2, 3, 4], &[]);
        list.settle(&all, false);
        list.act(Action::Mark, &all);
        list.act(Action::Down, &all);
        list.act(Action::MarkRange, &all);
        assert_eq!(list.marks().len(), 3);
        list.settle(&rows(&[3, 4], &[1]), false);
        assert_eq!(
            list.marks().iter().copied().collect::<Vec<_>>(),
            vec![k(1), k(3)]
        );
        list.act(Action::MarkClear, &all);
        assert!(list.marks().is_empty());
    }

    #[test]
    fn rows_that_arrive_above_leave_the_picture_still() {
        let mut list = List::default();
        list.settle(&rows(&[1, 2, 3, 4], &[]), false);
        list.table.scroll_to(1);
        list.go(2, &rows(&[1, 2, 3, 4], &[]));
        list.settle(&rows(&[8, 9, 1, 2, 3, 4], &[]), false);
        assert_eq!((list.selected(), list.table.offset()), (Some(k(3)), 3));
    }
}
