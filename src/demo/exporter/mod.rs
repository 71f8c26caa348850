//! What the GPU exporters on the nodes answer: the exposition text of NVIDIA's dcgm-exporter and of AMD's device metrics
//! exporter, with readings that follow from what the pods on the cards do.

mod amd;
mod dcgm;
mod load;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::clock::Clock;
use super::devices::{Card, Inventory};

pub use dcgm::DRIVER;
pub use load::Load;

/// Whom a card, a slice or a share of it is given to.
#[derive(Debug, Clone)]
pub struct Tenant {
    pub card: usize,
    pub slice: Option<usize>,
    pub share: Option<u64>,
    pub namespace: String,
    pub pod: String,
    pub container: String,
    /// `dra_…` labels of a card that came by way of a claim, in alphabetical order.
    pub claim: Vec<(&'static str, String)>,
    pub load: Load,
}

/// All that an exporter sees of its node.
pub struct View<'a> {
    pub node: &'a str,
    pub inventory: &'a Inventory,
    pub tenants: &'a [Tenant],
    pub booted: DateTime<Utc>,
    pub clock: &'a Clock,
    /// The exporter is one of those that still write `Hostname`, empty labels and values that stand for none.
    pub old: bool,
}

/// What a pod's web server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Page {
        code: u16,
        kind: &'static str,
        body: String,
    },
    /// Nobody listens on that port.
    Closed,
    /// The pod's node does not answer.
    Unreachable,
}

impl Answer {
    fn page(code: u16, kind: &'static str, body: impl Into<String>) -> Self {
        Self::Page {
            code,
            kind,
            body: body.into(),
        }
    }
}

/// Which exporter a pod is, by its image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    Dcgm { old: bool },
    Amd,
}

impl Program {
    pub fn of(pod: &Value) -> Option<Self> {
        let mut all = pod["spec"]["containers"].as_array().into_iter().flatten();
        all.find_map(|c| {
            let image = c["image"].as_str()?;
            let (name, tag) = image.rsplit('/').next()?.split_once(':')?;
            match name {
                "dcgm-exporter" => Some(Self::Dcgm {
                    old: tag.starts_with("2."),
                }),
                "device-metrics-exporter" => Some(Self::Amd),
                _ => None,
            }
        })
    }

    pub fn port(self) -> u16 {
        match self {
            Self::Dcgm { .. } => 9400,
            Self::Amd => 5000,
        }
    }

    /// What it answers to a path; `view` is asked for only where readings are wanted.
    pub fn answer(self, path: &str, view: &View<'_>) -> Answer {
        let plain = "text/plain; charset=utf-8";
        match (path, self) {
            ("/metrics", Self::Dcgm { .. }) => Answer::page(200, plain, dcgm::text(view)),
            ("/metrics", Self::Amd) => {
                let kind = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";
                Answer::page(200, kind, amd::text(view))
            }
            ("/health", Self::Dcgm { .. }) => Answer::page(200, plain, "OK"),
            ("/", Self::Dcgm { .. }) => Answer::page(
                200,
                "text/html; charset=utf-8",
                "<html><head><title>GPU Exporter</title></head><body><h1>GPU Exporter</h1><p><a href=\"./metrics\">Metrics</a></p></body></html>",
            ),
            _ => Answer::page(404, plain, "404 page not found\n"),
        }
    }
}

/// A card as its own readings need it: what all that is on it adds up to.
struct Reading {
    load: Load,
    /// 0..1 of what it can draw above idling.
    strain: f64,
}

impl View<'_> {
    fn seconds(&self) -> f64 {
        (self.clock.now() - self.booted).as_seconds_f64().max(0.0) * self.clock.speed()
    }

    fn on(&self, card: usize) -> impl Iterator<Item = &Tenant> {
        self.tenants.iter().filter(move |t| t.card == card)
    }

    /// Slices and shares do their part; together no more than the card can.
    fn reading(&self, index: usize, card: &Card) -> Reading {
        let mut sum = Load::default();
        let shares = self.on(index).filter(|t| t.share.is_some()).count().max(1);
        for tenant in self.on(index) {
            let part = tenant.slice.and_then(|s| card.slices.get(s));
            let weight = part.map_or(1.0 / shares as f64, |s| s.share);
            sum.add(&tenant.load, weight);
        }
        let strain = (0.3 * sum.engine + 0.55 * (sum.tensor / 0.6).min(1.0) + 0.15 * sum.dram)
            .clamp(0.0, 1.0);
        Reading { load: sum, strain }
    }
}

fn watts(card: &Card, strain: f64, wobble: f64) -> f64 {
    let (idle, most) = card.model.watts;
    (idle + (most - idle) * strain * 0.96 + idle * 0.08 * wobble).min(most)
}

fn celsius(strain: f64, wobble: f64) -> u64 {
    (29.0 + 5.0 * wobble + 41.0 * strain).round() as u64
}

#[cfg(test)]
mod tests;
