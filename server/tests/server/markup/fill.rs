//! An organisation in which every text column holds one word.

use axum::{
    body::Body,
    http::{Method, StatusCode, header},
};
use domain::{
    MemoryId,
    access::SystemRole,
    memory::{MemoryInput, MemoryPatch},
    share::Audience,
};
use serde_json::Value;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::support::{Answer, App, Browser, ctx, product::product, program::share, request};

/// The word in all texts.
pub(crate) const WORD: &str = "Quartz";

/// Text columns that can't hold the word, besides those whose values a CHECK
/// lists: what they hold and why no user's text gets into them.
const NO_WORDS: &[(&str, &str)] = &[
    ("api_keys.prefix", "made by us"),
    ("api_keys.scopes", "names of permissions"),
    ("audit_checkpoints.note", "signed by us, never shown"),
    (
        "audit_denials.actor_label",
        "written into the audit log before it is shown",
    ),
    (
        "audit_denials.reason",
        "our names, and addresses without their ids",
    ),
    ("audit_log.resource_id", "ids"),
    ("audit_log.resource_type", "our names"),
    (
        "embedding_models.base_url",
        "an address that was parsed, instead of an endpoint's name",
    ),
    ("idempotency_keys.key", "never shown"),
    (
        "imports.choice",
        "read before the import runs; its words are in the preview's address",
    ),
    ("jobs.dedupe_key", "made by us"),
    ("jobs.locked_by", "made by us"),
    ("jobs.payload", "ids"),
    ("jobs.result", "counts"),
    ("login_attempts.issuer", "never shown"),
    ("login_attempts.issuer_name", "never shown"),
    ("login_attempts.nonce", "never shown"),
    ("login_attempts.pkce_verifier", "never shown"),
    ("login_attempts.return_to", "never shown"),
    ("memory_lexemes.lexeme", "never shown"),
    (
        "memory_proposals.attributes",
        "a time, a number, the keys of vendors and an address",
    ),
    ("memory_proposals.kind", "a kind, as memories have it"),
    ("memory_versions.kind", "a kind, as memories have it"),
    ("memory_versions.origin", "an origin, as memories have it"),
    (
        "memory_versions.visibility",
        "a visibility, as memories have it",
    ),
    ("roles.permissions", "names of permissions"),
    ("tenants.settings", "parsed settings"),
    (
        "user_preferences.time_zone",
        "a name from the database's list",
    ),
    ("identities.issuer", "never shown"),
    ("identities.subject", "never shown"),
    ("web_sessions.issuer_name", "never shown"),
    ("web_sessions.oidc_issuer", "never shown"),
    ("web_sessions.oidc_sid", "never shown"),
    ("web_sessions.oidc_subject", "never shown"),
];

/// Pages whose address contains no id.
const PLAIN_PAGES: &[&str] = &[
    "/sign-in?return_to=/memories%3Fq=Quartz&error=Quartz",
    "/no-access",
    "/",
    "/memories",
    "/memories?query=Quartz",
    "/memories?tag=again",
    "/memories?show=trash",
    "/memories/new",
    "/memories/views",
    "/memories/export?query=Quartz",
    "/memories/import",
    "/memories/proposals",
    "/memories/personas",
    "/members?query=Quartz",
    "/members",
    "/invites",
    "/invites/new",
    "/teams",
    "/roles",
    "/roles/new",
    "/groups",
    "/groups/new",
    "/keys",
    "/keys/all",
    "/keys/new",
    "/keys/services",
    "/keys/services/new",
    "/connect",
    "/settings",
    "/settings/embedding",
    "/audit",
    "/audit?action=Quartz",
    "/isolation",
    "/operator",
    "/operator?query=Quartz",
    "/operator/new",
    "/organisations",
    "/reference",
    "/notifications",
    "/profile",
    "/nowhere",
];

pub(crate) struct Filled {
    app: App,
    /// An owner who is also an operator of the installation.
    pub(crate) browser: Browser,
    /// The address of every page, with the ids of the filled rows.
    pub(crate) pages: Vec<String>,
    /// A second member.
    pub(crate) member: Uuid,
    pub(crate) viewer_role: Uuid,
}

