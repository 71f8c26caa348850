//! What a person feels on a cluster of any size: the real binary in a pty, against a demo cluster served by a second
//! process, beside the floor that reading and parsing the same bytes sets in the same run.
//!
//! `cargo bench --bench terminal` prints the table. Linux only (processor time and memory are read from /proc).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod floor;
mod screen;
mod server;
mod table;

use std::time::Duration;

use floor::Floor;
use screen::Screen;
use server::Server;
use table::{Latency, Table};

const HELP: &str = "\
--pods N        pods of the cluster (100000); nodes, jobs, Workloads and queues follow
--nodes N       nodes, if others than that many pods need
--rates A,B     changes a second to measure under (1000,5000)
--keys N        keys to press for each latency (200)
--seconds N     how long processor time is measured (10)
--curve         1,000, 10,000 and 100,000 pods, beside each other
--jobdeck PATH  another binary than the one built with this bench
";

/// What to measure.
#[derive(Debug, Clone)]
struct Asked {
    pods: usize,
    nodes: Option<usize>,
    rates: Vec<u64>,
    keys: usize,
    seconds: u64,
    binary: String,
}

fn main() {
    if !cfg!(target_os = "linux") {
        println!("skipped: this bench reads /proc");
        return;
    }
    let all: Vec<String> = std::env::args().collect();
    let value = |name: &str| all.iter().skip_while(|a| *a != name).nth(1).cloned();
    let number = |name: &str, or: usize| value(name).and_then(|n| n.parse().ok()).unwrap_or(or);
    if all.iter().any(|a| a == "--help") {
        print!("{HELP}");
        return;
    }
    let rates = value("--rates").unwrap_or_else(|| "1000,5000".to_owned());
    let asked = Asked {
        pods: number("--pods", 100_000),
        nodes: value("--nodes").and_then(|n| n.parse().ok()),
        rates: rates.split(',').filter_map(|n| n.parse().ok()).collect(),
        keys: number("--keys", 200),
        seconds: number("--seconds", 10) as u64,
        binary: value("--jobdeck").unwrap_or_else(|| env!("CARGO_BIN_EXE_jobdeck").to_owned()),
    };
    if !all.iter().any(|a| a == "--curve") {
        print!("{}", measure(&asked));
        return;
    }
    let sizes = [1_000, 10_000, 100_000].map(|pods| Asked {
        pods,
        rates: vec![1000],
        ..asked.clone()
    });
    let tables = sizes.map(|asked| (format!("{} pods", asked.pods), measure(&asked)));
    print!("{}", table::beside(&tables));
}

fn measure(asked: &Asked) -> Table {
    let mut table = Table::default();
    let server = Server::start(asked);
    table.line("cluster: seconds to start", server.started);
    table.line("cluster: MB of memory", server.memory());
    let before = server.counters();

    let screen = Screen::start(&asked.binary, server.kubeconfig(), server.home());
    let opened = screen.open();
    let complete = server.after(&screen, opened.complete);
    let initial = server.counters().since(&before);
    table.line("first frame (ms)", opened.first * 1000.0);
    table.line("first jobs on the screen (ms)", opened.jobs * 1000.0);
    table.line("complete (ms)", complete * 1000.0);
    table.line("requests until then", initial.of("demo_requests_total"));
    let read = initial.of("demo_sent_bytes_total");
    table.line("MB read from the server until then", read / 1e6);
    table.line("peak memory until then (MB)", screen.memory("VmHWM"));

    let floor = Floor::take(&server, &initial);
    table.line("floor: objects", floor.objects as f64);
    table.line("floor: MB", floor.bytes as f64 / 1e6);
    table.line("floor: plain lists read (ms)", floor.lists * 1000.0);
    table.line("floor: WatchList streams read (ms)", floor.streams * 1000.0);
    table.line("floor: typed parse of them (ms)", floor.parse * 1000.0);
    let least = floor.streams + floor.parse;
    table.line(
        "complete, as a multiple of stream and parse",
        complete / least,
    );

    screen.settle();
    let at = server.counters();
    let idle = screen.rest(Duration::from_secs(asked.seconds));
    let quiet = server.counters().since(&at);
    table.line("idle: processor (% of a core)", idle.cpu * 100.0);
    table.line("idle: requests", quiet.of("demo_requests_total"));
    table.line("idle: bytes read", quiet.of("demo_sent_bytes_total"));
    table.line("idle: bytes written to the terminal", idle.bytes as f64);
    table.latency("idle: key to frame (ms)", &screen.keys(asked.keys));
    table.latency(
        "idle: change to screen (ms)",
        &changes(&server, &screen, asked),
    );

    for rate in &asked.rates {
        server.churn(*rate);
        std::thread::sleep(Duration::from_secs(2));
        let at = server.counters();
        let under = screen.rest(Duration::from_secs(asked.seconds));
        let moved = server.counters().since(&at);
        let real = moved.of("demo_churn_changes_total") / under.seconds;
        let name = |what: &str| format!("{rate}/s: {what}");
        table.line(&name("changes a second, really"), real);
        table.line(&name("processor (% of a core)"), under.cpu * 100.0);
        let each = under.cpu / real.max(1.0) * 1e6;
        table.line(&name("processor per change (µs)"), each);
        let bytes = moved.of("demo_sent_bytes_total") / under.seconds;
        table.line(&name("MB read a second"), bytes / 1e6);
        let written = under.bytes as f64 / under.seconds;
        table.line(&name("kB written to the terminal a second"), written / 1e3);
        let served = server.cpu_over(Duration::from_secs(2));
        table.line(
            &name("the server's own processor (% of a core)"),
            served * 100.0,
        );
        table.latency(&name("key to frame (ms)"), &screen.keys(asked.keys));
        table.latency(
            &name("change to screen (ms)"),
            &changes(&server, &screen, asked),
        );
        server.churn(0);
        screen.settle();
    }
    table.line("memory at the end (MB)", screen.memory("VmRSS"));
    table.line("peak memory (MB)", screen.memory("VmHWM"));
    table
}

/// From a change that the server is asked for to the frame that shows it.
fn changes(server: &Server, screen: &Screen, asked: &Asked) -> Latency {
    let job = server.job();
    screen.find(server::JOB);
    let all = (0..(asked.keys / 2).clamp(10, 100)).filter_map(|_| {
        std::thread::sleep(Duration::from_millis(90));
        let shown = job.next();
        screen.await_text(&shown, || job.write())
    });
    let all = Latency::of(all.collect());
    screen.forget();
    job.remove();
    all
}
