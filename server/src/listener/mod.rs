//! The HTTP listener, with limits on the number of connections and on clients
//! that neither send nor receive.
//!
//! Serves only HTTP/1.1, so that there are no streams within a connection to
//! count.

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

/// Maximum size of the request line and headers together in bytes.
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// Pause after an error of this machine, such as too many open files.
const PAUSE: Duration = Duration::from_secs(1);
/// Response to a connection that exceeds its address's limit.
const TOO_MANY: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 30\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// Limits on the number of connections and on their idle time.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// Maximum open connections; further ones wait to be accepted.
    pub connections: usize,
    /// Maximum open connections of one IP address on which nobody has signed
    /// in.
    pub connections_per_address: usize,
    /// Networks exempt from the limit per address, because all clients behind a
    /// proxy share its address.
    pub trusted_proxies: Arc<[IpNet]>,
    /// Time limit for a request's headers, also counted from the end of the
    /// previous response.
    pub header_timeout: Duration,
    /// Time limit for a response's write without progress.
    pub write_timeout: Duration,
}

/// Serves `router` until `stop` is cancelled and all open requests have ended.
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
        // Otherwise a small response waits for the client's acknowledgement.
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
            let result = tokio::select! {
                result = connection.as_mut() => result,
                () = stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = result {
                tracing::debug!(%error, %peer, "a connection was aborted");
            }
            drop(slot);
        });
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// Accepts the next connection within the limits.
async fn accept(listener: &TcpListener, slots: &Slots) -> (TcpStream, SocketAddr, ConnectionSlot) {
    loop {
        let permit = slots.wait().await;
        match listener.accept().await {
            Ok((stream, peer)) => match slots.try_acquire(permit, peer.ip()) {
                Some(slot) => return (stream, peer, slot),
                None => reject(stream, peer),
            },
            Err(error) if is_client_error(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted");
                sleep(PAUSE).await;
            }
        }
    }
}

fn reject(stream: TcpStream, peer: SocketAddr) {
    tracing::debug!(%peer, "too many connections of one address");
    // The socket is non-blocking, so a client that does not read can't delay
    // this.
    if let Ok(mut stream) = stream.into_std() {
        let _ = stream.write(TOO_MANY);
    }
}

/// True if the client closed the connection before it was accepted.
fn is_client_error(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}
