//! What training programs print while all goes well: one shape per style, in the demo's own words.

use std::collections::BTreeMap;

use crate::controllers::program::train::Training;

/// Lines of one evaluation.
pub const EVAL_LINES: u64 = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Dictionaries, as Hugging Face's Trainer prints them.
    Dict,
    /// A progress bar rewritten with carriage returns.
    Bar,
    /// `iter 100: loss …`
    Iter,
    /// `Train Epoch: 1 [640/60000 (1%)]`
    Epoch,
    /// As [`Style::Epoch`], in the words of the MNIST example that every tutorial starts with; each rank sees its
    /// own share of the data.
    Mnist,
    /// Pipe-separated megatron-like lines.
    Pipes,
    /// One JSON object per line.
    Json,
    /// Rounds of gradient boosting.
    Rounds,
    /// Shards of a data preparation.
    Shards,
    /// Scores of a benchmark.
    Eval,
}

impl Style {
    pub fn named(name: &str) -> Self {
        match name {
            "bar" => Style::Bar,
            "iter" => Style::Iter,
            "epoch" => Style::Epoch,
            "mnist" => Style::Mnist,
            "pipes" => Style::Pipes,
            "json" => Style::Json,
            "rounds" => Style::Rounds,
            "shards" => Style::Shards,
            "eval" => Style::Eval,
            _ => Style::Dict,
        }
    }

    fn trains(self) -> bool {
        !matches!(self, Style::Shards | Style::Eval | Style::Rounds)
    }
}

/// The lines before the first step, each with its share of the warm-up time.
pub fn header(t: &Training, env: &BTreeMap<String, String>) -> Vec<(f64, String)> {
    let host = env
        .get("HOSTNAME")
        .map(String::as_str)
        .unwrap_or("localhost");
    if t.style == Style::Mnist {
        return mnist(t, env, host);
    }
    let mut out = vec![(0.02, format!("{} starting on {host}", t.model))];
    if !t.style.trains() {
        out.push((
            0.5,
            format!(
                "reading manifest: {} items, seed {}",
                t.steps,
                t.seed % 100_000
            ),
        ));
        return out;
    }
    out.push((0.15, format!("device 0: {} (bf16 supported)", t.gpu)));
    if t.world > 1 {
        let (world, rank) = (t.world, t.rank);
        out.push((0.25, format!("[rank{rank}]: joining process group: world_size={world} backend=nccl master={host}:29500")));
        out.push((
            0.45,
            format!(
                "{host}:1:1 [0] NCCL INFO ring 00 : rank {rank} -> {} via NET/IB",
                (rank + 1) % world
            ),
        ));
        out.push((0.55, format!("[rank{rank}]: process group ready")));
    }
    let parameters = 20 + t.model.bytes().map(u64::from).sum::<u64>() % 700;
    out.push((
        0.7,
        format!(
            "model {}: {parameters}.{}M parameters, optimizer adamw",
            t.model,
            t.seed % 10
        ),
    ));
    out.push((
        0.85,
        format!(
            "dataset ready: {} samples, batch size {} x {} ranks, {} steps",
            t.steps * t.batch,
            t.batch,
            t.world,
            t.steps
        ),
    ));
    out
}

/// What the MNIST example says before its first batch.
fn mnist(t: &Training, env: &BTreeMap<String, String>, host: &str) -> Vec<(f64, String)> {
    let master = env.get("MASTER_ADDR").map_or(host, String::as_str);
    let backend = if t.gpu == "cpu" { "gloo" } else { "nccl" };
    let mut out = vec![
        (0.05, format!("Using device: {}", t.gpu)),
        (
            0.2,
            format!("Using distributed PyTorch with {backend} backend"),
        ),
        (
            0.4,
            format!(
                "World size: {}, rank: {}, master: {master}",
                t.world, t.rank
            ),
        ),
    ];
    if t.rank == 0 {
        out.push((0.6, "Downloading the training images".to_owned()));
        out.push((0.8, "9912422/9912422 bytes, 100%".to_owned()));
    } else {
        out.push((0.8, "Waiting for rank 0 to fetch the images".to_owned()));
    }
    out
}

