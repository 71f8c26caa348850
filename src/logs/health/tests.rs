use rstest::rstest;

use super::*;
use crate::logs::metrics::Reader;

fn record(line: &str) -> Record {
    Reader::default().read(line).expect("a record")
}

/// A run that reports every ten seconds; what came up and went away, in order.
fn run(losses: impl IntoIterator<Item = f64>) -> Vec<(Concern, bool)> {
    let mut health = Health::new(Thresholds::default());
    let mut told = Vec::new();
    for (step, loss) in losses.into_iter().enumerate() {
        let record = record(&format!("step {step} loss {loss:?}").replace("NaN", "nan"));
        let changes = health.record(step as f64 * 10.0, 0, &record, false);
        told.extend(
            changes
                .into_iter()
                .map(|change| (change.concern, change.seen.is_some())),
        );
        assert!(health.tick(step as f64 * 10.0 + 5.0, &|_| true).is_empty());
    }
    told
}

/// A loss that falls as it should, with noise.
fn healthy(steps: usize) -> impl Iterator<Item = f64> + Clone {
    (0..steps).map(|n| {
        1.0 + 3.0 * (-(n as f64) / 400.0).exp() + 0.05 * ((n * 7919 % 13) as f64 - 6.0) / 6.0
    })
}

#[rstest]
#[case::healthy(healthy(600).collect::<Vec<f64>>(), &[])]
#[case::nan(healthy(50).chain([f64::NAN; 3]).collect::<Vec<f64>>(), &[(Concern::NotANumber, true)])]
#[case::nan_and_back(healthy(50).chain([f64::NAN]).chain([3.5]).collect::<Vec<f64>>(), &[(Concern::NotANumber, true), (Concern::NotANumber, false)])]
#[case::infinite(healthy(50).chain([f64::INFINITY]).collect::<Vec<f64>>(), &[(Concern::NotANumber, true)])]
#[case::one_spike(healthy(200).chain([40.0]).chain(healthy(300).skip(200)).collect::<Vec<f64>>(), &[])]
#[case::divergence(healthy(200).chain((0..80).map(|n| 3.0 + f64::from(n))).collect::<Vec<f64>>(), &[(Concern::Divergence, true)])]
#[case::negative(healthy(300).map(|loss| loss - 20.0).collect::<Vec<f64>>(), &[])]
#[case::plateau(healthy(100).chain(std::iter::repeat_n(3.2, 400)).collect::<Vec<f64>>(), &[(Concern::Plateau, true)])]
#[case::plateau_left(healthy(100).chain(std::iter::repeat_n(3.2, 400)).chain(std::iter::repeat_n(2.0, 30)).collect::<Vec<f64>>(), &[(Concern::Plateau, true), (Concern::Plateau, false)])]
fn losses(#[case] values: Vec<f64>, #[case] want: &[(Concern, bool)]) {
    assert_eq!(run(values), want);
}

#[test]
fn slower_than_its_own_median() {
    let mut health = Health::new(Thresholds::default());
    let mut told = Vec::new();
    let speeds = [1000.0; 60]
        .into_iter()
        .chain([400.0; 20])
        .chain([990.0; 20]);
    for (step, speed) in speeds.enumerate() {
        let record = record(&format!("step {step} loss 1.0 {speed} tokens/s"));
        for change in health.record(step as f64, 0, &record, false) {
            told.push((step, change.concern, change.seen));
        }
    }
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!((told[0].0, told[0].1), (62, Concern::Slow));
    assert_eq!(
        told[0].2.as_deref(),
        Some("slower than usual: 40 % of its median speed")
    );
    assert_eq!(
        (told[1].0, told[1].1, &told[1].2),
        (82, Concern::Slow, &None)
    );
}

#[test]
fn a_step_that_does_not_come() {
    let mut health = Health::new(Thresholds::default());
    for step in 0..30 {
        health.record(
            f64::from(step) * 10.0,
            0,
            &record(&format!("step {step} loss 1.{step}")),
            false,
        );
    }
    assert!(health.tick(290.0 + 599.0, &|_| true).is_empty());
    assert_eq!(health.due(290.0 + 599.0, &|_| true), Some(290.0 + 600.0));
    // Of a pod that is over nothing is expected.
    assert_eq!(health.due(290.0 + 599.0, &|_| false), None);
    assert!(health.tick(290.0 + 601.0, &|_| false).is_empty());
    let changes = health.tick(290.0 + 601.0, &|_| true);
    assert_eq!(changes.len(), 1);
    assert_eq!(
        changes[0].seen.as_deref(),
        Some("no new step for {age}: the last is 29, usually one comes every 10 s")
    );
    assert!(
        health.tick(290.0 + 700.0, &|_| true).is_empty(),
        "told once"
    );
    assert_eq!(health.concerns().count(), 1);
    let changes = health.record(1_000.0, 0, &record("step 30 loss 1.0"), false);
    assert_eq!(
        (changes[0].concern, &changes[0].seen),
        (Concern::Frozen, &None)
    );
}

/// Refreshes every four seconds reach us 16 KiB at a time: a quarter of an hour of silence.
#[test]
fn a_bar_held_back_by_the_runtime_is_no_hang() {
    let mut health = Health::new(Thresholds::default());
    for step in 0..30 {
        let bar = record(&format!(
            " {step}%|#  | {step}/100 [00:01<00:02,  4.00s/it]"
        ));
        health.record(f64::from(step) * 4.0, 0, &bar, true);
    }
    assert!(health.tick(116.0 + 810.0, &|_| true).is_empty());
    assert_eq!(
        health.tick(116.0 + 900.0, &|_| true)[0].concern,
        Concern::Frozen
    );
}

