//! `nvidia-smi` and `rocm-smi`: the cards a container was given, as their tools show them.

use std::fmt::Write;

/// A card, or a part of one.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    /// `NVIDIA H100 80GB HBM3`
    pub name: String,
    pub uuid: String,
    pub pci: String,
    pub total_mib: u64,
    pub used_mib: u64,
    /// Percent.
    pub util: u64,
    pub watts: u64,
    pub most_watts: u64,
    pub celsius: u64,
}

impl Card {
    pub fn is_amd(&self) -> bool {
        self.name.starts_with("AMD")
    }
}

/// What nvidia-smi prints.
pub fn nvidia(cards: &[Card], args: &[String], driver: &str, now: &str, main: &str) -> String {
    let mut out = String::new();
    if args.iter().any(|arg| arg == "-L") {
        for (nth, card) in cards.iter().enumerate() {
            let _ = writeln!(out, "GPU {nth}: {} (UUID: GPU-{})", card.name, card.uuid);
        }
        return out;
    }
    let rule = |out: &mut String, parts: [usize; 3], joint: char| {
        let all = parts.map(|n| "-".repeat(n));
        let _ = writeln!(out, "+{}+", all.join(&joint.to_string()));
    };
    let columns = [41, 24, 22];
    let _ = writeln!(out, "{now}");
    rule(&mut out, columns, '-');
    let head = format!("NVIDIA-SMI {driver:<20} Driver Version: {driver:<14} CUDA Version: 13.0");
    let _ = writeln!(out, "| {head:<88}|");
    rule(&mut out, columns, '+');
    let row = |out: &mut String, a: &str, b: &str, c: &str| {
        let _ = writeln!(out, "| {a:<40}| {b:>22} | {c:>20} |");
    };
    row(&mut out, "GPU  Name", "Bus-Id", "");
    row(
        &mut out,
        "Fan  Temp   Perf  Pwr:Usage/Cap",
        "Memory-Usage",
        "GPU-Util",
    );
    out.push_str(&format!(
        "|{}+{}+{}|\n",
        "=".repeat(41),
        "=".repeat(24),
        "=".repeat(22)
    ));
    for (nth, card) in cards.iter().enumerate() {
        row(&mut out, &format!("{nth:>3}  {}", card.name), &card.pci, "");
        row(
            &mut out,
            &format!(
                "N/A {:>4}C    P0    {:>5}W / {:>4}W",
                card.celsius, card.watts, card.most_watts
            ),
            &format!("{}MiB / {}MiB", card.used_mib, card.total_mib),
            &format!("{}%", card.util),
        );
        rule(&mut out, columns, '+');
    }
    let _ = writeln!(out, "\n| Processes:");
    let mut any = false;
    for (nth, card) in cards
        .iter()
        .enumerate()
        .filter(|(_, card)| card.used_mib > 0)
    {
        any = true;
        let _ = writeln!(
            out,
            "| {nth:>3}      1      C   {main:<48} {:>9}MiB",
            card.used_mib
        );
    }
    if !any {
        let _ = writeln!(out, "|  No running processes found");
    }
    out
}

/// What rocm-smi prints.
pub fn amd(cards: &[Card]) -> String {
    let mut out = String::from(
        "======================== ROCm System Management Interface ========================\n",
    );
    let _ = writeln!(
        out,
        "{:<8}{:<26}{:>6}{:>9}{:>8}{:>8}",
        "Device", "Name", "Temp", "Power", "VRAM%", "GPU%"
    );
    for (nth, card) in cards.iter().enumerate() {
        let vram = card.used_mib * 100 / card.total_mib.max(1);
        let _ = writeln!(
            out,
            "{nth:<8}{:<26}{:>5}C{:>8}W{vram:>7}%{:>7}%",
            card.name, card.celsius, card.watts, card.util
        );
    }
    out.push_str(
        "=============================== End of ROCm SMI Log ==============================\n",
    );
    out
}
