//! What may break a rule of the data model, and why. One that nothing needs
//! fails the test.

use store::catalogue::Exception;

/// All of them.
pub(crate) const SHAPE_EXCEPTIONS: &[Exception] = &[
    (
        "unique_begins_with_tenant",
        "web_sessions.web_sessions_id_hash_key",
        "the cookie is all that a request brings",
    ),
    (
        "unique_begins_with_tenant",
        "api_keys.api_keys_key_hash_key",
        "the key is all that a request brings",
    ),
];
