//! From the text of an exporter to the devices it speaks of.

use std::borrow::Cow;

use super::exposition::{self, Lines};
use super::metrics::{self, Metric, Vendor};
use crate::model::gpu_use::reading::{Claimed, DeviceId, DeviceRow, Holder, Reading, Slice};
use crate::model::gpu_use::{DEVICES, HOLDERS};
use crate::model::ids::{Name, Names, Uid};

/// Longer label values are cut.
const LONGEST: usize = 253;

/// Reads one exporter's answer as it comes. Bounded: [`DEVICES`] devices of [`HOLDERS`] holders, and one line.
#[derive(Debug, Default)]
pub struct Gather {
    lines: Lines,
    found: Found,
}

#[derive(Debug, Default)]
struct Found {
    devices: Vec<DeviceRow>,
    names: Names,
    /// Lines that name a metric, whichever.
    samples: u64,
    /// Where the last line's device stands: the next one is mostly its neighbour.
    at: usize,
}

/// The labels of one line that matter, as they stand there.
#[derive(Default)]
struct Labels<'a> {
    gpu: Text<'a>,
    uuid: Text<'a>,
    product: Text<'a>,
    slice: Text<'a>,
    profile: Text<'a>,
    namespace: Text<'a>,
    pod: Text<'a>,
    container: Text<'a>,
    uid: Text<'a>,
    share: Text<'a>,
    driver: Text<'a>,
    pool: Text<'a>,
    device: Text<'a>,
    mig_uuid: Text<'a>,
    /// What the metric itself is about: a code, a reason, a kind of clock.
    about: Text<'a>,
    /// It is about one link of several, or about a switch: nothing a device has.
    elsewhere: bool,
}

#[derive(Default)]
struct Text<'a>(Cow<'a, [u8]>);

impl Text<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn str(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0[..self.0.len().min(LONGEST)])
    }

    fn is(&self, name: &str) -> bool {
        *self.0 == *name.as_bytes() || (self.0.len() > LONGEST && self.str() == name)
    }

    fn number(&self) -> Option<u16> {
        std::str::from_utf8(&self.0).ok()?.trim().parse().ok()
    }

    fn name(&self, names: &mut Names) -> Name {
        names.get(&self.str())
    }
}

impl<'a> Labels<'a> {
    fn take(&mut self, vendor: Vendor, key: &[u8], value: Cow<'a, [u8]>) {
        let to = match key {
            b"namespace" | b"pod_namespace" if self.namespace.is_empty() => &mut self.namespace,
            b"pod" | b"pod_name" if self.pod.is_empty() => &mut self.pod,
            b"container" | b"container_name" if self.container.is_empty() => &mut self.container,
            // of text that went through a Prometheus: the plain ones name the exporter then
            b"exported_namespace" => &mut self.namespace,
            b"exported_pod" => &mut self.pod,
            b"exported_container" => &mut self.container,
            b"pod_uid" | b"pod_uuid" => &mut self.uid,
            _ => match vendor {
                Vendor::Nvidia => match key {
                    b"gpu" => &mut self.gpu,
                    b"UUID" | b"uuid" | b"gpu_uuid" => &mut self.uuid,
                    b"modelName" | b"model_name" => &mut self.product,
                    b"GPU_I_ID" => &mut self.slice,
                    b"GPU_I_PROFILE" => &mut self.profile,
                    b"vgpu" => &mut self.share,
                    b"dra_driver_name" => &mut self.driver,
                    b"dra_pool_name" => &mut self.pool,
                    b"dra_device_name" => &mut self.device,
                    b"dra_mig_device_uuid" => &mut self.mig_uuid,
                    b"xid" | b"clock_event" => &mut self.about,
                    b"nvlink" | b"nvswitch" | b"cpu" | b"cpucore" => {
                        self.elsewhere = true;
                        return;
                    }
                    _ => return,
                },
                Vendor::Amd => match key {
                    b"gpu_id" => &mut self.gpu,
                    b"gpu_uuid" => &mut self.uuid,
                    // its name; the model is mostly a part number: `102-G30211-0C`
                    b"card_series" if !value.is_empty() => &mut self.product,
                    b"card_model" if self.product.is_empty() => &mut self.product,
                    b"gpu_partition_id" => &mut self.slice,
                    b"gpu_compute_partition_type" => &mut self.profile,
                    b"clock_type" => &mut self.about,
                    _ => return,
                },
            },
        };
        to.0 = value;
    }

