//! Against a real etcd and kube-apiserver from the folder `$KUBEBUILDER_ASSETS` names (the envtest convention).
//! Skipped, and saying so, where that is not set.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use http::Method;
use jobdeck::actions::{Intent, Propagation, Step};
use jobdeck::cluster::connect::resolve;
use jobdeck::cluster::doctor::{self, Diagnosis, Mark};
use jobdeck::cluster::http::{Ask, Http};
use jobdeck::cluster::kubeconfig::Surroundings;
use jobdeck::cluster::schema::Schemas;
use jobdeck::cluster::target::Target;
use jobdeck::cluster::wire::{self, Event};
use jobdeck::cluster::writes::{Gate, Rules};
use jobdeck::cluster::{CHANNEL, Cluster, Options};
use jobdeck::model::health::Health;
use jobdeck::model::ids::Uid;
use jobdeck::model::want::{Kind, LogWant, Selector, Want};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::actions::{keep, object};
use crate::harness::{Client, quick};

/// A control plane of two processes; they end with it.
struct Plane {
    assets: PathBuf,
    folder: tempfile::TempDir,
    etcd: u16,
    api: u16,
    children: Vec<Child>,
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

impl Plane {
    fn start(assets: PathBuf) -> Self {
        let mut plane = Self {
            assets,
            folder: tempfile::tempdir().unwrap(),
            etcd: free_port(),
            api: free_port(),
            children: Vec::new(),
        };
        let key = Command::new("openssl")
            .args(["genrsa", "-out"])
            .arg(plane.path("sa.key"))
            .arg("2048")
            .stderr(Stdio::null())
            .status();
        assert!(
            key.is_ok_and(|s| s.success()),
            "openssl is needed for the service account key"
        );
        let tokens = "admin-token,admin,admin,system:masters\ndev-token,dev,dev,developers\n";
        std::fs::write(plane.path("tokens.csv"), tokens).unwrap();
        let (client, peer) = (plane.etcd, free_port());
        plane.run(
            "etcd",
            &[
                format!("--data-dir={}", plane.path("etcd").display()),
                format!("--listen-client-urls=http://127.0.0.1:{client}"),
                format!("--advertise-client-urls=http://127.0.0.1:{client}"),
                format!("--listen-peer-urls=http://127.0.0.1:{peer}"),
                format!("--initial-advertise-peer-urls=http://127.0.0.1:{peer}"),
                format!("--initial-cluster=default=http://127.0.0.1:{peer}"),
                "--unsafe-no-fsync".into(),
            ],
        );
        plane.start_api();
        plane
    }

    fn start_api(&mut self) {
        let key = self.path("sa.key").display().to_string();
        self.run(
            "kube-apiserver",
            &[
                format!("--etcd-servers=http://127.0.0.1:{}", self.etcd),
                format!("--secure-port={}", self.api),
                "--bind-address=127.0.0.1".into(),
                format!("--cert-dir={}", self.path("certs").display()),
                format!("--token-auth-file={}", self.path("tokens.csv").display()),
                "--authorization-mode=RBAC".into(),
                "--service-cluster-ip-range=10.0.0.0/24".into(),
                "--service-account-issuer=https://127.0.0.1".into(),
                format!("--service-account-key-file={key}"),
                format!("--service-account-signing-key-file={key}"),
                "--disable-admission-plugins=ServiceAccount".into(),
                "--endpoint-reconciler-type=none".into(),
            ],
        );
    }

    fn run(&mut self, program: &str, args: &[String]) {
        let log = std::fs::File::create(self.path(&format!("{program}.log"))).unwrap();
        let child = Command::new(self.assets.join(program))
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.children
            .push(child.unwrap_or_else(|e| panic!("{program}: {e}")));
    }

