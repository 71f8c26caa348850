//! What the columns of the lists show, in a few words each.

use crate::model::extra::List;

/// Empty where the name says it.
pub fn column(list: List, name: &str) -> &'static str {
    match (list, name) {
        (_, "age") => "since it was made",
        (_, "gpus") => "devices asked for",
        (List::Jobs, "state") => "running, queued, failed … with its sign",
        (List::Jobs, "kind") => "Job, PyTorchJob, JobSet …",
        (List::Jobs, "progress") => "how much is done, as a bar",
        (List::Jobs, "loss") => "the training's loss, where its log was read",
        (List::Jobs, "active") => "pods active, ready, failed",
        (List::Jobs, "retries") => "tries after a failure",
        (List::Jobs, "elapsed") => "since it started",
        (List::Jobs, "eta") => "time left, estimated",
        (List::Jobs, "queue") => "Kueue's local queue",
        (List::Jobs, "priority") => "priority class",
        (List::Jobs, "image") => "of the first container",
        (List::Jobs, "reason") => "of the deciding condition",
        (List::Jobs, "why") => "why it waits or failed, in a sentence",
        (List::Pods, "status") => "kubectl's STATUS",
        (List::Pods, "ready") => "containers that are ready",
        (List::Pods, "index") => "completion index",
        (List::Pods, "job") => "the job it belongs to",
        (List::Pods, "node") => "where it runs",
        (List::Pods, "why") => "why it is pending or dead",
        (List::Nodes, "status") => "ready, cordoned, sick …",
        (List::Nodes, "product") => "model of its GPUs",
        (List::Nodes, "used") => "GPUs that pods asked for, as a bar",
        (List::Nodes, "use") => "what its GPUs do, where exporters are asked",
        (List::Nodes, "free") => "GPUs nobody holds",
        (List::Nodes, "sick") => "GPUs it has and does not offer",
        (List::Nodes, "version") => "of its kubelet",
        (List::Events, "last") => "when it was last seen",
        (List::Events, "count") => "how often",
        (List::Events, "type") => "Normal or Warning",
        (List::Events, "about") => "the object",
        (List::Events, "by") => "who says so",
        _ => "",
    }
}
