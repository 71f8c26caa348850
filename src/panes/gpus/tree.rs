//! Nodes with devices in their groups, in a steady order. Separate from drawing because thousands of nodes are put in
//! order only when nodes come or go, not when a pod does.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::Model;
use crate::model::capacity::groups::Dim;
use crate::model::ids::{ClusterId, Key, Name};
use crate::panes::Cx;

use super::Head;

/// How old an order may be while the cluster is busy: a node that joins is seen this much later at most.
const OLD: TimeDelta = TimeDelta::milliseconds(500);

/// The nodes of one group of a cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch {
    pub cluster: ClusterId,
    /// None: no label puts these nodes in a group.
    pub name: Option<Name>,
    pub nodes: Vec<Key>,
}

/// What an order was made for.
#[derive(Debug, Clone, PartialEq)]
struct MadeFor {
    clusters: Vec<ClusterId>,
    dim: Dim,
    filter: String,
    only: Option<Key>,
}

impl Branch {
    pub fn head(&self) -> Head {
        Head::Group(self.cluster, self.name.clone())
    }
}

/// All groups.
#[derive(Debug, Default)]
pub struct Tree {
    /// Cluster by cluster, in this order.
    pub clusters: Vec<ClusterId>,
    pub branches: Vec<Branch>,
    /// Moves when the order changes.
    pub revision: u64,
    /// Nodes with devices, shown or not.
    pub all: usize,
    made_for: Option<MadeFor>,
    made_at: Option<DateTime<Utc>>,
    version: u64,
}

impl Tree {
    /// Brings the order up to date; not at every change of a busy cluster.
    pub fn refresh(
        &mut self,
        clusters: &[ClusterId],
        dim: Dim,
        filter: &str,
        only: Option<Key>,
        cx: &Cx,
    ) {
        let same = self.made_for.as_ref().is_some_and(|made| {
            (made.dim, made.only) == (dim, only)
                && made.clusters == clusters
                && made.filter == filter
        });
        let version = cx.model.capacity.version();
        let fresh = self.made_at.is_some_and(|at| cx.now - at < OLD);
        if same && (version == self.version || (fresh && !self.branches.is_empty())) {
            return;
        }
        let (all, branches) = branches(cx.model, clusters, dim, filter, only);
        if branches != self.branches || !same {
            self.branches = branches;
            self.clusters = clusters.to_vec();
            self.revision += 1;
        }
        (self.all, self.version, self.made_at) = (all, version, Some(cx.now));
        let filter = filter.to_owned();
        self.made_for = Some(MadeFor {
            clusters: clusters.to_vec(),
            dim,
            filter,
            only,
        });
    }

    /// The groups of one cluster, by their places.
    pub fn of(&self, cluster: ClusterId) -> impl Iterator<Item = (usize, &Branch)> {
        let all = self.branches.iter().enumerate();
        all.filter(move |(_, branch)| branch.cluster == cluster)
    }

    /// When it is to be put in order again, if something changed that it does not show yet.
    pub fn due(&self, cx: &Cx) -> Option<DateTime<Utc>> {
        let late = cx.model.capacity.version() != self.version;
        self.made_at.filter(|_| late).map(|at| at + OLD)
    }

    /// The node at a place.
    pub fn node(&self, branch: usize, at: usize) -> Option<Key> {
        self.branches.get(branch)?.nodes.get(at).copied()
    }

    /// Where a node is.
    pub fn find(&self, node: Key) -> Option<(usize, usize)> {
        self.branches.iter().enumerate().find_map(|(b, branch)| {
            let at = branch.nodes.iter().position(|key| *key == node)?;
            Some((b, at))
        })
    }
}

fn branches(
    model: &Model,
    clusters: &[ClusterId],
    dim: Dim,
    filter: &str,
    only: Option<Key>,
) -> (usize, Vec<Branch>) {
    let words: Vec<String> = filter.split_whitespace().map(str::to_lowercase).collect();
    let hosts: Option<BTreeSet<&Name>> = only.map(|job| {
        model
            .pods_of(job)
            .filter_map(|pod| pod.node.as_ref())
            .collect()
    });
    let mut all = 0;
    let names = &model.clusters;
    let mut by: BTreeMap<(ClusterId, Option<Name>), Vec<Named>> = BTreeMap::new();
    let nodes = model.nodes.rows();
    for node in nodes.filter(|node| clusters.contains(&node.key.cluster)) {
        let Some(share) = model.capacity.share(node) else {
            continue;
        };
        all += 1;
        if hosts
            .as_ref()
            .is_some_and(|hosts| !hosts.contains(&node.name))
        {
            continue;
        }
        let of = node.key.cluster;
        let told = [
            names.name(of).filter(|_| clusters.len() > 1),
            Some(&node.name),
            node.product.as_ref(),
            node.pool.as_ref(),
            node.zone.as_ref(),
        ];
        let has = |word: &String| {
            if let Some(cluster) = word.strip_prefix("cluster:") {
                return names.is_meant(of, cluster);
            }
            let mut told = told.iter().flatten();
            told.any(|text| text.to_lowercase().contains(word.as_str()))
        };
        if words.iter().all(has) {
            let group = share.group(dim).cloned();
            by.entry((of, group))
                .or_default()
                .push((chunks(&node.name), node.key));
        }
    }
    let sorted = by.into_iter().map(|((cluster, name), mut nodes)| {
        nodes.sort();
        Branch {
            cluster,
            name,
            nodes: nodes.into_iter().map(|(_, key)| key).collect(),
        }
    });
    (all, sorted.collect())
}

/// A node by the pieces of its name.
type Named = (Vec<Chunk>, Key);

/// A piece of a name: `gpu-10` comes after `gpu-9`.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Chunk {
    Number(u64, Box<str>),
    Text(Box<str>),
}

fn chunks(name: &str) -> Vec<Chunk> {
    let pieces = name
        .as_bytes()
        .chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit());
    let mut at = 0;
    pieces
        .map(|piece| {
            let text = &name[at..at + piece.len()];
            at += piece.len();
            match text.parse() {
                Ok(n) => Chunk::Number(n, text.into()),
                Err(_) => Chunk::Text(text.into()),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_the_order_people_count() {
        let mut names = [
            "gpu-10",
            "gpu-9",
            "gpu-9-b",
            "gpu-009",
            "a-1",
            "日本-2",
            "日本-10",
            "",
        ];
        names.sort_by_key(|name| chunks(name));
        assert_eq!(
            names,
            [
                "",
                "a-1",
                "gpu-009",
                "gpu-9",
                "gpu-9-b",
                "gpu-10",
                "日本-2",
                "日本-10"
            ]
        );
    }
}
