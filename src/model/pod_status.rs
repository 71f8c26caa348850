//! kubectl's STATUS, READY and RESTARTS of a pod, and its effective requests, as pure functions over a small
//! borrowed view that the wire layer fills; here rather than there because it is a rule, not a format.

use std::borrow::Cow;

use super::ids::Name;
use super::pod::PodPhase;
use super::resources::Devices;

/// What of a pod decides its status.
#[derive(Debug, Clone, Default)]
pub struct PodView<'a> {
    /// `status.phase` as sent.
    pub phase: &'a str,
    /// `status.reason`; empty if absent.
    pub reason: &'a str,
    /// `metadata.deletionTimestamp` is set.
    pub deleting: bool,
    /// A PodScheduled condition has reason SchedulingGated.
    pub gated: bool,
    /// The Initialized condition is True.
    pub initialized: bool,
    /// The Ready condition is True.
    pub is_ready: bool,
    /// `spec.containers` and `spec.initContainers` counted, and of the latter those with restartPolicy Always.
    pub containers: usize,
    pub init_containers: usize,
    pub sidecars: usize,
    /// `status.initContainerStatuses`, in order.
    pub init: Vec<ContainerView<'a>>,
    /// `status.containerStatuses`, in order.
    pub main: Vec<ContainerView<'a>>,
}

/// One container status.
#[derive(Debug, Clone, Default)]
pub struct ContainerView<'a> {
    pub name: &'a str,
    pub ready: bool,
    /// `started` is true.
    pub started: bool,
    /// An init container with restartPolicy Always.
    pub sidecar: bool,
    pub restarts: u32,
    pub state: State<'a>,
}

/// `state` of a container status; absent texts are empty.
#[derive(Debug, Clone, Copy, Default)]
pub enum State<'a> {
    #[default]
    Unknown,
    Waiting {
        reason: &'a str,
    },
    Running,
    Terminated {
        code: i32,
        signal: i32,
        reason: &'a str,
    },
}

/// What `kubectl get pods` shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown<'a> {
    pub status: Cow<'a, str>,
    /// Ready containers and sidecars, of how many.
    pub ready: u16,
    pub total: u16,
    pub restarts: u32,
}

/// The phase as an enum; unknown words become `Unknown`.
pub fn phase(text: &str) -> PodPhase {
    match text {
        "Pending" => PodPhase::Pending,
        "Running" => PodPhase::Running,
        "Succeeded" => PodPhase::Succeeded,
        "Failed" => PodPhase::Failed,
        _ => PodPhase::Unknown,
    }
}

/// kubectl's columns (domain: B.3).
pub fn shown<'a>(pod: &PodView<'a>) -> Shown<'a> {
    let mut status = Cow::Borrowed(if pod.gated {
        "SchedulingGated"
    } else if pod.reason.is_empty() {
        pod.phase
    } else {
        pod.reason
    });
    let (mut ready, mut restarts, mut sidecar_restarts) = (0u16, 0u32, 0u32);
    let mut initializing = false;
    for (i, c) in pod.init.iter().enumerate() {
        restarts = restarts.saturating_add(c.restarts);
        if c.sidecar {
            sidecar_restarts = sidecar_restarts.saturating_add(c.restarts);
        }
        match c.state {
            State::Terminated { code: 0, .. } => continue,
            _ if c.sidecar && c.started => {
                ready += u16::from(c.ready);
                continue;
            }
            State::Terminated {
                code,
                signal,
                reason,
            } => status = format!("Init:{}", ended(code, signal, reason)).into(),
            State::Waiting { reason } if !reason.is_empty() && reason != "PodInitializing" => {
                status = format!("Init:{reason}").into();
            }
            _ => status = format!("Init:{i}/{}", pod.init_containers).into(),
        }
        initializing = true;
        break;
    }
    if !initializing || pod.initialized {
        restarts = sidecar_restarts;
        let (mut runs, mut error) = (false, None);
        for c in pod.main.iter().rev() {
            restarts = restarts.saturating_add(c.restarts);
            match c.state {
                State::Waiting { reason } if !reason.is_empty() => status = reason.into(),
                State::Terminated {
                    code,
                    signal,
                    reason,
                } => {
                    status = ended(code, signal, reason);
                    if code != 0 {
                        error = Some(status.clone());
                    }
                }
                State::Running if c.ready => {
                    runs = true;
                    ready += 1;
                }
                _ => {}
            }
        }
        if status == "Completed" {
            if runs && pod.is_ready {
                status = "Running".into();
            } else if let Some(error) = error {
                status = error;
            } else if runs {
                status = "NotReady".into();
            }
        }
    }
    if pod.deleting {
        if pod.reason == "NodeLost" {
            status = "Unknown".into();
        } else if !matches!(pod.phase, "Succeeded" | "Failed") {
            status = "Terminating".into();
        }
    }
    Shown {
        status,
        ready,
        total: u16::try_from(pod.containers + pod.sidecars).unwrap_or(u16::MAX),
        restarts,
    }
}

fn ended(code: i32, signal: i32, reason: &str) -> Cow<'_, str> {
    if !reason.is_empty() {
        reason.into()
    } else if signal != 0 {
        format!("Signal:{signal}").into()
    } else {
        format!("ExitCode:{code}").into()
    }
}

/// One container's requests for [`effective`]: amounts by resource name.
#[derive(Debug, Clone, Default)]
pub struct Asks {
    /// Of `spec.initContainers`.
    pub init: bool,
    /// With restartPolicy Always.
    pub sidecar: bool,
    pub amounts: Devices,
}

/// Effective requests of a pod (domain: E): the containers and sidecars together, or if more the hungriest init
/// container with the sidecars started before it. Containers in the order of the spec, init containers first.
pub fn effective(containers: &[Asks]) -> Devices {
    let mut names: Vec<&Name> = containers
        .iter()
        .flat_map(|c| c.amounts.0.iter().map(|(name, _)| name))
        .collect();
    names.sort_unstable();
    names.dedup();
    let mut all = Devices::default();
    for name in names {
        let each = containers
            .iter()
            .map(|c| (c.init, c.sidecar, u64::from(c.amounts.get(name))));
        let n = effective_amount(each);
        all.add(name.clone(), u32::try_from(n).unwrap_or(u32::MAX));
    }
    all
}

/// The same for one resource: containers as (init, sidecar, amount), init containers first.
pub fn effective_amount(containers: impl Iterator<Item = (bool, bool, u64)>) -> u64 {
    let (mut together, mut sidecars, mut peak) = (0u64, 0u64, 0u64);
    for (init, sidecar, n) in containers {
        if init && !sidecar {
            peak = peak.max(n.saturating_add(sidecars));
            continue;
        }
        if init {
            sidecars = sidecars.saturating_add(n);
        }
        together = together.saturating_add(n);
    }
    together.max(peak)
}

#[cfg(test)]
mod tests;
