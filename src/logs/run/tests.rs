//! Runs of our own making: what the curves, places, progress and restarts of each are to be.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::logs::metrics::Reader;
use crate::model::log::LogLine;

const START: i64 = 1_780_000_000;

/// One line a second, read as one stream.
fn run(lines: &[&str]) -> Run {
    let (mut run, mut reader) = (Run::default(), Reader::default());
    for (n, line) in lines.iter().enumerate() {
        if let Some(record) = reader.read(line) {
            run.record(0, Some(n as f64), &record);
        }
    }
    run
}

fn points(run: &Run, name: &str, side: Side) -> Vec<(f64, f64)> {
    let all = run.named(name);
    let series = all.iter().find(|s| s.side == side);
    series.map_or(Vec::new(), |s| {
        s.points.all().iter().map(|p| (p.x, p.y)).collect()
    })
}

/// One batch of a stream that just began.
fn read(lines: &[LogLine]) -> Vec<Said> {
    StreamReader::default().read(lines)
}

fn log(n: i64, text: &str) -> LogLine {
    LogLine {
        at: DateTime::<Utc>::from_timestamp(START, 0).map(|at| at + TimeDelta::seconds(n)),
        bytes: text.as_bytes().into(),
        goes_on: false,
    }
}

#[test]
fn steps_train_and_eval_share_one_axis() {
    let run = run(&[
        "step 10/100 | loss 3.5 | lr 1e-4",
        "step 20/100 | loss 3.1 | lr 2e-4",
        "eval_loss: 3.2 eval_accuracy: 0.4",
        "step 30/100 | loss 3.3 | lr 2e-4",
    ]);
    assert_eq!(run.names(), ["loss", "accuracy", "lr"]);
    assert_eq!(
        points(&run, "loss", Side::Train),
        [(10.0, 3.5), (20.0, 3.1), (30.0, 3.3)]
    );
    assert_eq!(points(&run, "loss", Side::Eval), [(20.0, 3.2)]);
    let headline = run.headline().unwrap();
    assert_eq!(
        (headline.best, headline.last),
        (Some((20.0, 3.1)), Some((30.0, 3.3)))
    );
    let eval = run.named("accuracy");
    assert_eq!(eval[0].best, Some((20.0, 0.4)));
    assert_eq!(
        run.named("lr")[0].best,
        None,
        "no learning rate is the best"
    );
}

#[test]
fn progress_and_time_left_follow_from_the_pace_of_the_lines() {
    let lines: Vec<String> = (1..=10)
        .map(|n| format!("step {}/1000 loss {}", n * 10, 3.0 / f64::from(n)))
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let progress = run(&lines).progress();
    assert_eq!(
        (progress.step, progress.steps),
        (Some(100.0), Some(1_000.0))
    );
    assert_eq!(progress.fraction, Some(0.1));
    // Ten steps a second, 900 to go.
    assert!((progress.left.unwrap() - 90.0).abs() < 1e-9);
}

#[test]
fn the_bars_own_word_on_the_time_left_is_taken() {
    let run = run(&[" 24%|██▍       | 1200/5000 [10:00<31:40,  2.00it/s, loss=1.93]"]);
    let progress = run.progress();
    assert_eq!(progress.fraction, Some(0.24));
    assert_eq!(progress.left, Some(31.0 * 60.0 + 40.0));
}

#[test]
fn epochs_with_steps_become_steps_of_the_whole_run() {
    let run = run(&[
        "Epoch 1/2 [5/10] loss: 2.0",
        "Epoch 1/2 [10/10] loss: 1.5",
        "Epoch 2/2 [5/10] loss: 1.2",
    ]);
    assert_eq!(
        points(&run, "loss", Side::Train),
        [(5.0, 2.0), (10.0, 1.5), (15.0, 1.2)]
    );
    let progress = run.progress();
    assert_eq!(progress.fraction, Some(0.75));
    assert_eq!(progress.restarts, 0);
}

