//! Kueue's messages taken apart: which flavor was refused for what, and what else was said. Patterns of 0.10 to 0.19;
//! whatever matches none stays as it was said.

use super::super::quantity::Quantity;

/// Why one flavor was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal<'a> {
    /// Quota is there in principle, but in use.
    Short {
        resource: &'a str,
        flavor: &'a str,
        more: &'a str,
    },
    /// More than the queue could ever hold.
    TooMuch {
        resource: &'a str,
        flavor: &'a str,
        /// Of the pod sets before it, and of this one.
        asked: (&'a str, &'a str),
        most: &'a str,
    },
    Taint {
        taint: &'a str,
        flavor: &'a str,
    },
    Affinity {
        flavor: &'a str,
    },
    NoFlavor {
        flavor: &'a str,
    },
    NoResource {
        resource: &'a str,
    },
    /// The part of the message that tells of a topology.
    Topology(&'a str),
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Said<'a> {
    pub refusals: Vec<Refusal<'a>>,
    /// Workloads that are being preempted for it.
    pub preempting: Option<u32>,
}

impl<'a> Said<'a> {
    pub fn parse(message: &'a str) -> Self {
        let mut said = Self {
            refusals: Vec::new(),
            preempting: after(message, "Pending the preemption of ")
                .and_then(|rest| rest.split(' ').next()?.parse().ok()),
        };
        let refusals = &mut said.refusals;
        each(message, "insufficient unused quota for ", |rest| {
            let (resource, rest) = word(rest, " in flavor ")?;
            let (flavor, rest) = word(rest, ", ")?;
            let (more, _) = word(rest, " more needed")?;
            refusals.push(Refusal::Short {
                resource,
                flavor,
                more,
            });
            Some(())
        });
        each(message, "insufficient quota for ", |rest| {
            let (resource, rest) = word(rest, " in flavor ")?;
            let (flavor, rest) = word(rest, ", ")?;
            let (asked, most) =
                if let Some(rest) = rest.strip_prefix("previously considered podsets requests (") {
                    let (before, rest) = word(rest, ") + current podset request (")?;
                    let (now, rest) = word(rest, ") > maximum capacity (")?;
                    ((before, now), word(rest, ")")?.0)
                } else {
                    // older: `request > maximum capacity (8 > 4)`
                    let rest = rest.strip_prefix("request > maximum capacity (")?;
                    let (now, rest) = word(rest, " > ")?;
                    (("0", now), word(rest, ")")?.0)
                };
            refusals.push(Refusal::TooMuch {
                resource,
                flavor,
                asked,
                most,
            });
            Some(())
        });
        each(message, "untolerated taint ", |rest| {
            let (taint, rest) = word(rest, " in flavor ")?;
            let flavor = name(rest);
            refusals.push(Refusal::Taint { taint, flavor });
            Some(())
        });
        each(message, "flavor ", |rest| {
            let flavor = name(rest);
            let rest = rest.strip_prefix(flavor)?;
            if rest.starts_with(" doesn't match node affinity") {
                refusals.push(Refusal::Affinity { flavor });
            } else if rest.starts_with(" not found") {
                refusals.push(Refusal::NoFlavor { flavor });
            }
            Some(())
        });
        each(message, "resource ", |rest| {
            let resource = name(rest);
            let rest = rest.strip_prefix(resource)?;
            if rest.starts_with(" unavailable in ClusterQueue") {
                refusals.push(Refusal::NoResource { resource });
            }
            Some(())
        });
        let topology = |start: usize| {
            let text = message.get(start..).unwrap_or_default();
            let text = text.split("; couldn't assign").next().unwrap_or(text);
            let text = text.split(". Pending the").next().unwrap_or(text);
            Refusal::Topology(text.trim_end_matches(['.', ' ']))
        };
        let marks = [
            "topology \"",
            "no topology domains at level",
            "no requested topology level",
            "Flavor \"",
            "workload requires Topology",
        ];
        if let Some(at) = marks.iter().filter_map(|mark| message.find(mark)).min() {
            refusals.push(topology(at));
        }
        said
    }

    /// The refusal that is nearest to being lifted: the flavor with the least missing.
    pub fn nearest(&self) -> Option<(&'a str, &'a str, &'a str)> {
        let short = self.refusals.iter().filter_map(|refusal| match refusal {
            Refusal::Short {
                resource,
                flavor,
                more,
            } => Some((*resource, *flavor, *more)),
            _ => None,
        });
        short.min_by_key(|(_, _, more)| Quantity::parse(more).unwrap_or_default())
    }

