//! System transactions have every permission in an organisation. They are for
//! work that no member does; a member's work runs with the member's own
//! permissions.

use crate::{Listed, assert_listed};

const LISTED: &[Listed] = &[
    (
        "crates/service/src/api_key/authenticate.rs",
        1,
        "audits a rejected key, which has no actor",
    ),
    (
        "crates/service/src/audit/checkpoint.rs",
        1,
        "reads an organisation's log for its checkpoint",
    ),
    (
        "crates/service/src/audit/verify.rs",
        1,
        "reads an organisation's log for the command line",
    ),
    (
        "crates/service/src/denial.rs",
        1,
        "writes the counted denials of every member",
    ),
    (
        "crates/service/src/identity/caller.rs",
        1,
        "records a member's use, which members may not write",
    ),
    (
        "crates/service/src/identity/refresh.rs",
        1,
        "grants the roles and teams of the issuer's groups",
    ),
    (
        "crates/service/src/identity/sign_in.rs",
        1,
        "creates the member and grants roles and teams",
    ),
    (
        "crates/service/src/identity/sign_in_error.rs",
        1,
        "audits a rejected visitor, who has no actor",
    ),
    (
        "crates/service/src/identity/sign_out.rs",
        3,
        "audits what an issuer ended or was refused",
    ),
    (
        "crates/service/src/identity/switch.rs",
        1,
        "grants roles and teams in the other organisation",
    ),
    (
        "crates/service/src/invite.rs",
        1,
        "invites an owner for the command line",
    ),
    (
        "crates/service/src/invite/accept.rs",
        1,
        "reads the invite of a visitor who is no member yet",
    ),
    (
        "crates/service/src/job/embedding.rs",
        2,
        "activates a model and notes its problem",
    ),
    (
        "crates/service/src/job/housekeeping.rs",
        1,
        "counts an organisation's words for the search",
    ),
    (
        "crates/service/src/memory_trash.rs",
        1,
        "expires and purges the memories of every member",
    ),
    (
        "crates/service/src/operator.rs",
        2,
        "lists operators, and audits for the command line",
    ),
    (
        "crates/service/src/tenant.rs",
        2,
        "creates an organisation's first members",
    ),
    (
        "crates/service/src/tenant_lifecycle.rs",
        2,
        "audits an operator in organisations where they are no member",
    ),
    (
        "crates/store/src/isolation.rs",
        1,
        "creates the rows of the isolation probes, never committed",
    ),
    (
        "crates/store/src/tx.rs",
        2,
        "where these transactions are defined",
    ),
];

#[test]
fn every_system_transaction_is_listed() {
    assert_listed(
        &["enter_as_system(", "begin_as_system("],
        LISTED,
        "run it as the member who acts, or list the place with its reason",
    );
}
