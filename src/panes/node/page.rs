//! What the screen of a node says, as lines. Separate from the screen because they depend on the node and the width alone.

use chrono::{DateTime, Utc};
use ratatui::text::{Line, Span};
use serde_json::Value;

use crate::model::event::EventRow;
use crate::model::gpu_use::Device;
use crate::model::human;
use crate::model::node::NodeRow;
use crate::panes::page::{Page, named};
use crate::panes::words::{count, device, when};
use crate::panes::{Cx, gpu_use};
use crate::ui::{Level, State, text};

/// Events shown, newest first.
const EVENTS: usize = 10;
/// Signs of a device's history.
const SIGNS: usize = 12;
/// Columns of a bar.
const BAR: usize = 12;

/// The lines, as wide as `width`.
pub fn lines(
    row: &NodeRow,
    object: Option<&Result<Value, String>>,
    gone: bool,
    cx: &Cx,
    width: usize,
) -> Vec<Line<'static>> {
    let mut page = Page::new(gone, cx, width);
    state(&mut page, row);
    facts(&mut page, row, object.and_then(|o| o.as_ref().ok()));
    alarms(&mut page, row);
    resources(&mut page, row);
    use_of_gpus(&mut page, row);
    conditions(&mut page, row);
    events(&mut page, row);
    labels(&mut page, object);
    page.out
}

/// What keeps pods away, first.
fn state(page: &mut Page, row: &NodeRow) {
    let theme = page.cx.theme;
    if !row.ready {
        let ready = row.conditions.iter().find(|c| &*c.kind == "Ready");
        let mut words = "not ready".to_owned();
        if let Some(reason) = &row.not_ready_reason {
            words.push_str(&format!(": {reason}"));
        }
        if let Some(ready) = ready {
            words.push_str(&format!(" for {}", when(ready.since, page.cx)));
            if !ready.message.is_empty() {
                words.push_str(&format!(", {}", ready.message));
            }
        }
        page.say(&words, theme.state(State::Failed));
    }
    if row.cordoned {
        page.say("cordoned: no new pods", theme.state(State::Held));
    }
    for taint in &row.taints {
        page.say(&format!("taint {taint}"), theme.state(State::Pending));
    }
    page.gap();
}

fn facts(page: &mut Page, row: &NodeRow, object: Option<&Value>) {
    let mut facts: Vec<(&str, String)> = Vec::new();
    let mut say = |name, parts: Vec<String>| {
        let parts: Vec<String> = parts.into_iter().filter(|p| !p.is_empty()).collect();
        if !parts.is_empty() {
            facts.push((name, parts.join(" · ")));
        }
    };
    let text =
        |of: &Option<crate::model::ids::Name>| of.as_deref().map(str::to_owned).unwrap_or_default();
    let with = |label: &str, of: &Option<crate::model::ids::Name>| match of {
        Some(of) => format!("{label} {of}"),
        None => String::new(),
    };
    let age = when(row.created, page.cx);
    say("machine", vec![text(&row.machine), format!("{age} old")]);
    say(
        "place",
        vec![
            with("zone", &row.zone),
            with("pool", &row.pool),
            with("block", &row.block),
            with("NVLink domain", &row.clique),
        ],
    );
    if let Some(gpu) = row.gpu.as_deref() {
        let shares = match (&gpu.sharing, gpu.replicas) {
            (Some(how), Some(n)) if n > 1 => format!("{how} × {n}"),
            _ => String::new(),
        };
        let memory = gpu.memory_mib.map(|mib| human::bytes(u64::from(mib) << 20));
        say(
            "gpu",
            vec![
                text(&row.product),
                memory.unwrap_or_default(),
                with("compute", &gpu.compute),
                shares,
                with("MIG", &gpu.mig_strategy),
                text(&gpu.partition),
            ],
        );
        let layout = match (&gpu.mig_config, &gpu.mig_state) {
            (Some(config), Some(state)) => format!("{config}, {state}"),
            (Some(config), None) => config.to_string(),
            _ => String::new(),
        };
        let driver = vec![with("driver", &gpu.driver), with("CUDA", &gpu.cuda)];
        say("software", driver);
        say("MIG layout", vec![layout]);
    } else {
        say("gpu", vec![text(&row.product)]);
    }
    let info = |name: &str| -> String {
        let info = object.and_then(|o| o["status"]["nodeInfo"][name].as_str());
        info.unwrap_or_default().to_owned()
    };
    say(
        "kubelet",
        vec![
            row.version.to_string(),
            info("osImage"),
            info("kernelVersion"),
            info("containerRuntimeVersion"),
        ],
    );
    let addresses = object.and_then(|o| o["status"]["addresses"].as_array());
    let addresses = addresses.into_iter().flatten();
    let addresses = addresses.filter(|a| a["type"] != "Hostname");
    let addresses = addresses.filter_map(|a| a["address"].as_str());
    say("address", addresses.map(str::to_owned).collect());
    let style = page.cx.theme.text();
    for (name, words) in facts {
        page.item(name, 10, &words, style);
    }
}

