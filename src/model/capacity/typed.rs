//! The shape of a pod as somebody types it: `8 gpu 96 cpu 1Ti x2 H100`. Words stand in any order, and the flags of
//! `jobdeck fit` are understood as well.

use super::answer::Question;
use super::ask::Ask;
use crate::model::human::{bytes, cores};
use crate::model::quantity::Quantity;
use crate::model::resources::{is_device, is_extra};
use crate::model::shape::Toleration;

/// What is typed, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Typed {
    pub question: Question,
    /// The cluster queue whose quota is meant.
    pub queue: Option<String>,
}

/// What cannot be read, and where: from, and how many characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub at: usize,
    pub len: usize,
    pub why: String,
}

/// What a word stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Gpus,
    Cpu,
    Memory,
    Disk,
    Pods,
    Nodes,
    Product,
    Queue,
    Tolerate,
    Selector,
}

fn word(text: &str) -> Option<Of> {
    Some(match text.to_lowercase().as_str() {
        "gpu" | "gpus" => Of::Gpus,
        "cpu" | "cpus" | "core" | "cores" => Of::Cpu,
        "memory" | "mem" | "ram" => Of::Memory,
        "disk" | "ephemeral-storage" => Of::Disk,
        "pod" | "pods" => Of::Pods,
        "node" | "nodes" => Of::Nodes,
        "product" | "on" => Of::Product,
        "queue" => Of::Queue,
        "tolerate" => Of::Tolerate,
        "selector" => Of::Selector,
        _ => return None,
    })
}

/// Reads a shape. What cannot be typed (affinity) or is seldom (tolerations, selectors) is taken over from `base`, a
/// workload's own shape.
///
/// # Errors
/// A word that is none of them, a number without one, an amount that is none.
pub fn parse(text: &str, base: Option<&Ask>) -> Result<Typed, Refused> {
    let mut reader = Reader::new(base);
    let tokens = tokens(text);
    let mut at = 0;
    while let Some((start, token)) = tokens.get(at).copied() {
        let next = tokens.get(at + 1).map(|(_, next)| *next);
        let used = reader.take(token, next).map_err(|why| Refused {
            at: start,
            len: token.chars().count(),
            why,
        })?;
        at += 1 + usize::from(used);
    }
    let Reader { mut typed, product } = reader;
    typed.question.ask.product = Some(product.join(" ")).filter(|p| !p.is_empty());
    let ask = &typed.question.ask;
    if ask.total() == 0 && ask.cpu_milli == 0 && ask.memory == 0 && ask.extra.is_empty() {
        return Err(Refused {
            at: 0,
            len: text.chars().count(),
            why: "what one pod asks for is wanted: 8 gpu 96 cpu 1Ti x2 H100".into(),
        });
    }
    Ok(typed)
}

/// Where each begins, in characters.
fn tokens(text: &str) -> Vec<(usize, &str)> {
    let mut out = Vec::new();
    let mut from = 0;
    for piece in text.split(' ') {
        if !piece.is_empty() {
            out.push((from, piece));
        }
        from += piece.chars().count() + 1;
    }
    out
}

struct Reader<'a> {
    typed: Typed,
    product: Vec<&'a str>,
}

impl<'a> Reader<'a> {
    fn new(base: Option<&Ask>) -> Self {
        let ask = match base {
            Some(base) => Ask {
                tolerations: base.tolerations.clone(),
                gpu_taints: base.gpu_taints,
                selector: base.selector.clone(),
                affinity: base.affinity.clone(),
                ..Ask::default()
            },
            None => Ask {
                gpu_taints: true,
                ..Ask::default()
            },
        };
        Self {
            typed: Typed {
                question: Question {
                    ask,
                    pods: 1,
                    apart: false,
                },
                queue: None,
            },
            product: Vec::new(),
        }
    }

    /// Takes a word, with the next one where the two belong together; whether they do.
    fn take(&mut self, token: &'a str, next: Option<&'a str>) -> Result<bool, String> {
        let flag = token.strip_prefix("--");
        let token = flag.unwrap_or(token);
        if let Some((key, value)) = token.split_once([':', '='])
            && let Some(of) = word(key)
        {
            self.set(of, value)?;
            return Ok(false);
        }
        if let Some((key, value)) = token.split_once('=') {
            return self.labelled(key, value).map(|()| false);
        }
        if let Some(of) = word(token) {
            let next = next.ok_or_else(|| format!("{token} of what?"))?;
            return self.set(of, next).map(|()| true);
        }
        if let Some(n) = token.strip_prefix(['x', 'X', '×'])
            && let Ok(n) = n.parse::<u32>()
        {
            let apart = next.and_then(word) == Some(Of::Nodes);
            let pods = next.and_then(word) == Some(Of::Pods);
            self.count(n, apart)?;
            return Ok(apart || pods);
        }
        if token.starts_with(|c: char| c.is_ascii_digit()) {
            return self.amount(token, next);
        }
        if token.contains('/') {
            return self.device(token, "1").map(|()| false);
        }
        self.product.push(token);
        Ok(false)
    }

