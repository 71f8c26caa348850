use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::*;
use crate::controllers::quantity;
use crate::controllers::wire;
use crate::scenario::epoch;
use crate::store::Object;
use std::sync::Arc;

fn world(churn: u32) -> World {
    sized(200, 3000, churn)
}

fn sized(nodes: usize, pods: usize, churn: u32) -> World {
    let options = Options {
        nodes,
        pods,
        churn,
        ..Options::default()
    };
    World::stepped(&options, Duration::from_secs(5))
}

fn all(world: &World, group: &str, plural: &str) -> Vec<Arc<Object>> {
    let store = &world.cluster.store;
    let kind = store.kind_id(group, plural).unwrap();
    store.list(kind, None).cloned().collect()
}

fn fleet(object: &Object) -> bool {
    object.namespace.starts_with("team-")
}

fn running(pod: &Value) -> bool {
    !matches!(
        pod["status"]["phase"].as_str(),
        Some("Succeeded" | "Failed")
    )
}

/// One world for all looks at it: it takes a while in a build that is not optimised.
#[test]
fn a_large_cluster_is_as_lawful_as_if_it_had_been_scheduled() {
    let world = world(0);
    let nodes = all(&world, "", "nodes");
    assert_eq!(nodes.len(), 200);
    let pods = all(&world, "", "pods");
    // what runs on every node, and the scene's own, come on top
    assert!((2900..4200).contains(&pods.len()), "{} pods", pods.len());
    no_node_has_more_than_it_can_bear(&nodes, &pods);
    no_device_is_of_two_claims(&all(&world, "resource.k8s.io", "resourceclaims"));
    every_job_counts_its_pods(&world, &pods);
    quota_holds(&world);
    objects_are_of_the_size_they_have_on_a_real_cluster(&nodes, &pods);
    nothing_happens_to_what_was_found(world);
}

fn no_node_has_more_than_it_can_bear(nodes: &[Arc<Object>], pods: &[Arc<Object>]) {
    let mut used: BTreeMap<String, (quantity::Amounts, i64)> = BTreeMap::new();
    let mut devices: BTreeSet<String> = BTreeSet::new();
    for object in pods {
        let tree = object.tree();
        let node = tree["spec"]["nodeName"].as_str().unwrap_or_default();
        if !running(&tree) || node.is_empty() {
            continue;
        }
        let pod = wire::Pod::new(object, None);
        let (amounts, count) = used.entry(node.to_owned()).or_default();
        *count += 1;
        for (name, amount) in quantity::demand(&pod.spec) {
            *amounts.entry(name).or_default() += amount;
        }
        for status in tree["status"]["containerStatuses"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let granted = status["allocatedResourcesStatus"].as_array();
            // what is claimed is checked by its claim: several pods may share one
            let ids = granted
                .into_iter()
                .flatten()
                .filter(|g| !g["name"].as_str().is_some_and(|n| n.starts_with("claim:")))
                .flat_map(|g| g["resources"].as_array());
            for id in ids.flatten().filter_map(|r| r["resourceID"].as_str()) {
                assert!(
                    devices.insert(format!("{node}/{id}")),
                    "{id} of {node} is had twice"
                );
            }
        }
    }
    assert!(!devices.is_empty());
    for node in nodes {
        let tree = node.tree();
        let Some((amounts, count)) = used.get(&node.name) else {
            continue;
        };
        let can = |name: &str| {
            quantity::parse(
                tree["status"]["allocatable"][name]
                    .as_str()
                    .unwrap_or_default(),
            )
        };
        assert!(
            count * 1000 <= can("pods"),
            "{} has {count} pods",
            node.name
        );
        for (name, amount) in amounts {
            // what a sick device leaves is taken from whoever has it, not from the sum
            let sick = name == GPU && tree["status"]["capacity"] != tree["status"]["allocatable"];
            assert!(
                *amount <= can(name) || sick,
                "{} has {amount} of {name}",
                node.name
            );
        }
    }
}