    /// Stops the API server, etcd goes on.
    fn stop_api(&mut self) {
        let mut api = self.children.pop().expect("an API server");
        api.kill().unwrap();
        api.wait().unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn target(&self, token: &str, namespace: &str) -> Target {
        let config = json!({
            "current-context": "envtest",
            "contexts": [{"name": "envtest", "context": {"cluster": "c", "user": "u", "namespace": namespace}}],
            "clusters": [{"name": "c", "cluster": {
                "server": format!("https://127.0.0.1:{}", self.api),
                "certificate-authority": self.path("certs/apiserver.crt"),
            }}],
            "users": [{"name": "u", "user": {"token": token}}],
        });
        let file = self.path(&format!("{token}.kubeconfig"));
        std::fs::write(&file, config.to_string()).unwrap();
        let around = Surroundings {
            file: Some(file),
            ..Surroundings::default()
        };
        resolve(&around, None).unwrap()
    }

    /// Asks until the server is ready, on a schedule of its own: there is nothing to be told by.
    async fn ready(&self) {
        let ready = async {
            let mut ticks = tokio::time::interval(Duration::from_millis(200));
            loop {
                ticks.tick().await;
                if Path::new(&self.path("certs/apiserver.crt")).exists() {
                    let http = Http::new(self.target("admin-token", "default"));
                    if http.read(&Ask::get("/readyz")).await.is_ok() {
                        return;
                    }
                }
            }
        };
        if tokio::time::timeout(Duration::from_secs(120), ready)
            .await
            .is_err()
        {
            let log = std::fs::read_to_string(self.path("kube-apiserver.log")).unwrap_or_default();
            panic!("the API server is never ready:\n{log}");
        }
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

async fn create(http: &Http, path: &str, object: Value) -> Value {
    let ask = Ask::send(Method::POST, path, "application/json", &object);
    match http.json(&ask).await {
        Ok(created) => created,
        Err(failure) => panic!("{path}: {failure}"),
    }
}

fn job(name: &str) -> Value {
    let pod = json!({"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox",
        "resources": {"limits": {"nvidia.com/gpu": 2}}}]});
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name},
        "spec": {"completions": 10, "parallelism": 3, "completionMode": "Indexed", "template": {"spec": pod}}})
}

async fn open(target: Target) -> Client {
    let (out, reports) = mpsc::channel(CHANNEL);
    let options = Options {
        tuning: quick(),
        ..Options::default()
    };
    Client::over(Cluster::open(target, options, out).await.unwrap(), reports)
}

fn jobs(client: &Client) -> Vec<String> {
    let name = |j: &jobdeck::model::job::JobRow| {
        let suspended = if j.suspend { " suspended" } else { "" };
        format!(
            "{}/{} gpu{}{suspended}",
            j.namespace,
            j.name,
            j.devices.total()
        )
    };
    let mut all: Vec<String> = client.model.jobs.rows().map(name).collect();
    all.sort();
    all
}

/// A definition with one field, and an embedded pod template beside.
fn definition() -> Value {
    let schema = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
        "size": {"x-kubernetes-int-or-string": true},
        "template": {"type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true}}}}});
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "things.example.org"},
        "spec": {"group": "example.org", "scope": "Namespaced",
            "names": {"kind": "Thing", "listKind": "ThingList", "plural": "things", "singular": "thing"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}]}})
}

/// Schemas as a real server publishes them: what it has made itself is known, what it dropped is told.
async fn fields(http: &Http) {
    let schemas = Schemas::default();
    for path in [
        "/apis/batch/v1/namespaces/ml/jobs/first",
        "/api/v1/namespaces/ml/pods/lonely",
        "/api/v1/namespaces/ml",
        "/apis/rbac.authorization.k8s.io/v1/clusterroles/admin",
        "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas/exempt",
    ] {
        let object: Value = http.json(&Ask::get(path)).await.unwrap();
        let checked = schemas.check(http, &object).await.unwrap();
        assert!(!checked.anything, "{path}");
        assert_eq!(checked.here.fields, [], "{path}");
    }
    create(
        http,
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
        definition(),
    )
    .await;
    let mut thing = json!({"apiVersion": "example.org/v1", "kind": "Thing", "metadata": {"name": "a"},
        "spec": {"size": "8", "sise": 9, "template": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"x": 1}}}});
    thing["metadata"]["annotations"] =
        json!({"kubectl.kubernetes.io/last-applied-configuration": thing.to_string()});
    // the new kind is served, and its schema published, some time after
    let soon = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(200));
        loop {
            ticks.tick().await;
            let path = "/apis/example.org/v1/namespaces/ml/things?fieldValidation=Ignore";
            let ask = Ask::send(Method::POST, path, "application/json", &thing);
            let Ok(made) = http.json::<Value>(&ask).await else {
                continue;
            };
            loop {
                match schemas.check(http, &made).await {
                    Ok(checked) => return checked,
                    Err(_) => ticks.tick().await,
                };
            }
        }
    };
    let checked = tokio::time::timeout(Duration::from_secs(60), soon)
        .await
        .unwrap();
    let dropped: Vec<String> = checked
        .dropped
        .fields
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        (dropped, checked.here.fields),
        (vec!["spec.sise".to_owned()], vec![])
    );
}

