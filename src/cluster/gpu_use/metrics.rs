//! Which metrics are read, under all the names they go by, and what a value must be to be one.
//!
//! NVIDIA: NVIDIA/dcgm-exporter, `etc/default-counters.csv`, `etc/1.x-compatibility-metrics.csv` (names in small
//! letters, as of releases before 2), `internal/pkg/rendermetrics`. AMD: ROCm/device-metrics-exporter,
//! `docs/configuration/metricslist.md`, `pkg/amdgpu/gpuagent/gpuagent_gpu_metrics.go`.

use crate::model::gpu_use::reading::{Reading, Slowed};

/// The longest name that is read, its prefix included.
const LONGEST: usize = 96;

/// Bits of `DCGM_FI_DEV_CLOCKS_EVENT_REASONS`. Source: NVIDIA/DCGM, `dcgmlib/dcgm_fields.h`
/// (`DCGM_CLOCKS_EVENT_REASON_*`).
mod reason {
    pub const POWER_CAP: u64 = 0x04;
    pub const SLOWDOWN: u64 = 0x08;
    pub const SW_THERMAL: u64 = 0x20;
    pub const HW_THERMAL: u64 = 0x40;
    pub const POWER_BRAKE: u64 = 0x80;
}

/// What a metric says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    Engine,
    Util,
    Tensor,
    TensorPercent,
    Dram,
    DramPercent,
    Used,
    Free,
    Reserved,
    Watts,
    /// Of the hottest place.
    Celsius,
    /// Of its edge: where the hottest place is not told.
    Edge,
    MemoryCelsius,
    Mhz,
    /// A clock whose kind is told by a label.
    Clock,
    Link,
    /// The last code.
    Xid,
    /// How often a code came lately; the code is a label.
    XidCount,
    Reasons,
    /// How often a reason held lately; the reason is a label.
    ReasonCount,
    PowerPart,
    HeatPart,
    Uncorrected,
    Remapped,
    RemapFailed,
    /// 1 is well, 0 is not.
    Health,
    /// 0 is well, 10 a warning, 20 a failure.
    DcgmHealth,
}

/// Who writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vendor {
    Nvidia,
    Amd,
}

/// The metric of a name; none for all the others there are.
pub fn metric(name: &[u8]) -> Option<(Vendor, Metric)> {
    if name.len() > LONGEST || name.len() < 8 {
        return None;
    }
    let mut small = [0; LONGEST];
    let small = &mut small[..name.len()];
    small.copy_from_slice(name);
    small.make_ascii_lowercase();
    if let Some(rest) = small.strip_prefix(b"dcgm_") {
        return Some((Vendor::Nvidia, nvidia(rest)?));
    }
    // a prefix can be set: `MetricsFieldPrefix`
    let at = memchr::memmem::find(small, b"gpu_")?;
    let clean = at == 0 || small[at - 1] == b'_';
    Some((Vendor::Amd, amd(&small[at + 4..]).filter(|_| clean)?))
}

fn nvidia(rest: &[u8]) -> Option<Metric> {
    if let Some(rest) = rest.strip_prefix(b"fi_prof_") {
        return Some(match rest {
            b"gr_engine_active" => Metric::Engine,
            b"pipe_tensor_active" => Metric::Tensor,
            b"dram_active" => Metric::Dram,
            b"nvlink_tx_bytes" | b"nvlink_rx_bytes" => Metric::Link,
            _ => return None,
        });
    }
    if let Some(rest) = rest.strip_prefix(b"exp_") {
        return Some(match rest {
            b"xid_errors_count" => Metric::XidCount,
            b"clock_events_count" => Metric::ReasonCount,
            b"gpu_health_status" => Metric::DcgmHealth,
            _ => return None,
        });
    }
    Some(match rest.strip_prefix(b"fi_dev_").unwrap_or(rest) {
        b"gpu_util" | b"gpu_utilization" => Metric::Util,
        b"fb_used" => Metric::Used,
        b"fb_free" => Metric::Free,
        b"fb_reserved" => Metric::Reserved,
        b"power_usage" => Metric::Watts,
        b"gpu_temp" => Metric::Celsius,
        b"memory_temp" => Metric::MemoryCelsius,
        b"sm_clock" => Metric::Mhz,
        b"xid_errors" => Metric::Xid,
        b"clock_throttle_reasons" | b"clocks_event_reasons" => Metric::Reasons,
        b"ecc_dbe_vol_total" => Metric::Uncorrected,
        b"uncorrectable_remapped_rows" => Metric::Remapped,
        b"row_remap_failure" => Metric::RemapFailed,
        _ => return None,
    })
}

