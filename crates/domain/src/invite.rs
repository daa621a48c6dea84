//! Invites: links by which people join an organisation.

mod many;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    AppError, RoleId, TeamId, Timestamp,
    email::EmailAddress,
    form_text,
    id::typed_id,
    keyed_enum::keyed_enum,
    paging::{Sort, Sorts},
    role::RoleRef,
    team::TeamRef,
    validate::FieldErrors,
};

pub use many::{InviteLinks, InviteManyInput, MAX_INVITES, NewInvites, split_addresses};

typed_id!(InviteId, "invite");

/// Lifetimes in days that can be chosen; the first is the default.
pub const INVITE_DAYS: &[u16] = &[7, 1, 30];

keyed_enum! {
    InviteStatus {
        Pending = "pending", "Pending";
        Accepted = "accepted", "Accepted";
        Expired = "expired", "Expired";
        Revoked = "revoked", "Revoked";
    }
}

/// An invite as listed. Its link is shown once, at creation, and not stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Invite {
    pub id: InviteId,
    /// The intended recipient; anybody with the link can accept.
    pub email: Option<String>,
    pub role: Option<RoleRef>,
    pub team: Option<TeamRef>,
    /// `None`: the operator of the installation.
    pub invited_by: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
    pub created_at: Timestamp,
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
    pub expires_at: Timestamp,
    pub status: InviteStatus,
    pub accepted_by: Option<String>,
    #[serde(with = "time::serde::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::DateTime>"))]
    pub accepted_at: Option<Timestamp>,
}

impl Invite {
    /// The status at `now`: a pending invite may have expired since it was
    /// loaded.
    pub fn status_at(&self, now: Timestamp) -> InviteStatus {
        match self.status {
            InviteStatus::Pending if self.expires_at <= now => InviteStatus::Expired,
            status => status,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct InviteListInput {
    /// `pending`, `accepted`, `expired` or `revoked`; empty lists all.
    pub status: String,
    /// `email`, `status`, `created_at` or `expires_at`, with `-` before it for
    /// descending; empty is `-created_at`.
    pub sort: String,
    /// `next` or `prev` of another page.
    pub after: Option<String>,
}

/// Columns that invites can be sorted by.
pub const INVITE_SORTS: Sorts = Sorts {
    columns: &["email", "status", "created_at", "expires_at"],
    default: Sort {
        column: "created_at",
        is_descending: true,
    },
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct InvitePath {
    pub id: InviteId,
}

/// Options of the invite form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InviteChoices {
    /// Roles that the inviter may grant.
    pub roles: Vec<RoleRef>,
    /// Teams that the inviter may add people to.
    pub teams: Vec<TeamRef>,
    /// Allowed e-mail domains; empty allows any.
    pub domains: Vec<String>,
    /// True if the server can send mail.
    pub sends_mail: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct InviteInput {
    /// The address to mail the link to, if the server sends mail. Required if
    /// the organisation allows only some domains.
    #[serde(
        default,
        deserialize_with = "form_text::text",
        skip_serializing_if = "String::is_empty"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub email: String,
    /// The id of a role that the invite grants.
    #[serde(
        default,
        deserialize_with = "form_text::text",
        skip_serializing_if = "String::is_empty"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Option<RoleId>"))]
    pub role: String,
    /// The id of a team that the invite adds the person to.
    #[serde(
        default,
        deserialize_with = "form_text::text",
        skip_serializing_if = "String::is_empty"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Option<TeamId>"))]
    pub team: String,
    /// Days for which the link can be accepted: 1, 7 (default) or 30.
    #[serde(default = "default_days", deserialize_with = "form_text::text")]
    #[cfg_attr(feature = "schema", schemars(with = "u16"))]
    pub days: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct InviteRenewInput {
    pub id: InviteId,
    /// Days for which the link can be accepted: 1, 7 (default) or 30.
    #[serde(default = "default_days", deserialize_with = "form_text::text")]
    #[cfg_attr(feature = "schema", schemars(with = "u16"))]
    pub days: String,
}

fn default_days() -> String {
    INVITE_DAYS[0].to_string()
}

/// A validated [`InviteInput`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewInvite {
    pub email: Option<EmailAddress>,
    pub role: Option<RoleId>,
    pub team: Option<TeamId>,
    pub lifetime: time::Duration,
}

impl NewInvite {
    /// Validates the input. `domains` are the allowed e-mail domains; empty
    /// allows any. The caller must check that role and team may be granted.
    pub fn parse(input: &InviteInput, domains: &[String]) -> Result<Self, AppError> {
        let mut errors = FieldErrors::default();
        let email = match input.email.trim() {
            "" => None,
            typed => errors.check("email", EmailAddress::parse(typed)),
        };
        let is_allowed = |email: &EmailAddress| domains.iter().any(|d| d == email.domain());
        if !domains.is_empty()
            && !email.as_ref().is_some_and(is_allowed)
            && (email.is_some() || input.email.trim().is_empty())
        {
            let message = format!("You can only invite addresses on {}.", domains.join(", "));
            errors.reject("email", message);
        }
        let role = parse_optional_id(&input.role);
        let role = errors.check(
            "role",
            role.map_err(|()| "Choose one of the roles, or none."),
        );
        let team = parse_optional_id(&input.team);
        let team = errors.check(
            "team",
            team.map_err(|()| "Choose one of the teams, or none."),
        );
        let lifetime = errors.check("days", lifetime(&input.days));
        errors.finish(|| {
            Some(Self {
                email,
                role: role?,
                team: team?,
                lifetime: lifetime?,
            })
        })
    }
}

/// Parses a lifetime in days.
///
/// # Errors
/// A sentence for a number that is not one of [`INVITE_DAYS`].
pub fn lifetime(days: &str) -> Result<time::Duration, &'static str> {
    days.trim()
        .parse()
        .ok()
        .filter(|days| INVITE_DAYS.contains(days))
        .map(|days| time::Duration::days(days.into()))
        .ok_or("Choose 1, 7 or 30 days.")
}

fn parse_optional_id<T: std::str::FromStr>(typed: &str) -> Result<Option<T>, ()> {
    match typed.trim() {
        "" => Ok(None),
        id => id.parse().map(Some).map_err(|_| ()),
    }
}

/// The result of mailing the link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum MailOutcome {
    /// No address was given, or no mail server is configured.
    NotSent,
    /// The mail server accepted it.
    Sent,
    /// The mail server did not accept it; the invite exists nevertheless.
    Failed {
        /// A sentence.
        reason: String,
    },
}

/// A new or renewed invite with its link, which is shown only this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InviteLink {
    pub id: InviteId,
    /// Whoever has it can accept the invite; it is stored nowhere.
    pub link: String,
    pub email: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
    pub expires_at: Timestamp,
    pub mail: MailOutcome,
}

impl fmt::Debug for InviteLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InviteLink")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// An open invite, as shown to whoever has the link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenInvite {
    pub organisation: String,
    /// `None`: the operator of the installation.
    pub invited_by: Option<String>,
    /// By name.
    pub role: Option<String>,
    /// By name.
    pub team: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: Timestamp,
}

