//! Where the cursor is on the map and how it moves: over groups, nodes, cards and blocks.

use super::{FEW, FOLD, Gpus, Head, MANY, Row, Spot, map, tree};
use crate::model::capacity::groups::Dim;
use crate::model::ids::ClusterId;
use crate::panes::{Cx, Reply};

impl Gpus {
    pub(super) fn is_folded(&self, branch: &tree::Branch) -> bool {
        let by_hand = self.folded.get(&branch.head()).copied();
        let nodes = branch.nodes.len();
        by_hand.unwrap_or(nodes > FOLD || self.shown > MANY && nodes > FEW)
    }

    /// Whether what is below the heading of a cluster is hidden.
    pub(super) fn is_shut(&self, cluster: ClusterId) -> bool {
        self.folded.get(&Head::Cluster(cluster)) == Some(&true)
    }

    pub(super) fn lay_out(&mut self) {
        let mut rows = Vec::new();
        let several = self.tree.clusters.len() > 1;
        for cluster in &self.tree.clusters {
            let none = self.tree.of(*cluster).next().is_none();
            // where a filter lets nothing of it through it is not there; where it has no GPUs its heading says so
            if none && (!several || !self.filter.is_empty()) {
                continue;
            }
            // one group of all is the cluster itself
            if several && (none || self.dim != Dim::All) {
                if !rows.is_empty() {
                    rows.push(Row::Gap);
                }
                rows.push(Row::Cluster(*cluster));
            }
            if !self.is_shut(*cluster) {
                self.lay_out_groups(*cluster, &mut rows);
            }
        }
        self.rows = rows;
    }

    fn lay_out_groups(&self, cluster: ClusterId, rows: &mut Vec<Row>) {
        for (at, branch) in self.tree.of(cluster) {
            if !matches!(rows.last(), None | Some(Row::Cluster(_))) {
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
    }

    /// The line the cursor is on.
    pub(super) fn row_at(&self) -> Option<usize> {
        let is = |row: &Row| match (&self.spot, row) {
            (Some(Spot::Head(Head::Group(cluster, name))), Row::Group(at)) => {
                let branch = self.tree.branches.get(*at);
                branch.is_some_and(|b| (b.cluster, &b.name) == (*cluster, name))
            }
            (Some(Spot::Head(Head::Cluster(cluster))), Row::Cluster(of)) => cluster == of,
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
            Row::Cluster(cluster) => Spot::Head(Head::Cluster(cluster)),
            Row::Group(at) => Spot::Head(self.tree.branches.get(at)?.head()),
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
            (Row::Cluster(_) | Row::Group(_), Some(Spot::Head(head))) => {
                self.folded.insert(head.clone(), by < 0);
                self.folds += 1;
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
            Some(Spot::Head(Head::Cluster(cluster))) => {
                let shut = self.is_shut(*cluster);
                self.folded.insert(Head::Cluster(*cluster), !shut);
                self.folds += 1;
                return Reply::Done;
            }
            Some(Spot::Head(head)) => self.tree.branches.iter().find(|b| b.head() == *head),
            Some(Spot::Node(key)) => self
                .tree
                .find(*key)
                .and_then(|(b, _)| self.tree.branches.get(b)),
            None => None,
        };
        let Some(branch) = branch else {
            return Reply::Ignored;
        };
        let (head, folded) = (branch.head(), self.is_folded(branch));
        self.folded.insert(head, !folded);
        self.folds += 1;
        Reply::Done
    }
}
