//! Column definitions per kind, and the columns of custom resources.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::text::{Row, since};
use crate::api::custom::PrinterColumn;
use crate::store::Kind;

/// One column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    name: &'static str,
    kind: &'static str,
    /// 1: only with `-o wide`.
    priority: u8,
}

/// `group/Kind: columns`; a column is `Name[:type]`, after `;` come those of priority 1.
const TABLE: &str = "
/Pod: Name,Ready,Status,Restarts,Age;IP,Node,Nominated Node,Readiness Gates
/PodTemplate: Name,Containers,Images,Pod Labels
policy/PodDisruptionBudget: Name,Min Available,Max Unavailable,Allowed Disruptions:integer,Age
/ReplicationController: Name,Desired:integer,Current:integer,Ready:integer,Age;Containers,Images,Selector
apps/ReplicaSet: Name,Desired:integer,Current:integer,Ready:integer,Age;Containers,Images,Selector
apps/DaemonSet: Name,Desired:integer,Current:integer,Ready:integer,Up-to-date:integer,Available:integer,Node Selector,Age;Containers,Images,Selector
apps/Deployment: Name,Ready,Up-to-date,Available,Age;Containers,Images,Selector
apps/StatefulSet: Name,Ready,Age;Containers,Images
apps/ControllerRevision: Name,Controller,Revision,Age
batch/Job: Name,Status,Completions,Duration,Age;Containers,Images,Selector
batch/CronJob: Name,Schedule,Timezone,Suspend:boolean,Active:integer,Last Schedule,Age;Containers,Images,Selector
/Service: Name,Type,Cluster-IP,External-IP,Port(s),Age;Selector
/Endpoints: Name,Endpoints,Age
/Node: Name,Status,Roles,Age,Version;Internal-IP,External-IP,OS-Image,Kernel-Version,Container-Runtime
/Namespace: Name,Status,Age
/Secret: Name,Type,Data,Age
/ServiceAccount: Name,Age
/ConfigMap: Name,Data,Age
/PersistentVolume: Name,Capacity,Access Modes,Reclaim Policy,Status,Claim,StorageClass,VolumeAttributesClass,Reason,Age;VolumeMode
/PersistentVolumeClaim: Name,Status,Volume,Capacity,Access Modes,StorageClass,VolumeAttributesClass,Age;VolumeMode
/ComponentStatus: Name,Status,Message,Error
/ResourceQuota: Name,Request,Limit,Age
autoscaling/HorizontalPodAutoscaler: Name,Reference,Targets,MinPods,MaxPods,Replicas,Age
networking.k8s.io/Ingress: Name,Class,Hosts,Address,Ports,Age
networking.k8s.io/IngressClass: Name,Controller,Parameters,Age
networking.k8s.io/NetworkPolicy: Name,Pod-Selector,Age
coordination.k8s.io/Lease: Name,Holder,Age
storage.k8s.io/StorageClass: Name,Provisioner,ReclaimPolicy,VolumeBindingMode,AllowVolumeExpansion,Age
scheduling.k8s.io/PriorityClass: Name,Value:integer,Global-Default:boolean,Age,PreemptionPolicy
discovery.k8s.io/EndpointSlice: Name,AddressType,Ports,Endpoints,Age
rbac.authorization.k8s.io/RoleBinding: Name,Role,Age;Users,Groups,ServiceAccounts
rbac.authorization.k8s.io/ClusterRoleBinding: Name,Role,Age;Users,Groups,ServiceAccounts
resource.k8s.io/DeviceClass: Name,Age
resource.k8s.io/ResourceClaim: Name,State,Age
resource.k8s.io/ResourceClaimTemplate: Name,Age
resource.k8s.io/ResourceSlice: Name,Node,Driver,Pool,Age
";

const EVENT: [Column; 10] = [
    column("Last Seen", 0),
    column("Type", 0),
    column("Reason", 0),
    column("Object", 0),
    column("Subobject", 1),
    column("Source", 1),
    column("Message", 0),
    column("First Seen", 1),
    column("Count", 1),
    column("Name", 1),
];

const fn column(name: &'static str, priority: u8) -> Column {
    Column {
        name,
        kind: "string",
        priority,
    }
}

/// The columns of a kind; one that is not listed has what the server gives any object.
pub fn of(kind: &Kind) -> Vec<Column> {
    if kind.kind == "Event" {
        return EVENT.to_vec();
    }
    let line = TABLE.lines().find_map(|line| {
        let (key, columns) = line.split_once(": ")?;
        let (group, name) = key.split_once('/')?;
        (group == kind.group && name == kind.kind).then_some(columns)
    });
    let Some(line) = line else {
        let created = Column {
            kind: "date",
            ..column("Created At", 0)
        };
        return vec![column("Name", 0), created];
    };
    line.split(';')
        .zip(0u8..)
        .flat_map(|(part, priority)| {
            part.split(',').map(move |c| {
                let (name, kind) = c.split_once(':').unwrap_or((c, "string"));
                Column {
                    name,
                    kind,
                    priority,
                }
            })
        })
        .collect()
}

impl Column {
    pub fn definition(&self) -> Value {
        let format = if self.name == "Name" { "name" } else { "" };
        json!({
            "name": self.name, "type": self.kind, "format": format,
            "description": describe(self.name), "priority": self.priority,
        })
    }
}

fn describe(name: &str) -> String {
    match name {
        "Name" => "Name of the object, unique among its kind in a namespace.".to_owned(),
        "Age" => "Time since the object was created.".to_owned(),
        other => format!("{other} of the object."),
    }
}

/// Column definitions of a custom resource: its name, then what its definition lists, or its age.
pub fn custom(extra: &[PrinterColumn]) -> Vec<Value> {
    let mut all = vec![column("Name", 0).definition()];
    all.extend(extra.iter().map(|c| {
        json!({
            "name": c.name, "type": c.kind, "format": c.format,
            "description": c.description, "priority": c.priority,
        })
    }));
    all
}

/// The cells of a custom resource.
pub fn custom_cells(extra: &[PrinterColumn], object: &Value, now: DateTime<Utc>) -> Vec<Value> {
    let row = Row { object, now };
    let mut cells = vec![row.name()];
    cells.extend(extra.iter().map(|c| {
        let found = c.read(object);
        match (c.kind.as_str(), found) {
            (_, Value::Null) => Value::Null,
            ("date", Value::String(at)) => json!(since(&at, now)),
            ("integer", value) => whole(&value),
            ("number", value) if value.is_number() => value,
            ("boolean", value) if value.is_boolean() => value,
            // A value of another type than the column's is not shown.
            ("number" | "boolean" | "date", _) => Value::Null,
            (_, Value::String(text)) => json!(text),
            (_, other) => json!(other.to_string()),
        }
    }));
    cells
}

/// A number without its fraction; null if it is none.
fn whole(value: &Value) -> Value {
    match (value.as_i64(), value.as_f64()) {
        (Some(n), _) => json!(n),
        (None, Some(f)) => json!(f.trunc() as i64),
        _ => Value::Null,
    }
}
