//! Idle connections, and too many of them, on a real listener.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::support::{self, App, program::World};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::Request,
    middleware::{Next, from_fn},
    routing::{get, post},
};
use domain::Permission;
use futures::stream;
use server::listener::{ConnectionLimits, serve};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

/// How long a client may be idle.
const SHORT: Duration = Duration::from_millis(400);
/// The time limit of each step, on a busy machine.
const SOON: Duration = Duration::from_secs(20);

fn limits() -> ConnectionLimits {
    ConnectionLimits {
        connections: 1_000,
        connections_per_address: 1_000,
        trusted_proxies: Arc::new([]),
        header_timeout: SHORT,
        write_timeout: SHORT,
    }
}

struct Listening {
    address: SocketAddr,
    stop: CancellationToken,
    served: JoinHandle<()>,
}

impl Listening {
    async fn start(router: Router, limits: ConnectionLimits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let served = tokio::spawn(serve(listener, router, limits, stop.clone()));
        Self {
            address,
            stop,
            served,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Opens a connection and sends the beginning of a request.
    async fn send(&self, text: &str) -> TcpStream {
        let mut stream = self.connect().await;
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }
}

fn hello() -> Router {
    Router::new().route("/", get(async || "hello"))
}

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: atrium.example\r\n\r\n";

/// The rest of the response, until the server closes the connection.
async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let read = stream.read_to_end(&mut text);
    // A reset ends the connection as well.
    let _ = timeout(SOON, read).await.expect("the connection ends");
    String::from_utf8_lossy(&text).into_owned()
}

/// The status line of the response.
async fn status(stream: &mut TcpStream) -> String {
    let mut buffer = [0; 1024];
    let read = timeout(SOON, stream.read(&mut buffer)).await;
    let count = read.expect("an answer comes").unwrap_or(0);
    let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
    text.lines().next().unwrap_or_default().to_owned()
}

const OK: &str = "HTTP/1.1 200 OK";
const TOO_MANY: &str = "HTTP/1.1 429 Too Many Requests";

// SEC-B10
#[tokio::test]
async fn connection_without_complete_headers_is_closed() {
    let listening = Listening::start(hello(), limits()).await;
    let start = Instant::now();
    let mut silent = Vec::new();
    for beginning in [
        "",
        "G",
        "PRI * HTTP/2.0\r\n\r\nSM",
        "GET / HTTP/1.1\r\nHost: a",
    ] {
        for _ in 0..10 {
            silent.push(listening.send(beginning).await);
        }
    }
    // Sending another header now and then doesn't extend the time.
    let mut dripping = listening.send("GET / HTTP/1.1\r\n").await;
    let dripped = async {
        for n in 0.. {
            let header = format!("x-{n}: a\r\n");
            if dripping.write_all(header.as_bytes()).await.is_err() {
                break;
            }
            sleep(SHORT / 10).await;
        }
    };
    timeout(SOON, dripped).await.expect("dripping ends");
    for stream in &mut silent {
        let said = rest(stream).await;
        assert!(!said.contains(OK), "{said}");
    }
    assert!(start.elapsed() >= SHORT);
    // A connection that is idle after a response is closed as well.
    let mut idle = listening.send(REQUEST).await;
    assert_eq!(status(&mut idle).await, OK);
    assert_eq!(rest(&mut idle).await, "");
}

// SEC-B10
#[tokio::test]
async fn body_that_stops_arriving_is_answered_with_408() {
    let app = App::start().await;
    let mut http = app.http();
    http.body_timeout = SHORT;
    let read = Router::new().route(
        "/read",
        post(|body: Bytes| async move { body.len().to_string() }),
    );
    let router = server::http::protect(read, http);
    let listening = Listening::start(router, limits()).await;
    let head = "POST /read HTTP/1.1\r\nHost: atrium.example\r\nContent-Length: 100\r\n\r\n";
    let start = Instant::now();
    let mut stalled = Vec::new();
    for _ in 0..20 {
        stalled.push(listening.send(&format!("{head}begun")).await);
    }
    for stream in &mut stalled {
        assert_eq!(status(stream).await, "HTTP/1.1 408 Request Timeout");
        rest(stream).await;
    }
    assert!(start.elapsed() >= SHORT);
    let mut whole = listening.send(&format!("{head}{}", "x".repeat(100))).await;
    assert_eq!(status(&mut whole).await, OK);
}

/// Sends a message when it is dropped.
struct Dropped(mpsc::UnboundedSender<()>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

// SEC-B10
#[tokio::test]
async fn response_that_the_client_does_not_read_is_dropped() {
    let (sender, mut dropped) = mpsc::unbounded_channel();
    let endless = get(async move || {
        let guard = Dropped(sender);
        Body::from_stream(stream::unfold(guard, |guard| async {
            Some((
                Ok::<_, Infallible>(Bytes::from_static(&[0; 16 * 1024])),
                guard,
            ))
        }))
    });
    let listening = Listening::start(Router::new().route("/", endless), limits()).await;
    let stream = listening.send(REQUEST).await;
    let ended = timeout(SOON, dropped.recv()).await;
    assert_eq!(ended.expect("the response is dropped"), Some(()));
    drop(stream);
}

// SEC-B9
#[tokio::test]
async fn connections_of_one_address_are_limited() {
    let limits = ConnectionLimits {
        connections_per_address: 5,
        header_timeout: SOON,
        ..limits()
    };
    let listening = Listening::start(hello(), limits.clone()).await;
    let mut held = Vec::new();
    for _ in 0..5 {
        held.push(listening.connect().await);
    }
    // The sixth is refused as soon as the five have been accepted.
    for _ in 0..10 {
        let mut refused = listening.connect().await;
        assert_eq!(status(&mut refused).await, TOO_MANY);
        rest(&mut refused).await;
    }
    for stream in &mut held {
        stream.write_all(REQUEST.as_bytes()).await.unwrap();
        assert_eq!(status(stream).await, OK);
    }
    drop(held);
    let again = async {
        loop {
            let mut stream = listening.send(REQUEST).await;
            if status(&mut stream).await == OK {
                break;
            }
        }
    };
    timeout(SOON, again)
        .await
        .expect("closed connections free their places");

    // A trusted proxy's address stands for many clients.
    let limits = ConnectionLimits {
        trusted_proxies: Arc::new(["127.0.0.0/8".parse().unwrap()]),
        ..limits
    };
    let listening = Listening::start(hello(), limits).await;
    let mut held = Vec::new();
    for _ in 0..20 {
        let mut stream = listening.send(REQUEST).await;
        assert_eq!(status(&mut stream).await, OK);
        held.push(stream);
    }
}

// SEC-B9
#[tokio::test]
async fn authenticated_connections_do_not_count_against_the_address() {
    let world = World::new().await;
    let key = world.key(&[Permission::ProfileManage]).await.key;
    let limits = ConnectionLimits {
        connections_per_address: 3,
        header_timeout: SOON,
        ..limits()
    };
    let listening = Listening::start(world.router.clone(), limits).await;
    let good = format!(
        "GET /api/v1/me HTTP/1.1\r\nHost: atrium.example\r\nAuthorization: Bearer {key}\r\n\r\n"
    );
    let mut held = Vec::new();
    for _ in 0..10 {
        let mut stream = listening.send(&good).await;
        assert_eq!(status(&mut stream).await, OK);
        held.push(stream);
    }
    let mut browser = world.app.browser();
    browser.router = world.router.clone();
    browser.sign_in(&world.app.issuer).await;
    let cookie = &browser.jar[support::COOKIE];
    let page = format!(
        "GET /memories HTTP/1.1\r\nHost: atrium.example\r\nCookie: {}={cookie}\r\n\r\n",
        support::COOKIE
    );
    for _ in 0..10 {
        let mut stream = listening.send(&page).await;
        assert_eq!(status(&mut stream).await, OK);
        held.push(stream);
    }
    for _ in 0..3 {
        held.push(listening.connect().await);
    }
    let mut refused = listening.connect().await;
    assert_eq!(status(&mut refused).await, TOO_MANY);
}

// SEC-B9
#[tokio::test]
async fn connections_beyond_the_limit_wait_until_silent_ones_time_out() {
    let limits = ConnectionLimits {
        connections: 3,
        ..limits()
    };
    let listening = Listening::start(hello(), limits).await;
    let mut silent = Vec::new();
    for _ in 0..6 {
        silent.push(listening.connect().await);
    }
    let start = Instant::now();
    let mut stream = listening.send(REQUEST).await;
    assert_eq!(status(&mut stream).await, OK);
    // It waited for two rounds of silent connections to time out.
    assert!(start.elapsed() >= SHORT, "{:?}", start.elapsed());
}

// SEC-F2
#[tokio::test]
async fn stop_closes_idle_connections_and_waits_for_open_requests() {
    let limits = ConnectionLimits {
        header_timeout: SOON * 10,
        ..limits()
    };
    let router = hello().layer(from_fn(async |request: Request, next: Next| {
        sleep(SHORT).await;
        next.run(request).await
    }));
    let listening = Listening::start(router, limits).await;
    let mut silent = listening.connect().await;
    let mut idle = listening.send(REQUEST).await;
    assert_eq!(status(&mut idle).await, OK);
    let mut open = listening.send(REQUEST).await;
    sleep(SHORT / 2).await;
    listening.stop.cancel();
    timeout(SOON, listening.served).await.unwrap().unwrap();
    assert_eq!(status(&mut open).await, OK);
    assert_eq!(rest(&mut silent).await, "");
    // The earlier response was read completely with its status line.
    assert_eq!(rest(&mut idle).await, "");
    assert!(TcpStream::connect(listening.address).await.is_err());
}
