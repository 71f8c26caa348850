//! An app without a terminal or a cluster, for tests: connected, with two jobs and a pod.

use super::look::Look;
use super::message::{Joined, Message, Opened};
use super::{App, Begin};
use crate::cluster::report::{Report, SourceHealth};
use crate::model::delta::{Change, Delta, Rows, SourceId};
use crate::model::fixture::{at, job, pod};
use crate::model::health::Health;
use crate::model::ids::ClusterId;
use crate::model::want::{Kind, Selector};
use crate::settings::Settings;
use crate::ui::{Depth, Glyphs};

/// Connected to `prod`, in all namespaces: `train` runs with one pod, `other` waits for its own.
pub fn app(settings: Settings, read_only: bool) -> App {
    let (look, problems) = Look::load(
        None,
        crate::ui::theme::DEFAULT,
        crate::ui::keymap::DEFAULT,
        Depth::True,
        Glyphs::Unicode,
    );
    assert!(problems.is_empty(), "{problems:?}");
    let mut app = App::new(Begin {
        settings,
        look,
        contexts: vec!["prod".into()],
        namespace: Some(None),
        read_only,
        view: None,
        told_theme: false,
        demo: false,
        demo_offered: false,
        file: None,
        replay: None,
        settings_file: None,
        layout: None,
    });
    let opened = Box::new(Opened {
        cluster: None,
        demo: None,
        context: "prod".into(),
        namespace: String::new(),
        server_version: None,
        contexts: Vec::new(),
        workers: Vec::new(),
    });
    let connection = app.connection;
    app.receive(Message::Opened { connection, opened }, at(0));
    let mut one = job(1, "train");
    one.active = 1;
    rows(
        &mut app,
        Rows::Jobs(Change::Rows(vec![one, job(2, "other")])),
    );
    rows(
        &mut app,
        Rows::Pods(Change::Rows(vec![pod(7, &job(1, "train"))])),
    );
    draw(&mut app);
    app.take_effects(at(0));
    app
}

/// Two clusters, `prod` and `gke/east`: both have a job `train`, and `east` one of its own.
pub fn two(settings: Settings) -> App {
    let mut app = app(settings, false);
    app.connect(&["gke/prod".into(), "gke/east".into()]);
    answer(&mut app, "gke/prod");
    join(&mut app, ClusterId(1));
    let mut one = job(1, "train");
    one.active = 1;
    rows(&mut app, Rows::Jobs(Change::Rows(vec![one.clone()])));
    let mut far = job(1, "train");
    far.key.cluster = ClusterId(1);
    let mut own = job(9, "only-east");
    own.key.cluster = ClusterId(1);
    rows_of(
        &mut app,
        ClusterId(1),
        Rows::Jobs(Change::Rows(vec![far, own])),
    );
    for cluster in [ClusterId(0), ClusterId(1)] {
        live(&mut app, cluster);
    }
    draw(&mut app);
    app.take_effects(at(0));
    app
}

/// The first cluster answers.
pub fn answer(app: &mut App, context: &str) {
    let opened = Box::new(Opened {
        cluster: None,
        demo: None,
        context: context.into(),
        namespace: String::new(),
        server_version: None,
        contexts: Vec::new(),
        workers: Vec::new(),
    });
    let connection = app.connection;
    app.receive(Message::Opened { connection, opened }, at(0));
}

/// One beside it answers.
pub fn join(app: &mut App, id: ClusterId) {
    let joined = Joined {
        cluster: None,
        namespace: "ml".into(),
        server_version: Some("v1.36.3".into()),
    };
    let message = Message::Joined {
        connection: app.connection,
        id,
        outcome: Ok(joined),
    };
    app.receive(message, at(0));
}

/// All that is watched of a cluster is live.
pub fn live(app: &mut App, cluster: ClusterId) {
    for (n, kind) in (1..).zip([Kind::Job, Kind::Pod, Kind::Node]) {
        health(app, cluster, (SourceId(n), kind), Health::Live);
    }
}

/// How a watch is.
pub fn health(app: &mut App, cluster: ClusterId, (source, kind): (SourceId, Kind), health: Health) {
    let report = Report::Health(SourceHealth {
        cluster,
        source,
        kind,
        selector: Selector::All,
        namespace: None,
        health,
    });
    from(app, report);
}

/// Rows as their watch reports them.
pub fn rows(app: &mut App, rows: Rows) {
    rows_of(app, ClusterId(0), rows);
}

/// The same of another cluster.
pub fn rows_of(app: &mut App, cluster: ClusterId, rows: Rows) {
    let report = Report::Delta(Delta {
        cluster,
        source: SourceId(match rows {
            Rows::Jobs(_) => 1,
            _ => 2,
        }),
        rows,
    });
    from(app, report);
}

/// Something of an open connection.
pub fn from(app: &mut App, report: Report) {
    let connection = app.connection;
    let message = Message::From {
        connection,
        report,
        said: Vec::new(),
        failed: Vec::new(),
    };
    app.receive(message, at(1));
}

/// The frame as text, 100x30.
pub fn draw(app: &mut App) -> String {
    draw_at(app, (100, 30))
}

/// The same in another size.
pub fn draw_at(app: &mut App, (width, height): (u16, u16)) -> String {
    let area = ratatui::layout::Rect::new(0, 0, width, height);
    let mut buf = ratatui::buffer::Buffer::empty(area);
    app.paint(area, &mut buf, at(1));
    let rows = buf.content.chunks(width.into());
    rows.map(|row| row.iter().map(|c| c.symbol()).collect::<String>() + "\n")
        .collect()
}
