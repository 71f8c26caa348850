use super::*;
use proptest::prelude::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn status(code: u16) -> Input {
    Input::Failed(Failure::Status {
        code,
        reason: String::new(),
        message: String::new(),
        retry_after: None,
    })
}

fn page(count: usize, next: Option<&str>, version: &str) -> Input {
    Input::Page {
        count,
        version: version.into(),
        next: next.map(Into::into),
        remaining: next.map(|_| 7),
    }
}

fn bookmark(version: &str, end: bool) -> Input {
    Input::Bookmark {
        version: version.into(),
        end,
    }
}

fn objects(count: usize, version: &str) -> Input {
    Input::Objects {
        count,
        version: version.into(),
    }
}

const CUT: Input = Input::Ended {
    lived: Duration::from_millis(10),
    broken: false,
};

/// A machine and what it put out so far, without health.
struct Run(Sync, Vec<Output>);

impl Run {
    fn new(streaming: bool) -> Self {
        Self(Sync::new("pods".into(), None, streaming), Vec::new())
    }

    fn then(mut self, inputs: impl IntoIterator<Item = Input>) -> Self {
        for (second, input) in inputs.into_iter().enumerate() {
            if matches!(input, Input::Page { .. }) {
                self.1.extend(self.0.page_arrives());
            }
            self.1.extend(self.0.step(input, at(second as i64), 0.5));
            if let Next::Wait(_) = self.0.next() {
                self.0.woken(true);
            }
        }
        self
    }

    fn lists(&self) -> Vec<&str> {
        let name = |o: &Output| match o {
            Output::Restart => Some("restart"),
            Output::Synced => Some("synced"),
            Output::NoStreaming { .. } => Some("pages"),
            Output::Health(_) => None,
        };
        self.1.iter().filter_map(name).collect()
    }

    fn asks(&self) -> Ask {
        match self.0.next() {
            Next::Ask(ask) => ask,
            wait => panic!("{wait:?}"),
        }
    }
}

fn watch(version: &str) -> Ask {
    Ask::Watch {
        version: version.into(),
    }
}

#[test]
fn a_streamed_list_becomes_a_watch() {
    let run = Run::new(true).then([Input::Opened, objects(3, "9"), bookmark("12", true)]);
    assert_eq!(run.lists(), ["restart", "synced"]);
    assert_eq!(run.0.health(), &Health::Live);
    // the connection goes on; when it ends, from the last version
    assert!(run.0.keeps_stream() && !run.0.is_listing());
    let run = run.then([objects(1, "15"), CUT]);
    assert_eq!(run.asks(), watch("15"));
}

#[test]
fn pages_keep_the_first_version_and_count() {
    let run = Run::new(false).then([page(500, Some("t1"), "100")]);
    assert_eq!(
        run.asks(),
        Ask::Page {
            token: Some("t1".into())
        }
    );
    let syncing = Health::Syncing {
        seen: 500,
        total: Some(507),
    };
    assert_eq!(run.0.health(), &syncing);
    let run = run.then([page(7, None, "108")]);
    assert_eq!(run.lists(), ["restart", "synced"]);
    assert_eq!(run.asks(), watch("100"));
}

#[test]
fn every_way_streaming_can_fail_leads_to_pages() {
    let first = Ask::Page { token: None };
    for (inputs, everywhere) in [
        (vec![status(422)], true),
        (
            vec![Input::Opened, objects(2, "1"), bookmark("5", false)],
            true,
        ),
        (vec![Input::Opened, objects(2, "1"), CUT], false),
        (vec![status(500)], false),
        (
            vec![
                Input::Opened,
                Input::Stalled {
                    silence: Duration::from_secs(30),
                },
            ],
            false,
        ),
    ] {
        let run = Run::new(true).then(inputs.clone());
        assert_eq!(run.asks(), first, "{inputs:?}");
        assert!(!run.0.keeps_stream());
        let said = run.1.iter().find_map(|o| match o {
            Output::NoStreaming { everywhere, .. } => Some(*everywhere),
            _ => None,
        });
        assert_eq!(said, Some(everywhere), "{inputs:?}");
        let run = run.then([page(2, None, "8"), Input::Opened]);
        assert_eq!(run.lists().last(), Some(&"synced"));
        assert_eq!(run.0.health(), &Health::Live);
    }
    // forbidden is no news about the server
    let run = Run::new(true).then([status(403)]);
    assert_eq!((run.asks(), run.1.len()), (first, 0));
    // no connection at all says nothing about streaming
    let run = Run::new(true).then([Input::Failed(Failure::Network("refused".into()))]);
    assert_eq!(run.asks(), Ask::Stream);
}

