//! As much of `crate::model::gpu_use` as the reader of exporters names.

#[path = "../../../src/model/gpu_use/reading.rs"]
pub mod reading;

/// As there.
pub const DEVICES: usize = 160;
pub const HOLDERS: usize = 48;