fn alarms(page: &mut Page, row: &NodeRow) {
    let cx = page.cx;
    let all = cx.session.gpu_alarms.iter();
    let mut mine = all.filter(|a| a.node.as_ref().is_some_and(|(key, _)| *key == row.key));
    let mut first = true;
    for alarm in mine.by_ref() {
        if std::mem::take(&mut first) {
            page.head("WRONG");
        }
        let state = crate::panes::gpus::alarm_sign(alarm.weight);
        let name = match *alarm.subject.name == *row.name {
            true => String::new(),
            false => {
                let name = &alarm.subject.name;
                let short = name.strip_prefix(&*format!("{}/", row.name));
                format!("{}: ", short.unwrap_or(name))
            }
        };
        let words = format!("{name}{}", alarm.words(cx.now));
        page.say(&words, cx.theme.state(state));
    }
}

/// What is held of each resource.
fn resources(page: &mut Page, row: &NodeRow) {
    let cx = page.cx;
    page.head("HELD");
    let used = cx.model.capacity.of(row);
    let of = |get: fn(&crate::model::capacity::NodeUse) -> u64| used.map_or(0, get);
    bar(
        page,
        "cpu",
        of(|u| u.cpu_milli),
        row.cpu_milli,
        human::cores,
        String::new(),
    );
    bar(
        page,
        "memory",
        of(|u| u.memory),
        row.memory,
        human::bytes,
        String::new(),
    );
    if row.ephemeral > 0 {
        let held = of(|u| u.ephemeral);
        bar(
            page,
            "disk",
            held,
            row.ephemeral,
            human::bytes,
            String::new(),
        );
    }
    let pods = of(|u| u.pods.into());
    bar(
        page,
        "pods",
        pods,
        row.pods.into(),
        |n| n.to_string(),
        String::new(),
    );
    if let Some(share) = cx.model.capacity.share(row) {
        for line in &share.lines {
            let a = line.amounts;
            let mut more = Vec::new();
            for (n, word) in [
                (a.sick, "sick"),
                (a.over, "lost under a pod"),
                (a.releasing, "being released"),
                (a.blocked, "blocked by slices"),
            ] {
                if n > 0 {
                    more.push(format!("{n} {word}"));
                }
            }
            let name = device(&line.kind.resource, row.product.as_deref()).into_owned();
            let name = match line.kind.unit.is_whole() {
                true => name,
                false => line.kind.unit.words(),
            };
            let (held, all) = (a.used.into(), a.allocatable.into());
            bar(page, &name, held, all, |n| n.to_string(), more.join(", "));
        }
        if share.cards > 0 {
            let words = count(share.cards as usize, "physical card", "physical cards");
            page.item("", 16, &words, cx.theme.dim());
        }
    }
    for (name, all) in &row.extra.0 {
        let held = used.map_or(0, |u| u.extra.get(name));
        if *all > 0 {
            bar(
                page,
                name,
                held.into(),
                (*all).into(),
                |n| n.to_string(),
                String::new(),
            );
        }
    }
}

fn bar(page: &mut Page, name: &str, used: u64, all: u64, show: fn(u64) -> String, more: String) {
    let theme = page.cx.theme;
    let name = named(name, 16);
    // never full or empty when it is not
    let filled = match (used, all) {
        (0, _) | (_, 0) => 0,
        (used, all) if used >= all => BAR,
        (used, all) => ((used as f64 / all as f64 * BAR as f64).round() as usize).clamp(1, BAR - 1),
    };
    let mut spans = vec![
        Span::styled(name, theme.dim()),
        Span::styled("█".repeat(filled), theme.bar_fill()),
        Span::styled("░".repeat(BAR - filled), theme.bar_track()),
        Span::styled(format!("  {} of {}", show(used), show(all)), theme.text()),
    ];
    let free = all.saturating_sub(used);
    spans.push(Span::styled(format!("  {} free", show(free)), theme.dim()));
    if !more.is_empty() {
        spans.push(Span::styled(
            format!("  {more}"),
            theme.state(State::Failed),
        ));
    }
    page.out.push(Line::from(spans));
}

fn use_of_gpus(page: &mut Page, row: &NodeRow) {
    let cx = page.cx;
    if !gpu_use::has_gpus(row, cx) {
        return;
    }
    page.head("GPU USE");
    if !cx.session.gpu_use.on {
        return page.say(&gpu_use::off(cx), cx.theme.dim());
    }
    let Some(known) = cx.model.gpu_use.node(row.key.cluster, &row.name) else {
        return page.say("asking its exporter …", cx.theme.dim());
    };
    for device in known.devices() {
        card(page, device);
    }
    if let Some(trouble) = &known.trouble {
        page.say(&trouble.text, cx.theme.level(Level::Warn));
    }
}

