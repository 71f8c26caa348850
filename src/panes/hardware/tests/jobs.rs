//! Jobs, queues and what is told of them: which GPU, whether it does what is asked, and where others are free.

use rstest::rstest;
use serde_json::{Value, json};

use crate::app::action::Action;
use crate::model::Model;
use crate::model::delta::{Change, Rows};
use crate::model::ids::Key;
use crate::model::job::JobRow;
use crate::model::kueue::fixture::{GPU, cohort, cq, lq, workload};
use crate::model::kueue::others::{Limit, QuotaRow};
use crate::model::kueue::queue::{Namespaces, Stop};
use crate::model::kueue::{
    ClusterQueueRow, CohortRow, FlavorRow, LocalQueueRow, QueueRows, WorkloadRow,
};
use crate::model::labels::LabelSet;
use crate::model::node::NodeRow;
use crate::model::quantity::Quantity;
use crate::model::want::Want;
use crate::panes::fixture::{self, key, with_cx};
use crate::panes::hardware::compare::Gpus;
use crate::panes::hardware::place::{self, Asked};
use crate::panes::hardware::{advice, stock};
use crate::panes::stage::Stage;
use crate::panes::{Arrival, Pane, Reply, Target};

const T4: &str = "Tesla-T4";
const A100: &str = "NVIDIA-A100-SXM4-80GB";

/// What a test says of a cluster.
struct World {
    job: JobRow,
    /// The node its pod runs on.
    runs: Option<&'static str>,
    nodes: Vec<NodeRow>,
    flavors: Vec<FlavorRow>,
    queues: Vec<ClusterQueueRow>,
    cohorts: Vec<CohortRow>,
    local: Vec<LocalQueueRow>,
    workloads: Vec<WorkloadRow>,
    quotas: Vec<QuotaRow>,
}

fn node(name: &str, product: Option<&str>, pool: &str, gpus: u32) -> NodeRow {
    let mut row = fixture::node(name, product, &[(GPU, gpus)]);
    let mut labels = vec![("pool", pool)];
    labels.extend(product.map(|product| ("nvidia.com/gpu.product", product)));
    row.labels = LabelSet::new(labels);
    row
}

fn flavor(name: &str, labels: &[(&str, &str)]) -> FlavorRow {
    FlavorRow {
        key: key(&format!("flavor/{name}")),
        name: name.into(),
        created: None,
        node_labels: labels
            .iter()
            .map(|(k, v)| ((*k).into(), (*v).into()))
            .collect(),
        node_taints: Vec::new(),
        tolerations: Vec::new(),
        topology: None,
    }
}

fn local(name: &str, of: &str) -> LocalQueueRow {
    let mut row = lq(name, of);
    row.key = key(&format!("lq/{name}"));
    row.namespace = "team-a".into();
    row
}

/// A job for one GPU that waits, in a cluster with a T4 node and an A100 node.
fn world() -> World {
    let mut job = fixture::job("team-a", "sft", 600);
    job.devices = fixture::devices(&[(GPU, 1)]);
    World {
        job,
        runs: None,
        nodes: vec![
            node("t4-1", Some(T4), "t4", 2),
            node("a100-1", Some(A100), "a100", 4),
        ],
        flavors: Vec::new(),
        queues: Vec::new(),
        cohorts: Vec::new(),
        local: Vec::new(),
        workloads: Vec::new(),
        quotas: Vec::new(),
    }
}

/// The same with a queue that has 8 A100 in its quota and 6 in use.
fn queued() -> World {
    let mut world = world();
    world.flavors = vec![
        flavor("t4", &[("pool", "t4")]),
        flavor("a100", &[("pool", "a100")]),
    ];
    world.queues = vec![cq("vision").quota_of("a100", 8).holds("a100", 6)];
    world.local = vec![local("main", "vision")];
    world
}

