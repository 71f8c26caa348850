use super::*;
use crate::model::Model;
use crate::model::delta::{Change, Delta, Rows as DeltaRows, SourceId};
use crate::model::ids::ClusterId;
use crate::panes::fixture;
use crate::panes::stage::Stage;

fn map() -> Gpus {
    Gpus::new(MapOf::All)
}

#[test]
fn looks() {
    fixture::at_all_sizes("gpus", || Box::new(map()));
}

#[test]
fn states() {
    fixture::in_all_states("gpus", || Box::new(map()));
}

fn line<'a>(screen: &'a str, with: &str) -> &'a str {
    screen
        .lines()
        .find(|line| line.contains(with))
        .unwrap_or_else(|| panic!("no {with} in\n{screen}"))
}

#[test]
fn the_cursor_goes_over_groups_nodes_and_cards_and_says_who_holds_them() {
    let stage = Stage::new(fixture::model());
    let mut pane = map();
    stage.draw(&mut pane, 160, 40);
    stage.act(&mut pane, Action::Down);
    let screen = stage.draw(&mut pane, 160, 40);
    assert!(
        line(&screen, "card 1 of 8").contains("nvidia.com/gpu"),
        "{screen}"
    );
    assert!(screen.contains("held by ■ resnet-hpo"), "{screen}");
    stage.act(&mut pane, Action::Right);
    assert!(stage.draw(&mut pane, 160, 40).contains("card 2 of 8"));
    // from the card to its job
    let Reply::Open(Target::Job(job)) = stage.act(&mut pane, Action::GoJob) else {
        panic!("the card is held by a job");
    };
    assert_eq!(&*stage.model.jobs.get(job).unwrap().name, "resnet-hpo");
    // from the job to its cards: only its nodes, and everything else steps back
    let mut of = Gpus::new(MapOf::Job(job));
    let screen = stage.draw(&mut of, 160, 40);
    assert!(
        screen.contains("gpu-a100-1") && !screen.contains("gpu-h100-1"),
        "{screen}"
    );
    assert_eq!(of.title(&stage.cx()), "gpus of resnet-hpo");
}

#[test]
fn the_ledger_follows_the_card_and_opens_the_holder() {
    let stage = Stage::new(fixture::model());
    let mut pane = map();
    stage.draw(&mut pane, 80, 24);
    stage.act(&mut pane, Action::Down);
    stage.act(&mut pane, Action::Focus);
    let screen = stage.draw(&mut pane, 80, 24);
    assert!(line(&screen, "resnet-hpo").starts_with('▌'), "{screen}");
    assert!(matches!(
        stage.act(&mut pane, Action::Open),
        Reply::Open(Target::Job(_))
    ));
    stage.act(&mut pane, Action::ColourBy);
    stage.act(&mut pane, Action::ColourBy);
    let screen = stage.draw(&mut pane, 80, 24);
    assert!(screen.contains("NAMESPACE"), "{screen}");
    assert!(matches!(stage.act(&mut pane, Action::Open), Reply::Say(..)));
    stage.act(&mut pane, Action::Back);
    assert!(stage.draw(&mut pane, 80, 24).contains("gpu-a100-1"));
}

#[test]
fn a_filter_and_a_folded_group() {
    let stage = Stage::new(fixture::model());
    let mut pane = map();
    pane.set_filter("h100", &stage.cx()).unwrap();
    let screen = stage.draw(&mut pane, 100, 24);
    assert!(
        screen.contains("gpu-h100-1") && !screen.contains("gpu-a100-1"),
        "{screen}"
    );
    assert!(screen.ends_with("4 of 8 nodes"), "{screen}");
    stage.act(&mut pane, Action::Open);
    let screen = stage.draw(&mut pane, 100, 24);
    assert!(!screen.contains("gpu-h100-1"), "{screen}");
    assert!(
        screen.contains("██/█") || screen.contains("███"),
        "{screen}"
    );
    pane.set_filter("nothing-like-it", &stage.cx()).unwrap();
    assert!(stage.draw(&mut pane, 100, 24).contains("nothing-like-it"));
}

/// A cluster of thousands of nodes is blocks, one cell a node, and the cursor goes over them.
#[test]
fn thousands_of_nodes_are_blocks() {
    let mut model = Model::default();
    let rows = (0..7_500).map(|n| {
        let mut node = fixture::node(
            &format!("gpu-{n}"),
            Some("NVIDIA-H100-80GB-HBM3"),
            &[("nvidia.com/gpu", 8)],
        );
        node.key = Key {
            cluster: ClusterId::default(),
            ..fixture::key(&format!("gpu-{n}"))
        };
        node.ready = n != 3;
        node
    });
    model.apply(Delta {
        cluster: ClusterId::default(),
        source: SourceId(1),
        rows: DeltaRows::Nodes(Change::Rows(rows.collect())),
    });
    let stage = Stage::new(model);
    let mut pane = map();
    let screen = stage.draw(&mut pane, 100, 24);
    assert!(screen.contains("···/····"), "{screen}");
    assert!(
        screen.ends_with("7500 nodes") || screen.ends_with("7.5k nodes"),
        "{screen}"
    );
    stage.act(&mut pane, Action::Down);
    stage.act(&mut pane, Action::Right);
    stage.act(&mut pane, Action::Right);
    stage.act(&mut pane, Action::Right);
    let screen = stage.draw(&mut pane, 160, 24);
    assert!(line(&screen, "gpu-3 ").contains("not ready"), "{screen}");
    stage.act(&mut pane, Action::Bottom);
    assert!(stage.draw(&mut pane, 160, 24).contains("gpu-7499"));
}

#[test]
fn hostile_names_stay_text() {
    let mut model = fixture::model();
    let mut node = fixture::node(
        "evil\u{1b}[2J\u{202e}",
        Some("\u{1b}]52;c;x\u{7}GPU"),
        &[("nvidia.com/gpu", 2)],
    );
    node.key.cluster = fixture::session().cluster;
    model.apply(Delta {
        cluster: node.key.cluster,
        source: SourceId(77),
        rows: DeltaRows::Nodes(Change::Rows(vec![node])),
    });
    let stage = Stage::new(model);
    let screen = stage.draw(&mut map(), 140, 40);
    assert!(
        !screen.contains('\u{1b}') && !screen.contains('\u{202e}'),
        "{screen:?}"
    );
    for (width, height) in [(1, 1), (10, 3), (40, 8), (300, 90)] {
        stage.draw(&mut map(), width, height);
    }
}
