//! Create, update and delete with admission: the one way into the store, for HTTP and for controllers alike.

use std::sync::Arc;

use serde_json::{Value, json};

use super::custom::{self, CustomKinds, definition};
use super::schema::Schemas;
use super::{admit, defaults, delete, owned, skeleton, strategy, validate};
use crate::clock::{Clock, rfc3339};
use crate::kinds;
use crate::store::{Kind, KindId, Object, Store};

/// The API server's state: objects, clock, and the source of every random choice (UIDs, name suffixes).
#[derive(Debug)]
pub struct Cluster {
    pub store: Store,
    pub clock: Clock,
    pub random: Random,
    pub custom: CustomKinds,
    /// A scene's history is being played: who changed which field of it is not worked out, since that costs
    /// more than all the rest and nobody watches yet.
    pub replaying: bool,
}

/// A small deterministic generator (splitmix64): the same seed gives the same cluster.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Below `n` (which must not be 0).
    pub fn below(&mut self, n: u64) -> u64 {
        self.draw() % n.max(1)
    }

    /// In 0..1.
    pub fn unit(&mut self) -> f64 {
        (self.draw() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A version-4 UUID.
    pub fn uuid(&mut self) -> String {
        let (a, b) = (self.draw(), self.draw());
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
            replaying: false,
            custom: CustomKinds::default(),
        }
    }

    /// Creates an object as `POST` would: name from generateName, uid, creationTimestamp, defaults, validation.
    ///
    /// # Errors
    /// What the server would answer: 404 for the namespace, 409, 422, 403.
    pub fn create(
        &mut self,
        kind: KindId,
        namespace: &str,
        value: Value,
        by: &Writer,
    ) -> Result<Arc<Object>, Refusal> {
        let ready = self.prepare_create(kind, namespace, value, by, None)?;
        Ok(self.commit_create(kind, ready))
    }

    /// All of a creation but the storing; `managed` are managedFields that an apply has worked out already.
    pub fn prepare_create(
        &mut self,
        kind: KindId,
        namespace: &str,
        mut value: Value,
        by: &Writer,
        managed: Option<Value>,
    ) -> Result<Value, Refusal> {
        if !value.is_object() {
            return Err(Refusal::bad_request("the object is not an object"));
        }
        let info = self.seen_as(kind, &value);
        self.takes_new(&info, &value)?;
        value["apiVersion"] = json!(info.api_version());
        value["kind"] = json!(info.kind);
        let meta = defaults::child(&mut value, "metadata");
        if meta["resourceVersion"]
            .as_str()
            .is_some_and(|rv| !rv.is_empty() && rv != "0")
        {
            return Err(Refusal::internal(
                "resourceVersion should not be set on objects to be created",
            ));
        }
        strategy::reset_metadata(meta);
        if info.namespaced {
            meta["namespace"] = json!(namespace);
        } else if let Some(meta) = meta.as_object_mut() {
            meta.remove("namespace");
        }
        strategy::reset_status(&info, &mut value);
        self.structure(kind, &info, &mut value)
            .map_err(Refusal::bad_request)?;
        let labels = value["metadata"]["labels"].as_object();
        let bare = labels.is_none_or(serde_json::Map::is_empty);
        if !info.custom {
            strategy::drop_nulls(&mut value);
            defaults::apply(&info.group, &info.kind, &mut value);
        }
        match managed {
            Some(fields) => value["metadata"]["managedFields"] = fields,
            None => {
                let empty = skeleton::empty(&info, false);
                self.credit(kind, &info, &empty, &mut value, by);
            }
        }
        self.namespace_takes(&info, &value)?;
        self.name(kind, &info, &mut value)?;
        admit::create(self, &info, &mut value)?;
        let meta = &mut value["metadata"];
        meta["uid"] = json!(self.random.uuid());
        meta["creationTimestamp"] = json!(rfc3339(self.clock.now()));
        strategy::prepare_create(self, &info, &mut value, bare);
        if !info.custom {
            defaults::apply(&info.group, &info.kind, &mut value);
        }
        let mut causes = validate::create(&info, &value);
        causes.extend(self.own_rules(kind, &info, None, &value, ""));
        let name = value["metadata"]["name"].as_str().unwrap_or_default();
        if !causes.is_empty() {
            return Err(Refusal::invalid(&info.group, &info.kind, name, &causes));
        }
        if self.store.get(kind, namespace_of(&value), name).is_some() {
            return Err(Refusal::already_exists(&info, name));
        }
        self.convert(kind, &self.store.kind(kind).version, &mut value);
        Ok(value)
    }

    /// What a definition has against an object, or the server against a definition.
    fn own_rules(
        &self,
        kind: KindId,
        info: &Kind,
        old: Option<&Value>,
        value: &Value,
        sub: &str,
    ) -> Vec<super::status::Cause> {
        if definition::is_definition(info) && sub.is_empty() {
            return definition::validate(value, old);
        }
        let version = self.custom.version(kind, &info.version);
        version.map_or_else(Vec::new, |v| custom::check(v, value, old, sub == "status"))
    }

    /// Stores what [`Cluster::prepare_create`] made.
    pub fn commit_create(&mut self, kind: KindId, value: Value) -> Arc<Object> {
        let stored = self.store.put(kind, value);
        self.written(kind, &stored.name);
        stored
    }

    /// The name, made from generateName where it is missing.
    fn name(&mut self, kind: KindId, info: &Kind, value: &mut Value) -> Result<(), Refusal> {
        let meta = &mut value["metadata"];
        if meta["name"].as_str().is_some_and(|n| !n.is_empty()) {
            return Ok(());
        }
        let Some(prefix) = meta["generateName"].as_str().filter(|p| !p.is_empty()) else {
            return Ok(());
        };
        // The server cuts the prefix so that the suffix still fits.
        let prefix: String = prefix.chars().take(58).collect();
        let namespace = namespace_of(value).to_owned();
        for _ in 0..8 {
            let name = format!("{prefix}{}", self.random.suffix(5));
            if self.store.get(kind, &namespace, &name).is_none() {
                value["metadata"]["name"] = json!(name);
                return Ok(());
            }
        }
        Err(Refusal::already_exists(info, &prefix))
    }

    /// Credits a write in managedFields.
    fn credit(&self, kind: KindId, info: &Kind, old: &Value, new: &mut Value, by: &Writer) {
        if self.replaying && (info.kind == "Event" || old["metadata"]["uid"].is_string()) {
            return;
        }
        let who = self.manager(info, by, owned::Operation::Update);
        let types = self.types(kind, info);
        owned::update(&types, place(&types, info), old, new, &who);
    }

    pub fn manager(&self, info: &Kind, by: &Writer, operation: owned::Operation) -> owned::Manager {
        owned::Manager {
            name: by.manager.clone(),
            operation,
            api_version: info.api_version(),
            subresource: by.subresource.clone(),
            time: rfc3339(self.clock.now()),
            set: owned::Set::default(),
        }
    }

    /// Replaces an object as `PUT` would (with `by.subresource` = `status` only its status changes).
    /// A write that changes nothing gives back the stored object and no event.
    ///
    /// # Errors
    /// 404, 409 for another version than the stored one, 422.
    pub fn update(
        &mut self,
        kind: KindId,
        value: Value,
        by: &Writer,
    ) -> Result<Arc<Object>, Refusal> {
        let ready = self.prepare_update(kind, value, by, None)?;
        Ok(self.commit_update(kind, ready))
    }

    /// All of an update but the storing.
    pub fn prepare_update(
        &mut self,
        kind: KindId,
        mut value: Value,
        by: &Writer,
        managed: Option<Value>,
    ) -> Result<Value, Refusal> {
        let info = self.seen_as(kind, &value);
        let name = value["metadata"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let namespace = if info.namespaced {
            namespace_of(&value)
        } else {
            ""
        };
        let Some(stored) = self.store.get(kind, namespace, &name).cloned() else {
            return Err(Refusal::not_found(&info, &name));
        };
        let mut old = stored.tree();
        if info.custom && old["apiVersion"] != info.api_version() {
            old = Arc::new(self.shown_as(&stored, &info.version));
        }
        let rv = value["metadata"]["resourceVersion"]
            .as_str()
            .unwrap_or_default();
        if !rv.is_empty() && rv != "0" && rv != stored.rv.to_string() {
            return Err(Refusal::modified(&info, &name));
        }
        if let Some(uid) = value["metadata"]["uid"].as_str().filter(|u| !u.is_empty())
            && uid != stored.uid
        {
            let why = format!(
                "Precondition failed: UID in precondition: {uid}, UID in object meta: {}",
                stored.uid
            );
            return Err(Refusal::conflict(&info.group, &info.plural, &name, &why));
        }
        value["apiVersion"] = json!(info.api_version());
        value["kind"] = json!(info.kind);
        // The scheduler binds: it alone sets a node, and is not credited with it.
        let binds =
            info.kind == "Pod" && by.manager == "kube-scheduler" && by.subresource.is_empty();
        let sub = if binds { "binding" } else { &by.subresource };
        strategy::prepare_update(&info, &old, &mut value, sub);
        self.structure(kind, &info, &mut value)
            .map_err(Refusal::bad_request)?;
        if !info.custom {
            strategy::drop_nulls(&mut value);
            // The other parts were defaulted when they were written.
            if sub.is_empty() {
                defaults::apply(&info.group, &info.kind, &mut value);
            }
        }
        match managed {
            Some(fields) => value["metadata"]["managedFields"] = fields,
            None if binds => {}
            None => self.credit(kind, &info, &old, &mut value, by),
        }
        if !binds {
            strategy::bump_generation(&info, &old, &mut value);
        }
        let mut causes = validate::update(&info, &old, &value, sub);
        causes.extend(self.own_rules(kind, &info, Some(&old), &value, sub));
        if !causes.is_empty() {
            return Err(Refusal::invalid(&info.group, &info.kind, &name, &causes));
        }
        self.convert(kind, &self.store.kind(kind).version, &mut value);
        Ok(value)
    }

    /// Stores what [`Cluster::prepare_update`] made, or nothing if nothing changed.
    pub fn commit_update(&mut self, kind: KindId, value: Value) -> Arc<Object> {
        let name = value["metadata"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let namespace = namespace_of(&value).to_owned();
        if let Some(stored) = self.store.get(kind, &namespace, &name) {
            if *stored.tree() == value {
                return stored.clone();
            }
            let meta = &value["metadata"];
            let bare = meta["finalizers"].as_array().is_none_or(Vec::is_empty);
            let waits = meta["deletionGracePeriodSeconds"]
                .as_i64()
                .unwrap_or_default()
                > 0;
            if meta["deletionTimestamp"].is_string() && bare && !waits && !delete::holds(&value) {
                // The last finalizer is gone: so is the object.
                let last = self.store.put(kind, value);
                self.store.remove(kind, &namespace, &name);
                self.removed(kind);
                return last;
            }
        }
        let stored = self.store.put(kind, value);
        self.written(kind, &name);
        stored
    }
}

/// The namespace of an object; empty for cluster-scoped ones.
pub(super) fn namespace_of(value: &Value) -> &str {
    value["metadata"]["namespace"].as_str().unwrap_or_default()
}

/// Where field ownership begins for a kind.
pub fn place(types: &Schemas, info: &Kind) -> owned::Place {
    let root = types.root(&info.group, &info.version, &info.kind);
    owned::Place::root(root.unwrap_or(types.any()))
}
