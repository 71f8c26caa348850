//! What a pod asks for and which nodes it accepts. Most pods of a cluster have one of a few shapes, so rows share them.

use super::ids::Name;
use super::labels::LabelSet;
use super::resources::Devices;

/// The asks of a pod, effective over its containers (gpu reference, section 4). Equal ones are one allocation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Shape {
    /// GPUs and other accelerators by resource name.
    pub devices: Devices,
    /// Any other extended resource: network adapters, FPGAs, hugepages.
    pub extra: Devices,
    /// Millicores and bytes.
    pub cpu_milli: u64,
    pub memory: u64,
    /// Bytes of local disk.
    pub ephemeral: u64,
    /// How many resource claims the pod names (DRA).
    pub claims: u16,
    /// Resources of `devices` that a claim serves instead of a device plugin (`status.extendedResourceClaimStatus`):
    /// the claim's devices are counted, not these.
    pub by_claim: Box<[Name]>,
    pub tolerations: Box<[Toleration]>,
    /// `nodeSelector`.
    pub selector: Box<[(Name, Name)]>,
    /// Required node affinity: one of these terms must hold, each of them whole; none: any node.
    pub affinity: Box<[Box<[Requirement]>]>,
}

impl Shape {
    /// One that asks for devices and nothing else.
    pub fn of(devices: Devices) -> Self {
        Self {
            devices,
            ..Self::default()
        }
    }

    /// Devices of a plugin: those a claim serves are the claim's to count.
    pub fn plugged(&self) -> impl Iterator<Item = &(Name, u32)> {
        let own = |name: &Name| !self.by_claim.contains(name);
        self.devices.0.iter().filter(move |(name, _)| own(name))
    }

    /// Whether a taint keeps the pod away.
    pub fn tolerates(&self, taint: &Taint) -> bool {
        tolerates(&self.tolerations, taint)
    }

    /// Whether labels of a node satisfy its node selector and its required affinity.
    pub fn accepts(&self, labels: &LabelSet) -> bool {
        self.selector.iter().all(|(k, v)| labels.has(k, v))
            && (self.affinity.is_empty()
                || self
                    .affinity
                    .iter()
                    .any(|term| term.iter().all(|r| r.holds(labels))))
    }
}

/// What one pod of a template asks for beside devices: known before there is a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Beside {
    pub cpu_milli: u64,
    /// Bytes.
    pub memory: u64,
}

/// Whether one of the tolerations covers a taint.
pub fn tolerates(tolerations: &[Toleration], taint: &Taint) -> bool {
    tolerations.iter().any(|t| t.covers(taint))
}

/// `effect` of a taint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Effect {
    NoSchedule,
    PreferNoSchedule,
    NoExecute,
}

impl Effect {
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "NoSchedule" => Self::NoSchedule,
            "PreferNoSchedule" => Self::PreferNoSchedule,
            "NoExecute" => Self::NoExecute,
            _ => return None,
        })
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::NoSchedule => "NoSchedule",
            Self::PreferNoSchedule => "PreferNoSchedule",
            Self::NoExecute => "NoExecute",
        }
    }
}

/// A taint of a node or a device.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Taint {
    pub key: Name,
    /// Empty where there is none.
    pub value: Name,
    pub effect: Effect,
}

impl Taint {
    /// Reads kubectl's form, `key=value:Effect` or `key:Effect`.
    pub fn parse(text: &str) -> Option<Self> {
        let (what, effect) = text.rsplit_once(':')?;
        let (key, value) = what.split_once('=').unwrap_or((what, ""));
        Some(Self {
            key: key.into(),
            value: value.into(),
            effect: Effect::parse(effect)?,
        })
    }

    /// New pods stay away.
    pub fn repels(&self) -> bool {
        self.effect != Effect::PreferNoSchedule
    }
}

impl std::fmt::Display for Taint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let eq = if self.value.is_empty() { "" } else { "=" };
        write!(f, "{}{eq}{}:{}", self.key, self.value, self.effect.word())
    }
}

