//! Content negotiation: in which form a client wants its answer.

use serde_json::Value;

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Json,
    Yaml,
    /// `as=Table`
    Table,
    /// `as=PartialObjectMetadata` or `…List`
    Metadata,
    /// `as=APIGroupDiscoveryList`, version `v2` (or `v2beta1`).
    Discovery(&'static str),
}

/// The first form of an `Accept` header that can be served; `None` is 406.
pub fn negotiate(header: Option<&str>) -> Option<Form> {
    let header = header.filter(|h| !h.trim().is_empty()).unwrap_or("*/*");
    header.split(',').find_map(|clause| {
        let mut parts = clause.split(';').map(str::trim);
        let media = parts.next()?;
        let param = |name: &str| {
            clause
                .split(';')
                .map(str::trim)
                .find_map(|p| p.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')))
        };
        let yaml = match media {
            "application/json" | "*/*" | "application/*" => false,
            "application/yaml" => true,
            _ => return None,
        };
        match (param("as"), param("g"), param("v")) {
            (None, ..) if yaml => Some(Form::Yaml),
            (None, ..) => Some(Form::Json),
            (Some("Table"), Some("meta.k8s.io"), Some("v1" | "v1beta1")) => Some(Form::Table),
            (
                Some("PartialObjectMetadata" | "PartialObjectMetadataList"),
                Some("meta.k8s.io"),
                Some("v1" | "v1beta1"),
            ) => Some(Form::Metadata),
            (Some("APIGroupDiscoveryList"), Some("apidiscovery.k8s.io"), Some("v2")) => {
                Some(Form::Discovery("v2"))
            }
            (Some("APIGroupDiscoveryList"), Some("apidiscovery.k8s.io"), Some("v2beta1")) => {
                Some(Form::Discovery("v2beta1"))
            }
            _ => None,
        }
    })
}

/// An object reduced to its metadata.
pub fn metadata_only(object: &Value) -> Value {
    serde_json::json!({
        "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_form_that_can_be_served_wins() {
        let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
        assert_eq!(negotiate(Some(table)), Some(Form::Table));
        assert_eq!(negotiate(None), Some(Form::Json));
        assert_eq!(
            negotiate(Some("application/vnd.kubernetes.protobuf,application/json")),
            Some(Form::Json)
        );
        assert_eq!(negotiate(Some("application/vnd.kubernetes.protobuf")), None);
        let groups = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
        assert_eq!(negotiate(Some(groups)), Some(Form::Discovery("v2")));
    }
}