fn no_device_is_of_two_claims(claims: &[Arc<Object>]) {
    let mut had = BTreeSet::new();
    for claim in claims {
        let tree = claim.tree();
        let results = tree["status"]["allocation"]["devices"]["results"].as_array();
        for result in results.into_iter().flatten() {
            // who only looks at a device does not have it
            if result["adminAccess"] == true {
                continue;
            }
            let device = format!("{}/{}", result["pool"], result["device"]);
            assert!(had.insert(device.clone()), "{device} is had twice");
        }
    }
    assert!(!had.is_empty());
}

fn every_job_counts_its_pods(world: &World, pods: &[Arc<Object>]) {
    let mut of: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for pod in pods.iter().filter(|p| fleet(p)) {
        let (active, ready) = of.entry(&pod.controller().unwrap().uid).or_default();
        let pod = wire::Pod::new(pod, None);
        *active += u64::from(pod.active());
        *ready += u64::from(pod.active() && pod.ready());
    }
    let jobs = all(world, "batch", "jobs");
    let jobs: Vec<_> = jobs.iter().filter(|j| fleet(j)).collect();
    assert!((100..200).contains(&jobs.len()), "{} jobs", jobs.len());
    for job in &jobs {
        let tree = job.tree();
        let (active, ready) = of.get(job.uid.as_str()).copied().unwrap_or_default();
        let status = &tree["status"];
        assert_eq!(
            status["active"].as_u64().unwrap_or(0),
            active,
            "{}",
            job.name
        );
        assert_eq!(status["ready"].as_u64().unwrap_or(0), ready, "{}", job.name);
    }
    let wide = jobs
        .iter()
        .map(|j| j.tree())
        .find(|j| j["spec"]["completions"] == 10_000);
    let wide = wide.expect("a job of ten thousand indexes");
    assert!(wide["status"]["succeeded"].as_u64() > Some(2000));
}

fn quota_holds(world: &World) {
    let mut used: BTreeMap<(String, String, String), i64> = BTreeMap::new();
    let workloads = all(world, "kueue.x-k8s.io", "workloads");
    let workloads: Vec<_> = workloads.iter().filter(|w| fleet(w)).collect();
    let has = |w: &Value, kind: &str| {
        let all = w["status"]["conditions"].as_array().into_iter().flatten();
        let mut all = all.filter(|c| c["type"] == kind);
        all.any(|c| c["status"] == "True")
    };
    let (mut admitted, mut waiting) = (0, 0);
    for workload in &workloads {
        let tree = workload.tree();
        if has(&tree, "Finished") {
            continue;
        }
        if !has(&tree, "Admitted") {
            waiting += 1;
            continue;
        }
        admitted += 1;
        let admission = &tree["status"]["admission"];
        for part in admission["podSetAssignments"].as_array().unwrap() {
            for (resource, amount) in part["resourceUsage"].as_object().unwrap() {
                let flavor = part["flavors"][resource].as_str().unwrap();
                let queue = admission["clusterQueue"].as_str().unwrap();
                let key = (queue.to_owned(), flavor.to_owned(), resource.clone());
                *used.entry(key).or_default() += quantity::parse(amount.as_str().unwrap());
            }
        }
    }
    assert!(admitted >= 20, "{admitted} are admitted");
    assert!(waiting >= 5, "{waiting} wait");
    let queues = all(world, "kueue.x-k8s.io", "clusterqueues");
    for ((queue, flavor, resource), amount) in &used {
        let found = queues.iter().find(|q| q.name == *queue).unwrap();
        let tree = found.tree();
        let groups = tree["spec"]["resourceGroups"].as_array().unwrap();
        let flavors = groups.iter().flat_map(|g| g["flavors"].as_array().unwrap());
        let one = flavors
            .filter(|f| f["name"] == **flavor)
            .flat_map(|f| f["resources"].as_array().unwrap());
        let mut one = one.filter(|r| r["name"] == **resource);
        let quota = match &one.next().unwrap()["nominalQuota"] {
            Value::String(text) => quantity::parse(text),
            number => number.as_i64().unwrap() * 1000,
        };
        assert!(
            *amount <= quota,
            "{queue} gives {amount} of {quota} {resource} of {flavor}"
        );
    }
}

