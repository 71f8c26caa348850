//! Which curves a chart has: those of the streams shown, near-identical ones as one, and those of another run. Separate
//! because it chooses and names, and draws nothing.

use super::super::Logs;
use super::super::follow::Source;
use super::kept::Shown;
use crate::logs::run::{self, Bundle, Series, Side};
use crate::panes::Cx;
use crate::ui::text;

/// Curves in one picture; more could not be told apart.
const MOST: usize = 8;

/// One curve as it is drawn.
pub struct Drawn {
    pub points: Vec<(f64, f64)>,
    pub band: Vec<(f64, f64, f64)>,
    pub label: String,
}

impl Drawn {
    fn scale(&mut self, factor: f64) {
        self.points.iter_mut().for_each(|point| point.0 *= factor);
        self.band.iter_mut().for_each(|point| point.0 *= factor);
    }
}

/// Who is shown alone: pod and rank, so that it outlives the numbering of streams.
pub type Who = (crate::model::ids::Key, Option<u32>);

impl Logs {
    /// The curves of a metric, of the streams that are shown; and how many more there would be.
    pub(super) fn drawn(&self, name: &str, cx: &Cx) -> (Vec<Drawn>, usize) {
        let shown = self.shown(cx);
        let (mine, others) = self.scales(&shown).unwrap_or((1.0, 1.0));
        let all: Vec<&Series> = self.curves_of(name, &shown);
        let several = all.iter().any(|s| s.source != all[0].source);
        let alone = self.charts.who.and_then(|who| {
            let is = |s: &&&Series| who_of(s, shown.sources) == Some(who);
            let own: Vec<&Series> = all.iter().filter(is).copied().collect();
            (!own.is_empty()).then_some(own)
        });
        let (all, bundles) = match alone {
            Some(own) => {
                let each = (0..own.len()).map(|at| run::alone(&own, at)).collect();
                (own, each)
            }
            None => {
                let bundles = run::bundles(&all);
                (all, bundles)
            }
        };
        let mut theirs = self.theirs(name);
        theirs.iter_mut().for_each(|drawn| drawn.scale(others));
        let room = MOST - theirs.len().min(MOST / 2);
        let more: usize = bundles.iter().skip(room).map(|b| b.members.len()).sum();
        let own = self.charts.other.as_ref().map(|_| {
            let job = self.job(cx).and_then(|job| cx.model.jobs.get(job));
            let own = self.name.rsplit('/').next().unwrap_or(&self.name);
            let name = job.map_or(own, |job| &job.name);
            text::shorten(&text::clean(name), 20, text::Shorten::Middle).into_owned()
        });
        let label = |bundle: &Bundle| {
            let label = self.label(bundle, &all, several, &shown);
            match &own {
                Some(own) => format!("{own} {label}"),
                None => label,
            }
        };
        let mut drawn: Vec<Drawn> = bundles
            .into_iter()
            .take(room)
            .map(|bundle| Drawn {
                label: label(&bundle),
                points: bundle.points,
                band: bundle.band,
            })
            .collect();
        drawn.iter_mut().for_each(|drawn| drawn.scale(mine));
        drawn.extend(theirs.into_iter().take(MOST - drawn.len()));
        (drawn, more)
    }

    /// What x of this run and of the other one are multiplied with, where the two count differently: percent of each.
    pub(super) fn scales(&self, shown: &Shown) -> Option<(f64, f64)> {
        let other = self.charts.other.as_ref()?.run();
        if other.is_empty() || other.axis() == shown.run.axis() {
            return None;
        }
        shown.run.percent().zip(other.percent())
    }

    /// The curves of the other run: those it is told by.
    fn theirs(&self, name: &str) -> Vec<Drawn> {
        let Some(other) = &self.charts.other else {
            return Vec::new();
        };
        let told = other.run();
        let leader = told.leader();
        let all = told.named(name);
        let sides = [Side::Train, Side::Eval].into_iter().filter_map(|side| {
            let of = || (0..all.len()).filter(|at| all[*at].side == side);
            let at = of().find(|at| Some(all[*at].source) == leader);
            Some((side, at.or_else(|| of().next())?))
        });
        let name = text::clean(&other.name);
        let label = text::shorten(&name, 20, text::Shorten::Middle);
        sides
            .map(|(side, at)| {
                let bundle = run::alone(&all, at);
                Drawn {
                    points: bundle.points,
                    band: bundle.band,
                    label: format!("{label} {}", side.word()),
                }
            })
            .collect()
    }

    fn curves_of<'a>(&self, name: &str, shown: &Shown<'a>) -> Vec<&'a Series> {
        let mut all = shown.run.named(name);
        all.retain(|s| {
            let Some(source) = shown.sources.get(s.source.stream) else {
                return true;
            };
            let here = self.sources.iter().position(|s| s.pod == source.pod);
            here.is_none_or(|stream| self.buffer.is_shown(stream))
        });
        all
    }

    /// Who could be shown alone, in order.
    pub(super) fn everyone(&self, name: &str, cx: &Cx) -> Vec<Who> {
        let shown = self.shown(cx);
        let all = self.curves_of(name, &shown);
        let mut all: Vec<Who> = all
            .iter()
            .filter_map(|s| who_of(s, shown.sources))
            .collect();
        let mut seen = std::collections::BTreeSet::new();
        all.retain(|who| seen.insert(*who));
        all
    }

    fn label(&self, bundle: &Bundle, all: &[&Series], several: bool, shown: &Shown) -> String {
        let Some(series) = bundle.members.first().map(|at| all[*at]) else {
            return String::new();
        };
        let side = series.side.word();
        if !several {
            return side.to_owned();
        }
        let ranks = bundle.members.iter().map(|at| all[*at].source.rank);
        let who = match (bundle.members.len(), series.source.rank) {
            (1, Some(rank)) => format!("rank {rank}"),
            (1, None) => who(shown.sources, series.source.stream),
            (n, _) if ranks.clone().all(|rank| rank.is_some()) => format!("{n} ranks alike"),
            (n, _) => format!("{n} pods alike"),
        };
        match series.side {
            Side::Train => who,
            Side::Eval => format!("{who} eval"),
        }
    }
}

/// Who speaks in a curve.
fn who_of(series: &Series, sources: &[Source]) -> Option<Who> {
    let source = sources.get(series.source.stream)?;
    Some((source.pod, series.source.rank))
}

/// What tells a stream from the others: its index, or its name where an index stands twice (replicas, retries).
fn who(sources: &[Source], stream: usize) -> String {
    let Some(source) = sources.get(stream) else {
        return String::new();
    };
    let label = source.label();
    if sources.iter().filter(|s| s.label() == label).count() < 2 {
        return label;
    }
    text::shorten(&source.name, 14, text::Shorten::Start).into_owned()
}