    /// The most generous flavor of those it asks too much of: resource, flavor, asked, most.
    pub fn too_much(&self) -> Option<(&'a str, &'a str, (&'a str, &'a str), &'a str)> {
        let all = self.refusals.iter().filter_map(|refusal| match refusal {
            Refusal::TooMuch {
                resource,
                flavor,
                asked,
                most,
            } => Some((*resource, *flavor, *asked, *most)),
            _ => None,
        });
        all.max_by_key(|(.., most)| Quantity::parse(most).unwrap_or_default())
    }

    pub fn topology(&self) -> Option<&'a str> {
        self.refusals.iter().find_map(|refusal| match refusal {
            Refusal::Topology(text) => Some(*text),
            _ => None,
        })
    }

    /// What keeps it out of flavors whatever quota there is, in words.
    pub fn mismatches(&self) -> Vec<String> {
        let words = self.refusals.iter().filter_map(|refusal| match refusal {
            Refusal::Taint { taint, flavor } => Some(format!(
                "{flavor} has a taint it does not tolerate ({taint})"
            )),
            Refusal::Affinity { flavor } => {
                Some(format!("{flavor} is not what its node selector asks for"))
            }
            Refusal::NoFlavor { flavor } => Some(format!("flavor {flavor} does not exist")),
            Refusal::NoResource { resource } => Some(format!("the queue offers no {resource}")),
            _ => None,
        });
        let mut all: Vec<String> = words.collect();
        all.dedup();
        all
    }
}

/// What follows a text.
pub fn after<'a>(message: &'a str, mark: &str) -> Option<&'a str> {
    Some(message.split_once(mark)?.1)
}

fn each<'a>(message: &'a str, mark: &str, mut take: impl FnMut(&'a str) -> Option<()>) {
    for (at, _) in message.match_indices(mark) {
        // what does not go on as expected is no such part
        let _ = message.get(at + mark.len()..).and_then(&mut take);
    }
}

/// A word and what follows it behind an end.
fn word<'a>(text: &'a str, end: &str) -> Option<(&'a str, &'a str)> {
    text.split_once(end)
}

/// A name at the start: up to a space or a mark that no name has.
fn name(text: &str) -> &str {
    let end = text.find([' ', ',', ';', '"']).unwrap_or(text.len());
    text[..end].trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_flavors_and_a_preemption() {
        let said = Said::parse(
            "couldn't assign flavors to pod set main: insufficient unused quota for nvidia.com/gpu in flavor a100, 12 more needed, insufficient unused quota for nvidia.com/gpu in flavor h100, 6 more needed, untolerated taint {spot true NoSchedule <nil>} in flavor spot; couldn't assign flavors to pod set ps: flavor h100 doesn't match node affinity. Pending the preemption of 2 workload(s)",
        );
        assert_eq!(said.preempting, Some(2));
        assert_eq!(said.nearest(), Some(("nvidia.com/gpu", "h100", "6")));
        assert_eq!(
            said.mismatches(),
            [
                "spot has a taint it does not tolerate ({spot true NoSchedule <nil>})",
                "h100 is not what its node selector asks for"
            ]
        );
    }

    #[test]
    fn more_than_there_ever_is() {
        let said = Said::parse(
            "couldn't assign flavors to pod set workers: insufficient quota for nvidia.com/gpu in flavor h100, previously considered podsets requests (1) + current podset request (64) > maximum capacity (40)",
        );
        assert_eq!(
            said.too_much(),
            Some(("nvidia.com/gpu", "h100", ("1", "64"), "40"))
        );
        let old = Said::parse(
            "insufficient quota for cpu in flavor default, request > maximum capacity (8 > 4500m)",
        );
        assert_eq!(
            old.too_much(),
            Some(("cpu", "default", ("0", "8"), "4500m"))
        );
    }

    #[test]
    fn topologies_and_the_unknown() {
        let text = "couldn't assign flavors to pod set main: topology \"racks\" allows to fit only 3 out of 8 pod(s). Total nodes: 12; excluded: resource \"nvidia.com/gpu\": 9";
        let said = Said::parse(text);
        assert_eq!(
            said.topology(),
            Some(
                "topology \"racks\" allows to fit only 3 out of 8 pod(s). Total nodes: 12; excluded: resource \"nvidia.com/gpu\": 9"
            )
        );
        assert_eq!(Said::parse("something new, in flavor"), Said::default());
        assert_eq!(
            Said::parse("insufficient unused quota for gpu in flav"),
            Said::default()
        );
    }
}