impl World {
    fn model(self) -> (Model, Key) {
        let mut model = Model::default();
        let pods = self
            .runs
            .map(|node| fixture::pod(&self.job, "sft-abc", None, node, 500));
        let key = self.job.key;
        let rows = [
            Rows::Jobs(Change::Rows(vec![self.job])),
            Rows::Pods(Change::Rows(pods.into_iter().collect())),
            Rows::Nodes(Change::Rows(self.nodes)),
            Rows::Queues(QueueRows::Flavors(Change::Rows(self.flavors))),
            Rows::Queues(QueueRows::ClusterQueues(Change::Rows(self.queues))),
            Rows::Queues(QueueRows::Cohorts(Change::Rows(self.cohorts))),
            Rows::Queues(QueueRows::LocalQueues(Change::Rows(self.local))),
            Rows::Queues(QueueRows::Workloads(Change::Rows(self.workloads))),
            Rows::Queues(QueueRows::Quotas(Change::Rows(self.quotas))),
        ];
        for (source, rows) in (1..).zip(rows) {
            fixture::feed(&mut model, source, rows);
        }
        (model, key)
    }

    fn told(self, asked: &[Asked]) -> Vec<String> {
        let (model, key) = self.model();
        with_cx(&model, |cx| {
            let job = cx.model.jobs.get(key).unwrap();
            let told = advice::told(job, asked, cx);
            told.into_iter().map(|told| told.text).collect()
        })
    }

    /// Entries it may get, and what decided them.
    fn site(self, asked: Option<&[Asked]>) -> Option<(Vec<String>, String)> {
        let (model, key) = self.model();
        with_cx(&model, |cx| {
            let job = cx.model.jobs.get(key).unwrap();
            let site = place::site(job, asked, cx)?;
            Some((site.ids(), site.by))
        })
    }
}

/// A manifest of one container with one GPU.
fn manifest(args: &[&str], pod: Value) -> Value {
    let mut spec = pod;
    spec["containers"] = json!([{
        "name": "main", "args": args, "resources": {"limits": {"nvidia.com/gpu": 1}}}]);
    json!({"spec": {"template": {"spec": spec}}})
}

fn asks(args: &[&str], pod: Value) -> Vec<Asked> {
    place::read(&manifest(args, pod))
}

fn on_t4(args: &[&str]) -> Vec<Asked> {
    asks(args, json!({"nodeSelector": {"pool": "t4"}}))
}

const BF16: &str = "bf16 (--bf16) has no tensor-core path on Turing (Tesla-T4): ";
const INSTEAD: &str = "FP32 on CUDA cores by emulation, or is refused";

#[test]
fn a_running_job_is_told_what_its_gpus_cannot_do_and_where_it_could() {
    let told = |args: &[&str]| {
        let world = World {
            runs: Some("t4-1"),
            ..world()
        };
        world.told(&asks(args, json!({})))
    };
    assert_eq!(
        told(&["--bf16"]),
        [format!(
            "{BF16}falls back to {INSTEAD}; 4 A100 are free in this cluster"
        )]
    );
    assert_eq!(told(&["--fp16"]), Vec::<String>::new());
    assert_eq!(told(&["--lr=3"]), Vec::<String>::new());
    // FP8 nobody here does for sure: no other place is named
    let fp8 = told(&["--fp8"]);
    assert!(
        fp8[0].contains("Turing") && !fp8[0].contains("free"),
        "{fp8:?}"
    );
}

#[rstest]
#[case::selector(json!({"nodeSelector": {"pool": "t4"}}), &["t4"], "the nodes its selector and tolerations allow")]
#[case::product(json!({"nodeSelector": {"nvidia.com/gpu.product": "NVIDIA-L4"}}), &["l4"],
    "its node selector nvidia.com/gpu.product=NVIDIA-L4")]
#[case::gke(json!({"nodeSelector": {"cloud.google.com/gke-accelerator": "nvidia-tesla-t4"}}), &["t4"],
    "its node selector cloud.google.com/gke-accelerator=nvidia-tesla-t4")]
