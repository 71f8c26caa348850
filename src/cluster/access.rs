//! What this user may do, asked of the server (SelfSubjectAccessReview) and remembered for a while.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::failure::Failure;
use super::http::{Ask, Http};
use super::report::Report;
use super::source::Shared;
use super::wire::lax;
pub use crate::model::access::Question;

/// How long an answer is believed; roles change.
pub const FRESH: Duration = Duration::from_secs(60);

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
        attributes["namespace"] = (&**namespace).into();
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
        self.ask_anew(http, question).await
    }

    /// A new answer, remembered in place of the old one: a role may have changed just now.
    pub async fn ask_anew(&self, http: &Http, question: &Question) -> Result<Verdict, Failure> {
        let verdict = ask(http, question).await?;
        let entry = (Instant::now(), verdict.clone());
        self.0.lock().await.insert(question.clone(), entry);
        Ok(verdict)
    }
}

/// Reports the answer to a question, and again whenever it is old, for as long as somebody wants it. Where reviews
/// cannot be had nothing is said: the server has the last word anyway.
pub async fn answer(shared: Arc<Shared>, question: Question, cancel: CancellationToken) {
    let mut told = None;
    loop {
        let asked = shared.permissions.may(&shared.http, &question);
        let asked = tokio::select! {
            () = cancel.cancelled() => return,
            asked = asked => asked,
        };
        let allowed = asked.ok().map(|verdict| verdict.allowed);
        if let Some(allowed) = allowed.filter(|now| told != Some(*now)) {
            told = Some(allowed);
            let report = Report::May {
                cluster: shared.cluster,
                question: question.clone(),
                allowed,
            };
            if !shared.send(report).await {
                return;
            }
        }
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(FRESH) => {}
        }
    }
}
