//! The part of a pod's life before its containers: images that come, and images that do not.

use std::time::Duration;

use super::super::images::{self, Unpullable, hash};
use super::{Around, Run, State, back_off};
use crate::clock::Clock;

impl Run {
    pub(super) fn pull(&mut self, at: usize, around: &Around<'_>, jitter: u64) {
        let clock = around.clock;
        let now = clock.now();
        let c = &self.containers[at];
        let image = c.image.clone();
        let cached = (around.cached)(&image);
        let policy = c.spec["imagePullPolicy"].as_str().unwrap_or_default();
        if let Some(broken) = c.broken.clone() {
            if broken.reason == "InvalidImageName" {
                self.say(at, true, "InspectFailed", broken.message.clone());
                self.say(at, true, "Failed", "Error: InvalidImageName".to_owned());
                let until = now + clock.scaled(Duration::from_secs(3600));
                self.containers[at].state = State::NoImage {
                    until,
                    tries: 0,
                    waiting: false,
                };
                return;
            }
            self.refuse(at, clock, 0);
            return;
        }
        if policy == "Never" && !cached {
            let text =
                format!("Container image \"{image}\" is not present with pull policy of Never");
            self.containers[at].broken = Some(Unpullable {
                reason: "ErrImageNeverPull",
                message: text.clone(),
            });
            self.say(at, true, "ErrImageNeverPull", text);
            let until = now + clock.scaled(Duration::from_secs(3600));
            self.containers[at].state = State::NoImage {
                until,
                tries: 0,
                waiting: false,
            };
            return;
        }
        self.say(at, false, "Pulling", format!("Pulling image \"{image}\""));
        let took = images::duration(images::size(&image, hash(&image)), cached, jitter);
        self.containers[at].state = State::Pulling {
            until: now + clock.scaled(took),
            cached,
        };
    }

    /// A pull that cannot succeed has failed once more.
    pub(super) fn refuse(&mut self, at: usize, clock: &Clock, tries: u32) {
        let image = self.containers[at].image.clone();
        let why = self.containers[at]
            .broken
            .clone()
            .map(|b| b.message)
            .unwrap_or_default();
        self.say(at, false, "Pulling", format!("Pulling image \"{image}\""));
        self.say(
            at,
            true,
            "Failed",
            format!("Failed to pull image \"{image}\": {why}"),
        );
        self.say(at, true, "Failed", "Error: ErrImagePull".to_owned());
        let until = clock.now() + clock.scaled(Duration::from_secs(2));
        self.containers[at].state = State::NoImage {
            until,
            tries,
            waiting: false,
        };
    }

    pub(super) fn back_off_pull(&mut self, at: usize, clock: &Clock, tries: u32) {
        let image = self.containers[at].image.clone();
        if self.containers[at]
            .broken
            .as_ref()
            .is_some_and(|b| b.reason != "ErrImagePull")
        {
            let until = clock.now() + clock.scaled(Duration::from_secs(3600));
            self.containers[at].state = State::NoImage {
                until,
                tries,
                waiting: false,
            };
            return;
        }
        self.say(
            at,
            false,
            "BackOff",
            format!("Back-off pulling image \"{image}\""),
        );
        self.say(at, true, "Failed", "Error: ImagePullBackOff".to_owned());
        let until = clock.now() + clock.scaled(back_off(tries + 1));
        self.containers[at].state = State::NoImage {
            until,
            tries,
            waiting: true,
        };
    }
}
