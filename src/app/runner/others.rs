//! Connections beside the first: clusters that are looked at together with it, and MultiKueue's worker clusters, which are
//! opened when a screen first wants something there. Each is tried until it answers, and never waited for by anything else.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::super::message::{Connection, Joined, Message};
use super::super::readers::forward;
use crate::cluster::connect::resolve;
use crate::cluster::kubeconfig::Surroundings;
use crate::cluster::target::Target;
use crate::cluster::{CHANNEL, Cluster, Options};
use crate::logs::metrics::Pattern;
use crate::model::extra::Sets;
use crate::model::ids::{ClusterId, Name};
use crate::model::vitals::Link;
use crate::model::want::Want;

/// First and longest pause between tries.
const PAUSE: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));

/// How to get to a cluster.
#[derive(Clone)]
pub enum Way {
    /// A context of the kubeconfig.
    Context(String),
    /// Known already.
    Target(Box<Target>),
}

/// One of them.
struct Other {
    name: Name,
    way: Way,
    /// Looked at for itself, not as a worker cluster.
    peer: bool,
    /// None until it answers.
    cluster: Option<Cluster>,
    /// A task tries to reach it.
    trying: bool,
    wants: Vec<Want>,
    namespace: Option<String>,
}

/// All of a connection.
pub struct Others {
    all: BTreeMap<ClusterId, Other>,
    connection: Connection,
    around: Surroundings,
    options: Options,
    messages: mpsc::Sender<Message>,
    patterns: Arc<[Pattern]>,
    /// Ends the tries.
    stop: CancellationToken,
    /// Whoever waits for the next try tries now.
    again: Arc<Notify>,
}

impl Others {
    pub fn new(
        connection: Connection,
        around: Surroundings,
        options: Options,
        (messages, patterns): (mpsc::Sender<Message>, Arc<[Pattern]>),
        (stop, again): (CancellationToken, Arc<Notify>),
    ) -> Self {
        Self {
            all: BTreeMap::new(),
            connection,
            around,
            options,
            messages,
            patterns,
            stop,
            again,
        }
    }

    /// These contexts are looked at together with the first, which is cluster 0: they are numbered in their order.
    pub fn open_peers(&mut self, contexts: &[String]) {
        for (context, n) in contexts.iter().zip(1..) {
            let id = ClusterId(n);
            self.put(id, context, Way::Context(context.clone()), true);
            self.try_reaching(id);
        }
    }

    /// Knows the way to worker clusters, by what Kueue calls them. `first`: the context of the first cluster. Answers how
    /// they are numbered: one that is looked at anyway is the same cluster.
    pub fn add_workers(
        &mut self,
        ways: &BTreeMap<String, Way>,
        first: &str,
    ) -> Vec<(Name, ClusterId)> {
        let mut numbers = Vec::new();
        let mut next = self.all.len() as u16 + 1;
        for (name, way) in ways {
            let open = match way {
                Way::Context(context) if context == first => Some(ClusterId(0)),
                Way::Context(context) => {
                    let mut peers = self.all.iter().filter(|(_, other)| other.peer);
                    peers
                        .find(|(_, other)| *other.name == **context)
                        .map(|(id, _)| *id)
                }
                Way::Target(_) => None,
            };
            let id = open.unwrap_or_else(|| {
                let id = ClusterId(next);
                next += 1;
                self.put(id, name, way.clone(), false);
                id
            });
            numbers.push((name.as_str().into(), id));
        }
        numbers
    }

    fn put(&mut self, id: ClusterId, name: &str, way: Way, peer: bool) {
        let other = Other {
            name: name.into(),
            way,
            peer,
            cluster: None,
            trying: false,
            wants: Vec::new(),
            namespace: None,
        };
        self.all.insert(id, other);
    }

