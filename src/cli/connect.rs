//! From flags to a cluster that answers, and one look at it: what `get`, `render` and `doctor` stand on.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use color_eyre::eyre::{Result, bail, eyre};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::record::{RecordedArgs, moment};
use super::{ClusterArgs, OneShotArgs};
use crate::cluster::connect::{ConnectError, resolve};
use crate::cluster::kinds::entry;
use crate::cluster::report::{Report, SourceHealth};
use crate::cluster::target::Target;
use crate::cluster::{CHANNEL, Cluster, Options};
use crate::model::Model;
use crate::model::clusters::Clusters;
use crate::model::delta::SourceId;
use crate::model::health::Health;
use crate::model::ids::ClusterId;
use crate::model::want::{Kind, Selector, Want};
use crate::recording::player::{Moved, Player};
use crate::settings;

/// Longest silence of a server in the middle of a list.
const PATIENCE: Duration = Duration::from_secs(60);

/// A cluster that answered, and what it has told so far.
pub struct Connected {
    pub cluster: Cluster,
    pub reports: mpsc::Receiver<Report>,
    pub model: Model,
    /// The namespace to look at; `None`: all.
    pub namespace: Option<String>,
    /// Where all namespaces may not be listed, these are.
    fallback: Vec<String>,
    sources: HashMap<SourceId, SourceHealth>,
    /// Workload kinds that are served, once known.
    pub workloads: Option<Vec<Kind>>,
    /// Why others may be served all the same.
    pub blind: Option<String>,
    /// Of several that were asked: their contexts, by number.
    pub contexts: Vec<String>,
    /// One of them could not be had.
    pub incomplete: bool,
    /// The demo cluster's clock, which stands still; a real cluster's is ours.
    frozen: Option<DateTime<Utc>>,
    /// Last, so that it outlives the connection to it.
    #[cfg(feature = "demo")]
    _demo: Option<crate::demo::Demo>,
}

/// No cluster, and why; the next step is in a second line.
#[derive(Debug, thiserror::Error)]
#[error("{0}\n{next}", next = .0.next_step())]
pub struct Unconnected(pub ConnectError);

/// The target the flags mean, without talking to it.
pub fn target(args: &ClusterArgs) -> Result<Target, ConnectError> {
    let around = args.surroundings();
    resolve(&around, args.context())
}

/// Connects to the cluster the flags mean, be it a demo cluster of our own.
///
/// # Errors
/// What is wrong and what to do about it.
pub async fn connect(args: &ClusterArgs, one_shot: &OneShotArgs) -> Result<Connected> {
    #[cfg(feature = "demo")]
    if one_shot.demo {
        let (demo, now) = super::demo::frozen(one_shot)?;
        let target = super::demo::target(&demo)?;
        let mut connected = open(args, one_shot, target).await?;
        connected.frozen = Some(now);
        connected._demo = Some(demo);
        return Ok(connected);
    }
    let target = target(args).map_err(Unconnected)?;
    open(args, one_shot, target).await
}

/// Connects to each of the contexts that the flags name, one after the other (or to a recording in their place), and has
/// `ask` read all of them into one model. Of several, one that cannot be had is said and left out.
///
/// # Errors
/// None of them can be had.
pub async fn each(
    args: &ClusterArgs,
    one_shot: &OneShotArgs,
    recorded: &RecordedArgs,
    mut ask: impl AsyncFnMut(&mut Connected) -> Result<()>,
) -> Result<Connected> {
    let several =
        (args.context.len() > 1 && recorded.replay.is_none()).then_some(&args.context[..]);
    let Some([first, ..]) = several else {
        let mut connected = reach(args, one_shot, recorded).await?;
        ask(&mut connected).await?;
        return Ok(connected);
    };
    let around = args.surroundings();
    // flags with an address or credentials are meant for the first
    around.overrides.begin_with(first);
    let ids = (0..).map(ClusterId);
    let named = ids.clone().zip(args.context.iter().map(String::as_str));
    let mut model = Model {
        clusters: Clusters::new(named),
        ..Model::default()
    };
    let (mut had, mut served, mut incomplete) = (None, Vec::new(), false);
    for (id, context) in ids.zip(&args.context) {
        let one = ClusterArgs {
            all_namespaces: args.namespace.is_none(),
            ..args.clone()
        };
        let asked = async {
            let target = resolve(&around, Some(context)).map_err(Unconnected)?;
            let mut connected = open_as(id, &one, one_shot, target).await?;
            std::mem::swap(&mut connected.model, &mut model);
            let asked = ask(&mut connected).await;
            std::mem::swap(&mut connected.model, &mut model);
            asked.map(|()| connected)
        };
        match asked.await {
            Ok(connected) => {
                served.extend(connected.workloads.iter().flatten().copied());
                had = Some(connected);
            }
            Err(why) => {
                incomplete = true;
                say!("jobdeck: {context}: {why}");
            }
        }
    }
    let Some(mut connected) = had else {
        bail!("none of the contexts can be had")
    };
    connected.model = model;
    connected.workloads = connected.workloads.map(|_| served);
    connected.contexts.clone_from(&args.context);
    connected.incomplete = incomplete;
    Ok(connected)
}

