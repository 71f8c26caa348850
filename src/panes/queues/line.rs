//! Lines of the queue tree: one for each node and flavor of the resource looked at. Separate from drawing because the
//! selection, the filter and the tests work on these.

use crate::model::clusters::Clusters;
use crate::model::ids::{Key, Name, Uid};
use crate::model::kueue::FlavorResource;
use crate::model::kueue::capacity::Cell;
use crate::model::kueue::tree::{Level, Node};

/// One line: a node's first flavor beside its name, its other flavors below.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Of the node and the flavor; stays while they exist.
    pub key: Key,
    /// Which node of the tree.
    pub node: usize,
    /// The flavor and its amounts; none if the node has none of the resource.
    pub cell: Option<(FlavorResource, Cell)>,
    /// It carries the node's name and counts.
    pub first: bool,
    /// For each level above and its own: whether it is the last among its siblings there.
    pub last: Vec<bool>,
}

/// The resources the tree has quota of, devices first, then by name.
pub fn resources(nodes: &[Node]) -> Vec<Name> {
    let mut all: Vec<Name> = nodes
        .iter()
        .flat_map(|node| node.cells.iter().map(|(of, _)| of.resource.clone()))
        .collect();
    all.sort_by_key(|name| (!crate::model::resources::is_device(name), name.clone()));
    all.dedup();
    all
}

/// The lines of the tree for one resource. `shown` says which nodes a filter lets through.
pub fn lines(nodes: &[Node], resource: Option<&Name>, shown: &[bool]) -> Vec<Line> {
    let mut out: Vec<Line> = Vec::new();
    let mut above: Vec<bool> = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        if !shown.get(at).copied().unwrap_or(true) {
            continue;
        }
        above.truncate(usize::from(node.depth));
        above.push(is_last(nodes, at, shown));
        let mut cells: Vec<Option<(FlavorResource, Cell)>> = node
            .cells
            .iter()
            .filter(|(of, _)| Some(&of.resource) == resource)
            .map(|cell| Some(cell.clone()))
            .collect();
        // a local queue says how much of it is used, not what it is promised: one line will do
        if node.level == Level::LocalQueue {
            cells.retain(|cell| cell.as_ref().is_some_and(|(_, cell)| cell.reserved > 0));
        }
        if cells.is_empty() {
            cells.push(None);
        }
        for (n, cell) in cells.into_iter().enumerate() {
            let flavor = cell.as_ref().map_or("", |(of, _)| &*of.flavor);
            out.push(Line {
                key: key_of(node, flavor),
                node: at,
                cell,
                first: n == 0,
                last: above.clone(),
            });
        }
    }
    out
}

/// Where the cursor goes when a movement ended on `at`: to the first line of a node, onwards if it was going `down`.
pub fn snap(lines: &[Line], at: usize, down: bool) -> usize {
    let is_first = |at: usize| lines.get(at).is_none_or(|line| line.first);
    if is_first(at) {
        return at;
    }
    let onwards = (at..lines.len()).find(|&at| is_first(at));
    let back = (0..at).rev().find(|&at| is_first(at)).unwrap_or_default();
    onwards.filter(|_| down).unwrap_or(back)
}

/// Which nodes a filter lets through: those whose name holds its text, and of several clusters those of the one that
/// `cluster:east` (a part of its name) or `cluster:=east` names.
pub fn matching(nodes: &[Node], filter: &str, names: &Clusters) -> Vec<bool> {
    let filter = filter.to_lowercase();
    let (clusters, words): (Vec<&str>, Vec<&str>) = filter
        .split_whitespace()
        .partition(|word| word.starts_with("cluster:"));
    let text = words.join(" ");
    let of_these = |node: &Node| {
        let mut words = clusters.iter().filter_map(|w| w.strip_prefix("cluster:"));
        words.all(|word| names.is_meant(node.cluster, word))
    };
    if text.is_empty() {
        return nodes.iter().map(of_these).collect();
    }
    keep(nodes, |node| {
        let name = format!("{}/{}", node.namespace, node.name).to_lowercase();
        of_these(node) && name.contains(&text)
    })
}