    /// What was counted of those that are open.
    pub fn links(&self) -> impl Iterator<Item = Link> + '_ {
        let all = self.all.values();
        all.filter_map(|other| Some(other.cluster.as_ref()?.link(&other.name)))
    }

    /// One that answered.
    pub fn cluster(&self, id: ClusterId) -> Option<&Cluster> {
        self.all.get(&id)?.cluster.as_ref()
    }

    /// Exactly these run from now on; a worker cluster that is wanted for the first time is connected to.
    pub fn want(&mut self, namespace: Option<&str>, wants: &[Want]) {
        let mut fresh = Vec::new();
        for (id, other) in &mut self.all {
            let (namespace, wants) = match other.peer {
                true => (namespace.map(str::to_owned), of_peer(*id, wants)),
                false => of_worker(&other.name, wants),
            };
            (other.namespace, other.wants) = (namespace, wants);
            if other.cluster.is_some() {
                other.run();
            } else if !other.wants.is_empty() && !other.trying {
                fresh.push(*id);
            }
        }
        for id in fresh {
            self.try_reaching(id);
        }
    }

    fn try_reaching(&mut self, id: ClusterId) {
        let Some(other) = self.all.get_mut(&id) else {
            return;
        };
        other.trying = true;
        tokio::spawn(reach(Reach {
            id,
            way: other.way.clone(),
            peer: other.peer,
            options: Options {
                id,
                ..self.options.clone()
            },
            connection: self.connection,
            around: self.around.clone(),
            messages: self.messages.clone(),
            patterns: self.patterns.clone(),
            stop: self.stop.clone(),
            again: self.again.clone(),
        }));
    }

    /// One has answered; what an earlier connection asked for is let go.
    pub fn adopt(&mut self, connection: Connection, id: ClusterId, cluster: Cluster) {
        if connection == self.connection
            && let Some(other) = self.all.get_mut(&id)
        {
            other.cluster = Some(cluster);
            other.trying = false;
            other.run();
        }
    }

    /// What these columns show is read from now on, also of those that are reached later.
    pub fn read_extra(&mut self, sets: &Sets) {
        self.options.tuning.extra = sets.clone();
        for cluster in self.all.values().filter_map(|o| o.cluster.as_ref()) {
            cluster.read_extra(sets);
        }
    }

    pub fn retry_now(&self) {
        for cluster in self.all.values().filter_map(|o| o.cluster.as_ref()) {
            cluster.retry_now();
        }
    }
}

/// What runs in a cluster that is looked at: what is wanted of all, and what is wanted of it.
fn of_peer(id: ClusterId, wants: &[Want]) -> Vec<Want> {
    let mine = wants.iter().filter_map(|want| match want {
        Want::At { cluster, want } => (*cluster == id).then(|| (**want).clone()),
        want => want.is_of_all().then(|| want.clone()),
    });
    let mut mine: Vec<Want> = mine.collect();
    mine.sort();
    mine.dedup();
    mine
}

/// What runs in a worker cluster, and in which namespace.
fn of_worker(name: &Name, wants: &[Want]) -> (Option<String>, Vec<Want>) {
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
    let namespace = match namespaces.len() {
        1 => namespaces.pop(),
        _ => None,
    };
    (namespace, wants)
}

impl Other {
    fn run(&mut self) {
        if let Some(cluster) = &mut self.cluster {
            cluster.want(self.namespace.as_deref(), &self.wants);
        }
    }
}

struct Reach {
    id: ClusterId,
    way: Way,
    peer: bool,
    options: Options,
    connection: Connection,
    around: Surroundings,
    messages: mpsc::Sender<Message>,
    patterns: Arc<[Pattern]>,
    stop: CancellationToken,
    again: Arc<Notify>,
}

/// Tries until it answers or nobody cares any more.
async fn reach(of: Reach) {
    let stop = of.stop.clone();
    let mut pause = PAUSE.0;
    let tries = async {
        loop {
            let outcome = of.open().await;
            let open = outcome.is_ok();
            let message = Message::Joined {
                connection: of.connection,
                id: of.id,
                outcome: outcome.map(|cluster| Joined {
                    namespace: cluster.target().namespace.clone().unwrap_or_default(),
                    server_version: cluster.version().map(|v| v.git_version.clone()),
                    cluster: Some(Box::new(cluster)),
                }),
            };
            if of.messages.send(message).await.is_err() || open {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = of.again.notified() => {}
            }
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
                read.map_err(|e| match self.peer {
                    true => e.to_string(),
                    false => format!("{e}; the settings name this context under [multikueue]"),
                })?
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::want::{Kind, ObjectWant, Selector};

    #[test]
    fn a_peer_runs_what_is_wanted_of_all_and_of_it_alone() {
        let watch = Want::Watch(Kind::Job, Selector::All);
        let object = |name: &str| {
            Want::Object(ObjectWant {
                kind: Kind::Job,
                namespace: "ml".into(),
                name: name.into(),
            })
        };
        let wants = [
            watch.clone(),
            object("of-the-first"),
            object("of-one").at(ClusterId(1)),
            object("of-two").at(ClusterId(2)),
        ];
        assert_eq!(of_peer(ClusterId(1), &wants), [watch, object("of-one")]);
    }
}
