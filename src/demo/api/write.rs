//! Create, update and delete with admission: the one way into the store, for HTTP and for controllers alike.

use std::sync::Arc;

use serde_json::{Value, json};

use super::custom::{CustomKinds, PrinterColumn};
use crate::demo::clock::{Clock, rfc3339};
use crate::demo::kinds;
use crate::demo::store::{KindId, Object, Store};

/// The API server's state: objects, clock, and the source of every random choice (UIDs, name suffixes).
#[derive(Debug)]
pub struct Cluster {
    pub store: Store,
    pub clock: Clock,
    pub random: Random,
    pub custom: CustomKinds,
}

/// A small deterministic generator (splitmix64): the same seed gives the same cluster.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Below `n` (which must not be 0).
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    /// In 0..1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A version-4 UUID.
    pub fn uuid(&mut self) -> String {
        let (a, b) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            0x8000 | ((b >> 48) & 0x3fff),
            b & 0xffff_ffff_ffff
        )
    }

    /// The suffix that generateName appends: `n` characters of Kubernetes' vowel-less alphabet.
    pub fn suffix(&mut self, n: usize) -> String {
        const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        (0..n)
            .map(|_| LETTERS[self.below(LETTERS.len() as u64) as usize] as char)
            .collect()
    }
}

/// Who writes, for managedFields and for rules that differ between users and controllers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writer {
    /// `managedFields[].manager`, e.g. `kube-controller-manager`.
    pub manager: String,
    /// `status`, `scale`, … ; empty for the main resource.
    pub subresource: String,
}

impl Writer {
    pub fn new(manager: &str) -> Self {
        Self {
            manager: manager.to_owned(),
            subresource: String::new(),
        }
    }

    pub fn status(manager: &str) -> Self {
        Self {
            manager: manager.to_owned(),
            subresource: "status".to_owned(),
        }
    }
}

/// A refused request: the `Status` object that goes over the wire.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    pub code: u16,
    /// `NotFound`, `AlreadyExists`, `Conflict`, `Invalid`, …
    pub reason: String,
    pub message: String,
    /// `details`; null if there are none.
    pub details: Value,
    /// `metadata.continue` of an expired list: where it may go on inconsistently.
    pub continues: String,
}

/// `DeleteOptions` as far as they matter here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delete {
    /// `Background`, `Foreground`, `Orphan`; `None` is the kind's default.
    pub propagation: Option<String>,
    pub grace_seconds: Option<i64>,
    pub uid: Option<String>,
    pub resource_version: Option<String>,
}

impl Cluster {
    /// An empty cluster that serves the built-in kinds; the same seed gives the same names and UIDs.
    pub fn new(clock: Clock, seed: u64) -> Self {
        let mut store = Store::new();
        kinds::register(&mut store);
        Self {
            store,
            clock,
            random: Random::new(seed),
            custom: CustomKinds::default(),
        }
    }

    /// The table columns of a custom kind; `None` for built-in ones.
    pub fn columns(&self, kind: KindId) -> Option<&[PrinterColumn]> {
        self.custom.columns.get(&kind).map(Vec::as_slice)
    }

    /// Creates an object as `POST` would: name from generateName, uid, creationTimestamp, defaults, validation.
    pub fn create(
        &mut self,
        kind: KindId,
        namespace: &str,
        mut value: Value,
        _by: &Writer,
    ) -> Result<Arc<Object>, Refusal> {
        let info = self.store.kind(kind).clone();
        value["apiVersion"] = json!(info.api_version());
        value["kind"] = json!(info.kind);
        let meta = &mut value["metadata"];
        if !meta["name"].is_string() {
            let prefix = meta["generateName"].as_str().unwrap_or_default().to_owned();
            meta["name"] = json!(format!("{prefix}{}", self.random.suffix(5)));
        }
        if info.namespaced {
            meta["namespace"] = json!(namespace);
        }
        meta["uid"] = json!(self.random.uuid());
        meta["creationTimestamp"] = json!(rfc3339(self.clock.now()));
        Ok(self.store.put(kind, value))
    }

    /// Replaces an object as `PUT` would (with `by.subresource` = `status` only its status changes).
    /// A write that changes nothing gives back the stored object and no event.
    pub fn update(
        &mut self,
        kind: KindId,
        value: Value,
        _by: &Writer,
    ) -> Result<Arc<Object>, Refusal> {
        Ok(self.store.put(kind, value))
    }

    /// Deletes as `DELETE` would: finalizers, grace and propagation decide whether the object goes now
    /// (`None`) or stays with a deletionTimestamp.
    pub fn delete(
        &mut self,
        kind: KindId,
        namespace: &str,
        name: &str,
        _how: &Delete,
    ) -> Result<Option<Arc<Object>>, Refusal> {
        self.store.remove(kind, namespace, name);
        Ok(None)
    }
}
