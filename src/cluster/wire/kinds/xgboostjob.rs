//! kubeflow.org XGBoostJob: a master and workers.

use super::common::kubeflow::{Flavor, Kubeflow};
use crate::model::job::Facts;

pub type This = Kubeflow<XgBoost>;

#[derive(Default)]
pub struct XgBoost;

impl Flavor for XgBoost {
    const FACTS: &'static Facts = &Facts::new(
        "kubeflow.org",
        &["v1"],
        "XGBoostJob",
        "xgboostjobs",
        "XGBoost",
    )
    .letters("XGB");
}
