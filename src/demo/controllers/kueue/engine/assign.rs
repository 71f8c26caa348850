//! Which flavor each pod set of a workload gets, whether there is room for it now, after preemption, or never; and
//! what is said of it.

use std::collections::BTreeMap;

use super::matching;
use super::preempt::Asked;
use super::spec::{Group, Key, PodSet, QueueSpec};
use super::tree::{Amounts, Fr};
use super::{Engine, amount};

/// How a flavor can be had, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    NoFit,
    NoCandidates,
    Preempt,
    Reclaim,
    Fit,
}

#[derive(Debug, Clone, Copy)]
struct Granular {
    mode: Mode,
    borrow: u32,
}

/// A flavor for a resource.
#[derive(Debug, Clone)]
struct Chosen {
    flavor: String,
    mode: Mode,
}

/// What came of trying one flavor.
#[derive(Debug, Clone)]
struct Attempt {
    flavor: String,
    group: usize,
    mode: Mode,
    borrow: u32,
    reasons: Vec<String>,
    why: &'static str,
}

/// One pod set's part of an assignment.
#[derive(Debug, Clone)]
pub struct SetAssignment {
    pub name: String,
    pub count: i64,
    /// Resource → flavor.
    pub flavors: BTreeMap<String, String>,
    /// Thousandths for all its pods.
    pub requests: BTreeMap<String, i64>,
    modes: Vec<Mode>,
    reasons: Vec<String>,
    attempts: Vec<Attempt>,
}

impl SetAssignment {
    fn mode(&self) -> Mode {
        if self.reasons.is_empty() {
            return Mode::Fit;
        }
        self.modes.iter().copied().min().unwrap_or(Mode::NoFit)
    }
}

/// The whole assignment.
#[derive(Debug, Clone, Default)]
pub struct Assignment {
    pub sets: Vec<SetAssignment>,
    pub usage: Amounts,
    pub borrow: u32,
    /// The flavors' resources that are only to be had by preemption.
    pub needs: Vec<Fr>,
}

/// How bad a reason is; of several the worst counts.
fn severity(reason: &str) -> u8 {
    match reason {
        "NoMatchingFlavor" => 4,
        "ExceedsMaxQuota" => 3,
        "WaitingForQuota" => 2,
        _ => 0,
    }
}

fn worse(a: &'static str, b: &'static str) -> &'static str {
    if severity(a) >= severity(b) { a } else { b }
}

impl Assignment {
    pub fn mode(&self) -> Mode {
        let modes = self.sets.iter().map(SetAssignment::mode);
        modes.min().unwrap_or(Mode::NoFit)
    }

    /// Why not at once, for all pod sets.
    pub fn message(&self) -> String {
        let failed = self.sets.iter().filter(|s| !s.reasons.is_empty());
        let all: Vec<String> = failed
            .map(|s| {
                let mut reasons = s.reasons.clone();
                reasons.sort();
                let reasons = reasons.join(", ");
                format!("couldn't assign flavors to pod set {}: {reasons}", s.name)
            })
            .collect();
        all.join("; ")
    }

    /// The reason of a `QuotaReserved` condition when nothing fits: of alternatives the mildest, of what is needed
    /// together the gravest.
    pub fn reason(&self) -> &'static str {
        let mut out = "";
        for set in self.sets.iter().filter(|s| s.mode() == Mode::NoFit) {
            let mut groups: BTreeMap<usize, &'static str> = BTreeMap::new();
            for a in set.attempts.iter().filter(|a| a.mode == Mode::NoFit) {
                let known = groups.entry(a.group).or_insert(a.why);
                if severity(a.why) < severity(known) {
                    *known = a.why;
                }
            }
            if set.attempts.is_empty() {
                out = worse(out, "NoMatchingFlavor");
            }
            out = groups.into_values().fold(out, worse);
        }
        out
    }

    /// The flavors that were not simply had, as the event of a reservation lists them.
    pub fn considered(&self) -> String {
        let sets = self.sets.iter().filter_map(|set| {
            let tried = set.attempts.iter();
            let tried = tried.filter(|a| a.mode != Mode::Fit || a.borrow > 0);
            let tried: Vec<String> = tried
                .map(|a| {
                    let mut text = match a.mode {
                        Mode::NoFit => "NoFit",
                        Mode::Fit => "Fit",
                        Mode::NoCandidates => "preemptionMode=NoCandidates",
                        Mode::Preempt => "preemptionMode=Preempt",
                        Mode::Reclaim => "preemptionMode=Reclaim",
                    }
                    .to_owned();
                    if a.borrow > 0 {
                        text.push_str(&format!(";borrow={}", a.borrow));
                    }
                    for reason in &a.reasons {
                        text.push(';');
                        text.push_str(reason);
                    }
                    format!("{}({text})", a.flavor)
                })
                .collect();
            (!tried.is_empty()).then(|| format!("{}: {}", set.name, tried.join(", ")))
        });
        sets.collect::<Vec<_>>().join(" | ")
    }
}

