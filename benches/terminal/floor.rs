//! The least there is to do: the lists that the cockpit asked for, read as plain bytes, and parsed into types that hold
//! what it shows.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::server::{Counters, Server};

pub struct Floor {
    pub objects: usize,
    pub bytes: usize,
    /// Seconds.
    pub lists: f64,
    pub streams: f64,
    pub parse: f64,
}

#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    items: Vec<Item<'a>>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "what is parsed is all that is wanted")]
struct Item<'a> {
    #[serde(borrow)]
    metadata: Meta<'a>,
    #[serde(borrow, default)]
    spec: Spec<'a>,
    #[serde(borrow, default)]
    status: Status<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "as above")]
struct Meta<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    namespace: Cow<'a, str>,
    #[serde(borrow, default)]
    uid: Cow<'a, str>,
    #[serde(borrow, default)]
    creation_timestamp: Cow<'a, str>,
    #[serde(borrow, default)]
    labels: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    #[serde(borrow, default)]
    owner_references: Vec<Owner<'a>>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "as above")]
struct Owner<'a> {
    #[serde(borrow)]
    uid: Cow<'a, str>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
#[allow(dead_code, reason = "as above")]
struct Spec<'a> {
    #[serde(borrow)]
    node_name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    containers: Vec<Container<'a>>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "as above")]
struct Container<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    resources: BTreeMap<Cow<'a, str>, serde_json::Value>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
#[allow(dead_code, reason = "as above")]
struct Status<'a> {
    #[serde(borrow)]
    phase: Option<Cow<'a, str>>,
    container_statuses: Vec<ContainerStatus>,
    conditions: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "as above")]
struct ContainerStatus {
    #[serde(default)]
    ready: bool,
    #[serde(default)]
    restart_count: i64,
}

impl Floor {
    /// Of every collection that was listed or watched in the meantime.
    pub fn take(server: &Server, meantime: &Counters) -> Self {
        let mut floor = Self {
            objects: 0,
            bytes: 0,
            lists: 0.0,
            streams: 0.0,
            parse: 0.0,
        };
        for path in meantime.collections() {
            let at = Instant::now();
            let Some(list) = server.drain(&path) else {
                continue;
            };
            floor.lists += at.elapsed().as_secs_f64();
            let at = Instant::now();
            server.drain_stream(&path);
            floor.streams += at.elapsed().as_secs_f64();
            floor.bytes += list;
            let body = server.fetch(&path);
            let at = Instant::now();
            match serde_json::from_slice::<List>(&body) {
                Ok(list) => {
                    floor.parse += at.elapsed().as_secs_f64();
                    floor.objects += list.items.len();
                    black_box(list);
                }
                Err(why) => eprintln!("{path} is left out of the floor: {why}"),
            }
        }
        floor
    }
}
