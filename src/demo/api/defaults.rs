//! Defaulting: what the server fills in when it decodes an object.

use serde_json::{Map, Value, json};

/// Sets a field that is absent (or null).
fn fill(object: &mut Value, field: &str, value: impl Into<Value>) {
    if let Some(map) = object.as_object_mut()
        && map.get(field).is_none_or(Value::is_null)
    {
        map.insert(field.to_owned(), value.into());
    }
}

/// Like [`fill`], for texts whose empty form means unset.
fn fill_text(object: &mut Value, field: &str, text: &str) {
    if object[field].as_str().is_none_or(str::is_empty) && object.is_object() {
        object[field] = json!(text);
    }
}

fn each<'a>(object: &'a mut Value, field: &str) -> impl Iterator<Item = &'a mut Value> {
    let list = object.get_mut(field).and_then(Value::as_array_mut);
    list.into_iter().flatten()
}

fn some<'a>(object: &'a mut Value, path: &[&str]) -> Option<&'a mut Value> {
    path.iter()
        .try_fold(object, |v, key| v.get_mut(*key))
        .filter(|v| v.is_object())
}

/// An object in `field`, made if it is not there.
pub fn child<'a>(object: &'a mut Value, field: &str) -> &'a mut Value {
    if !object[field].is_object() {
        object[field] = json!({});
    }
    &mut object[field]
}

/// Applies the defaults of a built-in kind.
pub fn apply(group: &str, kind: &str, object: &mut Value) {
    match (group, kind) {
        ("batch", "Job") => {
            job_spec(child(object, "spec"));
            copy_template_labels(object);
        }
        ("batch", "CronJob") => cron_job(child(object, "spec")),
        ("", "Pod") => {
            let spec = child(object, "spec");
            pod_spec(spec);
            pod(spec);
            fill_text(child(object, "status"), "phase", "Pending");
        }
        ("", "PodTemplate") => template(child(object, "template")),
        ("", "ReplicationController") => {
            let spec = child(object, "spec");
            fill(spec, "replicas", 1);
            if spec["template"].is_object() {
                template(child(spec, "template"));
                let labels = spec["template"]["metadata"]["labels"].clone();
                if labels.is_object() {
                    fill(spec, "selector", labels);
                }
            }
            copy_template_labels(object);
        }
        ("apps", _) => apps(kind, child(object, "spec")),
        ("", "Service") => service(object),
        ("", "Secret") => fill_text(object, "type", "Opaque"),
        ("", "Namespace") => {
            if let Some(name) = object["metadata"]["name"].as_str().map(str::to_owned) {
                child(child(object, "metadata"), "labels")["kubernetes.io/metadata.name"] =
                    json!(name);
            }
            fill_text(child(object, "status"), "phase", "Active");
        }
        ("", "Node") => {
            let status = child(object, "status");
            if status["capacity"].is_object() && !status["allocatable"].is_object() {
                status["allocatable"] = status["capacity"].clone();
            }
        }
        ("", "PersistentVolumeClaim") => {
            fill(child(object, "spec"), "volumeMode", "Filesystem");
            fill_text(child(object, "status"), "phase", "Pending");
        }
        ("", "PersistentVolume") => {
            let spec = child(object, "spec");
            fill_text(spec, "persistentVolumeReclaimPolicy", "Retain");
            fill(spec, "volumeMode", "Filesystem");
            fill_text(child(object, "status"), "phase", "Pending");
        }
        ("", "Event") => {
            for field in ["firstTimestamp", "lastTimestamp", "eventTime"] {
                fill(object, field, Value::Null);
            }
            child(object, "source");
            child(object, "involvedObject");
            fill(object, "reportingComponent", "");
            fill(object, "reportingInstance", "");
        }
        ("apiextensions.k8s.io", _) => super::custom::definition::defaults(child(object, "spec")),
        ("scheduling.k8s.io", "PriorityClass") => {
            fill_text(object, "preemptionPolicy", "PreemptLowerPriority");
            fill(object, "value", 0);
        }
        ("storage.k8s.io", "StorageClass") => {
            fill_text(object, "reclaimPolicy", "Delete");
            fill_text(object, "volumeBindingMode", "Immediate");
        }
        ("resource.k8s.io", "ResourceClaim") => device_requests(child(object, "spec")),
        ("resource.k8s.io", "ResourceClaimTemplate") => {
            device_requests(child(child(object, "spec"), "spec"));
        }
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
            fill_text(
                child(object, "roleRef"),
                "apiGroup",
                "rbac.authorization.k8s.io",
            );
            for subject in each(object, "subjects") {
                if matches!(subject["kind"].as_str(), Some("User" | "Group")) {
                    fill_text(subject, "apiGroup", "rbac.authorization.k8s.io");
                }
            }
        }
        _ => {}
    }
}

