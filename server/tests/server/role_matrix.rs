//! Every page, every server function, the upload, the download and every REST
//! operation, tried with each system role: which of them it may call, and which permission
//! is missing. The outcome is a golden file, so a new function or a changed role
//! is a line of its diff.

use std::fmt::Write as _;

use crate::support::{self, Answer, App, Browser, ctx, product::product, request};
use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{Method, Request, header},
};
use domain::{
    AppError, RequestFacts,
    access::SystemRole,
    api_key::{ApiKeyInput, NEVER},
};
use leptos::server_fn::axum::server_fn_paths;
use leptos_axum::generate_route_list;
use serde_json::{Value, json};
use store::{actor::actor_find, testing::id};
use tower::ServiceExt as _;
use uuid::Uuid;

/// Arguments for all functions at once; each takes those that it knows. Any
/// argument without which a call doesn't reach authorisation must be here.
const ARGUMENTS: &str = "id=ID&owner=MEMBER&member=ID&memory=ID&request=ID&role=ID&version=1&current=1&holder_count=0&token=x\
     &theme=system&change=suspend&act=suspend&kind=service&tier=free&content=x&audience=org&decision=accept\
     &list[after]=&filter[kind]=";

/// The roles of the member who calls.
#[derive(Clone, Copy)]
enum CallerRole {
    Role(SystemRole),
    /// The owner's role, as an operator of the installation.
    Operator,
}

impl CallerRole {
    fn all() -> impl Iterator<Item = Self> {
        SystemRole::ALL
            .iter()
            .copied()
            .map(Self::Role)
            .chain([Self::Operator])
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Role(role) => role.key(),
            Self::Operator => "operator",
        }
    }
}

/// One member, who signs in once and is given one role after the other.
struct World {
    app: App,
    router: Router,
    browser: Browser,
    member: Uuid,
    key: String,
}

impl World {
    async fn new() -> Self {
        let app = App::start().await;
        let router = product(&app);
        let mut browser = app.browser();
        browser.router = router.clone();
        assert_eq!(browser.sign_in(&app.issuer).await.location(), "/memories");
        let member: Uuid = sqlx::query_scalar("SELECT id FROM users")
            .fetch_one(&app.db.admin)
            .await
            .unwrap();
        let context = ctx(&app.db, app.clock.clock());
        let facts = RequestFacts {
            request_id: id(),
            ip: None,
            user_agent: None,
            session_id: None,
            api_key_id: None,
        };
        let owner = actor_find(&app.db.store, app.tenant.id, member.into(), facts)
            .await
            .unwrap()
            .unwrap();
        let draft = ApiKeyInput {
            label: "Everything".into(),
            vendor: None,
            scopes: SystemRole::Owner
                .permissions()
                .iter()
                .map(|scope| scope.key().to_owned())
                .collect(),
            lifetime: NEVER.into(),
        };
        let key = service::call::<service::ApiKeyCreate>(&context, &owner, draft)
            .await
            .unwrap()
            .key;
        Self {
            app,
            router,
            browser,
            member,
            key,
        }
    }

    async fn execute(&self, sql: &'static str) {
        let query = sqlx::query(sql).bind(self.member);
        query.execute(&self.app.db.admin).await.unwrap();
    }

    async fn assign(&self, caller: CallerRole) {
        let role = match caller {
            CallerRole::Role(role) => role,
            CallerRole::Operator => SystemRole::Owner,
        };
        self.execute("DELETE FROM platform_operators WHERE user_id = $1")
            .await;
        self.execute("DELETE FROM user_roles WHERE user_id = $1")
            .await;
        sqlx::query(
            "INSERT INTO user_roles (tenant_id, user_id, role_id, source, granted_at)
             SELECT tenant_id, $1, id, 'manual', created_at FROM roles WHERE key = $2",
        )
        .bind(self.member)
        .bind(role.key())
        .execute(&self.app.db.admin)
        .await
        .unwrap();
        if matches!(caller, CallerRole::Operator) {
            self.execute(
                "INSERT INTO platform_operators (tenant_id, user_id, granted_at)
                 SELECT tenant_id, id, created_at FROM users WHERE id = $1",
            )
            .await;
        }
    }

