//! Generates rows for any table from the catalogue, so that a new table is in the
//! matrix without any row written for it.

use std::collections::{BTreeMap, HashMap};

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use store::testing::id;
use uuid::Uuid;

/// A column that a statement can write.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) type_name: String,
    is_required: bool,
    /// Values that CHECK constraints on it compare it with.
    literals: Vec<String>,
    /// The table and column that it references.
    refers_to: Option<(String, String)>,
}

/// A table of the schema; partitions are reached through their parent.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    pub(crate) primary_key: Vec<String>,
    /// The columns of each CHECK constraint over several columns.
    checks: HashMap<String, Vec<String>>,
}

/// A row: an SQL expression for each column.
pub(crate) type RowValues = BTreeMap<String, String>;

impl Table {
    /// The column with the row's tenant: `tenant_id`, or `id` of the table `tenants`.
    pub(crate) fn tenant_column(&self) -> Option<&str> {
        if self.name == "tenants" {
            return Some("id");
        }
        self.columns
            .iter()
            .map(|column| column.name.as_str())
            .find(|name| *name == "tenant_id")
    }

    /// The condition that picks one row.
    pub(crate) fn row_condition(&self, row: &RowValues) -> String {
        let parts: Vec<_> = self
            .primary_key
            .iter()
            .map(|key| format!("{key} = {}", row[key]))
            .collect();
        parts.join(" AND ")
    }

    /// An INSERT of one row, without its semicolon.
    pub(crate) fn insert(&self, row: &RowValues) -> String {
        let names: Vec<_> = row.keys().cloned().collect();
        let values: Vec<_> = row.values().cloned().collect();
        format!(
            "INSERT INTO {} ({}) VALUES ({})",
            self.name,
            names.join(", "),
            values.join(", ")
        )
    }
}

#[derive(sqlx::FromRow)]
struct ColumnRow {
    #[sqlx(rename = "relname")]
    table: String,
    #[sqlx(rename = "attname")]
    name: String,
    #[sqlx(rename = "format_type")]
    type_name: String,
    #[sqlx(rename = "attnotnull")]
    is_required: bool,
    checks: Option<String>,
    target: Option<String>,
    target_column: Option<String>,
}

/// All tables, referenced tables first.
pub(crate) async fn tables(conn: &mut PgConnection) -> Vec<Table> {
    let columns: Vec<ColumnRow> = sqlx::query_as(
        "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                (SELECT string_agg(pg_get_constraintdef(k.oid), ' ') FROM pg_constraint k
                  WHERE k.conrelid = c.oid AND k.contype = 'c' AND k.conkey = ARRAY[a.attnum]) AS checks,
                f.target, f.target_column
           FROM pg_class c
           JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
           LEFT JOIN LATERAL (
               SELECT k.confrelid::regclass::text AS target, t.attname::text AS target_column
                 FROM pg_constraint k, unnest(k.conkey, k.confkey) AS pairs (here, there)
                 JOIN pg_attribute t ON t.attnum = there
                WHERE k.conrelid = c.oid AND k.contype = 'f' AND here = a.attnum AND t.attrelid = k.confrelid
                  AND a.attname <> 'tenant_id'
                LIMIT 1) f ON true
          WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
            AND c.relname NOT IN ('_sqlx_migrations', '_schema_files')
          ORDER BY c.relname, a.attnum",
    )
    .fetch_all(&mut *conn)
    .await
    .unwrap();
    let keys: Vec<(String, String, String, Vec<String>)> = sqlx::query_as(
        "SELECT k.conrelid::regclass::text, k.contype::text, k.conname::text,
                ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS keys (attnum, place)
                        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = keys.attnum ORDER BY place)
           FROM pg_constraint k WHERE k.connamespace = 'public'::regnamespace AND k.contype IN ('p', 'c')",
    )
    .fetch_all(conn)
    .await
    .unwrap();

    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    for column in columns {
        let ColumnRow {
            table,
            name,
            type_name,
            is_required,
            checks,
            target,
            target_column,
        } = column;
        let entry = tables.entry(table.clone()).or_insert_with(|| Table {
            name: table,
            columns: Vec::new(),
            primary_key: Vec::new(),
            checks: HashMap::new(),
        });
        let literals = checks.map(|text| literals_of(&text)).unwrap_or_default();
        let refers_to = target.zip(target_column);
        entry.columns.push(Column {
            name,
            type_name,
            is_required,
            literals,
            refers_to,
        });
    }
    for (table, kind, name, columns) in keys {
        let Some(entry) = tables.get_mut(&table) else {
            continue;
        };
        if kind == "p" {
            entry.primary_key = columns;
        } else {
            entry.checks.insert(name, columns);
        }
    }
    in_order_of_reference(tables.into_values().collect())
}

