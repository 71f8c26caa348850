//! The thread that reads a recording for the screens: it does what the watches of a cluster would.

use std::path::PathBuf;
use std::sync::mpsc as std_mpsc;

use tokio::sync::mpsc;

use super::Runner;
use crate::app::message::Message;
use crate::cluster::report::{LogBatch, LogNote, Report, Severity};
use crate::model::ids::ClusterId;
use crate::model::want::{ObjectWant, Want};
use crate::recording::player::Player;

/// What the thread is asked for.
enum Ask {
    To(u64),
    Object(ObjectWant),
}

/// The way to the thread.
pub struct Replay {
    asks: std_mpsc::Sender<Ask>,
    /// What was wanted last: only what is new is asked for.
    wanted: Vec<Want>,
}

impl Runner {
    /// Plays a recording from now on, and speaks to no cluster.
    pub fn replay(&mut self, player: Player, path: PathBuf) {
        let (asks, asked) = std_mpsc::channel();
        let messages = self.messages.clone();
        std::thread::spawn(move || serve(player, &path, &asked, &messages));
        self.replay = Some(Replay {
            asks,
            wanted: Vec::new(),
        });
    }

    pub(super) fn replay_to(&mut self, t: u64) {
        if let Some(replay) = &self.replay {
            // the thread ends with the program
            let _ = replay.asks.send(Ask::To(t));
        }
    }

    /// What screens want beside rows: objects are in the recording, lines of logs are not.
    pub(super) fn want_of_replay(&mut self, wants: Vec<Want>) {
        let Some(replay) = &mut self.replay else {
            return;
        };
        for want in wants.iter().filter(|want| !replay.wanted.contains(want)) {
            match want {
                Want::Object(object) => {
                    let _ = replay.asks.send(Ask::Object(object.clone()));
                }
                Want::Log(log) => {
                    let batch = LogBatch {
                        cluster: ClusterId::default(),
                        want: log.clone().into(),
                        lines: Vec::new(),
                        notes: vec![LogNote {
                            severity: Severity::Info,
                            text: "a recording holds no lines of logs".into(),
                        }],
                    };
                    let message = from(Report::Log(batch));
                    let messages = self.messages.clone();
                    tokio::spawn(async move { messages.send(message).await });
                }
                _ => {}
            }
        }
        replay.wanted = wants;
    }
}

/// There is only one connection, if one may call it that.
fn from(report: Report) -> Message {
    Message::From {
        connection: 0,
        report,
        said: Vec::new(),
        failed: Vec::new(),
    }
}

fn serve(
    mut player: Player,
    path: &std::path::Path,
    asked: &std_mpsc::Receiver<Ask>,
    messages: &mpsc::Sender<Message>,
) {
    let mut at = 0;
    while let Ok(ask) = asked.recv() {
        let message = match ask {
            Ask::To(t) => {
                at = t;
                let moved = player.to(t).map_err(|e| e.to_string());
                Message::Played { t, moved }
            }
            Ask::Object(want) => from(Report::Object {
                cluster: ClusterId::default(),
                object: player.object(path, &want, at),
                want,
            }),
        };
        if messages.blocking_send(message).is_err() {
            return;
        }
    }
}