    /// A number with what it is of: `8 gpu`, `8gpu`, `2 nvidia.com/mig-1g.10gb`; with a unit alone it is memory.
    fn amount(&mut self, token: &'a str, next: Option<&'a str>) -> Result<bool, String> {
        if let Some(of) = next.and_then(word)
            && !matches!(of, Of::Product | Of::Queue | Of::Tolerate | Of::Selector)
        {
            return self.set(of, token).map(|()| true);
        }
        if let Some(name) = next.filter(|next| next.contains('/') && !next.contains('=')) {
            return self.device(name, token).map(|()| true);
        }
        let end = token
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(token.len());
        let (number, unit) = token.split_at(end);
        if let Some(of) = word(unit) {
            return self.set(of, number).map(|()| false);
        }
        match Quantity::parse(token) {
            Some(_) if !matches!(unit, "" | "m" | "n" | "u") => {
                self.set(Of::Memory, token).map(|()| false)
            }
            Some(_) if self.product.is_empty() => {
                Err(format!("{token} of what? {token} gpu, {token} cpu"))
            }
            // of a product: RTX 4090
            _ => {
                self.product.push(token);
                Ok(false)
            }
        }
    }

    fn set(&mut self, of: Of, value: &'a str) -> Result<(), String> {
        let quantity = || {
            Quantity::parse(value).ok_or_else(|| format!("{value:?} is no amount: 96, 500m, 1Ti"))
        };
        let number = || {
            let n = value.parse::<u32>();
            n.map_err(|_| format!("{value:?} is no number"))
        };
        let ask = &mut self.typed.question.ask;
        match of {
            Of::Gpus => ask.gpus = number()?,
            Of::Cpu => ask.cpu_milli = quantity()?.milli(),
            Of::Memory => ask.memory = quantity()?.units(),
            Of::Disk => ask.ephemeral = quantity()?.units(),
            Of::Pods => return self.count(number()?, false),
            Of::Nodes => return self.count(number()?, true),
            Of::Product => self.product.push(value),
            Of::Queue => self.typed.queue = Some(value.to_owned()),
            Of::Tolerate => {
                let (key, of) = value.split_once('=').unwrap_or((value, ""));
                ask.tolerations.push(Toleration {
                    key: key.into(),
                    exists: !value.contains('='),
                    value: of.into(),
                    effect: None,
                });
            }
            Of::Selector => {
                let (key, value) = value.split_once('=').ok_or("KEY=VALUE is wanted")?;
                ask.selector.push((key.into(), value.into()));
            }
        }
        Ok(())
    }

    fn count(&mut self, n: u32, apart: bool) -> Result<(), String> {
        if n == 0 {
            return Err("one pod at least".into());
        }
        (self.typed.question.pods, self.typed.question.apart) = (n, apart);
        Ok(())
    }

    /// `nvidia.com/mig-1g.10gb=2`, or a label of nodes.
    fn labelled(&mut self, key: &str, value: &str) -> Result<(), String> {
        if is_device(key) || is_extra(key) && value.parse::<u32>().is_ok() {
            return self.device(key, value);
        }
        let ask = &mut self.typed.question.ask;
        ask.selector.push((key.into(), value.into()));
        Ok(())
    }

    fn device(&mut self, name: &str, n: &str) -> Result<(), String> {
        let n: u32 = n.parse().map_err(|_| format!("{n:?} is no number"))?;
        let ask = &mut self.typed.question.ask;
        match is_device(name) {
            true => ask.devices.add(name.into(), n),
            false if is_extra(name) => ask.extra.add(name.into(), n),
            false => return Err(format!("{name} is no resource of a pod")),
        }
        Ok(())
    }
}

