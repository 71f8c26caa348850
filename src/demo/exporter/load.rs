//! What a container does to the card it holds, as a smooth function of time that needs no history.

use serde_json::Value;

use crate::controllers::kubelet::{hash, mix};
use crate::controllers::program::{Effort, Launch};

/// How busy a card is with one tenant.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Load {
    /// Share of the time in which a kernel runs, 0..1; what GPU_UTIL shows.
    pub util: f64,
    /// Share of the time in which the graphics or compute engine is active, 0..1.
    pub engine: f64,
    /// Share of the cycles in which the tensor pipe is active, 0..1.
    pub tensor: f64,
    /// Share of the cycles in which the memory interface is active, 0..1.
    pub dram: f64,
    /// Share of the memory in use, 0..1.
    pub memory: f64,
    /// Bytes per second to and from the host.
    pub traffic: f64,
}

/// Of a pod template: what its containers do to their cards, whatever their program is. `idle` or `parked`.
pub const ANNOTATION: &str = "demo.jobdeck.dev/gpu-load";

impl Load {
    pub fn add(&mut self, other: &Self, weight: f64) {
        let sum = |a: f64, b: f64| (a + b * weight).min(1.0);
        self.util = (self.util.max(other.util)).min(1.0);
        self.engine = sum(self.engine, other.engine);
        self.tensor = sum(self.tensor, other.tensor);
        self.dram = sum(self.dram, other.dram);
        self.memory = sum(self.memory, other.memory);
        self.traffic += other.traffic * weight;
    }

    /// `seconds`: how long the container has run, simulated; `salt` tells the pod's cards apart.
    pub fn of(pod: &Value, container: &Value, attempt: u32, seconds: f64, salt: u64) -> Self {
        let uid = pod["metadata"]["uid"].as_str().unwrap_or_default();
        let seed = hash(uid);
        let noise = |kind: u64| smooth(mix(seed ^ salt ^ kind), seconds);
        let fixed = |kind: u64| unit(mix(seed ^ (kind << 17)));
        let full = 0.62 + 0.33 * fixed(1);
        match pod["metadata"]["annotations"][ANNOTATION].as_str() {
            Some("idle") => return Self::default(),
            Some("parked") => {
                return Self {
                    memory: 0.9 + 0.06 * fixed(1),
                    ..Self::default()
                };
            }
            _ => {}
        }
        match Launch::of(pod, container, attempt).effort(seconds) {
            Effort::None => Self::default(),
            Effort::Context => Self {
                memory: 0.006,
                ..Self::default()
            },
            Effort::Parked => Self {
                memory: 0.9 + 0.06 * fixed(1),
                ..Self::default()
            },
            Effort::Loading(part) => Self {
                util: 0.04 * noise(2),
                engine: 0.03 * noise(2),
                dram: 0.02 * noise(3),
                memory: full * (0.1 + 0.6 * part),
                traffic: 6e9 * noise(4),
                ..Self::default()
            },
            Effort::Training => {
                let engine = 0.86 + 0.12 * fixed(5) - 0.08 * noise(2);
                Self {
                    util: (engine + 0.04).min(1.0),
                    engine,
                    tensor: engine * (0.28 + 0.28 * fixed(6) + 0.04 * noise(3)),
                    dram: engine * (0.35 + 0.25 * fixed(7) + 0.05 * noise(4)),
                    memory: full + 0.02 * noise(8),
                    traffic: 1.5e9 + 3e9 * noise(9),
                }
            }
            Effort::Evaluating => Self {
                util: 0.55 + 0.2 * noise(2),
                engine: 0.45 + 0.2 * noise(2),
                tensor: 0.12 + 0.08 * noise(3),
                dram: 0.25 + 0.1 * noise(4),
                memory: full,
                traffic: 2e9 * noise(9),
            },
            // the watchdog has not noticed yet: a collective spins, and nothing is computed
            Effort::Stuck => Self {
                util: 1.0,
                engine: 0.995,
                tensor: 0.0,
                dram: 0.002,
                memory: full,
                traffic: 1e5,
            },
            Effort::Serving => {
                let burst = (noise(2) * 1.7 - 0.5).clamp(0.0, 1.0);
                Self {
                    util: burst,
                    engine: burst * 0.8,
                    tensor: burst * 0.22,
                    dram: burst * 0.62,
                    memory: 0.88 + 0.05 * fixed(1),
                    traffic: 8e8 * burst,
                }
            }
        }
    }
}

/// 0..1 from the bits of a hash.
pub fn unit(bits: u64) -> f64 {
    (mix(bits) >> 11) as f64 / (1u64 << 53) as f64
}

/// 0..1, wandering: between two random values that are 20 simulated seconds apart.
pub fn smooth(seed: u64, seconds: f64) -> f64 {
    let at = seconds.max(0.0) / 20.0;
    let step = at.floor();
    let (from, to) = (unit(seed ^ step as u64), unit(seed ^ (step as u64 + 1)));
    let part = at - step;
    let eased = part * part * (3.0 - 2.0 * part);
    from + (to - from) * eased
}
