//! Objects by kind, one resourceVersion counter, and the history that watches replay: the demo's etcd.
//!
//! An object is kept as its JSON bytes plus the few fields that selection needs; lists and watch events
//! are these bytes, written out as they are. It knows nothing of admission, HTTP or controllers.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use content::Content;
use parts::Parts;
use serde::de::DeserializeOwned;
use serde_json::Value;

mod content;
mod kind;
mod parts;

pub use kind::{Kind, Served};

/// Index of a kind in its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KindId(u16);

/// An entry of `metadata.ownerReferences`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    pub uid: String,
    pub kind: String,
    pub name: String,
    pub controller: bool,
    pub block_owner_deletion: bool,
}

/// One stored object at one version. Immutable; a write makes a new one.
#[derive(Debug, Clone)]
pub struct Object {
    pub kind: KindId,
    /// Empty for cluster-scoped kinds.
    pub namespace: String,
    pub name: String,
    pub uid: String,
    pub rv: u64,
    pub labels: BTreeMap<String, String>,
    pub owners: Vec<Owner>,
    /// `metadata.deletionTimestamp` is set.
    pub deleting: bool,
    content: Content,
}

impl Object {
    /// The whole object, resourceVersion included; `kind` and `apiVersion` come first.
    pub fn json(&self) -> &[u8] {
        &self.content.text().json
    }

    /// The object as a tree. Whatever was written a moment ago is still in memory as one: the controllers
    /// that react to a write do not each parse it again.
    pub fn tree(&self) -> Arc<Value> {
        self.content.tree()
    }

    /// The object as a type that holds what is needed of it.
    pub fn read<T: DeserializeOwned + Default>(&self) -> T {
        match self.content.tree_at_hand() {
            Some(tree) => T::deserialize(&*tree).unwrap_or_default(),
            None => serde_json::from_slice(self.json()).unwrap_or_default(),
        }
    }

    /// The object as a tree of one's own, to change.
    pub fn value(&self) -> Value {
        Arc::unwrap_or_clone(self.tree())
    }

    /// The object without its opening brace, `kind` and `apiVersion`: items of typed lists bear neither.
    pub fn untyped(&self) -> &[u8] {
        let text = self.content.text();
        &text.json[text.body.min(text.json.len())..]
    }

    /// The UID of the owner with `controller: true`.
    pub fn controller(&self) -> Option<&Owner> {
        self.owners.iter().find(|o| o.controller)
    }
}

/// An object that is written as it stands: its JSON, and what of it selection needs.
#[derive(Debug, Clone, Default)]
pub struct Text {
    pub namespace: String,
    pub name: String,
    pub uid: String,
    pub labels: BTreeMap<String, String>,
    pub owners: Vec<Owner>,
    pub json: Vec<u8>,
}

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Added,
    Modified,
    Deleted,
}

/// One entry of the history.
#[derive(Debug, Clone)]
pub struct Event {
    pub rv: u64,
    pub change: Change,
    /// The object after the change; for `Deleted` its last state at the deletion's version.
    pub object: Arc<Object>,
    /// Its state before; `None` for `Added`.
    pub previous: Option<Arc<Object>>,
}

/// The asked version is older than the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compacted {
    /// Oldest version from which a watch can still start.
    pub oldest: u64,
}

#[derive(Debug, Default)]
struct Shelf {
    objects: BTreeMap<(String, String), Arc<Object>>,
    history: VecDeque<Arc<Event>>,
    /// Version of the newest event dropped from `history`.
    compacted: u64,
    /// No longer served; the number is never given again, so that old watches end.
    gone: bool,
}

/// Where versions begin: what is older counts as compacted, as on any cluster that has lived a while.
const FIRST: u64 = 1000;
/// How many events a kind's history keeps unless told otherwise.
const HISTORY: usize = 20_000;
/// How many of the newest objects stay in memory as trees.
const TREES: usize = 1024;

/// All objects of the cluster.
#[derive(Debug)]
pub struct Store {
    kinds: Vec<Arc<Kind>>,
    shelves: Vec<Shelf>,
    by_uid: HashMap<String, (KindId, String, String)>,
    rv: u64,
    history: usize,
    fresh: Vec<Arc<Event>>,
    /// Nobody reads or watches yet: objects stay trees, and no history is kept.
    unread: bool,
    /// Keeps the trees of the newest objects alive.
    trees: VecDeque<Arc<Value>>,
    changed: tokio::sync::watch::Sender<u64>,
}

