use super::*;
use crate::model::Model;
use crate::model::delta::{Change, Delta, Rows as DeltaRows, SourceId};
use crate::model::ids::ClusterId;
use crate::model::node::NodeRow;
use crate::panes::fixture::{self, exporters};
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

fn of_nodes(rows: Vec<NodeRow>) -> Stage {
    let mut model = Model::default();
    model.apply(Delta {
        cluster: ClusterId::default(),
        source: SourceId(1),
        rows: DeltaRows::Nodes(Change::Rows(rows)),
    });
    Stage::new(model)
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
    let stage = of_nodes(rows.collect());
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

/// Many groups of some nodes each are no more to be read than one of all.
#[test]
fn groups_fold_where_all_nodes_together_are_many() {
    let rows = (0..300).map(|n| {
        let product = format!("NVIDIA-G{:02}", n / 30);
        fixture::node(
            &format!("gpu-{n:03}"),
            Some(&product),
            &[("nvidia.com/gpu", 8)],
        )
    });
    let stage = of_nodes(rows.collect());
    let mut pane = map();
    let screen = stage.draw(&mut pane, 100, 40);
    let groups = screen.lines().filter(|line| line.contains("▸ NVIDIA-G"));
    assert_eq!(groups.count(), 10, "{screen}");
    // few enough to be named
    pane.set_filter("g03", &stage.cx()).unwrap();
    let screen = stage.draw(&mut pane, 100, 40);
    assert!(screen.contains("▾ NVIDIA-G03"), "{screen}");
    assert!(screen.contains("gpu-090"), "{screen}");
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

/// What exporters tell stands beside the card under the cursor, and may be the colour of all cards.
#[test]
fn use_is_told_of_the_card_under_the_cursor_and_may_be_the_colour() {
    exporters::on(&exporters::told(), |cx| {
        for (width, height) in fixture::SIZES {
            let mut pane = Gpus::new(MapOf::Node(fixture::key("gpu-h100-2")));
            let shot = fixture::shot(&mut pane, cx, width, height);
            insta::assert_snapshot!(format!("gpus_use_{width}x{height}"), shot);
            pane.heat = true;
            let shot = fixture::shot(&mut pane, cx, width, height);
            insta::assert_snapshot!(format!("gpus_heat_{width}x{height}"), shot);
        }
    });
}

fn asked(pane: &Gpus, cx: &Cx) -> Vec<String> {
    let of = |want: Want| match want {
        Want::At { want, .. } => match *want {
            Want::GpuUse(node) => Some(node.to_string()),
            _ => None,
        },
        _ => None,
    };
    pane.wants(cx).into_iter().filter_map(of).collect()
}

#[test]
fn only_what_is_on_screen_is_asked_about_and_no_more_than_is_asked_at_a_time() {
    let model = exporters::told();
    let mut pane = map();
    fixture::with_cx(&model, |cx| {
        fixture::shot(&mut pane, cx, 160, 44);
        pane.heat = true;
        assert_eq!(asked(&pane, cx), [""; 0], "nobody wants it");
    });
    exporters::on(&model, |cx| {
        pane.heat = false;
        fixture::shot(&mut pane, cx, 160, 44);
        assert_eq!(asked(&pane, cx), [""; 0], "the cursor is on a group");
        pane.act(Action::Down, cx);
        assert_eq!(asked(&pane, cx), ["gpu-a100-1"]);
        pane.heat = true;
        let all = asked(&pane, cx);
        assert!(all.len() > 6 && all[0] == "gpu-a100-1", "{all:?}");
        fixture::shot(&mut pane, cx, 100, 10);
        let few = asked(&pane, cx);
        assert!(few.len() < all.len(), "{few:?}");
        let mut session = fixture::session();
        session.gpu_use = crate::panes::GpuUse {
            on: true,
            nodes: 2,
            ..session.gpu_use
        };
        fixture::with(&model, &session, |cx| {
            fixture::shot(&mut pane, cx, 160, 44);
            let two = asked(&pane, cx);
            assert_eq!((two.len(), two[0].as_str()), (2, "gpu-a100-1"));
        });
    });
}

#[test]
fn alarms_are_counted_listed_and_lead_to_their_node() {
    exporters::on(&exporters::told(), |cx| {
        let mut pane = map();
        fixture::shot(&mut pane, cx, 160, 44);
        let answer = pane.answer(cx).to_string();
        assert!(answer.contains(" alarms"), "{answer}");
        pane.act(Action::GpuAlarms, cx);
        let screen = fixture::shot(&mut pane, cx, 160, 44);
        assert!(
            line(&screen, "gpu-h100-2/GPU 5").contains("Xid 79"),
            "{screen}"
        );
        assert!(
            screen.contains("a GPU of it has done nothing for 31 min"),
            "{screen}"
        );
        while pane
            .alarms
            .selected(cx)
            .is_none_or(|a| !a.subject.name.contains("GPU 5"))
        {
            let before = pane.alarms.table.selected();
            pane.act(Action::Down, cx);
            assert_ne!(pane.alarms.table.selected(), before);
        }
        pane.act(Action::Open, cx);
        assert_eq!(pane.spot, Some(Spot::Node(fixture::key("gpu-h100-2"))));
        assert!(!pane.inside);
        // in a narrow terminal the list takes the place of the map, and gives it back
        pane.act(Action::GpuAlarms, cx);
        pane.act(Action::GpuAlarms, cx);
        let screen = fixture::shot(&mut pane, cx, 80, 24);
        assert!(
            screen.contains("Xid 79") && !screen.contains("▾"),
            "{screen}"
        );
        pane.act(Action::GpuAlarms, cx);
        assert_eq!(pane.side, Side::Ledger);
    });
}

#[test]
fn a_shape_is_asked_about_and_the_map_says_where_it_fits() {
    let model = fixture::model();
    fixture::with_cx(&model, |cx| {
        let mut pane = map();
        fixture::shot(&mut pane, cx, 160, 44);
        let Reply::Prompt { text, .. } = pane.act(Action::GpuFit, cx) else {
            panic!("a text is asked for");
        };
        assert_eq!(text, "", "no workload is under the cursor");
        pane.set_filter("4 gpu 8 c", cx).unwrap_err();
        assert_eq!(pane.refused_at(), Some((6, 1)));
        pane.set_filter("4 gpu 8 cpu x2", cx).unwrap();
        assert_eq!(pane.filter(), "", "the filter is another text");
        for (width, height) in fixture::SIZES {
            let shot = fixture::shot(&mut pane, cx, width, height);
            insta::assert_snapshot!(format!("gpus_fit_{width}x{height}"), shot);
        }
        // in a narrow terminal the words take the place of the map
        pane.act(Action::Focus, cx);
        let screen = fixture::shot(&mut pane, cx, 80, 24);
        assert!(screen.contains("LARGEST GANG NOW"), "{screen}");
        pane.act(Action::Back, cx);
        assert_eq!(pane.act(Action::Back, cx), Reply::Done);
        assert!(!pane.fit.is_on() && pane.side == Side::Ledger);
        assert_eq!(pane.act(Action::Back, cx), Reply::Ignored);
    });
}

/// A job that waits has no place on the map: there it is asked where it would fit.
#[test]
fn a_job_that_waits_is_asked_about_with_its_own_shape() {
    let model = fixture::model();
    fixture::with_cx(&model, |cx| {
        let waits = model.jobs.rows().find(|job| {
            let holds = model.pods_of(job.key).any(capacity::holds);
            let over = model.status(job).phase.is_over();
            !holds
                && !over
                && crate::model::capacity::ask::Ask::of_job(&model, job)
                    .is_some_and(|(a, _)| a.total() > 0)
        });
        let job = waits.expect("one that waits for GPUs");
        assert_eq!(
            of_job(job, cx),
            Reply::Open(Target::GpuMap(MapOf::Fit(job.key)))
        );
        let mut pane = Gpus::new(MapOf::Fit(job.key));
        let screen = fixture::shot(&mut pane, cx, 160, 44);
        assert!(
            pane.fit.is_on() && screen.contains("hardware: "),
            "{screen}"
        );
        let Reply::Prompt { text, .. } = pane.act(Action::GpuFit, cx) else {
            panic!("a text is asked for");
        };
        // the same text again is the same question, with all that cannot be typed
        assert!(!text.is_empty());
        pane.set_filter(&text, cx).unwrap();
        assert!(pane.fit.is_on());
    });
}

#[test]
fn two_clusters_look() {
    let stage = Stage::two();
    for (width, height) in [(80, 24), (160, 44)] {
        let shot = stage.draw(&mut map(), width, height);
        insta::assert_snapshot!(format!("two_{width}x{height}"), shot);
    }
}

/// The cursor goes to a node of a cluster.
fn to(pane: &mut Gpus, name: &str, cluster: ClusterId, stage: &Stage) {
    stage.act(pane, Action::Top);
    let spot = Some(Spot::Node(Key {
        cluster,
        ..fixture::key(name)
    }));
    for _ in 0..pane.rows.len() {
        if pane.spot == spot {
            return;
        }
        stage.act(pane, Action::Down);
    }
    panic!("no {name} there");
}

#[test]
fn a_node_of_the_same_name_in_another_cluster_is_another() {
    let mut stage = Stage::two();
    stage.session.gpu_use.on = true;
    let mut pane = map();
    stage.draw(&mut pane, 160, 60);
    for cluster in [ClusterId(0), fixture::EAST] {
        to(&mut pane, "gpu-h100-1", cluster, &stage);
        assert_eq!(pane.cluster(&stage.cx()), Some(cluster));
        let own = Want::GpuUse("gpu-h100-1".into()).at(cluster);
        assert!(pane.wants(&stage.cx()).contains(&own));
        assert!(
            matches!(stage.act(&mut pane, Action::Open), Reply::Open(Target::Node(key))
            if key.cluster == cluster)
        );
        let pod = pane.pod(&stage.cx()).expect("its cards are held");
        assert_eq!(pod.key.cluster, cluster);
    }
    // its holders are two as well, each with a hue of its own
    let alike = |row: &&crate::model::capacity::holders::Holder| &*row.name == "llama-sft";
    let rows: Vec<_> = pane.ledger.rows.iter().filter(alike).collect();
    let clusters: Vec<_> = rows.iter().map(|row| row.cluster).collect();
    assert_eq!(clusters.len(), 2, "{rows:?}");
    assert_ne!(clusters[0], clusters[1]);
    let who = |n: usize| colours::who(By::Workload, rows[n]);
    assert_ne!(who(0), who(1));
}

#[test]
fn totals_are_of_each_cluster_and_of_all() {
    let mut stage = Stage::two();
    let whole = |of| {
        let all = stage.model.capacity.all(of).expect("it has GPUs");
        all.gpus(|_| true).sums.capacity
    };
    let (here, there) = (whole(ClusterId(0)), whole(fixture::EAST));
    let mut pane = map();
    let screen = stage.draw(&mut pane, 160, 60);
    let all = format!("{} GPUs: ", here + there);
    assert!(screen.starts_with(&all), "{screen}");
    assert!(line(&screen, "cluster csc-demo").contains(&format!("/{here}")));
    assert!(line(&screen, "cluster csc-east").contains(&format!("/{there}")));
    assert!(line(&screen, "held by").contains("workloads"));
    // folded it is one line, and a node in it is reached all the same
    stage.act(&mut pane, Action::Top);
    stage.act(&mut pane, Action::Open);
    let folded = stage.draw(&mut pane, 160, 60);
    assert!(!folded.contains("gpu-a100-1"), "{folded}");
    pane.go_to(fixture::key("gpu-a100-1"));
    assert!(stage.draw(&mut pane, 160, 60).contains("card 1 of 8"));
    // one alone is as if it were the only one
    stage.session.only = Some(fixture::EAST);
    let screen = stage.draw(&mut map(), 160, 60);
    assert!(screen.starts_with(&format!("{there} GPUs: ")), "{screen}");
    assert!(!screen.contains("csc-"), "{screen}");
}

#[test]
fn a_filter_keeps_the_nodes_of_one_cluster() {
    let stage = Stage::two();
    let mut pane = map();
    for filter in ["cluster:=csc-east", "cluster:east h100", "csc-east"] {
        pane.set_filter(filter, &stage.cx()).unwrap();
        let screen = stage.draw(&mut pane, 160, 60);
        assert!(
            screen.contains("cluster csc-east") && !screen.contains("cluster csc-demo"),
            "{filter}: {screen}"
        );
        assert!(!screen.contains("gpu-a100-1"), "{filter}: {screen}");
    }
}

/// What was opened from an object of one cluster shows that one.
#[test]
fn the_map_of_a_node_or_a_job_is_of_its_cluster_alone() {
    let stage = Stage::two();
    let node = Key {
        cluster: fixture::EAST,
        ..fixture::key("gpu-h100-1")
    };
    let screen = stage.draw(&mut Gpus::new(MapOf::Node(node)), 160, 60);
    assert!(
        screen.contains("gpu-h100-1") && !screen.contains("gpu-a100-1"),
        "{screen}"
    );
}

#[test]
fn what_fits_is_answered_for_each_cluster() {
    let stage = Stage::two();
    let mut pane = map();
    stage.draw(&mut pane, 160, 60);
    to(&mut pane, "gpu-h100-1", fixture::EAST, &stage);
    stage.act(&mut pane, Action::GpuFit);
    pane.set_filter("1 gpu", &stage.cx()).unwrap();
    let answer = pane.answer(&stage.cx()).to_string();
    let (east, demo) = (answer.find("csc-east: "), answer.find("; csc-demo: "));
    assert!(east.is_some() && east < demo, "{answer}");
    let screen = stage.draw(&mut pane, 160, 60);
    assert!(screen.contains("cluster csc-east"), "{screen}");
    to(&mut pane, "gpu-h100-1", ClusterId(0), &stage);
    let answer = pane.answer(&stage.cx()).to_string();
    assert!(answer.contains(": csc-demo: fits"), "{answer}");
}

#[test]
fn a_cluster_that_is_lost_or_has_no_gpus_says_so_at_its_heading() {
    let mut stage = Stage::two();
    stage.model.apply(Delta {
        cluster: fixture::EAST,
        source: SourceId(1),
        rows: DeltaRows::Nodes(Change::Dropped),
    });
    let screen = stage.draw(&mut map(), 120, 60);
    assert!(line(&screen, "cluster csc-east").contains("no node offers GPUs"));
    stage.session.peers[0].link = crate::panes::worker::Link::Failed("no route".into());
    let screen = stage.draw(&mut map(), 120, 60);
    assert!(line(&screen, "cluster csc-east").contains("does not answer"));
}
