//! Forwarded ports, as `v4.channel.k8s.io` carries them: two channels for each port, data and error, each of which begins
//! with the port's number.

use futures::{SinkExt, StreamExt};
use hyper::body::Bytes;
use tokio_tungstenite::tungstenite::Message;

use super::socket::{self, Socket};
use super::stream::Way;
use crate::Shared;
use crate::api::options::Query;
use crate::api::write::Refusal;
use crate::inside::{Guest, Served};

pub const PROTOCOL: &str = "v4.channel.k8s.io";

/// The ports that are asked for.
pub fn ports(query: &Query) -> Result<Vec<u16>, Refusal> {
    let all = query.all("ports").flat_map(|text| text.split(','));
    let all: Result<Vec<u16>, _> = all
        .filter(|text| !text.is_empty())
        .map(|text| {
            let port = text.trim().parse::<u16>().ok().filter(|n| *n > 0);
            port.ok_or_else(|| {
                Refusal::bad_request(format!("unable to parse \"{text}\" as a port"))
            })
        })
        .collect();
    match all {
        Ok(all) if all.is_empty() => {
            Err(Refusal::bad_request("query parameter \"port\" is required"))
        }
        all => all,
    }
}

/// The kubelet's words for a port on which nobody listens.
pub fn refused(pod: &str, port: u16) -> String {
    format!(
        "error forwarding port {port} to pod {pod}, uid : failed to execute portforward in network namespace: \
         failed to connect to localhost:{port} inside namespace: dial tcp4 127.0.0.1:{port}: connect: connection refused"
    )
}

pub async fn serve(mut socket: Socket, shared: &Shared, way: &Way, ports: &[u16]) {
    let mut changed = shared.lock().cluster().store.subscribe();
    let mut guests: Vec<Option<Guest>> = Vec::new();
    // all channels begin before anything is said on one
    for (nth, port) in ports.iter().enumerate() {
        let number = port.to_le_bytes();
        let channel = nth as u8 * 2;
        for channel in [channel, channel + 1] {
            let begin = vec![channel, number[0], number[1]];
            if socket.send(Message::Binary(begin.into())).await.is_err() {
                return;
            }
        }
    }
    for (nth, port) in ports.iter().enumerate() {
        let channel = nth as u8 * 2;
        let guest = Guest::at(shared, way.find(shared).ok().as_ref(), *port);
        if guest.is_none() {
            let mut text = vec![channel + 1];
            text.extend_from_slice(refused(&way.pod, *port).as_bytes());
            let _ = socket.send(Message::Binary(text.into())).await;
        }
        guests.push(guest);
    }
    while guests.iter().any(Option::is_some) {
        let bytes = tokio::select! {
            message = socket.next() => match message {
                Some(Ok(Message::Binary(bytes))) => bytes,
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => continue,
            },
            changed = changed.changed() => {
                if changed.is_err() || !guests.iter().flatten().any(|guest| guest.lives(shared)) {
                    break;
                }
                continue;
            }
        };
        let Some((&channel, data)) = bytes.split_first() else {
            continue;
        };
        let at = usize::from(channel / 2);
        let Some(guest) = guests.get_mut(at).filter(|_| channel % 2 == 0) else {
            continue;
        };
        let Some(listener) = guest else { continue };
        let Served { bytes, closes } = listener.take(shared, data);
        if !bytes.is_empty() {
            let mut all = vec![channel];
            all.extend_from_slice(&bytes);
            if socket
                .send(Message::Binary(Bytes::from(all)))
                .await
                .is_err()
            {
                return;
            }
        }
        if closes {
            *guest = None;
        }
    }
    socket::finish(socket).await;
}
