//! Every action against the demo cluster: its controllers do what a real cluster's would, and what the watches show
//! of it is what counts.

use std::path::Path;

use jobdeck::actions::outcome::Outcome;
use jobdeck::actions::pending::is_seen;
use jobdeck::actions::plan::plan;
use jobdeck::actions::undo::{Naming, again};
use jobdeck::actions::{Intent, Propagation, Step};
use jobdeck::cluster::connect::resolve;
use jobdeck::cluster::kubeconfig::Surroundings;
use jobdeck::cluster::writes::Rules;
use jobdeck::cluster::{CHANNEL, Cluster, Options};
use jobdeck::model::ids::Key;
use jobdeck::model::job::Phase;
use jobdeck::model::kueue::queue::Stop;
use jobdeck::model::kueue::workload::State;
use jobdeck::model::want::{Kind, Selector, Want};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::keep;
use crate::harness::{Client, quick};
use crate::served::Served;

/// A client that does things.
pub struct Hands {
    pub client: Client,
    folder: tempfile::TempDir,
}

impl Hands {
    pub async fn open(served: &Served) -> Self {
        Self::at(&served.kubeconfig).await
    }

    pub async fn at(kubeconfig: &Path) -> Self {
        let around = Surroundings {
            file: Some(kubeconfig.to_owned()),
            ..Surroundings::default()
        };
        let (out, reports) = mpsc::channel(CHANNEL);
        let options = Options {
            tuning: quick(),
            ..Options::default()
        };
        let target = resolve(&around, None).unwrap();
        let cluster = Cluster::open(target, options, out).await.unwrap();
        let mut client = Client::over(cluster, reports);
        let kinds = [Kind::Job, Kind::CronJob, Kind::Pod, Kind::Node];
        let mut wants: Vec<Want> = kinds.map(|k| Want::Watch(k, Selector::All)).into();
        wants.push(Want::Workloads);
        client.cluster.want(None, &wants);
        Self {
            client,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub async fn until(&mut self, what: &str, so: impl FnMut(&Client) -> bool) {
        self.client.until(what, so).await;
    }

    pub fn job(&self, name: &str) -> Key {
        let mut jobs = self.client.model.jobs.rows();
        let job = jobs.find(|job| &*job.name == name && !model_part(&self.client, job.key));
        job.unwrap_or_else(|| panic!("no {name}")).key
    }

    /// Plans it and sends it; all of it must be taken.
    pub async fn does(&mut self, key: Key, intent: Intent) -> Vec<Outcome> {
        let steps = plan(&self.client.model, key, &intent);
        let steps = steps.unwrap_or_else(|refusal| panic!("{intent:?}: {refusal}"));
        let mut outcomes = Vec::new();
        for step in steps {
            let outcome = self.step(step).await;
            assert_eq!(outcome.result(), "done", "{}", outcome.sentence());
            outcomes.push(outcome);
        }
        outcomes
    }

    pub async fn step(&self, step: Step) -> Outcome {
        let keep = keep(self.folder.path());
        let gate = self.client.cluster.gate(Rules::default(), keep);
        gate.step(step).await
    }

    /// It does it, and waits until the watches show it.
    pub async fn sees(&mut self, key: Key, intent: Intent) {
        self.does(key, intent.clone()).await;
        let what = format!("{intent:?} seen");
        self.until(&what, |c| is_seen(&c.model, key, &intent)).await;
    }

    pub fn refuses(&self, key: Key, intent: Intent) -> String {
        let refusal = plan(&self.client.model, key, &intent);
        refusal.expect_err("a refusal").to_string()
    }
}

fn model_part(client: &Client, key: Key) -> bool {
    let job = client.model.jobs.get(key);
    job.is_some_and(|job| client.model.is_part(job))
}

fn phase(client: &Client, key: Key) -> Option<Phase> {
    let job = client.model.jobs.get(key)?;
    Some(client.model.status(job).phase)
}

fn live(client: &Client, key: Key) -> usize {
    client.model.pods_of(key).count()
}

fn plain(name: &str) -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": "mine"}},
        "spec": {"parallelism": 2, "completions": 2, "template": {
            "metadata": {"labels": {"app": "mine"}},
            "spec": {"restartPolicy": "Never", "containers": [{
                "name": "main", "image": "busybox", "command": ["sleep", "100000"],
                "env": [{"name": "API_TOKEN", "value": "s3cret"}],
            }]},
        }},
    })
}

