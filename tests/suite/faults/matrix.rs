//! Every fault: what is said of it, that the rest goes on, that it heals by itself, and that nothing is missing or
//! left over then.

use std::time::Duration;

use futures::StreamExt;

use super::bench::{Bench, Deck, impatient, rows, tuning};

/// One row of the matrix.
struct Case {
    /// In the switchboard's words.
    rules: &'static str,
    /// Lists in pages, as with servers that stream none.
    pages: bool,
    /// Open connections are gone as it begins: all is asked for anew.
    cut: bool,
    /// The kind it is seen at, and what is said of it; empty: nothing need be.
    kind: &'static str,
    says: &'static str,
    /// Only that kind suffers: news of the others come meanwhile.
    others: bool,
}

const NONE: Case = Case {
    rules: "",
    pages: false,
    cut: true,
    kind: "pods",
    says: "",
    others: false,
};

/// The version that watches would go on from is too old: all must be listed again.
macro_rules! relist {
    ($rest:literal) => {
        concat!("error=410@resume*40;", $rest)
    };
}

/// Most of it is waiting, so a few wait at once; each has a cluster of its own.
async fn meets(cases: &[Case]) {
    let all = futures::stream::iter(cases);
    all.for_each_concurrent(4, meet).await;
}

async fn meet(case: &Case) {
    let bench = Bench::start();
    let is_silent = ["mute", "stall"].iter().any(|f| case.rules.contains(f));
    let tuning = jobdeck::cluster::source::Tuning {
        stream: !case.pages,
        ..if is_silent { impatient() } else { tuning() }
    };
    let mut deck = Deck::open_with(bench.target(), tuning).await;
    deck.until("well at first", Deck::is_well).await;
    let met = bench.board.met();
    bench.board.say(case.rules).unwrap();
    if case.cut {
        bench.board.hang_up();
    }
    bench.stir(0);
    let rules = case.rules;
    if !case.says.is_empty() {
        let what = format!("{:?} said of {} with {rules}", case.says, case.kind);
        deck.until(&what, |d| {
            d.words(case.kind).iter().any(|w| w.contains(case.says))
        })
        .await;
    }
    if case.others {
        let news = |d: &Deck| d.model.jobs.rows().any(|j| &*j.name == "stirred-1");
        bench.stir(1);
        deck.until(&format!("news of the others with {rules}"), news)
            .await;
    } else {
        bench.stir(1);
    }
    deck.catch_up(Duration::from_millis(100)).await;
    bench.stir(2);
    if !rules.starts_with("refuse") {
        let what = format!("met {rules}");
        deck.until(&what, |_| bench.board.met() > met).await;
    }
    bench.board.clear();
    bench.stir(3);
    deck.until_same(&bench).await;
    // and what comes then comes as ever
    bench.stir(4);
    deck.until_same(&bench).await;
    let own = deck
        .told
        .iter()
        .any(|h| format!("{:?}", h.health).contains("own error"));
    assert!(!own, "{rules}: {:#?}", deck.told);
}

#[tokio::test]
async fn servers_that_are_gone() {
    meets(&[
        Case {
            rules: "refuse=1s",
            kind: "jobs",
            says: "connection refused",
            ..NONE
        },
        Case {
            rules: "refuse",
            kind: "jobsets",
            says: "connection refused",
            ..NONE
        },
        Case {
            rules: "reset",
            kind: "jobs",
            says: "connection reset by the server",
            ..NONE
        },
        Case {
            rules: "close",
            says: "stale: ",
            ..NONE
        },
        Case {
            rules: "stall",
            says: "no answer for 1 s",
            ..NONE
        },
        Case {
            rules: "stall@/pods",
            says: "no answer for 1 s",
            others: true,
            ..NONE
        },
        Case {
            rules: "mute@watch/pods",
            says: "no sign of life",
            others: true,
            ..NONE
        },
    ])
    .await;
}

#[tokio::test]
async fn connections_that_break_in_the_middle() {
    meets(&[
        Case {
            rules: relist!("cut=2@stream*30"),
            ..NONE
        },
        Case {
            rules: "error=410@resume/pods*3;cut=200@list/pods*3",
            pages: true,
            says: "stale: ",
            ..NONE
        },
        Case {
            rules: relist!("cut=300@continue*6"),
            pages: true,
            ..NONE
        },
        Case {
            rules: "cut=1@watch",
            ..NONE
        },
        Case {
            rules: "cut=0@watch/jobs",
            kind: "jobs",
            ..NONE
        },
        Case {
            rules: "garbage=1@watch",
            ..NONE
        },
        Case {
            rules: "garbage@watch/pods",
            says: "unreadable answer",
            others: true,
            ..NONE
        },
        Case {
            rules: relist!("garbage@list/pods*8"),
            pages: true,
            says: "unreadable answer",
            ..NONE
        },
    ])
    .await;
}

