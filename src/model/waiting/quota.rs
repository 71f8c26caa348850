//! Quota: how much is missing of what, who has it, who borrowed it, and what would help.

use super::amounts::{bare, of, read, say, with_unit};
use super::{Case, Evidence, Reason, Waiting, fit, list};
use crate::model::kueue::capacity::{Cell, Node};
use crate::model::kueue::preemptions::job_name;
use crate::model::kueue::{Amount, FlavorResource};

/// Holders and borrowers named.
const NAMED: usize = 3;

fn fr(resource: &str, flavor: &str) -> FlavorResource {
    FlavorResource {
        flavor: flavor.into(),
        resource: resource.into(),
    }
}

/// Kueue says how much more is needed.
pub fn short(case: &Case, resource: &str, flavor: &str, more: &str) -> Waiting {
    let what = fr(resource, flavor);
    // its text as it is, but 3072 Mi read better as 3Gi
    let text = match read(resource, more) {
        Some(n) => of(&what, n),
        None => say(resource, flavor, more),
    };
    let missing = read(resource, more);
    missing_now(case, &what, &text, missing)
}

fn missing_now(case: &Case, what: &FlavorResource, text: &str, missing: Option<Amount>) -> Waiting {
    let place = case.place().map(|p| format!("{p}, ")).unwrap_or_default();
    let home = case
        .where_from()
        .map(|h| format!(" in {h}"))
        .unwrap_or_default();
    let short = fit(&[
        format!("{place}{text} short{home}"),
        format!("{place}{text} short"),
        format!("{text} short{home}"),
        format!("{text} short"),
        "short of quota".into(),
    ]);
    let asks = asked(case, &what.resource);
    let cell = cell(case, what);
    // our numbers only where they are those Kueue had
    let free = match (missing, cell) {
        (Some(missing), Some(cell)) if asks - missing == cell.available => {
            let free = bare(&what.resource, cell.available.max(0));
            format!(" (asks for {}, {free} free)", bare(&what.resource, asks))
        }
        _ => String::new(),
    };
    let mut sentence = format!("needs {text} more{home}{free}");
    let mut waiting = Waiting::new(Reason::Quota, short, String::new());
    if case.full {
        let borrowers = borrowers(case, what);
        if let Some((name, _)) = borrowers.first() {
            let n: Amount = borrowers.iter().fold(0, |n, (_, b)| n.saturating_add(*b));
            let n = bare(&what.resource, n);
            sentence.push_str(&match borrowers.len() {
                1 => format!("; {name} has borrowed {n}"),
                k => format!("; {k} queues have borrowed {n}"),
            });
        } else if let Some(top) = holders(case, what).first() {
            sentence.push_str(&format!("; most is held by {top}"));
        }
        waiting.evidence = evidence(case, what);
        waiting.next = Some(next(case, what, cell, asks));
    }
    waiting.sentence = sentence;
    waiting
}

/// Kueue says that it asks for more than there could ever be.
pub fn too_large(
    case: &Case,
    resource: &str,
    flavor: &str,
    (before, now): (&str, &str),
    most: &str,
) -> Waiting {
    let what = fr(resource, flavor);
    let sum = read(resource, before).zip(read(resource, now));
    let asks = sum.map(|(a, b)| a.saturating_add(b));
    match (asks, read(resource, most)) {
        (Some(asks), Some(most)) => never(case, &what, asks, most),
        _ => {
            let home = case.queue.unwrap_or("its queue");
            Waiting::new(
                Reason::TooLarge,
                "can never fit",
                format!(
                    "can never fit: asks for {now} {resource}, {home} could have {most} {flavor} at most"
                ),
            )
        }
    }
}

fn never(case: &Case, what: &FlavorResource, asks: Amount, most: Amount) -> Waiting {
    let over = of(what, asks.saturating_sub(most));
    let (asks, most) = (bare(&what.resource, asks), bare(&what.resource, most));
    let home = case.queue.unwrap_or("its queue");
    let unit = of(what, 0);
    let unit = unit.trim_start_matches('0').trim_start_matches('B').trim();
    let short = fit(&[
        format!("never fits: asks {asks} {unit}, {most} at most"),
        format!("never fits: {over} too many"),
        "can never fit".into(),
    ]);
    let sentence = format!(
        "can never fit: asks for {asks} {unit}, and {home} could have {most} at most ({over} too many)"
    );
    let mut waiting = Waiting::new(Reason::TooLarge, short, sentence);
    if case.full {
        let other = elsewhere(case, what, |cell| cell.max_capacity);
        waiting.next = Some(match other {
            Some((queue, n)) => format!(
                "submit it to queue {queue}, which could have {}, or ask for {most} at most",
                with_unit(&what.resource, n)
            ),
            None => format!("ask for {most} {unit} at most, or have the quota of {home} raised"),
        });
        waiting.evidence = evidence(case, what);
    }
    waiting
}

