//! The built-in kinds and what discovery says of them: a table, so that serving one more is one more line.

use super::store::{Kind, Store};

/// `group version | Kind plural short,short | n(amespaced) s(tatus) x(scale) | categories`
const TABLE: &str = "
/v1|ComponentStatus componentstatuses cs||
/v1|ConfigMap configmaps cm|n|
/v1|Endpoints endpoints ep|n|
/v1|Event events ev|n|
/v1|LimitRange limitranges limits|n|
/v1|Namespace namespaces ns|s|
/v1|Node nodes no|s|
/v1|PersistentVolumeClaim persistentvolumeclaims pvc|ns|
/v1|PersistentVolume persistentvolumes pv|s|
/v1|Pod pods po|ns|all
/v1|PodTemplate podtemplates |n|
/v1|ReplicationController replicationcontrollers rc|nsx|all
/v1|ResourceQuota resourcequotas quota|ns|
/v1|Secret secrets |n|
/v1|ServiceAccount serviceaccounts sa|n|
/v1|Service services svc|ns|all
apps/v1|ControllerRevision controllerrevisions |n|
apps/v1|DaemonSet daemonsets ds|ns|all
apps/v1|Deployment deployments deploy|nsx|all
apps/v1|ReplicaSet replicasets rs|nsx|all
apps/v1|StatefulSet statefulsets sts|nsx|all
autoscaling/v2|HorizontalPodAutoscaler horizontalpodautoscalers hpa|ns|all
batch/v1|CronJob cronjobs cj|ns|all
batch/v1|Job jobs |ns|all
coordination.k8s.io/v1|Lease leases |n|
discovery.k8s.io/v1|EndpointSlice endpointslices |n|
networking.k8s.io/v1|IngressClass ingressclasses ||
networking.k8s.io/v1|Ingress ingresses ing|ns|
networking.k8s.io/v1|NetworkPolicy networkpolicies netpol|n|
policy/v1|PodDisruptionBudget poddisruptionbudgets pdb|ns|
rbac.authorization.k8s.io/v1|ClusterRoleBinding clusterrolebindings ||
rbac.authorization.k8s.io/v1|ClusterRole clusterroles ||
rbac.authorization.k8s.io/v1|RoleBinding rolebindings |n|
rbac.authorization.k8s.io/v1|Role roles |n|
resource.k8s.io/v1|DeviceClass deviceclasses ||
resource.k8s.io/v1|ResourceClaim resourceclaims |ns|
resource.k8s.io/v1|ResourceClaimTemplate resourceclaimtemplates |n|
resource.k8s.io/v1|ResourceSlice resourceslices ||
scheduling.k8s.io/v1|PriorityClass priorityclasses pc||
storage.k8s.io/v1|StorageClass storageclasses sc||
apiextensions.k8s.io/v1|CustomResourceDefinition customresourcedefinitions crd,crds|s|api-extensions
";

/// All built-in kinds.
pub fn builtin() -> Vec<Kind> {
    TABLE.lines().filter_map(parse).collect()
}

fn parse(line: &str) -> Option<Kind> {
    let mut parts = line.split('|');
    let (gv, names) = (parts.next()?, parts.next()?);
    let (flags, categories) = (parts.next()?, parts.next()?);
    let (group, version) = gv.split_once('/')?;
    let mut names = names.split(' ');
    let (kind, plural, short) = (names.next()?, names.next()?, names.next()?);
    let list = |s: &str| {
        s.split(',')
            .filter(|x| !x.is_empty())
            .map(str::to_owned)
            .collect()
    };
    Some(Kind {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
        singular: kind.to_lowercase(),
        short: list(short),
        namespaced: flags.contains('n'),
        categories: list(categories),
        status: flags.contains('s'),
        scale: flags.contains('x'),
        ..Kind::default()
    })
}

/// Starts to serve the built-in kinds.
pub fn register(store: &mut Store) {
    for kind in builtin() {
        store.register(kind);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_a_kind() {
        let kinds = builtin();
        assert_eq!(kinds.len(), TABLE.lines().filter(|l| !l.is_empty()).count());
        let job = kinds.iter().find(|k| k.kind == "Job").unwrap();
        assert_eq!(job.api_version(), "batch/v1");
        assert!(job.namespaced && job.status && !job.scale);
        assert_eq!(job.categories, ["all"]);
        assert!(job.short.is_empty());
    }
}