/// The organisations whose members can sign in through an identity provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IssuerScope {
    /// Slugs; if empty, the other rules alone decide.
    pub tenants: Vec<String>,
    /// The issuer serves many directories, each linked to one organisation.
    pub by_directory: bool,
}

/// The properties of an organisation that decide which issuers it accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginTarget {
    pub slug: String,
    /// It is the only organisation of the installation.
    pub is_only: bool,
    /// It is linked to a directory.
    pub has_directory: bool,
}

impl IssuerScope {
    /// True if the issuer's users may belong to the organisation. Each user is
    /// still checked at sign-in.
    pub fn reaches(&self, organisation: &LoginTarget) -> bool {
        let is_named = self.tenants.contains(&organisation.slug);
        match (self.by_directory, self.tenants.is_empty()) {
            (true, is_any) => organisation.has_directory && (is_any || is_named),
            (false, true) => organisation.is_only,
            (false, false) => is_named,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> InviteInput {
        InviteInput {
            email: " Mia@Contoso.Example ".into(),
            days: "7".into(),
            ..InviteInput::default()
        }
    }

    fn invalid_fields(draft: &InviteInput, domains: &[&str]) -> Vec<String> {
        let domains: Vec<_> = domains.iter().map(|&d| d.to_owned()).collect();
        match NewInvite::parse(draft, &domains) {
            Ok(_) => Vec::new(),
            Err(AppError::Invalid { fields }) => fields.into_iter().map(|f| f.field).collect(),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn valid_draft_is_accepted() {
        let new = NewInvite::parse(&draft(), &[]).unwrap();
        assert_eq!(new.email.unwrap().as_str(), "Mia@contoso.example");
        assert_eq!(new.lifetime, time::Duration::days(7));
        assert_eq!((new.role, new.team), (None, None));
    }

    #[test]
    fn all_invalid_fields_are_reported() {
        let bad = InviteInput {
            email: "mia".into(),
            role: "owner".into(),
            team: "x".into(),
            days: "31".into(),
        };
        assert_eq!(invalid_fields(&bad, &[]), ["email", "role", "team", "days"]);
        // The address itself is invalid, and only that is reported.
        assert_eq!(
            invalid_fields(&bad, &["contoso.example"])[..2],
            ["email", "role"]
        );
    }

    #[test]
    fn email_must_be_in_an_allowed_domain() {
        let without_email = InviteInput {
            email: String::new(),
            ..draft()
        };
        assert_eq!(invalid_fields(&draft(), &["contoso.example"]), [""; 0]);
        assert_eq!(invalid_fields(&without_email, &[]), [""; 0]);
        assert_eq!(
            invalid_fields(&without_email, &["contoso.example"]),
            ["email"]
        );
        for other in ["fabrikam.example", "example", "so.example"] {
            assert_eq!(invalid_fields(&draft(), &[other]), ["email"], "{other}");
        }
        let subdomain = InviteInput {
            email: "mia@mail.contoso.example".into(),
            ..draft()
        };
        assert_eq!(invalid_fields(&subdomain, &["contoso.example"]), ["email"]);
    }

    // SEC-A3
    #[test]
    fn issuer_reaches_only_its_organisations() {
        let reaches = |tenants: &[&str], by_directory, is_only, has_directory| {
            let tenants = tenants.iter().map(|&slug| slug.to_owned()).collect();
            IssuerScope {
                tenants,
                by_directory,
            }
            .reaches(&LoginTarget {
                slug: "acme".into(),
                is_only,
                has_directory,
            })
        };
        assert!(reaches(&["acme"], false, false, false));
        assert!(!reaches(&["other"], false, true, true));
        assert!(reaches(&[], false, true, false));
        assert!(!reaches(&[], false, false, true));
        assert!(reaches(&[], true, false, true));
        assert!(!reaches(&[], true, true, false));
        assert!(!reaches(&["other"], true, true, true));
    }

    // SEC-D3
    #[test]
    fn debug_output_hides_the_link() {
        let link = InviteLink {
            id: InviteId(uuid::Uuid::nil()),
            link: "https://atrium.example/invite/canary".into(),
            email: None,
            expires_at: Timestamp::UNIX_EPOCH,
            mail: MailOutcome::NotSent,
        };
        assert!(!format!("{link:?}").contains("canary"));
    }
}
