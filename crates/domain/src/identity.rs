//! The keys by which issuers identify people.

use uuid::Uuid;

/// A permanent identifier of a person. Never an e-mail address, which can pass
/// to somebody else (SEC-A9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdentityKey {
    /// Any OpenID Connect issuer.
    Subject {
        /// The `iss` of its tokens.
        issuer: String,
        /// The `sub`, unique at that issuer.
        subject: String,
    },
    /// Entra ID, whose `sub` differs between applications.
    Entra {
        /// The directory's id, `tid`.
        tid: Uuid,
        /// The person's object id in it, `oid`.
        oid: Uuid,
    },
}