fn amd(rest: &[u8]) -> Option<Metric> {
    Some(match rest {
        b"gfx_activity" => Metric::Util,
        b"umc_activity" => Metric::DramPercent,
        b"prof_tensor_active_percent" => Metric::TensorPercent,
        b"used_vram" => Metric::Used,
        b"free_vram" => Metric::Free,
        b"power_usage" | b"package_power" | b"average_package_power" => Metric::Watts,
        b"junction_temperature" => Metric::Celsius,
        b"edge_temperature" => Metric::Edge,
        b"memory_temperature" => Metric::MemoryCelsius,
        b"clock" => Metric::Clock,
        b"violation_ppt_residency_percentage" => Metric::PowerPart,
        b"violation_processor_hot_residency_percentage"
        | b"violation_socket_thermal_residency_percentage"
        | b"violation_vr_thermal_residency_percentage"
        | b"violation_hbm_thermal_residency_percentage" => Metric::HeatPart,
        b"ecc_uncorrect_total" => Metric::Uncorrected,
        b"health" => Metric::Health,
        _ => return None,
    })
}

/// A value that stands for none: NaN, and what DCGM writes for "blank" (`dcgm_structs.h`: from 0x7ffffff0,
/// 0x7ffffffffffffff0 and 2^47 on, 15 reasons each), which releases before 3 passed on.
pub fn is_blank(value: f64) -> bool {
    const TWO_62: f64 = (1u64 << 62) as f64;
    const TWO_47: f64 = (1u64 << 47) as f64;
    let among = |from: f64| (from..from + 16.0).contains(&value);
    !value.is_finite() || value >= TWO_62 || among(TWO_47) || among(2_147_483_632.0)
}

