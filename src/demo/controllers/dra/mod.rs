//! Dynamic resource allocation: claims made from templates, allocated with the pod's placement, given back when their pods
//! are over.
//!
//! The controller's half makes and releases claims ([`Claims::sync_pod`], [`Claims::sync_claim`]), the scheduler's half
//! chooses devices ([`Claims::plan`], [`Claims::fits`], [`Claims::reserve`]).

mod allocate;
mod cel;
mod refused;
mod slices;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};

pub use self::allocate::{Allocation, DeviceKey};
use self::allocate::{Offer, Wanted, allocate};
use self::refused::Refused;
use self::slices::{PoolKey, Slices};
use super::hub::{Hub, drop_finalizer};
use super::recorder::{Note, Source};
use super::tasks::{Key, Task};
use super::wire::Pod;
use crate::api::write::{Delete, Writer};
use crate::clock::rfc3339;
use crate::store::{Change, Event};

pub use self::slices::Device;

const PROTECTION: &str = "resource.kubernetes.io/delete-protection";
const CLAIM_NAME: &str = "resource.kubernetes.io/pod-claim-name";

/// All that is offered, and who has what.
#[derive(Debug, Default)]
pub struct Claims {
    slices: Slices,
    /// Device → the claim it is allocated to; not those of claims that only watch.
    used: BTreeMap<DeviceKey, Key>,
    /// Pod's UID → claims reserved for it.
    reserved: HashMap<String, BTreeSet<Key>>,
    refused: Refused,
}

/// What a pod needs of the claims it names.
#[derive(Debug, Default)]
pub struct Plan {
    needs: Vec<(Key, Need)>,
}

#[derive(Debug)]
enum Need {
    Allocate(Wanted),
    /// Has its devices already, which only this node reaches (`None`: all do).
    Share(Option<String>),
}

fn by() -> Writer {
    Writer::new("kube-controller-manager")
}

fn results(claim: &Value) -> impl Iterator<Item = (DeviceKey, bool)> {
    let all = claim["status"]["allocation"]["devices"]["results"].as_array();
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    all.into_iter().flatten().map(move |r| {
        let key = (text(&r["driver"]), text(&r["pool"]), text(&r["device"]));
        (key, r["adminAccess"] == true)
    })
}

/// Whether a claim has other devices now.
fn changed(event: &Event) -> bool {
    let of = |claim: &Value| results(claim).collect::<Vec<_>>();
    let old = event.previous.as_ref().map(|old| of(&old.tree()));
    let new = (event.change != Change::Deleted).then(|| of(&event.object.tree()));
    old.unwrap_or_default() != new.unwrap_or_default()
}

fn holders(claim: &Value) -> Vec<String> {
    let all = claim["status"]["reservedFor"]
        .as_array()
        .into_iter()
        .flatten();
    all.filter_map(|h| h["uid"].as_str().map(str::to_owned))
        .collect()
}

/// The claims of a pod: its own name for each, and the claim's; `None` where none has been made yet.
pub fn claims_of(pod: &Pod, value: &Value) -> Vec<(String, Option<Key>)> {
    let statuses = value["status"]["resourceClaimStatuses"].as_array();
    let made = |name: &str| {
        let mut all = statuses.into_iter().flatten();
        let found = all.find(|s| s["name"] == name)?;
        found["resourceClaimName"].as_str().map(str::to_owned)
    };
    let all = pod.spec.resource_claims.iter();
    all.map(|c| {
        let name = c.resource_claim_name.clone().or_else(|| made(&c.name));
        let key = name.map(|name| (pod.namespace().to_owned(), name));
        (c.name.clone(), key)
    })
    .collect()
}

impl Claims {
    /// Takes in news; true if something may have become free, or possible.
    pub fn observe(&mut self, hub: &mut Hub<'_>, event: &Event) -> bool {
        let (object, kinds) = (&event.object, hub.kinds);
        if object.kind == kinds.pods {
            self.observe_pod(hub, event);
            return false;
        }
        if object.kind == kinds.slices {
            self.slices.observe(event);
            self.refused.clear();
            return true;
        }
        if object.kind == kinds.claims {
            let key = (object.namespace.clone(), object.name.clone());
            if let Some(old) = &event.previous {
                self.forget(&key, &old.tree());
            }
            if changed(event) {
                self.refused.clear();
            }
            if event.change == Change::Deleted {
                self.refused.forget(&key);
                return true;
            }
            self.learn(&key, &object.tree());
            hub.wake(Task::Claim(key));
            return true;
        }
        if object.kind == kinds.classes {
            self.refused.clear();
            return true;
        }
        object.kind == kinds.claim_templates
    }