#[case::affinity(json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
    {"nodeSelectorTerms": [{"matchExpressions": [{"key": "pool", "operator": "NotIn", "values": ["a100"]}]}]}}}}),
    &["t4"], "the nodes its selector and tolerations allow")]
#[case::preferred_decides_nothing(json!({"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution":
    [{"weight": 1, "preference": {"matchExpressions": [{"key": "pool", "operator": "In", "values": ["t4"]}]}}]}}}),
    &["t4", "a100-sxm-80"], "the nodes with nvidia.com/gpu")]
#[case::machine(json!({"nodeSelector": {"node.kubernetes.io/instance-type": "g6.xlarge"}}), &["l4"],
    "its node selector node.kubernetes.io/instance-type=g6.xlarge")]
#[case::anything(json!({}), &["t4", "a100-sxm-80"], "the nodes with nvidia.com/gpu")]
fn a_waiting_job_gets_what_its_manifest_says(
    #[case] pod: Value,
    #[case] gpus: &[&str],
    #[case] by: &str,
) {
    let (ids, found) = world().site(Some(&asks(&[], pod))).unwrap();
    let mut ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    ids.sort_unstable_by_key(|id| gpus.iter().position(|gpu| gpu == id));
    assert_eq!((ids.as_slice(), found.as_str()), (gpus, by));
}

#[test]
fn taints_and_a_single_product_decide() {
    let mut world_ = world();
    world_.nodes[1].taints = vec!["team=vip:NoSchedule".into()];
    assert_eq!(world_.site(Some(&asks(&[], json!({})))).unwrap().0, ["t4"]);
    let mut world_ = world();
    world_.nodes.truncate(1);
    assert_eq!(world_.site(Some(&asks(&[], json!({})))).unwrap().0, ["t4"]);
    // no node and no label: nobody knows
    let mut world_ = world();
    world_.nodes.clear();
    assert_eq!(world_.site(Some(&asks(&[], json!({})))), None);
    let elsewhere = json!({"nodeSelector": {"pool": "h100"}});
    assert_eq!(world().site(Some(&asks(&[], elsewhere))), None);
    // not read yet
    assert_eq!(world().site(None), None);
}

#[test]
fn the_flavor_it_was_given_decides_before_the_manifest_is_read() {
    let given = |labels: &[(&str, &str)]| {
        let mut world = queued();
        world.flavors = vec![flavor("given", labels)];
        let mut row = workload("sft", "main", 1).admitted("vision", "given", 10);
        row.namespace = "team-a".into();
        row.owners = vec![("Job".into(), "sft".into(), world.job.key.uid)];
        row.job = Some(world.job.key.uid);
        world.workloads = vec![row];
        world.job.queue = Some("main".into());
        world.site(None)
    };
    let by = "the flavor it was given: given".to_owned();
    assert_eq!(
        given(&[("pool", "t4")]),
        Some((vec!["t4".into()], by.clone()))
    );
    // no node of it is there yet: its label names the product
    let label = [("nvidia.com/gpu.product", "NVIDIA-H200")];
    assert_eq!(given(&label), Some((vec!["h200-sxm".into()], by)));
    assert_eq!(given(&[]), None);
}

#[test]
fn the_flavors_of_its_queue_narrow_what_it_may_get() {
    let mut world = queued();
    world.job.queue = Some("main".into());
    world.job.labels = vec![("kueue.x-k8s.io/queue-name".into(), "main".into())];
    let site = world.site(Some(&asks(&[], json!({}))));
    let by = "the flavors of its queue".to_owned();
    assert_eq!(site, Some((vec!["a100-sxm-80".into()], by)));
}