#[test]
fn an_expired_version_relists_and_replaces() {
    for streaming in [true, false] {
        let run = Run::new(streaming);
        let run = if streaming {
            run.then([Input::Opened, bookmark("5", true)])
        } else {
            run.then([page(1, None, "5"), Input::Opened])
        };
        let run = run.then([objects(1, "6"), status(410)]);
        let run = if streaming {
            run.then([Input::Opened, bookmark("50", true)])
        } else {
            run.then([page(1, None, "50")])
        };
        assert_eq!(run.lists(), ["restart", "synced", "restart", "synced"]);
    }
}

#[test]
fn a_cluster_faster_than_its_pages_is_read_whole() {
    let mut run = Run::new(false).then([page(1, None, "5")]);
    for _ in 0..2 {
        run = run.then([Input::Opened, status(410), page(1, None, "6")]);
    }
    assert_eq!(run.then([status(410)]).asks(), Ask::Whole);
}

#[test]
fn a_failed_page_is_asked_for_again_not_the_whole_list() {
    let run = Run::new(false).then([
        page(500, Some("t1"), "100"),
        Input::Failed(Failure::Network("reset".into())),
    ]);
    assert_eq!(
        run.asks(),
        Ask::Page {
            token: Some("t1".into())
        }
    );
    // unless its token expired meanwhile
    let run = run.then([status(410)]);
    assert_eq!(run.asks(), Ask::Page { token: None });
    let run = run.then([page(1, None, "101")]);
    assert_eq!(run.lists(), ["restart", "restart", "synced"]);
}

#[test]
fn losing_the_server_is_stale_since_the_last_contact_and_heals() {
    let run = Run::new(true).then([Input::Opened, bookmark("5", true)]);
    let mut run = run.then([CUT]);
    run.1.clear();
    let mut waits = Vec::new();
    for second in 10..13 {
        let failure = Input::Failed(Failure::Network("connection refused".into()));
        run.1.extend(run.0.step(failure, at(second), 0.5));
        let Next::Wait(wait) = run.0.next() else {
            panic!("no back-off")
        };
        waits.push(wait);
        run.0.woken(true);
    }
    let stale = Health::Stale {
        since: at(1),
        why: "connection refused".into(),
    };
    assert_eq!(run.1, [Output::Health(stale)], "said once");
    assert!(waits.is_sorted() && waits[0] < waits[2]);
    assert_eq!(run.asks(), watch("5"), "nothing is listed again");
    let run = run.then([Input::Opened]);
    assert_eq!(run.0.health(), &Health::Live);
}

/// Ten minutes without a server: tries that grow rarer, but never rarer than the longest wait, and at the end of the last of
/// them it goes on where it was.
#[test]
fn ten_minutes_without_a_server() {
    for jitter in [0.0, 0.5, 1.0] {
        let mut sync = Run::new(false).then([page(3, None, "9"), Input::Opened]).0;
        let (mut passed, mut tries) = (Duration::ZERO, 0);
        while passed < Duration::from_secs(600) {
            let refused = Failure::Network("connection refused".into());
            sync.step(Input::Failed(refused), at(passed.as_secs() as i64), jitter);
            let Next::Wait(wait) = sync.next() else {
                panic!("asked again at once");
            };
            assert!(wait <= LONGEST.mul_f64(1.5), "{wait:?}");
            passed += wait;
            tries += 1;
            sync.woken(true);
        }
        assert!((15..=50).contains(&tries), "{tries} tries with {jitter}");
        assert!(matches!(sync.health(), Health::Stale { since, .. } if *since == at(1)));
        assert!(sync.doubts());
        assert_eq!(sync.next(), Next::Ask(watch("9")));
        sync.step(Input::Opened, at(700), jitter);
        assert_eq!(*sync.health(), Health::Live);
    }
}

#[test]
fn never_connected_is_failing_not_stale() {
    let run = Run::new(true).then([Input::Failed(Failure::Network("refused".into()))]);
    assert!(matches!(run.0.health(), Health::Failing { why } if why == "refused"));
}

