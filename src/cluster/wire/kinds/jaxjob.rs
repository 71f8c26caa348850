//! kubeflow.org JAXJob: workers only.

use super::common::kubeflow::{Flavor, Kubeflow};
use crate::model::job::Facts;

pub type This = Kubeflow<Jax>;

#[derive(Default)]
pub struct Jax;

impl Flavor for Jax {
    const FACTS: &'static Facts = &Facts::new("kubeflow.org", &["v1"], "JAXJob", "jaxjobs", "JAX");
}
