//! Dynamic resource allocation: devices that drivers publish in slices, and the claims they are given to (gpu reference,
//! section 3). The rows; what they add up to per node is in [`crate::model::capacity`].

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::delta::Change;
use super::ids::{Key, Name, Uid};
use super::shape::Taint;

/// Its kinds, group `resource.k8s.io`. A server may have none of them, and a user may see none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DraKind {
    ResourceSlice,
    ResourceClaim,
    DeviceClass,
}

impl DraKind {
    pub const ALL: [Self; 3] = [Self::ResourceSlice, Self::ResourceClaim, Self::DeviceClass];

    pub const fn plural(self) -> &'static str {
        match self {
            Self::ResourceSlice => "resourceslices",
            Self::ResourceClaim => "resourceclaims",
            Self::DeviceClass => "deviceclasses",
        }
    }

    pub const fn singular(self) -> &'static str {
        match self {
            Self::ResourceSlice => "resourceslice",
            Self::ResourceClaim => "resourceclaim",
            Self::DeviceClass => "deviceclass",
        }
    }

    pub const fn namespaced(self) -> bool {
        matches!(self, Self::ResourceClaim)
    }
}

/// A change to one of the tables.
#[derive(Debug, Clone, PartialEq)]
pub enum DraRows {
    Slices(Change<SliceRow>),
    Claims(Change<ClaimRow>),
    Classes(Change<ClassRow>),
}

/// A ResourceSlice: some devices of a pool.
#[derive(Debug, Clone, PartialEq)]
pub struct SliceRow {
    pub key: Key,
    pub name: Name,
    pub driver: Name,
    pub pool: Name,
    /// Of the pool: only slices of the highest one count …
    pub generation: i64,
    /// … and only when so many of them are there.
    pub slices: u32,
    /// The node all its devices are in; none: reached from several nodes, or each device says.
    pub node: Option<Name>,
    pub devices: Arc<[DeviceRow]>,
    /// Sets of counters that overlapping devices draw from.
    pub counters: Arc<[CounterSet]>,
}

/// What a set of counters holds, e.g. the memory slices of one card.
#[derive(Debug, Clone, PartialEq)]
pub struct CounterSet {
    pub name: Name,
    pub counters: Box<[(Name, u64)]>,
}

/// A device of a slice.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeviceRow {
    pub name: Name,
    /// Attribute `type`: `gpu`, `mig`, `vfio`.
    pub kind: Option<Name>,
    /// Attributes `productName`, `uuid`, `parentUUID`, `profile`.
    pub product: Option<Name>,
    pub uuid: Option<Box<str>>,
    pub parent: Option<Box<str>>,
    pub profile: Option<Name>,
    /// Capacity `memory`, in bytes; 0 where it tells none.
    pub memory: u64,
    /// Its own node, where the slice names none.
    pub node: Option<Name>,
    /// Several claims may have parts of it.
    pub multiple: bool,
    /// What it offers by name, for parts: (name, amount).
    pub capacity: Box<[(Name, u64)]>,
    /// What it takes from the counter sets: (set, counter, amount).
    pub consumes: Box<[(Name, Name, u64)]>,
    /// NoSchedule and NoExecute: it is not given out.
    pub taints: Box<[Taint]>,
}

/// A ResourceClaim.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimRow {
    pub key: Key,
    pub namespace: Name,
    pub name: Name,
    pub created: Option<DateTime<Utc>>,
    pub deleting: bool,
    /// Device classes it asks for: (class, how many; none for all there are).
    pub asks: Vec<(Name, Option<u32>)>,
    /// `status.allocation` is set.
    pub allocated: bool,
    pub devices: Vec<Allotted>,
    /// Pods that use it, by uid.
    pub users: Vec<(Name, Uid)>,
}

/// A device in `status.allocation.devices.results`; those with `adminAccess` (they only look on) are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allotted {
    pub driver: Name,
    pub pool: Name,
    pub device: Name,
    /// Parts of a device that several claims may have.
    pub consumed: Box<[(Name, u64)]>,
}

/// A DeviceClass.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassRow {
    pub key: Key,
    pub name: Name,
    /// Plain requests of this resource are served by the class.
    pub extended: Option<Name>,
    /// The driver its selectors name, where they name one.
    pub driver: Option<Name>,
}