/// Python without `-u` writes 8 KiB at a time: lines of 130 steps arrive at one moment, then nothing for their time.
#[rstest]
#[case(Some("5.0"), 10)]
#[case(None, 0)]
fn blocks_of_a_buffered_output_are_no_hang(#[case] pace: Option<&str>, #[case] patience: i64) {
    let mut health = Health::new(Thresholds::default());
    let line = |step: u32| match pace {
        Some(pace) => format!(" 5%|#  | {step}/1000 [00:01<00:02,  {pace}s/it]"),
        None => format!("step {step} loss 1.5"),
    };
    let mut at = 0.0;
    for block in 0..3 {
        if block > 0 && pace.is_some() {
            assert!(
                health.tick(at + 650.0, &|_| true).is_empty(),
                "block {block}"
            );
        }
        at = f64::from(block) * 650.0;
        for step in 0..130 {
            health.record(at, 0, &record(&line(block * 130 + step)), false);
        }
    }
    // what was seen before is no surprise, be the pace told or not
    assert!(health.tick(at + 1_290.0, &|_| true).is_empty());
    let told = health.tick(at + 1_310.0, &|_| true);
    assert_eq!(told.len(), 1, "{patience}");
    let seen = told[0].seen.clone().unwrap_or_default();
    assert!(seen.contains("its lines come in bursts"), "{seen}");
    assert!(!seen.contains("hang"), "{seen}");
    // a loss that stands still is another thing
    let frozen = |held: &&Held| held.concern == Concern::Frozen;
    let held: Vec<&Held> = health.held().filter(frozen).collect();
    assert_eq!((held.len(), held[0].since), (1, at));
}

#[test]
fn what_goes_away_is_told_once() {
    let mut health = Health::new(Thresholds::default());
    health.record(1.0, 0, &record("step 1 loss nan"), false);
    health.record(2.0, 0, &record("step 2 loss nan"), false);
    let held: Vec<&Held> = health.held().collect();
    assert_eq!(
        (held[0].since, &*held[0].seen),
        (1.0, "the loss is NaN at step 2")
    );
    assert_eq!(health.take_over(), []);
    health.record(3.0, 0, &record("step 3 loss 2.0"), false);
    assert_eq!(health.take_over().len(), 1);
    assert_eq!((health.take_over(), health.held().count()), (Vec::new(), 0));
}

#[test]
fn the_end_of_a_run_is_no_silence() {
    let mut health = Health::new(Thresholds::default());
    for step in 0..30 {
        health.record(
            f64::from(step),
            0,
            &record(&format!("step {step} loss 1.5")),
            false,
        );
    }
    health.record(
        31.0,
        0,
        &record("{'train_runtime': 30.0, 'train_loss': 1.5, 'epoch': 1.0}"),
        false,
    );
    assert!(health.tick(100_000.0, &|_| true).is_empty());
}

#[test]
fn one_rank_that_says_nothing_any_more() {
    let mut health = Health::new(Thresholds::default());
    let mut told = Vec::new();
    for minute in 0..60 {
        for rank in 0..4 {
            if rank != 2 || minute < 20 {
                let line = format!("step {} loss 1.5", minute * 10);
                health.record(f64::from(minute) * 60.0, rank, &record(&line), false);
            }
        }
        told.extend(
            health
                .tick(f64::from(minute) * 60.0 + 1.0, &|_| true)
                .into_iter()
                .map(|change| (minute, change)),
        );
    }
    let silent: Vec<_> = told
        .iter()
        .filter(|(_, change)| change.concern == Concern::Silent)
        .collect();
    assert_eq!(silent.len(), 1, "{told:?}");
    let (minute, change) = silent[0];
    assert_eq!((*minute, change.stream), (29, 2));
    assert_eq!(
        change.seen.as_deref(),
        Some("no output for {age} while 3 of the others go on")
    );
}

/// A screen that is opened reads a backlog, stream by stream: what is old when it comes is no silence.
#[test]
fn what_is_still_being_read_is_not_silent() {
    let mut health = Health::new(Thresholds::default());
    let told = |health: &mut Health, now| health.tick(now, &|_| true).len();
    let now = 10_000.0;
    for stream in 0..3 {
        // the first one is read up to half an hour ago so far
        let end = if stream == 0 { now - 1800.0 } else { now };
        for n in (0..40).rev() {
            let line = format!("step {} loss 2.0", 40 - n);
            health.record(end - f64::from(n) * 20.0, stream, &record(&line), false);
        }
        health.came(stream, now, now - end);
    }
    assert_eq!(told(&mut health, now + 1.0), 0);
    let due = health
        .due(now + 1.0, &|_| true)
        .expect("it is looked at again");
    assert!(due > now && due <= now + 60.0, "{due}");
    // the rest comes: it never was silent
    health.record(now + 2.0, 0, &record("step 130 loss 1.9"), false);
    health.came(0, now + 2.0, 0.0);
    assert_eq!(told(&mut health, now + 3.0), 0);
}

#[test]
fn what_came_to_its_end_long_ago_is_silent_once_it_is_read() {
    let mut health = Health::new(Thresholds::default());
    let now = 10_000.0;
    for stream in 0..2 {
        let end = if stream == 0 { now - 1800.0 } else { now };
        for n in (0..40).rev() {
            let line = format!("step {} loss 2.0", 40 - n);
            health.record(end - f64::from(n) * 20.0, stream, &record(&line), false);
        }
        health.came(stream, now, now - end);
    }
    let due = health.due(now, &|_| true).expect("it is looked at again");
    let told = health.tick(due + 0.1, &|_| true);
    assert!(
        told.iter()
            .any(|c| c.concern == Concern::Silent && c.stream == 0),
        "{told:?}"
    );
}