/// A Job without labels of its own takes those of its template.
fn copy_template_labels(object: &mut Value) {
    let labels = object["spec"]["template"]["metadata"]["labels"].clone();
    let own = object["metadata"]["labels"].as_object();
    if labels.as_object().is_some_and(|l| !l.is_empty()) && own.is_none_or(Map::is_empty) {
        child(object, "metadata")["labels"] = labels;
    }
}

fn job_spec(spec: &mut Value) {
    if spec["completions"].is_null() && spec["parallelism"].is_null() {
        fill(spec, "completions", 1);
    }
    fill(spec, "parallelism", 1);
    let per_index = !spec["backoffLimitPerIndex"].is_null();
    fill(spec, "backoffLimit", if per_index { i32::MAX } else { 6 });
    fill(spec, "completionMode", "NonIndexed");
    fill(spec, "suspend", false);
    fill(spec, "manualSelector", false);
    let replacement = if spec["podFailurePolicy"].is_object() {
        "Failed"
    } else {
        "TerminatingOrFailed"
    };
    fill(spec, "podReplacementPolicy", replacement);
    if let Some(policy) = some(spec, &["podFailurePolicy"]) {
        for rule in each(policy, "rules") {
            for pattern in each(rule, "onPodConditions") {
                fill_text(pattern, "status", "True");
            }
        }
    }
    template(child(spec, "template"));
}

fn cron_job(spec: &mut Value) {
    fill_text(spec, "concurrencyPolicy", "Allow");
    fill(spec, "suspend", false);
    fill(spec, "successfulJobsHistoryLimit", 3);
    fill(spec, "failedJobsHistoryLimit", 1);
    let job = child(spec, "jobTemplate");
    child(job, "metadata");
    // Only the pod template of a job template is defaulted; the job itself is when it is made.
    template(child(child(job, "spec"), "template"));
}

fn apps(kind: &str, spec: &mut Value) {
    match kind {
        "Deployment" => {
            fill(spec, "replicas", 1);
            fill(spec, "revisionHistoryLimit", 10);
            fill(spec, "progressDeadlineSeconds", 600);
            let strategy = child(spec, "strategy");
            fill_text(strategy, "type", "RollingUpdate");
            if strategy["type"] == "RollingUpdate" {
                let rolling = child(strategy, "rollingUpdate");
                fill(rolling, "maxUnavailable", "25%");
                fill(rolling, "maxSurge", "25%");
            }
        }
        "ReplicaSet" => fill(spec, "replicas", 1),
        "StatefulSet" => {
            fill(spec, "replicas", 1);
            fill(spec, "revisionHistoryLimit", 10);
            fill_text(spec, "podManagementPolicy", "OrderedReady");
            let strategy = child(spec, "updateStrategy");
            fill_text(strategy, "type", "RollingUpdate");
            if strategy["type"] == "RollingUpdate" {
                fill(child(strategy, "rollingUpdate"), "partition", 0);
            }
            let retention = child(spec, "persistentVolumeClaimRetentionPolicy");
            fill_text(retention, "whenDeleted", "Retain");
            fill_text(retention, "whenScaled", "Retain");
        }
        "DaemonSet" => {
            fill(spec, "revisionHistoryLimit", 10);
            let strategy = child(spec, "updateStrategy");
            fill_text(strategy, "type", "RollingUpdate");
            if strategy["type"] == "RollingUpdate" {
                let rolling = child(strategy, "rollingUpdate");
                fill(rolling, "maxUnavailable", 1);
                fill(rolling, "maxSurge", 0);
            }
        }
        _ => return,
    }
    template(child(spec, "template"));
}

