//! Objects nobody expects: at each place of real objects of every kind something that is missing, null, of another type,
//! enormous, negative, twice there or no number at all. Each is kept and shown as well as it can be and counted, none hides
//! the others of its list, and no screen breaks over them.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::LazyLock;

use jobdeck::cluster::source::Tuning;
use jobdeck::cluster::target::Target;
use jobdeck::model::health::Health;
use jobdeck::model::ids::Uid;
use serde_json::{Value, json};

use crate::faults::bench::{self, Deck};
use crate::scripted::Server;
use crate::served::still;

/// Path of a list → its objects, as text: not all of it is JSON that a `Value` could hold.
type Lists = BTreeMap<String, Vec<String>>;

/// A generator as good as a test needs; the same seed, the same objects.
struct Dice(u64);

impl Dice {
    fn of(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % n.max(1) as u64) as usize
    }
}

/// Texts that become something else once the object is written.
const RAW: [(&str, &str); 4] = [
    ("\"@number\"", "1e999"),
    (
        "\"@digits\"",
        "-123456789012345678901234567890123456789012345678901234567890",
    ),
    ("\"@half\"", "\"\\ud800\""),
    (
        "\"@deep\"",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
    ),
];

/// What may stand anywhere.
fn odd(dice: &mut Dice) -> Value {
    match dice.of(30) {
        0 => Value::Null,
        1 => json!(""),
        // rarely: it is large
        2 if dice.of(20) == 0 => json!("x".repeat(1_000_000)),
        2 | 3 => json!(-1),
        4 => json!(i64::MIN),
        5 => json!(u64::MAX),
        6 => json!(1e308),
        7 => json!(-0.5),
        8 => json!(true),
        9 => json!([]),
        10 => json!({}),
        11 => json!([null, 1, "a", {}]),
        12 => json!("NaN"),
        13 => json!("-5"),
        14 => json!("99999999999999999999999999"),
        15 => json!("2026-99-99T99:99:99Z"),
        16 => json!("9999-12-31T23:59:59Z"),
        17 => json!("0001-01-01T00:00:00Z"),
        18 => json!({"": {"": null}}),
        19 => json!("1e999999999"),
        20 => json!("0-4294967295,7-3,,x"),
        21 => json!("9223372036854775807Ei"),
        22 => json!("@number"),
        23 => json!("@digits"),
        24 => json!("@half"),
        25 => json!("@deep"),
        26 => json!([[[]], [{}], "x"]),
        27 => json!("+262142-12-31T23:59:59Z"),
        28 => json!("家\u{301}\u{301}\u{fe0f}\u{200d}"),
        _ => json!("\u{1b}[2J\u{202e}\u{0}"),
    }
}

/// Who an object is stays.
const WHO: [&str; 4] = ["uid", "name", "namespace", "resourceVersion"];

/// Every place in an object, as a JSON pointer.
fn places(value: &Value, at: &str, all: &mut Vec<String>) {
    let mut inner = |step: &str, value: &Value| {
        let step = step.replace('~', "~0").replace('/', "~1");
        if !(at == "/metadata" && WHO.contains(&&*step)) {
            places(value, &format!("{at}/{step}"), all);
        }
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| inner(key, value)),
        // of many that are alike the first two
        Value::Array(items) => {
            (items.iter().take(2).enumerate()).for_each(|(n, value)| inner(&n.to_string(), value))
        }
        _ => {}
    }
    if !at.is_empty() && at != "/metadata" {
        all.push(at.to_owned());
    }
}

/// The object with something else in that place.
fn mutant(object: &Value, place: &str, dice: &mut Dice) -> String {
    let mut object = object.clone();
    let (parent, key) = place.rsplit_once('/').unwrap();
    let key = key.replace("~1", "/").replace("~0", "~");
    let what = odd(dice);
    match (dice.of(8), object.pointer_mut(parent)) {
        (0, Some(Value::Object(map))) => drop(map.remove(&key)),
        (0, Some(Value::Array(items))) => items.clear(),
        // twice there, the odd one before or behind
        (1, Some(Value::Object(map))) => {
            map.insert(format!("@{}@{key}", dice.of(2)), what);
        }
        _ => *object.pointer_mut(place).unwrap() = what,
    }
    let mut text = object.to_string();
    for (mark, raw) in RAW {
        text = text.replace(mark, raw);
    }
    text.replace("\"@0@", "\"").replace("\"@1@", "\"")
}

