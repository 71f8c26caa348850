//! Where the cursor is on the map and how it moves: over groups, nodes, cards and blocks.

use super::{FEW, FOLD, Gpus, MANY, Row, Spot, map, tree};
use crate::panes::{Cx, Reply};

impl Gpus {
    pub(super) fn is_folded(&self, branch: &tree::Branch) -> bool {
        let by_hand = self.folded.get(&branch.name).copied();
        let nodes = branch.nodes.len();
        by_hand.unwrap_or(nodes > FOLD || self.shown > MANY && nodes > FEW)
    }

    pub(super) fn lay_out(&mut self) {
        let mut rows = Vec::new();
        for (at, branch) in self.tree.branches.iter().enumerate() {
            if at > 0 {
                rows.push(Row::Gap);
            }
            rows.push(Row::Group(at));
            let nodes = branch.nodes.len();
            if self.is_folded(branch) {
                let per = map::blocks_per_row(self.map.width);
                let starts = (0..nodes).step_by(per);
                rows.extend(starts.map(|from| Row::Blocks(at, from, (from + per).min(nodes))));
            } else {
                rows.extend((0..nodes).map(|node| Row::Node(at, node)));
            }
        }
        self.rows = rows;
    }

    /// The line the cursor is on.
    pub(super) fn row_at(&self) -> Option<usize> {
        let is = |row: &Row| match (&self.spot, row) {
            (Some(Spot::Group(name)), Row::Group(at)) => {
                self.tree.branches.get(*at).is_some_and(|b| b.name == *name)
            }
            _ => false,
        };
        match &self.spot {
            Some(Spot::Node(key)) => {
                let (branch, node) = self.tree.find(*key)?;
                self.rows.iter().position(|row| match row {
                    Row::Node(b, n) => (*b, *n) == (branch, node),
                    Row::Blocks(b, from, to) => *b == branch && (*from..*to).contains(&node),
                    _ => false,
                })
            }
            _ => self.rows.iter().position(is),
        }
    }

    /// What the cursor is on in a line, at a column where the line has several.
    pub(super) fn spot_of(&self, row: Row, column: usize) -> Option<Spot> {
        Some(match row {
            Row::Group(at) => Spot::Group(self.tree.branches.get(at)?.name.clone()),
            Row::Node(branch, node) => Spot::Node(self.tree.node(branch, node)?),
            Row::Blocks(branch, from, to) => Spot::Node(
                self.tree
                    .node(branch, (from + column).min(to.saturating_sub(1)))?,
            ),
            Row::Gap => return None,
        })
    }

    pub(super) fn step(&mut self, by: isize) {
        let Some(now) = self.row_at() else { return };
        let column = match (self.rows.get(now), &self.spot) {
            (Some(Row::Blocks(branch, from, _)), Some(Spot::Node(key))) => {
                let nodes = self.tree.branches.get(*branch).map(|b| b.nodes.as_slice());
                let at = nodes.and_then(|nodes| nodes.iter().position(|n| n == key));
                at.map_or(0, |at| at - from)
            }
            _ => 0,
        };
        let last = self.rows.len().saturating_sub(1);
        let mut at = now.saturating_add_signed(by).min(last);
        if self.rows.get(at) == Some(&Row::Gap) {
            at = at.saturating_add_signed(by.signum()).min(last);
        }
        if let Some(spot) = self.rows.get(at).and_then(|row| self.spot_of(*row, column)) {
            self.spot = Some(spot);
        }
    }

    pub(super) fn sideways(&mut self, by: isize, cx: &Cx) -> Reply {
        let Some(row) = self.row_at().and_then(|at| self.rows.get(at)).copied() else {
            return Reply::Ignored;
        };
        match (row, &self.spot) {
            (Row::Group(at), _) => {
                if let Some(branch) = self.tree.branches.get(at) {
                    self.folded.insert(branch.name.clone(), by < 0);
                    self.folds += 1;
                }
            }
            (Row::Node(..), _) => {
                let n = self.card(cx).map_or(0, |(.., n)| n);
                let at = self.card.min(n.saturating_sub(1));
                self.card = at.saturating_add_signed(by).min(n.saturating_sub(1));
            }
            (Row::Blocks(branch, ..), Some(Spot::Node(key))) => {
                let nodes = self
                    .tree
                    .branches
                    .get(branch)
                    .map(|b| b.nodes.as_slice())
                    .unwrap_or_default();
                let at = nodes.iter().position(|node| node == key).unwrap_or(0);
                let at = at
                    .saturating_add_signed(by)
                    .min(nodes.len().saturating_sub(1));
                self.spot = nodes.get(at).map(|key| Spot::Node(*key));
            }
            _ => return Reply::Ignored,
        }
        Reply::Done
    }

    pub(super) fn fold(&mut self) -> Reply {
        let branch = match &self.spot {
            Some(Spot::Group(name)) => self.tree.branches.iter().find(|b| b.name == *name),
            Some(Spot::Node(key)) => self
                .tree
                .find(*key)
                .and_then(|(b, _)| self.tree.branches.get(b)),
            None => None,
        };
        let Some(branch) = branch else {
            return Reply::Ignored;
        };
        let (name, folded) = (branch.name.clone(), self.is_folded(branch));
        self.folded.insert(name, !folded);
        self.folds += 1;
        Reply::Done
    }
}