    fn observe_pod(&mut self, hub: &mut Hub<'_>, event: &Event) {
        let object = &event.object;
        if let Some(keys) = self.reserved.get(&object.uid) {
            let over = hub.cache.pod(&object.uid).is_none_or(|p| p.terminal());
            for key in keys.iter().filter(|_| over) {
                hub.wake(Task::Claim(key.clone()));
            }
        }
        let pod = hub.cache.pod(&object.uid);
        if event.change == Change::Added && pod.is_some_and(|p| !p.spec.resource_claims.is_empty())
        {
            let key = (object.namespace.clone(), object.name.clone());
            hub.wake(Task::PodClaims(key));
        }
    }

    fn learn(&mut self, key: &Key, claim: &Value) {
        for (device, watches) in results(claim) {
            if !watches {
                self.used.insert(device, key.clone());
            }
        }
        for uid in holders(claim) {
            self.reserved.entry(uid).or_default().insert(key.clone());
        }
    }

    fn forget(&mut self, key: &Key, claim: &Value) {
        for (device, _) in results(claim) {
            if self.used.get(&device) == Some(key) {
                self.used.remove(&device);
            }
        }
        for uid in holders(claim) {
            if let Some(keys) = self.reserved.get_mut(&uid) {
                keys.remove(key);
                if keys.is_empty() {
                    self.reserved.remove(&uid);
                }
            }
        }
    }

    /// Makes the claims that a pod's templates ask for.
    pub fn sync_pod(&self, hub: &mut Hub<'_>, key: &Key) {
        let Some(object) = hub.get(hub.kinds.pods, key) else {
            return;
        };
        let Some(pod) = hub.cache.pod(&object.uid).cloned() else {
            return;
        };
        if pod.terminal() || pod.deleting() {
            return;
        }
        let value = object.tree();
        let old = value["status"]["resourceClaimStatuses"].as_array();
        let mut statuses = old.cloned().unwrap_or_default();
        let before = statuses.len();
        for claim in &pod.spec.resource_claims {
            let Some(template) = &claim.resource_claim_template_name else {
                continue;
            };
            if statuses.iter().any(|s| s["name"] == claim.name.as_str()) {
                continue;
            }
            let from = (key.0.clone(), template.clone());
            let made = match hub.get(hub.kinds.claim_templates, &from) {
                Some(template) => make(hub, &pod, &claim.name, &template.tree()),
                None => Err(format!(
                    "PodResourceClaim {}: resourceclaimtemplate.resource.k8s.io \"{template}\" not found",
                    claim.name
                )),
            };
            match made {
                Ok(name) => statuses.push(json!({"name": claim.name, "resourceClaimName": name})),
                Err(why) => {
                    let note = Note {
                        from: Source::Controller("resource_claim"),
                        warning: true,
                        reason: "FailedResourceClaimCreation",
                        message: &why,
                        field: "",
                    };
                    hub.event(&object, &note);
                    let again = hub.seconds(30.0);
                    hub.wake_in(again, Task::PodClaims(key.clone()));
                }
            }
        }
        if statuses.len() > before {
            let by = Writer::status("kube-controller-manager");
            hub.edit(hub.kinds.pods, key, &by, |v| {
                v["status"]["resourceClaimStatuses"] = json!(statuses);
            });
        }
    }

    /// Gives back what nobody uses any more, and lets go what is to be deleted.
    pub fn sync_claim(&self, hub: &mut Hub<'_>, key: &Key) {
        let Some(claim) = hub.get(hub.kinds.claims, key) else {
            return;
        };
        let value = claim.tree();
        let alive = |uid: &str| hub.cache.pod(uid).is_some_and(|p| !p.terminal());
        let all = value["status"]["reservedFor"].as_array().cloned();
        let all = all.unwrap_or_default();
        let kept: Vec<Value> = all
            .iter()
            .filter(|h| h["uid"].as_str().is_some_and(alive))
            .cloned()
            .collect();
        let owner = claim.controller().filter(|o| o.kind == "Pod");
        let owner = owner.and_then(|o| hub.cache.pod(&o.uid));
        let done = owner.is_some_and(|pod| pod.terminal());
        let allocated = value["status"]["allocation"].is_object();
        let idle = kept.is_empty() && (allocated || claim.deleting);
        // a claim that waits for its pod's placement is reserved in the same write
        let over = idle && (!all.is_empty() || claim.deleting || done);
        if kept.len() < all.len() || (over && allocated) {
            let by = Writer::status("kube-controller-manager");
            hub.edit(hub.kinds.claims, key, &by, |v| {
                let Some(status) = v["status"].as_object_mut() else {
                    return;
                };
                status.remove("reservedFor");
                if kept.is_empty() {
                    status.remove("allocation");
                } else {
                    status.insert("reservedFor".to_owned(), json!(kept));
                }
            });
        }
        if kept.is_empty() && (over || !allocated) && finalized(&value) {
            hub.edit(hub.kinds.claims, key, &by(), |v| {
                drop_finalizer(v, PROTECTION);
            });
        }
        if done && !claim.deleting {
            let _ = hub.delete(hub.kinds.claims, key, &Delete::default());
        }
    }