/// Of each kind that the demo has the two objects that hold most.
static RECORDED: LazyLock<BTreeMap<String, Vec<Value>>> = LazyLock::new(|| {
    let world = still().shared().lock();
    let store = &world.cluster().store;
    let mut all = BTreeMap::new();
    for (id, kind) in store.kinds() {
        let mut objects: Vec<Value> = store.list(id, None).map(|o| o.value()).collect();
        objects.sort_by_key(|object| std::cmp::Reverse(object.to_string().len()));
        objects.truncate(2);
        objects.iter_mut().for_each(|object| {
            object["metadata"]
                .as_object_mut()
                .unwrap()
                .remove("managedFields");
        });
        // one version of each: the client takes what there is
        let version = kind.served().next().unwrap_or(&kind.version);
        let path = match kind.group.as_str() {
            "" => format!("/api/{version}/{}", kind.plural),
            group => format!("/apis/{group}/{version}/{}", kind.plural),
        };
        if !objects.is_empty() {
            all.insert(path, objects);
        }
    }
    all
});

/// The objects as they were.
fn sound() -> Lists {
    let texts = |objects: &Vec<Value>| objects.iter().map(Value::to_string).collect();
    RECORDED
        .iter()
        .map(|(path, objects)| (path.clone(), texts(objects)))
        .collect()
}

/// Beside each object what becomes of it when something in it changes: `each` times at every place, and at most so many
/// for a kind. Each is somebody of its own.
fn with_mutants(each: usize, most: usize, seed: u64) -> Lists {
    let mut dice = Dice(seed);
    let mut all = sound();
    let mut n = 0;
    for (path, texts) in &mut all {
        let mut made = Vec::new();
        for object in &RECORDED[path] {
            let mut every = Vec::new();
            places(object, "", &mut every);
            for place in every
                .iter()
                .flat_map(|place| std::iter::repeat_n(place, each))
            {
                n += 1;
                let mut object = object.clone();
                object["metadata"]["uid"] = json!(format!("00000000-0000-4000-8000-{n:012x}"));
                let name = object["metadata"]["name"].as_str().unwrap().to_owned();
                object["metadata"]["name"] = json!(format!("{name}-{n}"));
                made.push(mutant(&object, place, &mut dice));
            }
        }
        while made.len() > most {
            made.swap_remove(dice.of(made.len()));
        }
        texts.extend(made);
        // and what is nobody at all
        texts.insert(0, "\"what is this\"".into());
        texts.push(r#"{"metadata": 7, "spec": []}"#.into());
    }
    all
}

/// A server that answers lists with these, and knows which kinds it has.
fn serve(lists: &Lists) -> Server {
    let server = Server::start();
    let mut state = server.state();
    let mut groups: BTreeMap<&str, BTreeMap<&str, Vec<Value>>> = BTreeMap::new();
    for (path, items) in lists {
        let items = items.join(",");
        let list = format!(
            r#"{{"kind":"List","metadata":{{"resourceVersion":"5000"}},"items":[{items}]}}"#
        );
        state.texts.insert(path.clone(), list);
        if let [_, "apis", group, version, plural] = path.split('/').collect::<Vec<_>>()[..] {
            let resource = json!({"resource": plural, "scope": "Namespaced", "verbs": ["get", "list", "watch"]});
            let versions = groups.entry(group).or_default();
            versions.entry(version).or_default().push(resource);
        }
    }
    let items = groups.into_iter().map(|(group, versions)| {
        let versions = versions.into_iter();
        let versions: Vec<Value> = versions
            .map(|(version, resources)| json!({"version": version, "resources": resources}))
            .collect();
        json!({"metadata": {"name": group}, "versions": versions})
    });
    let document = json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2",
        "items": items.collect::<Vec<_>>(),
    });
    state.answers.insert("/apis".into(), (200, document));
    drop(state);
    server
}

/// Uids of the rows of all kinds.
fn uids(deck: &Deck) -> BTreeSet<String> {
    let rows = bench::rows(&deck.model);
    let keys = rows.keys().filter(|k| !k.starts_with("status "));
    keys.filter_map(|k| Some(k.split_once(' ')?.1.to_owned()))
        .collect()
}

/// Whoever is somebody in the lists that were asked for, with what was made of it.
fn expected<'a>(lists: &'a Lists, server: &Server) -> BTreeMap<String, &'a str> {
    let asked: BTreeSet<String> = server
        .state()
        .requests
        .iter()
        .map(|r| r.path.clone())
        .collect();
    let of = lists.iter().filter(|(path, _)| asked.contains(*path));
    let uid = |text: &'a String| {
        let (_, rest) = text.split_once("\"uid\":\"00000000-0000-4000-8000-")?;
        let uid = format!("00000000-0000-4000-8000-{}", &rest[..12]);
        Some((format!("{:?}", Uid::parse(&uid)), text.as_str()))
    };
    of.flat_map(|(_, texts)| texts).filter_map(uid).collect()
}

/// Every kind has been listed.
fn listed(deck: &Deck) -> bool {
    let mut live = BTreeSet::new();
    live.extend(
        deck.told
            .iter()
            .filter(|h| h.health == Health::Live)
            .map(|h| h.source),
    );
    deck.blind.is_some()
        && deck.sources.len() > 25
        && deck.sources.keys().all(|id| live.contains(id))
}

