//! SQL of a member's request can do no more inside the organisation than the
//! service allows. Each denial is next to what is allowed.

use domain::{
    Actor, MemoryId, Permission,
    access::SystemRole,
    audit::Outcome,
    memory::{MemoryText, NewMemory, Origin},
};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use store::{
    Login,
    audit::{AuditEvent, audit_append},
    memory::memory_create,
    testing::{NOW, TestDb, TestTenant, id},
};
use uuid::Uuid;

/// The error code of a missing privilege, and of a policy that denies.
const DENIED: &str = "42501";

struct World {
    db: TestDb,
    acme: TestTenant,
    mia: Actor,
    ada: Actor,
}

impl World {
    async fn new() -> Self {
        let db = TestDb::new().await;
        let acme = db.tenant("acme").await;
        let mia = acme.actor(SystemRole::Member, "Mia").await;
        let ada = acme.actor(SystemRole::Admin, "Ada").await;
        Self { db, acme, mia, ada }
    }

    /// A connection with the settings of `actor`, without the store.
    async fn connect(&self, actor: &Actor) -> PgConnection {
        let options = self.db.login_options(Login::App);
        let mut conn = PgConnection::connect_with(&options).await.unwrap();
        let permissions: Vec<_> = actor.permissions.iter().map(|p| p.key()).collect();
        sqlx::query(
            "SELECT set_config('role', 'atrium_app', false), set_config('app.current_tenant_id', $1, false),
                    set_config('app.current_user_id', $2, false), set_config('app.permissions', $3, false),
                    set_config('app.current_team_ids', '{}', false), set_config('app.led_team_ids', '{}', false)",
        )
        .bind(actor.tenant_id.to_string())
        .bind(actor.user_id.to_string())
        .bind(permissions.join(","))
        .execute(&mut conn)
        .await
        .unwrap();
        conn
    }

    async fn memory(&self, actor: &Actor) -> MemoryId {
        let memory = NewMemory::of(
            MemoryText::new("", "A thought".into(), "fact", &[]).unwrap(),
            Origin::Dashboard,
        );
        let memory_id = id();
        let mut tx = self.db.store.begin(actor).await.unwrap();
        memory_create(&mut tx, memory_id, &memory, NOW)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        memory_id
    }
}

/// The number of rows that a statement reached, or its error code. Changes are kept.
async fn tried(conn: &mut PgConnection, sql: &str) -> Result<u64, String> {
    match sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(conn)
        .await
    {
        Ok(done) => Ok(done.rows_affected()),
        Err(error) => {
            let refusal = error
                .as_database_error()
                .unwrap_or_else(|| panic!("{sql}: {error}"));
            Err(refusal.code().unwrap_or_default().into_owned())
        }
    }
}

fn denied() -> Result<u64, String> {
    Err(DENIED.to_owned())
}

/// SQL that inserts a reply to `root` by `actor`.
fn reply(actor: &Actor, reply: Uuid, root: MemoryId, visibility: &str) -> String {
    format!(
        "INSERT INTO memories (tenant_id, id, user_id, kind, title, content, tags, visibility, origin, importance,
                               version, created_at, updated_at, allowed_vendors, parent_id)
         VALUES ('{}', '{reply}', '{}', 'fact', '', 'x', '{{}}', '{visibility}', 'dashboard', 0.5, 1, now(), now(),
                 '{{*}}', '{root}')",
        actor.tenant_id, actor.user_id
    )
}

#[tokio::test]
async fn reply_is_never_more_visible_than_its_root() {
    let world = World::new().await;
    let (mia, max) = (
        &world.mia,
        &world.acme.actor(SystemRole::Member, "Max").await,
    );
    let (own, foreign, shared) = (
        world.memory(mia).await,
        world.memory(max).await,
        world.memory(max).await,
    );
    sqlx::query("UPDATE memories SET visibility = 'org', shared_at = now() WHERE id = $1")
        .bind(shared)
        .execute(&world.db.admin)
        .await
        .unwrap();
    let visibility = async |reply: Uuid| -> String {
        sqlx::query_scalar("SELECT visibility FROM memories WHERE id = $1")
            .bind(reply)
            .fetch_one(&world.db.admin)
            .await
            .unwrap()
    };
    let mut conn = world.connect(mia).await;
    for root in [own, foreign, shared] {
        assert_eq!(
            tried(&mut conn, &reply(mia, id(), root, "org")).await,
            denied()
        );
    }
    for (root, becomes) in [
        (own, Some("private")),
        (foreign, None),
        (shared, Some("org")),
    ] {
        let made: Uuid = id();
        assert_eq!(
            tried(&mut conn, &reply(mia, made, root, "private")).await,
            Ok(1)
        );
        let publish = format!("SELECT memory_reply_publish('{made}')");
        let published = tried(&mut conn, &publish).await;
        assert_eq!(published.is_ok(), becomes.is_some(), "{published:?}");
        assert_eq!(visibility(made).await, becomes.unwrap_or("private"));
        // Nobody else can publish the reply.
        let mut other = world.connect(&world.ada).await;
        assert_eq!(tried(&mut other, &publish).await, denied());
    }
    let mut reader = mia.clone();
    reader.permissions.remove(&Permission::MemoryShare);
    let mut conn = world.connect(&reader).await;
    let made: Uuid = id();
    tried(&mut conn, &reply(mia, made, shared, "private"))
        .await
        .unwrap();
    let publish = format!("SELECT memory_reply_publish('{made}')");
    assert_eq!(tried(&mut conn, &publish).await, denied());
    assert_eq!(visibility(made).await, "private");
}

