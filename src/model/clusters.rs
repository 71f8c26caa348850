//! What the clusters that are looked at together are called: their contexts' names, as short as they stay apart.

use std::collections::BTreeMap;

use super::ids::{ClusterId, Name};

/// The clusters whose rows stand beside each other. Worker clusters of MultiKueue are none of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clusters(BTreeMap<ClusterId, Name>);

impl Clusters {
    /// These are open, under the names of their contexts.
    pub fn new<'a>(contexts: impl IntoIterator<Item = (ClusterId, &'a str)>) -> Self {
        let contexts: Vec<(ClusterId, &str)> = contexts.into_iter().collect();
        let names: Vec<&str> = contexts.iter().map(|(_, context)| *context).collect();
        let short = short(&names);
        let ids = contexts.iter().map(|(id, _)| *id);
        Self(ids.zip(short.into_iter().map(Name::from)).collect())
    }

    /// Its short name; none of a cluster that is not looked at for itself.
    pub fn name(&self, id: ClusterId) -> Option<&Name> {
        self.0.get(&id)
    }

    /// Whether a filter's word for clusters means one: a part of its name, or all of it after `=`. In lower case.
    pub fn is_meant(&self, id: ClusterId, word: &str) -> bool {
        let name = self.name(id).map(|name| name.to_lowercase());
        let name = name.unwrap_or_default();
        match word.strip_prefix('=') {
            Some(whole) => whole == name,
            None => name.contains(word),
        }
    }

    /// There is more than one: rows say whose they are.
    pub fn several(&self) -> bool {
        self.0.len() > 1
    }

    /// All of them, in the order they were named in.
    pub fn ids(&self) -> impl Iterator<Item = ClusterId> + '_ {
        self.0.keys().copied()
    }
}

/// `gke_project_zone_a`, `gke_project_zone_b` → `a`, `b`: without what all have before the last sign that parts words.
fn short<'a>(names: &[&'a str]) -> Vec<&'a str> {
    let [first, rest @ ..] = names else {
        return Vec::new();
    };
    if rest.is_empty() {
        return vec![first];
    }
    let common = |n: &usize| rest.iter().all(|name| name.starts_with(&first[..*n]));
    let after = first.char_indices().filter(|(_, c)| "/_:@".contains(*c));
    let cut = after.map(|(at, c)| at + c.len_utf8()).rfind(common);
    let cut = cut.unwrap_or(0);
    let left = |name: &&'a str| name.get(cut..).unwrap_or_default();
    match names.iter().all(|name| !left(name).is_empty()) {
        true => names.iter().map(left).collect(),
        false => names.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;
    use crate::model::delta::{Change, Delta, Rows, SourceId};
    use crate::model::fixture::{at, job};
    use crate::model::job::JobRow;
    use crate::model::listed::{JobColumn, Scope};
    use crate::model::sort::Sort;
    use crate::model::view::View;

    #[test]
    fn names_lose_what_all_of_them_have_in_front() {
        let cases: [(&[&str], &[&str]); 5] = [
            (&["demo", "demo-east"], &["demo", "demo-east"]),
            (&["gke_p_z_a", "gke_p_z_b"], &["a", "b"]),
            (
                &[
                    "arn:aws:eks:eu:1:cluster/ml",
                    "arn:aws:eks:eu:1:cluster/web",
                ],
                &["ml", "web"],
            ),
            (&["team/", "team/x"], &["team/", "team/x"]),
            (&["gke_p_z_a"], &["gke_p_z_a"]),
        ];
        for (full, wanted) in cases {
            assert_eq!(short(full), wanted);
        }
    }

    #[test]
    fn rows_are_filtered_and_sorted_by_the_cluster_they_are_of() {
        let mut model = Model {
            clusters: Clusters::new([(ClusterId(0), "west"), (ClusterId(1), "east")]),
            ..Model::default()
        };
        for cluster in [ClusterId(0), ClusterId(1)] {
            // the same name and uid in both
            let mut same = job(1, "same");
            same.key.cluster = cluster;
            model.apply(Delta {
                cluster,
                source: SourceId(1),
                rows: Rows::Jobs(Change::Rows(vec![same])),
            });
        }
        let shown = |filter: &str| {
            let sort = Sort::by(JobColumn::Cluster);
            let mut view: View<JobRow> = View::new(sort, Scope::default());
            view.set_filter(filter).unwrap();
            view.refresh(&model, at(0));
            let rows = view.rows(&model).map(|job| job.key.cluster.0);
            rows.collect::<Vec<_>>()
        };
        assert_eq!(shown(""), [1, 0]);
        assert_eq!(shown("cluster:east"), [1]);
        assert_eq!(shown("!cluster:east same"), [0]);
        assert_eq!(shown("cluster:north"), [] as [u16; 0]);
    }

    #[test]
    fn only_several_are_told_apart() {
        let one = Clusters::new([(ClusterId(0), "demo")]);
        let two = Clusters::new([(ClusterId(0), "demo"), (ClusterId(1), "demo-east")]);
        assert!(!one.several() && two.several());
        assert_eq!(two.name(ClusterId(1)).map(|n| &**n), Some("demo-east"));
        assert_eq!(two.name(ClusterId(7)), None);
    }
}