/// Which nodes stay when only those that `hits` are looked for: they, what is above them, and what is below.
pub fn keep(nodes: &[Node], hits: impl Fn(&Node) -> bool) -> Vec<bool> {
    let mut shown: Vec<bool> = nodes.iter().map(&hits).collect();
    let direct = shown.clone();
    for (at, node) in nodes.iter().enumerate() {
        if !direct[at] {
            continue;
        }
        // below
        let below = nodes[at + 1..].iter().take_while(|n| n.depth > node.depth);
        let n = below.count();
        shown[at + 1..=at + n].fill(true);
        // above
        let mut depth = node.depth;
        for above in (0..at).rev() {
            if nodes[above].depth < depth {
                depth = nodes[above].depth;
                shown[above] = true;
            }
        }
    }
    shown
}

fn is_last(nodes: &[Node], at: usize, shown: &[bool]) -> bool {
    let depth = nodes[at].depth;
    let after = nodes.iter().enumerate().skip(at + 1);
    let after = after.filter(|(n, _)| shown.get(*n).copied().unwrap_or(true));
    for (_, node) in after {
        if node.depth < depth {
            return true;
        }
        if node.depth == depth {
            return false;
        }
    }
    true
}

/// Made of names: a cohort may have no object, and a cluster queue may be unreadable.
fn key_of(node: &Node, flavor: &str) -> Key {
    let what = match node.level {
        Level::Cluster => "cluster",
        Level::Cohort => "cohort",
        Level::ClusterQueue => "clusterqueue",
        Level::LocalQueue => "localqueue",
    };
    let name = format!("{what}/{}/{}/{flavor}", node.namespace, node.name);
    Key {
        cluster: node.cluster,
        uid: Uid::parse(&name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::ClusterId;
    use crate::model::kueue::tree::tree;
    use crate::panes::fixture;

    fn nodes() -> Vec<Node> {
        let kueue = fixture::queued().kueue;
        let capacity = &kueue.look(ClusterId(0)).capacity;
        tree(&kueue, capacity, ClusterId(0), None)
    }

    fn names(nodes: &[Node], shown: &[bool]) -> Vec<String> {
        let lines = lines(nodes, Some(&"nvidia.com/gpu".into()), shown);
        let first = lines.into_iter().filter(|line| line.first);
        first
            .map(|line| nodes[line.node].name.to_string())
            .collect()
    }

    #[test]
    fn a_node_has_a_line_per_flavor_of_the_resource() {
        let nodes = nodes();
        let gpu = lines(
            &nodes,
            Some(&"nvidia.com/gpu".into()),
            &vec![true; nodes.len()],
        );
        let of = |name: &str| {
            let mine = gpu.iter().filter(|line| &*nodes[line.node].name == name);
            mine.map(|line| line.cell.as_ref().map(|(of, _)| of.flavor.to_string()))
                .collect::<Vec<_>>()
        };
        assert_eq!(of("hep-atlas"), [Some("a100".into()), Some("h100".into())]);
        // one without quota of it has a line all the same
        assert_eq!(of("notebooks"), [None]);
        let keys: std::collections::HashSet<_> = gpu.iter().map(|line| line.key).collect();
        assert_eq!(keys.len(), gpu.len());
        assert_eq!(resources(&nodes), ["nvidia.com/gpu", "cpu"]);
    }

    #[test]
    fn a_filter_keeps_what_is_above_and_below() {
        let nodes = nodes();
        let shown = keep(&nodes, |node| &*node.name == "hep-atlas");
        let kept = names(&nodes, &shown);
        assert_eq!(
            kept,
            [
                "research",
                "hep",
                "hep-atlas",
                "main",
                "shared-with-the-astronomers"
            ]
        );
        let last = lines(&nodes, None, &shown);
        // the only one shown of its siblings is the last of them
        let atlas = last
            .iter()
            .find(|line| &*nodes[line.node].name == "hep-atlas");
        assert_eq!(atlas.unwrap().last, [true, true, true]);
        assert!(names(&nodes, &keep(&nodes, |_| false)).is_empty());
    }

    #[test]
    fn the_cursor_lands_on_names() {
        let nodes = nodes();
        let lines = lines(
            &nodes,
            Some(&"nvidia.com/gpu".into()),
            &vec![true; nodes.len()],
        );
        // research has three flavors
        assert_eq!(snap(&lines, 0, true), 0);
        assert_eq!(snap(&lines, 1, true), 3);
        assert_eq!(snap(&lines, 2, false), 0);
        assert_eq!(snap(&lines, 99, true), 99);
    }
}