/// Puts a value into a reading. `label`: of [`Metric::XidCount`], [`Metric::ReasonCount`] and [`Metric::Clock`]. A value
/// that cannot be is left out: AMD's exporter has passed on 65535 for "not known".
pub fn put(reading: &mut Reading, metric: Metric, value: f64, label: &str) {
    if is_blank(value) || value < 0.0 {
        return;
    }
    let within = |most: f64| (value <= most).then_some(value as f32);
    // rounding may take a part over the whole
    let part = |whole: f64| (value <= whole * 1.05).then(|| (value / whole).min(1.0) as f32);
    // of shares of one device, and of its processes, the most tells of the device
    fn most(to: &mut Option<f32>, value: Option<f32>) {
        if let Some(value) = value {
            *to = Some(to.map_or(value, |old| old.max(value)));
        }
    }
    let slowed = |reading: &mut Reading, with: Slowed| {
        let old = reading.slowed.unwrap_or_default();
        reading.slowed = Some(Slowed {
            power: old.power | with.power,
            heat: old.heat | with.heat,
            board: old.board | with.board,
        });
    };
    match metric {
        Metric::Engine => most(&mut reading.engine, part(1.0)),
        Metric::Util => most(&mut reading.util, part(100.0)),
        Metric::Tensor => most(&mut reading.tensor, part(1.0)),
        Metric::TensorPercent => most(&mut reading.tensor, part(100.0)),
        Metric::Dram => most(&mut reading.dram, part(1.0)),
        Metric::DramPercent => most(&mut reading.dram, part(100.0)),
        Metric::Used => most(&mut reading.used, within(16e6)),
        Metric::Free => reading.free = within(16e6).or(reading.free),
        Metric::Reserved => reading.reserved = within(16e6).or(reading.reserved),
        Metric::Watts => most(&mut reading.watts, within(20_000.0)),
        Metric::Celsius => reading.celsius = within(200.0).or(reading.celsius),
        Metric::Edge => reading.celsius = reading.celsius.or(within(200.0)),
        Metric::MemoryCelsius => most(&mut reading.memory_celsius, within(200.0)),
        Metric::Clock if !label.eq_ignore_ascii_case("system") => {}
        Metric::Mhz | Metric::Clock => most(&mut reading.mhz, within(20_000.0)),
        Metric::Link => {
            if let Some(bytes) = within(1e14) {
                reading.link = Some(reading.link.unwrap_or(0.0) + bytes);
            }
        }
        Metric::Xid => {
            let code = (value <= f64::from(u16::MAX)).then_some(value as u16);
            reading.xid = reading.xid.filter(|old| *old > 0).or(code).or(reading.xid);
        }
        Metric::XidCount => {
            let code = label.parse::<u16>().ok().filter(|_| value > 0.0);
            reading.xid = reading.xid.filter(|old| *old > 0).or(code).or(reading.xid);
        }
        Metric::Reasons => {
            let bits = value as u64;
            let any = |of: u64| bits & of != 0;
            let with = Slowed {
                power: any(reason::POWER_CAP),
                heat: any(reason::SW_THERMAL | reason::HW_THERMAL),
                // heat alone asserts the slowdown too
                board: any(reason::POWER_BRAKE)
                    || any(reason::SLOWDOWN) && !any(reason::HW_THERMAL),
            };
            slowed(reading, with);
        }
        Metric::ReasonCount => {
            let on = value > 0.0;
            let with = Slowed {
                power: on && label == "power_cap",
                heat: on && matches!(label, "sw_thermal" | "hw_thermal"),
                board: on && label == "hw_power_brake",
            };
            slowed(reading, with);
        }
        Metric::PowerPart | Metric::HeatPart if value <= 100.0 => {
            let with = Slowed {
                power: metric == Metric::PowerPart && value >= 1.0,
                heat: metric == Metric::HeatPart && value >= 1.0,
                board: false,
            };
            slowed(reading, with);
        }
        Metric::PowerPart | Metric::HeatPart => {}
        Metric::Uncorrected => reading.uncorrected = count(value).or(reading.uncorrected),
        Metric::Remapped => reading.remapped = count(value).or(reading.remapped),
        Metric::RemapFailed => reading.remap_failed = Some(value > 0.0),
        Metric::Health => reading.unwell = Some(value < 1.0),
        Metric::DcgmHealth => {
            reading.unwell = Some(value >= 20.0 || reading.unwell == Some(true));
        }
    }
}

