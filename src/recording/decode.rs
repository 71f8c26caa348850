//! A line of a recording as what the cluster told then.

use std::collections::BTreeMap;

use super::line::{Is, Line};
use crate::cluster::kinds::{self, Entry};
use crate::cluster::report::{Notice, Report, Severity, SourceHealth};
use crate::cluster::wire::{self, Bare};
use crate::model::delta::{Delta, Rows, SourceId};
use crate::model::ids::{ClusterId, Name, Names, Uid};
use crate::model::kueue::QueueRows;
use crate::model::want::Selector;

/// Of what belongs to no watch.
const NO_SOURCE: SourceId = SourceId(u32::MAX - 1);

/// What the watches of a recording are of.
pub type Opened = BTreeMap<u32, (&'static Entry, Option<Name>)>;

/// Reads lines, in their order.
#[derive(Default)]
pub struct Decoder {
    pub opened: Opened,
    names: Names,
}

impl Decoder {
    /// What a line says.
    ///
    /// # Errors
    /// Nothing can be made of it, and why.
    pub fn reports(&mut self, line: &Line) -> Result<Vec<Report>, String> {
        let cluster = ClusterId::default();
        let mut all = Vec::new();
        let delta = |source, rows| {
            Report::Delta(Delta {
                cluster,
                source,
                rows,
            })
        };
        if let Some(kueue) = line.kueue {
            all.push(delta(NO_SOURCE, Rows::Queues(QueueRows::Served(kueue))));
        }
        if let Some(served) = &line.served {
            let kinds = served.iter().filter_map(|name| {
                let (plural, group) = name.split_once('.')?;
                Some(kinds::of(group, plural)?.kind)
            });
            all.push(Report::Workloads {
                cluster,
                kinds: kinds.collect(),
                blind: None,
            });
        }
        if let Some(text) = &line.notice {
            all.push(Report::Notice(Notice {
                cluster,
                severity: Severity::Info,
                text: format!("it was said: {text}"),
            }));
        }
        let Some(s) = line.s else { return Ok(all) };
        if let Some(open) = &line.open {
            let Some(entry) = kinds::of(&open.group, &open.plural) else {
                return Err(format!("{} are not known here", open.plural));
            };
            let namespace = open.namespace.as_deref().map(|n| self.names.get(n));
            self.opened.insert(s, (entry, namespace));
        }
        let Some((entry, namespace)) = self.opened.get(&s).cloned() else {
            return Err(format!("watch {s} was not opened before"));
        };
        let source = SourceId(s);
        if let Some(health) = &line.health {
            all.push(Report::Health(SourceHealth {
                cluster,
                source,
                kind: entry.kind,
                selector: Selector::All,
                namespace,
                health: health.clone(),
            }));
        }
        if let Some(object) = line.put {
            let mut batch = entry.batch.ok_or("nothing can be made of the object")?();
            let rows = wire::raw::row(&mut *batch, object.get(), cluster, &mut self.names);
            all.push(delta(source, rows));
        }
        let mut change = |bare| {
            if let Some(batch) = entry.batch {
                all.push(delta(source, batch().change(bare)));
            }
        };
        if !line.gone.is_empty() {
            change(Bare::Gone(
                line.gone.iter().map(|uid| Uid::parse(uid)).collect(),
            ));
        }
        match line.is {
            Some(Is::Restart) => change(Bare::Restart),
            Some(Is::Synced) => change(Bare::Synced),
            Some(Is::Dropped) => change(Bare::Dropped),
            Some(Is::Ended) => all.push(Report::Ended { cluster, source }),
            None => {}
        }
        Ok(all)
    }
}
