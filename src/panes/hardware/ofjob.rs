//! Above the data-sheet of a job's GPU: which it is and how that is known, what the manifest asks of it in vain, and by
//! which rule and source that is said. Separate because it is about the job, and the data-sheet about the GPU.

use ratatui::text::Line;

use super::advice;
use super::place::{self, Asked, Site};
use crate::hardware::{Cores, Precision};
use crate::model::ids::Key;
use crate::model::job::JobRow;
use crate::model::want::ObjectWant;
use crate::panes::Cx;
use crate::ui::text;
use crate::ui::theme::Level;

/// What is known of the job a data-sheet was opened from.
pub struct OfJob {
    key: Key,
    /// Its templates with devices, or why its manifest cannot be read; none before it came.
    asked: Option<Result<Vec<Asked>, String>>,
}

impl OfJob {
    pub fn new(key: Key) -> Self {
        Self { key, asked: None }
    }

    pub fn job<'a>(&self, cx: &Cx<'a>) -> Option<&'a JobRow> {
        cx.model.jobs.get(self.key)
    }

    /// Its manifest, until it came.
    pub fn want(&self, cx: &Cx) -> Option<ObjectWant> {
        let job = self.job(cx).filter(|_| self.asked.is_none())?;
        Some(ObjectWant {
            kind: job.kind.object()?,
            namespace: job.namespace.clone(),
            name: job.name.clone(),
        })
    }

    pub fn receive(&mut self, object: &Result<serde_json::Value, String>) {
        self.asked = Some(object.as_ref().map(place::read).map_err(Clone::clone));
    }

    fn asked(&self) -> Option<&[Asked]> {
        self.asked.as_ref()?.as_deref().ok()
    }

    pub fn site<'a>(&self, cx: &Cx<'a>) -> Option<Site<'a>> {
        place::site(self.job(cx)?, self.asked(), cx)
    }

    /// What is said above the data-sheet.
    pub fn lines(&self, cx: &Cx, width: usize) -> Vec<Line<'static>> {
        let mut out = Vec::new();
        let mut say = |words: &str, style| {
            // what goes on stands under what it goes on from
            let inner = words.trim_start();
            let indent = words.len() - inner.len();
            for line in text::wrap(&text::clean(inner), width.saturating_sub(indent)) {
                out.push(Line::styled(format!("{:indent$}{line}", ""), style));
            }
        };
        let (plain, dim, faint) = (cx.theme.text(), cx.theme.dim(), cx.theme.faint());
        let Some(job) = self.job(cx) else {
            say("this job is not there (any more)", dim);
            return out;
        };
        match (self.site(cx), &self.asked) {
            (Some(site), _) => say(&sentence(job, &site), plain),
            (None, None) if self.want(cx).is_some() => {
                say(&format!("reading what {} asks for ...", job.name), dim);
            }
            (None, Some(Err(why))) => say(
                &format!(
                    "{} runs nowhere yet, and its manifest cannot be read: {why}",
                    job.name
                ),
                cx.theme.level(Level::Warn),
            ),
            _ => say(
                &format!(
                    "{} runs nowhere yet, and nothing in its manifest, its queue or the nodes of this cluster tells \
                     which GPU it will get",
                    job.name
                ),
                dim,
            ),
        }
        let asked = self.asked().unwrap_or_default();
        for told in advice::told(job, asked, cx) {
            say(&told.text, cx.theme.level(Level::Warn));
            let rule = told.found.rule;
            say(&format!("  rule {}: {}", rule.id, rule.says), dim);
            say(&format!("  from {}", rule.source), faint);
            for (arch, status, source) in lacks(&told, cx) {
                say(
                    &format!(
                        "  no {} on tensor cores of {arch}: {status}, {source}",
                        told.found.precision.label()
                    ),
                    faint,
                );
            }
        }
        let mut asks: Vec<Precision> = Vec::new();
        for found in asked.iter().flat_map(|template| &template.found) {
            if !asks.contains(&found.precision) {
                asks.push(found.precision);
                say(
                    &format!("asks for {} by {}", found.precision.word(), found.words),
                    dim,
                );
            }
        }
        if self.asked().is_some() && asks.is_empty() {
            say("its manifest names no number format", dim);
        }
        out
    }
}

fn sentence(job: &JobRow, site: &Site) -> String {
    let ids = site.ids().join(", ");
    let verb = match (site.runs, site.gpus.len()) {
        (true, _) => "runs on",
        (false, 0 | 1) => "will get",
        (false, _) => "will get one of",
    };
    match &site.unknown {
        Some(label) if site.gpus.is_empty() => format!(
            "{} {verb} {label}, which the reference does not know (by {})",
            job.name, site.by
        ),
        Some(label) => format!(
            "{} {verb} {ids}, or {label}, not known here (by {})",
            job.name, site.by
        ),
        None => format!("{} {verb} {ids} (by {})", job.name, site.by),
    }
}

/// Where it is written that an architecture lacks what was asked for.
fn lacks(told: &advice::Told, cx: &Cx) -> Vec<(String, &'static str, String)> {
    let archs = cx
        .hardware
        .archs
        .iter()
        .filter(|arch| told.archs.contains(&arch.id));
    archs
        .filter_map(|arch| {
            let entry = arch.cores(Cores::Tensor).entry(told.found.precision)?;
            let source = cx.hardware.source(&entry.source);
            let title = source.map_or(entry.source.to_string(), |s| s.title.clone());
            Some((arch.name.clone(), entry.status.word(), title))
        })
        .collect()
}
