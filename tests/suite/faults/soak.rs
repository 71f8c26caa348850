//! A short soak: faults of all sorts, lost servers and changing wants, round after round. Nothing may pile up, and the
//! end is the truth. The long one is `cargo bench --bench soak`.

use std::time::Duration;

use super::bench::{Bench, Deck, wants};

const MIXTURE: &str = "500%3;503=1%2;429=1%2;close%3;reset%3;cut=2@watch%10;cut=400@list%10;garbage=1@watch%5;\
                       error=410@resume%10;duplicate@watch%5;reorder@watch%5;401@/pods%3;403@/jobsets%3;404@/jobsets%3";

/// Tasks that live on this test's runtime.
fn tasks() -> usize {
    tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks()
}

#[tokio::test]
async fn rounds_of_faults_leave_nothing_behind() {
    let bench = Bench::start();
    let mut deck = Deck::open(&bench).await;
    deck.until_same(&bench).await;
    let (mut least, mut slots) = (usize::MAX, 0);
    for round in 0..24u32 {
        bench.board.say(MIXTURE).unwrap();
        bench.stir(round);
        match round % 4 {
            0 => bench.board.hang_up(),
            1 => bench.board.refuse(Some(Duration::from_millis(60))),
            // another namespace, nothing at all, and everything again
            2 => deck.cluster.want(Some("default"), &wants()),
            _ => deck.cluster.want(None, &[]),
        }
        deck.catch_up(Duration::from_millis(120)).await;
        bench.board.clear();
        deck.cluster.want(None, &wants());
        if round % 6 == 5 {
            deck.until_same(&bench).await;
            // connections that were in use may be kept a moment: the least that was ever needed counts
            least = least.min(tasks());
            if round == 5 {
                slots = deck.model.jobs.slots() + deck.model.pods.slots();
            }
        }
    }
    // the comparison's own client has ended by now, and so have its connections
    let mut now = tasks();
    for _ in 0..100 {
        if now <= least {
            break;
        }
        deck.catch_up(Duration::from_millis(50)).await;
        now = tasks();
    }
    assert!(now <= least, "{now} tasks, and {least} were enough before");
    // a job and its pod are made in each round, and all of them are kept by the cluster
    let grown = deck.model.jobs.slots() + deck.model.pods.slots();
    let made = 18 * 3;
    assert!(grown <= slots + made, "{slots} slots, and then {grown}");
}