/// The shape as one would type it; tolerations, selectors and affinity aside.
pub fn show(question: &Question) -> String {
    let ask = &question.ask;
    let mut parts = Vec::new();
    if ask.gpus > 0 {
        parts.push(format!("{} gpu", ask.gpus));
    }
    let named = ask.devices.0.iter().chain(&ask.extra.0);
    parts.extend(named.map(|(name, n)| format!("{n} {name}")));
    if ask.cpu_milli > 0 {
        let exact = Quantity::parse(&cores(ask.cpu_milli)).map(Quantity::milli);
        parts.push(match exact == Some(ask.cpu_milli) {
            true => format!("{} cpu", cores(ask.cpu_milli)),
            false => format!("{}m cpu", ask.cpu_milli),
        });
    }
    for (amount, unit) in [(ask.memory, ""), (ask.ephemeral, " disk")] {
        if amount > 0 {
            let exact = Quantity::parse(&bytes(amount)).map(Quantity::units) == Some(amount);
            // what is rounded for people must not become less
            let mib = amount.div_ceil(1 << 20);
            parts.push(match exact {
                true => format!("{}{unit}", bytes(amount)),
                false => format!("{mib}Mi{unit}"),
            });
        }
    }
    if question.pods > 1 || question.apart {
        let apart = if question.apart { " nodes" } else { "" };
        parts.push(format!("x{}{apart}", question.pods));
    }
    parts.extend(ask.product.clone());
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("8 gpu 96 cpu 1Ti x2 H100", "8 GPUs, 96 cpu, 1Ti, on H100", 2, false)]
    #[case("8gpu 500m cpu", "8 GPUs, 500m cpu", 1, false)]
    #[case("h100 64Gi 1 gpus", "1 GPU, 64Gi, on h100", 1, false)]
    #[case(
        "--gpu 8 --cpu 96 --memory 1Ti --nodes 2 --product H100",
        "8 GPUs, 96 cpu, 1Ti, on H100",
        2,
        true
    )]
    #[case("gpu=4 pods=16 queue:team-a", "4 GPUs", 16, false)]
    #[case("4 gpu 3 nodes", "4 GPUs", 3, true)]
    #[case("4 gpu x3 nodes", "4 GPUs", 3, true)]
    #[case("2 nvidia.com/mig-1g.10gb", "2 nvidia.com/mig-1g.10gb", 1, false)]
    #[case(
        "nvidia.com/mig-1g.10gb=2 rdma/hca=1",
        "2 nvidia.com/mig-1g.10gb, 1 rdma/hca",
        1,
        false
    )]
    #[case("nvidia.com/gpu", "1 nvidia.com/gpu", 1, false)]
    #[case("1 gpu RTX 4090", "1 GPU, on RTX 4090", 1, false)]
    #[case("1 gpu zone=eu-1 tolerate:team=a", "1 GPU", 1, false)]
    fn shapes(#[case] text: &str, #[case] words: &str, #[case] pods: u32, #[case] apart: bool) {
        let typed = parse(text, None).unwrap();
        let of = &typed.question;
        assert_eq!(
            (of.ask.words().as_str(), of.pods, of.apart),
            (words, pods, apart)
        );
    }

    #[rstest]
    #[case("", 0, 0, "what one pod asks for")]
    #[case("H100", 0, 4, "what one pod asks for")]
    #[case("8", 0, 1, "8 of what?")]
    #[case("8 gpu 96", 6, 2, "96 of what?")]
    #[case("8 gpu cpu", 6, 3, "cpu of what?")]
    #[case("x cpu gpu", 2, 3, "\"gpu\" is no amount")]
    #[case("1 gpu x0", 6, 2, "one pod at least")]
    #[case(
        "1 gpu foo.kubernetes.io/x=1 2 a.kubernetes.io/y",
        28,
        1,
        "is no resource"
    )]
    fn refused(#[case] text: &str, #[case] at: usize, #[case] len: usize, #[case] why: &str) {
        let refused = parse(text, None).unwrap_err();
        assert!(refused.why.contains(why), "{refused:?}");
        assert_eq!((refused.at, refused.len), (at, len), "{refused:?}");
    }

    #[test]
    fn what_is_not_typed_stays_the_workloads() {
        let base = Ask {
            gpus: 8,
            selector: vec![("pool".into(), "a".into())],
            ..Ask::default()
        };
        let typed = parse("2 gpu", Some(&base)).unwrap();
        let ask = typed.question.ask;
        assert_eq!(
            (ask.gpus, ask.gpu_taints, ask.selector),
            (2, false, base.selector)
        );
    }

    proptest! {
        /// What is shown is read as what it was, but for memory that is no whole number of MiB: that is not made less.
        #[test]
        fn what_is_shown_is_read_again(
            gpus in 0u32..9, slices in 0u32..4, cpu in 0u64..300_000, memory in 0u64..(1 << 42), disk in 0u64..(1 << 42),
            pods in 1u32..40, apart: bool, product in "(|H100|RTX 4090)",
        ) {
            let mut ask = Ask { gpus, cpu_milli: cpu, memory, ephemeral: disk, gpu_taints: true, ..Ask::default() };
            ask.devices.add("nvidia.com/mig-1g.10gb".into(), slices);
            ask.devices.0.retain(|(_, n)| *n > 0);
            prop_assume!(gpus + slices > 0);
            ask.product = Some(product).filter(|p| !p.is_empty());
            let question = Question { ask, pods, apart };
            let read = parse(&show(&question), None).unwrap().question;
            prop_assert!(read.ask.memory >= memory && read.ask.memory - memory < 1 << 20);
            prop_assert!(read.ask.ephemeral >= disk && read.ask.ephemeral - disk < 1 << 20);
            let exact = Ask { memory, ephemeral: disk, ..read.ask.clone() };
            prop_assert_eq!(Question { ask: exact, ..read }, question);
        }

        #[test]
        fn nothing_panics(text in "\\PC{0,60}") {
            if let Err(refused) = parse(&text, None) {
                prop_assert!(refused.at + refused.len <= text.chars().count());
            }
        }
    }
}
