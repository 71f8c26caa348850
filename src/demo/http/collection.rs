//! DELETE of a whole collection.

use super::Call;
use super::mutate::delete_options;
use super::read::{self, Page, Scope};
use super::reply::{self, Reply};
use super::route::Target;
use crate::Shared;
use crate::api::options::ListOptions;
use crate::api::write::Refusal;

/// Deletes what the selectors choose; answers with the list of what was chosen.
pub fn delete(shared: &Shared, target: &Target, call: &Call) -> Result<Reply, Refusal> {
    if target.kind.kind == "Namespace" {
        return Err(Refusal::method_not_allowed());
    }
    let options = delete_options(target, call)?;
    let scope = Scope::parse(target, &call.query)?;
    let list = ListOptions::parse(&call.query, false)?;
    let mut world = shared.lock();
    let page = read::page(world.cluster(), target, &scope, &list)?;
    if !options.dry_run {
        let cluster = world.cluster_mut();
        for object in &page.objects {
            // One that goes by itself meanwhile is as good as deleted.
            let _ = cluster.delete(target.id, &object.namespace, &object.name, &options.how);
        }
    }
    let after = Page {
        rv: world.cluster().store.rv(),
        ..page
    };
    let mut reply = read::answer_list(world.cluster(), target, call, after);
    reply::warn(&mut reply, &options.warnings);
    Ok(reply)
}