/// Is `a` the better way?
fn better(a: Granular, b: Granular, spec: &QueueSpec) -> bool {
    if a.mode == Mode::NoFit || b.mode == Mode::NoFit {
        return a.mode != Mode::NoFit;
    }
    let (none_a, none_b) = (a.mode == Mode::NoCandidates, b.mode == Mode::NoCandidates);
    if none_a != none_b {
        return none_b;
    }
    if spec.preempt_before_borrowing {
        (b.borrow, a.mode) > (a.borrow, b.mode)
    } else {
        (a.mode, b.borrow) > (b.mode, a.borrow)
    }
}

fn goes_on(mode: Granular, spec: &QueueSpec) -> bool {
    match mode.mode {
        Mode::NoFit | Mode::NoCandidates => true,
        Mode::Preempt | Mode::Reclaim if spec.next_before_preempting => true,
        _ => mode.borrow > 0 && spec.next_before_borrowing,
    }
}

/// What trying the flavors of a group led to.
#[derive(Default)]
struct Found {
    best: BTreeMap<String, Chosen>,
    reasons: Vec<String>,
    attempts: Vec<Attempt>,
}

impl Engine {
    /// Tries to give every pod set its flavors.
    pub(super) fn assign(&mut self, key: &Key, queue: &str, sets: &[PodSet]) -> Assignment {
        let Some(spec) = self.queues.get(queue).map(|q| q.spec.clone()) else {
            return Assignment::default();
        };
        let mut out = Assignment::default();
        for set in sets {
            let mut requests = set.requests.clone();
            if spec.group("pods").is_some() {
                requests.insert("pods".to_owned(), set.count * 1000);
            }
            let part = self.assign_set(key, &spec, set, requests, &out.usage);
            let failed = part.flavors.is_empty() && !part.requests.is_empty();
            for (resource, flavor) in &part.flavors {
                if let Some(fr) = self.tree.fr(flavor, resource) {
                    *out.usage.entry(fr).or_default() += part.requests[resource];
                }
            }
            let borrow = part
                .attempts
                .iter()
                .filter(|a| a.mode != Mode::NoFit && part.flavors.values().any(|f| *f == a.flavor));
            out.borrow = borrow.map(|a| a.borrow).fold(out.borrow, u32::max);
            out.sets.push(part);
            if failed {
                break;
            }
        }
        for set in &out.sets {
            for ((resource, flavor), mode) in set.flavors.iter().zip(&set.modes) {
                let wanting = *mode != Mode::Fit && *mode != Mode::NoFit;
                if let Some(fr) = self.tree.fr(flavor, resource).filter(|_| wanting) {
                    out.needs.push(fr);
                }
            }
        }
        out
    }

    fn assign_set(
        &mut self,
        key: &Key,
        spec: &QueueSpec,
        set: &PodSet,
        requests: BTreeMap<String, i64>,
        before: &Amounts,
    ) -> SetAssignment {
        let mut out = SetAssignment {
            name: set.name.clone(),
            count: set.count,
            flavors: BTreeMap::new(),
            modes: Vec::new(),
            reasons: Vec::new(),
            attempts: Vec::new(),
            requests,
        };
        let mut chosen: BTreeMap<String, Chosen> = BTreeMap::new();
        for (resource, wanted) in &out.requests {
            if chosen.contains_key(resource) || (*wanted == 0 && spec.group(resource).is_none()) {
                continue;
            }
            let found = match spec
                .groups
                .iter()
                .position(|g| g.covered.contains(resource))
            {
                Some(at) => self.find_flavor(key, spec, at, set, &out.requests, before),
                None => Found {
                    reasons: vec![format!("resource {resource} unavailable in ClusterQueue")],
                    ..Found::default()
                },
            };
            out.attempts.extend(found.attempts);
            if found.best.is_empty() {
                out.reasons = found.reasons;
                chosen.clear();
                break;
            }
            out.reasons.extend(found.reasons);
            chosen.extend(found.best);
        }
        for (resource, c) in chosen {
            out.modes.push(c.mode);
            out.flavors.insert(resource, c.flavor);
        }
        out
    }

