//! What of a pod decides how to go on with its log: is it still the same, can this container still write,
//! and which container is meant when none was named.

use serde::Deserialize;

use super::failure::Failure;
use super::http::{Ask, Http};
use super::wire::lax;
use crate::model::ids::Uid;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PodState {
    #[serde(deserialize_with = "lax::object")]
    metadata: Metadata,
    #[serde(deserialize_with = "lax::object")]
    spec: Spec,
    #[serde(deserialize_with = "lax::object")]
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata {
    #[serde(deserialize_with = "lax::text")]
    uid: String,
    #[serde(deserialize_with = "lax::object")]
    annotations: Annotations,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Annotations {
    #[serde(
        rename = "kubectl.kubernetes.io/default-container",
        deserialize_with = "lax::text"
    )]
    default_container: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    #[serde(deserialize_with = "lax::text")]
    restart_policy: String,
    #[serde(deserialize_with = "lax::list")]
    containers: Vec<Container>,
    #[serde(deserialize_with = "lax::list")]
    init_containers: Vec<Container>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Container {
    #[serde(deserialize_with = "lax::text")]
    name: String,
    #[serde(deserialize_with = "lax::text")]
    restart_policy: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    #[serde(deserialize_with = "lax::text")]
    phase: String,
    #[serde(deserialize_with = "lax::list")]
    container_statuses: Vec<ContainerStatus>,
    #[serde(deserialize_with = "lax::list")]
    init_container_statuses: Vec<ContainerStatus>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ContainerStatus {
    #[serde(deserialize_with = "lax::text")]
    name: String,
    #[serde(deserialize_with = "lax::object")]
    state: State,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct State {
    #[serde(deserialize_with = "lax::maybe_object")]
    terminated: Option<Terminated>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Terminated {
    #[serde(deserialize_with = "lax::maybe_int")]
    exit_code: Option<i32>,
}

impl PodState {
    pub async fn get(http: &Http, namespace: &str, pod: &str) -> Result<Self, Failure> {
        http.json(&Ask::get(format!(
            "/api/v1/namespaces/{namespace}/pods/{pod}"
        )))
        .await
    }

    pub fn uid(&self) -> Uid {
        Uid::parse(&self.metadata.uid)
    }

    /// The container meant when none is named, as kubectl chooses it, and all there are.
    pub fn default_container(&self) -> Option<(&str, Vec<&str>)> {
        let names: Vec<&str> = self.spec.containers.iter().map(|c| &*c.name).collect();
        let named = self.metadata.annotations.default_container.as_str();
        let chosen = match names.iter().find(|n| **n == named) {
            Some(name) => *name,
            None => *names.first()?,
        };
        Some((chosen, names))
    }

    /// Why the container will never write again, if so.
    pub fn over(&self, container: Option<&str>) -> Option<String> {
        let phase = self.status.phase.as_str();
        if matches!(phase, "Succeeded" | "Failed") {
            return Some(format!("the pod has {}", phase.to_lowercase()));
        }
        let named = |status: &&ContainerStatus| Some(&*status.name) == container;
        let code = |status: &ContainerStatus| status.state.terminated.as_ref()?.exit_code;
        let init = self.status.init_container_statuses.iter().find(named);
        if let Some(code) = init.and_then(code) {
            let sidecar = self
                .spec
                .init_containers
                .iter()
                .any(|c| Some(&*c.name) == container && c.restart_policy == "Always");
            return (code == 0 && !sidecar).then(|| "the init container has finished".into());
        }
        let main = self.status.container_statuses.iter().find(named);
        let code = main.and_then(code)?;
        let last = match self.spec.restart_policy.as_str() {
            "Never" => true,
            "OnFailure" => code == 0,
            _ => false,
        };
        last.then(|| format!("the container has ended with exit code {code}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(
        "Never",
        "a",
        r#"{"terminated":{"exitCode":3}}"#,
        Some("the container has ended with exit code 3")
    )]
    #[case("OnFailure", "a", r#"{"terminated":{"exitCode":3}}"#, None)]
    #[case(
        "OnFailure",
        "a",
        r#"{"terminated":{"exitCode":0}}"#,
        Some("the container has ended with exit code 0")
    )]
    #[case("Always", "a", r#"{"terminated":{"exitCode":0}}"#, None)]
    #[case("Never", "a", r#"{"running":{}}"#, None)]
    #[case(
        "Always",
        "i",
        r#"{"running":{}}"#,
        Some("the init container has finished")
    )]
    fn when_it_is_over(
        #[case] policy: &str,
        #[case] container: &str,
        #[case] state: &str,
        #[case] expected: Option<&str>,
    ) {
        let json = format!(
            r#"{{"spec":{{"restartPolicy":"{policy}","containers":[{{"name":"a"}},{{"name":"b"}}]}},
            "status":{{"phase":"Running","containerStatuses":[{{"name":"a","state":{state}}}],
            "initContainerStatuses":[{{"name":"i","state":{{"terminated":{{"exitCode":0}}}}}}]}}}}"#
        );
        let pod: PodState = serde_json::from_str(&json).unwrap();
        assert_eq!(pod.over(Some(container)).as_deref(), expected);
        assert_eq!(pod.default_container(), Some(("a", vec!["a", "b"])));
    }
}
