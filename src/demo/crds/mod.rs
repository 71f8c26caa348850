//! The definitions of the batch and ML kinds that a demo cluster comes with: their names, versions,
//! subresources and columns are those of the projects, their schemas the fields that people set and read.

mod jobset;
mod kubeflow;
mod kueue;
mod lws;
mod ray;
mod schema;
mod trainer;

use serde_json::{Value, json};

use super::api::write::{Cluster, Random, Writer};

/// All definitions.
pub fn all() -> Vec<Value> {
    let mut all = kubeflow::all();
    all.extend(trainer::all());
    all.push(jobset::jobset());
    all.extend(ray::all());
    all.push(lws::leader_worker_set());
    all.extend(kueue::all());
    all
}

/// Installs what is not there yet.
pub fn install(cluster: &mut Cluster) {
    let Some(kind) = cluster
        .store
        .kind_id("apiextensions.k8s.io", "customresourcedefinitions")
    else {
        return;
    };
    // A scene's own names and UIDs do not depend on what is installed beside it.
    let random = std::mem::replace(&mut cluster.random, Random::new(0x00c2_d5ee_d000_0001));
    let by = Writer::new("helm");
    for definition in all() {
        let name = definition["metadata"]["name"].clone();
        let there = name.as_str().and_then(|n| cluster.store.get(kind, "", n));
        if there.is_some() {
            continue;
        }
        if let Err(why) = cluster.create(kind, "", definition, &by) {
            tracing::error!(%name, reason = why.message, "a definition was refused");
        }
    }
    let runtimes = cluster
        .store
        .kind_id("trainer.kubeflow.org", "clustertrainingruntimes");
    if let Some(kind) = runtimes
        && cluster.store.get(kind, "", "torch-distributed").is_none()
    {
        // Its chart installs it with the definition.
        let made = cluster.create(kind, "", trainer::torch_distributed(), &by);
        if let Err(why) = made {
            tracing::error!(reason = why.message, "the torch runtime was refused");
        }
    }
    cluster.random = random;
}

/// What tells one definition from another, beside its schema.
struct Definition {
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    /// Where it is not the kind with an `s`.
    plural: &'static str,
    short: &'static [&'static str],
    categories: &'static [&'static str],
    cluster: bool,
    /// `name|type|path`, after `!` those of `-o wide`.
    columns: &'static [&'static str],
    status: bool,
    /// Paths of the wanted and the present replicas, and of the selector.
    scale: Option<(String, String, String)>,
}

impl Default for Definition {
    fn default() -> Self {
        Self {
            group: "",
            version: "v1",
            kind: "",
            plural: "",
            short: &[],
            categories: &[],
            cluster: false,
            columns: &[],
            status: true,
            scale: None,
        }
    }
}

impl Definition {
    /// The whole object; `schema` holds `spec` and `status`.
    fn build(&self, description: &str, properties: Value) -> Value {
        let singular = self.kind.to_lowercase();
        let plural = match self.plural {
            "" => format!("{singular}s"),
            plural => plural.to_owned(),
        };
        let mut schema = schema::object(properties);
        schema["description"] = json!(description);
        for (field, text) in [
            ("spec", "What is wanted."),
            ("status", "What was last seen."),
        ] {
            if schema["properties"][field].is_object() {
                schema["properties"][field]["description"] = json!(text);
            }
        }
        let mut version = json!({
            "name": self.version, "served": true, "storage": true,
            "schema": {"openAPIV3Schema": schema},
        });
        if !self.columns.is_empty() {
            let columns = self.columns.iter().filter_map(|line| column(line));
            version["additionalPrinterColumns"] = columns.collect();
        }
        if self.status {
            version["subresources"] = json!({"status": {}});
        }
        if let Some((spec, status, selector)) = &self.scale {
            version["subresources"]["scale"] = json!({
                "specReplicasPath": spec, "statusReplicasPath": status, "labelSelectorPath": selector,
            });
        }
        let mut names = json!({
            "plural": plural, "singular": singular, "kind": self.kind,
            "listKind": format!("{}List", self.kind),
        });
        if !self.short.is_empty() {
            names["shortNames"] = json!(self.short);
        }
        if !self.categories.is_empty() {
            names["categories"] = json!(self.categories);
        }
        json!({
            "metadata": {"name": format!("{plural}.{}", self.group)},
            "spec": {
                "group": self.group, "names": names, "versions": [version],
                "scope": if self.cluster { "Cluster" } else { "Namespaced" },
            },
        })
    }
}

