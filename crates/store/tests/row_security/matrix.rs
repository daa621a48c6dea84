//! SEC-C3: every table × role × verb, on an own row, a colleague's, another
//! tenant's, and without a tenant. If a policy depends on permissions, each
//! system role is tried with its own. The outcome is a golden file, so that a new
//! table or a wider grant shows up in review.

use std::{collections::HashMap, fmt::Write as _};

use domain::access::SystemRole;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use store::{catalogue::EXCEPTIONS, testing::TestDb};

use crate::rows::{Maker, RowValues, Table, tables};

const ROLES: [&str; 11] = [
    "atrium_app",
    "atrium_auth",
    "atrium_worker",
    "atrium_operator",
    "atrium_search",
    "atrium_audit",
    "atrium_handover",
    "atrium_purge",
    "atrium_session",
    "atrium_sharing",
    "atrium_trash",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Select,
    SelectForUpdate,
    Insert,
    InsertOnConflict,
    Update,
    UpdateTenant,
    Delete,
}

impl Verb {
    const ALL: [Self; 7] = [
        Self::Select,
        Self::SelectForUpdate,
        Self::Insert,
        Self::InsertOnConflict,
        Self::Update,
        Self::UpdateTenant,
        Self::Delete,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Select => "select",
            Self::SelectForUpdate => "select for update",
            Self::Insert => "insert",
            Self::InsertOnConflict => "insert on conflict",
            Self::Update => "update",
            Self::UpdateTenant => "update of tenant",
            Self::Delete => "delete",
        }
    }

    /// The policy command that, if open, reaches other tenants.
    const fn command(self) -> &'static str {
        match self {
            Self::Select => "select",
            Self::Insert => "insert",
            Self::Delete => "delete",
            Self::SelectForUpdate | Self::InsertOnConflict | Self::Update | Self::UpdateTenant => {
                "update"
            }
        }
    }
}

/// The relation between the settings and the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    /// The row belongs to the tenant in the settings.
    Own,
    /// The same, but the settings name another member, who is in no team.
    Colleague,
    /// The row is of another tenant.
    Other,
    /// There are no settings.
    Unset,
}

impl Target {
    const ALL: [Self; 4] = [Self::Own, Self::Colleague, Self::Other, Self::Unset];
}

/// The permissions that a statement is tried with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PermissionSet {
    /// Of a system transaction, or of a database role that ignores permissions.
    Atrium,
    /// Of a member with this role.
    Member(SystemRole),
}

impl PermissionSet {
    /// The permission sets that matter for a database role.
    fn of(role: &str) -> Vec<Self> {
        let members = SystemRole::ALL.iter().copied().map(Self::Member);
        let members = members.filter(|_| role == "atrium_app");
        std::iter::once(Self::Atrium).chain(members).collect()
    }

    /// The value of the setting `app.permissions`.
    fn permissions(self) -> String {
        match self {
            Self::Atrium => "system".to_owned(),
            Self::Member(role) => {
                let keys: Vec<_> = role.permissions().iter().map(|p| p.key()).collect();
                keys.join(",")
            }
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Atrium => "atrium",
            Self::Member(role) => role.key(),
        }
    }
}

/// The result of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// It reached a row.
    Yes,
    /// No row was visible.
    Nothing,
    /// A policy denied the new row.
    Walled,
    /// The privilege is missing.
    Denied,
}

impl Outcome {
    const fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::Nothing => "nothing",
            Self::Walled => "walled",
            Self::Denied => "denied",
        }
    }
}

/// What a role may name in a table.
struct Reach {
    /// A column that it may update, or any column if there is none.
    update_column: String,
    /// True if it may read the primary key, so that a single row can be picked.
    reads_key: bool,
}