    /// What a pod's claims need; nothing while they are still to be made.
    ///
    /// # Errors
    /// Why they cannot be served as they are.
    pub fn plan(&self, hub: &Hub<'_>, pod: &Pod) -> Result<Option<Plan>, String> {
        let mut plan = Plan::default();
        for (_, key) in claims_of(pod, &pod.object.tree()) {
            let Some(key) = key else {
                return Ok(None);
            };
            let Some(claim) = hub.get(hub.kinds.claims, &key) else {
                return Err(format!("resourceclaim \"{}\" not found", key.1));
            };
            if claim.deleting {
                return Err(format!("resourceclaim \"{}\" is being deleted", key.1));
            }
            let value = claim.tree();
            let allocation = &value["status"]["allocation"];
            let need = if allocation.is_object() {
                let only = &allocation["nodeSelector"]["nodeSelectorTerms"][0]["matchFields"][0]["values"]
                    [0];
                Need::Share(only.as_str().map(str::to_owned))
            } else {
                let classes = |class: &str| selectors(hub, class);
                let wanted = Wanted::read(&value["spec"]["devices"], &classes);
                Need::Allocate(wanted.map_err(|why| format!("claim {}: {why}", key.1))?)
            };
            plan.needs.push((key, need));
        }
        Ok(Some(plan))
    }

    /// The devices that a plan gets on a node, claim by claim; `None` if they cannot all be served there.
    pub fn fits(&self, plan: &Plan, node: &str) -> Option<Vec<Option<Allocation>>> {
        let alone = match &plan.needs[..] {
            [(key, Need::Allocate(_))] => Some(key),
            _ => None,
        };
        if alone.is_some_and(|key| self.refused.is(key, node)) {
            return None;
        }
        let used = |key: &DeviceKey| self.used.contains_key(key);
        let mut offer = None;
        let mut taken: Vec<DeviceKey> = Vec::new();
        let mut out = Vec::new();
        for (_, need) in &plan.needs {
            match need {
                Need::Share(None) => out.push(None),
                Need::Share(Some(only)) if only == node => out.push(None),
                Need::Share(_) => return None,
                Need::Allocate(wanted) => {
                    let offer = offer.get_or_insert_with(|| {
                        let pools = self.slices.reached(node);
                        Offer {
                            slices: pools.flat_map(|pool| self.slices.pool(pool)).collect(),
                            used: &used,
                        }
                    });
                    let Some(got) = allocate(wanted, offer, &taken) else {
                        if let Some(key) = alone {
                            self.refused.note(key, node);
                        }
                        return None;
                    };
                    taken.extend(got.taken.iter().cloned());
                    out.push(Some(got));
                }
            }
        }
        Some(out)
    }

    /// Writes down, before the pod is bound, what its claims get and for whom.
    pub fn reserve(&mut self, hub: &mut Hub<'_>, plan: &Plan, pod: &Pod, node: &str) -> bool {
        let Some(allocations) = self.fits(plan, node) else {
            return false;
        };
        let now = rfc3339(hub.now());
        for ((key, _), allocation) in plan.needs.iter().zip(allocations) {
            if let Some(allocation) = &allocation {
                for device in &allocation.taken {
                    self.used.insert(device.clone(), key.clone());
                }
                self.refused.clear();
                let by = Writer::new("kube-scheduler");
                hub.edit(hub.kinds.claims, key, &by, |v| {
                    let meta = &mut v["metadata"];
                    match meta["finalizers"].as_array_mut() {
                        Some(all) if !all.iter().any(|f| f == PROTECTION) => {
                            all.push(json!(PROTECTION));
                        }
                        Some(_) => {}
                        None => meta["finalizers"] = json!([PROTECTION]),
                    }
                });
            }
            let status = Writer::status("kube-scheduler");
            hub.edit(hub.kinds.claims, key, &status, |v| {
                if let Some(allocation) = allocation {
                    v["status"]["allocation"] = json!({
                        "devices": allocation.devices, "allocationTimestamp": now,
                        "nodeSelector": {"nodeSelectorTerms": [{"matchFields": [
                            {"key": "metadata.name", "operator": "In", "values": [node]}]}]},
                    });
                }
                let holder = json!({"resource": "pods", "name": pod.name(), "uid": pod.uid()});
                match v["status"]["reservedFor"].as_array_mut() {
                    Some(all) if !all.contains(&holder) => all.push(holder),
                    Some(_) => {}
                    None => v["status"]["reservedFor"] = json!([holder]),
                }
            });
        }
        true
    }