fn card(page: &mut Page, device: &Device) {
    let cx = page.cx;
    let theme = cx.theme;
    let reading = &device.reading;
    let plain = match device.is_stale(cx.now) {
        true => theme.faint(),
        false => theme.text(),
    };
    let busy = reading.activity().map(|(part, _)| gpu_use::percent(part));
    let mut spans = vec![
        Span::styled(format!("{:<12}", gpu_use::label(device)), theme.dim()),
        Span::styled(format!("{:>4} ", busy.unwrap_or_else(|| "?".into())), plain),
        Span::styled(
            format!("{:<SIGNS$}", gpu_use::history(device, SIGNS, cx)),
            theme.accent(),
        ),
    ];
    let mut facts = Vec::new();
    facts.extend(
        reading
            .tensor
            .map(|p| format!("tensor {}", gpu_use::percent(p))),
    );
    facts.extend(gpu_use::memory(reading));
    facts.extend(reading.watts.map(|w| format!("{w:.0} W")));
    facts.extend(reading.celsius.map(|c| format!("{c:.0} °C")));
    spans.push(Span::styled(format!("  {}", facts.join(" · ")), plain));
    let pod = device.holders.first().map(|holder| holder.pod.to_string());
    for (words, style) in gpu_use::remark(device, None, cx) {
        spans.push(Span::styled(format!("  {words}"), style));
    }
    if let Some(pod) = pod {
        let pod = text::clean(&pod).into_owned();
        spans.push(Span::styled(format!("  {pod}"), theme.dim()));
    }
    page.out.push(Line::from(spans));
}

fn conditions(page: &mut Page, row: &NodeRow) {
    let cx = page.cx;
    if row.conditions.is_empty() {
        return;
    }
    page.head("CONDITIONS");
    for condition in &row.conditions {
        let style = match condition.is_trouble() {
            true => cx.theme.state(State::Failed),
            false => cx.theme.text(),
        };
        let mut words = format!("{} for {}", condition.status, when(condition.since, cx));
        if !condition.reason.is_empty() {
            words.push_str(&format!(", {}", condition.reason));
        }
        if condition.is_trouble() && !condition.message.is_empty() {
            words.push_str(&format!(": {}", condition.message));
        }
        page.item(&condition.kind, 22, &words, style);
    }
}

fn events(page: &mut Page, row: &NodeRow) {
    let cx = page.cx;
    let about = |event: &&EventRow| {
        event.key.cluster == row.key.cluster
            && &*event.about.0 == "Node"
            && event.about.1 == row.name
    };
    let mut all: Vec<&EventRow> = cx.model.events.rows().filter(about).collect();
    all.sort_by_key(|event| std::cmp::Reverse(event.when()));
    page.head("EVENTS");
    if all.is_empty() {
        page.say("none, or over an hour ago", cx.theme.dim());
    }
    for event in all.into_iter().take(EVENTS) {
        let style = match event.warning {
            true => cx.theme.state(State::Waiting),
            false => cx.theme.text(),
        };
        let at: Option<DateTime<Utc>> = event.when();
        let times = match event.count {
            0 | 1 => String::new(),
            n => format!(" ×{n}"),
        };
        let words = format!("{}{times}: {}", event.reason, event.message);
        page.item(&when(at, cx), 8, &words, style);
    }
}

/// Those that somebody set or that place pods, not those that describe the machine bit by bit.
fn labels(page: &mut Page, object: Option<&Result<Value, String>>) {
    let cx = page.cx;
    let object = match object {
        Some(Ok(object)) => object,
        Some(Err(why)) => {
            page.head("LABELS");
            return page.say(why, cx.theme.level(Level::Warn));
        }
        None => return,
    };
    let Some(labels) = object["metadata"]["labels"].as_object() else {
        return;
    };
    page.head("LABELS");
    let (shown, hidden): (Vec<_>, Vec<_>) = labels.iter().partition(|(key, _)| matters(key));
    let style = cx.theme.text();
    let longest = shown.iter().map(|(key, _)| text::width(key)).max();
    let column = longest.unwrap_or(0).clamp(8, (page.width / 2).max(8));
    for (key, value) in shown {
        page.item(key, column, value.as_str().unwrap_or_default(), style);
    }
    if !hidden.is_empty() {
        let words = format!("and {} of its hardware's features", hidden.len());
        page.say(&words, cx.theme.faint());
    }
}

/// A label that says more than which bit the processor has.
fn matters(key: &str) -> bool {
    let prefix = key.split_once('/').map_or("", |(prefix, _)| prefix);
    let noise = prefix == "feature.node.kubernetes.io"
        || prefix == "beta.kubernetes.io"
        || key.starts_with("nvidia.com/gpu.deploy.")
        || matches!(
            key,
            "kubernetes.io/arch" | "kubernetes.io/os" | "kubernetes.io/hostname"
        );
    !noise
}