    /// The slice's number, if it is one: an AMD card in one piece has the partition 0 of type `spx`.
    fn slice(&self) -> Option<u16> {
        let whole = self.profile.is_empty() || self.profile.0.eq_ignore_ascii_case(b"spx");
        self.slice.number().filter(|_| !whole)
    }

    fn is_of(&self, row: &DeviceRow) -> bool {
        let slice = row.id.slice.as_ref().map(|slice| slice.id);
        slice == self.slice()
            && match self.uuid.is_empty() {
                true => row.index == self.gpu.number(),
                false => self.uuid.is(&row.id.uuid),
            }
    }

    fn device(&self, names: &mut Names) -> DeviceRow {
        let index = self.gpu.number();
        let uuid = match (self.uuid.is_empty(), index) {
            (false, _) => self.uuid.name(names),
            (true, Some(n)) => names.get(&format!("gpu-{n}")),
            (true, None) => self.gpu.name(names),
        };
        let slice = self.slice().map(|id| Slice {
            id,
            profile: names.get(&self.profile.str().to_lowercase()),
        });
        DeviceRow {
            id: DeviceId { uuid, slice },
            index,
            product: self.product.name(names),
            holders: Vec::new(),
            reading: Reading::default(),
        }
    }

    fn holds(&self, holder: &Holder) -> bool {
        self.pod.is(&holder.pod)
            && self.namespace.is(&holder.namespace)
            && self.container.is(&holder.container)
    }

    fn holder(&self, names: &mut Names) -> Holder {
        let claimed = !self.device.is_empty() || !self.mig_uuid.is_empty();
        Holder {
            namespace: self.namespace.name(names),
            pod: self.pod.name(names),
            container: self.container.name(names),
            uid: (!self.uid.is_empty()).then(|| Uid::parse(&self.uid.str())),
            share: (!self.share.is_empty()).then(|| self.share.name(names)),
            claimed: claimed.then(|| {
                Box::new(Claimed {
                    driver: self.driver.name(names),
                    pool: self.pool.name(names),
                    device: self.device.name(names),
                    mig_uuid: self.mig_uuid.name(names),
                })
            }),
        }
    }
}

impl Found {
    fn line(&mut self, line: &[u8]) {
        let Some(name) = exposition::name(line) else {
            return;
        };
        self.samples += 1;
        let Some((vendor, metric)) = metrics::metric(name) else {
            return;
        };
        let mut labels = Labels::default();
        let value = exposition::sample(line, |key, value| labels.take(vendor, key, value));
        if let Some(value) = value
            && !labels.elsewhere
            && !(labels.uuid.is_empty() && labels.gpu.is_empty())
        {
            self.put(metric, value, &labels);
        }
    }

    fn put(&mut self, metric: Metric, value: f64, labels: &Labels) {
        let n = self.devices.len();
        let near = (self.at..n).chain(0..self.at.min(n));
        let known = near.into_iter().find(|at| labels.is_of(&self.devices[*at]));
        let at = match known {
            Some(at) => at,
            None if n >= DEVICES => return,
            None => {
                let device = labels.device(&mut self.names);
                self.devices.push(device);
                n
            }
        };
        self.at = at;
        let device = &mut self.devices[at];
        metrics::put(&mut device.reading, metric, value, &labels.about.str());
        if !labels.pod.is_empty()
            && device.holders.len() < HOLDERS
            && !device.holders.iter().any(|h| labels.holds(h))
        {
            device.holders.push(labels.holder(&mut self.names));
        }
    }
}

impl Gather {
    /// Takes a piece of the answer.
    pub fn push(&mut self, chunk: &[u8]) {
        let Self { lines, found } = self;
        lines.push(chunk, |line| found.line(line));
    }

    /// Lines that name a metric of whatever kind.
    pub fn samples(&self) -> u64 {
        self.found.samples
    }

    /// The devices, as far as they were read.
    pub fn devices(self) -> Vec<DeviceRow> {
        self.found.devices
    }
}

/// Puts the devices of another exporter on the node to those of one: each device once.
pub fn join(all: &mut Vec<DeviceRow>, more: Vec<DeviceRow>) {
    for row in more {
        if let Some(known) = all.iter_mut().find(|known| known.id == row.id) {
            known.reading.fill_from(&row.reading);
            if known.holders.is_empty() {
                known.holders = row.holders;
            }
        } else if all.len() < DEVICES {
            all.push(row);
        }
    }
}

#[cfg(test)]
mod tests;
