//! Arbitrary bytes as the answer of a GPU exporter, whole and cut anywhere: the same devices come out of it, no more of
//! them and of their holders than are kept, every part within the whole and no blank as a value, without a panic.

#![no_main]

use jobdeck::cluster::gpu_use::gather::Gather;
use jobdeck::model::gpu_use::reading::DeviceRow;
use jobdeck::model::gpu_use::{DEVICES, HOLDERS};
use libfuzzer_sys::fuzz_target;

fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (u64, Vec<DeviceRow>) {
    let mut gather = Gather::default();
    for piece in pieces {
        gather.push(piece);
    }
    (gather.samples(), gather.devices())
}

fuzz_target!(|data: &[u8]| {
    let Some((size, bytes)) = data.split_first() else {
        return;
    };
    let whole = read([bytes]);
    assert_eq!(whole, read(bytes.chunks(usize::from(*size) + 1)));
    let (samples, devices) = whole;
    assert!(devices.len() <= DEVICES && devices.len() as u64 <= samples);
    for device in devices {
        assert!(device.holders.len() <= HOLDERS);
        let r = device.reading;
        for part in [r.engine, r.util, r.tensor, r.dram].into_iter().flatten() {
            assert!((0.0..=1.0).contains(&part), "{r:?}");
        }
        let amounts = [
            r.used,
            r.free,
            r.reserved,
            r.watts,
            r.celsius,
            r.memory_celsius,
            r.mhz,
        ];
        for amount in amounts.into_iter().flatten() {
            assert!((0.0..=16e6).contains(&amount), "{r:?}");
        }
    }
});