#[tokio::test]
async fn nobody_acts_in_another_members_name() {
    let world = World::new().await;
    let (mia, ada) = (&world.mia, &world.ada);
    let memory = world.memory(ada).await;
    let mut conn = world.connect(ada).await;
    let tenant = ada.tenant_id;
    let as_named = |name: &Actor| {
        let (me, name) = (ada.user_id, name.user_id);
        [
            (
                "memory_versions.changed_by",
                format!(
                    "INSERT INTO memory_versions (tenant_id, memory_id, version, user_id, kind, title, content, tags,
                                                  visibility, origin, changed_by, changed_at)
                     SELECT tenant_id, id, 7, user_id, kind, title, content, tags, visibility, origin, '{name}', now()
                       FROM memories WHERE id = '{memory}'"
                ),
            ),
            (
                "user_roles.granted_by",
                format!(
                    "INSERT INTO user_roles (tenant_id, user_id, role_id, source, granted_by, granted_at)
                     SELECT tenant_id, '{me}', id, 'scim', '{name}', now() FROM roles WHERE key = 'viewer'"
                ),
            ),
            (
                "embedding_models.created_by",
                format!(
                    "INSERT INTO embedding_models (tenant_id, id, source, model, dimensions, is_shortened, slot, status,
                                                   failures, created_by, created_at)
                     VALUES ('{tenant}', gen_random_uuid(), 'local', 'x', 384, false, 'b', 'building', 0, '{name}', now())"
                ),
            ),
            (
                "api_keys.created_by",
                format!(
                    "INSERT INTO api_keys (tenant_id, id, user_id, label, prefix, key_hash, scopes, created_by, created_at,
                                           vendor)
                     VALUES ('{tenant}', gen_random_uuid(), '{me}', 'x', 'x', sha256('x'), '{{}}', '{name}', now(), 'other')"
                ),
            ),
            (
                "invites.invited_by of a new one",
                format!(
                    "INSERT INTO invites (tenant_id, id, token_hash, invited_by, renewals, status, created_at, expires_at)
                     VALUES ('{tenant}', gen_random_uuid(), sha256('x'), '{name}', 0, 'pending', now(), now())"
                ),
            ),
            (
                "invites.invited_by of an existing one",
                format!("UPDATE invites SET invited_by = '{name}'"),
            ),
            (
                "audit_log.actor_user_id",
                format!(
                    "SELECT audit_append('{tenant}', ARRAY[now()], ARRAY['{name}'::uuid], '{{human}}', '{{x}}', '{{null}}',
                                         '{{null}}', '{{null}}', '{{null}}', '{{a.b}}', '{{null}}', '{{null}}',
                                         '{{success}}', '{{info}}', '{{null}}', '{{null}}')"
                ),
            ),
        ]
    };
    // In the actor's own name first, because the update needs the invite.
    for ((what, own), (_, forged)) in as_named(ada).iter().zip(&as_named(mia)) {
        let done = tried(&mut conn, own).await;
        assert_eq!(done, Ok(1), "{what} in one's own name");
        assert_eq!(
            tried(&mut conn, forged).await,
            denied(),
            "{what} in another's"
        );
    }
    let accept = format!(
        "UPDATE invites SET status = 'accepted', accepted_at = now(), accepted_by = '{}'",
        mia.user_id
    );
    assert_eq!(
        tried(&mut conn, &accept).await,
        denied(),
        "only a system transaction sees who accepts"
    );
    let revoke = "UPDATE invites SET status = 'revoked'";
    assert_eq!(tried(&mut conn, revoke).await, Ok(1));
}

#[tokio::test]
async fn any_inviter_revokes_an_invite_and_renews_it_in_their_own_name_only() {
    let world = World::new().await;
    let olga = world.acme.actor(SystemRole::Owner, "Olga").await;
    let mut conn = world.connect(&olga).await;
    let make = format!(
        "INSERT INTO invites (tenant_id, id, token_hash, invited_by, renewals, status, created_at, expires_at)
         VALUES ('{}', gen_random_uuid(), sha256('x'), '{}', 0, 'pending', now(), now())",
        olga.tenant_id, olga.user_id
    );
    assert_eq!(tried(&mut conn, &make).await, Ok(1));
    let mut conn = world.connect(&world.ada).await;
    // A link of one's own that would use the owner's permissions.
    let steal = "UPDATE invites SET token_hash = sha256('mine')";
    assert_eq!(tried(&mut conn, steal).await, denied());
    let renew = format!("{steal}, invited_by = '{}'", world.ada.user_id);
    assert_eq!(tried(&mut conn, &renew).await, Ok(1));
    let revoke = "UPDATE invites SET status = 'revoked'";
    assert_eq!(tried(&mut conn, revoke).await, Ok(1));
}