/// Images of the data set, the epoch that a step belongs to (from 1), and the steps of it that are done.
fn mnist_epoch(t: &Training, step: u64) -> (u64, u64, u64) {
    let steps = (t.steps / t.epochs).max(1);
    let before = step.saturating_sub(1) / steps;
    (60_000, before + 1, step - before * steps)
}

/// The line after a logged step.
pub fn progress(t: &Training, step: u64) -> String {
    let loss = number(t.loss_at(step));
    let (lr, epoch) = (t.lr_at(step), t.epoch_at(step));
    let grad = 0.2 + 1.4 * t.noise(step, 1);
    let ms = t.pace * 1000.0 * (0.97 + 0.06 * t.noise(step, 2));
    let line = match t.style {
        Style::Dict => format!(
            "{{'loss': {loss}, 'grad_norm': {grad:.6}, 'learning_rate': {lr:.6e}, 'epoch': {epoch:.2}}}"
        ),
        Style::Bar => bar(t, step),
        Style::Iter => format!(
            "iter {step}: loss {loss}, time {ms:.2}ms, mfu {:.2}%",
            38.0 + 6.0 * t.noise(step, 3)
        ),
        Style::Epoch => {
            let total = (t.steps / t.epochs).max(1) * t.batch;
            let seen = (step * t.batch) % total.max(1);
            let percent = 100 * seen / total.max(1);
            format!(
                "Train Epoch: {} [{seen}/{total} ({percent}%)]\tLoss: {loss}",
                epoch as u64 + 1
            )
        }
        Style::Mnist => {
            let (total, epoch, done) = mnist_epoch(t, step);
            let seen = (done * t.batch).min(total);
            let percent = 100 * seen / total;
            return format!("Train Epoch: {epoch} [{seen}/{total} ({percent}%)]\tloss={loss}");
        }
        Style::Pipes => format!(
            " iteration {step:>8}/{:>8} | consumed samples: {:>12} | elapsed time per iteration (ms): {ms:.1} | learning rate: {lr:.6E} | global batch size: {:>5} | lm loss: {:.6E} | grad norm: {grad:.3} | number of skipped iterations:   0 | number of nan iterations:   0 |",
            t.steps,
            step * t.batch * t.world,
            t.batch * t.world,
            t.loss_at(step)
        ),
        Style::Json => format!(
            "{{\"step\": {step}, \"total_steps\": {}, \"loss\": {}, \"lr\": {lr:.3e}, \"tokens_per_s\": {:.0}}}",
            t.steps,
            if loss == "nan" {
                "null".to_owned()
            } else {
                loss
            },
            t.batch as f64 * 2048.0 / t.pace
        ),
        Style::Rounds => format!(
            "[{step}]\ttrain-logloss:{:.5}\tvalid-logloss:{:.5}",
            t.loss_at(step),
            t.loss_at(step) * (1.04 + 0.02 * t.noise(step, 4))
        ),
        Style::Shards => {
            let documents = 30_000 + (20_000.0 * t.noise(step, 5)) as u64;
            format!(
                "shard {step}/{}: {documents} documents, {:.2} GB, {:.0} docs/s",
                t.steps,
                documents as f64 / 24_000.0,
                documents as f64 / t.pace.max(0.1)
            )
        }
        Style::Eval => {
            let right = 0.55 + 0.3 * t.noise(step, 6);
            format!(
                "task {step}/{}: accuracy={right:.4} stderr={:.4}",
                t.steps,
                0.01 + 0.01 * t.noise(step, 7)
            )
        }
    };
    if t.world > 1 && t.style != Style::Bar && t.style != Style::Pipes {
        format!("[rank{}]: {line}", t.rank)
    } else {
        line
    }
}

