//! Which of a node's devices is which card of a picture: by the device's own name where the API tells it, else by the
//! pod that has it, else by what is left of its sort.

use super::{Device, Find, Node};
use crate::model::Model;
use crate::model::capacity::cards::{Card, Part};
use crate::model::capacity::unit::Unit;

/// The device of each part of each card; none where no exporter tells of it, or which one it is cannot be told.
pub fn on_cards<'a>(cards: &[Card], node: &'a Node, model: &Model) -> Vec<Vec<Option<&'a Device>>> {
    let mut out: Vec<Vec<Option<&'a Device>>> = cards
        .iter()
        .map(|card| vec![None; card.parts.len()])
        .collect();
    let mut left: Vec<&'a Device> = node.devices().iter().collect();
    type Pick<'p, 'a> = dyn Fn(&Card, &Part, &[&'a Device]) -> Option<&'a Device> + 'p;
    let by_name = |card: &Card, part: &Part, _: &[&'a Device]| named(card, part, node);
    let by_pod = |_: &Card, part: &Part, left: &[&'a Device]| {
        let pod = model.pods.get(part.pod?)?;
        let mut all = left.iter().copied();
        all.find(|device| device.is_of(pod) && is_sort(device, &part.unit))
    };
    // nobody has it, and nothing else tells it apart from the others that nobody has
    let by_sort = |_: &Card, part: &Part, left: &[&'a Device]| {
        let mut all = left.iter().copied();
        all.find(|d| part.pod.is_none() && d.holders.is_empty() && is_sort(d, &part.unit))
    };
    let picks: [&Pick<'_, 'a>; 3] = [&by_name, &by_pod, &by_sort];
    for pick in picks {
        for (card, found) in cards.iter().zip(&mut out) {
            for (part, place) in card.parts.iter().zip(found) {
                if place.is_some() {
                    continue;
                }
                *place = pick(card, part, &left);
                if let Some(device) = *place
                    && !is_share(&part.unit)
                {
                    left.retain(|other| other.id != device.id);
                }
            }
        }
    }
    out
}

/// By the name the kubelet or a claim gives it: `GPU-1f0e`, of a share `GPU-1f0e::3`, in a claim the device's name.
fn named<'a>(card: &Card, part: &Part, node: &'a Node) -> Option<&'a Device> {
    let id = part.id.as_deref()?;
    let uuid = id.split_once("::").map_or(id, |(uuid, _)| uuid);
    let claimed = || {
        let all = node.devices().iter();
        let mut of = all.filter(|d| d.claims().any(|c| *c.driver == *card.resource));
        of.find(|d| d.claims().any(|c| *c.device == *id))
    };
    node.find(Find::Uuid(uuid)).or_else(claimed)
}

fn is_share(unit: &Unit) -> bool {
    matches!(unit, Unit::Share { .. })
}

