//! kubeflow.org MPIJob: v2beta1 of the mpi-operator, or v1 of the training-operator; a cluster serves one of them.
//! The launcher of v2 is a Job of its own, folded under this.

use super::common::kubeflow::{Flavor, Kubeflow};
use crate::model::job::Facts;

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
}
