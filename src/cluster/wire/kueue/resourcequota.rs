//! ResourceQuota: what all of a namespace may ask for together, and what it has. The core group's, read here because
//! it is shown with the queues.

use serde::Deserialize;

use super::super::meta::Meta;
use super::super::{Wire, lax};
use crate::model::delta::{Change, Rows};
use crate::model::ids::{ClusterId, Names};
use crate::model::kueue::others::Limit;
use crate::model::kueue::{QueueRows, QuotaRow};
use crate::model::quantity::Quantity;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ResourceQuota {
    #[serde(deserialize_with = "lax::object")]
    metadata: Meta,
    #[serde(deserialize_with = "lax::object")]
    spec: Spec,
    #[serde(deserialize_with = "lax::object")]
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    #[serde(deserialize_with = "lax::pairs")]
    hard: Vec<(lax::Text, lax::Text)>,
    #[serde(deserialize_with = "lax::texts")]
    scopes: Vec<String>,
    #[serde(deserialize_with = "lax::object")]
    scope_selector: Selector,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Selector {
    #[serde(deserialize_with = "lax::list")]
    match_expressions: Vec<Expression>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Expression {
    #[serde(deserialize_with = "lax::text")]
    scope_name: String,
    #[serde(deserialize_with = "lax::text")]
    operator: String,
    #[serde(deserialize_with = "lax::texts")]
    values: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    #[serde(deserialize_with = "lax::pairs")]
    hard: Vec<(lax::Text, lax::Text)>,
    #[serde(deserialize_with = "lax::pairs")]
    used: Vec<(lax::Text, lax::Text)>,
}

impl Expression {
    fn words(&self) -> String {
        match (&*self.scope_name, &*self.operator) {
            ("PriorityClass", "In") => format!("priority {}", self.values.join(", ")),
            (scope, "Exists" | "") => scope.to_owned(),
            (scope, operator) => format!("{scope} {operator} {}", self.values.join(", ")),
        }
    }
}

impl Wire for ResourceQuota {
    type Row = QuotaRow;

    fn meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, cluster: ClusterId, names: &mut Names) -> QuotaRow {
        let Self {
            metadata,
            spec,
            status,
        } = self;
        let read = |text: &str| Quantity::parse(text).unwrap_or_default();
        // what is enforced is the status's; before the controller saw it, what is asked for
        let hard = match status.hard.is_empty() {
            true => &spec.hard,
            false => &status.hard,
        };
        let mut limits: Vec<Limit> = hard
            .iter()
            .map(|(what, hard)| {
                let used = status.used.iter().find(|(other, _)| other == what);
                let used = used.map(|(_, used)| read(used)).unwrap_or_default();
                Limit::new(names.get(what), used, read(hard))
            })
            .collect();
        limits.sort_by(|a, b| a.what.cmp(&b.what));
        let scopes = spec.scopes.iter().cloned();
        let scopes = scopes.chain(
            spec.scope_selector
                .match_expressions
                .iter()
                .map(Expression::words),
        );
        let scopes: Vec<String> = scopes.collect();
        QuotaRow {
            key: metadata.key(cluster),
            namespace: names.get(&metadata.namespace),
            name: names.get(&metadata.name),
            scope: names.get(&scopes.join("; ")),
            limits,
        }
    }

    fn rows(change: Change<QuotaRow>) -> Rows {
        Rows::Queues(QueueRows::Quotas(change))
    }
}