/// A slice for a slice, of the same profile; a whole card for anything else.
fn is_sort(device: &Device, unit: &Unit) -> bool {
    match (unit, &device.id.slice) {
        (Unit::Mig { profile, .. }, Some(slice)) => *slice.profile == **profile,
        (Unit::Partition { .. }, Some(_)) => true,
        (Unit::Mig { .. } | Unit::Partition { .. }, None) => false,
        (_, slice) => slice.is_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::capacity::cards::{Layout, State};
    use crate::model::capacity::unit::mig;
    use crate::model::delta::Rows;
    use crate::model::fixture::{at, delta, job, pod, pods, running};
    use crate::model::gpu_use::reading::{
        Claimed, DeviceId, DeviceRow, Heard, Holder, NodeUse, Reading, Slice,
    };
    use crate::model::ids::ClusterId;

    const GPU: &str = "nvidia.com/gpu";

    fn part(unit: Unit, pod: Option<u128>, id: Option<&str>) -> Part {
        Part {
            unit,
            state: if pod.is_some() {
                State::Held
            } else {
                State::Free
            },
            pod: pod.map(crate::model::fixture::key),
            told: id.is_some(),
            id: id.map(Into::into),
            held: 0.0,
        }
    }

    fn card(resource: &str, parts: Vec<Part>) -> Card {
        Card {
            resource: resource.into(),
            parts,
            layout: Layout::Known,
        }
    }

    fn device(index: u16, slice: Option<(u16, &str)>, pod: Option<&str>) -> DeviceRow {
        DeviceRow {
            id: DeviceId {
                uuid: format!("GPU-{index}").as_str().into(),
                slice: slice.map(|(id, profile)| Slice {
                    id,
                    profile: profile.into(),
                }),
            },
            index: Some(index),
            product: "".into(),
            holders: pod.map(holder).into_iter().collect(),
            reading: Reading::default(),
        }
    }

    fn holder(pod: &str) -> Holder {
        Holder {
            namespace: "default".into(),
            pod: pod.into(),
            ..Holder::default()
        }
    }

    /// Pods `p1` and `p2`, and a node with these devices; the places of its cards, as `index/slice`.
    fn seated(devices: Vec<DeviceRow>, cards: &[Card]) -> Vec<Vec<String>> {
        let mut model = Model::default();
        let member = |n: u128| {
            let mut row = running(pod(n, &job(7, "train")), "n", 0);
            (row.name, row.namespace) = (format!("p{n}").into(), "default".into());
            row
        };
        model.apply(pods(&[member(1), member(2)]));
        let of = NodeUse {
            node: "n".into(),
            at: at(0),
            every: 20,
            heard: Heard::Told { devices, but: None },
        };
        model.apply(delta(Rows::GpuUse(Box::new(of))));
        let node = model.gpu_use.node(ClusterId(0), &"n".into()).unwrap();
        let name = |device: &Device| {
            let slice = device.id.slice.as_ref().map(|s| format!("/{}", s.id));
            format!("{}{}", device.index.unwrap(), slice.unwrap_or_default())
        };
        let found = on_cards(cards, node, &model);
        let of = |parts: Vec<Option<&Device>>| {
            let all = parts.into_iter();
            all.map(|d| d.map_or("?".into(), name)).collect()
        };
        found.into_iter().map(of).collect()
    }

    fn whole(pod: Option<u128>, id: Option<&str>) -> Card {
        card(GPU, vec![part(Unit::Gpu, pod, id)])
    }

    #[test]
    fn by_its_name_then_by_its_pod_then_by_what_is_left() {
        let devices = || {
            vec![
                device(0, None, None),
                device(1, None, Some("p1")),
                device(2, None, Some("p2")),
                device(3, None, None),
            ]
        };
        // the kubelet tells one; which of its two p1 is drawn on is not told; a fifth card nobody tells of
        let cards = [
            whole(None, None),
            whole(Some(1), None),
            whole(Some(2), Some("GPU-2")),
            whole(Some(1), None),
            whole(None, None),
        ];
        assert_eq!(
            seated(devices(), &cards),
            [["0"], ["1"], ["2"], ["?"], ["3"]]
        );
        // what somebody has is never taken for free
        let cards = [whole(None, None), whole(None, None), whole(None, None)];
        assert_eq!(seated(devices(), &cards), [["0"], ["3"], ["?"]]);
    }

    #[test]
    fn shares_of_a_card_are_all_that_card() {
        let share = |pod, id| part(Unit::Share { per: 3, mps: false }, pod, id);
        let cards = [card(
            "nvidia.com/gpu.shared",
            vec![
                share(Some(1), Some("GPU-0::0")),
                share(Some(2), None),
                share(None, None),
            ],
        )];
        let mut both = device(0, None, Some("p1"));
        both.holders.push(holder("p2"));
        // of the free share nothing tells that it is of this card
        assert_eq!(seated(vec![both], &cards), [["0", "0", "?"]]);
    }

    #[test]
    fn slices_go_by_their_profile() {
        let slice = |profile: &str, pod| part(mig(profile.into(), None), pod, None);
        let cards = [card(
            "nvidia.com/mig-1g.10gb",
            vec![
                slice("1g.10gb", Some(1)),
                slice("3g.40gb", Some(1)),
                slice("1g.10gb", None),
            ],
        )];
        let devices = vec![
            device(0, None, None),
            device(0, Some((3, "3g.40gb")), Some("p1")),
            device(0, Some((7, "1g.10gb")), None),
            device(0, Some((9, "1g.10gb")), Some("p1")),
        ];
        assert_eq!(seated(devices, &cards), [["0/9", "0/3", "0/7"]]);
    }

    #[test]
    fn claimed_devices_go_by_the_name_of_their_driver() {
        let mut claimed = device(4, None, Some("p2"));
        claimed.holders[0].claimed = Some(Box::new(Claimed {
            driver: "gpu.nvidia.com".into(),
            pool: "n".into(),
            device: "gpu-4".into(),
            mig_uuid: "".into(),
        }));
        let cards = [card(
            "gpu.nvidia.com",
            vec![part(Unit::Gpu, Some(9), Some("gpu-4"))],
        )];
        assert_eq!(
            seated(vec![device(0, None, None), claimed], &cards),
            [["4"]]
        );
    }
}
