//! What several kinds of one API group share; not in the list themselves.

pub mod kubeflow;
pub mod ray;
