use super::super::fixture::{app, draw, rows};
use super::*;
use crate::actions::stream::Traffic;
use crate::model::delta::{Change, Rows};
use crate::model::fixture::{at, job, pod};
use crate::panes::palette::Command;
use crate::settings::Settings;

fn said(app: &App) -> String {
    let all = app.desk.notices.all().last();
    all.map(|n| n.text.clone()).unwrap_or_default()
}

fn opened(app: &mut App) -> Vec<Effect> {
    let all = app.take_effects(at(1)).into_iter();
    let ours = |e: &Effect| {
        matches!(
            e,
            Effect::Shell { .. } | Effect::Offers { .. } | Effect::Forward { .. } | Effect::Attach
        )
    };
    all.filter(ours).collect()
}

/// Pods of one job that run, so many.
fn running(app: &mut App, n: u32) {
    let all = (0..n).map(|n| {
        let mut pod = pod(20 + u128::from(n), &job(2, "other"));
        pod.phase = PodPhase::Running;
        pod.index = Some(n).into();
        pod
    });
    rows(app, Rows::Pods(Change::Rows(all.collect())));
    draw(app);
}

fn only(effects: &[Effect]) -> &Effect {
    let [one] = effects else {
        panic!("{effects:?}")
    };
    one
}

#[test]
fn a_key_on_a_job_leads_into_its_pod_and_asks_where_there_are_several() {
    let mut app = app(Settings::default(), false);
    running(&mut app, 1);
    app.act(Action::Shell, at(1));
    let effects = opened(&mut app);
    let Effect::Shell { step, .. } = only(&effects) else {
        panic!("{effects:?}")
    };
    let Intent::Exec(run) = &step.intent else {
        panic!()
    };
    assert!(run.tty && run.stdin && run.command.is_empty() && run.container.is_none());
    assert_eq!(step.object.kind.singular(), "pod");
    running(&mut app, 3);
    app.act(Action::Shell, at(1));
    assert!(opened(&mut app).is_empty());
    assert!(draw(&mut app).contains("a shell in which pod"));
    app.act(Action::Down, at(1));
    app.act(Action::Open, at(1));
    assert!(matches!(only(&opened(&mut app)), Effect::Shell { .. }));
}

#[test]
fn a_shell_opens_from_the_log_that_is_read() {
    let mut app = app(Settings::default(), false);
    running(&mut app, 2);
    let pod = |n: u128| Key {
        uid: crate::model::ids::Uid(n),
        ..job(2, "other").key
    };
    let of = crate::panes::LogsOf::Pod {
        pod: pod(21),
        container: None,
        previous: false,
    };
    app.open(&crate::panes::Target::Logs(of));
    draw(&mut app);
    let dollar = crossterm::event::KeyEvent::new(
        crossterm::event::KeyCode::Char('$'),
        crossterm::event::KeyModifiers::NONE,
    );
    app.input(&crossterm::event::Event::Key(dollar), at(1));
    let effects = opened(&mut app);
    let Effect::Shell { step, .. } = only(&effects) else {
        panic!("{effects:?}")
    };
    assert_eq!(step.object.key, Some(pod(21)));
    // of a job's it is asked which, as everywhere; nothing else is done to what is only read
    let job = job(2, "other").key;
    app.open(&crate::panes::Target::Logs(crate::panes::LogsOf::Job {
        job,
        index: None,
    }));
    draw(&mut app);
    app.act(Action::Shell, at(1));
    assert!(opened(&mut app).is_empty());
    assert!(draw(&mut app).contains("a shell in which pod"));
    app.overlay = None;
    app.act(Action::Delete, at(1));
    assert!(app.overlay.is_none());
}