impl Reach {
    async fn of(conn: &mut PgConnection, table: &Table, role: &str) -> Self {
        let key = table.tenant_column().unwrap_or(&table.primary_key[0]);
        let mut update_column = None;
        for column in table.columns.iter().filter(|column| column.name != key) {
            if has_privilege(conn, role, &table.name, &column.name, "UPDATE").await {
                update_column.get_or_insert(column.name.clone());
            }
        }
        let mut reads_key = true;
        for column in &table.primary_key {
            reads_key &= has_privilege(conn, role, &table.name, column, "SELECT").await;
        }
        // Without such a column the statement is denied, whatever it names.
        let update_column =
            update_column.unwrap_or_else(|| table.columns.last().unwrap().name.clone());
        Self {
            update_column,
            reads_key,
        }
    }
}

async fn has_privilege(
    conn: &mut PgConnection,
    role: &str,
    table: &str,
    column: &str,
    privilege: &str,
) -> bool {
    sqlx::query_scalar("SELECT has_column_privilege($1, $2, $3, $4)")
        .bind(role)
        .bind(table)
        .bind(column)
        .bind(privilege)
        .fetch_one(conn)
        .await
        .unwrap()
}

/// The statement of a verb on a row of `maker`'s tenant; `stranger` is the other
/// tenant.
fn statement(
    verb: Verb,
    table: &Table,
    reach: &Reach,
    maker: &Maker,
    fresh: &RowValues,
    stranger: &Maker,
) -> String {
    let (name, row) = (&table.name, &maker.made[&table.name][0]);
    let column = &reach.update_column;
    let tenant = table.tenant_column();
    let at = match tenant {
        // Without a readable key, the row is picked by its tenant.
        Some(tenant) if !reach.reads_key => format!("{tenant} = {}", row[tenant]),
        _ => table.row_condition(row),
    };
    match verb {
        Verb::Select => format!("SELECT 1 FROM {name} WHERE {at}"),
        Verb::SelectForUpdate => format!("SELECT 1 FROM {name} WHERE {at} FOR UPDATE"),
        Verb::Insert => table.insert(fresh),
        Verb::InsertOnConflict => format!(
            "{} ON CONFLICT ({}) DO UPDATE SET {column} = excluded.{column}",
            table.insert(row),
            table.primary_key.join(", ")
        ),
        Verb::Update => format!("UPDATE {name} SET {column} = {} WHERE {at}", row[column]),
        Verb::UpdateTenant => match tenant {
            Some(tenant) => format!(
                "UPDATE {name} SET {tenant} = '{}' WHERE {at}",
                stranger.tenant_id
            ),
            // A table without a tenant column: its key instead.
            None => format!(
                "UPDATE {name} SET {0} = {0} WHERE {at}",
                table.primary_key[0]
            ),
        },
        Verb::Delete => format!("DELETE FROM {name} WHERE {at}"),
    }
}

/// Preparation without which a role's commands could not reach any row.
const STATES: [(&str, &str, &str); 1] = [(
    "memories",
    "atrium_trash",
    "UPDATE memories SET expires_at = created_at, deleted_at = created_at",
)];

/// Runs a statement as a role and rolls it back.
async fn attempt(
    conn: &mut PgConnection,
    role: &str,
    permission_set: PermissionSet,
    settings: Option<&Maker>,
    sql: &str,
) -> Outcome {
    let mut tx = conn.begin().await.unwrap();
    for (table, of, state) in STATES {
        if of == role && sql.contains(table) {
            sqlx::query(state).execute(&mut *tx).await.unwrap();
        }
    }
    let (tenant_id, user_id) = settings
        .map(|maker| (maker.tenant_id.to_string(), maker.user_id.to_string()))
        .unwrap_or_default();
    let teams = settings
        .and_then(|maker| maker.made.get("teams"))
        .into_iter()
        .flatten();
    let teams: Vec<_> = teams
        .map(|team| team["id"].split('\'').nth(1).expect("ids are quoted"))
        .collect();
    let teams = format!("{{{}}}", teams.join(","));
    sqlx::query(
        "SELECT set_config('role', $1, true), set_config('app.current_tenant_id', $2, true),
                set_config('app.current_user_id', $3, true), set_config('app.current_team_ids', $4, true),
                set_config('app.led_team_ids', $4, true), set_config('app.permissions', $5, true)",
    )
    .bind(role)
    .bind(tenant_id)
    .bind(user_id)
    .bind(teams)
    .bind(settings.map_or_else(String::new, |_| permission_set.permissions()))
    .execute(&mut *tx)
    .await
    .unwrap();
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(&mut *tx)
        .await;
    tx.rollback().await.unwrap();
    match done {
        Ok(done) if done.rows_affected() > 0 => Outcome::Yes,
        Ok(_) => Outcome::Nothing,
        Err(error) => {
            let refusal = error
                .as_database_error()
                .unwrap_or_else(|| panic!("{sql}: {error}"));
            match refusal.code().as_deref() {
                Some("42501") if refusal.message().contains("row-level security") => {
                    Outcome::Walled
                }
                Some("42501") => Outcome::Denied,
                // The row was visible: it is referenced, or it exists already.
                Some("23503" | "23505") => Outcome::Yes,
                _ => panic!("{role}: {sql}: {error}"),
            }
        }
    }
}

