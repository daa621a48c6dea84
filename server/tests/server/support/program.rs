//! API clients of the product's own router: keys, calls and errors.

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{Method, Request, StatusCode, header, request::Builder},
};
use domain::{
    Actor, MemoryId, Permission, UserId,
    access::SystemRole,
    api_key::{ApiKeyInput, CreatedApiKey, NEVER},
    memory::MemoryInput,
    share::{Audience, ShareInput, ShareOutcome},
};
use serde_json::Value;
use tower::ServiceExt as _;

use super::{Answer, App, ctx, product::product, read, request};

/// Atrium with an owner who can create keys.
pub(crate) struct World {
    pub(crate) app: App,
    pub(crate) router: Router,
    pub(crate) owner: Actor,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(product).await
    }

    pub(crate) async fn with(router: impl FnOnce(&App) -> Router) -> Self {
        let app = App::start().await;
        let owner = app.tenant.actor(SystemRole::Owner, "Olga").await;
        let router = router(&app);
        Self { app, router, owner }
    }

    pub(crate) fn ctx(&self) -> service::Ctx {
        ctx(&self.app.db, self.app.clock.clock())
    }

    /// A key of the owner with these scopes.
    pub(crate) async fn key(&self, scopes: &[Permission]) -> CreatedApiKey {
        self.key_of(&self.owner, scopes).await
    }

    pub(crate) async fn key_of(&self, actor: &Actor, scopes: &[Permission]) -> CreatedApiKey {
        self.key_for(actor, scopes, "").await
    }

    /// A key for `vendor`.
    pub(crate) async fn key_for(
        &self,
        actor: &Actor,
        scopes: &[Permission],
        vendor: &str,
    ) -> CreatedApiKey {
        let draft = ApiKeyInput {
            label: "Test".into(),
            vendor: Some(vendor.into()),
            // Permissions that no key can hold are left out.
            scopes: scopes
                .iter()
                .filter(|scope| scope.is_for_roles())
                .map(|scope| scope.key().into())
                .collect(),
            lifetime: NEVER.into(),
        };
        service::call::<service::ApiKeyCreate>(&self.ctx(), actor, draft)
            .await
            .unwrap()
    }

    /// A service account with a role.
    pub(crate) async fn service(&self, role: SystemRole) -> UserId {
        let service = self.app.tenant.actor(role, "Exporter").await.user_id;
        sqlx::query("UPDATE users SET kind = 'service' WHERE id = $1")
            .bind(service.0)
            .execute(&self.app.db.admin)
            .await
            .unwrap();
        service
    }

    pub(crate) async fn send(&self, request: Builder, body: impl Into<Body>) -> Answer {
        self.request(request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn request(&self, mut request: Request<Body>) -> Answer {
        let peer: std::net::SocketAddr = "192.0.2.1:1".parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
        read(self.router.clone().oneshot(request).await.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str, key: &str) -> Answer {
        self.send(with_key(Method::GET, path, key), Body::empty())
            .await
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        key: &str,
        idempotency: &str,
        body: &Value,
    ) -> Answer {
        let mut request =
            with_key(Method::POST, path, key).header(header::CONTENT_TYPE, "application/json");
        if !idempotency.is_empty() {
            request = request.header("idempotency-key", idempotency);
        }
        self.send(request, body.to_string()).await
    }

    /// A call with a JSON body.
    pub(crate) async fn call(&self, method: Method, path: &str, key: &str, body: &Value) -> Answer {
        let request = with_key(method, path, key).header(header::CONTENT_TYPE, "application/json");
        self.send(request, body.to_string()).await
    }

    /// The response body of a call that must succeed.
    pub(crate) async fn done(&self, method: Method, path: &str, key: &str, body: &Value) -> Value {
        let answer = self.call(method, path, key, body).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.body);
        serde_json::from_str(&answer.body).unwrap_or_default()
    }

    /// The response body of a GET that must succeed.
    pub(crate) async fn look(&self, path: &str, key: &str) -> Value {
        let answer = self.get(path, key).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }

    /// Makes a member of a team lead it.
    pub(crate) async fn lead(&self, actor: &Actor) {
        sqlx::query("UPDATE team_members SET role = 'lead' WHERE user_id = $1")
            .bind(actor.user_id)
            .execute(&self.app.db.admin)
            .await
            .unwrap();
    }

    /// A private memory of a member.
    pub(crate) async fn memory_of(&self, actor: &Actor, content: &str) -> MemoryId {
        memory(&self.ctx(), actor, content).await
    }

    pub(crate) async fn document(&self) -> Value {
        let answer = self
            .send(request(Method::GET, "/api/v1/openapi.json"), Body::empty())
            .await;
        assert_eq!(answer.status, StatusCode::OK);
        serde_json::from_str(&answer.body).unwrap()
    }

    pub(crate) async fn keys(&self) -> i64 {
        self.app.count("SELECT count(*) FROM api_keys").await
    }
}

/// A private memory of a member.
pub(crate) async fn memory(ctx: &service::Ctx, actor: &Actor, content: &str) -> MemoryId {
    let input = MemoryInput {
        content: content.into(),
        ..MemoryInput::default()
    };
    let created = service::call::<service::MemoryCreate>(ctx, actor, input).await;
    created.unwrap().id
}

/// Shares a memory, or proposes it.
pub(crate) async fn share(
    ctx: &service::Ctx,
    actor: &Actor,
    (id, version): (MemoryId, i32),
    audience: Audience,
    comment: &str,
) -> ShareOutcome {
    let input = ShareInput {
        id,
        version,
        audience,
        comment: comment.into(),
    };
    let outcome = service::call::<service::MemoryShare>(ctx, actor, input).await;
    outcome.unwrap()
}

/// Settings for golden files of responses: ids and keys are random and replaced.
/// Times are kept, because the clock stands still.
pub(crate) fn without_ids() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "[id]");
    settings.add_filter("atr_[0-9A-Za-z]+", "atr_[key]");
    settings
}

/// A request with a key.
pub(crate) fn with_key(method: Method, path: &str, key: &str) -> Builder {
    request(method, path).header(header::AUTHORIZATION, format!("Bearer {key}"))
}

/// The body of an error response, after checking the form that all have.
#[track_caller]
pub(crate) fn problem(answer: &Answer, status: u16, code: &str) -> Value {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let problem: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(problem["status"], status);
    assert_eq!(problem["code"], code, "{problem}");
    assert_eq!(problem["type"], format!("/reference#{code}"));
    assert_eq!(problem["request_id"], answer.header("x-request-id"));
    assert!(!problem["detail"].as_str().unwrap().is_empty());
    problem
}