    fn find_flavor(
        &mut self,
        key: &Key,
        spec: &QueueSpec,
        at: usize,
        set: &PodSet,
        requests: &BTreeMap<String, i64>,
        before: &Amounts,
    ) -> Found {
        let group: &Group = &spec.groups[at];
        let wanted: Vec<(&String, i64)> = requests
            .iter()
            .filter(|(r, _)| group.covered.contains(r))
            .map(|(r, n)| (r, *n))
            .collect();
        let mut out = Found::default();
        let mut best = Granular {
            mode: Mode::NoFit,
            borrow: u32::MAX,
        };
        for flavor in &group.flavors {
            let known = self.flavors.get(&flavor.name);
            if let Some(why) = matching::refusal(&flavor.name, known, set) {
                out.reasons.push(why.clone());
                out.attempts.push(Attempt {
                    flavor: flavor.name.clone(),
                    group: at,
                    mode: Mode::NoFit,
                    borrow: 0,
                    reasons: vec![why],
                    why: "NoMatchingFlavor",
                });
                continue;
            }
            let mut whole = Granular {
                mode: Mode::Fit,
                borrow: 0,
            };
            let mut parts = BTreeMap::new();
            let mut attempt = Attempt {
                flavor: flavor.name.clone(),
                group: at,
                mode: Mode::Fit,
                borrow: 0,
                reasons: Vec::new(),
                why: "",
            };
            for (resource, n) in &wanted {
                let (mode, borrow, why) =
                    self.quota_fits(key, spec, &flavor.name, resource, *n, before);
                if let Some((text, reason)) = why {
                    attempt.reasons.push(text);
                    attempt.why = worse(attempt.why, reason);
                }
                attempt.borrow = attempt.borrow.max(borrow);
                let part = Granular { mode, borrow };
                if better(whole, part, spec) || mode == Mode::NoFit {
                    whole = part;
                }
                if whole.mode == Mode::NoFit {
                    break;
                }
                let chosen = Chosen {
                    flavor: flavor.name.clone(),
                    mode,
                };
                parts.insert((*resource).clone(), chosen);
            }
            attempt.mode = whole.mode;
            out.reasons.extend(attempt.reasons.clone());
            out.attempts.push(attempt);
            let stop = !goes_on(whole, spec);
            if stop || better(whole, best, spec) {
                best = whole;
                out.best = parts;
            }
            if stop {
                break;
            }
        }
        if best.mode == Mode::Fit {
            out.reasons.clear();
        }
        out
    }

    /// Is there that much in a flavor: now, after preemption, or never?
    fn quota_fits(
        &mut self,
        key: &Key,
        spec: &QueueSpec,
        flavor: &str,
        resource: &str,
        n: i64,
        before: &Amounts,
    ) -> (Mode, u32, Option<(String, &'static str)>) {
        let node = self.queues.get(&spec.name).map(|q| q.node);
        let (Some(node), Some(fr)) = (node, self.tree.fr(flavor, resource)) else {
            return (Mode::NoFit, 0, None);
        };
        let earlier = before.get(&fr).copied().unwrap_or(0);
        let all = earlier + n;
        let most = self.tree.potential(node, fr);
        if all > most {
            let text = format!(
                "insufficient quota for {resource} in flavor {flavor}, previously considered podsets requests ({}) + current podset request ({}) > maximum capacity ({})",
                amount(resource, earlier),
                amount(resource, n),
                amount(resource, most),
            );
            return (Mode::NoFit, 0, Some((text, "ExceedsMaxQuota")));
        }
        let (borrow, may_reclaim) = self.tree.lowest_that_fits(node, fr, all);
        let free = self.tree.available(node, fr);
        if all <= free {
            return (Mode::Fit, borrow, None);
        }
        let text = format!(
            "insufficient unused quota for {resource} in flavor {flavor}, {} more needed",
            amount(resource, all - free)
        );
        let nominal = self.tree.nodes[node].quota[fr].nominal;
        let while_borrowing =
            spec.borrow.is_some() || (self.fair && spec.reclaim != super::spec::Policy::Never);
        if nominal < all && !may_reclaim && !while_borrowing {
            return (Mode::NoFit, borrow, Some((text, "WaitingForQuota")));
        }
        let asked = Asked {
            key: key.clone(),
            queue: spec.name.clone(),
            node,
            needs: vec![fr],
            wants: Amounts::from([(fr, all)]),
        };
        let targets = self.targets(&asked);
        if targets.is_empty() {
            return (Mode::NoCandidates, borrow, Some((text, "")));
        }
        let victims: Vec<Key> = targets.iter().map(|t| t.key.clone()).collect();
        self.lift(&victims);
        let (borrow, _) = self.tree.lowest_that_fits(node, fr, all);
        self.put_back(&victims);
        let own = targets.iter().any(|t| t.queue == spec.name);
        let mode = if own { Mode::Preempt } else { Mode::Reclaim };
        (mode, borrow, Some((text, "")))
    }
}
