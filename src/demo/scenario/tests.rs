use super::*;
use serde_json::Value;

fn stepped(seed: u64) -> World {
    let options = Options {
        seed,
        ..Options::default()
    };
    World::stepped(&options, Duration::from_secs(600))
}

fn count(world: &World, plural: &str, f: impl Fn(&Value) -> bool) -> usize {
    let all = [
        "default",
        "ml-team-a",
        "ml-team-b",
        "research",
        "inference",
        "data-platform",
    ];
    let all = all.iter().flat_map(|ns| world.objects(plural, ns));
    all.filter(|o| f(&o.value())).count()
}

fn has(value: &Value, condition: &str) -> bool {
    let all = value["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten();
    all.into_iter()
        .any(|c| c["type"] == condition && c["status"] == "True")
}

#[test]
fn the_default_scene_tells_its_story() {
    let world = stepped(1);
    assert!(count(&world, "jobs", |_| true) >= 60);
    assert!(count(&world, "jobs", |j| has(j, "Complete")) >= 15);
    assert!(count(&world, "jobs", |j| has(j, "Failed")) >= 8);
    assert!(count(&world, "jobs", |j| has(j, "Suspended")) >= 1);
    assert!(count(&world, "pods", |p| p["status"]["phase"] == "Running") >= 25);
    let pending = count(&world, "pods", |p| p["status"]["phase"] == "Pending");
    assert!((3..60).contains(&pending), "{pending} pending");
    let docs = world
        .object("jobs", "ml-team-a", "job-backoff-limit-per-index-example")
        .unwrap();
    assert_eq!(docs["status"]["completedIndexes"], "1,3,5,7,9");
    assert_eq!(docs["status"]["failedIndexes"], "0,2,4,6,8");
    assert!(has(&docs, "Failed"));
    let pi = world.object("jobs", "default", "pi").unwrap();
    assert_eq!(pi["status"]["succeeded"], 1);
}

#[test]
fn the_same_seed_gives_the_same_scene() {
    let bytes = |seed| {
        let world = stepped(seed);
        let all = ["default", "research", "ml-team-b"].iter();
        let all = all.flat_map(|ns| ["jobs", "pods", "events", "cronjobs"].map(|k| (ns, k)));
        all.flat_map(|(ns, kind)| world.objects(kind, ns))
            .flat_map(|o| o.json().to_vec())
            .collect::<Vec<u8>>()
    };
    assert_eq!(bytes(3), bytes(3));
    assert_ne!(bytes(3), bytes(4));
}

#[test]
fn the_scene_stays_alive_for_hours() {
    let options = Options::default();
    let mut world = World::stepped(&options, Duration::from_secs(60));
    let before = count(&world, "jobs", |_| true);
    world.advance_to(epoch() + TimeDelta::hours(4));
    assert!(count(&world, "pods", |p| p["status"]["phase"] == "Running") >= 15);
    let after = count(&world, "jobs", |_| true);
    assert!(
        (40..2 * before).contains(&after),
        "{before} jobs, then {after}"
    );
    assert!(count(&world, "jobs", |j| j["status"]["active"].is_number()) >= 8);
}

#[test]
fn nothing_of_the_scene_is_refused() {
    let start = epoch();
    let mut world = World::new(Cluster::new(Clock::stepped(start, 1.0), 1));
    let (kinds, options) = (world.kinds(), Options::default());
    furnish(&mut world.cluster, kinds, &options, start);
    // the namespaces get their service accounts
    world.settle();
    for entry in script::read(DEFAULT) {
        for manifest in entry.manifests {
            let name = manifest["metadata"]["name"].clone();
            let made = create(&mut world.cluster, &entry.namespace, manifest);
            assert_eq!(made, Ok(()), "{name}");
        }
    }
}
