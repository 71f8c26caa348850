//! An app without a terminal or a cluster, for tests: connected, with two jobs and a pod.

use super::look::Look;
use super::message::{Message, Opened};
use super::{App, Begin};
use crate::cluster::report::Report;
use crate::model::delta::{Change, Delta, Rows, SourceId};
use crate::model::fixture::{at, job, pod};
use crate::model::ids::ClusterId;
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
        context: Some("prod".into()),
        namespace: Some(None),
        read_only,
        told_theme: false,
        demo: false,
        demo_offered: false,
        file: None,
        settings_file: None,
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

/// Rows as their watch reports them.
pub fn rows(app: &mut App, rows: Rows) {
    let report = Report::Delta(Delta {
        cluster: ClusterId(0),
        source: SourceId(match rows {
            Rows::Jobs(_) => 1,
            _ => 2,
        }),
        rows,
    });
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
    let area = ratatui::layout::Rect::new(0, 0, 100, 30);
    let mut buf = ratatui::buffer::Buffer::empty(area);
    app.paint(area, &mut buf, at(1));
    let rows = buf.content.chunks(100);
    rows.map(|row| row.iter().map(|c| c.symbol()).collect::<String>() + "\n")
        .collect()
}