fn objects_are_of_the_size_they_have_on_a_real_cluster(
    nodes: &[Arc<Object>],
    pods: &[Arc<Object>],
) {
    let mean = |all: Vec<usize>| all.iter().sum::<usize>() / all.len();
    let joined = nodes
        .iter()
        .filter(|n| n.tree()["metadata"]["managedFields"].is_array());
    let node = mean(joined.map(|n| n.json().len()).collect());
    let pod = mean(
        pods.iter()
            .filter(|p| fleet(p))
            .map(|p| p.json().len())
            .collect(),
    );
    assert!((8_000..12_500).contains(&node), "a node is {node} bytes");
    assert!((4_000..6_500).contains(&pod), "a pod is {pod} bytes");
}

/// Were they not as admission and the controllers make them, something would be written about them.
fn nothing_happens_to_what_was_found(mut world: World) {
    let versions = |world: &World| -> Vec<(String, u64)> {
        let pods = all(world, "", "pods").into_iter().filter(|p| fleet(p));
        let jobs = all(world, "batch", "jobs").into_iter().filter(|p| fleet(p));
        let workloads = all(world, "kueue.x-k8s.io", "workloads");
        let workloads = workloads.into_iter().filter(|p| fleet(p));
        let all = pods.chain(jobs).chain(workloads);
        all.map(|o| (o.name.clone(), o.rv)).collect()
    };
    let before = versions(&world);
    world.advance_to(epoch() + TimeDelta::minutes(3));
    let after = versions(&world);
    let moved: Vec<_> = after.iter().filter(|o| !before.contains(o)).collect();
    assert!(moved.is_empty(), "{moved:?}");
    // and what is written to them is not refused
    let pod = all(&world, "", "pods")
        .into_iter()
        .find(|p| fleet(p))
        .unwrap();
    let mut value = pod.value();
    value["metadata"]["labels"]["touched"] = json!("yes");
    let by = crate::api::write::Writer::new("kubectl-edit");
    let written = world.cluster.update(pod.kind, value, &by);
    assert!(written.is_ok(), "{written:?}");
}

#[test]
fn unrest_is_as_much_as_was_asked_for_and_the_same_for_the_same_seed() {
    let run = || {
        let mut world = sized(60, 800, 200);
        let (from, changes) = (world.cluster.store.rv(), crate::Backend::changes(&world));
        world.advance_to(epoch() + TimeDelta::seconds(7));
        let changes = crate::Backend::changes(&world) - changes;
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        let mut seen = Vec::new();
        for (group, plural) in [
            ("", "pods"),
            ("", "nodes"),
            ("batch", "jobs"),
            ("kueue.x-k8s.io", "workloads"),
        ] {
            let store = &world.cluster.store;
            let kind = store.kind_id(group, plural).unwrap();
            for event in store.since(kind, from).unwrap() {
                *kinds.entry(plural.to_owned()).or_default() += 1;
                seen.push((event.rv, event.object.json().to_vec()));
            }
        }
        // each is a version of its own, and what is stored is the newest
        let distinct: BTreeSet<u64> = seen.iter().map(|(rv, _)| *rv).collect();
        assert_eq!(distinct.len(), seen.len());
        every_job_counts_its_pods_soon(&mut world);
        (changes, kinds, seen)
    };
    let (changes, kinds, seen) = run();
    assert!((395..=405).contains(&changes), "{changes} in two seconds");
    let share = |plural: &str| kinds[plural] as f64 / changes as f64;
    assert!((0.5..0.8).contains(&share("pods")), "{kinds:?}");
    assert!((0.2..0.35).contains(&share("nodes")), "{kinds:?}");
    assert!(share("jobs") > 0.05, "{kinds:?}");
    assert_eq!(run().2, seen);
}

fn every_job_counts_its_pods_soon(world: &mut World) {
    world.stir(0);
    let rv = world.cluster.store.rv();
    let pods = world.kinds().pods;
    let now = world.cluster.clock.now();
    world.advance_to(now + TimeDelta::milliseconds(500));
    let quiet = world.cluster.store.since(pods, rv).unwrap().count();
    assert_eq!(quiet, 0, "unrest that was ended goes on");
}