#[test]
fn forbidden_and_absent_are_states_not_errors() {
    let mut sync = Sync::new("jobs".into(), Some("ml".into()), false);
    sync.step(status(403), at(0), 0.5);
    let forbidden = Health::Forbidden {
        verb: "list".into(),
        resource: "jobs".into(),
        namespace: Some("ml".into()),
    };
    assert_eq!(sync.health(), &forbidden);
    assert_eq!(sync.next(), Next::Wait(PROBE));
    // a kind that disappears takes its objects along
    let run = Run::new(false).then([page(1, None, "5"), Input::Opened, status(404)]);
    assert_eq!(run.0.health(), &Health::Absent);
    assert_eq!(run.lists(), ["restart", "synced", "restart", "synced"]);
}

#[test]
fn list_without_watch_is_polled() {
    let mut sync = Sync::new("jobs".into(), None, false);
    sync.page_arrives();
    sync.step(page(1, None, "5"), at(0), 0.5);
    sync.step(status(403), at(1), 0.5);
    assert_eq!(sync.next(), Next::Wait(POLL));
    assert!(matches!(sync.health(), Health::Stale { why, .. } if why.contains("forbidden")));
    sync.woken(true);
    assert_eq!(sync.next(), Next::Ask(Ask::Page { token: None }));
}

#[test]
fn retry_after_is_honoured_and_not_undercut() {
    let mut sync = Sync::new("jobs".into(), None, false);
    let slow = Failure::Status {
        code: 429,
        reason: String::new(),
        message: String::new(),
        retry_after: Some(Duration::from_secs(17)),
    };
    sync.step(Input::Failed(slow), at(0), 0.0);
    assert_eq!(sync.next(), Next::Wait(Duration::from_secs(17)));
}

#[test]
fn a_server_that_is_still_starting_is_waited_for_but_not_for_ever() {
    for streaming in [true, false] {
        let mut sync = Sync::new("jobs".into(), None, streaming);
        for _ in 0..THROTTLED {
            assert_eq!(sync.step(status(429), at(0), 0.5), []);
            assert!(matches!(sync.next(), Next::Wait(_)));
            sync.woken(streaming);
        }
        sync.step(status(429), at(0), 0.5);
        assert!(matches!(sync.health(), Health::Failing { why } if why.contains("429")));
    }
}

#[test]
fn a_server_that_hangs_up_at_once_is_not_hammered() {
    let mut sync = Sync::new("jobs".into(), None, false);
    sync.step(page(1, None, "5"), at(0), 0.5);
    for _ in 0..3 {
        sync.step(Input::Opened, at(1), 0.5);
        sync.step(CUT, at(1), 0.5);
        assert!(matches!(sync.next(), Next::Wait(_)));
        sync.woken(true);
    }
    assert!(matches!(sync.health(), Health::Stale { .. }));
    let quiet = Input::Ended {
        lived: Duration::from_secs(290),
        broken: false,
    };
    sync.step(Input::Opened, at(1), 0.5);
    sync.step(quiet, at(300), 0.5);
    assert_eq!(sync.next(), Next::Ask(watch("5")));
}

fn any_input() -> impl Strategy<Value = Input> {
    prop_oneof![
        Just(Input::Opened),
        (0usize..5, "[0-9]{0,3}").prop_map(|(count, version)| Input::Objects { count, version }),
        ("[0-9]{0,3}", any::<bool>()).prop_map(|(version, end)| Input::Bookmark { version, end }),
        (0usize..5, "[0-9]{0,3}", proptest::option::of("[a-z]{1,3}")).prop_map(
            |(count, version, next)| Input::Page {
                count,
                version,
                next,
                remaining: None,
            }
        ),
        (0u64..400, any::<bool>()).prop_map(|(s, broken)| Input::Ended {
            lived: Duration::from_secs(s),
            broken,
        }),
        (0u64..400).prop_map(|s| Input::Stalled {
            silence: Duration::from_secs(s)
        }),
        proptest::sample::select(vec![
            400u16, 401, 403, 404, 405, 409, 410, 422, 429, 500, 503, 504
        ])
        .prop_map(status),
        Just(Input::Failed(Failure::Network("x".into()))),
        Just(Input::Failed(Failure::Garbled("x".into()))),
    ]
}

