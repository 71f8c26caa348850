//! A namespace of a control plane, and the commands of the real binary in it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use jobdeck::cluster::http::{Ask, Http};
use serde_json::{Value, json};

use super::plane::Plane;
use crate::actions::commands::Shell;

/// How long a controller may take on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(100);

pub async fn create(http: &Http, path: &str, object: Value) -> Value {
    let ask = Ask::send(Method::POST, path, "application/json", &object);
    match http.json(&ask).await {
        Ok(created) => created,
        Err(failure) => panic!("{path}: {failure}"),
    }
}

pub struct Room {
    pub plane: Arc<Plane>,
    pub namespace: &'static str,
    pub http: Http,
    home: tempfile::TempDir,
}

/// How a command ended.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
    command: String,
}

impl Said {
    /// This exit code, and these words on either output.
    #[track_caller]
    pub fn is(&self, code: i32, words: &str) -> &Self {
        let Self {
            out, err, command, ..
        } = self;
        assert_eq!(self.code, code, "{command}:\n{out}{err}");
        let has = out.contains(words) || err.contains(words);
        assert!(has, "{command}: no {words:?} in\n{out}{err}");
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        self.is(0, "");
        serde_json::from_str(&self.out).expect("JSON")
    }
}

impl Room {
    pub async fn new(plane: &Arc<Plane>, namespace: &'static str) -> Self {
        let http = Http::new(plane.target("admin-token", namespace));
        let object = json!({"metadata": {"name": namespace}});
        create(&http, "/api/v1/namespaces", object).await;
        Self {
            plane: plane.clone(),
            namespace,
            http,
            home: tempfile::tempdir().unwrap(),
        }
    }

    /// `jobdeck ARGS` as the administrator.
    pub async fn run(&self, args: &[&str]) -> Said {
        let server = self.plane.url();
        self.run_as("admin-token", &server, args, "").await
    }

    pub async fn fed(&self, args: &[&str], input: &str) -> Said {
        let server = self.plane.url();
        self.run_as("admin-token", &server, args, input).await
    }

    pub async fn run_as(&self, token: &str, server: &str, args: &[&str], input: &str) -> Said {
        let kubeconfig = self.plane.kubeconfig(token, self.namespace, server);
        let home = self.home.path().to_owned();
        let all: Vec<String> = args.iter().map(|a| (*a).to_owned()).collect();
        let command = all.join(" ");
        let input = input.to_owned();
        let ended = tokio::task::spawn_blocking(move || {
            let shell = Shell {
                kubeconfig: &kubeconfig,
                home: &home,
            };
            let args: Vec<&str> = all.iter().map(String::as_str).collect();
            shell.fed(&args, &input)
        });
        let (code, out, err) = ended.await.expect("it ran");
        Said {
            code,
            out,
            err,
            command,
        }
    }

    pub fn home(&self) -> PathBuf {
        self.home.path().to_owned()
    }

    /// `/apis/batch/v1/namespaces/NS/jobs/NAME` of `jobs/NAME`.
    pub fn path(&self, short: &str) -> String {
        if short.starts_with('/') {
            return short.to_owned();
        }
        let group = match short.split(['/', '?']).next().unwrap_or_default() {
            "jobs" | "cronjobs" => "/apis/batch/v1",
            "poddisruptionbudgets" => "/apis/policy/v1",
            "workloads" | "localqueues" => "/apis/kueue.x-k8s.io/v1beta2",
            "pytorchjobs" => "/apis/kubeflow.org/v1",
            "roles" | "rolebindings" => "/apis/rbac.authorization.k8s.io/v1",
            _ => "/api/v1",
        };
        format!("{group}/namespaces/{}/{short}", self.namespace)
    }

    pub async fn make(&self, short: &str, object: Value) -> Value {
        create(&self.http, &self.path(short), object).await
    }

    /// The object now; none if there is none.
    pub async fn get(&self, short: &str) -> Option<Value> {
        let path = self.path(short);
        match self.http.json(&Ask::get(&path)).await {
            Ok(object) => Some(object),
            Err(failure) if failure.code() == Some(404) => None,
            Err(failure) => panic!("{path}: {failure}"),
        }
    }

    pub async fn patch(&self, short: &str, body: Value) -> Value {
        let path = self.path(short);
        let ask = Ask::send(Method::PATCH, &path, "application/merge-patch+json", &body);
        match self.http.json(&ask).await {
            Ok(object) => object,
            Err(failure) => panic!("{path}: {failure}"),
        }
    }

    pub async fn delete(&self, short: &str) {
        let options = json!({"propagationPolicy": "Background", "gracePeriodSeconds": 0});
        let path = self.path(short);
        let ask = Ask::send(Method::DELETE, &path, "application/json", &options);
        self.http.read(&ask).await.unwrap();
    }

    /// Asks until it is so.
    pub async fn until(
        &self,
        what: &str,
        short: &str,
        so: impl Fn(Option<&Value>) -> bool,
    ) -> Option<Value> {
        let mut ticks = tokio::time::interval(Duration::from_millis(150));
        let begun = tokio::time::Instant::now();
        loop {
            ticks.tick().await;
            let now = self.get(short).await;
            if so(now.as_ref()) {
                return now;
            }
            if begun.elapsed() > PATIENCE {
                let mut now = now.unwrap_or_default();
                now["metadata"]["managedFields"].take();
                panic!("never {what}: {short} is {now}");
            }
        }
    }

    /// Waits until a job has so many pods that are not ending, and names them.
    pub async fn pods(&self, job: &str, count: usize) -> Vec<Value> {
        let what = format!("{count} pods of {job}");
        let alive = |list: Option<&Value>| -> Vec<Value> {
            let items = list.and_then(|l| l["items"].as_array()).cloned();
            let mut items = items.unwrap_or_default();
            items.retain(|p| p["metadata"]["deletionTimestamp"].is_null());
            items
        };
        let path = format!("pods?labelSelector=batch.kubernetes.io/job-name={job}");
        let list = self.until(&what, &path, |l| alive(l).len() == count).await;
        alive(list.as_ref())
    }

    /// Plays the kubelet: the pods of a job end, in the phase that is said for each index.
    pub async fn end_pods(&self, job: &str, count: usize, phase: impl Fn(usize) -> &'static str) {
        for (nth, pod) in self.pods(job, count).await.iter().enumerate() {
            let index = pod["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"]
                .as_str()
                .and_then(|n| n.parse().ok());
            let name = pod["metadata"]["name"].as_str().unwrap();
            let status = json!({"status": {"phase": phase(index.unwrap_or(nth))}});
            self.patch(&format!("pods/{name}/status"), status).await;
        }
    }
}

pub fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap()
}

pub fn uid(object: &Value) -> &str {
    object["metadata"]["uid"].as_str().unwrap()
}

/// A Job whose pods are never scheduled.
pub fn job(name: &str) -> Value {
    let pod = json!({"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox",
        "resources": {"limits": {"nvidia.com/gpu": 2}}}]});
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name},
        "spec": {"completions": 10, "parallelism": 3, "completionMode": "Indexed", "template": {"spec": pod}}})
}

/// A pod that a node is said to run.
pub fn pod(name: &str, labels: Value) -> Value {
    json!({"metadata": {"name": name, "labels": labels}, "spec": {"nodeName": "n1",
        "containers": [{"name": "main", "image": "busybox"}]}})
}
