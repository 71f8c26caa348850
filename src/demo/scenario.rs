//! Scenes: which nodes and jobs a demo cluster holds, and what arrives there in the course of time.

use chrono::{DateTime, Utc};

use super::api::write::Cluster;
use super::controllers::Kinds;
use super::controllers::kubelet::Kubelet;

/// A script of things that users do.
#[derive(Debug, Default)]
pub struct Scene {}

impl Scene {
    /// Does what is due; answers when the next thing is due.
    pub fn step(
        &mut self,
        _cluster: &mut Cluster,
        _kinds: Kinds,
        _kubelet: &mut Kubelet,
    ) -> Option<DateTime<Utc>> {
        None
    }
}
