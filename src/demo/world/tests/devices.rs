//! Devices on nodes: handed out, told of in the status, given back.

use std::collections::BTreeMap;

use super::*;
use crate::api::write::Random;

fn gpu_world() -> World {
    let mut world = world();
    for (name, healthy) in [("gpu-0", "4"), ("gpu-1", "3")] {
        let of =
            |n: &str| json!({"cpu": "64", "memory": "256Gi", "pods": "110", "nvidia.com/gpu": n});
        let labels = json!({"nvidia.com/gpu.product": "Tesla-T4", "nvidia.com/gpu.count": "4"});
        let node = json!({
            "metadata": {"name": name, "labels": labels},
            "status": {
                "capacity": of("4"), "allocatable": of(healthy),
                "conditions": [{"type": "Ready", "status": "True"}],
            },
        });
        let by = Writer::new("test");
        world
            .cluster
            .create(world.kinds.nodes, "", node, &by)
            .unwrap();
    }
    world.settle();
    world
}

fn gpu_job(world: &mut World, name: &str, gpus: u64, parallelism: u64, seconds: u64) {
    let mut template = template("Never", json!(["sleep", seconds.to_string()]));
    template["spec"]["nodeSelector"] = json!({"nvidia.com/gpu.product": "Tesla-T4"});
    template["spec"]["containers"][0]["resources"] =
        json!({"limits": {"nvidia.com/gpu": gpus.to_string()}});
    let spec =
        json!({"parallelism": parallelism, "completions": parallelism, "template": template});
    job(world, name, spec);
}

/// Device → pods that hold it and its health, of all pods that are not over.
fn held(world: &World) -> BTreeMap<String, (Vec<String>, String)> {
    let mut out = BTreeMap::<String, (Vec<String>, String)>::new();
    for pod in world.objects("pods", "default") {
        let value = pod.value();
        let phase = value["status"]["phase"].as_str().unwrap_or_default();
        if phase == "Succeeded" || phase == "Failed" {
            continue;
        }
        let statuses = value["status"]["containerStatuses"].as_array();
        let entries = statuses.into_iter().flatten().flat_map(|s| {
            let all = s["allocatedResourcesStatus"].as_array();
            all.into_iter().flatten()
        });
        for device in entries.flat_map(|e| e["resources"].as_array().unwrap()) {
            let id = device["resourceID"].as_str().unwrap().to_owned();
            let slot = out.entry(id).or_default();
            slot.0.push(pod.name.clone());
            slot.1 = device["health"].as_str().unwrap().to_owned();
        }
    }
    out
}

#[test]
fn a_pod_is_told_which_devices_it_has_and_gives_them_back() {
    let mut world = gpu_world();
    gpu_job(&mut world, "a", 2, 1, 60);
    run(&mut world, 20);
    let first = held(&world);
    assert_eq!(first.len(), 2);
    assert!(
        first
            .values()
            .all(|(pods, health)| pods.len() == 1 && health == "Healthy")
    );
    run(&mut world, 120);
    assert_eq!(held(&world).len(), 0);
    let pod = &world.objects("pods", "default")[0].value();
    assert_eq!(pod["status"]["phase"], "Succeeded");
    // what it had is still told of it
    let told = &pod["status"]["containerStatuses"][0]["allocatedResourcesStatus"][0];
    assert_eq!(told["name"], "nvidia.com/gpu");
    assert_eq!(told["resources"].as_array().map(Vec::len), Some(2));
    gpu_job(&mut world, "b", 4, 1, 60);
    run(&mut world, 20);
    assert_eq!(held(&world).len(), 4);
}

#[test]
fn no_device_is_ever_with_two_pods_and_ill_ones_are_with_none() {
    let mut world = gpu_world();
    let mut random = Random::new(11);
    let mut most = 0;
    for round in 0..120 {
        let (gpus, width) = (1 + random.below(4), 1 + random.below(2));
        let seconds = 20 + random.below(200);
        gpu_job(&mut world, &format!("j-{round}"), gpus, width, seconds);
        if random.below(5) == 0 {
            let victims = world.objects("pods", "default");
            let at = random.below(victims.len().max(1) as u64) as usize;
            let how = Delete {
                grace_seconds: Some(if random.below(2) == 0 { 10 } else { 0 }),
                ..Delete::default()
            };
            if let Some(victim) = victims.get(at) {
                let pods = world.kinds.pods;
                let _ = world.cluster.delete(pods, "default", &victim.name, &how);
            }
        }
        run(&mut world, 15 + random.below(60) as i64);
        let held = held(&world);
        most = most.max(held.len());
        for (id, (pods, health)) in &held {
            assert_eq!(pods.len(), 1, "{id} in round {round}: {pods:?}");
            assert_eq!(health, "Healthy");
        }
    }
    assert_eq!(most, 7, "seven healthy devices, all in use at some time");
    run(&mut world, 40_000);
    assert_eq!(held(&world).len(), 0);
    for node in ["gpu-0", "gpu-1"] {
        assert_eq!(world.kubelet.devices.on(node).count(), 0);
    }
}

