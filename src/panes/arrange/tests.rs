use super::*;
use crate::app::action::Action;
use crate::model::Model;
use crate::model::delta::Rows;
use crate::model::extra::{Chosen, Columns, ExtraRows, Texts};
use crate::panes::fixture;
use crate::panes::jobs::Jobs;
use crate::panes::pods::Pods;
use crate::panes::{Pane, PodsOf, Session};

fn chosen(list: List, all: &[&str]) -> Columns {
    let picks: Chosen = all
        .iter()
        .map(|text| match text.split_once(" as ") {
            None => Pick::parse(list, text).unwrap(),
            Some((text, title)) => Pick::Own(Extra::parse(text).unwrap().titled(title)),
        })
        .collect();
    let mut columns = Columns::default();
    columns.put(list, Some(picks));
    columns
}

/// The fixture with these columns, and what rows of it have in those of one's own.
fn shown(list: List, all: &[&str], texts: &[(&str, &[&str])]) -> (Model, Session) {
    let columns = chosen(list, all);
    let sets = columns.sets();
    let mut model = fixture::model();
    model.extras.show(&sets);
    let rows = texts.iter().map(|(name, texts)| {
        let texts: Texts = texts
            .iter()
            .map(|t| (!t.is_empty()).then(|| (*t).into()))
            .collect();
        (fixture::key(name).uid, texts)
    });
    let rows = ExtraRows {
        list,
        set: sets.of(list).clone(),
        rows: rows.collect(),
    };
    fixture::feed(&mut model, 2, Rows::Extra(Box::new(rows)));
    let session = Session {
        columns,
        ..fixture::session()
    };
    (model, session)
}

const TEAMS: [(&str, &[&str]); 4] = [
    (
        "llama-sft",
        &["機械学習チーム・自然言語処理・第二グループ", "12.5"],
    ),
    ("resnet-hpo", &["vision", "900m"]),
    ("indexed-sweep", &["sweep\u{1b}[31m", ""]),
    ("gnn-hgcal", &["", "3"]),
];

fn at_sizes(name: &str, (model, session): &(Model, Session)) {
    fixture::with(model, session, |cx| {
        for (width, height) in [(80, 24), (160, 44)] {
            let shot = fixture::shot(&mut Jobs::default(), cx, width, height);
            insta::assert_snapshot!(format!("{name}_{width}x{height}"), shot);
        }
    });
}

#[test]
fn jobs_with_ones_own_among_the_usual_ones() {
    let all = ["*", "label:team", "annotation:example.com/cost"];
    at_sizes("own", &shown(List::Jobs, &all, &TEAMS));
}

#[test]
fn jobs_with_only_what_was_chosen_in_that_order() {
    let all = [
        "name",
        "label:team as Who pays",
        "annotation:example.com/cost",
        "image",
        "status",
        "age",
    ];
    at_sizes("chosen", &shown(List::Jobs, &all, &TEAMS));
}

fn names(frame: &str, of: &[&str]) -> Vec<usize> {
    of.iter()
        .map(|name| frame.find(name).unwrap_or(usize::MAX))
        .collect()
}

#[test]
fn rows_are_sorted_and_filtered_by_them() {
    let (model, session) = shown(
        List::Jobs,
        &["name", "annotation:example.com/cost", "label:team"],
        &[
            ("llama-sft", &["12.5", "a b"]),
            ("resnet-hpo", &["900m", "vision"]),
            ("gnn-hgcal", &["3", "hep"]),
        ],
    );
    fixture::with(&model, &session, |cx| {
        let mut pane = Jobs::default();
        fixture::shot(&mut pane, cx, 80, 30);
        // the state they are sorted by is not shown: the first that is, then the next
        pane.act(Action::SortNext, cx);
        pane.act(Action::SortNext, cx);
        let frame = fixture::shot(&mut pane, cx, 80, 30);
        assert!(
            names(&frame, &["resnet-hpo", "gnn-hgcal", "llama-sft"]).is_sorted(),
            "{frame}"
        );
        pane.act(Action::SortReverse, cx);
        let frame = fixture::shot(&mut pane, cx, 80, 30);
        assert!(
            names(&frame, &["llama-sft", "gnn-hgcal", "resnet-hpo"]).is_sorted(),
            "{frame}"
        );
        for (filter, left) in [
            ("col:cost>1", &["llama-sft", "gnn-hgcal"][..]),
            ("col:team=vision", &["resnet-hpo"]),
            ("col:team=h*,vis*", &["resnet-hpo", "gnn-hgcal"]),
            ("col:team !col:team=hep", &["llama-sft", "resnet-hpo"]),
            ("col:\"team=a b\"", &["llama-sft"]),
            ("vision", &["resnet-hpo"]),
        ] {
            pane.set_filter(filter, cx).unwrap();
            let frame = fixture::shot(&mut pane, cx, 80, 30);
            for name in ["llama-sft", "resnet-hpo", "gnn-hgcal"] {
                assert_eq!(
                    frame.contains(name),
                    left.contains(&name),
                    "{filter}: {name}\n{frame}"
                );
            }
        }
        let before = pane.filter().to_owned();
        let why = pane.set_filter("col:cots>5", cx).unwrap_err();
        assert!(
            why.contains("did you mean COST?") && why.contains("f5 chooses columns"),
            "{why}"
        );
        assert_eq!(pane.filter(), before);
        let why = pane.set_filter("col:cost>much", cx).unwrap_err();
        assert!(why.contains("no number"), "{why}");
    });
}

#[test]
fn pods_and_moments() {
    let (model, session) = shown(
        List::Pods,
        &["name", "jsonpath:.metadata.creationTimestamp as BORN"],
        &[],
    );
    let pod = fixture::key("tokenise-shard-aa111");
    let mut model = model;
    let rows = ExtraRows {
        list: List::Pods,
        set: session.columns.sets().of(List::Pods).clone(),
        rows: vec![(pod.uid, [Some("2026-11-23T12:02:20Z".into())].into())],
    };
    fixture::feed(&mut model, 2, Rows::Extra(Box::new(rows)));
    fixture::with(&model, &session, |cx| {
        let mut pane = Pods::new(PodsOf::All);
        let frame = fixture::shot(&mut pane, cx, 80, 30);
        assert!(
            frame.contains("BORN") && !frame.contains("RESTARTS"),
            "{frame}"
        );
        assert!(frame.contains("1m"), "{frame}");
        assert!(wake(List::Pods, pod, cx).is_some_and(|at| at > cx.now));
    });
}

#[test]
fn typed_columns_stand_apart_by_blanks_or_commas() {
    fixture::with(&Model::default(), &Session::default(), |cx| {
        for typed in [
            "name state label:team",
            "name,state,label:team",
            "name, state,label:team ",
        ] {
            let first = offers(List::Jobs, typed, cx).remove(0);
            let Command::Columns(List::Jobs, Some(chosen)) = first.command else {
                panic!("{typed}: {}", first.detail);
            };
            let words: Vec<_> = chosen.iter().map(|pick| pick.text().to_string()).collect();
            assert_eq!(words, ["name", "state", "label:team"], "{typed}");
        }
    });
}
