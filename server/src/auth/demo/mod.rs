//! The demo's own issuer, so that signing in uses the same OpenID Connect code
//! as in production. Mounted by `--demo` only: it asks for no password.

mod page;
mod people;
mod tokens;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Form, Json, Router,
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::Timestamp;
use openidconnect::{
    AuthUrl, EndSessionUrl, IssuerUrl, JsonWebKeySetUrl, LogoutProviderMetadata,
    ProviderMetadataWithLogout, ResponseTypes, Scope, TokenUrl,
    core::{
        CoreClientAuthMethod, CoreGrantType, CoreJsonWebKeySet, CoreJwsSigningAlgorithm,
        CoreResponseType, CoreSubjectIdentifierType,
    },
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use service::{Clock, Ids};
use subtle::ConstantTimeEq as _;
use url::Url;

pub use people::{DemoCast, DemoKind, DemoPerson, DemoTenant};

use super::settings::{IssuerKind, OidcSettings, PRIMARY};
use crate::http::Site;

/// The path at which the issuer is mounted.
const PATH: &str = "/demo/issuer";
const CLIENT_ID: &str = "atrium-demo";
const CODE_LIFETIME: time::Duration = time::Duration::minutes(1);
/// Maximum number of unredeemed codes; further ones are dropped.
const MAX_CODES: usize = 1_000;

/// The issuer that `--demo` mounts.
#[derive(Clone)]
pub struct DemoIssuer(Arc<Inner>);

struct Inner {
    site: Site,
    issuer: IssuerUrl,
    client_secret: String,
    style: String,
    cast: &'static DemoCast,
    signer: tokens::Signer,
    clock: Clock,
    ids: Ids,
    codes: Mutex<HashMap<String, Code>>,
}

/// An unredeemed code.
struct Code {
    subject: &'static str,
    nonce: Option<String>,
    challenge: String,
    expires_at: Timestamp,
}

#[derive(Debug, thiserror::Error)]
#[error("the demo's issuer can't be set up: {0}")]
pub struct DemoIssuerError(String);

impl DemoIssuer {
    /// Generates keys and a client secret for this run. `style` is the path of
    /// the product's style sheet.
    ///
    /// # Errors
    /// If no signing key could be generated.
    pub fn new(
        site: Site,
        style: &str,
        kind: DemoKind,
        clock: Clock,
        ids: Ids,
    ) -> Result<Self, DemoIssuerError> {
        let issuer = IssuerUrl::new(format!("{}{PATH}", site.origin()))
            .map_err(|error| DemoIssuerError(error.to_string()))?;
        Ok(Self(Arc::new(Inner {
            site,
            issuer,
            client_secret: URL_SAFE_NO_PAD.encode(ids.bytes::<32>()),
            style: style.to_owned(),
            cast: kind.cast(),
            signer: tokens::Signer::generate().map_err(DemoIssuerError)?,
            clock,
            ids,
            codes: Mutex::default(),
        })))
    }

    /// Settings with which Atrium signs in with this issuer.
    pub fn oidc_settings(&self) -> OidcSettings {
        OidcSettings {
            name: PRIMARY.to_owned(),
            label: "Sign in".to_owned(),
            directories: Vec::new(),
            issuer: self.0.issuer.to_string(),
            kind: IssuerKind::Generic,
            client_id: CLIENT_ID.to_owned(),
            client_secret: Some(SecretString::from(self.0.client_secret.clone())),
            scopes: vec!["profile".to_owned(), "email".to_owned()],
            default_role: None,
            tenants: self
                .0
                .cast
                .tenants
                .iter()
                .map(|tenant| tenant.slug.to_owned())
                .collect(),
            graph_url: None,
        }
    }

    /// The routes under `/demo/issuer`.
    pub fn routes(&self) -> Router {
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks", get(jwks))
            .route("/authorize", get(authorize).post(choose))
            .route("/token", post(token))
            .route("/logout", get(logout))
            .with_state(self.clone());
        Router::new().nest(PATH, routes)
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", *self.0.issuer)
    }

    fn redirect_uri(&self) -> Url {
        self.0.site.at("/auth/callback")
    }
}

async fn discovery(State(demo): State<DemoIssuer>) -> Result<Response, DemoError> {
    let internal_error = |_| DemoError::Internal;
    let document = ProviderMetadataWithLogout::new(
        demo.0.issuer.clone(),
        AuthUrl::new(demo.at("/authorize")).map_err(internal_error)?,
        JsonWebKeySetUrl::new(demo.at("/jwks")).map_err(internal_error)?,
        vec![ResponseTypes::new(vec![CoreResponseType::Code])],
        vec![CoreSubjectIdentifierType::Public],
        vec![CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256],
        LogoutProviderMetadata {
            end_session_endpoint: Some(
                EndSessionUrl::new(demo.at("/logout")).map_err(internal_error)?,
            ),
            additional_metadata: openidconnect::EmptyAdditionalProviderMetadata {},
        },
    )
    .set_token_endpoint(Some(
        TokenUrl::new(demo.at("/token")).map_err(internal_error)?,
    ))
    .set_grant_types_supported(Some(vec![CoreGrantType::AuthorizationCode]))
    .set_scopes_supported(Some(
        ["openid", "profile", "email"]
            .map(|s| Scope::new(s.to_owned()))
            .to_vec(),
    ))
    .set_token_endpoint_auth_methods_supported(Some(vec![CoreClientAuthMethod::ClientSecretBasic]));
    Ok(Json(document).into_response())
}

async fn jwks(State(demo): State<DemoIssuer>) -> Json<CoreJsonWebKeySet> {
    Json(demo.0.signer.keys())
}

/// An authorization request (RFC 6749, RFC 7636).
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Authorize {
    response_type: String,
    client_id: String,
    redirect_uri: String,
    scope: String,
    state: Option<String>,
    nonce: Option<String>,
    code_challenge: String,
    code_challenge_method: String,
}

impl Authorize {
    /// Fails unless Atrium could have sent this request.
    fn check(&self, demo: &DemoIssuer) -> Result<(), DemoError> {
        let is_valid = self.response_type == "code"
            && self.client_id == CLIENT_ID
            && self.redirect_uri == demo.redirect_uri().as_str()
            && self.scope.split(' ').any(|scope| scope == "openid")
            && self.code_challenge_method == "S256"
            && self.code_challenge.len() == 43;
        if is_valid {
            Ok(())
        } else {
            Err(DemoError::InvalidRequest)
        }
    }
}

async fn authorize(
    State(demo): State<DemoIssuer>,
    request: Result<Query<Authorize>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, DemoError> {
    let Query(request) = request.map_err(|_| DemoError::InvalidRequest)?;
    request.check(&demo)?;
    let mut response = Html(page::choose(&demo.0.style, demo.0.cast, &request)).into_response();
    let policy = HeaderValue::from_static(page::POLICY);
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

#[derive(Debug, Deserialize)]
struct Choice {
    person: String,
    #[serde(flatten)]
    request: Authorize,
}

async fn choose(
    State(demo): State<DemoIssuer>,
    choice: Result<Form<Choice>, axum::extract::rejection::FormRejection>,
) -> Result<Response, DemoError> {
    let Form(Choice { person, request }) = choice.map_err(|_| DemoError::InvalidRequest)?;
    request.check(&demo)?;
    let mut target = demo.redirect_uri();
    let person = demo.0.cast.person(&person);
    {
        let mut query = target.query_pairs_mut();
        if let Some(person) = person {
            let code = URL_SAFE_NO_PAD.encode(demo.0.ids.bytes::<32>());
            query.append_pair("code", &code);
            let now = demo.0.clock.now();
            let pending = Code {
                subject: person.subject,
                nonce: request.nonce.clone(),
                challenge: request.code_challenge.clone(),
                expires_at: now + CODE_LIFETIME,
            };
            let mut codes = demo.0.codes.lock().unwrap_or_else(PoisonError::into_inner);
            codes.retain(|_, code| code.expires_at > now);
            if codes.len() < MAX_CODES {
                codes.insert(code, pending);
            }
        } else {
            query.append_pair("error", "access_denied");
        }
        if let Some(state) = &request.state {
            query.append_pair("state", state);
        }
        query.append_pair("iss", &demo.0.issuer);
    }
    Ok(Redirect::to(target.as_str()).into_response())
}

#[derive(Debug, Deserialize)]
struct TokenRequest {
    grant_type: String,
    code: String,
    redirect_uri: String,
    code_verifier: String,
}

async fn token(
    State(demo): State<DemoIssuer>,
    headers: HeaderMap,
    request: Result<Form<TokenRequest>, axum::extract::rejection::FormRejection>,
) -> Result<Response, DemoError> {
    if !is_our_client(&headers, &demo.0.client_secret) {
        return Err(DemoError::Token(StatusCode::UNAUTHORIZED, "invalid_client"));
    }
    let invalid = DemoError::Token(StatusCode::BAD_REQUEST, "invalid_request");
    let Form(request) = request.map_err(|_| invalid)?;
    if request.grant_type != "authorization_code" {
        return Err(DemoError::Token(
            StatusCode::BAD_REQUEST,
            "unsupported_grant_type",
        ));
    }
    let code = demo
        .0
        .codes
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .remove(&request.code);
    let now = demo.0.clock.now();
    let code = code
        .filter(|code| code.expires_at > now)
        .filter(|code| code.challenge == tokens::challenge(&request.code_verifier))
        .filter(|_| request.redirect_uri == demo.redirect_uri().as_str());
    let person = code
        .as_ref()
        .and_then(|code| demo.0.cast.person(code.subject));
    let (Some(code), Some(person)) = (code, person) else {
        return Err(DemoError::Token(StatusCode::BAD_REQUEST, "invalid_grant"));
    };
    let access_token = URL_SAFE_NO_PAD.encode(demo.0.ids.bytes::<32>());
    let answer = demo
        .0
        .signer
        .answer(
            &demo.0.issuer,
            CLIENT_ID,
            person,
            code.nonce,
            access_token,
            now,
        )
        .ok_or(DemoError::Internal)?;
    Ok(Json(answer).into_response())
}

/// Checks `Authorization: Basic` (RFC 6749).
fn is_our_client(headers: &HeaderMap, secret: &str) -> bool {
    let credentials = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Basic "))
        .and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok());
    let expected = format!("{CLIENT_ID}:{secret}");
    credentials.is_some_and(|credentials| credentials.ct_eq(expected.as_bytes()).into())
}

#[derive(Debug, Deserialize)]
struct Logout {
    post_logout_redirect_uri: Option<String>,
}

/// The issuer has no sessions, so this only redirects back, and only to
/// Atrium's own site.
async fn logout(State(demo): State<DemoIssuer>, Query(request): Query<Logout>) -> Redirect {
    let target = request
        .post_logout_redirect_uri
        .filter(|url| demo.0.site.owns(url));
    Redirect::to(target.as_deref().unwrap_or("/"))
}

#[derive(Clone, Copy, Debug)]
enum DemoError {
    /// A request that Atrium would not send.
    InvalidRequest,
    /// An error response of the token endpoint (RFC 6749).
    Token(StatusCode, &'static str),
    Internal,
}

impl IntoResponse for DemoError {
    fn into_response(self) -> Response {
        match self {
            Self::InvalidRequest => {
                let message =
                    "This is the demo's sign-in. It opens from Atrium's own sign-in page.";
                (StatusCode::BAD_REQUEST, Html(page::refusal(message))).into_response()
            }
            Self::Token(status, code) => {
                (status, Json(serde_json::json!({ "error": code }))).into_response()
            }
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}