/// There are no controllers here, so nothing collects pods; what a collector would find is what counts: a pod keeps
/// its owner's reference unless the object was orphaned, and only then would it stay.
async fn deleting_leaves_no_orphan(http: &Http, gate: &Gate) {
    let jobs = "/apis/batch/v1/namespaces/ml/jobs";
    for (name, propagation, waits) in [
        ("gone-background", Propagation::Background, None),
        (
            "gone-foreground",
            Propagation::Foreground,
            Some("foregroundDeletion"),
        ),
        ("gone-orphan", Propagation::Orphan, Some("orphan")),
    ] {
        let made = create(http, jobs, job(name)).await;
        let uid = Uid::parse(made["metadata"]["uid"].as_str().unwrap());
        let intent = Intent::Delete {
            propagation,
            force: false,
        };
        let outcome = gate
            .step(Step::new(intent, object(Kind::Job, "ml", name, Some(uid))))
            .await;
        assert_eq!(outcome.result(), "done", "{}", outcome.sentence());
        let left = http
            .json::<Value>(&Ask::get(format!("{jobs}/{name}")))
            .await;
        match waits {
            // its pods' owner is gone: the collector takes them
            None => assert_eq!(left.unwrap_err().code(), Some(404)),
            Some(finalizer) => {
                let left = left.unwrap();
                assert!(left["metadata"]["deletionTimestamp"].is_string());
                let finalizers = left["metadata"]["finalizers"].to_string();
                assert!(finalizers.contains(finalizer), "{finalizers}");
                let patch = json!({"metadata": {"finalizers": null}});
                let ask = Ask::send(
                    Method::PATCH,
                    format!("{jobs}/{name}"),
                    "application/merge-patch+json",
                    &patch,
                );
                http.read(&ask).await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn a_real_api_server() {
    let assets = std::env::var_os("KUBEBUILDER_ASSETS").filter(|folder| !folder.is_empty());
    let Some(assets) = assets else {
        eprintln!("SKIPPED: set KUBEBUILDER_ASSETS to a folder with etcd and kube-apiserver");
        return;
    };
    let mut plane = Plane::start(assets.into());
    plane.ready().await;
    let admin = plane.target("admin-token", "ml");
    let http = Http::new(admin.clone());
    for name in ["ml", "other"] {
        create(
            &http,
            "/api/v1/namespaces",
            json!({"metadata": {"name": name}}),
        )
        .await;
        let path = format!("/apis/batch/v1/namespaces/{name}/jobs");
        create(&http, &path, job("first")).await;
    }

    // list and watch
    let mut client = open(admin.clone()).await;
    client.cluster.want(
        None,
        &[
            Want::Watch(Kind::Job, Selector::All),
            Want::Watch(Kind::Namespace, Selector::All),
        ],
    );
    client
        .until("listed", |c| {
            jobs(c) == ["ml/first gpu2", "other/first gpu2"]
        })
        .await;
    assert!(
        client
            .cluster
            .version()
            .is_some_and(|v| v.git_version.starts_with("v1."))
    );
    let ml = "/apis/batch/v1/namespaces/ml/jobs";
    let second = create(&http, ml, job("second")).await;
    client.until("added", |c| jobs(c).len() == 3).await;

    // guarded writes: a wrong uid changes nothing
    let uid = Uid::parse(second["metadata"]["uid"].as_str().unwrap());
    let kept = tempfile::tempdir().unwrap();
    let gate = client.cluster.gate(Rules::default(), keep(kept.path()));
    let step =
        |intent: Intent, uid: Uid| Step::new(intent, object(Kind::Job, "ml", "second", Some(uid)));
    for intent in [Intent::Hold, Intent::DELETE] {
        let wrong = gate.step(step(intent, Uid::parse("nobody"))).await;
        assert_eq!(wrong.result(), "conflict", "{}", wrong.sentence());
    }
    let held = gate.step(step(Intent::Hold, uid)).await;
    assert_eq!(held.result(), "done", "{}", held.sentence());
    deleting_leaves_no_orphan(&http, &gate).await;
    client
        .until("suspended", |c| {
            jobs(c).contains(&"ml/second gpu2 suspended".to_owned())
        })
        .await;

    // the server goes away and comes back; what changed meanwhile arrives
    plane.stop_api();
    client
        .until("stale", |c| matches!(c.last(), Some(Health::Stale { .. })))
        .await;
    assert_eq!(jobs(&client).len(), 3);
    plane.start_api();
    plane.ready().await;
    let gone = gate.step(step(Intent::DELETE, uid)).await;
    assert_eq!(gone.result(), "done", "{}", gone.sentence());
    client.until("gone", |c| jobs(c).len() == 2).await;

    // a version from before anything is remembered
    let old = http
        .read(&Ask::get(format!(
            "{ml}?watch=1&resourceVersion=1&timeoutSeconds=5"
        )))
        .await;
    let old = old.unwrap();
    let line = old.split(|b| *b == b'\n').next().unwrap();
    assert!(matches!(wire::event::<wire::job::Job>(line), Ok(Event::Error(s)) if s.code == 410));

    // a pod no scheduler has seen has no log yet
    let pod = json!({"metadata": {"name": "lonely"}, "spec": {"containers": [{"name": "main", "image": "busybox"}]}});
    let pod = create(&http, "/api/v1/namespaces/ml/pods", pod).await;
    let want = LogWant {
        namespace: "ml".into(),
        pod: "lonely".into(),
        uid: Uid::parse(pod["metadata"]["uid"].as_str().unwrap()),
        container: None,
        previous: false,
        tail: Some(10),
        since_seconds: None,
        follow: true,
    };
    client.cluster.want(None, &[Want::Log(want)]);
    client
        .until_log("# waiting: the pod is not scheduled yet")
        .await;

    fields(&http).await;

    // somebody who may see one namespace only
    let rules =
        json!([{"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["list", "watch"]}]);
    let rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/ml";
    create(
        &http,
        &format!("{rbac}/roles"),
        json!({"metadata": {"name": "dev"}, "rules": rules}),
    )
    .await;
    let binding = json!({"metadata": {"name": "dev"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "dev"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "dev"}]});
    create(&http, &format!("{rbac}/rolebindings"), binding).await;
    let mut dev = open(plane.target("dev-token", "ml")).await;
    dev.cluster
        .want(None, &[Want::Watch(Kind::Job, Selector::All)]);
    dev.until("its namespace", |c| jobs(c) == ["ml/first gpu2"])
        .await;
    assert!(
        dev.notices[0].text.ends_with("showing ml only"),
        "{:?}",
        dev.notices
    );

    let found =
        doctor::examine_target(plane.target("dev-token", "ml"), None, Diagnosis::default()).await;
    let line = |topic: &str| found.lines.iter().find(|l| l.topic == topic).expect(topic);
    assert!(
        line("you are").text.starts_with("dev, of developers"),
        "{found}"
    );
    assert_eq!(
        (line("jobs").mark, line("pods").mark),
        (Mark::Note, Mark::No),
        "{found}"
    );
    assert!(line("tls").text.starts_with("verified"), "{found}");
    let found = doctor::examine_target(admin, None, Diagnosis::default()).await;
    let bad: Vec<_> = found.lines.iter().filter(|l| l.mark == Mark::No).collect();
    assert!(
        bad.is_empty() && found.to_string().contains("streamed lists"),
        "{found}"
    );
}
