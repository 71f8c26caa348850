//! Against a real etcd, kube-apiserver and kube-controller-manager from the folder `$KUBEBUILDER_ASSETS` names (the
//! envtest convention). Skipped, and saying so, where that is not set; what needs controllers is, where there are none.

use std::sync::Arc;

mod between;
mod changing;
mod deleting;
mod plane;
mod queues;
mod reading;
mod refused;
mod room;
mod submitting;

use plane::{Plane, assets};

/// Everything that changes a cluster, as commands of the real binary: each room in a namespace of its own, at the same
/// time.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_real_control_plane_does_what_is_asked() {
    let Some(assets) = assets() else { return };
    let mut plane = Plane::start(assets);
    plane.ready().await;
    if !plane.start_controllers() {
        return;
    }
    let plane = Arc::new(plane);
    let rooms = [
        tokio::spawn(deleting::room(plane.clone())),
        tokio::spawn(changing::room(plane.clone())),
        tokio::spawn(submitting::room(plane.clone())),
        tokio::spawn(refused::room(plane.clone())),
        tokio::spawn(queues::room(plane)),
    ];
    let mut failed = 0;
    for room in rooms {
        failed += usize::from(room.await.is_err());
    }
    assert_eq!(failed, 0, "rooms failed as said above");
}
