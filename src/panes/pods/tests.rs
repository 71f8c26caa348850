use crossterm::event::{KeyModifiers, MouseButton, MouseEventKind};

use super::*;
use crate::model::delta::{Change, Rows};
use crate::model::ids::Uid;
use crate::panes::fixture;

#[test]
fn looks() {
    fixture::at_all_sizes("pods", || Box::new(Pods::new(PodsOf::All)));
}

#[test]
fn states() {
    fixture::in_all_states("pods", || Box::new(Pods::new(PodsOf::All)));
}

#[test]
fn keys_move_by_identity_and_lead_on() {
    let mut model = fixture::model();
    let mut pane = Pods::new(PodsOf::Job(fixture::key("indexed-sweep")));
    fixture::with_cx(&model, |cx| {
        assert_eq!(pane.act(Action::Down, cx), Reply::Done);
        assert_eq!(pane.act(Action::Down, cx), Reply::Done);
        assert_eq!(
            &*pane.sheet.selected(cx.model).unwrap().name,
            "indexed-sweep-1-k7x21"
        );
        assert_eq!(pane.act(Action::SortReverse, cx), Reply::Done);
        assert_eq!(
            pane.act(Action::GoNode, cx),
            Reply::Open(Target::Node(fixture::key("cpu-1")))
        );
        assert_eq!(
            pane.act(Action::GoJob, cx),
            Reply::Open(Target::Job(fixture::key("indexed-sweep")))
        );
        assert_eq!(
            pane.act(Action::Copy, cx),
            Reply::Copy {
                text: "indexed-sweep-1-k7x21".into(),
                what: "pod indexed-sweep-1-k7x21".into()
            }
        );
        assert_eq!(pane.set_filter("state:Error", cx), Ok(()));
        assert_eq!(pane.position(cx), "10/10 of 15");
        assert!(pane.set_filter("colour:red", cx).is_err());
        assert_eq!(pane.filter(), "state:Error");
    });
    // the selected pod is deleted: its neighbour is selected
    let gone = Uid::parse("indexed-sweep-1-k7x21");
    fixture::feed(&mut model, 5, Rows::Pods(Change::Gone(vec![gone])));
    fixture::with_cx(&model, |cx| {
        pane.set_filter("", cx).unwrap();
        assert_eq!(pane.act(Action::MarkClear, cx), Reply::Done);
        assert!(pane.sheet.selected(cx.model).is_some());
        assert_eq!(
            pane.position(cx).split_once('/').map(|(_, n)| n.to_owned()),
            Some("14".into())
        );
    });
}

#[test]
fn a_click_selects_a_double_click_opens_and_a_heading_sorts() {
    let model = fixture::model();
    let mut pane = Pods::new(PodsOf::All);
    fixture::with_cx(&model, |cx| {
        fixture::shot(&mut pane, cx, 120, 20);
        let click = |column, row| MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column,
            row,
            modifiers: KeyModifiers::NONE,
        };
        let area = Rect::new(0, 1, 120, 19);
        assert_eq!(pane.mouse(click(30, 4), area, cx), Reply::Done);
        let name = pane.sheet.selected(cx.model).unwrap().name.clone();
        assert_eq!(&*name, "huge-scan-12001-q12001");
        // a slow second one is none
        assert_eq!(pane.mouse(click(30, 4), area, cx), Reply::Done);
        let twice = crate::panes::Session {
            double_click: true,
            ..cx.session.clone()
        };
        let cx = &Cx {
            session: &twice,
            ..*cx
        };
        assert!(matches!(
            pane.mouse(click(30, 4), area, cx),
            Reply::Open(Target::Logs(_))
        ));
        assert_eq!(pane.mouse(click(25, 1), area, cx), Reply::Done);
        assert_eq!(pane.sheet.view.sort().column, PodColumn::Name);
        fixture::shot(&mut pane, cx, 120, 20);
        assert_eq!(
            pane.sheet.selected(cx.model).unwrap().name,
            name,
            "sorting keeps the selection"
        );
    });
}