#[test]
fn epochs_alone_are_the_axis() {
    let run = run(&[
        "Epoch 1/20: train_loss=2.0 val_loss=2.2",
        "Epoch 2/20: train_loss=1.0 val_loss=1.3",
    ]);
    assert_eq!(run.axis(), Axis::Epoch);
    assert_eq!(points(&run, "loss", Side::Train), [(1.0, 2.0), (2.0, 1.0)]);
    assert_eq!(points(&run, "loss", Side::Eval), [(1.0, 2.2), (2.0, 1.3)]);
    assert_eq!(run.progress().fraction, Some(0.1));
}

#[test]
fn a_step_that_goes_back_is_another_start() {
    let run = run(&[
        "step 100 loss 2.0",
        "step 200 loss 1.5",
        "step 300 loss 1.2",
        "step 100 loss 1.9",
        "step 200 loss 1.6",
    ]);
    let series = run.headline().unwrap();
    let starts: Vec<u32> = series.points.all().iter().map(|p| p.segment).collect();
    assert_eq!(starts, [0, 0, 0, 1, 1]);
    assert_eq!(run.progress().restarts, 1);
    assert_eq!(series.best, Some((300.0, 1.2)));
    let summary = run.summary().unwrap();
    assert_eq!(summary.spark, [1.9, 1.6], "of the newest start only");
}

#[test]
fn steps_that_count_anew_in_each_epoch_go_on() {
    let run = run(&[
        "epoch: 1 step: 1 loss: 2.0",
        "epoch: 1 step: 2 loss: 1.8",
        "epoch: 2 step: 1 loss: 1.6",
        "epoch: 2 step: 2 loss: 1.4",
        "epoch: 3 step: 1 loss: 1.2",
    ]);
    let xs: Vec<f64> = points(&run, "loss", Side::Train)
        .iter()
        .map(|p| p.0)
        .collect();
    assert_eq!(xs, [1.0, 2.0, 3.0, 4.0, 5.0]);
    assert_eq!(run.progress().restarts, 0);
}

#[test]
fn processes_that_share_a_stream_are_no_restarts() {
    let run = run(&[
        "step 1 loss 2.0",
        "step 2 loss 1.8",
        "step 1 loss 2.1",
        "step 2 loss 1.7",
        "step 3 loss 1.6",
    ]);
    assert_eq!(run.progress().restarts, 0);
    assert_eq!(points(&run, "loss", Side::Train).len(), 3);
}

#[test]
fn ranks_are_curves_of_their_own() {
    let run = run(&["[rank0]: step 5 loss 2.0", "[rank1]: step 5 loss 2.4"]);
    let ranks: Vec<_> = run.named("loss").iter().map(|s| s.source.rank).collect();
    assert_eq!(ranks, [Some(0), Some(1)]);
}

#[test]
fn what_is_told_again_makes_no_second_points() {
    let (mut run, mut reader) = (Run::default(), Reader::default());
    let lines = ["step 1 loss 3.0", "step 2 loss 2.0", "step 3 loss 1.0"];
    for round in 0..2 {
        for (n, line) in lines.iter().enumerate() {
            let record = reader.read(line).unwrap();
            run.record(0, Some(n as f64), &record);
        }
        assert_eq!(points(&run, "loss", Side::Train).len(), 3, "round {round}");
        assert_eq!(run.progress().restarts, 0);
    }
}

#[test]
fn a_nan_is_a_gap_that_is_kept_and_never_the_best() {
    let run = run(&["step 1 loss 2.0", "step 2 loss nan", "step 3 loss 2.5"]);
    let series = run.headline().unwrap();
    assert!(series.points.all()[1].y.is_nan());
    assert_eq!(series.best, Some((1.0, 2.0)));
}

