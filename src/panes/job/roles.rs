//! The replicas of a workload in its detail: the cells, and the one under the cursor in words.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Cx, Job};
use crate::model::job::JobRow;
use crate::model::podwhy;
use crate::model::roles::{self, Cast};
use crate::panes::replicas::Replicas;
use crate::panes::words::{self, pod_state};
use crate::ui::{State, text};

/// The replicas by role, and the one under the cursor in words.
pub fn draw(pane: &mut Job, cx: &Cx, area: Rect, buf: &mut Buffer) {
    let Some(job) = cx.model.jobs.get(pane.key).or(pane.last.as_ref()) else {
        return;
    };
    let casts = roles::casts(cx.model, job);
    let width = usize::from(area.width);
    let (role, at) = pane.replicas.cursor();
    let mut below: Vec<Line> = Vec::new();
    if let Some(cast) = casts.get(role).filter(|cast| !cast.places.is_empty()) {
        let over = cx.model.status(job).phase.is_over();
        let pod = cast.places.get(at).copied().flatten();
        let state = pod.map_or(State::NotRun, pod_state);
        let name = format!("{} ", text::clean(&cast.name(job, at)));
        let mut spans = vec![Span::styled(name, cx.theme.text())];
        if let Some(pod) = pod {
            let words = format!("{} {}", cx.theme.state_glyph(state), pod.status);
            spans.push(Span::styled(words, cx.theme.state(state)));
        }
        for fact in facts(cast, job, at, over, cx) {
            if spans.len() > 1 {
                spans.push(Span::styled(" · ", cx.theme.faint()));
            }
            spans.push(Span::styled(fact, cx.theme.text()));
        }
        below.push(Line::from(text::shorten_spans(&spans, width)));
        let why = pod.and_then(podwhy::why).map(|why| why.text);
        // an exit code is said already
        let more = |why: &str| {
            why.strip_prefix("exit ")
                .is_none_or(|rest| rest.contains(' '))
        };
        if let Some(why) = why.filter(|why| more(why)) {
            let why = text::clean(&why).into_owned();
            let why = text::shorten(&why, width, text::Shorten::End).into_owned();
            below.push(Line::styled(why, cx.theme.dim()));
        }
    }
    let keep = (below.len() as u16).min(area.height.saturating_sub(1));
    let wanted = Replicas::rows_wanted(&casts, area.width, area.height - keep);
    let cells = Rect {
        height: wanted,
        ..area
    };
    pane.replicas.draw(&casts, cx, cells, buf);
    for (y, line) in (cells.bottom()..area.bottom()).zip(&below) {
        buf.set_line(area.x, y, line, area.width);
    }
}

/// What to say of a place after its name and state, in order of interest.
fn facts(cast: &Cast, job: &JobRow, at: usize, over: bool, cx: &Cx) -> Vec<String> {
    let Some(Some(pod)) = cast.places.get(at) else {
        return vec![match over {
            true => "pod cleaned up".to_owned(),
            false if job.suspend => "held".into(),
            false => "no pod yet".into(),
        }];
    };
    let mut out = Vec::new();
    if let Some(exit) = pod.exit.as_deref().filter(|e| e.code != 0) {
        out.push(match &*exit.reason {
            "Error" | "" => format!("exit {}", exit.code),
            reason => format!("exit {} {reason}", exit.code),
        });
    }
    if let Some(node) = &pod.node {
        out.push(node.to_string());
    }
    let gpus = words::devices(&pod.shape.devices, None);
    if !gpus.is_empty() {
        out.push(gpus);
    }
    if pod.restarts > 0 {
        out.push(words::count(pod.restarts as usize, "restart", "restarts"));
    }
    if let Some(from) = pod.started.get() {
        let to = pod.finished.get().unwrap_or(cx.now);
        out.push(words::span((to - from).num_seconds().max(0)));
    }
    out
}