fn service(object: &mut Value) {
    let spec = child(object, "spec");
    fill_text(spec, "sessionAffinity", "None");
    fill_text(spec, "type", "ClusterIP");
    for port in each(spec, "ports") {
        fill_text(port, "protocol", "TCP");
        let number = port["port"].clone();
        if matches!(&port["targetPort"], t if t.is_null() || t == 0 || t == "") {
            port["targetPort"] = number;
        }
    }
    match spec["type"].as_str() {
        Some("ExternalName") => {}
        Some(kind) => {
            let external = kind != "ClusterIP";
            fill(spec, "internalTrafficPolicy", "Cluster");
            if external {
                fill_text(spec, "externalTrafficPolicy", "Cluster");
            }
        }
        None => {}
    }
    child(child(object, "status"), "loadBalancer");
}

fn device_requests(spec: &mut Value) {
    if let Some(devices) = some(spec, &["devices"]) {
        for request in each(devices, "requests") {
            if let Some(exactly) = some(request, &["exactly"]) {
                fill_text(exactly, "allocationMode", "ExactCount");
                if exactly["allocationMode"] == "ExactCount" {
                    fill(exactly, "count", 1);
                }
            }
        }
    }
}

fn template(template: &mut Value) {
    child(template, "metadata");
    pod_spec(child(template, "spec"));
}

/// Defaults of any pod spec, of a pod or of a template.
fn pod_spec(spec: &mut Value) {
    fill_text(spec, "dnsPolicy", "ClusterFirst");
    fill_text(spec, "restartPolicy", "Always");
    fill(spec, "securityContext", json!({}));
    fill(spec, "terminationGracePeriodSeconds", 30);
    fill_text(spec, "schedulerName", "default-scheduler");
    for field in ["containers", "initContainers", "ephemeralContainers"] {
        for c in each(spec, field) {
            container(c);
        }
    }
    for v in each(spec, "volumes") {
        volume(v);
    }
    for constraint in each(spec, "topologySpreadConstraints") {
        fill(constraint, "whenUnsatisfiable", "DoNotSchedule");
    }
}

fn container(c: &mut Value) {
    let image = c["image"].as_str().unwrap_or_default();
    let pull = if is_latest(image) {
        "Always"
    } else {
        "IfNotPresent"
    };
    fill_text(c, "imagePullPolicy", pull);
    fill_text(c, "terminationMessagePath", "/dev/termination-log");
    fill_text(c, "terminationMessagePolicy", "File");
    fill(c, "resources", json!({}));
    for port in each(c, "ports") {
        fill_text(port, "protocol", "TCP");
    }
    for env in each(c, "env") {
        if let Some(field) = some(env, &["valueFrom", "fieldRef"]) {
            fill_text(field, "apiVersion", "v1");
        }
        if let Some(resource) = some(env, &["valueFrom", "resourceFieldRef"]) {
            fill(resource, "divisor", "0");
        }
    }
    for field in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = some(c, &[field]) {
            for (name, number) in [
                ("timeoutSeconds", 1),
                ("periodSeconds", 10),
                ("successThreshold", 1),
                ("failureThreshold", 3),
            ] {
                fill(probe, name, number);
            }
            http_get(probe);
        }
    }
    for hook in ["postStart", "preStop"] {
        if let Some(action) = some(c, &["lifecycle", hook]) {
            http_get(action);
        }
    }
}

fn http_get(action: &mut Value) {
    if let Some(get) = some(action, &["httpGet"]) {
        fill_text(get, "path", "/");
        fill_text(get, "scheme", "HTTP");
    }
    if let Some(grpc) = some(action, &["grpc"]) {
        fill(grpc, "service", "");
    }
}

/// Does an image name the tag `latest`, or none at all?
fn is_latest(image: &str) -> bool {
    if image.is_empty() || image.contains('@') {
        return false;
    }
    let last = image.rsplit('/').next().unwrap_or_default();
    last.split_once(':').is_none_or(|(_, tag)| tag == "latest")
}