#[test]
fn several_containers_are_asked_about_and_what_does_not_run_is_said() {
    let mut app = app(Settings::default(), false);
    let mut two = pod(20, &job(2, "other"));
    two.phase = PodPhase::Running;
    two.containers = 2;
    two.container_names = "main,side,setup".into();
    rows(&mut app, Rows::Pods(Change::Rows(vec![two.clone()])));
    app.act(Action::Shell, at(1));
    let screen = draw(&mut app);
    assert!(
        screen.contains("side") && !screen.contains("setup"),
        "{screen}"
    );
    app.act(Action::Down, at(1));
    app.act(Action::Open, at(1));
    let effects = opened(&mut app);
    let Effect::Shell { step, .. } = only(&effects) else {
        panic!()
    };
    let Intent::Exec(run) = &step.intent else {
        panic!()
    };
    assert_eq!(run.container.as_deref(), Some("side"));
    two.phase = PodPhase::Failed;
    let others = [7, 20].map(|n| {
        let mut pod = pod(n, &job(2, "other"));
        pod.phase = PodPhase::Failed;
        pod
    });
    rows(&mut app, Rows::Pods(Change::Rows(others.into())));
    app.act(Action::Shell, at(1));
    assert!(opened(&mut app).is_empty());
    assert!(
        said(&app).contains("no pod of job/other runs"),
        "{}",
        said(&app)
    );
}

#[test]
fn a_port_is_offered_led_to_counted_and_stopped() {
    let mut app = app(Settings::default(), false);
    running(&mut app, 1);
    app.act(Action::PortForward, at(1));
    let effects = opened(&mut app);
    let Effect::Offers { pod, .. } = only(&effects) else {
        panic!("{effects:?}")
    };
    let offer = Offer {
        port: 8265,
        what: "Ray dashboard".into(),
    };
    app.offered(&pod.clone(), Ok(vec![offer]), at(1));
    assert!(draw(&mut app).contains("Ray dashboard"));
    app.filter("9000:8265", at(1));
    app.act(Action::Open, at(1));
    let effects = opened(&mut app);
    let Effect::Forward {
        id, step, local, ..
    } = only(&effects)
    else {
        panic!("{effects:?}")
    };
    assert_eq!((&step.intent, *local), (&Intent::Forward(8265), Some(9000)));
    let id = *id;
    app.forwarded(id, Forwarded::Opened(9000), at(1));
    assert!(said(&app).starts_with("http://127.0.0.1:9000 leads to port 8265 of pod/"));
    let traffic = Traffic {
        open: 1,
        all: 3,
        sent: 2048,
        trouble: Some("nothing listens on port 8265 in the pod".into()),
        ..Traffic::default()
    };
    app.forwarded(id, Forwarded::Traffic(traffic), at(1));
    assert!(said(&app).contains("nothing listens"));
    app.act(Action::GoForwards, at(1));
    let screen = draw(&mut app);
    assert!(
        screen.contains("http://127.0.0.1:9000") && screen.contains("2Ki"),
        "{screen}"
    );
    app.act(Action::Copy, at(1));
    app.act(Action::StopForward, at(1));
    let effects = app.take_effects(at(1));
    assert!(effects.contains(&Effect::Copy("http://127.0.0.1:9000".into())));
    assert!(effects.contains(&Effect::StopForward(id)));
    app.forwarded(id, Forwarded::Ended(None), at(2));
    assert!(draw(&mut app).contains("stopped"));
}

#[test]
fn what_is_forbidden_or_read_only_opens_nothing() {
    let mut app = app(Settings::default(), false);
    running(&mut app, 1);
    app.act(Action::Shell, at(1));
    let effects = opened(&mut app);
    let Effect::Shell { step, .. } = only(&effects) else {
        panic!()
    };
    let refusal = Refusal::new("forbidden: needs create pods/exec");
    let outcome = Outcome::new(step.clone(), Ended::Not(Cause::Forbidden, refusal));
    app.entered(Some(Box::new(outcome)), at(1));
    app.act(Action::Shell, at(1));
    assert!(opened(&mut app).is_empty());
    assert!(
        said(&app).contains("forbidden, needs create pods/exec"),
        "{}",
        said(&app)
    );
    // read-only may be learnt while the choice stands
    app.desk.session.read_only = true;
    let pod = app.desk.model.pods.rows().next().unwrap().key;
    for command in [
        Command::Shell(pod, None),
        Command::Container(pod),
        Command::Ports(pod),
        Command::Forward(pod, (None, 1)),
    ] {
        app.run(command, at(1));
        assert!(opened(&mut app).is_empty());
        assert!(said(&app).contains("read-only"));
    }
}
