//! A browser in front of Atrium's router, a database, and an issuer that can be
//! made to misbehave.

pub(crate) mod events;
pub(crate) mod issuer;
pub(crate) mod keys;
pub(crate) mod product;
pub(crate) mod program;
pub(crate) mod sample;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use axum::{
    Extension, Router,
    body::Body,
    http::{HeaderValue, Method, Request, Response, StatusCode, header},
    routing::{any, get},
};
use cookie::Cookie;
use domain::{Actor, RequestFacts, Timestamp, access::SystemRole};
use http_body_util::BodyExt as _;
use issuer::{CLIENT_ID, CLIENT_SECRET, Issuer};
use server::{
    auth::{Auth, AuthSettings, IssuerKind, MasterKey, OidcSettings, PRIMARY, SignInLimits},
    http::{HttpSettings, LargerBody, Site},
};
use service::{Clock, Ctx, Embedder, Entropy, Ids, identity::SessionLifetimes};
use store::testing::{NOW, TestDb, TestTenant};
use tower::ServiceExt as _;
use url::Url;

pub(crate) const ORIGIN: &str = "https://atrium.example";
pub(crate) const COOKIE: &str = "__Host-atrium";
pub(crate) const LOGIN_COOKIE: &str = "__Host-atrium-login";

/// A clock that stands still until it is moved.
#[derive(Clone, Default)]
pub(crate) struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub(crate) fn now(&self) -> Timestamp {
        NOW + time::Duration::seconds(self.0.load(Ordering::SeqCst))
    }

    pub(crate) fn forward(&self, by: time::Duration) {
        self.0.fetch_add(by.whole_seconds(), Ordering::SeqCst);
    }

    pub(crate) fn clock(&self) -> Clock {
        let this = self.clone();
        Clock::from_fn(move || this.now())
    }
}

/// Atrium with one organisation whose people come from the hostile issuer.
pub(crate) struct App {
    pub(crate) db: TestDb,
    pub(crate) tenant: TestTenant,
    pub(crate) issuer: Issuer,
    pub(crate) clock: TestClock,
    pub(crate) auth: Auth,
    pub(crate) router: Router,
}

impl App {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// New people become members unless `change` says otherwise.
    pub(crate) async fn start_with(change: impl FnOnce(&mut AuthSettings)) -> Self {
        let db = TestDb::new().await;
        let tenant = db.tenant("acme").await;
        let clock = TestClock::default();
        let issuer = Issuer::start({
            let clock = clock.clone();
            move || clock.now()
        })
        .await;
        let mut settings = AuthSettings {
            site: Site::new(ORIGIN.parse().unwrap()).unwrap(),
            oidc: Some(OidcSettings {
                name: PRIMARY.into(),
                label: "Sign in".into(),
                directories: Vec::new(),
                issuer: issuer.url.clone(),
                kind: IssuerKind::Generic,
                client_id: CLIENT_ID.into(),
                client_secret: Some(CLIENT_SECRET.to_owned().into()),
                scopes: vec!["profile".into(), "email".into()],
                default_role: Some(SystemRole::Member),
                tenants: Vec::new(),
                graph_url: Some(format!("{}/graph", issuer.url).parse().unwrap()),
            }),
            further: Vec::new(),
            lifetimes: SessionLifetimes::default(),
            master_key: MasterKey::new([3; 32]),
            limits: SignInLimits {
                starts: 1_000,
                failures: 1_000,
                account_failures: 1_000,
            },
        };
        change(&mut settings);
        let (auth, router) = build(&db, &clock, settings);
        Self {
            db,
            tenant,
            issuer,
            clock,
            auth,
            router,
        }
    }

    /// A browser without cookies.
    pub(crate) fn browser(&self) -> Browser {
        Browser {
            router: self.router.clone(),
            jar: BTreeMap::new(),
            set: Vec::new(),
        }
    }

    /// The HTTP settings that the router was built with.
    pub(crate) fn http(&self) -> HttpSettings {
        http_settings(&self.auth.settings().site, &self.clock)
    }

    /// Sign-ins in the audit log, oldest first: outcome and reason.
    pub(crate) async fn sign_ins(&self) -> Vec<(String, String)> {
        sqlx::query_as(
            "SELECT outcome, coalesce(metadata->>'reason', '') FROM audit_log
              WHERE action = 'session.sign_in' ORDER BY seq",
        )
        .fetch_all(&self.db.admin)
        .await
        .unwrap()
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql)
            .fetch_one(&self.db.admin)
            .await
            .unwrap()
    }

    /// Denials in the audit log, including repeated ones that are only counted.
    pub(crate) async fn denials(&self) -> i64 {
        self.count(
            "SELECT (SELECT count(*) FROM audit_log WHERE outcome = 'denied')
                    + (SELECT coalesce(sum(repeats), 0)::bigint FROM audit_denials)",
        )
        .await
    }

    pub(crate) async fn sessions(&self) -> i64 {
        self.count("SELECT count(*) FROM web_sessions").await
    }
}

/// The auth state, and a router with each kind of route that the product has.
pub(crate) fn build(db: &TestDb, clock: &TestClock, settings: AuthSettings) -> (Auth, Router) {
    let http = http_settings(&settings.site, clock);
    let auth = Auth::new(ctx(db, clock.clock()), settings).unwrap();
    let router = router_of(&auth, Router::new(), http);
    (auth, router)
}

/// The context of the services, without a model.
pub(crate) fn ctx(db: &TestDb, clock: Clock) -> Ctx {
    let embedder = Embedder::off("Tests have no model.");
    Ctx::new(db.store.clone(), clock, Entropy::system(), embedder).with_public_url(ORIGIN)
}