fn count(value: f64) -> Option<u32> {
    (value < 2_147_483_632.0).then_some(value as u32)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("DCGM_FI_DEV_GPU_UTIL", Some((Vendor::Nvidia, Metric::Util)))]
    #[case("dcgm_gpu_utilization", Some((Vendor::Nvidia, Metric::Util)))]
    #[case("DCGM_FI_PROF_GR_ENGINE_ACTIVE", Some((Vendor::Nvidia, Metric::Engine)))]
    #[case("dcgm_fi_prof_gr_engine_active", Some((Vendor::Nvidia, Metric::Engine)))]
    #[case("dcgm_fb_used", Some((Vendor::Nvidia, Metric::Used)))]
    #[case("DCGM_EXP_XID_ERRORS_COUNT", Some((Vendor::Nvidia, Metric::XidCount)))]
    #[case("gpu_gfx_activity", Some((Vendor::Amd, Metric::Util)))]
    #[case("amd_gpu_gfx_activity", Some((Vendor::Amd, Metric::Util)))]
    #[case("amd_GPU_USED_VRAM", Some((Vendor::Amd, Metric::Used)))]
    #[case("DCGM_FI_DEV_PCIE_REPLAY_COUNTER", None)]
    #[case("node_cpu_seconds_total", None)]
    #[case("go_gc_duration_seconds", None)]
    #[case("mygpu_clock", None)]
    #[case("container_gpu_allocation", None)]
    #[case("", None)]
    fn names(#[case] name: &str, #[case] want: Option<(Vendor, Metric)>) {
        assert_eq!(metric(name.as_bytes()), want);
    }

    #[test]
    fn values_that_cannot_be_are_left_out() {
        let blanks = [
            9_223_372_036_854_775_794.0,
            18_446_744_073_709_551_615.0,
            140_737_488_355_328.0,
            2_147_483_632.0,
            f64::NAN,
            f64::INFINITY,
            -1.0,
            1e30,
        ];
        let all = [
            Metric::Engine,
            Metric::Util,
            Metric::Tensor,
            Metric::Used,
            Metric::Free,
            Metric::Watts,
            Metric::Celsius,
            Metric::Mhz,
            Metric::Xid,
            Metric::Uncorrected,
            Metric::Reasons,
            Metric::RemapFailed,
        ];
        for value in blanks {
            for metric in all {
                let mut reading = Reading::default();
                put(&mut reading, metric, value, "");
                assert_eq!(reading, Reading::default(), "{metric:?} {value}");
            }
        }
        let mut reading = Reading::default();
        put(&mut reading, Metric::Util, 65_535.0, "");
        put(&mut reading, Metric::Celsius, 65_535.0, "");
        assert_eq!(reading, Reading::default());
    }

    #[test]
    fn units_become_one() {
        let mut reading = Reading::default();
        put(&mut reading, Metric::Util, 97.0, "");
        put(&mut reading, Metric::Engine, 1.01, "");
        put(&mut reading, Metric::TensorPercent, 41.0, "");
        put(&mut reading, Metric::Link, 2e9, "");
        put(&mut reading, Metric::Link, 1e9, "");
        put(&mut reading, Metric::Clock, 900.0, "memory");
        put(&mut reading, Metric::Clock, 2100.0, "GPU_CLOCK_TYPE_SYSTEM");
        put(&mut reading, Metric::Clock, 2100.0, "system");
        assert_eq!((reading.util, reading.engine), (Some(0.97), Some(1.0)));
        assert_eq!((reading.tensor, reading.mhz), (Some(0.41), Some(2100.0)));
        assert_eq!(reading.link, Some(3e9));
    }

    #[rstest]
    #[case::idle(0x1, false, false, false)]
    #[case::cap(0x4, true, false, false)]
    #[case::heat_with_slowdown(0x48, false, true, false)]
    #[case::brake(0x88, false, false, true)]
    fn reasons(#[case] bits: u32, #[case] power: bool, #[case] heat: bool, #[case] board: bool) {
        let mut reading = Reading::default();
        put(&mut reading, Metric::Reasons, bits.into(), "");
        assert_eq!(reading.slowed, Some(Slowed { power, heat, board }));
    }

    #[test]
    fn an_xid_is_the_last_one_or_one_that_came_lately() {
        let mut reading = Reading::default();
        put(&mut reading, Metric::Xid, 0.0, "");
        assert_eq!(reading.xid, Some(0));
        put(&mut reading, Metric::XidCount, 0.0, "31");
        assert_eq!(reading.xid, Some(0));
        put(&mut reading, Metric::XidCount, 2.0, "31");
        assert_eq!(reading.xid, Some(31));
        put(&mut reading, Metric::Xid, 0.0, "");
        assert_eq!(reading.xid, Some(31));
    }
}
