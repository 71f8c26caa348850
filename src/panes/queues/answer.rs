//! The first line of the queues screen, in words: who waits for what, who borrows, what is shut.

use std::collections::BTreeMap;

use ratatui::text::{Line, Span};

use crate::model::kueue::positions::{Said, Standing};
use crate::model::kueue::queue::Stop;
use crate::model::kueue::tree::{Level, Node};
use crate::model::kueue::workload::State as At;
use crate::model::waiting;
use crate::panes::words::count;
use crate::panes::{Cx, clusters};
use crate::ui::State;

/// `9 wait: 6 for quota, 2 can never fit; 2 queues borrow, 1 lends; 1 on hold`.
pub fn line<'a>(nodes: &[Node], cx: &Cx<'a>) -> Line<'a> {
    let (text, dim) = (cx.theme.text(), cx.theme.dim());
    let mut causes: BTreeMap<&'static str, usize> = BTreeMap::new();
    let (mut waiting, mut admitted) = (0usize, 0usize);
    let mine = cx.session.namespace.as_ref();
    let shown = cx.session.shown();
    for row in cx.model.kueue.workloads.rows() {
        if !shown.contains(&row.key.cluster) || mine.is_some_and(|ns| *ns != row.namespace) {
            continue;
        }
        match row.state() {
            At::Pending | At::Reserved => {
                waiting += 1;
                let look = cx.model.kueue.look(row.key.cluster);
                if let Some((reason, _)) = waiting::short(cx.model, look, row, cx.now) {
                    *causes.entry(reason.word()).or_default() += 1;
                }
            }
            At::Admitted => admitted += 1,
            At::Finished => {}
        }
    }
    let mut spans = Vec::new();
    if waiting == 0 {
        spans.push(Span::styled("nothing waits", text));
    } else {
        let words = count(waiting, "workload waits", "workloads wait");
        spans.push(Span::styled(words, cx.theme.state(State::Waiting)));
        let mut causes: Vec<(&str, usize)> = causes.into_iter().collect();
        causes.sort_by_key(|(word, n)| (std::cmp::Reverse(*n), *word));
        let told: Vec<String> = causes
            .iter()
            .take(4)
            .map(|(word, n)| format!("{n} {word}"))
            .collect();
        if !told.is_empty() {
            spans.push(Span::styled(format!(": {}", told.join(", ")), text));
        }
    }
    spans.push(Span::styled(format!("; {admitted} admitted"), dim));
    let queues = || nodes.iter().filter(|n| n.level == Level::ClusterQueue);
    let some = |what: &dyn Fn(&Node) -> bool| queues().filter(|n| what(n)).count();
    let borrow = some(&|n| n.cells.iter().any(|(_, cell)| cell.borrowed > 0));
    let lend = some(&|n| n.cells.iter().any(|(_, cell)| cell.lent > 0));
    let shut = some(&|n| n.stop != Stop::None);
    let broken = some(&|n| n.stop == Stop::None && n.inactive.is_some());
    let mut rest = Vec::new();
    if borrow > 0 {
        rest.push(count(borrow, "queue borrows", "queues borrow"));
    }
    if lend > 0 {
        rest.push(count(lend, "lends", "lend"));
    }
    if shut > 0 {
        rest.push(format!("{shut} on hold"));
    }
    if !rest.is_empty() {
        spans.push(Span::styled(format!("; {}", rest.join(", ")), dim));
    }
    if broken > 0 {
        let words = format!("; {broken} inactive");
        spans.push(Span::styled(words, cx.theme.state(State::Failed)));
    }
    Line::from(spans)
}

/// What a node is and how it is, for the rule above its workloads; of several clusters, in which.
pub fn node(node: &Node, workloads: usize, said: Option<&Said>, cx: &Cx) -> String {
    let what = match node.level {
        Level::Cluster => format!("cluster {}", node.name),
        Level::Cohort => format!("cohort {}", node.name),
        Level::ClusterQueue => format!("cluster queue {}", node.name),
        Level::LocalQueue => format!("queue {}/{}", node.namespace, node.name),
    };
    let mut parts = vec![what];
    if node.level != Level::Cluster && clusters::stand_apart(cx) {
        let name = cx.model.clusters.name(node.cluster);
        parts.extend(name.map(|name| format!("in {name}")));
    }
    parts.push(count(workloads, "workload", "workloads"));
    if let Some(weight) = node.weight {
        parts.push(format!("weight {}", weight as f64 / 1000.0));
    }
    if let Some(said) = said.filter(|_| node.pending > 0) {
        parts.push(match &said.standing {
            Standing::Told(_) => "order as Kueue tells it".into(),
            Standing::Absent => "order estimated: the visibility API is not served".into(),
            Standing::Forbidden => "order estimated: the visibility API is forbidden".into(),
            Standing::Failing(why) => format!("order estimated: the visibility API fails: {why}"),
        });
    }
    parts.extend(node.preemption.clone());
    parts.join(" · ")
}
