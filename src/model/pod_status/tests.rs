//! STATUS, READY and RESTARTS as kubectl prints them; requests with init containers and sidecars.

use rstest::rstest;

use super::*;
use crate::model::fixture::devices;

const fn waiting(reason: &str) -> State<'_> {
    State::Waiting { reason }
}

const fn done(code: i32, reason: &str) -> State<'_> {
    State::Terminated {
        code,
        signal: 0,
        reason,
    }
}

fn container(state: State<'_>) -> ContainerView<'_> {
    ContainerView {
        name: "c",
        ready: matches!(state, State::Running),
        started: matches!(state, State::Running),
        state,
        ..ContainerView::default()
    }
}

fn pod<'a>(phase: &'a str, main: &[State<'a>]) -> PodView<'a> {
    PodView {
        phase,
        initialized: true,
        containers: main.len().max(1),
        main: main.iter().map(|s| container(*s)).collect(),
        ..PodView::default()
    }
}

#[rstest]
#[case(pod("Pending", &[]), "Pending")]
#[case(PodView { gated: true, ..pod("Pending", &[]) }, "SchedulingGated")]
#[case(pod("Pending", &[waiting("ContainerCreating")]), "ContainerCreating")]
#[case(pod("Pending", &[waiting("ImagePullBackOff")]), "ImagePullBackOff")]
#[case(pod("Running", &[State::Running]), "Running")]
#[case(pod("Running", &[waiting("CrashLoopBackOff")]), "CrashLoopBackOff")]
#[case(pod("Succeeded", &[done(0, "Completed")]), "Completed")]
#[case(pod("Failed", &[done(1, "Error")]), "Error")]
#[case(pod("Failed", &[done(137, "OOMKilled")]), "OOMKilled")]
#[case(pod("Failed", &[done(3, "")]), "ExitCode:3")]
#[case(pod("Failed", &[State::Terminated { code: 137, signal: 9, reason: "" }]), "Signal:9")]
#[case(PodView { reason: "Evicted", ..pod("Failed", &[]) }, "Evicted")]
// the first container wins
#[case(pod("Running", &[waiting("CrashLoopBackOff"), State::Running]), "CrashLoopBackOff")]
#[case(pod("Running", &[State::Running, waiting("CrashLoopBackOff")]), "CrashLoopBackOff")]
#[case(pod("Failed", &[done(0, "Completed"), done(1, "Error")]), "Error")]
#[case(PodView { is_ready: true, ..pod("Running", &[done(0, "Completed"), State::Running]) }, "Running")]
#[case(pod("Running", &[done(0, "Completed"), State::Running]), "NotReady")]
#[case(PodView { deleting: true, ..pod("Running", &[State::Running]) }, "Terminating")]
#[case(PodView { deleting: true, reason: "NodeLost", ..pod("Running", &[State::Running]) }, "Unknown")]
#[case(PodView { deleting: true, ..pod("Succeeded", &[done(0, "Completed")]) }, "Completed")]
fn status_as_kubectl(#[case] pod: PodView<'_>, #[case] want: &str) {
    assert_eq!(shown(&pod).status, want);
}

fn with_init<'a>(init: &[(State<'a>, bool)]) -> PodView<'a> {
    PodView {
        initialized: false,
        init_containers: init.len(),
        sidecars: init.iter().filter(|(_, sidecar)| *sidecar).count(),
        init: init
            .iter()
            .map(|(state, sidecar)| ContainerView {
                sidecar: *sidecar,
                ..container(*state)
            })
            .collect(),
        ..pod("Pending", &[waiting("PodInitializing")])
    }
}

#[rstest]
#[case(&[(State::Running, false), (waiting("PodInitializing"), false)], "Init:0/2")]
#[case(&[(done(0, "Completed"), false), (waiting("PodInitializing"), false)], "Init:1/2")]
#[case(&[(done(2, "Error"), false)], "Init:Error")]
#[case(&[(done(2, ""), false)], "Init:ExitCode:2")]
#[case(&[(State::Terminated { code: 137, signal: 9, reason: "" }, false)], "Init:Signal:9")]
#[case(&[(waiting("CrashLoopBackOff"), false)], "Init:CrashLoopBackOff")]
#[case(&[(State::Running, true), (State::Running, false)], "Init:1/2")]
#[case(&[(State::Running, true)], "PodInitializing")]
fn init_containers_come_first(#[case] init: &[(State<'_>, bool)], #[case] want: &str) {
    assert_eq!(shown(&with_init(init)).status, want);
}

#[test]
fn ready_counts_sidecars_and_restarts_only_what_still_runs() {
    let mut p = with_init(&[(done(0, "Completed"), false), (State::Running, true)]);
    p.main = vec![container(State::Running)];
    (p.phase, p.initialized, p.is_ready) = ("Running", true, true);
    (p.init[0].restarts, p.init[1].restarts, p.main[0].restarts) = (5, 2, 3);
    let s = shown(&p);
    assert_eq!((s.ready, s.total, s.restarts), (2, 2, 5));
    assert_eq!(s.status, "Running");
}

#[rstest]
#[case(&[(false, false, 2), (false, false, 1)], 3)]
#[case(&[(true, false, 8), (false, false, 2)], 8)]
#[case(&[(true, true, 1), (true, false, 8), (false, false, 2)], 9)]
#[case(&[(true, false, 2), (true, true, 1), (false, false, 4)], 5)]
#[case(&[(true, false, 0)], 0)]
fn requests(#[case] containers: &[(bool, bool, u32)], #[case] want: u32) {
    let asks: Vec<Asks> = containers
        .iter()
        .map(|&(init, sidecar, n)| Asks {
            init,
            sidecar,
            amounts: devices("nvidia.com/gpu", n),
        })
        .collect();
    assert_eq!(effective(&asks).get("nvidia.com/gpu"), want);
}
