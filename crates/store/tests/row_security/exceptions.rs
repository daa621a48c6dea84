//! Objects that may break a rule of the data model, with the reason. An unused
//! exception fails the test.

use store::catalogue::Exception;

pub(crate) const SHAPE_EXCEPTIONS: &[Exception] = &[
    (
        "unique_begins_with_tenant",
        "web_sessions.web_sessions_id_hash_key",
        "a request identifies a session by its cookie alone",
    ),
    (
        "unique_begins_with_tenant",
        "api_keys.api_keys_key_hash_key",
        "a request identifies a key by its text alone",
    ),
];