#[tokio::test]
async fn servers_that_are_slow() {
    meets(&[
        Case {
            rules: relist!("delay=500ms@list"),
            pages: true,
            ..NONE
        },
        Case {
            rules: relist!("slow=20000@stream"),
            ..NONE
        },
        Case {
            rules: relist!("stall@list/pods*3"),
            pages: true,
            says: "no answer for 1 s",
            others: true,
            ..NONE
        },
        Case {
            rules: relist!("mute@stream*12"),
            ..NONE
        },
    ])
    .await;
}

#[tokio::test]
async fn answers_that_refuse() {
    meets(&[
        Case {
            rules: "401",
            says: "log in again",
            ..NONE
        },
        Case {
            rules: "403@/pods",
            says: "forbidden: list pods",
            others: true,
            ..NONE
        },
        Case {
            rules: "403",
            kind: "jobs",
            says: "forbidden: list jobs",
            ..NONE
        },
        Case {
            rules: "403@watch/pods",
            says: "watch is forbidden",
            others: true,
            ..NONE
        },
        Case {
            rules: "404@/pods",
            says: "absent",
            others: true,
            ..NONE
        },
        Case {
            rules: "404@/jobsets",
            others: true,
            ..NONE
        },
    ])
    .await;
}

#[tokio::test]
async fn servers_in_trouble() {
    meets(&[
        Case {
            rules: "429=1*40",
            ..NONE
        },
        Case {
            rules: "429=1@/pods",
            says: "429",
            others: true,
            ..NONE
        },
        Case {
            rules: "500@any%50",
            ..NONE
        },
        Case {
            rules: "500@/nodes",
            kind: "nodes",
            says: "no leader",
            others: true,
            ..NONE
        },
        Case {
            rules: "503",
            says: "503: the server is currently unable",
            ..NONE
        },
        Case {
            rules: "webhook@/jobsets",
            kind: "jobsets",
            says: "conversion webhook",
            others: true,
            ..NONE
        },
    ])
    .await;
}

#[tokio::test]
async fn watches_that_say_strange_things() {
    meets(&[
        Case {
            rules: "error=410@resume*40",
            ..NONE
        },
        Case {
            rules: relist!("410@continue*9"),
            pages: true,
            ..NONE
        },
        Case {
            rules: "error=500@watch",
            says: "no leader",
            ..NONE
        },
        Case {
            rules: "duplicate@watch",
            ..NONE
        },
        Case {
            rules: "reorder@watch",
            ..NONE
        },
        Case {
            rules: "replay=1@watch",
            ..NONE
        },
        Case {
            rules: "replay=3@watch",
            ..NONE
        },
    ])
    .await;
}

/// An older state of an object after a newer one is no news.
#[tokio::test]
async fn what_comes_in_the_wrong_order_does_not_stay() {
    let bench = Bench::start();
    bench.board.say("reorder@watch/jobs").unwrap();
    let mut deck = Deck::open(&bench).await;
    deck.until("well at first", Deck::is_well).await;
    for n in 0..6 {
        bench.touch("batch", "jobs", "alpha", &format!("first-{n}"));
        bench.touch("batch", "jobs", "alpha", &format!("last-{n}"));
        deck.until("the last of both", |d| {
            let mut all = d.model.jobs.rows();
            all.any(|j| &*j.name == "alpha" && format!("{j:?}").contains(&format!("last-{n}")))
        })
        .await;
    }
    bench.board.clear();
    deck.until_same(&bench).await;
}

/// A cluster whose clock is hours away is shown as it is, and nothing is thrown off by times to come.
#[tokio::test]
async fn clocks_that_are_hours_apart() {
    for skew in ["skew=5h", "skew=-5h"] {
        let bench = Bench::start();
        bench.board.say(skew).unwrap();
        let mut deck = Deck::open(&bench).await;
        deck.until("well", Deck::is_well).await;
        bench.stir(0);
        bench.stir(1);
        deck.until_same(&bench).await;
        let now = "2026-11-23T12:00:10Z".parse().unwrap();
        for job in deck.model.jobs.rows() {
            let why = jobdeck::model::why::why(&deck.model, job, now);
            assert!(!format!("{why:?}").contains("-18"), "{why:?}");
        }
    }
}

/// Faults of all sorts at once, drawn by lot: whatever the order, the end is the truth.
#[tokio::test]
async fn any_mixture_ends_in_the_truth() {
    let bench = Bench::start();
    let mut deck = Deck::open(&bench).await;
    deck.until("well at first", Deck::is_well).await;
    let begun = rows(&deck.model).len();
    let mixture = "500%4;503=1%3;429=1%3;close%3;reset%3;cut=3@watch%10;cut=500@list%10;garbage=2@watch%5;\
                   error=410@resume%10;duplicate@watch%10;reorder@watch%10;replay=2@watch%5;delay=50ms%10";
    bench.board.say(mixture).unwrap();
    for round in 0..12 {
        bench.stir(round);
        if round % 4 == 3 {
            bench.board.hang_up();
        }
        deck.catch_up(Duration::from_millis(150)).await;
    }
    bench.board.clear();
    deck.until_same(&bench).await;
    assert!(rows(&deck.model).len() >= begun);
    assert!(bench.board.met() > 20, "{}", bench.board.met());
}