/// By our own arithmetic: the flavor with the least missing. None if it fits, or nothing is known of the queue.
pub fn computed(case: &Case) -> Option<Waiting> {
    let node = node(case)?;
    let row = case.cluster_queue?;
    let mut best: Option<(Amount, FlavorResource)> = None;
    for (resource, asks) in case.row.requests() {
        if asks <= 0 {
            continue;
        }
        let flavors = row.groups.iter().flat_map(|group| &group.flavors);
        let cells = flavors.filter_map(|flavor| {
            let what = fr(&resource, &flavor.flavor);
            let cell = *node.cell(&what)?;
            let offered = flavor.resources.iter().any(|q| q.resource == resource);
            offered.then_some((what, cell))
        });
        let cells: Vec<(FlavorResource, Cell)> = cells.collect();
        // one pod set alone is too large for every flavor; several may be spread
        let sets = case.row.pod_sets.iter().flat_map(|set| &set.requests);
        let largest = sets
            .filter(|(name, _)| *name == resource)
            .map(|(_, n)| *n)
            .max();
        let roomiest = cells.iter().max_by_key(|(_, cell)| cell.max_capacity);
        if let (Some(largest), Some((what, cell))) = (largest, roomiest)
            && largest > cell.max_capacity
            && case.row.pod_sets.iter().all(|set| set.min_count.is_none())
        {
            return Some(never(case, what, largest, cell.max_capacity));
        }
        let least = cells
            .into_iter()
            .map(|(what, cell)| (asks.saturating_sub(cell.available), what))
            .min();
        // the resource that is shortest decides, a device before others
        if let Some((missing, what)) = least.filter(|(missing, _)| *missing > 0)
            && best.as_ref().is_none_or(|(_, old)| {
                let device = crate::model::resources::is_device;
                device(&what.resource) && !device(&old.resource)
            })
        {
            best = Some((missing, what));
        }
    }
    let (missing, what) = best?;
    Some(missing_now(case, &what, &of(&what, missing), Some(missing)))
}

fn asked(case: &Case, resource: &str) -> Amount {
    let all = case.row.requests();
    all.iter()
        .find(|(name, _)| &**name == resource)
        .map_or(0, |(_, n)| *n)
}

fn node<'a>(case: &Case<'a>) -> Option<&'a Node> {
    case.look.capacity.queue(case.queue?)
}

fn cell<'a>(case: &Case<'a>, what: &FlavorResource) -> Option<&'a Cell> {
    node(case)?.cell(what)
}

fn evidence(case: &Case, what: &FlavorResource) -> Vec<Evidence> {
    let mut all = Vec::new();
    let mut say = |label, text: String| {
        if !text.is_empty() {
            all.push(Evidence { label, text });
        }
    };
    if let Some(cell) = cell(case, what) {
        let n = |n| bare(&what.resource, n);
        let mut parts = vec![
            format!("{} nominal", n(cell.nominal)),
            format!("{} in use", n(cell.reserved)),
        ];
        if cell.borrowed > 0 {
            parts.push(format!("{} borrowed", n(cell.borrowed)));
        }
        if cell.lent > 0 {
            parts.push(format!("{} lent to others", n(cell.lent)));
        }
        parts.push(if cell.available < 0 {
            format!("{} over-used", n(cell.available))
        } else {
            format!("{} free", n(cell.available))
        });
        if let Some(limit) = cell.borrowing_limit {
            parts.push(format!("may borrow {}", n(limit)));
        }
        parts.push(format!("{} at most", n(cell.max_capacity)));
        let queue = case.queue.unwrap_or_default();
        say(
            "quota now",
            format!("{} of {queue}: {}", what.flavor, parts.join(", ")),
        );
    }
    say("held by", holders(case, what).join(", "));
    let borrowed: Vec<String> = borrowers(case, what)
        .into_iter()
        .take(NAMED)
        .map(|(queue, n)| format!("{queue} {}", bare(&what.resource, n)))
        .collect();
    say("borrowed by", borrowed.join(", "));
    all
}