/// A bar from the last logged step to this one, as a pipe receives it: updates divided by carriage returns.
fn bar(t: &Training, step: u64) -> String {
    let from = step.saturating_sub(t.log_every);
    let shown = 5.min(t.log_every);
    let mut out = String::new();
    for i in 1..=shown {
        let at = from + t.log_every * i / shown;
        let share = at as f64 / t.steps as f64;
        let cells = (share * 80.0) as usize;
        let full = "█".repeat(cells / 8);
        let part = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][cells % 8];
        let used = cells / 8 + usize::from(!part.is_empty());
        let empty = " ".repeat(10usize.saturating_sub(used));
        let left = (t.steps - at) as f64 * t.pace;
        let rate = if t.pace > 1.0 {
            format!("{:.2}s/it", t.pace)
        } else {
            format!("{:.2}it/s", 1.0 / t.pace)
        };
        out.push_str(&format!(
            "\r{}: {:>3.0}%|{full}{part}{empty}| {at}/{} [{}<{}, {rate}, loss={}]",
            t.model,
            share * 100.0,
            t.steps,
            clock(at as f64 * t.pace),
            clock(left),
            number(t.loss_at(at))
        ));
    }
    out
}

/// The `nth` line of an evaluation after a step.
pub fn evaluation(t: &Training, step: u64, nth: u64) -> String {
    let loss = t.loss_at(step) * 1.05;
    let epoch = t.epoch_at(step);
    match (t.style, nth) {
        (Style::Dict, 0) => format!(
            "{{'eval_loss': {}, 'eval_runtime': {:.4}, 'epoch': {epoch:.2}}}",
            number(loss),
            t.pace * 3.0
        ),
        (Style::Json, 0) => format!("{{\"step\": {step}, \"eval_loss\": {}}}", number(loss)),
        (Style::Mnist, 0) => format!("accuracy={:.4}", 1.0 - 0.35 * t.loss_at(step).min(2.5)),
        (Style::Mnist, _) => format!(
            "Epoch {} took {:.1} s",
            mnist_epoch(t, step).1,
            t.pace * t.eval_every as f64
        ),
        (_, 0) => format!("validation at step {step}: loss {}", number(loss)),
        _ => format!("saved checkpoint /checkpoints/{}/step-{step}", t.model),
    }
}

/// The lines after the last step.
pub fn footer(t: &Training, runtime: f64) -> Vec<String> {
    match t.style {
        Style::Shards | Style::Eval => vec![format!(
            "done: {} of {} items in {runtime:.1} s",
            t.steps, t.steps
        )],
        Style::Dict => vec![
            format!(
                "{{'train_runtime': {runtime:.4}, 'train_samples_per_second': {:.3}, 'train_steps_per_second': {:.3}, 'train_loss': {}, 'epoch': {:.1}}}",
                (t.steps * t.batch) as f64 / runtime,
                t.steps as f64 / runtime,
                number((t.loss.0 + 3.0 * t.loss.1) / 4.0),
                t.epochs as f64
            ),
            format!("saved final weights to /checkpoints/{}/final", t.model),
        ],
        Style::Mnist => vec![format!("accuracy={:.4}", 1.0 - 0.35 * t.loss.1)],
        _ => vec![
            format!(
                "training finished after {} steps in {}",
                t.steps,
                clock(runtime)
            ),
            format!("saved final weights to /checkpoints/{}/final", t.model),
        ],
    }
}

/// What it says between SIGTERM and its end.
pub fn farewell(t: &Training, at: f64) -> Vec<String> {
    let step = ((at - t.time_of(0)) / t.pace).max(0.0) as u64;
    vec![
        format!("received SIGTERM at step {step}: writing a checkpoint before exit"),
        format!("saved checkpoint /checkpoints/{}/step-{step}; bye", t.model),
    ]
}

/// A loss as programs print it.
fn number(loss: f64) -> String {
    if loss.is_nan() {
        "nan".to_owned()
    } else {
        format!("{loss:.4}")
    }
}

/// `mm:ss` or `h:mm:ss`.
fn clock(seconds: f64) -> String {
    let s = seconds.max(0.0) as u64;
    if s >= 3600 {
        format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
    } else {
        format!("{:02}:{:02}", s / 60, s % 60)
    }
}