/// A toleration of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Toleration {
    /// Empty (with `exists`): every key.
    pub key: Name,
    /// `operator: Exists`: whatever the value.
    pub exists: bool,
    pub value: Name,
    /// None: every effect.
    pub effect: Option<Effect>,
}

impl Toleration {
    /// As the scheduler compares (core/v1 `ToleratesTaint`).
    pub fn covers(&self, taint: &Taint) -> bool {
        if self.effect.is_some_and(|effect| effect != taint.effect) {
            return false;
        }
        if self.key.is_empty() {
            return self.exists;
        }
        self.key == taint.key && (self.exists || self.value == taint.value)
    }
}

/// One `matchExpressions` entry of a node selector term.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Requirement {
    pub key: Name,
    pub op: Op,
    pub values: Box<[Name]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Op {
    In,
    NotIn,
    Exists,
    DoesNotExist,
    /// `Gt`, `Lt`, and what later versions bring: taken to hold.
    Other,
}

impl Requirement {
    fn holds(&self, labels: &LabelSet) -> bool {
        let one_of = || self.values.iter().any(|v| labels.has(&self.key, v));
        match self.op {
            Op::In => one_of(),
            Op::NotIn => !one_of(),
            Op::Exists => labels.has_key(&self.key),
            Op::DoesNotExist => !labels.has_key(&self.key),
            Op::Other => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("nvidia.com/gpu", true, "", None, true)]
    #[case("nvidia.com/gpu", false, "present", None, true)]
    #[case("nvidia.com/gpu", false, "yes", None, false)]
    #[case("nvidia.com/gpu", true, "", Some(Effect::NoExecute), false)]
    #[case("", true, "", Some(Effect::NoSchedule), true)]
    #[case("", false, "", None, false)]
    #[case("other", true, "", None, false)]
    fn tolerations_cover_as_the_scheduler_says(
        #[case] key: &str,
        #[case] exists: bool,
        #[case] value: &str,
        #[case] effect: Option<Effect>,
        #[case] want: bool,
    ) {
        let taint = Taint::parse("nvidia.com/gpu=present:NoSchedule").unwrap();
        let toleration = Toleration {
            key: key.into(),
            exists,
            value: value.into(),
            effect,
        };
        assert_eq!(toleration.covers(&taint), want);
    }

    #[test]
    fn taints_read_and_print_as_kubectl_has_them() {
        for text in ["a=b:NoSchedule", "node.kubernetes.io/not-ready:NoExecute"] {
            assert_eq!(Taint::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Taint::parse("a=b"), None);
        assert_eq!(Taint::parse("a:Never"), None);
    }

    #[test]
    fn selector_and_affinity_decide_about_labels() {
        let labels = LabelSet::new([("zone", "a"), ("gpu", "h100")]);
        let need = |key: &str, op, values: &[&str]| Requirement {
            key: key.into(),
            op,
            values: values.iter().map(|v| (*v).into()).collect(),
        };
        let of = |terms: Vec<Vec<Requirement>>| Shape {
            affinity: terms.into_iter().map(Into::into).collect(),
            ..Shape::default()
        };
        assert!(of(vec![]).accepts(&labels));
        assert!(
            of(vec![vec![
                need("zone", Op::In, &["b", "a"]),
                need("gpu", Op::Exists, &[])
            ]])
            .accepts(&labels)
        );
        assert!(!of(vec![vec![need("zone", Op::In, &["b"])]]).accepts(&labels));
        assert!(!of(vec![vec![need("gpu", Op::DoesNotExist, &[])]]).accepts(&labels));
        let either = vec![
            vec![need("zone", Op::NotIn, &["a"])],
            vec![need("x", Op::DoesNotExist, &[])],
        ];
        assert!(of(either).accepts(&labels));
        let selects = Shape {
            selector: [("zone".into(), "b".into())].into(),
            ..Shape::default()
        };
        assert!(!selects.accepts(&labels));
    }
}
