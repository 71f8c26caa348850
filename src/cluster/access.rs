//! What this user may do, asked of the server (SelfSubjectAccessReview) and remembered for a while.

use std::collections::HashMap;
use std::time::Duration;

use http::Method;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::failure::Failure;
use super::http::{Ask, Http};
use super::kinds::Entry;
use super::wire::lax;

/// How long an answer is believed; roles change.
const FRESH: Duration = Duration::from_secs(60);

/// One question: may I?
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    pub verb: &'static str,
    pub group: &'static str,
    pub resource: &'static str,
    /// Empty for the object itself.
    pub subresource: &'static str,
    /// `None`: in all namespaces, or a kind without.
    pub namespace: Option<String>,
}

impl Question {
    pub fn of(verb: &'static str, entry: &Entry, namespace: Option<&str>) -> Self {
        Self {
            verb,
            group: entry.group,
            resource: entry.plural(),
            subresource: "",
            namespace: namespace.filter(|_| entry.namespaced).map(Into::into),
        }
    }

    pub fn subresource(mut self, name: &'static str) -> Self {
        self.subresource = name;
        self
    }

    /// `list jobs.batch`, `get pods/log`.
    pub fn words(&self) -> String {
        let dot = if self.group.is_empty() { "" } else { "." };
        let slash = if self.subresource.is_empty() { "" } else { "/" };
        format!(
            "{} {}{slash}{}{dot}{}",
            self.verb, self.resource, self.subresource, self.group
        )
    }
}

/// The server's answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Verdict {
    #[serde(deserialize_with = "lax::flag")]
    pub allowed: bool,
    /// Often empty.
    #[serde(deserialize_with = "lax::text")]
    pub reason: String,
    #[serde(deserialize_with = "lax::text")]
    pub evaluation_error: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Review {
    #[serde(deserialize_with = "lax::object")]
    status: Verdict,
}

/// Asks the server.
pub async fn ask(http: &Http, question: &Question) -> Result<Verdict, Failure> {
    let mut attributes = serde_json::json!({
        "verb": question.verb,
        "group": question.group,
        "resource": question.resource,
        "subresource": question.subresource,
    });
    if let Some(namespace) = &question.namespace {
        attributes["namespace"] = namespace.as_str().into();
    }
    let review = serde_json::json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": { "resourceAttributes": attributes },
    });
    let ask = Ask::send(
        Method::POST,
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        "application/json",
        &review,
    );
    Ok(http.json::<Review>(&ask).await?.status)
}

/// Answers, remembered.
#[derive(Default)]
pub struct Permissions(Mutex<HashMap<Question, (Instant, Verdict)>>);

impl Permissions {
    /// The remembered answer, or a new one. Failures are not remembered.
    pub async fn may(&self, http: &Http, question: &Question) -> Result<Verdict, Failure> {
        if let Some((at, verdict)) = self.0.lock().await.get(question)
            && at.elapsed() < FRESH
        {
            return Ok(verdict.clone());
        }
        let verdict = ask(http, question).await?;
        let entry = (Instant::now(), verdict.clone());
        self.0.lock().await.insert(question.clone(), entry);
        Ok(verdict)
    }
}
