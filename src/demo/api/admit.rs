//! Admission of new objects: the plugins that a default API server runs, as far as they matter here, and the
//! webhooks of the operators.

use serde_json::{Value, json};

use super::status::Cause;
use super::write::{Cluster, Refusal, namespace_of};
use crate::controllers::{kueue, operators};
use crate::store::Kind;

/// Changes or refuses a new object.
///
/// # Errors
/// 403 with the plugin's reason.
pub fn create(cluster: &mut Cluster, kind: &Kind, value: &mut Value) -> Result<(), Refusal> {
    kueue::admit(cluster, kind, value);
    if kind.custom {
        return operators::admit(cluster, kind, value);
    }
    if kind.group == "resource.k8s.io" {
        return admin_access(cluster, kind, value);
    }
    if !kind.group.is_empty() || kind.kind != "Pod" {
        return Ok(());
    }
    priority(cluster, kind, value)?;
    tolerations(&mut value["spec"]);
    service_account(cluster, kind, value)
}

/// Only namespaces that are marked so may look at devices that are somebody else's.
fn admin_access(cluster: &Cluster, kind: &Kind, value: &Value) -> Result<(), Refusal> {
    const LABEL: &str = "resource.kubernetes.io/admin-access";
    let (path, spec) = match kind.kind.as_str() {
        "ResourceClaim" => ("spec", &value["spec"]),
        "ResourceClaimTemplate" => ("spec.spec", &value["spec"]["spec"]),
        _ => return Ok(()),
    };
    let requests = spec["devices"]["requests"].as_array();
    let mut requests = requests.into_iter().flatten();
    let Some(at) = requests.position(|r| r["exactly"]["adminAccess"] == true) else {
        return Ok(());
    };
    let namespaces = cluster.store.kind_id("", "namespaces");
    let namespace = namespaces.and_then(|id| cluster.store.get(id, "", namespace_of(value)));
    let marked = namespace.is_some_and(|ns| ns.labels.get(LABEL).is_some_and(|v| v == "true"));
    if marked {
        return Ok(());
    }
    let field = format!("{path}.devices.requests[{at}].exactly.adminAccess");
    let why = format!(
        "admin access to devices requires the `{LABEL}: true` label on the containing namespace"
    );
    let cause = Cause::forbidden(field, &why);
    Err(Refusal::invalid(
        &kind.group,
        &kind.kind,
        &pod_name(value),
        &[cause],
    ))
}

fn pod_name(value: &Value) -> String {
    let name = value["metadata"]["name"].as_str();
    name.unwrap_or_default().to_owned()
}

fn priority(cluster: &Cluster, kind: &Kind, value: &mut Value) -> Result<(), Refusal> {
    let class = value["spec"]["priorityClassName"]
        .as_str()
        .unwrap_or_default();
    let known = cluster
        .store
        .kind_id("scheduling.k8s.io", "priorityclasses")
        .and_then(|id| cluster.store.get(id, "", class))
        .map(|o| o.tree());
    let (number, policy) = match (class, known) {
        ("", _) => (0, json!("PreemptLowerPriority")),
        ("system-node-critical", None) => (2_000_001_000, json!("PreemptLowerPriority")),
        ("system-cluster-critical", None) => (2_000_000_000, json!("PreemptLowerPriority")),
        (_, Some(class)) => (
            class["value"].as_i64().unwrap_or_default(),
            class["preemptionPolicy"].clone(),
        ),
        (class, None) => {
            let why = format!("no PriorityClass with name {class} was found");
            return Err(Refusal::forbidden(kind, &pod_name(value), &why));
        }
    };
    let spec = &mut value["spec"];
    spec["priority"] = json!(number);
    if spec["preemptionPolicy"].is_null() {
        spec["preemptionPolicy"] = if policy.is_null() {
            json!("PreemptLowerPriority")
        } else {
            policy
        };
    }
    Ok(())
}

/// A pod stays five minutes on a node that is lost, unless it says otherwise.
fn tolerations(spec: &mut Value) {
    for key in [
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
    ] {
        let list = spec["tolerations"].as_array();
        let tolerated = list.into_iter().flatten().any(|t| {
            let same = t["key"] == key || t["key"].as_str().is_none_or(str::is_empty);
            same && matches!(t["effect"].as_str(), None | Some("" | "NoExecute"))
        });
        if tolerated {
            continue;
        }
        let added = json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300});
        match spec["tolerations"].as_array_mut() {
            Some(list) => list.push(added),
            None => spec["tolerations"] = json!([added]),
        }
    }
}

const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

fn service_account(cluster: &mut Cluster, kind: &Kind, value: &mut Value) -> Result<(), Refusal> {
    let namespace = namespace_of(value).to_owned();
    let name = pod_name(value);
    let spec = &mut value["spec"];
    let account = match spec["serviceAccountName"].as_str() {
        Some(account) if !account.is_empty() => account.to_owned(),
        _ => "default".to_owned(),
    };
    let stored = cluster
        .store
        .kind_id("", "serviceaccounts")
        .and_then(|id| cluster.store.get(id, &namespace, &account))
        .map(|o| o.tree());
    let Some(stored) = stored else {
        let why = format!(
            "error looking up service account {namespace}/{account}: serviceaccount \"{account}\" not found"
        );
        return Err(Refusal::forbidden(kind, &name, &why));
    };
    spec["serviceAccountName"] = json!(account);
    spec["serviceAccount"] = json!(account);
    let mounts = match spec["automountServiceAccountToken"].as_bool() {
        Some(wanted) => wanted,
        None => stored["automountServiceAccountToken"] != false,
    };
    if mounts {
        mount_token(
            spec,
            &format!("kube-api-access-{}", cluster.random.suffix(5)),
        );
    }
    Ok(())
}

fn mount_token(spec: &mut Value, volume: &str) {
    let mount = json!({"name": volume, "readOnly": true, "mountPath": TOKEN_PATH});
    let mut used = false;
    for field in ["initContainers", "containers"] {
        let Some(all) = spec.get_mut(field).and_then(Value::as_array_mut) else {
            continue;
        };
        for c in all {
            let mounts = c["volumeMounts"].as_array();
            if mounts
                .into_iter()
                .flatten()
                .any(|m| m["mountPath"] == TOKEN_PATH)
            {
                continue;
            }
            used = true;
            match c["volumeMounts"].as_array_mut() {
                Some(list) => list.push(mount.clone()),
                None => c["volumeMounts"] = json!([mount]),
            }
        }
    }
    if !used {
        return;
    }
    let source = json!({"name": volume, "projected": {"defaultMode": 420, "sources": [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [
            {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}},
    ]}});
    match spec["volumes"].as_array_mut() {
        Some(list) => list.push(source),
        None => spec["volumes"] = json!([source]),
    }
}
