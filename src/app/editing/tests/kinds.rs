//! Kinds that nobody watches, and what the server warns of.

use super::*;

#[test]
fn a_kind_that_nobody_watches_is_asked_about_first() {
    let text = "apiVersion: example.com/v1\nkind: Strange\nmetadata: {name: a}\n";
    let mut app = writing(text);
    control(&mut app, 's');
    let asked = effects(&mut app);
    let [Effect::Meet { id, then, .. }] = &asked[..] else {
        panic!("{asked:?}")
    };
    let (connection, id, then) = (app.connection, *id, then.clone());
    let met = |problems: Vec<Problem>| Message::Met {
        connection,
        id,
        problems,
        then: then.clone(),
    };
    assert!(draw(&mut app).contains("asking the server"));
    let why = "example.com/v1 has no kind Strange in this cluster";
    app.receive(met(vec![Problem::error(Some(1), why)]), at(2));
    let screen = draw(&mut app);
    assert!(
        screen.contains("not sent") && screen.contains(why),
        "{screen}"
    );
    assert_eq!(effects(&mut app), []);
    // an answer that comes when it is written on again is nobody's
    app.receive(met(Vec::new()), at(3));
    assert_eq!(effects(&mut app), []);
}

#[test]
fn queues_are_made_like_jobs_and_no_row_of_jobs_is_waited_for() {
    let text = "apiVersion: kueue.x-k8s.io/v1beta2\nkind: LocalQueue\nmetadata: {name: new, namespace: ml}\nspec: {clusterQueue: a}\n";
    let steps = manifests::steps(text, &[], "x").unwrap();
    assert_eq!(steps[0].object.words(), "localqueue/new");
    let text =
        "apiVersion: kueue.x-k8s.io/v1beta2\nkind: ClusterQueue\nmetadata: {name: new}\nspec: {}\n";
    let steps = manifests::steps(text, &[], "x").unwrap();
    let manifest = steps[0].manifest.as_ref().unwrap();
    assert_eq!(
        (&*steps[0].object.namespace, &manifest["metadata"]),
        ("", &json!({"name": "new"}))
    );
    let mut app = writing(text);
    control(&mut app, 's');
    effects(&mut app);
    let mut outcome = Outcome::new(steps[0].clone(), Ended::Done);
    outcome.made = Some(outcome.step.object.clone());
    outcome.warnings = vec!["spec.namespaceSelector is missing: nobody may use it".into()];
    let id = app.editors;
    let message = Message::Written {
        connection: app.connection,
        outcome: Box::new(outcome.clone()),
    };
    app.receive(message, at(2));
    let message = Message::Submitted {
        connection: app.connection,
        id,
        dry: false,
        outcomes: vec![outcome],
    };
    app.receive(message, at(2));
    assert!(
        !app.edits() && said(&app).contains("created clusterqueue/new"),
        "{}",
        said(&app)
    );
    assert!(
        said(&app).contains("the server warns: spec.namespaceSelector"),
        "{}",
        said(&app)
    );
    assert!(!draw(&mut app).contains("not seen yet"));
}

#[test]
fn what_the_server_warns_of_stands_at_its_line() {
    let mut app = writing(TEXT);
    let steps = manifests::steps(TEXT, &[], "ml").unwrap();
    let mut outcome = Outcome::new(steps[0].clone(), Ended::DryRun);
    outcome.warnings = vec!["metadata.name: this is used in the Pod's hostname".into()];
    for _ in 0..2 {
        control(&mut app, 't');
        effects(&mut app);
        let message = Message::Submitted {
            connection: app.connection,
            id: app.editors,
            dry: true,
            outcomes: vec![outcome.clone()],
        };
        app.receive(message, at(2));
    }
    let screen = draw(&mut app);
    assert!(screen.contains("server would accept it"), "{screen}");
    assert_eq!(
        screen.matches("the server warns: metadata.name").count(),
        1,
        "{screen}"
    );
}
