//! Claims over their whole life: made, allocated with the pod's placement, shared, watched, given back.

use super::*;

const DRIVER: &str = "gpu.nvidia.com";

fn device(name: &str, kind: &str, extra: Value) -> Value {
    let mut device = json!({
        "name": name,
        "attributes": {"type": {"string": kind}, "uuid": {"string": format!("GPU-{name}")}},
        "capacity": {"memory": {"value": "80Gi"}},
    });
    for (field, value) in extra.as_object().into_iter().flatten() {
        device[field] = value.clone();
    }
    device
}

/// A world of two nodes: `node-a` has two whole cards, `node-b` one that may be had whole or in halves.
fn claim_world() -> World {
    let mut world = world();
    let by = Writer::new("test");
    let kinds = world.kinds;
    for (name, kind) in [("gpu.nvidia.com", "gpu"), ("mig.nvidia.com", "mig")] {
        let cel = format!(
            "device.driver == '{DRIVER}' && device.attributes['{DRIVER}'].type == '{kind}'"
        );
        let class = json!({"metadata": {"name": name}, "spec": {"selectors": [{"cel": {"expression": cel}}]}});
        world.cluster.create(kinds.classes, "", class, &by).unwrap();
    }
    let slice = |name: &str, node: &str, count: u64, rest: Value| {
        let mut slice = json!({"metadata": {"name": name}, "spec": {
            "driver": DRIVER, "nodeName": node, "pool": {"name": node, "generation": 1, "resourceSliceCount": count},
        }});
        for (field, value) in rest.as_object().unwrap() {
            slice["spec"][field] = value.clone();
        }
        slice
    };
    let half = |n: u64| json!({"consumesCounters": [{"counterSet": "c", "counters": {format!("part-{n}"): {"value": "1"}}}]});
    let full = json!({"consumesCounters": [{"counterSet": "c", "counters": {"part-0": {"value": "1"}, "part-1": {"value": "1"}}}]});
    for slice in [
        slice(
            "a",
            "node-a",
            1,
            json!({"devices": [device("gpu-0", "gpu", json!({})), device("gpu-1", "gpu", json!({}))]}),
        ),
        slice(
            "b0",
            "node-b",
            2,
            json!({"sharedCounters": [
            {"name": "c", "counters": {"part-0": {"value": "1"}, "part-1": {"value": "1"}}}]}),
        ),
        slice(
            "b1",
            "node-b",
            2,
            json!({"devices": [
            device("gpu-0", "gpu", full), device("half-0", "mig", half(0)), device("half-1", "mig", half(1))]}),
        ),
    ] {
        world.cluster.create(kinds.slices, "", slice, &by).unwrap();
    }
    world.settle();
    world
}

fn template(world: &mut World, name: &str, exactly: Value) {
    let value = json!({"metadata": {"name": name}, "spec": {"spec": {"devices": {
        "requests": [{"name": "r", "exactly": exactly}]}}}});
    let (kind, by) = (world.kinds.claim_templates, Writer::new("kubectl"));
    world.cluster.create(kind, "default", value, &by).unwrap();
}

/// A pod that sleeps and uses one claim, from a template or one that is there.
fn pod(world: &mut World, name: &str, claim: Value, seconds: u64) {
    let mut claim = claim;
    claim["name"] = json!("dev");
    let value = json!({"metadata": {"name": name}, "spec": {
        "restartPolicy": "Never", "resourceClaims": [claim],
        "containers": [{
            "name": "main", "image": "busybox:1.36", "command": ["sleep", seconds.to_string()],
            "resources": {"claims": [{"name": "dev"}]},
        }],
    }});
    let (kind, by) = (world.kinds.pods, Writer::new("kubectl"));
    world.cluster.create(kind, "default", value, &by).unwrap();
}

fn from(template: &str) -> Value {
    json!({"resourceClaimTemplateName": template})
}

/// Pod, node and devices of every claim that is allocated.
fn allocated(world: &World) -> Vec<(String, String, Vec<String>)> {
    let all = world.objects("resourceclaims", "default");
    let mut out = Vec::new();
    for claim in all {
        let status = claim.value()["status"].clone();
        let results = status["allocation"]["devices"]["results"]
            .as_array()
            .cloned();
        let Some(results) = results else { continue };
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let holder = text(&status["reservedFor"][0]["name"]);
        let devices = results.iter().map(|r| text(&r["device"])).collect();
        out.push((holder, text(&results[0]["pool"]), devices));
    }
    out.sort();
    out
}

fn phase(world: &World, name: &str) -> String {
    let pod = world.object("pods", "default", name);
    pod.map_or_else(
        || "gone".to_owned(),
        |p| p["status"]["phase"].as_str().unwrap_or_default().to_owned(),
    )
}