fn submit(served: &Served, path: &str, object: &Value) {
    let answer = served.request("POST", path, &object.to_string());
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_happens() {
    let served = Served::start(&["--speed", "10"]);
    let jobs = "/apis/batch/v1/namespaces/default/jobs";
    submit(&served, jobs, &plain("mine"));
    submit(&served, jobs, &plain("left"));
    let mut hands = Hands::open(&served).await;
    let named = |c: &Client, name: &str| {
        let mut all = c.model.jobs.rows();
        all.find(|job| &*job.name == name).map(|job| job.key)
    };
    hands
        .until("two jobs run", |c| {
            ["mine", "left", "serve-canary", "mixtral-8x7b-dpo"]
                .iter()
                .all(|n| named(c, n).is_some())
                && named(c, "mine").is_some_and(|k| phase(c, k) == Some(Phase::Running))
                && named(c, "left").is_some_and(|k| phase(c, k) == Some(Phase::Running))
                && named(c, "mixtral-8x7b-dpo")
                    .is_some_and(|k| c.model.kueue.workload_of(k).is_some())
                && c.model.cronjobs.rows().count() >= 5
                && c.model.nodes.rows().count() > 3
                && c.model.kueue.local_queues.rows().count() > 3
                && c.model.kueue.cluster_queues.rows().count() > 3
        })
        .await;

    // a plain job: by its own field
    let mine = hands.job("mine");
    hands.sees(mine, Intent::Scale(1)).await;
    hands.until("one pod less", |c| live(c, mine) == 1).await;
    hands.sees(mine, Intent::Hold).await;
    hands.until("no pods", |c| live(c, mine) == 0).await;
    assert!(hands.refuses(mine, Intent::Hold).contains("held already"));
    hands.sees(mine, Intent::Resume).await;
    hands.until("a pod again", |c| live(c, mine) == 1).await;

    // a pod of it: evicted, and made again
    let pod = hands.client.model.pods_of(mine).next().unwrap().key;
    hands.sees(pod, Intent::Evict).await;
    hands
        .until("another pod", |c| {
            let mut pods = c.model.pods_of(mine);
            pods.any(|p| p.key != pod && !p.deleting)
        })
        .await;

    // deleted: its pods go, and it comes back as another
    let outcome = hands.does(mine, Intent::DELETE).await.remove(0);
    hands
        .until("no job and no pods", |c| {
            c.model.jobs.get(mine).is_none() && live(c, mine) == 0
        })
        .await;
    let kept = keep(hands.folder.path());
    let entry = kept.entries().remove(0);
    assert_eq!(Some(&entry.id), outcome.kept.as_ref());
    assert!(!entry.manifest.to_string().contains("s3cret"));
    let make = |given: &[(String, String)]| {
        again(
            Kind::Job,
            &entry.manifest,
            &entry.masked,
            given,
            &Naming::Safe,
            |name| name == "mine-r2",
        )
    };
    assert!(make(&[]).unwrap_err().to_string().contains("API_TOKEN"));
    let step = make(&[("API_TOKEN".into(), "s3cret".into())]).unwrap();
    assert_eq!(&*step.object.name, "mine-r3");
    let made = hands.step(step).await;
    assert_eq!(made.result(), "done", "{}", made.sentence());
    hands
        .until("it runs again", |c| {
            named(c, "mine-r3").is_some_and(|k| phase(c, k) == Some(Phase::Running))
        })
        .await;

    // orphaned: its pods stay
    let left = hands.job("left");
    let pods: Vec<Key> = hands.client.model.pods_of(left).map(|p| p.key).collect();
    let orphan = Intent::Delete {
        propagation: Propagation::Orphan,
        force: false,
    };
    hands.does(left, orphan).await;
    hands
        .until("the job is gone", |c| c.model.jobs.get(left).is_none())
        .await;
    hands
        .until("its pods belong to nobody", |c| {
            pods.iter()
                .all(|p| c.model.pods.get(*p).is_some_and(|p| p.owner.is_none()))
        })
        .await;
    for pod in pods {
        let force = Intent::Delete {
            propagation: Propagation::Background,
            force: true,
        };
        hands.does(pod, force).await;
        hands
            .until("the pod is gone", |c| c.model.pods.get(pod).is_none())
            .await;
    }

    // Kueue's: by its Workload, and the quota comes back
    let mixtral = hands.job("mixtral-8x7b-dpo");
    let quota = |c: &Client| {
        let workload = c.model.kueue.workload_of(mixtral);
        workload.is_some_and(|w| w.state() >= State::Reserved)
    };
    assert!(quota(&hands.client));
    let steps = plan(&hands.client.model, mixtral, &Intent::Hold).unwrap();
    assert_eq!(steps[0].target().kind, jobdeck::actions::WORKLOAD);
    hands.sees(mixtral, Intent::Hold).await;
    hands
        .until("its quota is free and its pods are gone", |c| {
            !quota(c) && live(c, mixtral) == 0
        })
        .await;
    hands.sees(mixtral, Intent::Resume).await;

    // what waits may go to another queue of its namespace
    let waits = {
        let model = &hands.client.model;
        let mut jobs = model.jobs.rows();
        let job = jobs.find(|job| {
            job.suspend
                && model.status(job).phase == Phase::Queued
                && !model.is_part(job)
                && job.kind.is_job()
                && model
                    .kueue
                    .local_queues
                    .rows()
                    .any(|q| q.namespace == job.namespace && Some(&q.name) != model.queue(job))
        });
        let job = job.expect("a job that waits");
        let mut queues = model.kueue.local_queues.rows();
        let other =
            queues.find(|q| q.namespace == job.namespace && Some(&q.name) != model.queue(job));
        (job.key, other.unwrap().name.clone())
    };
    hands.sees(waits.0, Intent::Move(waits.1)).await;

    // each kind by its own field
    for name in ["dlrm-wide-deep"] {
        let key = hands.job(name);
        hands.sees(key, Intent::Hold).await;
        hands.until(name, |c| live(c, key) == 0).await;
        hands.sees(key, Intent::Resume).await;
        assert!(hands.refuses(key, Intent::Scale(3)).contains("fixed"));
    }
    for name in ["agent-gym", "serve-canary"] {
        let key = hands.job(name);
        let suspended = hands.client.model.jobs.get(key).unwrap().suspend;
        let queued = hands.client.model.kueue.workload_of(key).is_some();
        if suspended && !queued {
            hands.sees(key, Intent::Resume).await;
            hands.sees(key, Intent::Hold).await;
        }
    }
    let lws = hands.job("vllm-qwen3");
    assert!(hands.refuses(lws, Intent::Hold).contains("scale it to 0"));

    // CronJobs
    let cron = {
        let mut all = hands.client.model.cronjobs.rows();
        all.find(|c| &*c.name == "heartbeat").unwrap().key
    };
    hands.sees(cron, Intent::Hold).await;
    let made = hands.does(cron, Intent::Trigger).await.remove(0).made;
    let made = made.unwrap();
    hands
        .until("the job it made", |c| {
            named(c, &made.name).is_some_and(|k| {
                let job = c.model.jobs.get(k).unwrap();
                c.model.parent(job) == Some(cron)
            })
        })
        .await;
    hands.sees(cron, Intent::Resume).await;

    // queues and nodes
    let lq = hands
        .client
        .model
        .kueue
        .local_queues
        .rows()
        .next()
        .unwrap()
        .key;
    let cq = (hands.client.model.kueue.cluster_queues.rows())
        .find(|q| q.stop == Stop::None)
        .unwrap()
        .key;
    for stop in [Stop::Hold, Stop::HoldAndDrain, Stop::None] {
        hands.sees(cq, Intent::Stop(stop)).await;
    }
    let now = hands.client.model.kueue.local_queues.get(lq).unwrap().stop;
    if now == Stop::None {
        hands.sees(lq, Intent::Stop(Stop::Hold)).await;
    }
    let node = {
        let mut nodes = hands.client.model.nodes.rows();
        nodes.find(|n| !n.cordoned && n.ready).unwrap().key
    };
    hands.sees(node, Intent::Cordon(true)).await;
    hands.sees(node, Intent::Cordon(false)).await;
    assert!(
        hands
            .refuses(node, Intent::DELETE)
            .contains("cannot be deleted")
    );
    let audit = std::fs::read_to_string(hands.folder.path().join("audit.jsonl")).unwrap();
    assert!(audit.lines().count() > 20 && !audit.contains("s3cret"));
}
