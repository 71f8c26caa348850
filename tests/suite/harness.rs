//! A client of the cluster layer as the app is one: takes reports into a model and waits until it is as expected.

use std::collections::BTreeMap;
use std::time::Duration;

use jobdeck::cluster::report::{LogBatch, Notice, Report, SourceHealth};
use jobdeck::cluster::source::Tuning;
use jobdeck::cluster::target::Target;
use jobdeck::cluster::{CHANNEL, Cluster, Options};
use jobdeck::model::Model;
use jobdeck::model::fields::Checked;
use jobdeck::model::health::Health;
use jobdeck::model::want::{Kind, Selector, Want};
use tokio::sync::mpsc;

use crate::scripted::Server;

/// A cluster, its model, and all it said.
pub struct Client {
    pub cluster: Cluster,
    pub reports: mpsc::Receiver<Report>,
    pub model: Model,
    pub health: Vec<SourceHealth>,
    pub notices: Vec<Notice>,
    pub logs: Vec<LogBatch>,
    pub objects: Vec<Result<serde_json::Value, String>>,
    pub fields: Vec<Result<Checked, String>>,
    /// Workload kinds that are served, as told so far.
    pub workloads: Vec<Vec<&'static str>>,
}

/// Everything that waits, waits little.
pub fn quick() -> Tuning {
    Tuning {
        page: 3,
        stream_silence: Duration::from_millis(1500),
        watch_silence: Duration::from_millis(1500),
        log_silence: Duration::from_secs(20),
        discovery: Duration::from_secs(5),
        patience: 0.02,
        ..Tuning::default()
    }
}

impl Client {
    pub async fn open(server: &Server) -> Self {
        Self::open_with(server, quick()).await
    }

    pub async fn open_with(server: &Server, tuning: Tuning) -> Self {
        let (out, reports) = mpsc::channel(CHANNEL);
        let options = Options {
            tuning,
            namespaces: vec!["ml".into()],
            ..Options::default()
        };
        let target = Target::plain(server.url(), "test");
        let cluster = Cluster::open(target, options, out).await.unwrap();
        Self::over(cluster, reports)
    }

    pub fn over(cluster: Cluster, reports: mpsc::Receiver<Report>) -> Self {
        Self {
            cluster,
            reports,
            model: Model::default(),
            health: Vec::new(),
            notices: Vec::new(),
            logs: Vec::new(),
            objects: Vec::new(),
            fields: Vec::new(),
            workloads: Vec::new(),
        }
    }

    pub async fn pods(server: &Server) -> Self {
        let mut client = Self::open(server).await;
        client.want_pods();
        client
    }

    pub fn want_pods(&mut self) {
        self.cluster
            .want(None, &[Want::Watch(Kind::Pod, Selector::All)]);
    }

    pub fn take(&mut self, report: Report) {
        match report {
            Report::Delta(delta) => self.model.apply(delta),
            Report::Health(health) => self.health.push(health),
            Report::Notice(notice) => self.notices.push(notice),
            Report::Log(batch) => self.logs.push(batch),
            Report::Object { object, .. } => self.objects.push(object),
            Report::Fields { fields, .. } => self.fields.push(fields),
            Report::Workloads { kinds, .. } => {
                let kinds = kinds.into_iter().map(Kind::plural);
                self.workloads.push(kinds.collect());
            }
            Report::Ended { .. } | Report::May { .. } | Report::Raw { .. } => {}
        }
    }

    /// Takes reports until it is so.
    pub async fn until(&mut self, what: &str, mut so: impl FnMut(&Self) -> bool) {
        let all = async {
            while !so(self) {
                let report = self.reports.recv().await.expect("the cluster is open");
                self.take(report);
            }
        };
        let done = tokio::time::timeout(Duration::from_secs(120), all).await;
        if done.is_err() {
            panic!(
                "never {what}: rows {:?}, health {:?}",
                self.rows(),
                self.health.last()
            );
        }
    }

    pub async fn until_same(&mut self, server: &Server) {
        self.until("the same as the server", |c| {
            c.rows() == server.truth() && c.last() == Some(&Health::Live)
        })
        .await;
    }

    pub fn rows(&self) -> BTreeMap<String, String> {
        let row = |p: &jobdeck::model::pod::PodRow| {
            (format!("{}/{}", p.namespace, p.name), p.status.to_string())
        };
        self.model.pods.rows().map(row).collect()
    }

    pub fn last(&self) -> Option<&Health> {
        self.health.last().map(|h| &h.health)
    }

    pub fn log(&self) -> Vec<String> {
        let mut all = Vec::new();
        for batch in &self.logs {
            for line in &batch.lines {
                all.push(String::from_utf8_lossy(&line.bytes).into_owned());
            }
            all.extend(batch.notes.iter().map(|note| format!("# {}", note.text)));
        }
        all
    }

    pub async fn until_log(&mut self, last: &str) -> Vec<String> {
        self.until(last, |c| {
            c.log().last().is_some_and(|l| l.starts_with(last))
        })
        .await;
        self.log()
    }
}

pub fn ten() -> Server {
    let server = Server::start();
    for n in 0..10 {
        server.put(&format!("p{n}"), "Running");
    }
    server
}