proptest! {
    /// Whatever happens, in whatever order: waits are bounded, a sync is only reported for a list that was begun,
    /// and a server that behaves from then on is synced and live in a few steps.
    #[test]
    fn always_heals(streaming: bool, chaos in proptest::collection::vec(any_input(), 0..40)) {
        let mut sync = Sync::new("pods".into(), None, streaming);
        let mut open = false;
        let mut check = |outputs: Vec<Output>| {
            for output in outputs {
                match output {
                    Output::Restart => open = true,
                    Output::Synced => assert!(std::mem::replace(&mut open, false)),
                    _ => {}
                }
            }
        };
        for (second, input) in chaos.into_iter().enumerate() {
            // only what can happen: answers to what is asked
            let fits = match (&input, sync.next()) {
                (Input::Page { .. }, Next::Ask(Ask::Page { .. } | Ask::Whole)) => true,
                (Input::Page { .. }, _) => false,
                (Input::Bookmark { .. } | Input::Objects { .. } | Input::Opened | Input::Ended { .. },
                    Next::Ask(Ask::Stream | Ask::Watch { .. })) => true,
                (Input::Bookmark { .. } | Input::Objects { .. } | Input::Opened | Input::Ended { .. }, _) => false,
                _ => true,
            };
            if !fits {
                continue;
            }
            // an initial stream is opened before anything comes in it
            if sync.is_listing() && matches!(input, Input::Bookmark { .. } | Input::Objects { .. }) {
                check(sync.step(Input::Opened, at(second as i64), 0.5));
            }
            if matches!(input, Input::Page { .. }) {
                check(sync.page_arrives().into_iter().collect());
            }
            check(sync.step(input, at(second as i64), 0.5));
            if let Next::Wait(wait) = sync.next() {
                prop_assert!(wait <= Duration::from_secs(300));
                sync.woken(true);
            }
        }
        for _ in 0..3 {
            match sync.next() {
                Next::Wait(_) => sync.woken(true),
                Next::Ask(Ask::Stream) => {
                    check(sync.step(Input::Opened, at(1000), 0.5));
                    check(sync.step(bookmark("900", true), at(1000), 0.5));
                }
                Next::Ask(Ask::Page { .. } | Ask::Whole) => {
                    check(sync.page_arrives().into_iter().collect());
                    check(sync.step(page(1, None, "900"), at(1000), 0.5));
                }
                Next::Ask(Ask::Watch { .. }) => check(sync.step(Input::Opened, at(1001), 0.5)),
            }
        }
        prop_assert_eq!(sync.health(), &Health::Live);
    }
}

/// A server that was restored from a backup, or a proxy that repeats itself: listed again, and not in a rhythm.
#[test]
fn what_goes_back_is_listed_again() {
    let run = Run::new(false).then([page(3, None, "90"), Input::Opened, objects(1, "95")]);
    assert!(!run.1.is_empty());
    let mut run = run.then([Input::Older]);
    assert_eq!(run.asks(), Ask::Page { token: None });
    // the second time in a row it waits
    run = run.then([page(3, None, "20"), Input::Opened]);
    run.0.step(Input::Older, at(9), 0.5);
    assert!(matches!(run.0.next(), Next::Wait(_)));
    // a lost connection: before going on, the server is asked where it is, until it answers
    let mut run = Run::new(false).then([page(3, None, "90")]);
    assert!(!run.0.doubts());
    let lost = Input::Failed(Failure::Network("connection refused".into()));
    run = run.then([lost]);
    assert!(run.0.doubts());
    assert_eq!(run.asks(), watch("90"));
    run = run.then([Input::Opened]);
    assert!(!run.0.doubts());
    // so it is when a watch breaks off; one that ends as it should tells nothing
    let lived = Duration::from_secs(9);
    for broken in [true, false] {
        let ended = Input::Ended { lived, broken };
        let run = Run::new(false).then([page(3, None, "90"), Input::Opened, ended]);
        assert_eq!(run.0.doubts(), broken);
        assert_eq!(run.asks(), watch("90"));
    }
}

#[test]
fn a_watch_that_never_says_anything_is_listed_again() {
    let silence = || Input::Stalled {
        silence: Duration::from_secs(100),
    };
    let run = Run::new(false).then([page(3, None, "90"), Input::Opened, bookmark("91", false)]);
    // it spoke before: its version is good
    let run = run.then([silence()]);
    assert_eq!(run.asks(), watch("91"));
    assert!(matches!(run.0.health(), Health::Stale { .. }));
    let run = run.then([Input::Opened, silence()]);
    assert_eq!(run.asks(), Ask::Page { token: None });
}

#[test]
fn what_cannot_be_read_is_asked_for_again_and_at_last_listed() {
    let garbled = || Input::Failed(Failure::Garbled("expected value".into()));
    let run = Run::new(false).then([page(3, None, "90"), Input::Opened, garbled()]);
    assert_eq!(run.asks(), watch("90"));
    let run = run.then([garbled(), garbled()]);
    assert_eq!(run.asks(), Ask::Page { token: None });
}
