//! How lists and maps are identified when objects are merged: facts of the API that the generated schema
//! leaves out.

/// How the items of a list are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListKind {
    /// As a whole.
    Atomic,
    /// By value.
    Set,
    /// By these fields.
    Keyed(&'static [&'static str]),
    /// By the fields that a definition names: an index into the keys of its [`super::Schemas`].
    Defined(u16),
}

/// `Type.field|list kind|strategic merge key`: list kind is `set`, `atomic` or keys; the merge key is `-`
/// for lists that strategic merge replaces.
type Row = (&'static str, &'static str, ListKind, &'static str);
const FIELDS: [Row; 60] = {
    use ListKind::{Atomic, Keyed, Set};
    const TYPE: ListKind = Keyed(&["type"]);
    const NAME: ListKind = Keyed(&["name"]);
    const PATH: ListKind = Keyed(&["mountPath"]);
    const DEVICE: ListKind = Keyed(&["devicePath"]);
    const PORTS: ListKind = Keyed(&["containerPort", "protocol"]);
    [
        ("DaemonSetStatus", "conditions", TYPE, "type"),
        ("DeploymentStatus", "conditions", TYPE, "type"),
        ("ReplicaSetStatus", "conditions", TYPE, "type"),
        ("StatefulSetStatus", "conditions", TYPE, "type"),
        ("HorizontalPodAutoscalerStatus", "conditions", TYPE, "type"),
        ("JobStatus", "conditions", Atomic, "type"),
        ("PodFailurePolicyOnExitCodesRequirement", "values", Set, "-"),
        ("UncountedTerminatedPods", "failed", Set, "-"),
        ("UncountedTerminatedPods", "succeeded", Set, "-"),
        ("Container", "env", NAME, "name"),
        ("Container", "ports", PORTS, "containerPort"),
        ("Container", "volumeDevices", DEVICE, "devicePath"),
        ("Container", "volumeMounts", PATH, "mountPath"),
        ("ContainerRestartRuleOnExitCodes", "values", Set, "-"),
        ("ContainerStatus", "allocatedResourcesStatus", NAME, "name"),
        ("ContainerStatus", "volumeMounts", PATH, "mountPath"),
        ("EphemeralContainer", "env", NAME, "name"),
        ("EphemeralContainer", "ports", PORTS, "containerPort"),
        ("EphemeralContainer", "volumeDevices", DEVICE, "devicePath"),
        ("EphemeralContainer", "volumeMounts", PATH, "mountPath"),
        ("NamespaceStatus", "conditions", TYPE, "type"),
        ("NodeSpec", "podCIDRs", Set, ""),
        ("NodeSpec", "taints", Atomic, "-"),
        ("NodeStatus", "addresses", TYPE, "type"),
        ("NodeStatus", "conditions", TYPE, "type"),
        ("PersistentVolumeClaimStatus", "conditions", TYPE, "type"),
        ("PodSpec", "containers", NAME, "name"),
        ("PodSpec", "ephemeralContainers", NAME, "name"),
        ("PodSpec", "hostAliases", Keyed(&["ip"]), "ip"),
        ("PodSpec", "imagePullSecrets", NAME, "name"),
        ("PodSpec", "initContainers", NAME, "name"),
        ("PodSpec", "resourceClaims", NAME, "name"),
        ("PodSpec", "schedulingGates", NAME, "name"),
        (
            "PodSpec",
            "topologySpreadConstraints",
            Keyed(&["topologyKey", "whenUnsatisfiable"]),
            "topologyKey",
        ),
        ("PodSpec", "volumes", NAME, "name"),
        ("PodStatus", "conditions", TYPE, "type"),
        ("PodStatus", "hostIPs", Atomic, "ip"),
        ("PodStatus", "podIPs", Keyed(&["ip"]), "ip"),
        ("PodStatus", "resourceClaimStatuses", NAME, "name"),
        ("ReplicationControllerStatus", "conditions", TYPE, "type"),
        ("ResourceRequirements", "claims", NAME, "-"),
        ("ResourceStatus", "resources", Keyed(&["resourceID"]), "-"),
        ("ServiceAccount", "secrets", NAME, "name"),
        ("ServiceAccount", "imagePullSecrets", Atomic, "-"),
        ("ServiceSpec", "ports", Keyed(&["port", "protocol"]), "port"),
        ("ServiceStatus", "conditions", TYPE, "type"),
        ("Endpoint", "addresses", Set, "-"),
        ("PodDisruptionBudgetStatus", "conditions", TYPE, "type"),
        ("AllocatedDeviceStatus", "conditions", TYPE, "-"),
        (
            "ResourceClaimStatus",
            "devices",
            Keyed(&["driver", "device", "pool", "shareID"]),
            "-",
        ),
        ("ResourceClaimStatus", "reservedFor", Keyed(&["uid"]), "uid"),
        ("CustomResourceDefinitionStatus", "conditions", TYPE, "-"),
        ("ObjectMeta", "finalizers", Set, ""),
        ("ObjectMeta", "ownerReferences", Keyed(&["uid"]), "uid"),
        // Fields of type object that are owned as a whole, whatever their type says.
        ("PodSpec", "nodeSelector", Atomic, "-"),
        ("ReplicationControllerSpec", "selector", Atomic, "-"),
        ("ServiceSpec", "selector", Atomic, "-"),
        ("DeploymentSpec", "strategy", Atomic, "-"),
        ("PodDisruptionBudgetSpec", "selector", Atomic, "-"),
        ("DaemonSetSpec", "updateStrategy", Atomic, "-"),
    ]
};

/// Struct types that are owned as a whole.
const ATOMIC: [&str; 19] = [
    "CrossVersionObjectReference",
    "ConfigMapKeySelector",
    "EndpointAddress",
    "EndpointPort",
    "FileKeySelector",
    "LocalObjectReference",
    "NodeSelector",
    "NodeSelectorTerm",
    "ObjectFieldSelector",
    "ObjectReference",
    "ResourceFieldSelector",
    "ScopeSelector",
    "SecretKeySelector",
    "SecretReference",
    "TopologySelectorTerm",
    "TypedLocalObjectReference",
    "RoleRef",
    "LabelSelector",
    "OwnerReference",
];

fn short(definition: &str) -> &str {
    definition.rsplit('.').next().unwrap_or_default()
}

/// Is a struct type owned as a whole?
pub fn is_atomic(definition: &str) -> bool {
    ATOMIC.contains(&short(definition))
}

fn find(owner: &str, field: &str) -> Option<&'static Row> {
    let owner = short(owner);
    FIELDS.iter().find(|(t, f, ..)| *t == owner && *f == field)
}

/// List kind of a field, and whether a map in it is owned as a whole.
pub fn of_field(owner: &str, field: &str) -> (ListKind, bool) {
    let atomic_map = matches!(
        (short(owner), field),
        ("PodSpec", "nodeSelector") | ("ReplicationControllerSpec" | "ServiceSpec", "selector")
    );
    let list = find(owner, field).map_or(ListKind::Atomic, |f| f.2);
    (list, atomic_map)
}

/// The key by which strategic merge tells a list's items apart: `Some("")` merges values of a primitive
/// list, `None` replaces the list.
pub fn merge_key(owner: &str, field: &str) -> Option<&'static str> {
    let key = find(owner, field)?.3;
    (key != "-").then_some(key)
}
