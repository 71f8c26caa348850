//! kubeflow.org PyTorchJob: a master and workers, or workers alone that elect their leader.

use super::common::kubeflow::{Flavor, Kubeflow};
use crate::model::job::Facts;

pub type This = Kubeflow<PyTorch>;

#[derive(Default)]
pub struct PyTorch;

impl Flavor for PyTorch {
    const FACTS: &'static Facts = &Facts::new(
        "kubeflow.org",
        &["v1"],
        "PyTorchJob",
        "pytorchjobs",
        "PyTorch",
    )
    .letters("PyT");
}
