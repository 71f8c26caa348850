use proptest::prelude::*;

use super::*;

/// What is done to a layout, by lot.
#[derive(Debug, Clone)]
enum Do {
    Split(usize, bool),
    Close(usize),
    Swap(usize, usize),
    Drag(usize, u16, u16),
    Resize(usize, bool, bool),
    Even,
}

fn deeds() -> impl Strategy<Value = Vec<Do>> {
    let one = prop_oneof![
        3 => (any::<usize>(), any::<bool>()).prop_map(|(n, b)| Do::Split(n, b)),
        1 => any::<usize>().prop_map(Do::Close),
        1 => (any::<usize>(), any::<usize>()).prop_map(|(a, b)| Do::Swap(a, b)),
        2 => (any::<usize>(), 0u16..300, 0u16..90).prop_map(|(n, x, y)| Do::Drag(n, x, y)),
        2 => (any::<usize>(), any::<bool>(), any::<bool>()).prop_map(|(n, a, b)| Do::Resize(n, a, b)),
        1 => Just(Do::Even),
    ];
    proptest::collection::vec(one, 0..24)
}

fn along(row: bool) -> Along {
    if row { Along::Row } else { Along::Column }
}

fn after(deeds: &[Do], area: Rect) -> Layout {
    let mut layout = Layout::new(0);
    let mut next = 1;
    for deed in deeds {
        let ids = layout.ids();
        let one = |n: &usize| ids[n % ids.len()];
        let placed = layout.place(area).unwrap_or_default();
        match deed {
            Do::Split(n, row) => {
                layout.split(one(n), along(*row), next);
                next += 1;
            }
            Do::Close(n) => layout.close(one(n)),
            Do::Swap(a, b) => layout.swap(one(a), one(b)),
            Do::Drag(n, x, y) => {
                let line = n % placed.lines.len().max(1);
                layout.drag(line, &placed, Position::new(*x, *y));
            }
            Do::Resize(n, row, gain) => layout.resize(one(n), along(*row), *gain, &placed),
            Do::Even => layout.even(),
        }
    }
    layout
}

proptest! {
    #[test]
    fn panes_and_lines_cover_the_area_once_and_none_is_too_small(
        deeds in deeds(), wide in 0u16..300, high in 0u16..90,
    ) {
        let area = Rect::new(3, 2, wide, high);
        let layout = after(&deeds, area);
        let ids = layout.ids();
        let mut unique = ids.clone();
        unique.sort_unstable();
        unique.dedup();
        prop_assert_eq!(unique.len(), ids.len());
        let (first, steps) = layout.steps();
        let mut again = Layout::new(first);
        for step in steps {
            again.split_off(step.of, step.along, step.new, step.share);
        }
        prop_assert_eq!(&again, &layout);
        let least = layout.root.least();
        let Some(placed) = layout.place(area) else {
            prop_assert!(wide < least.0 || high < least.1, "there was room");
            return Ok(());
        };
        let order: Vec<Id> = placed.panes.iter().map(|(id, _)| *id).collect();
        prop_assert_eq!(order, ids.clone());
        prop_assert_eq!(placed.lines.len() + 1, ids.len());
        let mut taken = vec![0u8; usize::from(wide) * usize::from(high)];
        let columns = placed.lines.iter().filter(|line| line.along == Along::Row);
        let all = placed.panes.iter().map(|(_, area)| *area).chain(columns.map(|line| line.area));
        for part in all {
            prop_assert_eq!(part.intersection(area), part);
            for place in part.positions() {
                taken[usize::from(place.y - 2) * usize::from(wide) + usize::from(place.x - 3)] += 1;
            }
        }
        prop_assert!(taken.iter().all(|n| *n == 1), "a gap or an overlap");
        for (_, pane) in &placed.panes {
            prop_assert!(pane.width >= LEAST.0 && pane.height >= LEAST.1, "{:?}", pane);
        }
        // who is to the right of me has me, or somebody else, to the left
        for id in &ids {
            for (way, back) in [(Way::Left, Way::Right), (Way::Up, Way::Down), (Way::Right, Way::Left), (Way::Down, Way::Up)] {
                if let Some(other) = placed.neighbour(*id, way) {
                    prop_assert!(placed.neighbour(other, back).is_some());
                }
            }
        }
    }

    #[test]
    fn a_line_goes_where_it_is_drawn_to(x in 0u16..200, y in 0u16..60) {
        let area = Rect::new(0, 0, 200, 60);
        let mut layout = Layout::new(0);
        layout.split(0, Along::Row, 1);
        layout.split(1, Along::Column, 2);
        for line in 0..2 {
            let placed = layout.place(area).unwrap();
            layout.drag(line, &placed, Position::new(x, y));
        }
        let placed = layout.place(area).unwrap();
        prop_assert_eq!(placed.lines[0].area.x, x.clamp(LEAST.0, 199 - LEAST.0));
        prop_assert_eq!(placed.lines[1].area.y, y.clamp(LEAST.1, 60 - LEAST.1));
    }
}

/// ```text
/// 0 │ 1
///   ├──
///   │ 2
/// ```
fn three() -> Layout {
    let mut layout = Layout::new(0);
    layout.split(0, Along::Row, 1);
    layout.split(1, Along::Column, 2);
    layout
}

#[test]
fn neighbours_are_those_one_sees() {
    let placed = three().place(Rect::new(0, 0, 160, 40)).unwrap();
    let table = [
        (0, Way::Right, Some(1)),
        (0, Way::Left, None),
        (0, Way::Down, None),
        (1, Way::Left, Some(0)),
        (1, Way::Down, Some(2)),
        (2, Way::Up, Some(1)),
        (2, Way::Left, Some(0)),
        (2, Way::Right, None),
    ];
    for (of, way, expected) in table {
        assert_eq!(placed.neighbour(of, way), expected, "{of} {way:?}");
    }
    assert_eq!(placed.pane_at(Position::new(159, 39)), Some(2));
    let line = placed.lines[0].area;
    assert_eq!(placed.line_at(Position::new(line.x, 5)), Some(0));
    assert_eq!(placed.pane_at(Position::new(line.x, 5)), None);
    // the title of the lower one is the line above it
    assert_eq!(placed.line_at(Position::new(120, 20)), Some(1));
}

#[test]
fn what_is_closed_leaves_its_room_to_its_neighbour() {
    let area = Rect::new(0, 0, 160, 40);
    let mut layout = three();
    layout.close(1);
    assert_eq!(layout.ids(), [0, 2]);
    let placed = layout.place(area).unwrap();
    assert_eq!(placed.area(2).unwrap().height, 40);
    layout.close(0);
    assert_eq!(layout.place(area).unwrap().panes, [(2, area)]);
    layout.close(2);
    assert_eq!(layout.ids(), [2], "the last one stays");
}

#[test]
fn keys_move_the_closest_line_that_can() {
    let area = Rect::new(0, 0, 160, 40);
    let mut layout = three();
    let wide = |layout: &Layout, id| layout.place(area).unwrap().area(id).unwrap().width;
    let before = wide(&layout, 2);
    let placed = layout.place(area).unwrap();
    layout.resize(2, Along::Row, true, &placed);
    assert_eq!(wide(&layout, 2), before + 8);
    assert_eq!(wide(&layout, 1), before + 8);
    // the left one has no line above or below: nothing happens
    let placed = layout.place(area).unwrap();
    layout.resize(0, Along::Column, true, &placed);
    assert_eq!(layout.place(area).unwrap(), placed);
    layout.even();
    assert_eq!(wide(&layout, 2), before);
}