fn column(line: &str) -> Option<Value> {
    let (line, wide) = match line.strip_prefix('!') {
        Some(line) => (line, true),
        None => (line, false),
    };
    let mut parts = line.splitn(3, '|');
    let (name, kind, path) = (parts.next()?, parts.next()?, parts.next()?);
    let mut column = json!({"name": name, "type": kind, "jsonPath": path});
    if wide {
        column["priority"] = json!(1);
    }
    Some(column)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    fn cluster() -> Cluster {
        let mut cluster = Cluster::new(Clock::stepped(chrono::DateTime::UNIX_EPOCH, 1.0), 1);
        install(&mut cluster);
        cluster
    }

    #[test]
    fn every_definition_is_accepted_and_served() {
        let cluster = cluster();
        for definition in all() {
            let spec = &definition["spec"];
            let (group, plural) = (&spec["group"], &spec["names"]["plural"]);
            let id = cluster
                .store
                .kind_id(group.as_str().unwrap(), plural.as_str().unwrap());
            let kind = cluster.store.kind(id.expect("served"));
            assert!(kind.custom, "{plural}");
            assert_eq!(kind.namespaced, spec["scope"] == "Namespaced");
        }
        assert_eq!(all().len(), 25);
    }

    #[test]
    fn what_people_write_is_kept_and_defaulted() {
        let mut cluster = cluster();
        let by = Writer::new("me");
        let namespaces = cluster.store.kind_id("", "namespaces").unwrap();
        let ml = json!({"metadata": {"name": "ml"}});
        cluster.create(namespaces, "", ml, &by).unwrap();
        let mut make = |group: &str, plural: &str, spec: Value| {
            let kind = cluster.store.kind_id(group, plural).unwrap();
            let value = json!({"metadata": {"name": "a"}, "spec": spec});
            let made = cluster.create(kind, "ml", value, &by);
            made.map(|o| o.value()["spec"].clone())
                .map_err(|r| r.message)
        };
        let template = json!({"spec": {"containers": [{"name": "pytorch", "image": "pytorch:2", "resources": {"limits": {"nvidia.com/gpu": 1}}}]}});
        let spec = json!({
            "nprocPerNode": "2", "runPolicy": {"cleanPodPolicy": "None"},
            "pytorchReplicaSpecs": {
                "Master": {"replicas": 1, "restartPolicy": "OnFailure", "template": template},
                "Worker": {"replicas": 3, "restartPolicy": "OnFailure", "template": template},
            },
        });
        let made = make("kubeflow.org", "pytorchjobs", spec.clone()).unwrap();
        assert_eq!(made["pytorchReplicaSpecs"], spec["pytorchReplicaSpecs"]);
        assert_eq!(
            made["runPolicy"],
            json!({"cleanPodPolicy": "None", "suspend": false})
        );
        // The layout of the operator before training-operator: its key is unknown now.
        let old = json!({"cleanPodPolicy": "None", "pytorchReplicaSpecs": {}});
        let refused = make("kubeflow.org", "pytorchjobs", json!({})).unwrap_err();
        assert!(
            refused.contains("spec.pytorchReplicaSpecs: Required value"),
            "{refused}"
        );
        let made = make(
            "kubeflow.org",
            "tfjobs",
            json!({"tfReplicaSpecs": {}, "cleanPodPolicy": "None"}),
        )
        .unwrap();
        assert_eq!(made, json!({"tfReplicaSpecs": {}}), "{old}");
        let set = json!({"replicatedJobs": [{"name": "workers", "template": {"spec": {"parallelism": 2, "template": template}}}]});
        let made = make("jobset.x-k8s.io", "jobsets", set).unwrap();
        assert_eq!(made["replicatedJobs"][0]["replicas"], 1);
        assert_eq!(
            made["replicatedJobs"][0]["template"]["spec"]["parallelism"],
            2
        );
        let train = json!({"runtimeRef": {"name": "torch-distributed"}, "trainer": {"numNodes": 2, "resourcesPerNode": {"limits": {"nvidia.com/gpu": 4}}}});
        let made = make("trainer.kubeflow.org", "trainjobs", train).unwrap();
        assert_eq!(made["runtimeRef"]["kind"], "ClusterTrainingRuntime");
        assert_eq!(
            made["trainer"]["resourcesPerNode"]["limits"]["nvidia.com/gpu"],
            4
        );
        let ray = json!({"entrypoint": "python t.py", "rayClusterSpec": {"headGroupSpec": {"template": template}, "workerGroupSpecs": [{"groupName": "gpu", "template": template}]}});
        let made = make("ray.io", "rayjobs", ray).unwrap();
        assert_eq!(made["submissionMode"], "K8sJobMode");
        assert_eq!(
            made["rayClusterSpec"]["workerGroupSpecs"][0]["numOfHosts"],
            1
        );
        let lws = json!({"leaderWorkerTemplate": {"size": 4, "workerTemplate": template}});
        let made = make("leaderworkerset.x-k8s.io", "leaderworkersets", lws).unwrap();
        assert_eq!(made["replicas"], 1);
        assert_eq!(
            made["leaderWorkerTemplate"]["restartPolicy"],
            "RecreateGroupOnPodRestart"
        );
        assert_eq!(made["leaderWorkerTemplate"]["workerTemplate"], template);
    }
}