fn volume(v: &mut Value) {
    if v.as_object().is_some_and(|m| m.keys().all(|k| k == "name")) {
        v["emptyDir"] = json!({});
    }
    for field in ["secret", "configMap", "downwardAPI", "projected"] {
        if let Some(source) = some(v, &[field]) {
            fill(source, "defaultMode", 420);
            for item in each(source, "items") {
                if let Some(field) = some(item, &["fieldRef"]) {
                    fill_text(field, "apiVersion", "v1");
                }
            }
            for part in each(source, "sources") {
                if let Some(token) = some(part, &["serviceAccountToken"]) {
                    fill(token, "expirationSeconds", 3600);
                }
                if let Some(api) = some(part, &["downwardAPI"]) {
                    for item in each(api, "items") {
                        if let Some(field) = some(item, &["fieldRef"]) {
                            fill_text(field, "apiVersion", "v1");
                        }
                    }
                }
            }
        }
    }
    if let Some(host) = some(v, &["hostPath"]) {
        fill(host, "type", "");
    }
    if let Some(claim) = some(v, &["ephemeral", "volumeClaimTemplate", "spec"]) {
        fill(claim, "volumeMode", "Filesystem");
    }
}

/// Defaults of a pod that templates do not have.
fn pod(spec: &mut Value) {
    fill(spec, "enableServiceLinks", true);
    for field in ["containers", "initContainers"] {
        for c in each(spec, field) {
            let limits = c["resources"]["limits"].clone();
            for (resource, limit) in limits.as_object().into_iter().flatten() {
                let requests = child(child(c, "resources"), "requests");
                fill(requests, resource, limit.clone());
            }
        }
    }
    if spec["hostNetwork"] == true {
        for c in each(spec, "containers") {
            for port in each(c, "ports") {
                let number = port["containerPort"].clone();
                fill(port, "hostPort", number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_gets_what_the_server_gives_it() {
        let mut job = json!({"metadata": {"name": "j"}, "spec": {"template": {"spec": {"containers": [
            {"name": "a", "image": "busybox", "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}]}]}}}});
        apply("batch", "Job", &mut job);
        let spec = &job["spec"];
        assert_eq!(
            (&spec["completions"], &spec["parallelism"]),
            (&json!(1), &json!(1))
        );
        assert_eq!(spec["backoffLimit"], 6);
        assert_eq!(spec["podReplacementPolicy"], "TerminatingOrFailed");
        let c = &spec["template"]["spec"]["containers"][0];
        assert_eq!(c["imagePullPolicy"], "Always");
        assert_eq!(c["env"][0]["valueFrom"]["fieldRef"]["apiVersion"], "v1");
        // Only pods proper get this one.
        assert!(spec["template"]["spec"]["enableServiceLinks"].is_null());
        let again = job.clone();
        apply("batch", "Job", &mut job);
        assert_eq!(job, again);
    }

    #[test]
    fn a_work_queue_keeps_its_completions_unset_and_labels_come_from_the_template() {
        let mut job = json!({"spec": {"parallelism": 3, "backoffLimitPerIndex": 1,
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": {}}}});
        apply("batch", "Job", &mut job);
        assert!(job["spec"]["completions"].is_null());
        assert_eq!(job["spec"]["backoffLimit"], 2_147_483_647);
        assert_eq!(job["metadata"]["labels"], json!({"a": "b"}));
    }

    #[test]
    fn tags_decide_the_pull_policy() {
        for (image, latest) in [
            ("busybox", true),
            ("a:5000/b", true),
            ("a/b:latest", true),
            ("a/b:1", false),
            ("a@sha256:00", false),
            ("", false),
        ] {
            assert_eq!(is_latest(image), latest, "{image}");
        }
    }

    #[test]
    fn a_pod_requests_what_it_limits() {
        let mut pod = json!({"spec": {"volumes": [{"name": "v"}], "containers": [
            {"name": "a", "resources": {"limits": {"cpu": "1", "x/gpu": "2"}, "requests": {"cpu": "500m"}}}]}});
        apply("", "Pod", &mut pod);
        let resources = &pod["spec"]["containers"][0]["resources"];
        assert_eq!(resources["requests"], json!({"cpu": "500m", "x/gpu": "2"}));
        assert_eq!(pod["spec"]["volumes"][0]["emptyDir"], json!({}));
        assert_eq!(pod["status"]["phase"], "Pending");
    }
}
