//! Rules about the Postgres catalogue that row security depends on, checked at
//! boot, by `atrium doctor` and by the tests.

mod exceptions;
mod rules;

use std::fmt::Write as _;

use sqlx::{AssertSqlSafe, PgConnection};

pub use exceptions::EXCEPTIONS;
pub use rules::RULES;

/// A rule about the catalogue.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The name used in exceptions and messages.
    pub name: &'static str,
    /// SQL that selects `object` and `problem`, one row per violation.
    pub breaks: &'static str,
    /// The repair of `{object}`; `None` for rules that only tests check.
    pub remedy: Option<&'static str>,
}

/// The rule's name, the object that may break it, and the reason.
pub type Exception = (&'static str, &'static str, &'static str);

/// A violation of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule's name.
    pub rule: &'static str,
    /// The object as the rule's query names it.
    pub object: String,
    pub problem: String,
    pub remedy: String,
}

/// Common table expressions for every rule: Atrium's tables and partitions, the
/// roles that serve requests or own functions, and the privileges on tables and
/// columns.
pub const COMMON: &str = "
    WITH tables AS (
        SELECT c.oid, c.relname::text AS name, c.relkind, c.relispartition, c.relrowsecurity, c.relforcerowsecurity,
               c.relacl, c.relowner,
               EXISTS (SELECT FROM pg_attribute a
                        WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped) AS has_tenant
          FROM pg_class c
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
           AND c.relname NOT IN ('_sqlx_migrations', '_schema_files')
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
    ), roles AS (
        SELECT oid, rolname::text AS name FROM pg_roles
         WHERE rolname IN ('atrium_app', 'atrium_auth', 'atrium_worker', 'atrium_operator', 'atrium_search', 'atrium_audit',
                           'atrium_handover', 'atrium_purge', 'atrium_session', 'atrium_sharing', 'atrium_trash')
    ), privileges AS (
        SELECT t.oid, t.name, g.grantee, g.privilege_type AS privilege, NULL::name AS column_name
          FROM tables t, aclexplode(t.relacl) g WHERE g.grantee <> t.relowner
        UNION ALL
        SELECT t.oid, t.name, g.grantee, g.privilege_type, a.attname
          FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid, aclexplode(a.attacl) g WHERE g.grantee <> t.relowner
    ), functions AS (
        SELECT p.oid, p.proname::text AS name, p.prosecdef, p.prokind, p.proconfig, p.proacl, p.proowner
          FROM pg_proc p
         WHERE p.pronamespace = 'public'::regnamespace
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
    )";

/// All violations of `rules` that are not excepted, in the order of the rules.
/// Runs a single statement, whatever the number of rules.
pub async fn findings(
    conn: &mut PgConnection,
    rules: &[Rule],
    exceptions: &[Exception],
) -> Result<Vec<Finding>, sqlx::Error> {
    let mut sql = COMMON.to_owned();
    for (place, rule) in rules.iter().enumerate() {
        let union = if place == 0 { "" } else { "UNION ALL" };
        let _ = write!(
            sql,
            " {union} SELECT {place}, object::text, problem::text FROM ({}) AS broken_{place}",
            rule.breaks
        );
    }
    sql.push_str(" ORDER BY 1, 2, 3");
    // The rules are constants of this program.
    let rows: Vec<(i32, String, String)> =
        sqlx::query_as(AssertSqlSafe(sql)).fetch_all(conn).await?;
    let broken = rows.into_iter().filter_map(|(place, object, problem)| {
        let rule = usize::try_from(place).ok().and_then(|at| rules.get(at))?;
        let is_excepted = exceptions
            .iter()
            .any(|(name, excepted, _)| *name == rule.name && *excepted == object);
        (!is_excepted).then(|| Finding {
            rule: rule.name,
            remedy: rule.remedy.unwrap_or_default().replace("{object}", &object),
            object,
            problem,
        })
    });
    Ok(broken.collect())
}