#[test]
fn a_waiting_job_is_told_when_every_gpu_it_may_get_lacks_it() {
    assert_eq!(
        world().told(&on_t4(&["--bf16"])),
        [format!(
            "{BF16}would fall back to {INSTEAD}; 4 A100 are free in this cluster"
        )]
    );
    // it may get an A100
    assert_eq!(
        world().told(&asks(&["--bf16"], json!({}))),
        Vec::<String>::new()
    );
    // or something the reference does not know
    let mut world_ = world();
    world_
        .nodes
        .push(node("x", Some("NVIDIA-Mystery"), "t4", 1));
    assert_eq!(world_.told(&on_t4(&["--bf16"])), Vec::<String>::new());
    // one product in two memory sizes: both lack FP8
    let mut world_ = world();
    world_.nodes = vec![node("a", Some("NVIDIA-A100"), "a", 1)];
    let product = json!({"nodeSelector": {"k8s.amazonaws.com/accelerator": "nvidia-tesla-a100"}});
    for told in world_.told(&asks(&["--fp8"], product)) {
        assert!(told.contains("Ampere"), "{told}");
    }
}

#[rstest]
#[case::as_much_as_the_quota_leaves(|_: &mut World| (), Some("2 A100 are free in queue main"))]
#[case::as_much_as_the_nodes_have(|w: &mut World| w.nodes[1].allocatable = fixture::devices(&[(GPU, 1)]),
    Some("1 A100 is free in queue main"))]
#[case::quota_used_up(|w: &mut World| w.queues[0] = cq("vision").quota_of("a100", 6).holds("a100", 6), None)]
#[case::cordoned(|w: &mut World| w.nodes[1].cordoned = true, None)]
#[case::not_ready(|w: &mut World| w.nodes[1].ready = false, None)]
#[case::tainted(|w: &mut World| w.nodes[1].taints = vec!["team=vip:NoSchedule".into()], None)]
#[case::taint_its_flavor_tolerates(|w: &mut World| {
    w.nodes[1].taints = vec!["team=vip:NoSchedule".into()];
    w.flavors[1].tolerations = vec!["team=vip:NoSchedule".into()];
}, Some("2 A100 are free in queue main"))]
#[case::flavor_tainted(|w: &mut World| w.flavors[1].node_taints = vec!["team=vip:NoSchedule".into()], None)]
#[case::cut_in_slices(|w: &mut World| w.nodes[1] =
    node("a100-1", Some("NVIDIA-A100-SXM4-80GB-MIG-1g.10gb"), "a100", 7), None)]
#[case::shared(|w: &mut World| w.nodes[1] = node("a100-1", Some("NVIDIA-A100-SXM4-80GB-SHARED"), "a100", 7), None)]
#[case::on_hold(|w: &mut World| w.queues[0].stop = Stop::Hold, None)]
#[case::local_on_hold(|w: &mut World| w.local[0].stop = Stop::HoldAndDrain, None)]
#[case::inactive(|w: &mut World| w.queues[0] = w.queues[0].clone().inactive_for("FlavorNotFound", ""), None)]
#[case::for_others(|w: &mut World| w.local[0].namespace = "team-b".into(), None)]
#[case::nobodys(|w: &mut World| w.queues[0].namespaces = Namespaces::Nobody, None)]
#[case::a_selector_nobody_can_tell(|w: &mut World| w.queues[0].namespaces = Namespaces::Selected("team=x".into()), None)]
#[case::a_selector_it_passed_before(|w: &mut World| {
    w.queues[0].namespaces = Namespaces::Selected("team=x".into());
    w.local[0].admitted = 1;
}, Some("2 A100 are free in queue main"))]
#[case::borrowed(|w: &mut World| {
    w.queues = vec![
        cq("vision").within("all").quota_of("a100", 6).holds("a100", 6),
        cq("lender").within("all").quota_of("a100", 3),
    ];
    w.cohorts = vec![cohort("all")];
}, Some("3 A100 are free in queue main"))]
#[case::the_namespace_has_none_left(|w: &mut World| w.quotas = vec![QuotaRow {
    key: key("quota"), namespace: "team-a".into(), name: "gpus".into(), scope: "".into(),
    limits: vec![Limit::new("requests.nvidia.com/gpu".into(), Quantity::parse("7").unwrap(), Quantity::parse("8").unwrap())],
}], Some("1 A100 is free in queue main"))]
fn free_elsewhere_is_free_in_quota_and_on_nodes(
    #[case] change: fn(&mut World),
    #[case] elsewhere: Option<&str>,
) {
    let mut world = queued();
    // it stands in a queue of its own: what no queue of its namespace has is not for it
    world.job.queue = Some("t4s".into());
    world.job.labels = vec![("kueue.x-k8s.io/queue-name".into(), "t4s".into())];
    change(&mut world);
    let told = world.told(&on_t4(&["--bf16"]));
    let tail = elsewhere.map_or(String::new(), |words| format!("; {words}"));
    assert_eq!(told, [format!("{BF16}would fall back to {INSTEAD}{tail}")]);
}

