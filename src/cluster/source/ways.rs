//! What every watch task needs beside its watch: escaped queries, a little chance, and a guard against panics.

use std::future::Future;
use std::hash::{BuildHasher, Hasher};

/// Percent-encodes a query value.
pub fn escape(value: &str, into: &mut String) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(byte as char);
        } else {
            into.push_str(&format!("%{byte:02X}"));
        }
    }
}

/// 0..1; good enough to spread clients in time.
pub fn random() -> f64 {
    let bits = std::collections::hash_map::RandomState::new()
        .build_hasher()
        .finish();
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

/// Runs a task so that a panic in it becomes an answer instead of silence.
pub async fn guarded<T: Send + 'static>(
    task: impl Future<Output = T> + Send + 'static,
) -> Result<T, String> {
    /// Aborts with the waiter.
    struct Guard<T>(tokio::task::JoinHandle<T>);
    impl<T> Drop for Guard<T> {
        fn drop(&mut self) {
            self.0.abort();
        }
    }
    let mut guard = Guard(tokio::spawn(task));
    (&mut guard.0).await.map_err(|e| e.to_string())
}
