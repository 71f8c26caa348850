//! kubeflow.org TFJob: a chief or master, workers, parameter servers and an evaluator.

use super::common::kubeflow::{Flavor, Kubeflow};
use crate::model::job::Facts;

pub type This = Kubeflow<Tf>;

#[derive(Default)]
pub struct Tf;

impl Flavor for Tf {
    const FACTS: &'static Facts = &Facts::new("kubeflow.org", &["v1"], "TFJob", "tfjobs", "TF");
}