async fn open(server: &Server) -> Deck {
    let tuning = Tuning {
        stream: false,
        ..bench::tuning()
    };
    Deck::open_with(Target::plain(server.url(), "odd"), tuning).await
}

/// Objects of which something could not be read, by kind.
fn unread(deck: &Deck) -> BTreeMap<&'static str, u64> {
    let link = deck.cluster.link("odd");
    link.kinds
        .iter()
        .map(|read| (read.kind.plural(), read.skipped))
        .collect()
}

#[tokio::test]
async fn no_object_hides_the_others() {
    let lists = sound();
    assert!(lists.len() > 25, "{:?}", lists.keys());
    let server = serve(&lists);
    let mut deck = open(&server).await;
    deck.until("rows of all kinds", listed).await;
    // nothing in what a server really says is taken for odd
    let odd: Vec<_> = unread(&deck).into_iter().filter(|(_, n)| *n > 0).collect();
    let told = || {
        deck.cluster
            .link("odd")
            .kinds
            .into_iter()
            .flat_map(|read| read.problems)
            .collect::<Vec<_>>()
    };
    assert!(odd.is_empty(), "{odd:?}: {:#?}", told());
    let sound = uids(&deck);
    let watched: BTreeSet<&str> = unread(&deck).into_keys().collect();
    assert!(watched.len() > 25, "{watched:?}");
    drop(server);
    for seed in [7, 2026] {
        let lists = with_mutants(1, 40, seed);
        let server = serve(&lists);
        let mut deck = open(&server).await;
        deck.until("rows of all kinds", listed).await;
        let all = expected(&lists, &server);
        assert!(all.len() > 700, "{}", all.len());
        let have = uids(&deck);
        assert!(
            sound.is_subset(&have),
            "seed {seed}: {:?}",
            sound.difference(&have)
        );
        let lost: Vec<_> = all
            .iter()
            .filter(|(uid, _)| !have.contains(*uid))
            .take(3)
            .collect();
        assert!(lost.is_empty(), "seed {seed}: {lost:#?}");
        for (plural, n) in unread(&deck) {
            assert!(
                n >= 2 || !watched.contains(plural),
                "seed {seed}: {n} of {plural} counted"
            );
        }
        let said: Vec<&str> = deck.notices.iter().map(|n| n.text.as_str()).collect();
        assert!(
            said.iter().any(|s| s.contains("could not be read whole")),
            "{said:?}"
        );
        let own = |h: &jobdeck::cluster::report::SourceHealth| {
            format!("{:?}", h.health).contains("own error")
        };
        assert!(!deck.told.iter().any(own), "{:#?}", deck.told);
        let now = "2026-11-23T12:01:00Z".parse().unwrap();
        for job in deck.model.jobs.rows() {
            let _ = deck.model.status(job);
            let _ = jobdeck::model::why::why(&deck.model, job, now);
            let _ = jobdeck::model::waiting::waiting(&deck.model, job, now);
        }
    }
}

/// The screens themselves, by the real binary.
#[test]
fn no_screen_breaks_over_odd_objects() {
    let folder = tempfile::tempdir().unwrap();
    let lists = with_mutants(1, 20, 11);
    let server = serve(&lists);
    let file = folder.path().join("kubeconfig");
    let config = json!({
        "current-context": "odd",
        "contexts": [{"name": "odd", "context": {"cluster": "c"}}],
        "clusters": [{"name": "c", "cluster": {"server": server.url().to_string()}}],
    });
    std::fs::write(&file, config.to_string()).unwrap();
    let run = |args: &[&str]| {
        let out = Command::new(env!("CARGO_BIN_EXE_jobdeck"))
            .args(["-A", "--kubeconfig"])
            .arg(&file)
            .args(args)
            .env("HOME", folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.success(), "{args:?}: {said}");
        assert!(!said.contains("panicked"), "{args:?}: {said}");
        String::from_utf8_lossy(&out.stdout).into_owned()
    };
    let job = RECORDED["/apis/batch/v1/jobs"][0]["metadata"]["name"]
        .as_str()
        .unwrap()
        .to_owned();
    for pane in [
        "jobs",
        "pods",
        "nodes",
        "gpus",
        "queues",
        "events",
        "inbox",
        "hardware",
        "self",
        &format!("job/{job}"),
    ] {
        let drawn = run(&["render", pane, "--size", "150x40"]);
        assert!(drawn.lines().count() >= 40, "{pane}: {drawn}");
        let odd = drawn.chars().find(|c| c.is_control() && *c != '\n');
        assert_eq!(odd, None, "{pane}");
    }
    for what in ["jobs", "pods", "nodes", "gpus", "events", "workloads"] {
        run(&["get", what]);
        run(&["get", what, "-o", "json"]);
    }
    run(&["why", &format!("job/{job}")]);
}
