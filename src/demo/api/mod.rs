//! What a kube-apiserver does to a request between the wire and the store.

pub mod write;
