//! The curves of a run as a file for spreadsheets: one row per point. Separate because a file's shape outlives screens.

use super::Run;

/// `stream,rank,segment,step,metric,side,value`; `label` names a stream. What has a separator in it is quoted.
pub fn csv(run: &Run, label: &dyn Fn(usize) -> String) -> String {
    let mut out = format!(
        "stream,rank,start,{},metric,side,value\n",
        run.axis().word()
    );
    for name in run.names() {
        for series in run.named(name) {
            let rank = series.source.rank.map(|n| n.to_string());
            let stream = quoted(&label(series.source.stream));
            for point in series.points.all() {
                out.push_str(&format!(
                    "{stream},{},{},{},{},{},{}\n",
                    rank.as_deref().unwrap_or_default(),
                    point.segment + 1,
                    point.x,
                    quoted(&series.name),
                    series.side.word(),
                    point.y
                ));
            }
        }
    }
    out
}

fn quoted(text: &str) -> String {
    // What a spreadsheet would take for a formula is text.
    let text = match text.chars().next() {
        Some('=' | '+' | '-' | '@') => format!("'{text}"),
        _ => text.to_owned(),
    };
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}
