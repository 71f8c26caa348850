//! The loop: keys, frames, messages, the next wake. Nothing else of the program waits anywhere.
//!
//! No tick: with nothing changing it sleeps. A key draws at once, or [`ANSWER`] after the last frame; a flood of changes
//! is held to [`App::pace`], and to a quarter of the time where frames are dear: what comes in has the rest.

use std::time::{Duration, Instant};

use chrono::Utc;
use crossterm::event::{Event, EventStream};
use futures::StreamExt;
use tokio::sync::mpsc;
use tokio::time::sleep_until;

use super::App;
use super::effect::Effect;
use super::external;
use super::message::Message;
use super::pager;
use super::runner::{Runner, attached};
use crate::ui::terminal::{Signal, Terminal};

/// The same where somebody pressed a key in between.
const ANSWER: Duration = Duration::from_millis(8);
/// Of frames that only follow changes: so many times what one took passes before the next.
const REST: u32 = 3;
/// Shortest time between two looks at what time alone changes.
const TICK: Duration = Duration::from_millis(20);
/// Longest time spent on messages before keys and frames get their turn again.
const SLICE: Duration = Duration::from_millis(8);

/// Runs until the user quits, the terminal goes, or a signal says so.
pub async fn run(
    app: &mut App,
    runner: &mut Runner,
    messages: &mut mpsc::Receiver<Message>,
    terminal: &mut Terminal,
) -> std::io::Result<()> {
    let mut events = EventStream::new();
    let mut signals = terminal.signals()?;
    let mut frame_at = Instant::now();
    let mut drawn = frame_at;
    let mut ticked = Instant::now();
    // messages came, and a frame follows that shows what they brought: what it wants is asked after it
    let mut in_a_flood = false;
    #[cfg(debug_assertions)]
    if std::env::var_os("JOBDECK_TEST_PANIC").is_some_and(|when| when == "drawn") {
        terminal.draw(|frame| app.draw(frame, Utc::now()))?;
        // only so that a test can see what a panic leaves behind
        #[allow(clippy::panic, reason = "asked for, in debug builds only")]
        {
            panic!("asked for by JOBDECK_TEST_PANIC");
        }
    }
    loop {
        let effects = match std::mem::take(&mut in_a_flood) && app.dirty {
            true => app.take_ready_effects(),
            false => app.take_effects(Utc::now()),
        };
        for effect in effects {
            if let Effect::Page(text) = effect {
                // The keys are the pager's.
                drop(events);
                let trouble = pager::show(text, terminal, &mut signals).await?;
                events = EventStream::new();
                app.came_back(trouble, Utc::now());
                continue;
            }
            if effect == Effect::Attach {
                let Some(running) = runner.entered() else {
                    continue;
                };
                drop(events);
                let told = {
                    let attached = attached(running, terminal, &mut signals);
                    tokio::pin!(attached);
                    // watches go on meanwhile: hours may pass
                    loop {
                        tokio::select! {
                            told = &mut attached => break told?,
                            Some(message) = messages.recv() => take(app, runner, message),
                        }
                    }
                };
                events = EventStream::new();
                app.came_back(told, Utc::now());
                continue;
            }
            if let Effect::External { id, text } = effect {
                drop(events);
                let text = external::edit(&text, terminal, &mut signals).await?;
                events = EventStream::new();
                app.edited(id, text, Utc::now());
                continue;
            }
            runner.start(effect, terminal)?;
        }
        if app.done {
            return Ok(());
        }
        let wake = app.wake(Utc::now()).map(|at| {
            let wait = (at - Utc::now()).to_std().unwrap_or_default();
            let at = Instant::now() + wait.min(Duration::from_secs(3600));
            at.max(ticked + TICK)
        });
        tokio::select! {
            biased;
            event = events.next() => match event {
                Some(Ok(event)) => {
                    app.input(&event, Utc::now());
                    // whoever pressed a key is not kept waiting for the sake of what comes in
                    frame_at = match event {
                        Event::Resize(..) => Instant::now(),
                        _ => frame_at.min(drawn + ANSWER),
                    };
                }
                // the terminal is gone: there is nobody to show anything to
                Some(Err(_)) | None => return Ok(()),
            },
            signal = signals.next() => match signal {
                Signal::Quit => {
                    // what is written is kept before the end
                    app.keep_written();
                    app.done = true;
                }
                Signal::Continue => { terminal.resume()?; app.dirty = true; }
                Signal::Stop => terminal.suspend()?,
            },
            () = sleep_until(frame_at.into()), if app.dirty => {
                app.dirty = false;
                let begun = Instant::now();
                terminal.draw(|frame| app.draw(frame, Utc::now()))?;
                let took = begun.elapsed();
                app.drawn(took, Utc::now());
                drawn = Instant::now();
                frame_at = drawn + app.pace().max(took * REST);
            }
            // before messages, or a flood of them would put it off for ever
            () = sleep_until(wake.unwrap_or_else(Instant::now).into()), if wake.is_some() => {
                ticked = Instant::now();
                app.tick(Utc::now());
            }
            Some(message) = messages.recv() => {
                in_a_flood = true;
                let (begun, waited) = (Instant::now(), messages.len() + 1);
                let until = begun + SLICE;
                take(app, runner, message);
                while Instant::now() < until && let Ok(message) = messages.try_recv() {
                    take(app, runner, message);
                }
                app.took(waited, messages.max_capacity(), begun.elapsed(), Utc::now());
            }
        }
    }
}

/// An opened cluster is the runner's; everything is news to the app.
fn take(app: &mut App, runner: &mut Runner, mut message: Message) {
    runner.adopt(&mut message);
    app.receive(message, Utc::now());
}
