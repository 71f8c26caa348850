//! What is found out before anything is sent: whether a kind is served, and whether the server would take all of several
//! objects together.

use super::Gate;
use crate::actions::outcome::{Cause, Ended, Outcome};
use crate::actions::{Refusal, Step};
use crate::cluster::kinds::served;
use crate::model::want::Kind;

impl Gate {
    /// The kind that a manifest says, as this server serves it.
    ///
    /// # Errors
    /// It does not, and what it has instead.
    pub async fn kind(&self, api_version: &str, kind: &str) -> Result<Kind, (Cause, Refusal)> {
        served(&self.shared.http, api_version, kind).await
    }

    /// The server says of each whether it would take it. Only of use where this gate is one for dry runs.
    pub async fn check(&self, steps: &[Step]) -> Vec<Outcome> {
        let mut all: Vec<Outcome> = Vec::new();
        for step in steps {
            let mut outcome = self.step(step.clone()).await;
            // two of one name: the server sees no clash in a dry run
            let twice = all.iter().any(|o| o.step.object == step.object);
            if twice && outcome.is_good() {
                let why = format!("{} is in it twice", step.object);
                let refusal = Refusal::new(why).next("name them apart");
                outcome.ended = Ended::Not(Cause::Conflict, refusal);
            }
            // what is in a namespace that comes first cannot be checked before that is there
            let comes = steps.iter().take(all.len()).any(|other| {
                other.object.kind == Kind::Namespace && other.object.name == step.object.namespace
            });
            if comes && matches!(outcome.ended, Ended::Not(Cause::NotFound, _)) {
                outcome.ended = Ended::DryRun;
                let note = format!(
                    "not checked by the server: namespace {} comes first",
                    step.object.namespace
                );
                outcome.notes.push(note);
            }
            all.push(outcome);
        }
        all
    }
}
