//! The person in a verified ID token.

use domain::{group_mapping::GroupClaims, identity::IdentityKey};
use service::identity::{SignInError, VerifiedPerson};
use sha2::{Digest as _, Sha256};

use super::{
    settings::{IssuerKind, OidcSettings},
    sign_in_error::AccountHash,
    token::{Claims, TokenFault},
};

/// Reads verified claims.
pub(super) fn person_from_claims(
    claims: &Claims,
    groups: GroupClaims,
    settings: &OidcSettings,
) -> Result<VerifiedPerson, SignInError> {
    let extra = claims.additional_claims();
    let key = match settings.kind {
        IssuerKind::Generic => IdentityKey::Subject {
            issuer: claims.issuer().to_string(),
            subject: claims.subject().as_str().to_owned(),
        },
        IssuerKind::Entra => {
            let id = |claim: &Option<String>| claim.as_deref().and_then(|id| id.parse().ok());
            let (Some(tid), Some(oid)) = (id(&extra.tid), id(&extra.oid)) else {
                return Err(TokenFault::Rule("tid and oid are not both there").into());
            };
            // With all directories, `iss` was already compared with `tid`.
            if !settings.is_multi_tenant() && settings.entra_tid() != Some(tid) {
                return Err(TokenFault::Rule("tid is not the issuer's").into());
            }
            IdentityKey::Entra { tid, oid }
        }
    };
    let name = claims
        .name()
        .and_then(|name| name.get(None))
        .map(|name| name.as_str());
    let username = claims.preferred_username().map(|name| name.as_str());
    let email = claims.email().map(|email| email.as_str());
    Ok(VerifiedPerson {
        key,
        issuer: claims.issuer().to_string(),
        subject: claims.subject().as_str().to_owned(),
        name: [name, username, email]
            .into_iter()
            .flatten()
            .find_map(|text| clean(text, 200)),
        email: email.and_then(|email| clean(email, 320)),
        sid: extra.sid.as_deref().and_then(|sid| clean(sid, 255)),
        groups,
    })
}

/// Hash of the person's identity, for counting failures.
pub(super) fn account_hash(key: &IdentityKey) -> AccountHash {
    let text = match key {
        IdentityKey::Entra { tid, oid } => format!("{tid} {oid}"),
        IdentityKey::Subject { issuer, subject } => format!("{issuer} {subject}"),
    };
    let hash = Sha256::digest(text);
    std::array::from_fn(|n| hash[n])
}

/// Removes control characters and truncates; `None` if nothing is left.
fn clean(text: &str, max_chars: usize) -> Option<String> {
    let text: String = text
        .trim()
        .chars()
        .filter(|c| !c.is_control())
        .take(max_chars)
        .collect();
    (!text.is_empty()).then_some(text)
}