#[test]
fn other_makers_gpus_are_no_place_for_it() {
    let mut world = world();
    world.nodes[1] = fixture::node("mi", Some("AMD_Instinct_MI300X_OAM"), &[("amd.com/gpu", 8)]);
    let told = world.told(&on_t4(&["--bf16"]));
    assert!(told.len() == 1 && !told[0].contains("free"), "{told:?}");
}

#[test]
fn a_job_without_gpus_is_told_nothing() {
    let mut world = world();
    world.job.devices = fixture::devices(&[]);
    assert_eq!(world.told(&on_t4(&["--bf16"])), Vec::<String>::new());
    // nor what a container without GPUs says
    let manifest = json!({"spec": {"template": {"spec": {"nodeSelector": {"pool": "t4"}, "containers": [
        {"name": "main", "args": ["train"], "resources": {"limits": {"nvidia.com/gpu": 1}}},
        {"name": "logger", "args": ["--bf16"]}]}}}});
    let mut other = self::world();
    other.runs = Some("t4-1");
    assert_eq!(other.told(&place::read(&manifest)), Vec::<String>::new());
}

#[test]
fn each_role_is_asked_about_its_own_nodes() {
    let role = |pool: &str, args: &[&str]| {
        let pod = manifest(args, json!({"nodeSelector": {"pool": pool}}));
        json!({"template": pod["spec"]["template"]})
    };
    let of = |first: Value, second: Value| {
        let specs = json!({"spec": {"pytorchReplicaSpecs": {"Master": first, "Worker": second}}});
        world().told(&place::read(&specs)).len()
    };
    assert_eq!(of(role("a100", &["--bf16"]), role("t4", &["--fp16"])), 0);
    assert_eq!(of(role("a100", &["--fp16"]), role("t4", &["--bf16"])), 1);
}

#[test]
fn from_a_job_its_gpu_opens_with_the_rule_and_its_source() {
    let (model, key) = world().model();
    let stage = Stage::new(model);
    let cx = stage.cx();
    let job = cx.model.jobs.get(key).unwrap();
    assert_eq!(place::open_job(job, &cx), Reply::Open(Target::GpusOf(key)));
    let mut pane = Gpus::of(key);
    let shot = stage.draw(&mut pane, 120, 40);
    assert!(shot.contains("reading what sft asks for"), "{shot}");
    let wants = pane.wants(&cx);
    let want = wants.iter().find_map(|want| match want {
        Want::Object(want) => Some(want.clone()),
        _ => None,
    });
    let want = want.unwrap();
    let object = Ok(manifest(
        &["--bf16"],
        json!({"nodeSelector": {"pool": "t4"}}),
    ));
    pane.receive(
        &Arrival::Object {
            want: &want,
            object: &object,
        },
        &cx,
    );
    assert!(
        !pane
            .wants(&cx)
            .iter()
            .any(|want| matches!(want, Want::Object(_)))
    );
    let shot = stage.draw(&mut pane, 120, 40);
    for words in [
        "Tesla T4",
        "sft will get t4 (by the nodes its selector and tolerations allow)",
        "bf16 (--bf16) has no tensor-core path",
        "rule flag: --bf16",
        "huggingface.co",
        "no BF16 on tensor cores of Turing: CSC 2024 slides",
    ] {
        assert!(shot.contains(words), "{words}: {shot}");
    }
    // a manifest that may not be read is said
    let mut pane = Gpus::of(key);
    let object = Err("403 Forbidden: may not get jobs".to_owned());
    pane.receive(
        &Arrival::Object {
            want: &want,
            object: &object,
        },
        &cx,
    );
    let shot = stage.draw(&mut pane, 120, 40);
    assert!(shot.contains("its manifest cannot be read: 403"), "{shot}");
}