/// `llama-sft 16 (team-b)`, most first, of the same tree of queues.
fn holders(case: &Case, what: &FlavorResource) -> Vec<String> {
    let capacity = &case.look.capacity;
    let root = |name: &str| capacity.queue(name).map(|n| &capacity.root(n).name);
    let home = case.queue.and_then(root);
    let all = case.look.holders(what);
    let same = |queue: &str| match home {
        Some(home) => root(queue) == Some(home),
        None => Some(queue) == case.queue,
    };
    let mine: Vec<_> = all
        .iter()
        .filter(|h| h.key != case.row.key && same(&h.queue))
        .collect();
    let mut names: Vec<String> = mine
        .iter()
        .take(NAMED)
        .filter_map(|h| {
            let row = case.kueue.workloads.get(h.key)?;
            let queue = if Some(&*h.queue) == case.queue {
                String::new()
            } else {
                format!(" ({})", h.queue)
            };
            Some(format!(
                "{} {}{queue}",
                job_name(row),
                bare(&what.resource, h.amount)
            ))
        })
        .collect();
    if let Some(rest) = mine.get(NAMED..).filter(|rest| !rest.is_empty()) {
        let sum = rest
            .iter()
            .fold(0, |n: Amount, h| n.saturating_add(h.amount));
        names.push(format!("{} more {}", rest.len(), bare(&what.resource, sum)));
    }
    names
}

/// Queues of the same tree that hold more than their own, most first.
fn borrowers(case: &Case, what: &FlavorResource) -> Vec<(String, Amount)> {
    let Some(home) = node(case) else {
        return Vec::new();
    };
    let capacity = &case.look.capacity;
    let root = &capacity.root(home).name;
    let mut all: Vec<(String, Amount)> = capacity
        .nodes()
        .filter(|n| !n.is_cohort && n.name != home.name)
        .filter_map(|n| {
            let cell = n.cell(what).filter(|c| c.borrowed > 0)?;
            (capacity.root(n).name == *root).then(|| (n.name.to_string(), cell.borrowed))
        })
        .collect();
    all.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    all
}

/// Another local queue of the namespace where the request would fit, by some measure of its cell.
fn elsewhere(
    case: &Case,
    what: &FlavorResource,
    measure: impl Fn(&Cell) -> Amount,
) -> Option<(String, Amount)> {
    let asks = asked(case, &what.resource);
    let others = case.look.local_queues(case.kueue, &case.row.namespace);
    let mut fitting: Vec<(String, Amount)> = others
        .filter(|q| {
            let open = q.stop == crate::model::kueue::queue::Stop::None && q.inactive().is_none();
            open && Some(&*q.cluster_queue) != case.queue
        })
        .filter_map(|q| {
            let target = case.look.cluster_queue(case.kueue, &q.cluster_queue)?;
            let open = target.stop == crate::model::kueue::queue::Stop::None
                && target.inactive().is_none();
            let cells = case
                .look
                .capacity
                .queue(&q.cluster_queue)
                .filter(|_| open)?
                .cells();
            let same = cells.iter().filter(|(of, _)| of.resource == what.resource);
            let n = same
                .map(|(_, cell)| measure(cell))
                .max()
                .filter(|n| *n >= asks)?;
            Some((q.name.to_string(), n))
        })
        .collect();
    fitting.sort();
    fitting.into_iter().next()
}

fn next(case: &Case, what: &FlavorResource, cell: Option<&Cell>, asks: Amount) -> String {
    if let Some((queue, n)) = elsewhere(case, what, |cell| cell.available) {
        let n = with_unit(&what.resource, n);
        return format!("queue {queue} of this namespace has {n} free: it would fit there now");
    }
    if let Some(cell) = cell {
        let reclaim = case
            .cluster_queue
            .map_or("", |q| &*q.preemption.reclaim_within_cohort);
        let lent = of(what, cell.lent);
        if cell.lent > 0 && matches!(reclaim, "" | "Never") {
            return format!(
                "its own queue has lent {lent} and may not reclaim them (reclaimWithinCohort: Never): ask its admin, or wait for the borrowers to end"
            );
        }
        if cell.lent > 0 {
            return format!(
                "its own queue has lent {lent} and may reclaim them: it preempts the borrowers when its turn comes"
            );
        }
        let first = case
            .look
            .order
            .position(case.row.key)
            .is_some_and(|p| p.at == 1);
        let passes = first || case.cluster_queue.is_some_and(|q| !q.strict);
        if passes && cell.available > 0 && cell.available < asks {
            let n = of(what, cell.available);
            return format!(
                "{n} are free: a request of that size would fit now; else wait for a holder to end"
            );
        }
    }
    let names: Vec<String> = holders(case, what).into_iter().take(1).collect();
    match names.first() {
        Some(top) => format!(
            "wait for a holder to end (the largest: {}), or ask for less",
            list(std::slice::from_ref(top), 1)
        ),
        None => "wait for a holder to end, or ask for less".into(),
    }
}
