//! Not only that it heals, but by what: a version that is gone is listed anew, a server that asks for time gets it, an outage
//! of ten minutes costs few requests and ends at once, a definition that goes takes its rows along and brings them back.

use std::time::{Duration, Instant};

use http::Method;
use jobdeck::cluster::http::{Ask, Http};
use jobdeck::cluster::source::Tuning;
use jobdeck::model::health::Health;

use super::bench::{Bench, Deck, tuning};

/// The server has really forgotten the versions that are known: no rule ends by itself here.
#[tokio::test]
async fn a_version_that_is_gone_is_listed_anew() {
    let bench = Bench::start();
    let mut deck = Deck::open(&bench).await;
    deck.until("well at first", Deck::is_well).await;
    bench.board.refuse(None);
    for round in 0..3 {
        bench.stir(round);
    }
    {
        let mut world = bench.shared().lock();
        let store = &mut world.cluster_mut().store;
        let version = store.rv();
        store.compact(version);
    }
    let lists = |d: &Deck| {
        d.cluster
            .link("")
            .kinds
            .iter()
            .map(|k| k.lists + k.watches)
            .sum::<u64>()
    };
    let before = lists(&deck);
    bench.board.clear();
    deck.until_same(&bench).await;
    assert!(lists(&deck) > before);
}

#[tokio::test]
async fn a_server_that_asks_for_time_gets_it() {
    let bench = Bench::start();
    let mut deck = Deck::open(&bench).await;
    deck.until("well at first", Deck::is_well).await;
    let met = bench.board.met();
    // half a minute, of which a fiftieth is waited here
    bench.board.say("429=30@/pods").unwrap();
    bench.board.hang_up();
    deck.until("the first refusal", |_| bench.board.met() > met)
        .await;
    let first = bench.board.met();
    deck.catch_up(Duration::from_secs(1)).await;
    let more = bench.board.met() - first;
    assert!(more <= 4, "{more} more requests within a second");
    bench.board.clear();
    deck.until_same(&bench).await;
}

/// Ten minutes are a second and a fifth here: all waiting is that much shorter.
#[tokio::test]
async fn ten_minutes_without_a_server_cost_little_and_end_at_once() {
    const SHORTER: f64 = 0.002;
    let bench = Bench::start();
    let tuning = Tuning {
        patience: SHORTER,
        ..tuning()
    };
    let mut deck = Deck::open_with(bench.target(), tuning).await;
    deck.until("well at first", Deck::is_well).await;
    let failures = |d: &Deck| {
        let link = d.cluster.link("");
        let most = link.kinds.iter().map(|k| k.failures).max();
        most.unwrap_or_default()
    };
    let before = failures(&deck);
    bench.board.refuse(None);
    deck.catch_up(Duration::from_secs_f64(600.0 * SHORTER))
        .await;
    let tried = failures(&deck) - before;
    assert!((5..=60).contains(&tried), "{tried} tries in ten minutes");
    let stale = |h: &jobdeck::cluster::report::SourceHealth| match &h.health {
        Health::Stale { why, .. } => why.contains("connection refused"),
        _ => false,
    };
    assert!(deck.sources.values().any(stale), "{:#?}", deck.sources);
    // rows stay meanwhile
    assert!(deck.model.jobs.len() > 3 && deck.model.pods.len() > 3);
    bench.stir(0);
    bench.board.clear();
    let back = Instant::now();
    deck.until("well again", Deck::is_well).await;
    // the longest wait, and what requests take on a loaded machine
    let longest = Duration::from_secs_f64(45.0 * SHORTER) + Duration::from_secs(10);
    assert!(back.elapsed() < longest, "{:?}", back.elapsed());
    deck.until_same(&bench).await;
}

/// A definition is removed while its objects are on screen, and comes back with others.
#[tokio::test]
async fn a_definition_that_goes_takes_its_rows_along() {
    let bench = Bench::start();
    let mut deck = Deck::open(&bench).await;
    deck.until("well at first", Deck::is_well).await;
    let sets = |d: &Deck| {
        d.model
            .jobs
            .rows()
            .filter(|j| j.kind.plural == "jobsets")
            .count()
    };
    assert_eq!(sets(&deck), 1);
    let http = Http::new(bench.target());
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/jobsets.jobset.x-k8s.io";
    let mut definition: serde_json::Value = http.json(&Ask::get(path)).await.unwrap();
    let set: serde_json::Value = http
        .json(&Ask::get(
            "/apis/jobset.x-k8s.io/v1alpha2/namespaces/default/jobsets/set",
        ))
        .await
        .unwrap();
    let delete = Ask {
        method: Method::DELETE,
        ..Ask::get(path)
    };
    http.read(&delete).await.unwrap();
    deck.until("no sets", |d| sets(d) == 0).await;
    // the others go on
    bench.job("meanwhile");
    deck.until("news of the others", |d| {
        d.model.jobs.rows().any(|j| &*j.name == "meanwhile")
    })
    .await;
    let ill = |h: &&jobdeck::cluster::report::SourceHealth| {
        !matches!(h.health, Health::Live | Health::Absent)
    };
    let ill: Vec<_> = deck.sources.values().filter(ill).collect();
    assert!(ill.is_empty(), "{ill:#?}");
    deck.until_same(&bench).await;
    // and back, with another set in it
    for gone in [
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "generation",
        "managedFields",
    ] {
        definition["metadata"].as_object_mut().unwrap().remove(gone);
    }
    definition.as_object_mut().unwrap().remove("status");
    let create = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let create = Ask::send(Method::POST, create, "application/json", &definition);
    http.read(&create).await.unwrap();
    let mut set = set;
    set["metadata"] = serde_json::json!({"name": "another", "namespace": "default"});
    bench.make(&set);
    deck.until("the new set", |d| sets(d) == 1).await;
    deck.until_same(&bench).await;
}