/// The same, or a recording in its place.
///
/// # Errors
/// What is wrong and what to do about it.
pub async fn reach(
    args: &ClusterArgs,
    one_shot: &OneShotArgs,
    recorded: &RecordedArgs,
) -> Result<Connected> {
    match &recorded.replay {
        Some(file) => replay(args, file, recorded.replay_at.as_deref()),
        None => connect(args, one_shot).await,
    }
}

/// Stands on what a recording tells up to a time.
fn replay(args: &ClusterArgs, file: &Path, at: Option<&str>) -> Result<Connected> {
    let (info, mut player) = Player::open(file)?;
    for worry in info.worries() {
        say!("jobdeck: {worry}");
    }
    let at = match at {
        Some(at) => moment(at, &info).map_err(|why| eyre!("--replay-at: {why}"))?,
        None => info.end,
    };
    let namespace = info.header.namespace.clone();
    if args.namespace.is_some() && args.namespace != namespace {
        let has = namespace.map_or("all namespaces".into(), |name| format!("namespace {name}"));
        bail!("the recording is of {has}\nleave -n out, and use --filter ns:NAME");
    }
    let millis = (at - info.header.start).num_milliseconds();
    let t = u64::try_from(millis).unwrap_or_default();
    let Moved::To(state) = player.to(t)? else {
        bail!("the recording cannot be read")
    };
    let state = *state;
    // whoever waits for something hears at once that it is there
    let mut told: Vec<Report> = state.sources.into_values().map(Report::Health).collect();
    told.extend(state.served.map(|kinds| Report::Workloads {
        cluster: ClusterId::default(),
        kinds,
        blind: None,
    }));
    let (out, reports) = mpsc::channel(CHANNEL);
    let cluster = Cluster::recorded(&info.header.context, mpsc::channel(1).0);
    tokio::spawn(async move {
        for report in told {
            if out.send(report).await.is_err() {
                return;
            }
        }
    });
    Ok(Connected {
        cluster,
        reports,
        model: state.model,
        fallback: namespace.clone().into_iter().collect(),
        namespace,
        sources: HashMap::new(),
        workloads: None,
        blind: None,
        contexts: Vec::new(),
        incomplete: false,
        frozen: Some(at),
        #[cfg(feature = "demo")]
        _demo: None,
    })
}

/// Connects to a demo cluster of our own that lives on.
///
/// # Errors
/// It does not start, or does not answer.
#[cfg(feature = "demo")]
pub async fn connect_scene(args: &ClusterArgs, scene: &super::SceneArgs) -> Result<Connected> {
    let demo = super::demo::live(([127, 0, 0, 1], 0).into(), scene)?;
    let target = super::demo::target(&demo)?;
    let one_shot = OneShotArgs {
        demo: true,
        ..OneShotArgs::default()
    };
    let mut connected = open(args, &one_shot, target).await?;
    connected._demo = Some(demo);
    Ok(connected)
}

async fn open(args: &ClusterArgs, one_shot: &OneShotArgs, target: Target) -> Result<Connected> {
    open_as(ClusterId::default(), args, one_shot, target).await
}