/// True if a listed exception opens the table to the role for this verb.
fn is_open(table: &Table, role: &str, verb: Verb) -> bool {
    let short = role.trim_start_matches("atrium_");
    let open = |command: &str| {
        let policy = format!("{0}.{0}_{short}_{command}", table.name);
        EXCEPTIONS
            .iter()
            .any(|(rule, object, _)| *rule == "policy_holds_tenant" && *object == policy)
    };
    open(verb.command()) && (verb != Verb::InsertOnConflict || open("insert"))
}

/// All outcomes, and those among them that are never allowed.
async fn survey(db: &TestDb) -> (String, Vec<String>) {
    let mut admin = db.admin.acquire().await.unwrap();
    let tables = tables(&mut admin).await;
    let (mut ours, mut theirs) = (Maker::new(), Maker::new());
    ours.fill(&mut admin, &tables).await;
    theirs.fill(&mut admin, &tables).await;
    let colleague = Maker {
        tenant_id: ours.tenant_id,
        ..Maker::new()
    };
    // Each role is taken as in production; roles that no login takes are taken by
    // the superuser, who is then restricted like any other.
    let mut taken = HashMap::new();
    for role in ROLES {
        if let Some(conn) = db.connection_for(role).await {
            taken.insert(role, conn);
        }
    }

    let mut matrix = String::from(
        "# What each role can do to an own row / a colleague's / another tenant's / without a tenant.\n\
         # yes: reached the row. nothing: no visible row. walled: denied by a policy. denied: missing privilege.\n\
         # Verbs that are denied throughout are left out. In brackets: the system roles whose permissions apply, or a system transaction (atrium).\n",
    );
    let mut problems = Vec::new();
    for table in &tables {
        let fresh_ours = ours.candidate(&mut admin, table).await;
        let fresh_theirs = theirs.candidate(&mut admin, table).await;
        let _ = writeln!(matrix, "\n{}", table.name);
        for role in ROLES {
            let reach = Reach::of(&mut admin, table, role).await;
            for verb in Verb::ALL {
                // Permission sets with the same outcomes share a line.
                let mut lines: Vec<(Vec<&str>, [Outcome; 4])> = Vec::new();
                for permission_set in PermissionSet::of(role) {
                    let mut outcomes = [Outcome::Denied; 4];
                    for (target, outcome) in Target::ALL.into_iter().zip(&mut outcomes) {
                        let (settings, maker, fresh, stranger) = match target {
                            Target::Own => (Some(&ours), &ours, &fresh_ours, &theirs),
                            Target::Colleague => (Some(&colleague), &ours, &fresh_ours, &theirs),
                            Target::Other => (Some(&ours), &theirs, &fresh_theirs, &ours),
                            Target::Unset => (None, &ours, &fresh_ours, &theirs),
                        };
                        let sql = statement(verb, table, &reach, maker, fresh, stranger);
                        let conn = taken.get_mut(role).unwrap_or(&mut admin);
                        *outcome = attempt(conn, role, permission_set, settings, &sql).await;
                        if let Some(problem) = problem(table, role, verb, target, *outcome) {
                            problems.push(format!(
                                "{} {role} {} ({target:?}): {problem}",
                                table.name,
                                verb.name()
                            ));
                        }
                    }
                    match lines.iter_mut().find(|(_, others)| *others == outcomes) {
                        Some((names, _)) => names.push(permission_set.name()),
                        None => lines.push((vec![permission_set.name()], outcomes)),
                    }
                }
                // A verb that the role has the privilege for must succeed on an own row, or
                // its denials prove nothing.
                let own = lines.iter().map(|(_, outcomes)| outcomes[0]);
                if own.clone().all(|own| own != Outcome::Denied)
                    && !own.into_iter().any(|own| own == Outcome::Yes)
                {
                    problems.push(format!(
                        "{} {role} {}: there is no positive control",
                        table.name,
                        verb.name()
                    ));
                }
                for (names, outcomes) in &lines {
                    if outcomes.iter().all(|outcome| *outcome == Outcome::Denied) {
                        continue;
                    }
                    let outcomes = outcomes.map(Outcome::name).join(" / ");
                    let whose = if lines.len() > 1 {
                        format!("  ({})", names.join(", "))
                    } else {
                        String::new()
                    };
                    let _ = writeln!(matrix, "  {role:<16}{:<20}{outcomes}{whose}", verb.name());
                }
            }
        }
    }
    (matrix, problems)
}

