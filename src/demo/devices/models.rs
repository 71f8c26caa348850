//! What the demo knows of the cards it simulates: round figures of their makers' data sheets, for plausible readings.

/// A kind of card.
#[derive(Debug, PartialEq)]
pub struct Model {
    /// The product label without what sharing appends to it.
    pub product: &'static str,
    /// As the driver calls it, which is what exporters write.
    pub name: &'static str,
    pub memory_mib: u64,
    /// Watts when nothing runs, and at most.
    pub watts: (f64, f64),
    /// Highest clocks in MHz: of the processors, of the memory.
    pub clocks: (u64, u64),
    /// It has a memory of which the temperature is known (HBM).
    pub hbm: bool,
}

const fn model(
    product: &'static str,
    name: &'static str,
    memory_mib: u64,
    watts: (f64, f64),
    clocks: (u64, u64),
    hbm: bool,
) -> Model {
    Model {
        product,
        name,
        memory_mib,
        watts,
        clocks,
        hbm,
    }
}

#[rustfmt::skip]
const MODELS: &[Model] = &[
    model("Tesla-T4", "Tesla T4", 15_360, (10.0, 70.0), (1590, 5001), false),
    model("NVIDIA-L4", "NVIDIA L4", 23_034, (16.0, 72.0), (2040, 6251), false),
    model("NVIDIA-L40S", "NVIDIA L40S", 46_068, (34.0, 350.0), (2520, 9001), false),
    model("NVIDIA-A10G", "NVIDIA A10G", 23_028, (22.0, 300.0), (1710, 6251), false),
    model("NVIDIA-A30", "NVIDIA A30", 24_576, (28.0, 165.0), (1440, 1215), true),
    model("NVIDIA-A100-SXM4-80GB", "NVIDIA A100-SXM4-80GB", 81_920, (62.0, 400.0), (1410, 1593), true),
    model("NVIDIA-H100-80GB-HBM3", "NVIDIA H100 80GB HBM3", 81_559, (70.0, 700.0), (1980, 2619), true),
    model("NVIDIA-H200", "NVIDIA H200", 143_771, (76.0, 700.0), (1980, 3201), true),
    model("NVIDIA-GB200", "NVIDIA GB200", 189_471, (150.0, 1200.0), (2062, 3996), true),
    model("AMD_Instinct_MI300X_OAM", "AMD Instinct MI300X OAM", 196_592, (140.0, 750.0), (2100, 1300), true),
];

/// What an unknown card is taken for.
const OTHER: Model = model("", "GPU", 16_384, (20.0, 150.0), (1500, 5000), false);

/// The model of a product label, whatever sharing has appended to it.
pub fn of(product: &str) -> &'static Model {
    let bare = product.strip_suffix("-SHARED").unwrap_or(product);
    let bare = bare.split_once("-MIG-").map_or(bare, |(bare, _)| bare);
    let found = MODELS.iter().find(|m| m.product == bare);
    found.unwrap_or(&OTHER)
}

/// Compute slices of a MIG profile (`3g.40gb` has 3), its memory in MiB, and how many of it fit a card.
pub fn profile(name: &str) -> (u64, u64, u64) {
    let (slices, memory) = name.split_once("g.").unwrap_or((name, ""));
    let slices = slices.parse().unwrap_or(1).clamp(1, 7);
    let digits = memory.split("gb").next().unwrap_or_default();
    let gib: u64 = digits.parse().unwrap_or(10);
    let fit = match slices {
        1 => 7,
        2 => 3,
        3 => 2,
        _ => 1,
    };
    let memory = match name {
        "1g.5gb" => 4864,
        "1g.6gb" => 5952,
        "1g.10gb" => 9728,
        "2g.12gb" => 11_968,
        "2g.20gb" => 19_968,
        "3g.40gb" => 40_192,
        // what the driver keeps for itself
        _ => (gib * 1024).saturating_sub(gib * 32),
    };
    (slices, memory, fit)
}
