//! The situations: each is a few objects, with messages worded as Kueue's.

use super::*;

pub(super) fn situations() -> Vec<(&'static str, Scene)> {
    let waits = |reason: &str, message: &str| scene().with(asks().waits(reason, message));
    let preempted = |by: &WorkloadRow, path: &str| {
        format!(
            "Preempted to accommodate a workload (UID: {}, JobUID: UNKNOWN) due to reclamation within the cohort; preemptor path: {path}; preemptee path: /research/team-a",
            by.key.uid
        )
    };
    let vit = workload("vit", "vision-main", 10);
    let inactive = |reason: &str, message: &str| {
        scene()
            .with(asks().waits("Inadmissible", "ClusterQueue team-a is inactive"))
            .change(|w| w.queues[0] = w.queues[0].clone().inactive_for(reason, message))
    };
    let reserved = |state, message: &str| {
        asks()
            .reserves("team-a", "h100")
            .check("approval", state, message)
    };
    vec![
        // no Workload
        ("queue mistyped", scene().job(job_of("job", "vison-main"))),
        ("queue of a namespace without any", {
            let mut job = job_of("job", "main");
            job.namespace = "empty".into();
            scene().job(job)
        }),
        ("queue quite unlike", scene().job(job_of("job", "gpu"))),
        ("just submitted", {
            let mut job = job_of("job", "main");
            job.created = Some(at(595));
            scene().job(job)
        }),
        ("controller silent", scene().job(job_of("job", "main"))),
        ("kind not enabled", {
            let scene = scene().change(|w| w.workloads.clear());
            scene.job(job_of("job", "main"))
        }),
        (
            "nothing of Kueue is readable",
            Scene::default().job(job_of("job", "main")),
        ),
        (
            "no Kueue installed",
            Scene::default()
                .job(job_of("job", "main"))
                .more(QueueRows::Served(false)),
        ),
        // off
        ("deactivated by a person", {
            let mut row = asks().with(on("Evicted", "Deactivated", "The workload is deactivated"));
            row.active = false;
            scene().with(row)
        }),
        ("deactivated by Kueue", {
            let mut row = asks().with(on(
                "Evicted",
                "Deactivated",
                "The workload is deactivated due to exceeding the maximum number of re-queuing retries",
            ));
            row.active = false;
            scene().with(row)
        }),
        ("on hold", waits("OnHold", "Job is on hold")),
        (
            "gated",
            waits(
                "AdmissionGated",
                "Admission is gated by: example.com/approve",
            ),
        ),
        // queues
        ("names no queue", scene().with(workload("job", "", 8))),
        ("local queue gone, with a Workload", {
            scene().with(
                workload("job", "mian", 8).waits("Inadmissible", "LocalQueue mian doesn't exist"),
            )
        }),
        ("local queue gone, only the message", {
            let mut scene = Scene::default();
            scene.world.workloads =
                vec![asks().waits("Misconfigured", "LocalQueue main doesn't exist")];
            scene
        }),
        ("local queue held", {
            scene()
                .with(asks())
                .change(|w| w.local[0].stop = Stop::Hold)
        }),
        ("cluster queue drained", {
            scene()
                .with(asks().waits("Inadmissible", "ClusterQueue team-a is stopped"))
                .change(|w| w.queues[0].stop = Stop::HoldAndDrain)
        }),
        ("cluster queue inactive, only the message", {
            let mut scene = Scene::default();
            scene.world.workloads =
                vec![asks().waits("Suspended", "ClusterQueue team-a is inactive")];
            scene
        }),
        ("cluster queue missing", {
            scene()
                .with(asks().waits("Inadmissible", "ClusterQueue team-x doesn't exist"))
                .change(|w| w.local[0].cluster_queue = "team-x".into())
        }),
        (
            "flavor missing",
            inactive(
                "FlavorNotFound",
                "Can't admit new workloads: references missing ResourceFlavor(s): h200.",
            ),
        ),
        (
            "check missing",
            inactive(
                "AdmissionCheckNotFound",
                "Can't admit new workloads: references missing AdmissionCheck(s): approval.",
            ),
        ),
        (
            "check inactive",
            inactive(
                "AdmissionCheckInactive",
                "Can't admit new workloads: references inactive AdmissionCheck(s): approval.",
            ),
        ),
        (
            "topology missing",
            inactive(
                "TopologyNotFound",
                "Can't admit new workloads: there is no Topology \"racks\" for TAS flavor \"h100\".",
            ),
        ),
        (
            "queue is being deleted",
            inactive(
                "Terminating",
                "Can't admit new workloads; clusterQueue is terminating",
            ),
        ),
        (
            "queue inactive for something new",
            inactive(
                "SomethingNew",
                "Can't admit new workloads: the moon is full.",
            ),
        ),
        (
            "cohorts in a ring",
            scene().with(asks()).change(|w| {
                w.cohorts = vec![cohort("research").below("research")];
            }),
        ),
        ("namespace not taken", {
            waits(
                "Inadmissible",
                "workload namespace doesn't match ClusterQueue selector",
            )
            .change(|w| {
                w.queues[0].namespaces = Namespaces::Selected("team=a".into());
            })
        }),
        (
            "queue takes nobody",
            scene()
                .with(asks())
                .change(|w| w.queues[0].namespaces = Namespaces::Nobody),
        ),
        (
            "limit range",
            waits(
                "Inadmissible",
                "resources didn't satisfy LimitRange constraints: podSets[0].template.spec.containers[0]: Invalid value: [\"cpu\"]: requests must not be above the limitRange max",
            ),
        ),
        // the line
        ("not tried, behind a strict head", {
            let head = workload("mixtral", "main", 8)
                .at_priority(10)
                .waits("Pending", SHORT_MESSAGE);
            scene()
                .with(head)
                .with(asks())
                .change(|w| w.queues[0].strict = true)
        }),
        (
            "not tried, and there is room",
            scene().with(workload("job", "main", 2)),
        ),
        ("not tried, numbers are ours", scene().with(asks())),
        ("pending evaluation", {
            scene().with(workload("job", "main", 2).waits(
                "PendingEvaluation",
                "Workload is pending evaluation in the scheduling queue",
            ))
        }),
        // quota
        ("quota is short", waits("Pending", SHORT_MESSAGE)),
        ("quota is short, in line", {
            let head = workload("mixtral", "main", 8)
                .at_priority(10)
                .waits("Pending", SHORT_MESSAGE);
            scene()
                .with(head)
                .with(asks().waits("WaitingForQuota", SHORT_MESSAGE))
        }),
        ("quota is short, others borrowed", {
            waits("WaitingForQuota", SHORT_MESSAGE).change(|w| {
                w.queues[0] = cq("team-a").within("research").quota_of("h100", 8);
                w.queues[1] = cq("team-b")
                    .within("research")
                    .quota_of("h100", 16)
                    .holds("h100", 22);
            })
        }),
        ("quota is short, reclaimable", {
            waits("WaitingForQuota", SHORT_MESSAGE).change(|w| {
                w.queues[0] = cq("team-a").within("research").quota_of("h100", 8);
                w.queues[0].preemption.reclaim_within_cohort = "Any".into();
                w.queues[1] = cq("team-b")
                    .within("research")
                    .quota_of("h100", 16)
                    .holds("h100", 22);
            })
        }),
        ("quota is short, another queue has room", {
            waits("WaitingForQuota", SHORT_MESSAGE).change(|w| {
                w.queues.push(cq("spare").quota_of("a100", 32));
                w.local.push(lq("spare", "spare"));
            })
        }),
        ("quota is short, only the Workload is known", {
            let mut scene = Scene::default();
            scene.world.workloads = vec![asks().waits("Pending", SHORT_MESSAGE)];
            scene
        }),
        ("Kueue's number is not ours", {
            waits(
                "Pending",
                "couldn't assign flavors to pod set main: insufficient unused quota for nvidia.com/gpu in flavor h100, 3 more needed",
            )
        }),
        ("two flavors, cpu too", {
            waits(
                "Pending",
                "couldn't assign flavors to pod set main: insufficient unused quota for cpu in flavor default, 24 more needed, insufficient unused quota for cpu in flavor spot, 1500m more needed",
            )
        }),
        (
            "memory",
            waits(
                "Pending",
                "couldn't assign flavors to pod set main: insufficient unused quota for memory in flavor default, 64Gi more needed",
            ),
        ),
        (
            "lost the race",
            waits(
                "Pending",
                "Workload no longer fits after processing another workload",
            ),
        ),
        (
            "an equal one just failed",
            waits(
                "WaitingForQuota",
                "Bypassed scheduling evaluation because an equivalent workload recently failed",
            ),
        ),
        // never
        ("larger than the cohort", {
            let mut row = workload("job", "main", 64);
            row.pod_sets[0].count = 8;
            scene().with(row.waits("ExceedsMaxQuota", "couldn't assign flavors to pod set main: insufficient quota for nvidia.com/gpu in flavor h100, previously considered podsets requests (0) + current podset request (64) > maximum capacity (24)"))
        }),
        (
            "larger, not tried yet",
            scene().with(workload("job", "main", 64)),
        ),
        ("larger, but another queue is larger still", {
            scene()
                .with(workload("job", "main", 64).waits("ExceedsMaxQuota", "couldn't assign flavors to pod set main: insufficient quota for nvidia.com/gpu in flavor h100, request > maximum capacity (64 > 24)"))
                .change(|w| {
                    w.queues.push(cq("huge").quota_of("h100", 128).holds("h100", 100));
                    w.local.push(lq("huge", "huge"));
                })
        }),
        (
            "no flavor suits",
            waits(
                "NoMatchingFlavor",
                "couldn't assign flavors to pod set main: flavor a100 doesn't match node affinity, untolerated taint {gpu true NoSchedule <nil>} in flavor h100",
            ),
        ),
        (
            "resource not offered",
            waits(
                "NoMatchingFlavor",
                "couldn't assign flavors to pod set main: resource amd.com/gpu unavailable in ClusterQueue",
            ),
        ),
        // preemption
        ("preempting", {
            let mut scene = waits(
                "WaitingForPreemptedWorkloads",
                &format!("{SHORT_MESSAGE}. Pending the preemption of 2 workload(s)"),
            );
            let me = asks();
            for row in &mut scene.world.workloads[1..3] {
                *row = row.clone().with(on(
                    "Preempted",
                    "InCohortReclamation",
                    &preempted(&me, "/research/team-a"),
                ));
            }
            scene
        }),
        (
            "preempting, nobody known",
            waits(
                "Pending",
                &format!("{SHORT_MESSAGE}. Pending the preemption of 1 workload(s)"),
            ),
        ),
        (
            "overlapping targets",
            waits(
                "Pending",
                "Workload has overlapping preemption targets with another workload",
            ),
        ),
        ("preempted, still ending", {
            let text = preempted(&vit, "/research/team-b");
            let row = asks()
                .admitted("team-a", "h100", 9)
                .with(on("Evicted", "Preempted", &text))
                .with(on("Preempted", "InCohortReclamation", &text));
            scene().with(row)
        }),
        ("preempted, queues again", {
            let text = preempted(&vit, "/research/team-b");
            let mut row = asks()
                .waits("Pending", &text)
                .with(on("Evicted", "Preempted", &text))
                .with(on("Preempted", "InCohortReclamation", &text));
            row.evictions = vec![Eviction {
                reason: "Preempted".into(),
                cause: "".into(),
                count: 3,
            }];
            scene().with(row)
        }),
        ("preempted by one that cannot be seen", {
            let text = preempted(&workload("hidden", "x", 1), "/research/team-c");
            scene().with(asks().waits("Pending", &text).with(on(
                "Preempted",
                "InCohortReclamation",
                &text,
            )))
        }),
        ("preempted by one whose job alone is known", {
            let by = job_of("finetune", "main");
            let text = format!(
                "Preempted to accommodate a workload (UID: 9, JobUID: {}) due to prioritization in the ClusterQueue; preemptor path: /research/team-a; preemptee path: /research/team-a",
                by.key.uid
            );
            let row = asks()
                .waits("Pending", &text)
                .with(on("Preempted", "InClusterQueue", &text));
            let mut job = job_of("job", "main");
            job.key.uid = row.owners[0].2;
            scene().with(row).job(job).job(by)
        }),
        (
            "preemption gate",
            waits("Pending", "gated").change(|w| {
                let row = w.workloads.last_mut().unwrap();
                *row = row.clone().with(on(
                    "BlockedOnPreemptionGates",
                    "PreemptionGated",
                    "Workload requires preemption, but it's gated",
                ));
            }),
        ),
        // back-off
        ("back-off", {
            let mut row = asks()
                .waits("Pending", "Exceeded the PodsReady timeout ns/job")
                .with(on(
                    "Evicted",
                    "PodsReadyTimeout",
                    "Exceeded the PodsReady timeout ns/job",
                ));
            (row.requeues, row.requeue_at) = (3, Some(at(850)));
            scene().with(row)
        }),
        ("back-off over", {
            let mut row = workload("job", "main", 2).with(on("Evicted", "PodsReadyTimeout", ""));
            (row.requeues, row.requeue_at) = (3, Some(at(500)));
            scene().with(row)
        }),
        (
            "others' pods are not ready",
            waits(
                "WaitingForPodsReady",
                "waiting for all admitted workloads to be in PodsReady condition",
            ),
        ),
        // checks
        (
            "check pending",
            scene().with(
                reserved(CheckState::Pending, "waits for budget approval").with(off(
                    "Admitted",
                    "UnsatisfiedAdmissionChecks",
                    "The workload has not all checks ready",
                )),
            ),
        ),
        ("check pending, itself inactive", {
            scene().with(reserved(CheckState::Pending, "")).more(check(
                "approval",
                "example.com/approval",
                vec![off(
                    "Active",
                    "BadConfig",
                    "Cannot load the AdmissionChecks parameters: not found",
                )],
            ))
        }),
        (
            "check to be retried",
            scene().with(
                asks()
                    .check("approval", CheckState::Retry, "budget is used up")
                    .waits("Pending", "The workload has failed admission checks"),
            ),
        ),
        (
            "check rejected",
            scene().with(reserved(CheckState::Rejected, "not in this quarter")),
        ),
        ("machines are made", {
            let row = asks().reserves("team-a", "h100").check("prov", CheckState::Pending, "Waiting for resources. Currently there are not enough resources available to fulfill the request.");
            scene()
                .with(row)
                .more(check("prov", "kueue.x-k8s.io/provisioning-request", vec![]))
                .more(machines(vec![on("Accepted", "Accepted", "")]))
        }),
        ("machines could not be had", {
            let row = asks()
                .reserves("team-a", "h100")
                .check("prov", CheckState::Pending, "");
            scene().with(row).more(machines(vec![on(
                "Failed",
                "OutOfResources",
                "no h100 in zone b",
            )]))
        }),
        (
            "all checks ready",
            scene().with(reserved(CheckState::Ready, "")),
        ),
        (
            "topology delayed",
            scene().with(asks().reserves("team-a", "h100").with(off(
                "Admitted",
                "PendingDelayedTopologyRequests",
                "There are pending delayed topology requests",
            ))),
        ),
        // topology
        (
            "topology fits in part",
            waits(
                "TopologyPlacementFailed",
                "couldn't assign flavors to pod set main: topology \"racks\" allows to fit only 3 out of 8 pod(s). Total nodes: 12; excluded: resource \"nvidia.com/gpu\": 9",
            ),
        ),
        (
            "topology does not fit",
            waits(
                "Pending",
                "couldn't assign flavors to pod set main: topology \"racks\" doesn't allow to fit any of 2 slice(s)",
            ),
        ),
        ("a node failed", {
            let mut row = asks().admitted("team-a", "h100", 9);
            row.unhealthy_nodes = vec!["gpu-07".into()];
            scene().with(row)
        }),
        // worker clusters
        ("offered to workers", {
            let mut row = asks()
                .reserves("team-a", "h100")
                .check("mk", CheckState::Pending, "");
            row.nominated = vec!["eu".into(), "us".into()];
            scene()
                .with(row)
                .more(check("mk", "kueue.x-k8s.io/multikueue", vec![]))
                .more(worker(
                    "eu",
                    vec![off("Active", "ClientConnectionFailed", "dial tcp: timeout")],
                ))
        }),
        ("the only worker is lost", {
            let mut row = asks()
                .reserves("team-a", "h100")
                .check("mk", CheckState::Pending, "");
            row.nominated = vec!["eu".into()];
            scene()
                .with(row)
                .more(worker("eu", vec![off("Active", "BadKubeConfig", "x")]))
        }),
        ("no worker chosen", {
            let row = asks()
                .reserves("team-a", "h100")
                .check("mk", CheckState::Pending, "");
            scene()
                .with(row)
                .more(check("mk", "kueue.x-k8s.io/multikueue", vec![]))
        }),
        ("given to a worker", {
            let mut row = asks().admitted("team-a", "h100", 9);
            row.cluster = Some("eu".into());
            scene().with(row)
        }),
        // admitted
        (
            "admitted, no node has room",
            gang(
                2,
                0,
                "Pending",
                "Unschedulable: 0/24 nodes are available: 3 Insufficient cpu, 8 Insufficient nvidia.com/gpu. preemption: none",
            ),
        ),
        (
            "admitted, image pull",
            gang(
                1,
                0,
                "ImagePullBackOff",
                "ImagePullBackOff: Back-off pulling image \"r/t:v2.O\"",
            ),
        ),
        (
            "admitted, peers are missing",
            gang(
                8,
                7,
                "Pending",
                "Unschedulable: 0/24 nodes are available: 24 Insufficient nvidia.com/gpu.",
            ),
        ),
        (
            "admitted, gated by topology",
            gang(4, 0, "SchedulingGated", "held by kueue.x-k8s.io/topology"),
        ),
        ("admitted, not started", {
            scene()
                .with(asks().admitted("team-a", "h100", 590))
                .job(job_of("job", "main"))
        }),
        ("admitted, all up", gang(2, 2, "", "")),
        // the unknown
        (
            "a reason of the future",
            waits("FullMoon", "Workloads are not admitted at full moon."),
        ),
        ("a reason without words", waits("FullMoon", "")),
    ]
}
