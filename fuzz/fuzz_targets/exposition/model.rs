//! As much of `crate::model` as the reader of exporters names.

#[path = "../../../src/model/ids.rs"]
pub mod ids;

/// What [`ids::Names`] shares of pods, which no exporter writes.
pub mod pod {
    #[derive(Debug, PartialEq, Eq, Hash)]
    pub struct Common;
}
pub mod shape {
    #[derive(Debug, PartialEq, Eq, Hash)]
    pub struct Shape;
}

#[path = "gpu_use.rs"]
pub mod gpu_use;