    async fn function(&self, path: &str) -> Option<String> {
        let arguments = ARGUMENTS
            .replace("ID", &Uuid::nil().to_string())
            .replace("MEMBER", &self.member.to_string());
        // Two functions use this name for different arguments.
        let arguments = if path.starts_with("/api/memory_") {
            arguments.replace("kind=service", "kind=fact")
        } else {
            arguments
        };
        let call = request(Method::POST, path)
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(arguments));
        let answer = self.browser.clone().send(call.unwrap()).await;
        let error = serde_json::from_str::<AppError>(&answer.body).ok();
        assert!(
            !matches!(
                error,
                Some(AppError::Transport { .. } | AppError::Unauthenticated | AppError::Internal)
            ),
            "{path} did not arrive, name its arguments in ARGUMENTS: {}",
            answer.body
        );
        match error {
            Some(AppError::Forbidden { permission }) => Some(permission.key().to_owned()),
            _ => None,
        }
    }

    /// A page; objects that it is about do not exist.
    async fn page(&self, path: &str) -> Option<String> {
        let at = path
            .replace("{version}", "1")
            .replace("{id}", &Uuid::nil().to_string())
            .replace("{memory}", &Uuid::nil().to_string())
            .replace("{request}", &Uuid::nil().to_string());
        let answer = self.browser.clone().get(&at).await;
        if answer.status != 403 {
            // A bulk action is invalid without a choice of what to do.
            let is_expected = path == "/members/bulk";
            assert!(
                is_expected || matches!(answer.status.as_u16(), 200 | 404),
                "{at}: {} {}",
                answer.status,
                answer.body
            );
            return None;
        }
        let (_, text) = answer.body.split_once("You need the permission “").unwrap();
        let (_, text) = text.split_once("” (").unwrap();
        let (permission, _) = text.split_once(')').unwrap();
        Some(permission.to_owned())
    }

    /// The upload of a file of memories, which is the only form without a server function.
    async fn upload(&self) -> Option<String> {
        let body = "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.jsonl\"\r\n\r\n\
                    {\"content\": \"Tea at four\"}\r\n--x--\r\n";
        let call = request(Method::POST, "/memories/import")
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=x")
            .body(Body::from(body));
        let answer = self.browser.clone().send(call.unwrap()).await;
        if let Ok(AppError::Forbidden { permission }) = serde_json::from_str(&answer.body) {
            return Some(permission.key().to_owned());
        }
        let location = answer.location();
        assert!(location.starts_with("/memories/imports/"), "{location}");
        None
    }

    /// The export of a list.
    async fn download(&self, path: &str) -> Option<String> {
        let call = request(Method::GET, path).body(Body::empty());
        let answer = self.browser.clone().send(call.unwrap()).await;
        if let Ok(AppError::Forbidden { permission }) = serde_json::from_str(&answer.body) {
            return Some(permission.key().to_owned());
        }
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(answer.header("content-type").starts_with("text/csv"));
        None
    }

    async fn operation(&self, document: &Value, method: &Method, path: &str) -> Option<String> {
        let described =
            &document["paths"][path.trim_start_matches("/api/v1")][method.as_str().to_lowercase()];
        let (query, sample) = support::sample::request(document, described);
        let query = match path {
            "/api/v1/memories/export" => "format=csv".to_owned(),
            _ => query,
        };
        let body = match path {
            "/api/v1/imports" | "/api/v1/memories" => json!({ "content": "Tea at four" }),
            "/api/v1/service-accounts" => json!({ "name": "Exporter", "kind": "service" }),
            "/api/v1/group-mappings" => {
                json!({ "source": "group", "group_id": "Finance", "team": Uuid::nil() })
            }
            "/api/v1/memories/batch" => {
                json!({ "items": [{ "op": "create", "content": "Tea at four" }] })
            }
            "/api/v1/memories/{id}/versions/{version}/restore" => json!({ "current": 2 }),
            "/api/v1/members/bulk" | "/api/v1/members/bulk-preview" => {
                json!({ "act": "suspend", "ids": [Uuid::nil()] })
            }
            "/api/v1/api-keys" => json!({ "label": "Second", "scopes": ["profile.manage"] }),
            _ => sample,
        };
        let at = path
            .replace("{id}", &Uuid::nil().to_string())
            .replace("{user_id}", &Uuid::nil().to_string())
            .replace("{role_id}", &Uuid::nil().to_string())
            .replace("{session_id}", &Uuid::nil().to_string())
            .replace("{version}", "1");
        let mut call = Request::builder()
            .method(method)
            .uri(format!("{at}?{query}"))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.key))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        let peer: std::net::SocketAddr = "192.0.2.1:1".parse().unwrap();
        call.extensions_mut().insert(ConnectInfo(peer));
        let answer: Answer = support::read(self.router.clone().oneshot(call).await.unwrap()).await;
        let problem: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        assert_ne!(answer.status, 401, "{method} {path}: {}", answer.body);
        // Tests have no model, so no switch can start, and an action that is not
        // offered is invalid.
        let is_expected =
            path == "/api/v1/embedding-models" || problem["errors"][0]["field"] == "act";
        assert!(
            is_expected || !matches!(answer.status.as_u16(), 400 | 422 | 500),
            "{method} {path} did not arrive: {}",
            answer.body
        );
        (answer.status == 403).then(|| problem["permission"].as_str().unwrap().to_owned())
    }

    async fn document(&self) -> Value {
        let call = request(Method::GET, "/api/v1/openapi.json").body(Body::empty());
        let answer = self.browser.clone().send(call.unwrap()).await;
        serde_json::from_str(&answer.body).unwrap()
    }

    /// The operations in the OpenAPI document.
    fn operations(document: &Value) -> Vec<(Method, String)> {
        let paths = document["paths"].as_object().unwrap();
        paths
            .iter()
            .flat_map(|(path, item)| {
                let methods = item.as_object().unwrap().keys();
                methods.filter_map(move |method| {
                    let method = method.to_uppercase().parse().ok()?;
                    Some((method, format!("/api/v1{path}")))
                })
            })
            .collect()
    }
}

