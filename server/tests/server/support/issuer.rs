//! An OpenID Connect issuer that misbehaves as planned.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Form, Json, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use url::Url;

use super::keys::{Sign, rsa_jwk};

pub(crate) const CLIENT_ID: &str = "atrium-test";
pub(crate) const CLIENT_SECRET: &str = "a secret of the test client: 32 bytes and more";

/// The behaviour of the issuer. The default is correct.
pub(crate) struct Plan {
    pub(crate) subject: String,
    pub(crate) sign: Sign,
    /// `kid` of the token's header.
    pub(crate) kid: Option<String>,
    pub(crate) jwks: Vec<Value>,
    /// Changes the token's claims before signing.
    pub(crate) claims: fn(&mut Value, &Context),
    /// Changes the token's header.
    pub(crate) header: fn(&mut Value, &Context),
    /// Changes the discovery document.
    pub(crate) discovery: fn(&mut Value),
    /// Changes the token endpoint's answer.
    pub(crate) answer: fn(&mut Value),
    /// Runs just before signing.
    pub(crate) before_signing: fn(&mut Plan),
    /// Every endpoint but the token endpoint fails.
    pub(crate) is_down: bool,
    /// Sends a refresh token.
    pub(crate) gives_refresh: bool,
    /// Replaces the refresh token at each use; the earlier one is used up.
    pub(crate) rotates_refresh: bool,
    /// An error response to the use of a refresh token.
    pub(crate) refuses_refresh: Option<(StatusCode, &'static str)>,
    /// How long a refresh takes.
    pub(crate) refresh_takes: Duration,
    /// What Graph answers to the request for page `n`.
    pub(crate) graph: fn(usize, &Context) -> Response,
}

/// Facts for a misbehaviour to build on.
pub(crate) struct Context {
    pub(crate) now: i64,
    pub(crate) base: String,
}

fn nothing(_: &mut Value, _: &Context) {}

impl Default for Plan {
    fn default() -> Self {
        Self {
            subject: "mia".into(),
            sign: Sign::Rs256(0),
            kid: Some("key-0".into()),
            jwks: vec![rsa_jwk(0, Some("key-0"))],
            claims: nothing,
            header: nothing,
            discovery: |_| {},
            answer: |_| {},
            before_signing: |_| {},
            is_down: false,
            gives_refresh: false,
            rotates_refresh: true,
            refuses_refresh: None,
            refresh_takes: Duration::ZERO,
            graph: |_, _| Json(json!({ "value": [] })).into_response(),
        }
    }
}

/// A running issuer.
#[derive(Clone)]
pub(crate) struct Issuer {
    pub(crate) url: String,
    inner: Arc<Inner>,
}

struct Inner {
    plan: Mutex<Plan>,
    codes: Mutex<HashMap<String, Value>>,
    codes_made: AtomicUsize,
    /// Valid refresh tokens.
    refresh_tokens: Mutex<HashSet<String>>,
    refreshes: AtomicUsize,
    logout_tokens_made: AtomicUsize,
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    base: String,
    pub(crate) discoveries: AtomicUsize,
    pub(crate) jwks_fetches: AtomicUsize,
    pub(crate) foreign_fetches: AtomicUsize,
    token_requests: AtomicUsize,
    graph_requests: AtomicUsize,
}

impl Issuer {
    pub(crate) async fn start(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let inner = Arc::new(Inner {
            plan: Mutex::default(),
            codes: Mutex::default(),
            codes_made: AtomicUsize::new(0),
            refresh_tokens: Mutex::default(),
            refreshes: AtomicUsize::new(0),
            logout_tokens_made: AtomicUsize::new(0),
            now: Arc::new(now),
            base: base.clone(),
            discoveries: AtomicUsize::new(0),
            jwks_fetches: AtomicUsize::new(0),
            foreign_fetches: AtomicUsize::new(0),
            token_requests: AtomicUsize::new(0),
            graph_requests: AtomicUsize::new(0),
        });
        let issuer = Self { url: base, inner };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route(
                "/{directory}/v2.0/.well-known/openid-configuration",
                get(discovery),
            )
            .route("/jwks", get(jwks))
            .route("/foreign-jwks", get(foreign_jwks))
            .route("/foreign-graph", any(foreign_graph))
            .route("/graph/v1.0/me/transitiveMemberOf", get(graph))
            .route("/token", post(token))
            .with_state(issuer.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        issuer
    }

    /// Changes the behaviour from now on.
    pub(crate) fn plan(&self, change: impl FnOnce(&mut Plan)) {
        change(&mut self.inner.plan.lock().unwrap());
    }

    /// Returns to the default behaviour.
    pub(crate) fn behave(&self) {
        *self.inner.plan.lock().unwrap() = Plan::default();
    }

    pub(crate) fn discoveries(&self) -> usize {
        self.inner.discoveries.load(Ordering::SeqCst)
    }

    pub(crate) fn jwks_fetches(&self) -> usize {
        self.inner.jwks_fetches.load(Ordering::SeqCst)
    }

    pub(crate) fn foreign_fetches(&self) -> usize {
        self.inner.foreign_fetches.load(Ordering::SeqCst)
    }

    pub(crate) fn token_requests(&self) -> usize {
        self.inner.token_requests.load(Ordering::SeqCst)
    }

    pub(crate) fn refreshes(&self) -> usize {
        self.inner.refreshes.load(Ordering::SeqCst)
    }

    /// A logout token signed as planned, after `change`.
    pub(crate) fn logout_token(
        &self,
        claims: impl FnOnce(&mut Value),
        header: impl FnOnce(&mut Value),
    ) -> String {
        let n = self.inner.logout_tokens_made.fetch_add(1, Ordering::SeqCst);
        let now = self.context().now;
        let mut token = json!({
            "iss": self.inner.base,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 120,
            "jti": format!("logout-{n}"),
            "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
        });
        claims(&mut token);
        let plan = self.inner.plan.lock().unwrap();
        let mut head = json!({ "alg": plan.sign.alg(), "typ": "logout+jwt" });
        if let Some(kid) = &plan.kid {
            head["kid"] = json!(kid);
        }
        header(&mut head);
        plan.sign.token(&head, &token)
    }

    pub(crate) fn graph_requests(&self) -> usize {
        self.inner.graph_requests.load(Ordering::SeqCst)
    }

    fn context(&self) -> Context {
        Context {
            now: (self.inner.now)().unix_timestamp(),
            base: self.inner.base.clone(),
        }
    }

    /// The person agrees at this issuer: returns the parameters of the redirect back.
    pub(crate) fn agree(&self, authorize: &Url) -> Vec<(String, String)> {
        let asked: HashMap<_, _> = authorize.query_pairs().into_owned().collect();
        assert_eq!(asked["response_type"], "code");
        assert_eq!(asked["code_challenge_method"], "S256");
        assert!(asked["scope"].split(' ').any(|s| s == "openid"));
        let code = format!(
            "code-{}",
            self.inner.codes_made.fetch_add(1, Ordering::SeqCst)
        );
        self.inner
            .codes
            .lock()
            .unwrap()
            .insert(code.clone(), json!(asked));
        vec![
            ("code".into(), code),
            ("state".into(), asked["state"].clone()),
        ]
    }
}

async fn discovery(State(issuer): State<Issuer>, uri: axum::http::Uri) -> Response {
    issuer.inner.discoveries.fetch_add(1, Ordering::SeqCst);
    let plan = issuer.inner.plan.lock().unwrap();
    if plan.is_down {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    let base = &issuer.inner.base;
    let mut document = json!({
        "issuer": format!("{base}{}", uri.path().trim_end_matches("/.well-known/openid-configuration")),
        "authorization_endpoint": format!("{base}/authorize"),
        "token_endpoint": format!("{base}/token"),
        "jwks_uri": format!("{base}/jwks"),
        "end_session_endpoint": format!("{base}/logout"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    });
    (plan.discovery)(&mut document);
    Json(document).into_response()
}

async fn jwks(State(issuer): State<Issuer>) -> Response {
    issuer.inner.jwks_fetches.fetch_add(1, Ordering::SeqCst);
    let plan = issuer.inner.plan.lock().unwrap();
    if plan.is_down {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    Json(json!({ "keys": plan.jwks })).into_response()
}

async fn foreign_jwks(State(issuer): State<Issuer>) -> Json<Value> {
    issuer.inner.foreign_fetches.fetch_add(1, Ordering::SeqCst);
    Json(json!({ "keys": [rsa_jwk(1, Some("foreign"))] }))
}

/// An endpoint that a token names and that must never be called.
async fn foreign_graph(State(issuer): State<Issuer>) -> Json<Value> {
    issuer.inner.foreign_fetches.fetch_add(1, Ordering::SeqCst);
    Json(json!({ "value": [{ "id": "foreign" }] }))
}

async fn graph(
    State(issuer): State<Issuer>,
    headers: HeaderMap,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    issuer.inner.graph_requests.fetch_add(1, Ordering::SeqCst);
    assert_eq!(headers["authorization"], "Bearer an access token");
    let context = issuer.context();
    let page = query.get("page").map_or(0, |page| page.parse().unwrap());
    let plan = issuer.inner.plan.lock().unwrap();
    (plan.graph)(page, &context)
}

async fn token(
    State(issuer): State<Issuer>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    issuer.inner.token_requests.fetch_add(1, Ordering::SeqCst);
    let refuse =
        |error: &str| (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response();
    let encoded =
        |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let basic = format!("{}:{}", encoded(CLIENT_ID), encoded(CLIENT_SECRET));
    let basic = format!(
        "Basic {}",
        base64::engine::general_purpose::STANDARD.encode(basic)
    );
    if headers["authorization"] != *basic {
        return refuse("invalid_client");
    }
    let nonce = if form["grant_type"] == "refresh_token" {
        issuer.inner.refreshes.fetch_add(1, Ordering::SeqCst);
        let (takes, refusal, rotates) = {
            let plan = issuer.inner.plan.lock().unwrap();
            (
                plan.refresh_takes,
                plan.refuses_refresh,
                plan.rotates_refresh,
            )
        };
        tokio::time::sleep(takes).await;
        if let Some((status, error)) = refusal {
            return (status, Json(json!({ "error": error }))).into_response();
        }
        let mut good = issuer.inner.refresh_tokens.lock().unwrap();
        let used = &form["refresh_token"];
        if !good.contains(used) {
            return refuse("invalid_grant");
        }
        if rotates {
            good.remove(used);
        }
        None
    } else {
        let Some(asked) = issuer.inner.codes.lock().unwrap().remove(&form["code"]) else {
            return refuse("invalid_grant");
        };
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
        if asked["code_challenge"] != *challenge || asked["redirect_uri"] != *form["redirect_uri"] {
            return refuse("invalid_grant");
        }
        Some(asked["nonce"].clone())
    };

    let mut plan = issuer.inner.plan.lock().unwrap();
    let before_signing = plan.before_signing;
    before_signing(&mut plan);
    let context = issuer.context();
    let now = context.now;
    let mut claims = json!({
        "iss": issuer.inner.base,
        "aud": CLIENT_ID,
        "sub": plan.subject,
        "iat": now,
        "exp": now + 300,
        "name": "Mia Muster",
        "email": "mia@example.test",
    });
    let is_renewal = nonce.is_none();
    if let Some(nonce) = nonce {
        claims["nonce"] = nonce;
    }
    (plan.claims)(&mut claims, &context);
    let mut header = json!({ "alg": plan.sign.alg(), "typ": "JWT" });
    if let Some(kid) = &plan.kid {
        header["kid"] = json!(kid);
    }
    (plan.header)(&mut header, &context);
    let mut answer = json!({
        "access_token": "an access token",
        "token_type": "Bearer",
        "expires_in": 300,
        "id_token": plan.sign.token(&header, &claims),
    });
    if plan.gives_refresh && (plan.rotates_refresh || !is_renewal) {
        let mut good = issuer.inner.refresh_tokens.lock().unwrap();
        let n = issuer.inner.codes_made.fetch_add(1, Ordering::SeqCst);
        let refresh = format!("refresh-{n}");
        answer["refresh_token"] = json!(refresh);
        good.insert(refresh);
    }
    (plan.answer)(&mut answer);
    Json(answer).into_response()
}