    /// Devices of the pools of a node that are in use, the claim each is allocated to, and what its driver tells of it.
    pub fn on(&self, node: &str) -> Vec<(DeviceKey, Key, Device)> {
        let mut out = Vec::new();
        for pool in self.slices.reached(node) {
            for slice in self.slices.pool(pool) {
                for device in &slice.devices {
                    let key = (pool.0.clone(), pool.1.clone(), device.name.clone());
                    if let Some(claim) = self.used.get(&key) {
                        out.push((key, claim.clone(), device.clone()));
                    }
                }
            }
        }
        out
    }

    /// `allocatedResourcesStatus` of the containers of a pod for their claims: container → entries.
    pub fn health(&self, hub: &Hub<'_>, pod: &Pod) -> BTreeMap<String, Vec<Value>> {
        let mut out: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        if pod.spec.resource_claims.is_empty() {
            return out;
        }
        let claims: BTreeMap<String, Key> = claims_of(pod, &pod.object.tree())
            .into_iter()
            .filter_map(|(name, key)| Some((name, key?)))
            .collect();
        let all = pod.spec.init_containers.iter().chain(&pod.spec.containers);
        for container in all {
            for wanted in &container.resources.claims {
                let key = claims.get(&wanted.name);
                let Some(claim) = key.and_then(|k| hub.get(hub.kinds.claims, k)) else {
                    continue;
                };
                let value = claim.tree();
                let results = value["status"]["allocation"]["devices"]["results"].as_array();
                let mut by_request: BTreeMap<String, Vec<Value>> = BTreeMap::new();
                for result in results.into_iter().flatten() {
                    let text = |field: &str| result[field].as_str().unwrap_or_default();
                    let request = text("request");
                    let main = request.split('/').next().unwrap_or_default();
                    if wanted.request.as_ref().is_some_and(|r| r != main) {
                        continue;
                    }
                    let id = format!("{}/{}/{}", text("driver"), text("pool"), text("device"));
                    let health = self.told(text("driver"), text("pool"), text("device"));
                    by_request
                        .entry(request.to_owned())
                        .or_default()
                        .push(json!({"resourceID": id, "health": health}));
                }
                let entries = out.entry(container.name.clone()).or_default();
                for (request, resources) in by_request {
                    let name = format!("claim:{}/{request}", wanted.name);
                    entries.push(json!({"name": name, "resources": resources}));
                }
            }
        }
        out
    }

    /// How a device is, by its driver's taints.
    fn told(&self, driver: &str, pool: &str, device: &str) -> &'static str {
        let key: PoolKey = (driver.to_owned(), pool.to_owned());
        let slices = self.slices.pool(&key);
        let mut all = slices.iter().flat_map(|s| &s.devices);
        match all.find(|d| d.name == device) {
            None => "Unknown",
            Some(device) if device.taints.iter().any(|t| t.effect != "None") => "Unhealthy",
            Some(_) => "Healthy",
        }
    }
}

fn finalized(claim: &Value) -> bool {
    let all = claim["metadata"]["finalizers"].as_array();
    all.is_some_and(|all| all.iter().any(|f| f == PROTECTION))
}

/// The selectors of a device class.
fn selectors(hub: &Hub<'_>, class: &str) -> Option<Vec<String>> {
    let key = (String::new(), class.to_owned());
    let value = hub.get(hub.kinds.classes, &key)?.tree();
    let all = value["spec"]["selectors"].as_array();
    let all = all.into_iter().flatten();
    Some(
        all.filter_map(|s| s["cel"]["expression"].as_str().map(str::to_owned))
            .collect(),
    )
}

/// Makes the claim that a template describes for a pod; answers its name.
fn make(hub: &mut Hub<'_>, pod: &Pod, name: &str, template: &Value) -> Result<String, String> {
    let spec = &template["spec"];
    let mut claim = json!({
        "metadata": spec["metadata"].as_object().cloned().unwrap_or_default(),
        "spec": spec["spec"],
    });
    claim["metadata"]["generateName"] = json!(format!("{}-{name}-", pod.name()));
    claim["metadata"]["annotations"][CLAIM_NAME] = json!(name);
    claim["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "v1", "kind": "Pod", "name": pod.name(), "uid": pod.uid(), "controller": true,
    }]);
    let namespace = pod.namespace().to_owned();
    let made = hub
        .cluster
        .create(hub.kinds.claims, &namespace, claim, &by());
    match made {
        Ok(claim) => Ok(claim.name.clone()),
        Err(why) => Err(format!("PodResourceClaim {name}: {}", why.message)),
    }
}
