//! An etcd that was restored from a backup: the same cluster, older than what the client knows.

use jobdeck::demo::Backend;
use jobdeck::demo::api::write::Random;

use super::bench::{Bench, Deck, world};

/// What is made after the backup gets new uids, as everywhere: only what was there before has the old ones.
fn goes_its_own_way(bench: &Bench) {
    bench.shared().lock().cluster_mut().random = Random::new(2);
}

#[tokio::test]
async fn a_cluster_that_is_older_than_what_is_known_is_listed_again() {
    let bench = Bench::start();
    let mut deck = Deck::open(&bench).await;
    deck.until("well at first", Deck::is_well).await;
    // a lot happens after the backup
    for round in 0..6 {
        bench.stir(round);
    }
    deck.until_same(&bench).await;
    let addr = bench.demo.addr();
    drop(bench);
    // the same names and uids, and resource versions that have been given before
    let bench = loop {
        if std::net::TcpListener::bind(addr).is_ok() {
            break Bench::start_on(addr);
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    goes_its_own_way(&bench);
    deck.until_same(&bench).await;
    // and it goes on from there
    bench.stir(0);
    deck.until_same(&bench).await;
}

#[tokio::test]
async fn one_that_is_older_at_once_and_ended_its_watches_in_order_is_listed_again_too() {
    let bench = Bench::start();
    let mut deck = Deck::open(&bench).await;
    deck.until("well at first", Deck::is_well).await;
    for round in 0..6 {
        bench.stir(round);
    }
    deck.until_same(&bench).await;
    // the watches end as they do when their time is over, and the next connection meets another world
    let mut older = world();
    std::mem::swap(bench.shared().lock().cluster_mut(), older.cluster_mut());
    drop(older);
    goes_its_own_way(&bench);
    deck.until_same(&bench).await;
    bench.touch("", "nodes", "node-1", "restored");
    bench.touch("jobset.x-k8s.io", "jobsets", "set", "restored");
    deck.until_same(&bench).await;
}

#[tokio::test]
async fn an_object_replaced_under_its_name_while_nobody_looked_is_the_new_one() {
    let bench = Bench::start();
    let mut deck = Deck::open(&bench).await;
    bench.job("twice");
    deck.until_same(&bench).await;
    let uid = |d: &Deck| {
        let mut all = d.model.jobs.rows();
        all.find(|j| &*j.name == "twice").map(|j| j.key.uid)
    };
    let before = uid(&deck);
    bench.board.refuse(None);
    bench.remove("batch", "jobs", "twice");
    bench.job("twice");
    bench.board.clear();
    bench.board.say("error=410@resume*40").unwrap();
    deck.until("the new one", |d| uid(d).is_some() && uid(d) != before)
        .await;
    bench.board.clear();
    deck.until_same(&bench).await;
}