#[test]
fn from_a_node_the_reference_opens_at_its_gpu() {
    let (model, _) = world().model();
    with_cx(&model, |cx| {
        let node = cx.model.nodes.rows().find(|n| &*n.name == "a100-1");
        assert_eq!(
            stock::open(node.into_iter(), cx),
            Reply::Open(Target::Gpus(vec!["a100-sxm-80".into()]))
        );
        let none = stock::open(std::iter::empty(), cx);
        assert!(matches!(none, Reply::Say(..)));
    });
}

#[test]
fn from_a_queue_or_a_cohort_the_gpus_of_all_its_flavors_open() {
    let mut world = queued();
    world.cohorts = vec![cohort("org"), cohort("lab").below("org")];
    world.queues = vec![
        cq("vision")
            .within("lab")
            .quota_of("a100", 8)
            .quota_of("t4", 2),
        cq("speech").within("org").quota_of("h200", 8),
        cq("cpu").quota_of("plain", 8),
    ];
    world.flavors.extend([
        flavor("h200", &[("nvidia.com/gpu.product", "NVIDIA-H200")]),
        flavor("plain", &[]),
    ]);
    world.local.push(local("cpus", "cpu"));
    let (model, _) = world.model();
    with_cx(&model, |cx| {
        let look = cx.model.kueue.look(cx.session.cluster);
        let tree = crate::model::kueue::tree::tree(
            &cx.model.kueue,
            &look.capacity,
            cx.session.cluster,
            None,
        );
        let opened = |name: &str| {
            let node = tree.iter().find(|node| &*node.name == name).unwrap();
            match place::open_queue(node, cx) {
                Reply::Open(Target::Gpus(mut ids)) => {
                    ids.sort();
                    ids.join(" ")
                }
                Reply::Say(_, words) => words,
                other => panic!("{name}: {other:?}"),
            }
        };
        assert_eq!(opened("vision"), "a100-sxm-80 t4");
        assert_eq!(opened("main"), "a100-sxm-80 t4");
        assert_eq!(opened("lab"), "a100-sxm-80 t4");
        assert_eq!(opened("org"), "a100-sxm-80 h200-sxm t4");
        assert_eq!(opened("cpu"), "no GPUs in the flavors of cpu: plain");
        assert_eq!(opened("cpus"), "no GPUs in the flavors of cpus: plain");
    });
}

#[test]
fn more_than_fit_side_by_side_are_a_list() {
    let ids = ["t4", "l4", "a100-sxm-80", "h100-sxm", "b200"].map(str::to_owned);
    let stage = Stage::new(Model::default());
    let mut pane = crate::panes::hardware::open(&ids);
    let shot = stage.draw(&mut *pane, 100, 20);
    assert!(shot.contains("Tesla T4") && shot.contains("1/5"), "{shot}");
    assert!(!shot.contains("H200"), "{shot}");
    assert_eq!(pane.act(Action::Down, &stage.cx()), Reply::Done);
}