async fn open_as(
    id: ClusterId,
    args: &ClusterArgs,
    one_shot: &OneShotArgs,
    target: Target,
) -> Result<Connected> {
    let (settings, problem) = settings::load(settings::file().as_deref());
    if let Some(problem) = problem {
        say!("jobdeck: {problem}");
    }
    let (out, reports) = mpsc::channel(CHANNEL);
    let options = Options {
        id,
        namespaces: settings.namespaces.clone(),
        ..Options::default()
    };
    let namespaces = target.way().namespaces.clone();
    let cluster = Cluster::open(target, options, out)
        .await
        .map_err(Unconnected)?;
    let own = cluster.namespace().to_owned();
    let namespace = match (&args.namespace, args.all_namespaces) {
        (Some(name), _) => Some(name.clone()),
        (None, true) => None,
        // the demo cluster's story is told in all namespaces
        (None, false) if one_shot.is_demo() => None,
        (None, false) => Some(own.clone()),
    };
    let mut fallback = vec![own];
    fallback.extend(namespaces.unwrap_or(settings.namespaces));
    Ok(Connected {
        cluster,
        reports,
        model: Model::default(),
        namespace,
        fallback,
        sources: HashMap::new(),
        workloads: None,
        blind: None,
        contexts: Vec::new(),
        incomplete: false,
        frozen: None,
        #[cfg(feature = "demo")]
        _demo: None,
    })
}

impl Connected {
    /// The moment to compute ages for.
    pub fn now(&self) -> DateTime<Utc> {
        self.frozen.unwrap_or_else(Utc::now)
    }

    /// Lists these kinds once into the model. The first must be had; of the others it is said on standard
    /// error if they cannot.
    ///
    /// # Errors
    /// What could not be listed, why, and what to do.
    pub async fn sync(&mut self, kinds: &[Kind]) -> Result<()> {
        let wants: Vec<Want> = kinds
            .iter()
            .map(|kind| Want::Watch(*kind, Selector::All))
            .collect();
        self.cluster.want(self.namespace.as_deref(), &wants);
        let mut waiting: Vec<Kind> = kinds.to_vec();
        while !waiting.is_empty() {
            if let Report::Delta(delta) = self.next().await? {
                self.model.apply(delta);
            }
            let settled: Vec<(Kind, Result<(), String>)> = waiting
                .iter()
                .filter_map(|kind| Some((*kind, self.settled(*kind, &Selector::All)?)))
                .collect();
            for (kind, result) in settled {
                waiting.retain(|k| *k != kind);
                match result {
                    Ok(()) => {}
                    Err(why) if kind == kinds[0] => bail!("{why}"),
                    // most clusters claim no devices
                    Err(why) if matches!(kind, Kind::Dra(_)) => tracing::info!(why, "devices"),
                    Err(why) => say!("jobdeck: {why}"),
                }
            }
        }
        Ok(())
    }

    /// Lists these kinds and every workload kind the cluster serves once into the model; of those that cannot be
    /// listed it is said on standard error.
    ///
    /// # Errors
    /// The first of `kinds` must be had.
    pub async fn sync_workloads(&mut self, kinds: &[Kind]) -> Result<()> {
        let mut wants: Vec<Want> = kinds
            .iter()
            .map(|kind| Want::Watch(*kind, Selector::All))
            .collect();
        wants.push(Want::Workloads);
        self.cluster.want(self.namespace.as_deref(), &wants);
        let mut settled: Vec<Kind> = Vec::new();
        loop {
            let known = self.workloads.clone();
            let mut missing = known.is_none();
            for kind in kinds.iter().copied().chain(known.into_iter().flatten()) {
                if settled.contains(&kind) {
                    continue;
                }
                match self.settled(kind, &Selector::All) {
                    None => missing = true,
                    Some(result) => {
                        settled.push(kind);
                        match result {
                            Err(why) if kind == kinds[0] => bail!("{why}"),
                            // most clusters claim no devices
                            Err(why) if matches!(kind, Kind::Dra(_)) => {
                                tracing::info!(why, "devices")
                            }
                            // few users may read cluster queues, and nobody asked for them
                            Err(why) if matches!(kind, Kind::Queue(_)) && self.forbidden(kind) => {
                                tracing::info!(why, "queues");
                            }
                            Err(why) => say!("jobdeck: {why}"),
                            Ok(()) => {}
                        }
                    }
                }
            }
            if !missing {
                return Ok(());
            }
            if let Report::Delta(delta) = self.next().await? {
                self.model.apply(delta);
            }
        }
    }

    /// Every workload kind that is served has settled.
    pub fn workloads_settled(&self) -> bool {
        self.workloads.as_ref().is_some_and(|kinds| {
            let mut kinds = kinds.iter();
            kinds.all(|kind| self.settled(*kind, &Selector::All).is_some())
        })
    }

