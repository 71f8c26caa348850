//! What a kube-apiserver does to a request between the wire and the store.

pub mod admit;
pub mod continues;
pub mod custom;
pub mod decode;
pub mod defaults;
pub mod delete;
pub mod events;
pub mod fields;
pub mod gojson;
pub mod logs;
pub mod names;
pub mod namespaces;
pub mod options;
pub mod owned;
pub mod patch;
pub mod quantity;
pub mod schema;
pub mod selector;
pub mod skeleton;
pub mod status;
pub mod strategy;
pub mod table;
pub mod validate;
pub mod write;
