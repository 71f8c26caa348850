//! Dynamic resource allocation on the demo cluster, over HTTP and with kubectl: slices, classes, claims, and what pods
//! say of them.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use jobdeck::demo::Demo;
use serde_json::Value;

use crate::served::{Served, kubectl_there, still};

const GROUP: &str = "/apis/resource.k8s.io/v1";

fn get(demo: &Demo, path: &str, accept: &str) -> Value {
    let mut stream = TcpStream::connect(demo.addr()).unwrap();
    let head = format!(
        "GET {path} HTTP/1.0\r\nHost: demo\r\nConnection: close\r\nAccept: {accept}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (_, body) = text.split_once("\r\n\r\n").expect("a head");
    serde_json::from_str(body).unwrap_or_else(|e| panic!("{e}: {body}"))
}

fn items(demo: &Demo, path: &str) -> Vec<Value> {
    let list = get(demo, path, "application/json");
    list["items"].as_array().expect("items").clone()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Pool and device.
type Place = (String, String);

#[test]
fn every_allocated_device_is_there_and_nobody_elses() {
    let demo = still();
    let slices = items(demo, &format!("{GROUP}/resourceslices"));
    let mut devices: BTreeMap<Place, Value> = BTreeMap::new();
    let mut counters: BTreeMap<(String, String, String), i64> = BTreeMap::new();
    for slice in &slices {
        let spec = &slice["spec"];
        let pool = text(&spec["pool"]["name"]).to_owned();
        for set in list(&spec["sharedCounters"]) {
            for (name, amount) in set["counters"].as_object().expect("counters") {
                let key = (pool.clone(), text(&set["name"]).to_owned(), name.clone());
                counters.insert(key, text(&amount["value"]).parse().unwrap());
            }
        }
        for device in list(&spec["devices"]) {
            let key = (pool.clone(), text(&device["name"]).to_owned());
            assert!(devices.insert(key, device.clone()).is_none(), "{device}");
        }
    }
    assert!(
        !counters.is_empty() && devices.len() > 100,
        "{}",
        devices.len()
    );
    let (mut taken, mut watched) = (BTreeMap::new(), 0);
    let claims = items(demo, &format!("{GROUP}/resourceclaims"));
    for claim in &claims {
        let status = &claim["status"];
        for result in list(&status["allocation"]["devices"]["results"]) {
            let key: Place = (text(&result["pool"]).into(), text(&result["device"]).into());
            let device = devices
                .get(&key)
                .unwrap_or_else(|| panic!("{key:?} is not there"));
            if result["adminAccess"] == true {
                watched += 1;
                continue;
            }
            let before = taken.insert(key.clone(), claim["metadata"]["name"].clone());
            assert_eq!(before, None, "{key:?} is allocated twice");
            for used in list(&device["consumesCounters"]) {
                for (name, amount) in used["counters"].as_object().expect("counters") {
                    let of = (
                        key.0.clone(),
                        text(&used["counterSet"]).to_owned(),
                        name.clone(),
                    );
                    let left = counters.get_mut(&of).expect("a counter");
                    *left -= text(&amount["value"]).parse::<i64>().unwrap();
                    assert!(*left >= 0, "{of:?} is overdrawn");
                }
            }
        }
    }
    assert!(
        taken.len() > 12 && watched == 8,
        "{} taken, {watched} watched",
        taken.len()
    );
    // whoever holds a claim runs where its devices are, and says so
    let pods = items(demo, "/api/v1/pods");
    let mut holders = 0;
    for claim in &claims {
        for holder in list(&claim["status"]["reservedFor"]) {
            let pod = pods
                .iter()
                .find(|p| p["metadata"]["uid"] == holder["uid"])
                .expect("a pod");
            let pool = &claim["status"]["allocation"]["devices"]["results"][0]["pool"];
            assert_eq!(&pod["spec"]["nodeName"], pool);
            let statuses = list(&pod["status"]["containerStatuses"]);
            let told = statuses
                .iter()
                .flat_map(|s| list(&s["allocatedResourcesStatus"]));
            if pod["status"]["phase"] == "Running" {
                assert!(
                    told.into_iter()
                        .any(|t| text(&t["name"]).starts_with("claim:")),
                    "{pod}"
                );
                holders += 1;
            }
        }
    }
    assert!(holders >= 6, "{holders}");
    // at least one of the scene's pods waits for what is left
    assert!(claims.iter().any(|c| c["status"]["allocation"].is_null()));
}

#[test]
fn tables_have_the_servers_columns() {
    let demo = still();
    let accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
    let table = |path: &str| {
        let table = get(demo, &format!("{GROUP}/{path}"), accept);
        let names = list(&table["columnDefinitions"]).iter();
        let names: Vec<String> = names.map(|c| text(&c["name"]).to_owned()).collect();
        let rows = list(&table["rows"]).to_vec();
        (names, rows)
    };
    let (names, rows) = table("resourceclaims");
    assert_eq!(names, ["Name", "State", "Age"]);
    let states: Vec<&str> = rows.iter().map(|r| text(&r["cells"][1])).collect();
    assert!(
        states.contains(&"allocated,reserved") && states.contains(&"pending"),
        "{states:?}"
    );
    let (names, rows) = table("resourceslices");
    assert_eq!(names, ["Name", "Node", "Driver", "Pool", "Age"]);
    assert_eq!(text(&rows[0]["cells"][2]), "gpu.nvidia.com");
    assert_eq!(table("deviceclasses").0, ["Name", "Age"]);
}

#[test]
fn kubectl_gets_describes_and_explains_them() {
    if !kubectl_there("kubectl_gets_describes_and_explains_them") {
        return;
    }
    let served = Served::over(still());
    let shown = served.ok(&["get", "resourceslices,deviceclasses"]);
    assert!(
        shown.contains("gpu.nvidia.com") && shown.contains("gpu-h200-0"),
        "{shown}"
    );
    let shown = served.ok(&["get", "resourceclaims", "-A"]);
    assert!(shown.contains("allocated,reserved"), "{shown}");
    let shown = served.ok(&["describe", "resourceclaim", "-n", "research", "shared-h200"]);
    assert!(
        shown.contains("Reserved For") && shown.contains("gpu.nvidia.com"),
        "{shown}"
    );
    let shown = served.ok(&["explain", "resourceslice.spec.devices"]);
    assert!(
        shown.contains("attributes") && shown.contains("consumesCounters"),
        "{shown}"
    );
}