    fn forbidden(&self, kind: Kind) -> bool {
        let mut of_kind = self.sources.values().filter(|s| s.kind == kind);
        of_kind.any(|s| matches!(s.health, Health::Forbidden { .. }))
    }

    /// The next report; notices are said on standard error.
    ///
    /// # Errors
    /// When none comes for too long.
    pub async fn next(&mut self) -> Result<Report> {
        match self.next_before(Some(Instant::now() + PATIENCE)).await? {
            Some(report) => Ok(report),
            None => bail!(
                "no word from {} for {} s\ncheck the connection, then try again",
                self.cluster.target().server(),
                PATIENCE.as_secs(),
            ),
        }
    }

    /// The next report; `None`: none came until then. Notices are said on standard error.
    ///
    /// # Errors
    /// There will be no more.
    pub async fn next_before(&mut self, until: Option<Instant>) -> Result<Option<Report>> {
        let report = match until {
            None => self.reports.recv().await,
            Some(until) => match tokio::time::timeout_at(until, self.reports.recv()).await {
                Ok(report) => report,
                Err(_) => return Ok(None),
            },
        };
        let Some(report) = report else {
            bail!("the connection ended before everything was there")
        };
        match &report {
            Report::Health(health) => {
                self.sources.insert(health.source, health.clone());
            }
            Report::Ended { source, .. } => {
                self.sources.remove(source);
            }
            Report::Notice(notice) => say!("jobdeck: {}", notice.text),
            Report::Workloads { kinds, blind, .. } => {
                self.workloads = Some(kinds.clone());
                self.blind.clone_from(blind);
            }
            Report::Delta(_)
            | Report::Raw { .. }
            | Report::Log(_)
            | Report::Object { .. }
            | Report::Fields { .. }
            | Report::May { .. } => {}
        }
        Ok(Some(report))
    }

    /// Why nothing is heard of jobs any more, where something was.
    pub fn silent(&self) -> Option<&str> {
        self.sources
            .values()
            .find_map(|source| match &source.health {
                Health::Stale { why, .. } => Some(&**why),
                _ => None,
            })
    }

    /// Whether what is watched is completely there (`Some(Ok)`), cannot be had (`Some(Err)`), or is still under
    /// way.
    pub fn settled(&self, kind: Kind, selector: &Selector) -> Option<Result<(), String>> {
        let of = |namespace: Option<&str>| {
            self.sources
                .values()
                .find(|s| {
                    s.kind == kind && s.selector == *selector && s.namespace.as_deref() == namespace
                })
                .map(|s| &s.health)
        };
        let namespaced = *selector == Selector::All && entry(kind).namespaced;
        let scope = self.namespace.as_deref().filter(|_| namespaced);
        match of(scope) {
            // then the namespaces of the fall-back are listed one by one
            None | Some(Health::Forbidden { .. }) if scope.is_none() && namespaced => {}
            None => return None,
            Some(health) => return verdict(kind, health),
        }
        let verdicts: Vec<Result<(), String>> = self
            .fallback
            .iter()
            .map(|name| verdict(kind, of(Some(name))?))
            .collect::<Option<_>>()?;
        let any = verdicts.iter().any(Result::is_ok);
        match verdicts.into_iter().find(Result::is_err) {
            Some(error) if !any => Some(error),
            _ => Some(Ok(())),
        }
    }
}

/// What the health of a source means to somebody who asks once.
fn verdict(kind: Kind, health: &Health) -> Option<Result<(), String>> {
    let what = kind.plural();
    match health {
        Health::Connecting | Health::Syncing { .. } => None,
        Health::Live | Health::Stale { .. } => Some(Ok(())),
        Health::Forbidden {
            verb,
            resource,
            namespace,
        } => {
            let place = namespace.as_ref().map_or_else(
                || "in the whole cluster".into(),
                |n| format!("in namespace {n}"),
            );
            Some(Err(format!(
                "{what}: forbidden (needs {verb} on {resource} {place})\n`jobdeck doctor` shows what this user may do"
            )))
        }
        Health::Absent => Some(Err(format!("{what}: this cluster does not serve them"))),
        Health::Failing { why } => Some(Err(format!("{what}: {why}"))),
    }
}