impl Default for Store {
    fn default() -> Self {
        Self::new()
    }
}

impl Store {
    pub fn new() -> Self {
        Self {
            kinds: Vec::new(),
            shelves: Vec::new(),
            by_uid: HashMap::new(),
            rv: FIRST,
            history: HISTORY,
            fresh: Vec::new(),
            unread: false,
            trees: VecDeque::with_capacity(TREES),
            changed: tokio::sync::watch::Sender::new(FIRST),
        }
    }

    /// Starts to serve a kind; answers its id (the existing one if it is served already).
    pub fn register(&mut self, kind: Kind) -> KindId {
        if let Some(id) = self.kind_id(&kind.group, &kind.plural) {
            return id;
        }
        self.kinds.push(Arc::new(kind));
        self.shelves.push(Shelf {
            compacted: FIRST,
            ..Shelf::default()
        });
        KindId((self.kinds.len() - 1) as u16)
    }

    /// Changes what is said of a served kind; its group and plural stay.
    pub fn redefine(&mut self, id: KindId, kind: Kind) {
        if let Some(old) = self.kinds.get_mut(id.0 as usize) {
            *old = Arc::new(kind);
        }
    }

    /// Serves a kind no longer; its objects must be gone.
    pub fn unregister(&mut self, id: KindId) {
        if let Some(shelf) = self.shelves.get_mut(id.0 as usize) {
            shelf.gone = true;
        }
        self.changed.send_replace(self.rv);
    }

    pub fn is_served(&self, id: KindId) -> bool {
        self.shelves.get(id.0 as usize).is_some_and(|s| !s.gone)
    }

    /// The kinds that are served.
    pub fn kinds(&self) -> impl Iterator<Item = (KindId, &Arc<Kind>)> {
        let all = self.kinds.iter().zip(&self.shelves).enumerate();
        all.filter(|(_, (_, shelf))| !shelf.gone)
            .map(|(i, (kind, _))| (KindId(i as u16), kind))
    }

    pub fn kind(&self, id: KindId) -> &Arc<Kind> {
        &self.kinds[id.0 as usize]
    }

    /// By group and plural.
    pub fn kind_id(&self, group: &str, plural: &str) -> Option<KindId> {
        self.kinds()
            .find(|(_, k)| k.group == group && k.plural == plural)
            .map(|(id, _)| id)
    }

    /// The newest version given out.
    pub fn rv(&self) -> u64 {
        self.rv
    }

    /// Wakes whoever waits for a write, though there was none.
    pub fn nudge(&self) {
        self.changed.send_replace(self.rv);
    }

    /// Wakes up with the newest version after every write.
    pub fn subscribe(&self) -> tokio::sync::watch::Receiver<u64> {
        self.changed.subscribe()
    }

    pub fn get(&self, kind: KindId, namespace: &str, name: &str) -> Option<&Arc<Object>> {
        self.shelves[kind.0 as usize]
            .objects
            .get(&(namespace.to_owned(), name.to_owned()))
    }

    pub fn by_uid(&self, uid: &str) -> Option<&Arc<Object>> {
        let (kind, namespace, name) = self.by_uid.get(uid)?;
        self.get(*kind, namespace, name)
    }

