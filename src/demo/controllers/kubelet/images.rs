//! Pulling images: which can be pulled at all, what the runtime says if not, and how long it takes.

use std::time::Duration;

/// Registries the demo's nodes can reach.
const REACHABLE: &[&str] = &[
    "docker.io",
    "index.docker.io",
    "registry-1.docker.io",
    "quay.io",
    "ghcr.io",
    "gcr.io",
    "registry.k8s.io",
    "nvcr.io",
    "mcr.microsoft.com",
    "public.ecr.aws",
    "registry.gitlab.com",
    "registry.access.redhat.com",
    "docker.elastic.co",
    "jobdeck.dev",
];
const REACHABLE_DOMAINS: &[&str] = &[".gcr.io", ".pkg.dev", ".amazonaws.com", ".azurecr.io"];
/// Tags that exist in the demo's own registry.
const OWN_TAGS: &[&str] = &["1", "1.4", "2", "latest"];

/// Why an image will not come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpullable {
    /// `ErrImagePull` or `InvalidImageName`.
    pub reason: &'static str,
    pub message: String,
}

/// Registry host and the rest of an image reference.
fn split(image: &str) -> (&str, &str) {
    match image.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => (host, rest),
        _ => ("docker.io", image),
    }
}

/// The reference as the runtime resolves it.
fn full(image: &str) -> String {
    let (host, rest) = split(image);
    let rest = if host == "docker.io" && !rest.contains('/') {
        format!("library/{rest}")
    } else {
        rest.to_owned()
    };
    let tagged = rest.contains('@') || rest.rsplit('/').next().is_some_and(|r| r.contains(':'));
    format!("{host}/{rest}{}", if tagged { "" } else { ":latest" })
}

/// Can the image be pulled?
pub fn check(image: &str) -> Result<(), Unpullable> {
    let (host, rest) = split(image);
    let name = rest.split(['@', ':']).next().unwrap_or_default();
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-/".contains(c);
    if image.is_empty() || name.is_empty() || !name.chars().all(legal) {
        let why = "invalid reference format";
        return Err(Unpullable {
            reason: "InvalidImageName",
            message: format!(
                "Failed to apply default image tag \"{image}\": couldn't parse image name \"{image}\": {why}"
            ),
        });
    }
    let full = full(image);
    let fail = |why: String| {
        Err(Unpullable {
            reason: "ErrImagePull",
            message: format!(
                "failed to pull and unpack image \"{full}\": failed to resolve reference \"{full}\": {why}"
            ),
        })
    };
    let domain = host.split(':').next().unwrap_or(host);
    let known =
        REACHABLE.contains(&domain) || REACHABLE_DOMAINS.iter().any(|d| domain.ends_with(d));
    if !known {
        return fail(format!(
            "failed to do request: Head \"https://{host}/v2/{name}/manifests/{}\": dial tcp: lookup {domain}: no such host",
            tag(&full)
        ));
    }
    if host == "jobdeck.dev" && !OWN_TAGS.contains(&tag(&full)) {
        return fail(format!("{full}: not found"));
    }
    Ok(())
}

fn tag(full: &str) -> &str {
    full.rsplit_once(':').map_or("latest", |(_, tag)| tag)
}

/// Bytes of the image: large for frameworks, small for tools.
pub fn size(image: &str, hash: u64) -> u64 {
    let big = [
        "pytorch",
        "train",
        "cuda",
        "vllm",
        "tensorflow",
        "jax",
        "triton",
        "nemo",
        "rocm",
    ];
    let middle = ["python", "perl", "jupyter", "spark", "eval", "prep", "ray"];
    let (base, spread) = if big.iter().any(|w| image.contains(w)) {
        (6_400_000_000, 3_200_000_000)
    } else if middle.iter().any(|w| image.contains(w)) {
        (360_000_000, 120_000_000)
    } else {
        (2_100_000, 6_000_000)
    };
    base + hash % spread
}

/// How long a pull takes: the layers' way to the node, or only a look at the manifest if they are there.
pub fn duration(bytes: u64, cached: bool, hash: u64) -> Duration {
    let check = 350 + hash % 600;
    let transfer = if cached { 0 } else { bytes / 400_000 };
    Duration::from_millis(check + transfer)
}

/// The resolved digest.
pub fn id(image: &str, hash: u64) -> String {
    let (host, rest) = split(image);
    let name = rest.split(['@', ':']).next().unwrap_or_default();
    let library = if host == "docker.io" && !name.contains('/') {
        "library/"
    } else {
        ""
    };
    let digest: String = (0..4)
        .map(|i| format!("{:016x}", mix(hash ^ (i + 1))))
        .collect();
    format!("{host}/{library}{name}@sha256:{digest}")
}

/// Spreads bits (the finisher of splitmix64).
pub fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A stable hash of a text (FNV-1a, mixed).
pub fn hash(text: &str) -> u64 {
    let step = |h: u64, b: u8| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
    mix(text.bytes().fold(0xcbf2_9ce4_8422_2325, step))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("busybox:1.36", true)]
    #[case("docker.io/library/python:3", true)]
    #[case("nvcr.io/nvidia/pytorch:25.08-py3", true)]
    #[case("jobdeck.dev/demo/train:1", true)]
    #[case("jobdeck.dev/demo/train:v2.O", false)]
    #[case("registry.invalid/x:1", false)]
    #[case("localhost:5000/x", false)]
    #[case("Busybox", false)]
    fn what_can_be_pulled(#[case] image: &str, #[case] pullable: bool) {
        assert_eq!(check(image).is_ok(), pullable);
    }

    #[test]
    fn references_are_completed_as_the_runtime_does() {
        assert_eq!(full("x"), "docker.io/library/x:latest");
        assert_eq!(full("a/b:2"), "docker.io/a/b:2");
        assert_eq!(full("registry.invalid/a"), "registry.invalid/a:latest");
    }
}
