//! THE LIST of the kinds of dynamic resource allocation, one line each and one file each. v1, v1beta2 and v1beta1 give
//! the same rows.

pub mod claim;
pub mod class;
pub mod slice;
#[cfg(test)]
mod tests;

use crate::cluster::kinds::Entry;
use crate::model::dra::DraKind;
use crate::model::quantity::Quantity;
use crate::model::want::Kind;

macro_rules! kinds {
    ($($kind:ident $wire:ty;)*) => {
        /// All of them.
        pub static DRA: &[Entry] = &[$(Entry {
            kind: Kind::Dra(DraKind::$kind),
            group: "resource.k8s.io",
            versions: &["v1", "v1beta2", "v1beta1"],
            namespaced: DraKind::$kind.namespaced(),
            batch: Some(super::batch::<$wire>),
        },)*];

        #[cfg(test)]
        pub(super) fn check_all(value: &serde_json::Value) {
            $(super::tests::check::<$wire>(value);)*
        }
    };
}

kinds! {
    ResourceSlice slice::Slice;
    ResourceClaim claim::Claim;
    DeviceClass   class::Class;
}

/// A quantity in thousandths, so that fractions of a counter add up exactly; what is none counts nothing.
fn thousandths(quantity: &str) -> u64 {
    Quantity::parse(quantity).unwrap_or_default().milli()
}