#[test]
fn a_claim_from_a_template_lives_as_long_as_its_pod() {
    let mut world = claim_world();
    template(
        &mut world,
        "two",
        json!({"deviceClassName": "gpu.nvidia.com", "count": 2}),
    );
    pod(&mut world, "a", from("two"), 60);
    run(&mut world, 20);
    assert_eq!(phase(&world, "a"), "Running");
    let both = vec!["gpu-0".to_owned(), "gpu-1".to_owned()];
    assert_eq!(
        allocated(&world),
        [("a".to_owned(), "node-a".to_owned(), both)]
    );
    let claim = world.objects("resourceclaims", "default")[0].value();
    let meta = &claim["metadata"];
    assert!(meta["name"].as_str().unwrap().starts_with("a-dev-"));
    assert_eq!(
        meta["finalizers"][0],
        "resource.kubernetes.io/delete-protection"
    );
    assert_eq!(
        meta["annotations"]["resource.kubernetes.io/pod-claim-name"],
        "dev"
    );
    assert_eq!(meta["ownerReferences"][0]["kind"], "Pod");
    let terms = &claim["status"]["allocation"]["nodeSelector"]["nodeSelectorTerms"];
    assert_eq!(terms[0]["matchFields"][0]["values"], json!(["node-a"]));
    let value = world.object("pods", "default", "a").unwrap();
    assert_eq!(value["spec"]["nodeName"], "node-a");
    assert_eq!(
        value["status"]["resourceClaimStatuses"],
        json!([{"name": "dev", "resourceClaimName": meta["name"]}])
    );
    let told = &value["status"]["containerStatuses"][0]["allocatedResourcesStatus"][0];
    assert_eq!(told["name"], "claim:dev/r");
    assert_eq!(
        told["resources"][1],
        json!({"resourceID": "gpu.nvidia.com/node-a/gpu-1", "health": "Healthy"})
    );
    // the next one waits, and has its turn
    pod(&mut world, "b", from("two"), 30);
    run(&mut world, 10);
    assert_eq!(phase(&world, "b"), "Pending");
    let waits = world.object("pods", "default", "b").unwrap();
    let conditions = waits["status"]["conditions"].as_array().unwrap();
    let message = conditions[0]["message"].as_str().unwrap();
    assert!(
        message.contains("2 cannot allocate all claims"),
        "{message}"
    );
    run(&mut world, 60);
    assert_eq!(
        (phase(&world, "a"), phase(&world, "b")),
        ("Succeeded".into(), "Running".into())
    );
    run(&mut world, 120);
    assert_eq!(phase(&world, "b"), "Succeeded");
    assert_eq!(world.objects("resourceclaims", "default").len(), 0);
}

#[test]
fn parts_and_the_whole_card_exclude_each_other() {
    let mut world = claim_world();
    template(
        &mut world,
        "half",
        json!({"deviceClassName": "mig.nvidia.com"}),
    );
    template(
        &mut world,
        "card",
        json!({"deviceClassName": "gpu.nvidia.com"}),
    );
    pod(&mut world, "h0", from("half"), 100);
    run(&mut world, 10);
    for name in ["c0", "c1", "c2"] {
        pod(&mut world, name, from("card"), 300);
    }
    run(&mut world, 10);
    // the third card is no whole one while a half of it is out
    let running: Vec<String> = ["c0", "c1", "c2"]
        .iter()
        .map(|n| phase(&world, n))
        .collect();
    assert_eq!(running, ["Running", "Running", "Pending"]);
    pod(&mut world, "h1", from("half"), 300);
    run(&mut world, 10);
    assert_eq!(phase(&world, "h1"), "Running");
    let halves: Vec<_> = allocated(&world)
        .into_iter()
        .filter(|(_, node, _)| node == "node-b")
        .collect();
    assert_eq!(halves.len(), 2);
    assert_ne!(halves[0].2, halves[1].2);
    run(&mut world, 900);
    assert_eq!(phase(&world, "c2"), "Succeeded");
}

#[test]
fn a_named_claim_is_shared_and_brings_its_pods_together() {
    let mut world = claim_world();
    let claim = json!({"metadata": {"name": "ours"}, "spec": {"devices": {"requests": [{"name": "r", "firstAvailable": [
        {"name": "huge", "deviceClassName": "gpu.nvidia.com", "selectors": [{"cel": {"expression":
            "device.capacity['gpu.nvidia.com'].memory.compareTo(quantity('200Gi')) >= 0"}}]},
        {"name": "any", "deviceClassName": "gpu.nvidia.com"}]}]}}});
    let (kind, by) = (world.kinds.claims, Writer::new("kubectl"));
    world.cluster.create(kind, "default", claim, &by).unwrap();
    for name in ["a", "b"] {
        pod(&mut world, name, json!({"resourceClaimName": "ours"}), 50);
    }
    run(&mut world, 20);
    let claim = world.object("resourceclaims", "default", "ours").unwrap();
    assert_eq!(
        claim["status"]["reservedFor"].as_array().map(Vec::len),
        Some(2)
    );
    assert_eq!(
        claim["status"]["allocation"]["devices"]["results"][0]["request"],
        "r/any"
    );
    let node =
        |name: &str| world.object("pods", "default", name).unwrap()["spec"]["nodeName"].clone();
    assert_eq!(node("a"), node("b"));
    // whoever deletes it waits for its pods
    let how = Delete::default();
    let _ = world.cluster.delete(kind, "default", "ours", &how);
    run(&mut world, 2);
    assert!(world.object("resourceclaims", "default", "ours").is_some());
    run(&mut world, 120);
    assert!(world.object("resourceclaims", "default", "ours").is_none());
}