    /// All objects of a kind, or those of one namespace, by namespace and name.
    pub fn list<'a>(
        &'a self,
        kind: KindId,
        namespace: Option<&str>,
    ) -> Box<dyn Iterator<Item = &'a Arc<Object>> + 'a> {
        let objects = &self.shelves[kind.0 as usize].objects;
        match namespace {
            None => Box::new(objects.values()),
            Some(ns) => {
                let (from, wanted) = ((ns.to_owned(), String::new()), ns.to_owned());
                Box::new(
                    objects
                        .range(from..)
                        .take_while(move |((ns, _), _)| *ns == wanted)
                        .map(|(_, o)| o),
                )
            }
        }
    }

    /// A kind's objects behind a place, or those of one namespace, by namespace and name.
    pub fn list_after<'a>(
        &'a self,
        kind: KindId,
        namespace: Option<&'a str>,
        after: Option<&(String, String)>,
    ) -> impl Iterator<Item = &'a Arc<Object>> + use<'a> {
        let first = || Bound::Included((namespace.unwrap_or_default().to_owned(), String::new()));
        let from = match after {
            Some(after) if namespace.is_none_or(|ns| *ns <= *after.0) => {
                Bound::Excluded(after.clone())
            }
            _ => first(),
        };
        let all = self.shelves[kind.0 as usize]
            .objects
            .range((from, Bound::Unbounded));
        all.take_while(move |((ns, _), _)| namespace.is_none_or(|wanted| wanted == ns))
            .map(|(_, object)| object)
    }

    /// The same as they were at version `rv`.
    ///
    /// # Errors
    /// When the history does not reach back so far.
    pub fn list_at<'a>(
        &'a self,
        kind: KindId,
        namespace: Option<&'a str>,
        after: Option<&(String, String)>,
        rv: u64,
    ) -> Result<impl Iterator<Item = &'a Arc<Object>> + use<'a>, Compacted> {
        let mut undo = BTreeMap::new();
        // Backward in time: what an object was before the first event after `rv` is what it was at `rv`.
        for event in self.since(kind, rv)? {
            let key = (&event.object.namespace, &event.object.name);
            if namespace.is_none_or(|ns| ns == key.0)
                && after.is_none_or(|(ns, name)| key > (ns, name))
            {
                undo.entry(key).or_insert(event.previous.as_ref());
            }
        }
        let mut now = self.list_after(kind, namespace, after).peekable();
        let mut before = undo.into_iter().peekable();
        Ok(std::iter::from_fn(move || {
            loop {
                let at = |o: &&'a Arc<Object>| (&o.namespace, &o.name);
                let next = before.peek().map(|(key, _)| *key);
                match (now.peek().map(at), next) {
                    (Some(here), Some(undone)) if here >= undone => {
                        if here == undone {
                            now.next();
                        }
                    }
                    (None, Some(_)) => {}
                    _ => return now.next(),
                }
                if let Some((_, Some(object))) = before.next() {
                    return Some(object);
                }
            }
        }))
    }

    /// Writes an object (new or existing) and its next resourceVersion. `value.metadata` must hold name,
    /// uid and, for namespaced kinds, namespace: admission sees to that.
    pub fn put(&mut self, kind: KindId, mut value: Value) -> Arc<Object> {
        self.rv += 1;
        value["metadata"]["resourceVersion"] = Value::String(self.rv.to_string());
        let object = self.object(kind, value);
        self.place(object)
    }

    /// Writes an object that is JSON already, in the form of [`Object::json`] and with [`Store::next_rv`] in it.
    /// Nothing is parsed: a hundred thousand objects of a few shapes are written so.
    pub fn put_text(&mut self, kind: KindId, text: Text) -> Arc<Object> {
        self.rv = self.next_rv();
        let object = Arc::new(Object {
            kind,
            namespace: text.namespace,
            name: text.name,
            uid: text.uid,
            rv: self.rv,
            labels: text.labels,
            owners: text.owners,
            deleting: false,
            content: Content::of_text(text.json),
        });
        self.place(object)
    }

    /// Writes an object with another status. The rest is taken over as the bytes that it is, so that thousands of
    /// changes a second can be made; `None` if that changes nothing, or the object has no status.
    pub fn put_status(
        &mut self,
        old: &Arc<Object>,
        change: impl FnOnce(&mut Value),
    ) -> Option<Arc<Object>> {
        let json = old.json();
        let parts = Parts::of(json)?;
        let mut status: Value = serde_json::from_slice(&json[parts.status.clone()]).ok()?;
        change(&mut status);
        let status = serde_json::to_vec(&status).ok()?;
        if json[parts.status.clone()] == status[..] {
            return None;
        }
        self.rv = self.next_rv();
        let object = Arc::new(Object {
            rv: self.rv,
            content: Content::of_text(parts.with(json, self.rv, &status)),
            ..Object::clone(old)
        });
        Some(self.place(object))
    }

    /// The version that the next write gets.
    pub fn next_rv(&self) -> u64 {
        self.rv + 1
    }

    fn place(&mut self, object: Arc<Object>) -> Arc<Object> {
        let kind = object.kind;
        let key = (object.namespace.clone(), object.name.clone());
        let shelf = &mut self.shelves[kind.0 as usize];
        let previous = match shelf.objects.get_mut(&key) {
            Some(place) => Some(std::mem::replace(place, object.clone())),
            None => shelf.objects.insert(key.clone(), object.clone()),
        };
        if previous.as_ref().is_none_or(|old| old.uid != object.uid) {
            self.by_uid.insert(object.uid.clone(), (kind, key.0, key.1));
        }
        let change = if previous.is_some() {
            Change::Modified
        } else {
            Change::Added
        };
        self.record(Event {
            rv: self.rv,
            change,
            object: object.clone(),
            previous,
        });
        object
    }

    /// Removes an object; answers its last state, at the version of the deletion.
    pub fn remove(&mut self, kind: KindId, namespace: &str, name: &str) -> Option<Arc<Object>> {
        let old = self.shelves[kind.0 as usize]
            .objects
            .remove(&(namespace.to_owned(), name.to_owned()))?;
        self.by_uid.remove(&old.uid);
        self.rv += 1;
        let mut value = old.value();
        value["metadata"]["resourceVersion"] = Value::String(self.rv.to_string());
        let last = self.object(kind, value);
        self.record(Event {
            rv: self.rv,
            change: Change::Deleted,
            object: last.clone(),
            previous: Some(old),
        });
        Some(last)
    }

    /// The object that a tree is at the newest version.
    fn object(&mut self, kind: KindId, value: Value) -> Arc<Object> {
        let value = Arc::new(value);
        let content = if self.unread {
            Content::of_tree(value.clone())
        } else {
            Content::of_both(&value)
        };
        let object = object(kind, self.rv, &value, content);
        if !self.unread {
            if self.trees.len() == TREES {
                self.trees.pop_front();
            }
            self.trees.push_back(value);
        }
        Arc::new(object)
    }

    /// While a history is played that nobody can have watched, an object is kept as the tree that it was written as,
    /// and its former versions not at all. Afterwards each is its bytes again, as a tree takes several times the room.
    pub fn set_unread(&mut self, unread: bool) {
        if std::mem::replace(&mut self.unread, unread) == unread || unread {
            return;
        }
        for object in self.shelves.iter().flat_map(|s| s.objects.values()) {
            object.content.shrink();
        }
    }

    fn record(&mut self, event: Event) {
        let (limit, event) = (self.history, Arc::new(event));
        let shelf = &mut self.shelves[event.object.kind.0 as usize];
        if self.unread {
            shelf.history.clear();
            shelf.compacted = self.rv;
        } else {
            shelf.history.push_back(event.clone());
        }
        while shelf.history.len() > limit {
            if let Some(old) = shelf.history.pop_front() {
                shelf.compacted = old.rv;
            }
        }
        self.fresh.push(event);
        self.changed.send_replace(self.rv);
    }

    /// Events of a kind after version `rv`, oldest first.
    pub fn since(
        &self,
        kind: KindId,
        rv: u64,
    ) -> Result<impl Iterator<Item = &Arc<Event>>, Compacted> {
        let shelf = &self.shelves[kind.0 as usize];
        if rv < shelf.compacted {
            return Err(Compacted {
                oldest: shelf.compacted,
            });
        }
        let from = shelf.history.partition_point(|e| e.rv <= rv);
        Ok(shelf.history.range(from..))
    }

    /// Forgets history up to and including `rv`: older watches get 410.
    pub fn compact(&mut self, rv: u64) {
        for shelf in &mut self.shelves {
            let drop = shelf.history.partition_point(|e| e.rv <= rv);
            shelf.history.drain(..drop);
            shelf.compacted = shelf.compacted.max(rv);
        }
    }

    /// Everything that happened since the last call, for the controllers.
    pub fn take_fresh(&mut self) -> Vec<Arc<Event>> {
        std::mem::take(&mut self.fresh)
    }
}

fn object(kind: KindId, rv: u64, value: &Value, content: Content) -> Object {
    let meta = &value["metadata"];
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let labels = meta["labels"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(k, v)| (k.clone(), text(v)))
        .collect();
    let owners = meta["ownerReferences"].as_array().into_iter().flatten();
    Object {
        kind,
        namespace: text(&meta["namespace"]),
        name: text(&meta["name"]),
        uid: text(&meta["uid"]),
        rv,
        labels,
        owners: owners
            .map(|o| Owner {
                uid: text(&o["uid"]),
                kind: text(&o["kind"]),
                name: text(&o["name"]),
                controller: o["controller"] == true,
                block_owner_deletion: o["blockOwnerDeletion"] == true,
            })
            .collect(),
        deleting: meta["deletionTimestamp"].is_string(),
        content,
    }
}

#[cfg(test)]
mod tests;
