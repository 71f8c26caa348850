//! KubeRay: clusters of a head and groups of workers, and jobs that bring a cluster of their own.

pub mod cluster;
pub mod job;
mod pods;

pub const GROUP: &str = "ray.io";
const CLUSTER: &str = "ray.io/cluster";
const NODE_TYPE: &str = "ray.io/node-type";
const NODE_GROUP: &str = "ray.io/group";
const CONTROLLER: &str = "ray.io/kuberay-operator";
const DOMAIN: &str = "svc.cluster.local";

/// The name of the service before a head.
fn head_service(owner: &str) -> String {
    format!("{owner}-head-svc")
}

#[cfg(test)]
mod tests;