#[test]
fn a_device_that_falls_ill_under_its_pod_is_told_of() {
    let mut world = gpu_world();
    gpu_job(&mut world, "a", 4, 1, 600);
    run(&mut world, 20);
    assert_eq!(held(&world).len(), 4);
    let mut node = world.object("nodes", "", "gpu-0").unwrap();
    node["status"]["allocatable"]["nvidia.com/gpu"] = json!("3");
    let nodes = world.kinds.nodes;
    let by = Writer::status("kubelet");
    world.cluster.update(nodes, node, &by).unwrap();
    run(&mut world, 1);
    let held = held(&world);
    let ill = held.values().filter(|(_, health)| health == "Unhealthy");
    assert_eq!(ill.count(), 1);
}

#[test]
fn a_pod_bound_by_hand_to_a_full_node_is_refused() {
    let mut world = gpu_world();
    gpu_job(&mut world, "a", 4, 1, 600);
    run(&mut world, 20);
    let full = world.objects("pods", "default")[0].value()["spec"]["nodeName"].clone();
    let pod = json!({"metadata": {"name": "pushed"}, "spec": {
        "nodeName": full, "restartPolicy": "Never",
        "containers": [{"name": "c", "image": "busybox", "command": ["sleep", "9"], "resources": {"limits": {"nvidia.com/gpu": "1"}}}],
    }});
    let pods = world.kinds.pods;
    let by = Writer::new("kubectl");
    world.cluster.create(pods, "default", pod, &by).unwrap();
    run(&mut world, 5);
    let status = world.object("pods", "default", "pushed").unwrap()["status"].clone();
    assert_eq!(
        (&status["phase"], &status["reason"]),
        (&json!("Failed"), &json!("UnexpectedAdmissionError"))
    );
    assert_eq!(
        status["message"],
        "Pod was rejected: Allocate failed due to requested number of devices unavailable for nvidia.com/gpu. Requested: 1, Available: 0, which is unexpected"
    );
}

#[test]
fn a_daemon_pod_is_on_every_node_and_comes_back() {
    let mut world = gpu_world();
    let set = json!({"metadata": {"name": "agent"}, "spec": {
        "selector": {"matchLabels": {"app": "agent"}},
        "template": {"metadata": {"labels": {"app": "agent"}}, "spec": {
            "nodeSelector": {"nvidia.com/gpu.count": "4"},
            "containers": [{"name": "c", "image": "nginx"}],
        }},
    }});
    let (sets, pods) = (world.kinds.daemonsets, world.kinds.pods);
    let by = Writer::new("kubectl");
    world.cluster.create(sets, "default", set, &by).unwrap();
    run(&mut world, 60);
    let hosts = |world: &World| {
        let pods = world.objects("pods", "default");
        let host = |p: &Arc<Object>| p.tree()["spec"]["nodeName"].as_str().map(str::to_owned);
        let mut all: Vec<String> = pods.iter().filter_map(host).collect();
        all.sort();
        all
    };
    assert_eq!(hosts(&world), ["gpu-0", "gpu-1"]);
    let status = &world.object("daemonsets", "default", "agent").unwrap()["status"];
    assert_eq!(
        (&status["desiredNumberScheduled"], &status["numberReady"]),
        (&json!(2), &json!(2))
    );
    let victim = world.objects("pods", "default")[0].name.clone();
    let how = Delete::default();
    world
        .cluster
        .delete(pods, "default", &victim, &how)
        .unwrap();
    run(&mut world, 90);
    assert_eq!(hosts(&world), ["gpu-0", "gpu-1"]);
    assert!(world.object("pods", "default", &victim).is_none());
}