#[test]
fn who_watches_takes_nothing_and_needs_a_marked_namespace() {
    let mut world = claim_world();
    let spec =
        json!({"deviceClassName": "gpu.nvidia.com", "allocationMode": "All", "adminAccess": true});
    let value = json!({"metadata": {"name": "watch"}, "spec": {"spec": {"devices": {
        "requests": [{"name": "r", "exactly": spec}]}}}});
    let (kind, by) = (world.kinds.claim_templates, Writer::new("kubectl"));
    let refused = world
        .cluster
        .create(kind, "default", value, &by)
        .unwrap_err();
    assert_eq!(refused.code, 422);
    assert!(
        refused
            .message
            .contains("resource.kubernetes.io/admin-access: true"),
        "{refused:?}"
    );
    let namespaces = world.kinds.namespaces;
    let mut marked = world.object("namespaces", "", "default").unwrap();
    marked["metadata"]["labels"]["resource.kubernetes.io/admin-access"] = json!("true");
    world.cluster.update(namespaces, marked, &by).unwrap();
    template(&mut world, "watch", spec);
    template(
        &mut world,
        "two",
        json!({"deviceClassName": "gpu.nvidia.com", "count": 2}),
    );
    pod(&mut world, "w", from("watch"), 300);
    run(&mut world, 10);
    pod(&mut world, "a", from("two"), 300);
    run(&mut world, 10);
    assert_eq!(
        (phase(&world, "w"), phase(&world, "a")),
        ("Running".into(), "Running".into())
    );
}

#[test]
fn what_cannot_be_is_refused_or_said() {
    let mut world = claim_world();
    let (kind, by) = (world.kinds.claims, Writer::new("kubectl"));
    let claim = |requests: Value| json!({"metadata": {"name": "c"}, "spec": {"devices": {"requests": requests}}});
    for (requests, field) in [
        (json!([{"name": "r"}]), "spec.devices.requests[0]"),
        (
            json!([{"name": "r", "exactly": {"count": 1}}]),
            "spec.devices.requests[0].exactly.deviceClassName",
        ),
        (
            json!([{"name": "r", "exactly": {"deviceClassName": "c", "count": -1}}]),
            "spec.devices.requests[0].exactly.count",
        ),
    ] {
        let why = world
            .cluster
            .create(kind, "default", claim(requests), &by)
            .unwrap_err();
        assert_eq!(
            (why.code, why.details["causes"][0]["field"].as_str()),
            (422, Some(field))
        );
    }
    // a selector that the demo cannot evaluate is told, not guessed at
    template(
        &mut world,
        "odd",
        json!({"deviceClassName": "gpu.nvidia.com", "selectors": [
        {"cel": {"expression": "device.attributes['gpu.nvidia.com'].uuid.matches('^GPU')"}}]}),
    );
    pod(&mut world, "odd", from("odd"), 10);
    pod(&mut world, "lost", from("nothing"), 10);
    run(&mut world, 10);
    let value = world.object("pods", "default", "odd").unwrap();
    let message = value["status"]["conditions"][0]["message"]
        .as_str()
        .unwrap();
    assert!(
        message.contains("does not understand the CEL expression"),
        "{message}"
    );
    let events = world.objects("events", "default");
    let told = events.iter().any(|e| {
        let event = e.value();
        event["reason"] == "FailedResourceClaimCreation"
            && event["message"]
                .as_str()
                .unwrap_or_default()
                .contains("\"nothing\" not found")
    });
    assert!(told);
}

#[test]
fn only_whole_pools_of_the_newest_generation_count() {
    let mut world = claim_world();
    template(
        &mut world,
        "one",
        json!({"deviceClassName": "gpu.nvidia.com"}),
    );
    let slices = world.kinds.slices;
    let mut a = world.object("resourceslices", "", "a").unwrap();
    // a driver that has begun to rewrite its pool
    a["spec"]["pool"] = json!({"name": "node-a", "generation": 2, "resourceSliceCount": 2});
    let by = Writer::new("driver");
    world.cluster.update(slices, a, &by).unwrap();
    pod(&mut world, "p", from("one"), 300);
    pod(&mut world, "q", from("one"), 300);
    run(&mut world, 10);
    let on: Vec<String> = allocated(&world)
        .into_iter()
        .map(|(_, node, _)| node)
        .collect();
    assert_eq!(on, ["node-b"]);
    let more = json!({"metadata": {"name": "a2"}, "spec": {
        "driver": DRIVER, "nodeName": "node-a", "pool": {"name": "node-a", "generation": 2, "resourceSliceCount": 2},
        "devices": [device("gpu-2", "gpu", json!({}))]}});
    world.cluster.create(slices, "", more, &by).unwrap();
    run(&mut world, 10);
    assert_eq!(allocated(&world).len(), 2);
}
