//! Facts about a request before authentication: its id, the client's address
//! and its user agent.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, header},
    middleware::Next,
    response::Response,
};
use domain::{RequestFacts, RequestId};
use ipnet::IpNet;
use tracing::Instrument as _;

use super::{HttpSettings, secret_path::loggable_path};

const USER_AGENT_CHARS: usize = 400;
const FORWARDED_FOR: &str = "x-forwarded-for";

/// Adds [`RequestFacts`] to the request, its id to the response, and a tracing
/// span around both. The log omits the query, which holds a code on the way
/// back from the issuer, and the token in an invite's path.
pub(super) async fn facts_layer(
    State(settings): State<HttpSettings>,
    mut request: Request,
    next: Next,
) -> Response {
    let request_id: RequestId = settings.ids.id();
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map(|info| info.0.ip());
    let facts = RequestFacts {
        request_id,
        ip: peer.map(|peer| client_ip(peer, request.headers(), &settings.trusted_proxies)),
        user_agent: user_agent(request.headers()),
        session_id: None,
        api_key_id: None,
    };
    let span = tracing::info_span!(
        "request",
        id = %request_id,
        method = %request.method(),
        path = loggable_path(request.uri().path()),
    );
    request.extensions_mut().insert(facts);

    let started = settings.clock.now();
    let clock = settings.clock.clone();
    async move {
        let mut response = next.run(request).await;
        let milliseconds = (clock.now() - started).whole_milliseconds();
        let status = response.status().as_u16();
        tracing::info!(status, milliseconds, "answered");
        if let Ok(id) = HeaderValue::from_str(&request_id.to_string()) {
            response.headers_mut().insert("x-request-id", id);
        }
        response
    }
    .instrument(span)
    .await
}

fn user_agent(headers: &HeaderMap) -> Option<String> {
    let text = String::from_utf8_lossy(headers.get(header::USER_AGENT)?.as_bytes());
    let text: String = text
        .chars()
        .filter(|c| !c.is_control())
        .take(USER_AGENT_CHARS)
        .collect();
    (!text.is_empty()).then_some(text)
}

/// The client's address (SEC-B9): the last address in `X-Forwarded-For` that is
/// not a trusted proxy. Addresses left of it can be forged by the client. The
/// header is ignored unless the peer is trusted.
fn client_ip(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |ip: IpAddr| trusted.iter().any(|network| network.contains(&ip));
    let mut client = peer.to_canonical();
    if !is_trusted(client) {
        return client;
    }
    let hops: Vec<_> = headers
        .get_all(FORWARDED_FOR)
        .iter()
        .flat_map(|value| value.to_str().unwrap_or("?").split(','))
        .collect();
    for hop in hops.iter().rev() {
        // An unreadable hop ends the chain at the last known proxy.
        let Some(ip) = parse_hop(hop.trim()) else {
            break;
        };
        client = ip;
        if !is_trusted(client) {
            break;
        }
    }
    client
}

/// Parses an address with or without a port.
fn parse_hop(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let ip = bare
        .parse::<IpAddr>()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|a| a.ip()));
    ip.map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_str(value).unwrap());
        }
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        client_ip(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    // SEC-B9
    #[test]
    fn forwarded_for_counts_only_from_trusted_proxies() {
        assert_eq!(client("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(client("::ffff:10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        // The client's own entries are ignored.
        assert_eq!(
            client("10.0.0.1", &["1.2.3.4, 198.51.100.1, 10.0.0.2"]),
            "198.51.100.1"
        );
        assert_eq!(
            client("10.0.0.1", &["1.2.3.4", "198.51.100.1"]),
            "198.51.100.1"
        );
        assert_eq!(client("10.0.0.1", &["198.51.100.1:4711"]), "198.51.100.1");
        assert_eq!(client("fd00::1", &["[2001:db8::7]:443"]), "2001:db8::7");
        assert_eq!(
            client("10.0.0.1", &["198.51.100.1, nonsense, 10.0.0.2"]),
            "10.0.0.2"
        );
        assert_eq!(client("10.0.0.1", &["10.0.0.3, 10.0.0.2"]), "10.0.0.3");
    }

    #[test]
    fn user_agent_is_truncated_and_cleaned() {
        let mut headers = HeaderMap::new();
        assert_eq!(user_agent(&headers), None);
        headers.insert(
            header::USER_AGENT,
            HeaderValue::from_bytes(&[b'a', b'\t', 0xff]).unwrap(),
        );
        assert_eq!(user_agent(&headers).unwrap(), "a\u{fffd}");
        headers.insert(
            header::USER_AGENT,
            HeaderValue::from_str(&"x".repeat(5_000)).unwrap(),
        );
        assert_eq!(user_agent(&headers).unwrap().len(), USER_AGENT_CHARS);
    }
}
