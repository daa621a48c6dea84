//! SQL is checked at compile time and its values are bound. A statement built at
//! run time is marked by `AssertSqlSafe`, the only way for a text that is not a
//! literal, and each such place is listed here with the reason.

use crate::{Listed, assert_listed};

/// The file, the number of statements, and what they are built from.
const LISTED: &[Listed] = &[
    (
        "crates/store/src/catalogue/mod.rs",
        1,
        "the rules, which are constants",
    ),
    (
        "crates/store/src/isolation.rs",
        2,
        "names from the catalogue and ids",
    ),
    (
        "crates/store/src/migrate.rs",
        1,
        "role names: constants, and a login that is quoted",
    ),
    (
        "crates/store/src/provision.rs",
        3,
        "the database and logins, quoted; for the operator's own server",
    ),
];

#[test]
fn every_statement_built_at_run_time_is_listed() {
    assert_listed(
        &["AssertSqlSafe("],
        LISTED,
        "bind values instead, or list the place with its reason",
    );
}