#[tokio::test]
async fn key_can_not_exceed_its_creators_permissions() {
    let world = World::new().await;
    let mia = &world.mia;
    let mut conn = world.connect(mia).await;
    let make = |scopes: &str| {
        format!(
            "INSERT INTO api_keys (tenant_id, id, user_id, label, prefix, key_hash, scopes, created_by, created_at, vendor)
             VALUES ('{0}', gen_random_uuid(), '{1}', 'x', 'x', sha256('{scopes}'), '{{{scopes}}}', '{1}', now(), 'other')",
            mia.tenant_id, mia.user_id
        )
    };
    let held = Permission::MemoryRead.key();
    assert_eq!(tried(&mut conn, &make(held)).await, Ok(1));
    for beyond in ["member.manage", "system", "no.such_permission"] {
        assert_eq!(tried(&mut conn, &make(beyond)).await, denied(), "{beyond}");
        let mixed = format!("{held},{beyond}");
        assert_eq!(tried(&mut conn, &make(&mixed)).await, denied(), "{mixed}");
    }
}

#[tokio::test]
async fn audit_log_is_readable_with_the_permission_or_about_oneself() {
    let world = World::new().await;
    let (mia, ada) = (&world.mia, &world.ada);
    let mut tx = world.db.store.begin_as_system(world.acme.id).await.unwrap();
    let read_of = |member: &Actor| AuditEvent {
        metadata: Some(json!({ "member": member.user_id, "memory": Uuid::nil() })),
        ..AuditEvent::by_actor(ada, "break_glass.read", Outcome::Success, NOW)
    };
    let events = [
        AuditEvent::by_actor(ada, "team.create", Outcome::Success, NOW),
        AuditEvent::by_actor(mia, "memory.create", Outcome::Success, NOW),
        AuditEvent {
            metadata: Some(json!({ "member": mia.user_id })),
            ..AuditEvent::by_actor(ada, "member.suspend", Outcome::Denied, NOW)
        },
        read_of(mia),
        read_of(ada),
    ];
    audit_append(&mut tx, &events).await.unwrap();
    tx.commit().await.unwrap();

    let seen = async |actor: &Actor| -> (Vec<i64>, i64) {
        let mut conn = world.connect(actor).await;
        let rows = sqlx::query_scalar("SELECT seq FROM audit_log ORDER BY seq")
            .fetch_all(&mut conn)
            .await
            .unwrap();
        let heads = sqlx::query_scalar("SELECT count(*) FROM audit_heads")
            .fetch_one(&mut conn)
            .await
            .unwrap();
        (rows, heads)
    };
    assert_eq!(seen(ada).await, (vec![1, 2, 3, 4, 5], 1));
    // Her own actions, and who read her memories.
    assert_eq!(seen(mia).await, (vec![2, 4], 0));
    let mut without = ada.clone();
    without.permissions.remove(&Permission::AuditRead);
    assert_eq!(seen(&without).await, (vec![1, 3, 4, 5], 0));
    let vera = world.acme.actor(SystemRole::Viewer, "Vera").await;
    assert_eq!(seen(&vera).await, (vec![], 0));
}

#[tokio::test]
async fn worker_finds_members_with_pending_memories_and_reads_no_vector() {
    let world = World::new().await;
    world.memory(&world.mia).await;
    let mut conn = world.db.connection_for("atrium_worker").await.unwrap();
    tried(
        &mut conn,
        "SELECT set_config('role', 'atrium_worker', false)",
    )
    .await
    .unwrap();
    for read in [
        "embedding_a",
        "embedding_b",
        "content",
        "title",
        "user_id",
        "search",
    ] {
        let sql = format!("SELECT {read} FROM memories");
        assert_eq!(tried(&mut conn, &sql).await, denied(), "{read}");
    }
    assert_eq!(
        tried(&mut conn, "SELECT tenant_id, expires_at FROM memories").await,
        Ok(1)
    );
    let owners: Vec<Uuid> = sqlx::query_scalar("SELECT memory_embedding_owners($1, 'a', false)")
        .bind(world.acme.id)
        .fetch_all(&mut conn)
        .await
        .unwrap();
    assert_eq!(owners, [world.mia.user_id.0]);
    let mut conn = world.connect(&world.mia).await;
    let call = "SELECT memory_embedding_owners(gen_random_uuid(), 'a', false)";
    assert_eq!(tried(&mut conn, call).await, denied());
}
