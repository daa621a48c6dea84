//! Connections: how many there may be at a time, and how long a client may
//! keep one without sending or taking anything.
//!
//! Only HTTP/1.1 is spoken, so that there are no streams within a connection
//! to count.

mod slots;
mod stall;

use std::{io::Write as _, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use ipnet::IpNet;
use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;

pub(crate) use slots::AddressSlot;
use slots::{ConnectionSlot, Slots};
use stall::StallTimeout;

/// Bytes that a request's line and headers may have together.
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// After an error that is the machine's, such as too many open files.
const PAUSE: Duration = Duration::from_secs(1);
/// What a connection beyond an address' limit is told, if it listens.
const TOO_MANY: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 30\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// How many connections there may be and how long each may stand still.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// Open connections at a time; further ones wait to be accepted.
    pub connections: usize,
    /// Connections of one address on which nobody has signed in yet.
    pub connections_per_address: usize,
    /// Networks without a limit of their own: behind a proxy, everybody has
    /// its address.
    pub trusted_proxies: Arc<[IpNet]>,
    /// How long a client may take to send a request's headers, also counted
    /// from the end of the answer before.
    pub header_timeout: Duration,
    /// How long a client may take nothing of an answer.
    pub write_timeout: Duration,
}

/// Serves `router` until `stop`, and then until the open requests have ended.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: ConnectionLimits,
    stop: CancellationToken,
) {
    let slots = Slots::new(&limits);
    let connections = TaskTracker::new();
    let mut protocol = http1::Builder::new();
    protocol
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_header_size(MAX_HEADER_BYTES);
    loop {
        let (stream, peer, slot) = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &slots) => accepted,
        };
        // Without this, a small answer waits for the client's acknowledgement.
        let _ = stream.set_nodelay(true);
        let io = TokioIo::new(StallTimeout::new(stream, limits.write_timeout));
        let address = slot.address.clone();
        let service = router
            .clone()
            .map_request(move |request: Request<Incoming>| {
                let mut request = request.map(Body::new);
                request.extensions_mut().insert(ConnectInfo(peer));
                request.extensions_mut().insert(address.clone());
                request
            });
        let connection = protocol.serve_connection(io, TowerToHyperService::new(service));
        let stop = stop.clone();
        connections.spawn(async move {
            let mut connection = pin!(connection);
            let served = tokio::select! {
                served = connection.as_mut() => served,
                () = stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = served {
                tracing::debug!(%error, %peer, "a connection broke off");
            }
            drop(slot);
        });
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// The next connection that may be served.
async fn accept(listener: &TcpListener, slots: &Slots) -> (TcpStream, SocketAddr, ConnectionSlot) {
    loop {
        let place = slots.wait().await;
        match listener.accept().await {
            Ok((stream, peer)) => match slots.try_acquire(place, peer.ip()) {
                Some(slot) => return (stream, peer, slot),
                None => refuse(stream, peer),
            },
            Err(error) if is_clients(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted");
                sleep(PAUSE).await;
            }
        }
    }
}

fn refuse(stream: TcpStream, peer: SocketAddr) {
    tracing::debug!(%peer, "too many connections of one address");
    // It does not block, and whoever does not read along is not waited for.
    if let Ok(mut stream) = stream.into_std() {
        let _ = stream.write(TOO_MANY);
    }
}

/// The client was gone before it was accepted.
fn is_clients(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}
