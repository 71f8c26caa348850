//! kubeflow.org PaddleJob: a master and workers, or workers alone.

use super::common::kubeflow::{Flavor, Kubeflow};
use crate::model::job::Facts;

pub type This = Kubeflow<Paddle>;

#[derive(Default)]
pub struct Paddle;

impl Flavor for Paddle {
    const FACTS: &'static Facts =
        &Facts::new("kubeflow.org", &["v1"], "PaddleJob", "paddlejobs", "Paddle").letters("Pad");
}