fn in_order_of_reference(mut left: Vec<Table>) -> Vec<Table> {
    // Nearly every table references `tenants`, by the column that isn't followed.
    left.sort_by_key(|table| table.name != "tenants");
    let mut ordered: Vec<Table> = Vec::new();
    while !left.is_empty() {
        let ready = left.iter().position(|table| {
            table
                .columns
                .iter()
                .filter_map(|column| column.refers_to.as_ref())
                .all(|(target, _)| {
                    *target == table.name || ordered.iter().any(|done| done.name == *target)
                })
        });
        ordered.push(left.remove(ready.expect("tables refer to each other in a circle")));
    }
    ordered
}

/// The quoted texts of a constraint, which are the values of an enumeration.
fn literals_of(definition: &str) -> Vec<String> {
    definition
        .split('\'')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// Generates rows of one tenant.
#[derive(Debug)]
pub(crate) struct Maker {
    /// The tenant of all rows.
    pub(crate) tenant_id: Uuid,
    /// The member that rows with an owner belong to.
    pub(crate) user_id: Uuid,
    /// The rows of each table that are in the database.
    pub(crate) made: HashMap<String, Vec<RowValues>>,
}

impl Maker {
    pub(crate) fn new() -> Self {
        Self {
            tenant_id: id(),
            user_id: id(),
            made: HashMap::new(),
        }
    }

    /// Inserts one row into each table, and a second one into referenced tables, so
    /// that a third row can reference one that the first does not.
    pub(crate) async fn fill(&mut self, conn: &mut PgConnection, tables: &[Table]) {
        for table in tables {
            let is_target = tables.iter().any(|other| {
                other.name != table.name
                    && other
                        .columns
                        .iter()
                        .any(|c| matches!(&c.refers_to, Some((target, _)) if *target == table.name))
            });
            // All rows belong to one tenant, so there is no second one.
            for _ in 0..if is_target && table.name != "tenants" {
                2
            } else {
                1
            } {
                let row = self.candidate(conn, table).await;
                sqlx::raw_sql(AssertSqlSafe(table.insert(&row)))
                    .execute(&mut *conn)
                    .await
                    .unwrap();
                self.made.entry(table.name.clone()).or_default().push(row);
            }
        }
    }

    /// A row that the table accepts, found by trial: if a CHECK fails, its columns
    /// get their other values. Nothing is kept.
    pub(crate) async fn candidate(&self, conn: &mut PgConnection, table: &Table) -> RowValues {
        let choices: Vec<Vec<String>> = table
            .columns
            .iter()
            .map(|column| self.choices(table, column))
            .collect();
        let mut chosen = vec![0; choices.len()];
        let mut refusal = String::new();
        for _ in 0..500 {
            let row: RowValues = table
                .columns
                .iter()
                .zip(choices.iter().zip(&chosen))
                .map(|(column, (values, n))| (column.name.clone(), values[*n].clone()))
                .collect();
            let mut trial = conn.begin().await.unwrap();
            let tried = sqlx::raw_sql(AssertSqlSafe(table.insert(&row)))
                .execute(&mut *trial)
                .await;
            trial.rollback().await.unwrap();
            let Err(error) = tried else { return row };
            let error = error
                .into_database_error()
                .expect("the server rejected the row");
            // All checks passed: the tenant already has its only row in this table.
            if error.is_unique_violation() {
                return row;
            }
            refusal = error.to_string();
            let Some(columns) = error.constraint().and_then(|name| table.checks.get(name)) else {
                break;
            };
            // Step through the values of the constraint's columns like an odometer.
            let carried = columns.iter().all(|name| {
                let place = table.columns.iter().position(|column| column.name == *name);
                let Some(place) = place else { return true };
                chosen[place] = (chosen[place] + 1) % choices[place].len();
                chosen[place] == 0
            });
            if carried {
                break;
            }
        }
        panic!("no row for {}: {refusal}", table.name)
    }

    /// Values to try for a column, the most likely first.
    fn choices(&self, table: &Table, column: &Column) -> Vec<String> {
        // A second row of `tenants` is another tenant.
        let is_another_tenant = table.name == "tenants" && self.made.contains_key("tenants");
        if table.tenant_column() == Some(column.name.as_str()) && !is_another_tenant {
            return vec![quoted(&self.tenant_id.to_string(), "uuid")];
        }
        let mut values = self.values(table, column);
        if !column.is_required {
            values.insert(0, "NULL".into());
        }
        values
    }

    fn values(&self, table: &Table, column: &Column) -> Vec<String> {
        if let Some((target, target_column)) = &column.refers_to {
            // Owned by the member or, if a rule wants another owner, by another member;
            // other references use the newest row.
            let rows = self.made.get(target).map(Vec::as_slice);
            let rows = rows.unwrap_or_default();
            let chosen = if target == "users" {
                rows
            } else {
                &rows[rows.len().saturating_sub(1)..]
            };
            return chosen
                .iter()
                .map(|row| row[target_column].clone())
                .collect();
        }
        let is_first_user = table.name == "users" && !self.made.contains_key("users");
        if column.type_name == "uuid"
            && (column.name.ends_with("user_id")
                || column.name.ends_with("_by")
                || is_first_user && column.name == "id")
        {
            return vec![quoted(&self.user_id.to_string(), "uuid")];
        }
        let fresh: Uuid = id();
        let number = fresh.simple().to_string();
        match column.type_name.as_str() {
            "uuid" => vec![quoted(&fresh.to_string(), "uuid")],
            "boolean" => vec!["false".into(), "true".into()],
            "smallint" | "integer" | "bigint" | "real" | "double precision" | "numeric" => {
                vec!["1".into(), "0".into(), "100".into()]
            }
            "timestamp with time zone" => vec![
                "timestamptz '2026-03-02 09:00+00'".into(),
                "timestamptz '2026-03-02 10:00+00'".into(),
            ],
            "jsonb" => vec!["'{}'::jsonb".into()],
            "text[]" => vec!["'{}'::text[]".into()],
            "bytea[]" => vec!["'{}'::bytea[]".into()],
            "inet" => vec!["'192.0.2.1'::inet".into()],
            // As long as a SHA-256 and different each time; otherwise one byte.
            "bytea" => vec![
                format!("sha256('{number}'::bytea)"),
                "'\\x00'::bytea".into(),
            ],
            "text" => {
                let allowed = column
                    .literals
                    .iter()
                    .map(|literal| quoted(literal, "text"));
                let shapes = [format!("t{number}"), "t.t".into(), "t".into()];
                allowed
                    .chain(shapes.iter().map(|shape| quoted(shape, "text")))
                    .collect()
            }
            "halfvec" => vec!["array_fill(0.5::real, ARRAY[384])::halfvec".into()],
            other => panic!(
                "{}.{}: teach tests/row_security/rows.rs to generate a {other}",
                table.name, column.name
            ),
        }
    }
}

fn quoted(text: &str, type_name: &str) -> String {
    format!("'{}'::{type_name}", text.replace('\'', "''"))
}
