//! kubeflow.org MPIJob: v2beta1 of the mpi-operator, or v1 of the training-operator; a cluster serves one of them.
//! The launcher of v2 is a Job of its own, folded under this.

use super::common::kubeflow::{Flavor, Kubeflow};
use crate::cluster::wire::meta::Meta;
use crate::model::ids::Names;
use crate::model::job::Facts;
use crate::model::pod::Replica;

pub type This = Kubeflow<Mpi>;

#[derive(Default)]
pub struct Mpi;

impl Flavor for Mpi {
    const FACTS: &'static Facts = &Facts::new(
        "kubeflow.org",
        &["v2beta1", "v1"],
        "MPIJob",
        "mpijobs",
        "MPI",
    );
    const NONE_BY_DEFAULT: &'static [&'static str] = &["Worker"];

    fn operator(api_version: &str) -> String {
        match api_version {
            "kubeflow.org/v1" => "mpijob-controller".into(),
            _ => "mpi-operator".into(),
        }
    }

    /// The mpi-operator names no replica type. Its launcher is a Job's pod, and one that works too takes index 0 of
    /// the workers' labels: their names tell.
    fn replica(pod: &Meta, names: &mut Names) -> Option<Replica> {
        if pod.label("training.kubeflow.org/operator-name") != Some("mpi-operator") {
            return None;
        }
        let role = pod.label("training.kubeflow.org/job-role")?;
        let last = pod.name.rsplit('-').next().and_then(|n| n.parse().ok());
        Some(Replica {
            role: names.get(role),
            number: last.filter(|_| role != "launcher"),
            within: 0,
        })
    }
}
