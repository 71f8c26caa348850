//! The use of GPUs, asked of the exporters that run beside them: NVIDIA's dcgm-exporter and AMD's
//! device-metrics-exporter, through the API server's proxy to pods. Opt-in, as it needs `get` on `pods/proxy`, and as
//! every byte of it goes through the API server.
//!
//! ```text
//! Want::GpuUse(node) → find (list of pods) → ask (GET …/proxy/metrics) → gather → Rows::GpuUse
//! ```
//! One task per node that is on screen, at most [`Settings::nodes`]; [`Settings::at_once`] of them ask at a time.

mod ask;
mod exposition;
mod find;
pub mod gather;
mod metrics;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::report::{Report, Severity};
use super::source::{Shared, random};
use crate::model::delta::{Delta, Rows};
use crate::model::gpu_use::reading::{DeviceRow, Heard, NodeUse, Reason, Trouble};
use crate::model::ids::Name;
use ask::Scheme;
use find::{Exporter, Finder};

/// A node must be wanted for so long before it is asked: what is only scrolled past is not.
const SETTLE: Duration = Duration::from_millis(300);
/// Exporters found are believed to be there for so long.
const FOUND: Duration = Duration::from_secs(600);
/// After this long a failing node is asked at the latest.
const LONGEST: Duration = Duration::from_secs(300);

/// How exporters are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Between two questions to one node.
    pub interval: Duration,
    /// Nodes asked about, of those on screen.
    pub nodes: usize,
    /// Questions under way at a time.
    pub at_once: usize,
    /// For one answer.
    pub timeout: Duration,
    /// Where exporters run; empty: anywhere.
    pub namespaces: Vec<String>,
    /// Label selectors of exporters, beside the known ones.
    pub selectors: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(20),
            nodes: 64,
            at_once: 8,
            timeout: Duration::from_secs(10),
            namespaces: Vec::new(),
            selectors: Vec::new(),
        }
    }
}

/// What the questions about all nodes of a cluster share.
#[derive(Debug)]
pub struct Desk {
    permits: Arc<Semaphore>,
    finder: Finder,
}

impl Desk {
    pub fn new(settings: &Settings) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(settings.at_once.max(1))),
            finder: Finder::default(),
        }
    }
}

/// Asks about a node until nobody wants to know any more. `over`: there are too many before it, so it is only told that
/// it is not asked.
pub async fn run(shared: Arc<Shared>, node: Name, over: bool, cancel: CancellationToken) {
    let asker = Asker { shared, node };
    tokio::select! {
        biased;
        () = cancel.cancelled() => {}
        () = async {
            match over {
                true => asker.too_many().await,
                false => asker.drive().await,
            }
        } => {}
    }
}

/// How long a node is left alone after what was heard; `failures`: in a row, this one included.
fn rest(heard: &Heard, failures: u32, interval: Duration) -> Duration {
    match heard {
        Heard::Told { .. } => interval,
        Heard::Not(trouble) => match trouble.reason {
            // nothing that gets better by itself
            Reason::Forbidden | Reason::NoExporter | Reason::Login => LONGEST,
            _ => (interval * (1 << failures.min(5))).min(LONGEST),
        },
    }
}

struct Asker {
    shared: Arc<Shared>,
    node: Name,
}

/// What is remembered between two questions.
#[derive(Default)]
struct Memory {
    exporters: Vec<Exporter>,
    found: Option<tokio::time::Instant>,
    /// How each pod was spoken to.
    schemes: HashMap<String, Scheme>,
}

impl Asker {
    fn settings(&self) -> &Settings {
        &self.shared.tuning.gpu_use
    }

    async fn too_many(&self) {
        let text = format!(
            "not asked: more than {} nodes are on screen ([gpu-use] nodes)",
            self.settings().nodes
        );
        let trouble = Trouble {
            reason: Reason::TooMany,
            text: text.into(),
        };
        self.tell(Heard::Not(trouble)).await;
    }

    async fn drive(&self) {
        let mut memory = Memory::default();
        let mut failures = 0u32;
        self.pause(SETTLE).await;
        loop {
            let heard = {
                // the semaphore is never closed
                let permit = self.shared.gpu_use.permits.clone().acquire_owned().await;
                let Ok(_permit) = permit else { return };
                self.ask(&mut memory).await
            };
            match &heard {
                Heard::Told { .. } => failures = 0,
                Heard::Not(trouble) => {
                    self.say_once(trouble).await;
                    tracing::debug!(node = %self.node, why = %trouble.text, "gpu use");
                    failures = failures.saturating_add(1);
                }
            }
            let wait = rest(&heard, failures, self.settings().interval);
            if !self.tell(heard).await {
                return;
            }
            // not all nodes in the same moment
            self.pause(wait.mul_f64(0.9 + 0.2 * random())).await;
        }
    }

