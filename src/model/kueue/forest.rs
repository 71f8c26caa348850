//! The queue trees of several clusters below one another, each under a row of its own that says what it comes to.
//! Separate from the tree of one: nothing of two clusters is ever added up, borrowed or named together below that row.

use std::collections::BTreeMap;

use super::capacity::Cell;
use super::tree::{Level, Node, tree};
use super::{FlavorResource, Kueue};
use crate::model::clusters::Clusters;
use crate::model::ids::{ClusterId, Name};

/// The rows of these clusters, in their order. One alone is its tree; of several each stands under its name.
pub fn forest(
    kueue: &Kueue,
    names: &Clusters,
    shown: &[ClusterId],
    namespace: Option<&Name>,
) -> Vec<Node> {
    let of = |cluster| tree(kueue, &kueue.look(cluster).capacity, cluster, namespace);
    if let [one] = shown {
        return of(*one);
    }
    let mut rows = Vec::new();
    for &cluster in shown {
        let name = names.name(cluster).cloned().unwrap_or_default();
        let mut own = of(cluster);
        for row in &mut own {
            row.depth = row.depth.saturating_add(1);
        }
        rows.push(above(cluster, name, &own));
        rows.extend(own);
    }
    rows
}

/// The row of a cluster: the counts of its queues, and what the trees at its top have together of each resource.
fn above(cluster: ClusterId, name: Name, own: &[Node]) -> Node {
    let mut row = Node::blank(Level::Cluster, cluster, name, 0);
    let mut cells: BTreeMap<Name, Cell> = BTreeMap::new();
    let mut unread = false;
    for node in own {
        if node.depth == 1 {
            unread = node.by_name_only && node.level == Level::ClusterQueue;
            for (of, cell) in &node.cells {
                let sum = cells.entry(of.resource.clone()).or_default();
                sum.nominal += cell.nominal;
                sum.total += cell.total;
                sum.used += cell.used;
                sum.reserved += cell.reserved;
                sum.available += cell.available;
            }
        }
        // of a queue that may not be read its local queues are all that is known
        let counts = match node.level {
            Level::ClusterQueue => !unread,
            Level::LocalQueue => unread,
            Level::Cluster | Level::Cohort => false,
        };
        if counts {
            row.pending = row.pending.saturating_add(node.pending);
            row.reserving = row.reserving.saturating_add(node.reserving);
            row.admitted = row.admitted.saturating_add(node.admitted);
        }
    }
    let whole = |(resource, cell)| {
        let flavor = Name::default();
        (FlavorResource { flavor, resource }, cell)
    };
    row.cells = cells.into_iter().map(whole).collect();
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;
    use crate::model::delta::{Change, Delta, Rows, SourceId};
    use crate::model::kueue::fixture::*;
    use crate::model::kueue::{ClusterQueueRow, QueueRows};

    const WEST: ClusterId = ClusterId(0);
    const EAST: ClusterId = ClusterId(1);

    /// A cohort, a queue in it, one beside it and a local queue, of the same names and even uids in each cluster.
    fn same(model: &mut Model, cluster: ClusterId, quota: i64, pending: u32) {
        let counted = |mut row: ClusterQueueRow| {
            (row.key.cluster, row.pending) = (cluster, pending);
            row
        };
        let mut cohort = cohort("team");
        cohort.key.cluster = cluster;
        let mut local = lq("main", "a");
        local.key.cluster = cluster;
        let queues = vec![
            counted(
                cq("a")
                    .within("team")
                    .quota_of("h100", quota)
                    .holds("h100", 3),
            ),
            counted(cq("alone").quota_of("a100", 1)),
        ];
        let rows = [
            QueueRows::Cohorts(Change::Rows(vec![cohort])),
            QueueRows::ClusterQueues(Change::Rows(queues)),
            QueueRows::LocalQueues(Change::Rows(vec![local])),
        ];
        for (source, rows) in (1..).zip(rows) {
            model.apply(Delta {
                cluster,
                source: SourceId(source),
                rows: Rows::Queues(rows),
            });
        }
    }

    fn both() -> Model {
        let mut model = Model {
            clusters: Clusters::new([(WEST, "west"), (EAST, "east")]),
            ..Model::default()
        };
        same(&mut model, WEST, 8, 2);
        same(&mut model, EAST, 64, 5);
        model
    }

    fn rows(model: &Model, shown: &[ClusterId], namespace: Option<&str>) -> Vec<Node> {
        let namespace = namespace.map(Name::from);
        forest(&model.kueue, &model.clusters, shown, namespace.as_ref())
    }

    fn drawn(rows: &[Node]) -> Vec<String> {
        let line = |row: &Node| {
            let totals: Vec<i64> = row.cells.iter().map(|(_, cell)| cell.total).collect();
            let depth = "  ".repeat(row.depth.into());
            format!("{depth}{} {} {totals:?}", row.name, row.pending)
        };
        rows.iter().map(line).collect()
    }

    #[test]
    fn namesakes_of_two_clusters_stand_apart_and_are_added_up_apart() {
        let rows = rows(&both(), &[WEST, EAST], None);
        assert_eq!(
            drawn(&rows),
            [
                "west 4 [9]",
                "  team 2 [8]",
                "    a 2 [8]",
                "      main 0 []",
                "  alone 2 [1]",
                "east 10 [65]",
                "  team 5 [64]",
                "    a 5 [64]",
                "      main 0 []",
                "  alone 5 [1]",
            ]
        );
        assert_eq!((rows[2].cluster, rows[7].cluster), (WEST, EAST));
        // what is free is free in each: neither lends the other anything
        let free = |at: usize| rows[at].cells.iter().map(|(_, c)| c.available).sum::<i64>();
        assert_eq!((free(0), free(2), free(5)), (6, 5, 62));
    }

    #[test]
    fn one_that_is_looked_at_alone_is_its_tree() {
        let model = both();
        let look = model.kueue.look(EAST);
        let alone = tree(&model.kueue, &look.capacity, EAST, None);
        assert_eq!(rows(&model, &[EAST], None), alone);
    }

    #[test]
    fn one_without_queues_has_its_row_all_the_same() {
        let mut model = both();
        same(&mut model, ClusterId(7), 1, 1);
        model.clusters = Clusters::new([(WEST, "west"), (ClusterId(2), "bare")]);
        let rows = rows(&model, &[WEST, ClusterId(2)], Some("elsewhere"));
        assert_eq!(drawn(&rows), ["west 0 []", "bare 0 []"]);
    }

    #[test]
    fn of_queues_that_may_not_be_read_the_local_ones_count() {
        let mut model = both();
        let none = QueueRows::ClusterQueues(Change::Dropped);
        model.apply(Delta {
            cluster: EAST,
            source: SourceId(2),
            rows: Rows::Queues(none),
        });
        let mut local = lq("main", "a");
        (local.key.cluster, local.pending) = (EAST, 3);
        model.apply(Delta {
            cluster: EAST,
            source: SourceId(3),
            rows: Rows::Queues(QueueRows::LocalQueues(Change::Rows(vec![local]))),
        });
        let rows = rows(&model, &[WEST, EAST], None);
        let east = rows.iter().find(|row| &*row.name == "east").unwrap();
        assert_eq!((east.pending, east.cells.len()), (3, 0));
    }
}
