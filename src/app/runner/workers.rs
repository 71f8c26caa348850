//! Connections to MultiKueue's worker clusters: opened when a screen first wants something there, tried again until it
//! answers, and never waited for by anything else.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::super::message::{Connection, Message};
use super::super::readers::forward;
use crate::cluster::connect::resolve;
use crate::cluster::kubeconfig::Surroundings;
use crate::cluster::target::Target;
use crate::cluster::{CHANNEL, Cluster, Options};
use crate::logs::metrics::Pattern;
use crate::model::ids::{ClusterId, Name};
use crate::model::vitals::Link;
use crate::model::want::Want;

/// First and longest pause between tries.
const PAUSE: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));

/// How to get to a worker cluster.
#[derive(Clone)]
pub enum Way {
    /// A context of the kubeconfig.
    Context(String),
    /// Known already.
    Target(Box<Target>),
}

/// One worker cluster.
struct Worker {
    id: ClusterId,
    way: Way,
    /// None until it answers.
    cluster: Option<Cluster>,
    /// A task tries to reach it.
    trying: bool,
    wants: Vec<Want>,
    namespace: Option<String>,
}

/// All of a connection.
pub struct Workers {
    all: HashMap<Name, Worker>,
    connection: Connection,
    around: Surroundings,
    options: Options,
    messages: mpsc::Sender<Message>,
    patterns: Arc<[Pattern]>,
    /// Ends the tries.
    stop: CancellationToken,
}

/// Their numbers: after the cluster itself, by name.
pub fn numbered<T>(ways: &BTreeMap<String, T>) -> Vec<(Name, ClusterId)> {
    let names = ways.keys().map(|name| Name::from(name.as_str()));
    names
        .zip(1..)
        .map(|(name, n)| (name, ClusterId(n)))
        .collect()
}

impl Workers {
    pub fn new(
        ways: &BTreeMap<String, Way>,
        connection: Connection,
        around: Surroundings,
        options: Options,
        (messages, patterns): (mpsc::Sender<Message>, Arc<[Pattern]>),
        stop: CancellationToken,
    ) -> Self {
        let all = numbered(ways).into_iter().zip(ways.values());
        let all = all.map(|((name, id), way)| {
            let worker = Worker {
                id,
                way: way.clone(),
                cluster: None,
                trying: false,
                wants: Vec::new(),
                namespace: None,
            };
            (name, worker)
        });
        Self {
            all: all.collect(),
            connection,
            around,
            options,
            messages,
            patterns,
            stop,
        }
    }

    /// What was counted of those that are open.
    pub fn links(&self) -> impl Iterator<Item = Link> + '_ {
        let all = self.all.iter();
        all.filter_map(|(name, worker)| Some(worker.cluster.as_ref()?.link(name)))
    }

    /// Exactly these run in worker clusters from now on; who is wanted for the first time is connected to.
    pub fn want(&mut self, wants: &[Want]) {
        for (name, worker) in &mut self.all {
            let mine = wants.iter().filter_map(|want| match want {
                Want::Worker {
                    cluster,
                    namespace,
                    want,
                } if cluster == name => Some((namespace.to_string(), (**want).clone())),
                _ => None,
            });
            let (mut namespaces, mut wants): (Vec<String>, Vec<Want>) = mine.unzip();
            namespaces.sort_unstable();
            namespaces.dedup();
            wants.sort();
            wants.dedup();
            // what is watched of several namespaces is watched of all
            worker.namespace = match namespaces.len() {
                1 => namespaces.pop(),
                _ => None,
            };
            worker.wants = wants;
            if worker.cluster.is_some() {
                worker.run();
            } else if !worker.wants.is_empty() && !worker.trying {
                worker.trying = true;
                tokio::spawn(reach(Reach {
                    name: name.clone(),
                    way: worker.way.clone(),
                    options: Options {
                        id: worker.id,
                        ..self.options.clone()
                    },
                    connection: self.connection,
                    around: self.around.clone(),
                    messages: self.messages.clone(),
                    patterns: self.patterns.clone(),
                    stop: self.stop.clone(),
                }));
            }
        }
    }

    /// One has answered; what an earlier connection asked for is let go.
    pub fn adopt(&mut self, connection: Connection, name: &Name, cluster: Cluster) {
        if connection == self.connection
            && let Some(worker) = self.all.get_mut(name)
        {
            worker.cluster = Some(cluster);
            worker.trying = false;
            worker.run();
        }
    }

    pub fn retry_now(&self) {
        for cluster in self.all.values().filter_map(|w| w.cluster.as_ref()) {
            cluster.retry_now();
        }
    }
}

impl Worker {
    fn run(&mut self) {
        if let Some(cluster) = &mut self.cluster {
            cluster.want(self.namespace.as_deref(), &self.wants);
        }
    }
}

struct Reach {
    name: Name,
    way: Way,
    options: Options,
    connection: Connection,
    around: Surroundings,
    messages: mpsc::Sender<Message>,
    patterns: Arc<[Pattern]>,
    stop: CancellationToken,
}

/// Tries until it answers or nobody cares any more.
async fn reach(of: Reach) {
    let stop = of.stop.clone();
    let mut pause = PAUSE.0;
    let tries = async {
        loop {
            let outcome = of.open().await;
            let open = outcome.is_ok();
            let message = Message::Worker {
                connection: of.connection,
                name: of.name.clone(),
                outcome: outcome.map(|cluster| Some(Box::new(cluster))),
            };
            if of.messages.send(message).await.is_err() || open {
                return;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE.1);
        }
    };
    tokio::select! {
        () = tries => {}
        () = stop.cancelled() => {}
    }
}

impl Reach {
    async fn open(&self) -> Result<Cluster, String> {
        let target = match &self.way {
            Way::Target(target) => (**target).clone(),
            Way::Context(context) => {
                let (around, asked) = (self.around.clone(), context.clone());
                // files of a kubeconfig may be on a slow disk
                let read = move || resolve(&around, Some(&asked));
                let read = tokio::task::spawn_blocking(read).await;
                let read = read.map_err(|e| e.to_string())?;
                read.map_err(|e| format!("{e}; the settings name this context under [multikueue]"))?
            }
        };
        let (tx, reports) = mpsc::channel(CHANNEL);
        let cluster = Cluster::open(target, self.options.clone(), tx)
            .await
            .map_err(|e| e.to_string())?;
        let (messages, patterns) = (self.messages.clone(), self.patterns.clone());
        tokio::spawn(forward(self.connection, reports, messages, patterns));
        Ok(cluster)
    }
}