    async fn pause(&self, time: Duration) {
        self.shared.wait(time).await;
    }

    async fn ask(&self, memory: &mut Memory) -> Heard {
        let (http, settings) = (&self.shared.http, self.settings());
        if memory.found.is_none_or(|at| at.elapsed() > FOUND) {
            let finder = &self.shared.gpu_use.finder;
            match finder.on(http, settings, &self.node).await {
                Ok(exporters) => memory.exporters = exporters,
                Err(trouble) => return Heard::Not(trouble),
            }
            memory.found = Some(tokio::time::Instant::now());
        }
        let mut devices: Option<Vec<DeviceRow>> = None;
        let mut troubles: Vec<Trouble> = Vec::new();
        for exporter in &memory.exporters {
            let scheme = memory.schemes.get(&exporter.pod).copied();
            match ask::exporter(http, settings, exporter, scheme).await {
                Ok((rows, scheme)) => {
                    memory.schemes.insert(exporter.pod.clone(), scheme);
                    match &mut devices {
                        Some(all) => gather::join(all, rows),
                        None => devices = Some(rows),
                    }
                }
                Err(trouble) => troubles.push(trouble),
            }
        }
        let moved = |t: &Trouble| !matches!(t.reason, Reason::Forbidden | Reason::Login);
        if troubles.iter().any(moved) {
            // it may have been replaced by another pod
            memory.found = None;
        }
        let but = troubles.into_iter().next();
        match (devices, but) {
            (Some(devices), but) => Heard::Told { devices, but },
            (None, Some(trouble)) => Heard::Not(trouble),
            (None, None) => Heard::Not(Trouble {
                reason: Reason::NoExporter,
                text: format!("no exporter runs on {}", self.node).into(),
            }),
        }
    }

    /// What concerns all nodes is said once; what concerns one stands beside it.
    async fn say_once(&self, trouble: &Trouble) {
        if trouble.reason == Reason::Forbidden && self.shared.first_time("gpu use forbidden") {
            let text = format!("use of GPUs: {}", trouble.text);
            self.shared.notice(Severity::Warning, text).await;
        }
    }

    async fn tell(&self, heard: Heard) -> bool {
        let interval = self
            .settings()
            .interval
            .mul_f64(self.shared.tuning.patience);
        let of = NodeUse {
            node: self.node.clone(),
            at: Utc::now(),
            every: u16::try_from(interval.as_secs()).unwrap_or(u16::MAX).max(1),
            heard,
        };
        let delta = Delta {
            cluster: self.shared.cluster,
            source: self.shared.next_source(),
            rows: Rows::GpuUse(Box::new(of)),
        };
        self.shared.send(Report::Delta(delta)).await
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const INTERVAL: Duration = Duration::from_secs(20);

    #[rstest]
    #[case::forbidden(Reason::Forbidden, 1, 300)]
    #[case::no_exporter(Reason::NoExporter, 1, 300)]
    #[case::login(Reason::Login, 7, 300)]
    #[case::first_silence(Reason::Unreachable, 1, 40)]
    #[case::third_silence(Reason::Unreachable, 3, 160)]
    #[case::long_silence(Reason::Unreachable, 40, 300)]
    #[case::garbled(Reason::Garbled, 2, 80)]
    #[case::down(Reason::NotRunning, 1, 40)]
    #[case::server(Reason::Server, 1, 40)]
    fn a_failing_node_is_left_alone_longer(
        #[case] reason: Reason,
        #[case] failures: u32,
        #[case] seconds: u64,
    ) {
        let text = "why".into();
        let heard = Heard::Not(Trouble { reason, text });
        assert_eq!(rest(&heard, failures, INTERVAL).as_secs(), seconds);
    }

    #[test]
    fn one_that_answers_is_asked_at_the_interval() {
        let heard = Heard::Told {
            devices: Vec::new(),
            but: None,
        };
        assert_eq!(rest(&heard, 0, INTERVAL), INTERVAL);
    }
}