#[test]
fn every_frame_of_a_bar_on_one_line_is_a_point() {
    let mut reading = Reading::default();
    let bar: String = (1..=5)
        .map(|n| {
            format!(
                "\r{:>3}%|██        | {n}/5 [00:0{n}<00:05,  1.00it/s, loss={}.5]",
                n * 20,
                9 - n
            )
        })
        .collect();
    reading.push(0, &read(&[log(0, &bar), log(9, "done")]));
    let ys: Vec<f64> = points(reading.run(), "loss", Side::Train)
        .iter()
        .map(|p| p.1)
        .collect();
    assert_eq!(ys, [8.5, 7.5, 6.5, 5.5, 4.5]);
    assert_eq!(
        reading.summary(START as f64, &|_| true).unwrap().concern,
        None
    );
}

#[test]
fn a_line_that_the_runtime_cut_is_read_whole() {
    let mut reading = Reading::default();
    let rest = LogLine {
        at: None,
        bytes: b"oss 2.25".as_slice().into(),
        goes_on: true,
    };
    reading.push(0, &read(&[log(0, "step 7 l"), rest]));
    assert_eq!(points(reading.run(), "loss", Side::Train), [(7.0, 2.25)]);
}

#[test]
fn what_is_wrong_is_told_with_the_summary() {
    let mut reading = Reading::default();
    reading.push(
        0,
        &read(&[log(0, "step 1 loss 2.0"), log(1, "step 2 loss nan")]),
    );
    let summary = reading.summary(START as f64 + 2.0, &|_| true).unwrap();
    assert!(summary.concern.unwrap().contains("NaN"));
}

#[test]
fn the_table_of_points_is_plain_and_formulas_are_text() {
    let run = run(&["step 1 loss 2.5", "val_loss: 2.75"]);
    let text = csv(&run, &|_| "=pod,1".into());
    assert_eq!(
        text,
        "stream,rank,start,step,metric,side,value\n\
         \"'=pod,1\",,1,1,loss,train,2.5\n\
         \"'=pod,1\",,1,1,loss,eval,2.75\n"
    );
}

#[rstest]
#[case("Starting the server on port 8080")]
#[case("Collecting torch==2.9.0")]
fn lines_without_metrics_make_no_run(#[case] line: &str) {
    let run = run(&[line]);
    assert!(run.is_empty() && run.summary().is_none());
}

proptest! {
    #[test]
    fn any_lines_in_any_order_stay_bounded_and_in_order(
        lines in proptest::collection::vec((0usize..3, prop_oneof![
            (0u32..50, -1e3f64..1e3).prop_map(|(n, y)| format!("step {n}/50 loss {y}")),
            (0u32..5, 0u32..9).prop_map(|(e, n)| format!("Epoch {e}/5 [{n}/9] loss: 1.5")),
            (0u32..5).prop_map(|e| format!("Epoch {e}/5: val_loss=0.5 acc=0.5")),
            (0u32..300).prop_map(|n| format!("step 1 metric_{n}_loss: 0.5")),
            ".{0,40}",
        ]), 0..200),
    ) {
        let mut reading = Reading::default();
        let mut readers: [StreamReader; 3] = Default::default();
        for (n, (stream, line)) in lines.iter().enumerate() {
            reading.push(*stream, &readers[*stream].read(&[log(n as i64, line)]));
        }
        let run = reading.run();
        prop_assert!(run.all().len() <= MOST_SERIES);
        for series in run.all() {
            let all = series.points.all();
            let ordered = all
                .windows(2)
                .all(|two| (two[0].segment, two[0].x) < (two[1].segment, two[1].x));
            prop_assert!(ordered);
        }
        if let Some(fraction) = run.progress().fraction {
            prop_assert!((0.0..=1.0).contains(&fraction));
        }
        if let Some(left) = run.progress().left {
            prop_assert!(left >= 0.0);
        }
        let _ = (csv(run, &|n| n.to_string()), reading.summary(0.0, &|_| true));
    }
}