fn http_settings(site: &Site, clock: &TestClock) -> HttpSettings {
    HttpSettings {
        site: site.clone(),
        trusted_proxies: Arc::new(["10.0.0.0/8".parse().unwrap()]),
        body_timeout: std::time::Duration::from_secs(30),
        body_bytes: 10_000,
        larger_bodies: Arc::new([LargerBody {
            path: "/memories/import",
            bytes: 100_000,
            refused: "/memories/import?error=too_large".into(),
        }]),
        clock: clock.clock(),
        ids: Ids::new(clock.clock(), Entropy::system()),
        requests: tokio_util::task::TaskTracker::new(),
    }
}

/// Pages, a server function, and an asset that needs no session.
pub(crate) fn router_of(auth: &Auth, more: Router, http: HttpSettings) -> Router {
    let people = Router::new()
        .route("/", get(who))
        .route("/sign-in", get(who))
        .route("/no-access", get(who))
        .route("/memories", any(who))
        .route("/memories/import", any(read_all))
        .route("/api/{*function}", any(who))
        .route("/facts", get(facts))
        .merge(auth.routes())
        .merge(more);
    let assets = Router::new().route(
        "/pkg/{*file}",
        get(|| async {
            (
                [(header::CACHE_CONTROL, "public, max-age=31536000, immutable")],
                "js",
            )
        }),
    );
    server::http::protect(auth.protect(people).merge(assets), http)
}

async fn who(
    Extension(actor): Extension<Option<Actor>>,
) -> ([(header::HeaderName, &'static str); 1], String) {
    let label = actor.map_or("nobody".to_owned(), |actor| actor.label);
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], label)
}

async fn facts(Extension(facts): Extension<RequestFacts>) -> String {
    format!(
        "{} {}",
        facts.ip.map_or("none".to_owned(), |ip| ip.to_string()),
        facts.user_agent.unwrap_or_default()
    )
}

async fn read_all(body: axum::body::Bytes) -> String {
    body.len().to_string()
}

/// Keeps cookies as a browser does.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) router: Router,
    pub(crate) jar: BTreeMap<String, String>,
    /// The `Set-Cookie` headers of the last answer.
    pub(crate) set: Vec<String>,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: header::HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn location(&self) -> &str {
        self.header("location")
    }
}

impl Browser {
    /// Opens a page.
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        let request = Request::get(path).header(header::ACCEPT, "text/html");
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Sends a form of our own pages.
    pub(crate) async fn post(&mut self, path: &str) -> Answer {
        let request = Request::post(path)
            .header(header::ACCEPT, "text/html")
            .header("sec-fetch-site", "same-origin");
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Sends any request with the browser's cookies.
    pub(crate) async fn send(&mut self, mut request: Request<Body>) -> Answer {
        if !self.jar.is_empty() && !request.headers().contains_key(header::COOKIE) {
            let cookies: Vec<_> = self.jar.iter().map(|(k, v)| format!("{k}={v}")).collect();
            request
                .headers_mut()
                .insert(header::COOKIE, cookies.join("; ").parse().unwrap());
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let answer = read(response).await;
        self.set = answer
            .headers
            .get_all(header::SET_COOKIE)
            .iter()
            .map(|value| value.to_str().unwrap().to_owned())
            .collect();
        for cookie in &self.set {
            let cookie = Cookie::parse(cookie).unwrap();
            let name = cookie.name();
            // Browsers ignore a `__Host-` cookie without Secure, including its removal.
            if name.starts_with("__Host-") && cookie.secure() != Some(true) {
                continue;
            }
            if cookie.value().is_empty() || cookie.max_age() == Some(time::Duration::ZERO) {
                self.jar.remove(name);
            } else {
                self.jar.insert(name.to_owned(), cookie.value().to_owned());
            }
        }
        answer
    }

    /// Starts a sign-in and returns the authorization request.
    pub(crate) async fn begin(&mut self, return_to: &str) -> Url {
        let path = format!(
            "/auth/login?{}",
            url::form_urlencoded::Serializer::new(String::new())
                .append_pair("return_to", return_to)
                .finish()
        );
        let answer = self.get(&path).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        answer
            .location()
            .parse()
            .unwrap_or_else(|_| panic!("{}", answer.location()))
    }

    /// Follows the issuer's redirect back with these parameters.
    pub(crate) async fn come_back(&mut self, parameters: &[(String, String)]) -> Answer {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parameters)
            .finish();
        self.get(&format!("/auth/callback?{query}")).await
    }

    /// Signs in completely.
    pub(crate) async fn sign_in(&mut self, issuer: &Issuer) -> Answer {
        let asked = self.begin("/memories").await;
        let parameters = issuer.agree(&asked);
        self.come_back(&parameters).await
    }

    /// The name that the pages show for the member.
    pub(crate) async fn who(&mut self) -> String {
        let answer = self.get("/").await;
        if answer.status == StatusCode::OK {
            answer.body
        } else {
            format!("→ {}", answer.location())
        }
    }
}

/// The content type of event streams.
const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");

pub(crate) async fn read(response: Response<Body>) -> Answer {
    let (parts, mut body) = response.into_parts();
    // A stream never ends by itself, so only its first frame is read.
    let bytes = if parts.headers.get(header::CONTENT_TYPE) == Some(&EVENTS) {
        body.frame().await.unwrap().unwrap().into_data().unwrap()
    } else {
        body.collect().await.unwrap().to_bytes()
    };
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8_lossy(&bytes).into_owned(),
    }
}

/// A request without the headers of a browser.
pub(crate) fn request(method: Method, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path)
}
