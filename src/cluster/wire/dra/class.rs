//! DeviceClass: what claims ask for by name, and which plain resource it serves.

use serde::Deserialize;

use super::super::meta::{Meta, named};
use super::super::{Wire, lax};
use crate::model::delta::{Change, Rows};
use crate::model::dra::{ClassRow, DraRows};
use crate::model::ids::{ClusterId, Names};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Class {
    #[serde(deserialize_with = "lax::object")]
    metadata: Meta,
    #[serde(deserialize_with = "lax::object")]
    spec: Spec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    #[serde(deserialize_with = "lax::text")]
    extended_resource_name: String,
    #[serde(deserialize_with = "lax::list")]
    selectors: Vec<Selector>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Selector {
    #[serde(deserialize_with = "lax::object")]
    cel: Cel,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Cel {
    #[serde(deserialize_with = "lax::text")]
    expression: String,
}

/// The driver of `device.driver == 'gpu.nvidia.com'`, wherever it stands in an expression.
fn driver(expression: &str) -> Option<&str> {
    let (_, rest) = expression.split_once("device.driver")?;
    let rest = rest.trim_start().strip_prefix("==")?.trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let (name, _) = rest[1..].split_once(quote)?;
    (!name.is_empty()).then_some(name)
}

impl Wire for Class {
    type Row = ClassRow;

    fn meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, cluster: ClusterId, names: &mut Names) -> ClassRow {
        let mut selectors = self.spec.selectors.iter();
        let driver = selectors.find_map(|s| driver(&s.cel.expression));
        ClassRow {
            key: self.metadata.key(cluster),
            name: names.get(&self.metadata.name),
            extended: named(names, &self.spec.extended_resource_name),
            driver: driver.map(|name| names.get(name)),
        }
    }

    fn rows(change: Change<ClassRow>) -> Rows {
        Rows::Dra(DraRows::Classes(change))
    }
}

#[cfg(test)]
mod tests {
    use super::driver;

    #[test]
    fn the_driver_is_read_from_the_expression() {
        let of = |text| driver(text);
        assert_eq!(
            of(
                "device.driver == 'gpu.nvidia.com' && device.attributes['gpu.nvidia.com'].type == 'gpu'"
            ),
            Some("gpu.nvidia.com")
        );
        assert_eq!(of(r#"device.driver=="x.y""#), Some("x.y"));
        assert_eq!(of("device.driver != 'x'"), None);
        assert_eq!(of("device.driver == ''"), None);
        assert_eq!(of("true"), None);
    }
}
