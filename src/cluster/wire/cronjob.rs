//! batch/v1 CronJob.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::meta::{Meta, named};
use super::template::Template;
use super::{Object, Wire, lax};
use crate::model::delta::{Change, Rows};
use crate::model::ids::{ClusterId, Names, Uid};
use crate::model::job::CronJobRow;

pub type CronJob = Object<Spec, Status>;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Spec {
    #[serde(deserialize_with = "lax::text")]
    schedule: String,
    #[serde(deserialize_with = "lax::text")]
    time_zone: String,
    #[serde(deserialize_with = "lax::flag")]
    suspend: bool,
    #[serde(deserialize_with = "lax::text")]
    concurrency_policy: String,
    #[serde(deserialize_with = "lax::object")]
    job_template: JobTemplate,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct JobTemplate {
    #[serde(deserialize_with = "lax::object")]
    metadata: Meta,
    #[serde(deserialize_with = "lax::object")]
    spec: JobSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct JobSpec {
    #[serde(deserialize_with = "lax::object")]
    template: Template,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Status {
    #[serde(deserialize_with = "lax::list")]
    active: Vec<Active>,
    #[serde(deserialize_with = "lax::time")]
    last_schedule_time: Option<DateTime<Utc>>,
    #[serde(deserialize_with = "lax::time")]
    last_successful_time: Option<DateTime<Utc>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Active {
    #[serde(deserialize_with = "lax::text")]
    uid: String,
}

impl Wire for CronJob {
    type Row = CronJobRow;

    fn meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, cluster: ClusterId, names: &mut Names) -> CronJobRow {
        let Object {
            metadata,
            spec,
            status,
        } = self;
        let pod = &spec.job_template.spec.template.spec;
        let queue = spec
            .job_template
            .metadata
            .label("kueue.x-k8s.io/queue-name");
        CronJobRow {
            key: metadata.key(cluster),
            namespace: names.get(&metadata.namespace),
            name: names.get(&metadata.name),
            created: metadata.creation_timestamp,
            deleting: metadata.is_deleting(),
            labels: metadata.labels(names),
            schedule: names.get(&spec.schedule),
            time_zone: named(names, &spec.time_zone),
            suspend: spec.suspend,
            concurrency: match spec.concurrency_policy.as_str() {
                "" => names.get("Allow"),
                policy => names.get(policy),
            },
            active: status.active.iter().map(|a| Uid::parse(&a.uid)).collect(),
            last_schedule: status.last_schedule_time,
            last_success: status.last_successful_time,
            devices: pod.devices(names),
            queue: queue.and_then(|queue| named(names, queue)),
            image: named(names, pod.image()),
        }
    }

    fn rows(change: Change<CronJobRow>) -> Rows {
        Rows::CronJobs(change)
    }
}
