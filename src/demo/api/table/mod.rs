//! `as=Table` answers: the columns kubectl shows, and the cells computed on the server.

mod columns;
mod misc;
mod text;
mod workloads;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

pub use columns::Column;
pub use text::human_duration;

use super::custom::PrinterColumn;
use crate::store::Kind;

/// Objects as a table. `include` is `None`, `Object`, or anything else for metadata only; `custom` are the
/// columns that a CustomResourceDefinition adds.
pub fn table(
    kind: &Kind,
    custom: Option<&[PrinterColumn]>,
    objects: impl Iterator<Item = Value>,
    include: &str,
    now: DateTime<Utc>,
) -> Value {
    let definitions: Vec<Value> = match custom {
        Some(extra) => columns::custom(extra),
        None => columns::of(kind).iter().map(Column::definition).collect(),
    };
    let rows: Vec<Value> = objects
        .map(|object| {
            let cells = match custom {
                Some(extra) => columns::custom_cells(extra, &object, now),
                None => cells(kind, &object, now),
            };
            let mut row = json!({"cells": cells});
            match include {
                "None" => row["object"] = Value::Null,
                "Object" => row["object"] = object,
                _ => {
                    row["object"] = json!({
                        "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
                        "metadata": object["metadata"],
                    });
                }
            }
            row
        })
        .collect();
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {},
        "columnDefinitions": definitions, "rows": rows,
    })
}

fn cells(kind: &Kind, object: &Value, now: DateTime<Utc>) -> Vec<Value> {
    let context = text::Row { object, now };
    match kind.group.as_str() {
        "batch" | "apps" => workloads::cells(&kind.kind, &context),
        "" if kind.kind == "Pod" || kind.kind == "ReplicationController" => {
            workloads::cells(&kind.kind, &context)
        }
        _ => misc::cells(&kind.kind, &context),
    }
    .unwrap_or_else(|| vec![context.name(), context.age()])
}

#[cfg(test)]
mod tests;
