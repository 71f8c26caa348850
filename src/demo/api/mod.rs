//! What a kube-apiserver does to a request between the wire and the store.

pub mod continues;
pub mod custom;
pub mod events;
pub mod fields;
pub mod gojson;
pub mod logs;
pub mod names;
pub mod options;
pub mod selector;
pub mod skeleton;
pub mod status;
pub mod table;
pub mod write;