/// One line: `yes` or `-` for each role, and the missing permission.
fn line(name: &str, outcomes: &[Option<String>]) -> String {
    let mut line = format!("{name:<37} ");
    for outcome in outcomes {
        let _ = write!(line, "{:<9}", if outcome.is_some() { "-" } else { "yes" });
    }
    let mut missing: Vec<_> = outcomes.iter().flatten().cloned().collect();
    missing.sort_unstable();
    missing.dedup();
    let _ = write!(line, "{}", missing.join(" "));
    format!("{}\n", line.trim_end())
}

/// Files that pages offer.
const DOWNLOADS: &[&str] = &[
    "/memories/export/file?format=csv",
    "/export/all-keys.csv",
    "/export/audit.csv",
    "/export/invites.csv",
    "/export/keys.csv",
    "/export/members.csv",
    "/export/proposals.csv",
    "/export/teams.csv",
];

#[tokio::test]
async fn pages_and_functions_of_each_role_are_as_reviewed() {
    let world = World::new().await;
    let mut functions: Vec<_> = server_fn_paths().map(|(path, _)| path).collect();
    functions.sort_unstable();
    // Pages of members: the others show the same to everybody.
    let mut pages: Vec<_> = generate_route_list(app::App)
        .into_iter()
        .map(|route| route.path().to_owned())
        .filter(|path| {
            !["/sign-in", "/no-access", "/invite/{token}", "/{*any}"].contains(&path.as_str())
        })
        .collect();
    pages.sort_unstable();
    let document = world.document().await;
    let operations = World::operations(&document);
    assert!(functions.len() > 60 && operations.len() > 8 && pages.len() > 40);

    let mut by_page = vec![Vec::new(); pages.len()];
    let mut by_function = vec![Vec::new(); functions.len()];
    let mut by_upload = Vec::new();
    let mut by_download = vec![Vec::new(); DOWNLOADS.len()];
    let mut by_operation = vec![Vec::new(); operations.len()];
    for caller in CallerRole::all() {
        world.assign(caller).await;
        for (path, outcomes) in pages.iter().zip(&mut by_page) {
            outcomes.push(world.page(path).await);
        }
        for (path, outcomes) in functions.iter().zip(&mut by_function) {
            outcomes.push(world.function(path).await);
        }
        by_upload.push(world.upload().await);
        for (path, outcomes) in DOWNLOADS.iter().zip(&mut by_download) {
            outcomes.push(world.download(path).await);
        }
        for ((method, path), outcomes) in operations.iter().zip(&mut by_operation) {
            outcomes.push(world.operation(&document, method, path).await);
        }
    }

    let mut matrix = format!("{:<38}", "page, function or operation");
    for caller in CallerRole::all() {
        let _ = write!(matrix, "{:<9}", caller.name());
    }
    matrix.push_str("missing\n");
    for (path, outcomes) in pages.iter().zip(&by_page) {
        matrix.push_str(&line(path, outcomes));
    }
    for (path, outcomes) in functions.iter().zip(&by_function) {
        matrix.push_str(&line(path, outcomes));
    }
    matrix.push_str(&line("POST /memories/import", &by_upload));
    for (path, outcomes) in DOWNLOADS.iter().zip(&by_download) {
        matrix.push_str(&line(&format!("GET {path}"), outcomes));
    }
    for ((method, path), outcomes) in operations.iter().zip(&by_operation) {
        matrix.push_str(&line(&format!("{method} {path}"), outcomes));
    }
    insta::assert_snapshot!("role_matrix", matrix);
}