/// A problem that is reported even if the golden file was reviewed.
fn problem(
    table: &Table,
    role: &str,
    verb: Verb,
    target: Target,
    outcome: Outcome,
) -> Option<&'static str> {
    if verb == Verb::UpdateTenant {
        return (outcome != Outcome::Denied).then_some("a row can move to another tenant");
    }
    match (target, outcome) {
        (Target::Other | Target::Unset, Outcome::Yes) if !is_open(table, role, verb) => {
            Some("it was reached")
        }
        _ => None,
    }
}

// SEC-C3
#[tokio::test]
async fn every_table_role_and_verb_is_as_reviewed() {
    let db = TestDb::new().await;
    let (matrix, problems) = survey(&db).await;
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
    insta::assert_snapshot!("matrix", matrix);
}

// SEC-C3
#[tokio::test]
async fn new_table_is_in_the_matrix_automatically() {
    let db = TestDb::new().await;
    sqlx::raw_sql(
        "CREATE TABLE notes (
             tenant_id uuid NOT NULL REFERENCES tenants (id),
             id uuid NOT NULL,
             user_id uuid NOT NULL,
             status text NOT NULL CHECK (status IN ('open', 'done')),
             done_at timestamptz,
             PRIMARY KEY (tenant_id, id),
             FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
             CHECK ((status = 'done') = (done_at IS NOT NULL) AND done_at IS NOT NULL)
         );
         GRANT SELECT, INSERT, UPDATE ON notes TO atrium_app;
         CALL policies_create('notes', 'atrium_app', '{select,insert,update}', 'user_id = :user');",
    )
    .execute(&db.admin)
    .await
    .unwrap();
    let (matrix, problems) = survey(&db).await;
    assert!(matrix.contains(
        "\nnotes\n  atrium_app      select              yes / nothing / nothing / nothing\n"
    ));
    let reached: Vec<_> = problems
        .iter()
        .filter(|problem| problem.starts_with("notes"))
        .collect();
    // The grant of UPDATE includes tenant_id, so only the policy protects it.
    assert!(
        reached
            .iter()
            .all(|problem| problem.contains("update of tenant"))
            && !reached.is_empty(),
        "{reached:?}"
    );

    sqlx::raw_sql("ALTER TABLE notes DISABLE ROW LEVEL SECURITY")
        .execute(&db.admin)
        .await
        .unwrap();
    sqlx::raw_sql("TRUNCATE tenants, users CASCADE")
        .execute(&db.admin)
        .await
        .unwrap();
    let (_, problems) = survey(&db).await;
    for verb in [
        "select",
        "select for update",
        "insert",
        "insert on conflict",
        "update",
    ] {
        let reached = format!("notes atrium_app {verb} (Other): it was reached");
        assert!(
            problems.contains(&reached),
            "“{reached}” is not among {problems:?}"
        );
    }
}