impl Filled {
    pub(crate) async fn new() -> Self {
        let app = App::start().await;
        app.issuer.plan(|plan| {
            plan.claims = |claims, _| {
                claims["name"] = format!("Mia {WORD}").into();
                claims["email"] = format!("{WORD}@acme.example").into();
                claims["groups"] = serde_json::json!([format!("{WORD} readers")]);
                claims["roles"] = serde_json::json!([format!("{WORD}.Reader")]);
            };
        });
        let mut browser = app.browser();
        browser.router = product(&app);
        let agent = format!("Netscape/4.0 ({WORD})");
        let asked = browser.begin("/memories").await;
        let back = app.issuer.agree(&asked);
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&back)
            .finish();
        let callback = request(Method::GET, &format!("/auth/callback?{query}"))
            .header(header::ACCEPT, "text/html")
            .header(header::USER_AGENT, agent);
        let answer = browser.send(callback.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.location(), "/memories", "{}", answer.body);
        let mut filled = Self {
            app,
            browser,
            pages: Vec::new(),
            member: Uuid::nil(),
            viewer_role: Uuid::nil(),
        };
        filled.fill().await;
        filled
    }

    async fn fill(&mut self) {
        let member = self
            .app
            .tenant
            .actor(SystemRole::Member, &format!("Cleo {WORD}"))
            .await;
        self.member = member.user_id.into();
        self.execute(
            "INSERT INTO platform_operators (tenant_id, user_id, granted_at)
             SELECT tenant_id, id, created_at FROM users WHERE display_name LIKE 'Mia%'",
        )
        .await;
        let me = self
            .id("SELECT id FROM users WHERE display_name LIKE 'Mia%'")
            .await;
        self.viewer_role = self
            .id("SELECT id FROM roles WHERE key = 'viewer' AND is_system")
            .await;
        self.pages = PLAIN_PAGES.iter().map(|&page| page.to_owned()).collect();
        self.call("team_create", &format!("name=Team {WORD}")).await;
        let team = self.id("SELECT id FROM teams").await;
        self.call("team_member_change", &format!("id={team}&member={me}"))
            .await;
        let bulk = self.bulk(self.member, team).await;
        self.pages.push(bulk);
        self.fill_memories().await;
        self.fill_access(me, team).await;
        self.fill_imports().await;
        self.fill_past_forms().await;
    }

    /// Memories with their replies, versions and saved views.
    async fn fill_memories(&mut self) {
        let member = self.member;
        self.call(
            "persona_create",
            &format!("name={WORD}&description=About {WORD}"),
        )
        .await;
        let persona = self.id("SELECT id FROM personas").await;
        let text = format!(
            "title=Title {WORD}&content=Content {WORD}&kind=fact&tags={WORD}&source_url=https://wiki.example/{WORD}&keep=always&persona_id={persona}&importance=0.5&vendors=any"
        );
        self.call("memory_create", &text).await;
        let memory = self.id("SELECT id FROM memories").await;
        let more = format!("id={memory}&version=1&reason=Because {WORD}&{text}");
        self.call(
            "memory_update",
            &more
                .replace("tags=", "tags=again,")
                .replace("Content", "Changed content"),
        )
        .await;
        self.call(
            "memory_share",
            &format!("id={memory}&version=2&audience=org&comment=Please {WORD}"),
        )
        .await;
        self.call("memory_reply", &format!("id={memory}&content=Reply {WORD}"))
            .await;
        self.call("memory_create", &text.replace("Title", "Second"))
            .await;
        let second = self
            .id("SELECT id FROM memories WHERE title LIKE 'Second%'")
            .await;
        self.call("memory_create", &text.replace("Title", "Gone"))
            .await;
        let gone = self
            .id("SELECT id FROM memories WHERE title LIKE 'Gone%'")
            .await;
        self.call("memory_delete", &format!("id={gone}")).await;
        self.call(
            "memory_view_create",
            &format!("name={WORD}&shown=query={WORD}"),
        )
        .await;
        let (change, proposal, private) = self.fill_proposals().await;
        self.pages.extend([
            format!("/memories?like={second}"),
            format!("/memories?done=memory_deleted&memory={gone}"),
            format!("/memories/proposals/{proposal}"),
            format!("/memories/proposals/{change}"),
            format!("/memories/personas/{persona}"),
            format!("/memories/{memory}"),
            format!("/memories/{second}"),
            format!("/memories/{gone}"),
            format!("/memories/{memory}/edit"),
            format!("/memories/{memory}/versions/1"),
            format!("/members/{member}/break-glass/{private}"),
        ]);
    }

    /// A pending proposal of each kind: of a change and of a memory, and the id of
    /// that memory.
    async fn fill_proposals(&mut self) -> (Uuid, Uuid, Uuid) {
        for (title, decision) in [("Declined", "decline"), ("Changed", "accept")] {
            let memory = self.propose(title).await;
            let id = self
                .id("SELECT id FROM memory_proposals WHERE status = 'pending'")
                .await;
            let decide = format!("id={id}&decision={decision}&comment=Because {WORD}");
            self.call("proposal_decide", &decide).await;
            if decision == "accept" {
                self.propose_change(memory).await;
            }
        }
        let change = self
            .id("SELECT id FROM memory_proposals WHERE status = 'pending'")
            .await;
        self.propose("Proposed").await;
        let private = self
            .id("SELECT id FROM memories WHERE title LIKE 'Proposed%'")
            .await;
        let proposal = self
            .id("SELECT id FROM memory_proposals WHERE status = 'pending' AND replaces IS NULL")
            .await;
        (change, proposal, private)
    }

    /// Roles, teams, invites, keys and other organisations.
    async fn fill_access(&mut self, me: Uuid, team: Uuid) {
        let member = self.member;
        self.call(
            "role_create",
            &format!("name=Role {WORD}&description=For {WORD}&permissions[0]=memory.read"),
        )
        .await;
        let role = self.id("SELECT id FROM roles WHERE NOT is_system").await;
        // A permission that no role has by default.
        self.execute(
            "UPDATE roles SET permissions = permissions || ARRAY['memory.break_glass'] WHERE NOT is_system;
             INSERT INTO user_roles (tenant_id, user_id, role_id, source, granted_at)
             SELECT u.tenant_id, u.id, r.id, 'manual', u.created_at
               FROM users u JOIN roles r ON r.tenant_id = u.tenant_id AND NOT r.is_system
              WHERE u.display_name LIKE 'Mia%'",
        )
        .await;
        self.call(
            "invite_create",
            &format!("emails={WORD}@acme.example&role={role}&team={team}&days=7"),
        )
        .await;
        let invite = self.id("SELECT id FROM invites").await;
        self.call(
            "group_mapping_save",
            &format!(
                "source=group&group_id={WORD} readers&label=Group {WORD}&role={role}&priority=1"
            ),
        )
        .await;
        let mapping = self.id("SELECT id FROM group_mappings").await;
        self.call(
            "api_key_create",
            &format!(
                "owner={me}&label=Key {WORD}&scopes[0]=memory.read&vendor=other&lifetime=never"
            ),
        )
        .await;
        let key = self.id("SELECT id FROM api_keys").await;
        self.call(
            "service_account_create",
            &format!("name=Service {WORD}&kind=service"),
        )
        .await;
        self.call(
            "break_glass_open",
            &format!("id={member}&reason=An audit of {WORD}&minutes=60"),
        )
        .await;
        self.call(
            "tenant_create",
            &format!("name=Globex {WORD}&slug=globex&email={WORD}@globex.example"),
        )
        .await;
        let globex = self
            .id("SELECT id FROM tenants WHERE slug = 'globex'")
            .await;
        self.call(
            "tenant_suspend",
            &format!("id={globex}&reason=Unpaid {WORD}"),
        )
        .await;
        let link = self.invite_link(invite).await;
        self.pages.push(link);
        self.pages.extend([
            format!("/members/bulk?ids={member}&act=suspend"),
            format!("/members/{member}/break-glass"),
            format!("/members/{member}/offboard"),
            format!("/members/{member}"),
            format!("/members/{me}"),
            format!("/invites/{invite}"),
            format!("/teams/{team}"),
            format!("/roles/{role}"),
            format!(
            "/groups/preview?id={mapping}&source=group&group_id=Quartz&label=Quartz&role={role}",
            ),
            format!("/groups/{mapping}"),
            format!("/keys/{key}"),
            format!("/operator/{globex}"),
            format!("/operator/{globex}/delete"),
        ]);
    }

    async fn fill_imports(&mut self) {
        let ended = self.upload(&format!("First {WORD}"), "plain_text").await;
        self.call("import_confirm", &format!("id={ended}")).await;
        let file = format!("id,title,content\n1,Row {WORD},From a file {WORD}\n");
        let waiting = self.upload(&file, "csv").await;
        self.pages.extend([
            format!("/memories/imports/{waiting}"),
            format!("/memories/imports/{ended}"),
        ]);
    }

    /// Columns that no form writes.
    async fn fill_past_forms(&self) {
        for statement in [
            "UPDATE memories SET source_session_id = 'Session Quartz'",
            "UPDATE tenants SET name = 'Acme Quartz' WHERE slug = 'acme'",
            "UPDATE users SET avatar_url = 'https://acme.example/Quartz'",
            "UPDATE users SET email = 'Quartz@acme.example'",
            "UPDATE memory_proposals SET to_visibility = 'team', team_name = 'Team Quartz' WHERE status = 'declined'",
            "UPDATE jobs SET error = 'It broke: Quartz', status = 'dead', attempts = 3, finished_at = now()",
            r#"UPDATE imports SET report = '{"imported": 0, "duplicates": 0, "failed": 1, "problems": [{"line": 1, "reason": "Row Quartz"}]}'
                WHERE state = 'started'"#,
            "INSERT INTO embedding_models (tenant_id, id, source, endpoint, model, dimensions, is_shortened, slot, status, failures, created_at, problem, retry_at)
             SELECT id, gen_random_uuid(), 'endpoint', 'Service Quartz', 'Model Quartz', 100, false, 'b', 'building', 1, now(), 'Away: Quartz', now() FROM tenants WHERE slug = 'acme'",
        ] {
            self.execute(statement).await;
        }
    }

    /// Proposes a memory of the member to the whole organisation.
    async fn propose(&self, title: &str) -> MemoryId {
        let ctx = ctx(&self.app.db, self.app.clock.clock());
        let actor = self.app.tenant.actor_of(self.member.into()).await;
        let input = memory_input(title);
        let memory = service::call::<service::MemoryCreate>(&ctx, &actor, input)
            .await
            .unwrap();
        let comment = format!("Please, {WORD}");
        share(&ctx, &actor, (memory.id, 1), Audience::Org, &comment).await;
        memory.id
    }

    /// Changes a shared memory of the member, which needs a review.
    async fn propose_change(&self, memory: MemoryId) {
        let ctx = ctx(&self.app.db, self.app.clock.clock());
        let actor = self.app.tenant.actor_of(self.member.into()).await;
        let input = memory_input("Changed again");
        let patch = MemoryPatch {
            title: Some(input.title),
            content: Some(input.content),
            tags: Some(input.tags),
            ..MemoryPatch::new(memory, 2)
        };
        service::call::<service::MemoryUpdate>(&ctx, &actor, patch)
            .await
            .unwrap();
    }

    async fn execute(&self, statement: &str) {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
            .execute(&self.app.db.admin)
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    }

    async fn id(&self, query: &'static str) -> Uuid {
        sqlx::query_scalar(query)
            .fetch_one(&self.app.db.admin)
            .await
            .unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// Calls a server function as the pages' own scripts do.
    async fn call(&mut self, function: &str, arguments: &str) {
        let body = arguments.replace(' ', "+");
        let call = request(Method::POST, &format!("/api/{function}"))
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = self
            .browser
            .send(call.body(Body::from(body)).unwrap())
            .await;
        assert!(answer.status.is_success(), "{function}: {}", answer.body);
    }

    /// Posts a form to a page, as a browser without scripts does.
    pub(crate) async fn post(&mut self, page: &str, body: String) -> Answer {
        let form = request(Method::POST, page)
            .header("sec-fetch-site", "same-origin")
            .header("sec-fetch-mode", "navigate")
            .header(header::ACCEPT, "text/html")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.browser
            .send(form.body(Body::from(body)).unwrap())
            .await
    }

    async fn upload(&mut self, file: &str, format: &str) -> Uuid {
        let body = format!(
            "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{WORD}.csv\"\r\n\r\n{file}\r\n\
             --x\r\ncontent-disposition: form-data; name=\"format\"\r\n\r\n{format}\r\n--x--\r\n"
        );
        let call = request(Method::POST, "/memories/import")
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=x");
        let answer = self
            .browser
            .send(call.body(Body::from(body)).unwrap())
            .await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        self.id("SELECT id FROM imports ORDER BY id DESC LIMIT 1")
            .await
    }

    /// The address of the page with the outcome of a bulk action.
    async fn bulk(&mut self, member: Uuid, team: Uuid) -> String {
        let page = format!("/members/bulk?ids={member}&act=team:{team}");
        let form = format!("call=member_bulk_apply&act=team:{team}&ids[]={member}");
        let answer = self.post(&page, form).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        answer.location().to_owned()
    }

    /// The address of an invite link's page.
    async fn invite_link(&mut self, invite: Uuid) -> String {
        let form = format!("call=invite_renew&id={invite}&days=7");
        let answer = self.post(&format!("/invites/{invite}"), form).await;
        // Its token begins like that of no other link.
        let (_, rest) = answer
            .body
            .split_once("/invite/atri_")
            .unwrap_or_else(|| panic!("{} {}", answer.status, answer.body));
        let token: String = rest
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
            .collect();
        format!("/invite/atri_{token}")
    }

    /// How many roles have been granted.
    pub(crate) async fn role_count(&self) -> i64 {
        self.app.count("SELECT count(*) FROM user_roles").await
    }

    /// Replaces the word by `markup` in every column that holds it, or by `short`
    /// where `markup` is too long.
    pub(crate) async fn replace_word(&self, markup: &str, short: &str) {
        let columns: Vec<(String, String, String, bool)> = sqlx::query_as(
            "SELECT c.relname::text, quote_ident(a.attname), format_type(a.atttypid, NULL),
                    EXISTS (SELECT FROM pg_constraint k
                             WHERE k.conrelid = c.oid AND k.contype = 'c' AND k.conkey = ARRAY[a.attnum]
                               AND pg_get_constraintdef(k.oid) ~ '= ANY \\(ARRAY|~ ''\\^|<@ ''\\{')
               FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
              WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                AND c.relname NOT IN ('_sqlx_migrations', '_schema_files')
                AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
                AND format_type(a.atttypid, NULL) IN ('text', 'text[]', 'jsonb')
              ORDER BY 1, 2",
        )
        .fetch_all(&self.app.db.admin)
        .await
        .unwrap();
        let mut conn = self.app.db.admin.acquire().await.unwrap();
        // Triggers must not process the new text.
        sqlx::raw_sql("SET session_replication_role = replica")
            .execute(&mut *conn)
            .await
            .unwrap();
        let escaped = Value::from(markup).to_string();
        let escaped = escaped.trim_matches('"');
        let mut without = Vec::new();
        for (table, column, kind, is_closed) in columns {
            let name = format!("{table}.{}", column.trim_matches('"'));
            if is_closed || NO_WORDS.iter().any(|(known, _)| *known == name) {
                continue;
            }
            let markup = match name.as_str() {
                "personas.name" | "memory_views.name" => short,
                _ => markup,
            };
            let (value, by) = match kind.as_str() {
                "text" => (format!("replace({column}, $1, $2)"), markup),
                "jsonb" => (format!("replace({column}::text, $1, $2)::jsonb"), escaped),
                _ => (
                    format!(
                        "ARRAY(SELECT replace(word, $1, $2) FROM unnest({column}) AS words (word))"
                    ),
                    markup,
                ),
            };
            let update = format!(
                "UPDATE {table} SET {column} = {value} WHERE {column}::text LIKE '%' || $1 || '%'"
            );
            let done = sqlx::query(AssertSqlSafe(update))
                .bind(WORD)
                .bind(by)
                .execute(&mut *conn)
                .await
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            if done.rows_affected() == 0 {
                without.push(name);
            }
        }
        sqlx::raw_sql("RESET session_replication_role")
            .execute(&mut *conn)
            .await
            .unwrap();
        assert!(
            without.is_empty(),
            "write the word into these columns in fill.rs, or say in NO_WORDS why none can be there: {without:?}"
        );
    }
}

/// A memory with this title.
fn memory_input(title: &str) -> MemoryInput {
    MemoryInput {
        title: format!("{title} {WORD}"),
        content: format!("{title}: {WORD}"),
        tags: vec![format!("tag {WORD}")],
        ..MemoryInput::default()
    }
}
