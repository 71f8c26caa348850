//! The roles the documents give are those jobdeck needs: no kind is watched and nothing is written that they leave out.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use jobdeck::actions::{Intent, Object, Run, Step};
use jobdeck::cluster::kinds;
use jobdeck::model::access::Question;
use jobdeck::model::kueue::QueueKind;
use jobdeck::model::kueue::queue::Stop;
use jobdeck::model::want::Kind;
use serde::Deserialize;

/// A Role or ClusterRole as the documents have it.
#[derive(Debug, Deserialize)]
pub struct Role {
    pub kind: String,
    pub metadata: Meta,
    rules: Vec<Rule>,
    /// The same as text.
    #[serde(skip)]
    pub yaml: String,
}

#[derive(Debug, Deserialize)]
pub struct Meta {
    pub name: String,
    pub namespace: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    api_groups: Vec<String>,
    resources: Vec<String>,
    verbs: Vec<String>,
}

/// Every role in the documents, in their order.
pub fn all() -> Vec<Role> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let read = |page| std::fs::read_to_string(docs.join(page)).expect("a page");
    let text = (read("rbac.md") + &read("gpus.md")).replace("\r\n", "\n");
    let fences = text.split("```yaml\n").skip(1);
    let yaml = fences.map(|rest| rest.split("```").next().unwrap_or_default());
    let roles = yaml.filter(|yaml| yaml.contains("rbac.authorization.k8s.io"));
    roles
        .map(|yaml| {
            let mut role: Role = serde_saphyr::from_str(yaml).expect("a role");
            role.yaml = yaml.to_owned();
            role
        })
        .collect()
}

/// The one of this kind and name.
pub fn role(kind: &str, name: &str) -> Role {
    let mut all = all().into_iter();
    all.find(|role| role.kind == kind && role.metadata.name == name)
        .unwrap_or_else(|| panic!("the documents have no {kind} {name}"))
}

impl Role {
    fn allows(&self, q: &Question) -> bool {
        let has = |all: &[String], one: &str| all.iter().any(|a| a == one || a == "*");
        let resource = match q.subresource {
            "" => q.resource.to_owned(),
            sub => format!("{}/{sub}", q.resource),
        };
        self.rules.iter().any(|rule| {
            has(&rule.api_groups, q.group)
                && has(&rule.resources, &resource)
                && has(&rule.verbs, q.verb)
        })
    }

    /// What of these it leaves out, in words.
    fn lacks<'a>(&self, needs: impl IntoIterator<Item = &'a Question>) -> BTreeSet<String> {
        let needs = needs.into_iter();
        needs
            .filter(|q| !self.allows(q))
            .map(Question::words)
            .collect()
    }
}

const READS: [&str; 3] = ["get", "list", "watch"];

fn reads(kind: Kind) -> impl Iterator<Item = Question> {
    READS.iter().map(move |verb| Question::on(verb, kind, None))
}

#[test]
fn the_viewer_s_role_reads_every_kind_that_is_watched() {
    let role = role("ClusterRole", "jobdeck");
    let needs: Vec<Question> = kinds::all().flat_map(|entry| reads(entry.kind)).collect();
    assert!(needs.len() > 60, "{}", needs.len());
    let log = Question::on("get", Kind::Pod, None).subresource("log");
    assert_eq!(role.lacks(needs.iter().chain([&log])), BTreeSet::new());
    // and writes nothing
    for rule in &role.rules {
        assert!(rule.verbs.iter().all(|v| READS.contains(&&**v)), "{rule:?}");
    }
}

#[test]
fn the_role_of_one_namespace_reads_every_kind_that_lives_in_one() {
    let role = role("Role", "jobdeck");
    assert!(role.metadata.namespace.is_some());
    let inside = kinds::all().filter(|entry| entry.namespaced);
    let needs: Vec<Question> = inside.flat_map(|entry| reads(entry.kind)).collect();
    let log = Question::on("get", Kind::Pod, None).subresource("log");
    assert_eq!(role.lacks(needs.iter().chain([&log])), BTreeSet::new());
    // what has no namespace a Role cannot give
    let outside = kinds::all().filter(|entry| !entry.namespaced);
    let outside: Vec<&str> = outside
        .filter(|entry| role.allows(&Question::on("list", entry.kind, None)))
        .map(|entry| entry.kind.plural())
        .collect();
    assert_eq!(outside, Vec::<&str>::new());
}

#[test]
fn the_writer_s_role_has_what_every_action_asks_for() {
    let role = role("ClusterRole", "jobdeck-write");
    let on = |intent: &Intent, kind: Kind| {
        let object = Object {
            kind,
            namespace: "ml".into(),
            name: "a".into(),
            key: None,
        };
        Step::new(intent.clone(), object).needs()
    };
    let mut needs: Vec<Question> = Vec::new();
    let jobs = kinds::all()
        .map(|entry| entry.kind)
        .filter(|kind| matches!(kind, Kind::Job | Kind::CronJob | Kind::Workload(_)));
    for kind in jobs {
        for intent in [
            Intent::DELETE,
            Intent::Hold,
            Intent::Resume,
            Intent::Trigger,
            Intent::Scale(2),
            Intent::Priority("high".into()),
            Intent::Move("other".into()),
            Intent::Create,
        ] {
            needs.extend(on(&intent, kind));
        }
    }
    for intent in [
        Intent::DELETE,
        Intent::Evict,
        Intent::Priority("high".into()),
        Intent::Create,
        Intent::Exec(Arc::new(Run::default())),
        Intent::Forward(80),
    ] {
        needs.extend(on(&intent, Kind::Pod));
    }
    for kind in [QueueKind::LocalQueue, QueueKind::ClusterQueue] {
        needs.extend(on(&Intent::Stop(Stop::Hold), Kind::Queue(kind)));
    }
    needs.extend(on(&Intent::Hold, Kind::Queue(QueueKind::Workload)));
    needs.extend(on(&Intent::Cordon(true), Kind::Node));
    assert_eq!(role.lacks(&needs), BTreeSet::new());
    // it gives nothing that is not for something: no verb but these, nothing of the whole API
    for rule in &role.rules {
        let known = ["create", "delete", "patch", "get"];
        assert!(rule.verbs.iter().all(|v| known.contains(&&**v)), "{rule:?}");
        assert!(rule.api_groups.iter().all(|g| g != "*"), "{rule:?}");
    }
}
