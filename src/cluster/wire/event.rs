//! v1 Event. (Read as core/v1 only: events.k8s.io/v1 serves the same objects under other names.)

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::meta::Meta;
use super::{Wire, lax};
use crate::model::delta::{Change, Rows};
use crate::model::event::EventRow;
use crate::model::ids::{ClusterId, Names, Uid};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Event {
    #[serde(deserialize_with = "lax::object")]
    metadata: Meta,
    #[serde(deserialize_with = "lax::object")]
    involved_object: Involved,
    #[serde(rename = "type", deserialize_with = "lax::text")]
    kind: String,
    #[serde(deserialize_with = "lax::text")]
    reason: String,
    #[serde(deserialize_with = "lax::text")]
    message: String,
    #[serde(deserialize_with = "lax::count")]
    count: u32,
    #[serde(deserialize_with = "lax::time")]
    first_timestamp: Option<DateTime<Utc>>,
    #[serde(deserialize_with = "lax::time")]
    last_timestamp: Option<DateTime<Utc>>,
    #[serde(deserialize_with = "lax::time")]
    event_time: Option<DateTime<Utc>>,
    #[serde(deserialize_with = "lax::maybe_object")]
    series: Option<Series>,
    #[serde(deserialize_with = "lax::object")]
    source: Source,
    #[serde(deserialize_with = "lax::text")]
    reporting_component: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Involved {
    #[serde(deserialize_with = "lax::text")]
    kind: String,
    #[serde(deserialize_with = "lax::text")]
    name: String,
    #[serde(deserialize_with = "lax::text")]
    uid: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Series {
    #[serde(deserialize_with = "lax::count")]
    count: u32,
    #[serde(deserialize_with = "lax::time")]
    last_observed_time: Option<DateTime<Utc>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Source {
    #[serde(deserialize_with = "lax::text")]
    component: String,
}

impl Wire for Event {
    type Row = EventRow;

    fn meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, cluster: ClusterId, names: &mut Names) -> EventRow {
        let by = if self.reporting_component.is_empty() {
            &self.source.component
        } else {
            &self.reporting_component
        };
        let series = self.series.unwrap_or_default();
        let count = if series.count > 0 {
            series.count
        } else {
            self.count
        };
        let first = self
            .first_timestamp
            .or(self.event_time)
            .or(self.metadata.creation_timestamp);
        EventRow {
            key: self.metadata.key(cluster),
            namespace: names.get(&self.metadata.namespace),
            warning: self.kind == "Warning",
            reason: names.get(&self.reason),
            about: (
                names.get(&self.involved_object.kind),
                names.get(&self.involved_object.name),
                Uid::parse(&self.involved_object.uid),
            ),
            by: names.get(by),
            count: count.max(1),
            first,
            last: series
                .last_observed_time
                .or(self.last_timestamp)
                .or(self.event_time)
                .or(first),
            message: self.message,
        }
    }

    fn rows(change: Change<EventRow>) -> Rows {
        Rows::Events(change)
    }
}
