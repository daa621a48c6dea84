//! Invites: links by which people join an organisation.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    AppError, FieldError, InviteId, RoleId, TeamId, Timestamp, email::EmailAddress, role::RoleRef,
    team::TeamRef,
};

/// Days that an invite can be open, the proposed number first.
pub const INVITE_DAYS: &[u16] = &[7, 1, 30];

/// What became of an invite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InviteStatus {
    /// It can be accepted.
    Pending,
    /// Somebody joined by it.
    Accepted,
    /// Its time is over.
    Expired,
    /// Somebody took it back.
    Revoked,
}

impl InviteStatus {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Pending, Self::Accepted, Self::Expired, Self::Revoked];

    /// As in the URL, and as stored where it is: an expired one is stored as
    /// pending, and its time tells.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }

    /// The reverse of [`InviteStatus::key`].
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|status| status.key() == key)
    }

    /// For people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Accepted => "Accepted",
            Self::Expired => "Expired",
            Self::Revoked => "Revoked",
        }
    }
}

/// An invite as lists show it. Its link is shown once and kept nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invite {
    /// Its id.
    pub id: InviteId,
    /// For whom it is meant; who accepts it is whoever has the link.
    pub email: Option<String>,
    /// The role that it gives.
    pub role: Option<RoleRef>,
    /// The team into which it leads.
    pub team: Option<TeamRef>,
    /// Who invited; `None`: the operator of the installation.
    pub invited_by: Option<String>,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: Timestamp,
    /// From when on it is refused.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: Timestamp,
    /// As stored: [`Invite::status`] knows the time.
    pub stored: InviteStatus,
    /// Who joined by it.
    pub accepted_by: Option<String>,
    /// When they did.
    #[serde(with = "time::serde::rfc3339::option")]
    pub accepted_at: Option<Timestamp>,
}

impl Invite {
    /// What became of it until `now`.
    pub fn status(&self, now: Timestamp) -> InviteStatus {
        match self.stored {
            InviteStatus::Pending if self.expires_at <= now => InviteStatus::Expired,
            stored => stored,
        }
    }
}

/// Which invites a list shows. Lives in the URL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct InviteFilter {
    /// An [`InviteStatus`] key; empty for all.
    pub status: String,
}

/// What the one who invites can choose from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteChoices {
    /// Roles that they may give.
    pub roles: Vec<RoleRef>,
    /// Teams that they may take people into.
    pub teams: Vec<TeamRef>,
    /// E-mail domains of which the organisation allows one; empty: any.
    pub domains: Vec<String>,
    /// The link can be sent by mail.
    pub sends_mail: bool,
}

/// What is typed to invite somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct InviteDraft {
    /// An e-mail address, or nothing.
    pub email: String,
    /// A role's id, or nothing.
    pub role: String,
    /// A team's id, or nothing.
    pub team: String,
    /// One of [`INVITE_DAYS`].
    pub days: String,
}

/// An invite that can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewInvite {
    /// For whom it is meant.
    pub email: Option<EmailAddress>,
    /// The role that it gives.
    pub role: Option<RoleId>,
    /// The team into which it leads.
    pub team: Option<TeamId>,
    /// How long it is open.
    pub lifetime: time::Duration,
}

impl NewInvite {
    /// Reads a draft. Whether its role and team may be given is another
    /// question; `domains` are those that the organisation allows, or none.
    ///
    /// # Errors
    /// [`AppError::Invalid`] naming every field at fault.
    pub fn parse(draft: &InviteDraft, domains: &[String]) -> Result<Self, AppError> {
        let mut fields = Vec::new();
        let mut fault = |field: &str, message: String| {
            fields.push(FieldError {
                field: field.to_owned(),
                message,
            });
        };
        let email = match draft.email.trim() {
            "" => None,
            typed => EmailAddress::parse(typed)
                .map_err(|why| fault("email", why.to_owned()))
                .ok(),
        };
        let is_allowed = |email: &EmailAddress| domains.iter().any(|d| d == email.domain());
        if !domains.is_empty()
            && !email.as_ref().is_some_and(is_allowed)
            && (email.is_some() || draft.email.trim().is_empty())
        {
            fault(
                "email",
                format!(
                    "Your organisation invites addresses of {} only.",
                    domains.join(", ")
                ),
            );
        }
        let role = chosen(&draft.role).unwrap_or_else(|()| {
            fault("role", "Choose one of the roles, or none.".to_owned());
            None
        });
        let team = chosen(&draft.team).unwrap_or_else(|()| {
            fault("team", "Choose one of the teams, or none.".to_owned());
            None
        });
        let lifetime = match lifetime(&draft.days) {
            Ok(lifetime) => lifetime,
            Err(message) => {
                fault("days", message.to_owned());
                time::Duration::ZERO
            }
        };
        if fields.is_empty() {
            Ok(Self {
                email,
                role,
                team,
                lifetime,
            })
        } else {
            Err(AppError::Invalid { fields })
        }
    }
}

/// How long an invite is open that is to be so for `days`.
///
/// # Errors
/// A sentence for a number that is not offered.
pub fn lifetime(days: &str) -> Result<time::Duration, &'static str> {
    days.trim()
        .parse()
        .ok()
        .filter(|days| INVITE_DAYS.contains(days))
        .map(|days| time::Duration::days(days.into()))
        .ok_or("Choose 1, 7 or 30 days.")
}

fn chosen<T: std::str::FromStr>(typed: &str) -> Result<Option<T>, ()> {
    match typed.trim() {
        "" => Ok(None),
        id => id.parse().map(Some).map_err(|_| ()),
    }
}

/// What became of the mail with the link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailOutcome {
    /// No address was given, or no mail is set up here.
    NotSent,
    /// The mail server took it.
    Sent,
    /// It did not; the invite is there all the same.
    Failed {
        /// Why, as a sentence.
        reason: String,
    },
}

/// An invite that was just made or renewed, with its link: the one time it is
/// shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteLink {
    /// Its id.
    pub id: InviteId,
    /// The link.
    pub link: String,
    /// For whom it is meant.
    pub email: Option<String>,
    /// From when on it is refused.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: Timestamp,
    /// What became of the mail with it.
    pub mail: MailOutcome,
}

impl fmt::Debug for InviteLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InviteLink")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// An open invite, as whoever has the link sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenInvite {
    /// The organisation's name.
    pub organisation: String,
    /// Who invited; `None`: the operator of the installation.
    pub invited_by: Option<String>,
    /// The name of the role that it gives.
    pub role: Option<String>,
    /// The name of the team into which it leads.
    pub team: Option<String>,
    /// From when on it is refused.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: Timestamp,
}

/// For which organisations an issuer's people are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IssuerReach {
    /// Slugs of the organisations that it is for; empty: of any, as far as the
    /// rest allows.
    pub tenants: Vec<String>,
    /// It speaks for many directories, each of which has its own organisation.
    pub by_directory: bool,
}

/// What decides which issuers are for an organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginTarget {
    /// Its short name.
    pub slug: String,
    /// There is no other organisation.
    pub is_only: bool,
    /// It belongs to a directory.
    pub has_directory: bool,
}

impl IssuerReach {
    /// Whether people of the issuer may belong to the organisation. Whether one
    /// of them may is found out when they sign in.
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

    fn draft() -> InviteDraft {
        InviteDraft {
            email: " Mia@Contoso.Example ".into(),
            days: "7".into(),
            ..InviteDraft::default()
        }
    }

    fn faults(draft: &InviteDraft, domains: &[&str]) -> Vec<String> {
        let domains: Vec<_> = domains.iter().map(|&d| d.to_owned()).collect();
        match NewInvite::parse(draft, &domains) {
            Ok(_) => Vec::new(),
            Err(AppError::Invalid { fields }) => fields.into_iter().map(|f| f.field).collect(),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_draft_becomes_an_invite() {
        let new = NewInvite::parse(&draft(), &[]).unwrap();
        assert_eq!(new.email.unwrap().as_str(), "Mia@contoso.example");
        assert_eq!(new.lifetime, time::Duration::days(7));
        assert_eq!((new.role, new.team), (None, None));
    }

    #[test]
    fn every_field_at_fault_is_named() {
        let bad = InviteDraft {
            email: "mia".into(),
            role: "owner".into(),
            team: "x".into(),
            days: "31".into(),
        };
        assert_eq!(faults(&bad, &[]), ["email", "role", "team", "days"]);
        // The address itself is at fault, and only that is said.
        assert_eq!(faults(&bad, &["contoso.example"])[..2], ["email", "role"]);
    }

    #[test]
    fn with_allowed_domains_an_address_of_one_is_needed() {
        let anybody = InviteDraft {
            email: String::new(),
            ..draft()
        };
        assert_eq!(faults(&draft(), &["contoso.example"]), [""; 0]);
        assert_eq!(faults(&anybody, &[]), [""; 0]);
        assert_eq!(faults(&anybody, &["contoso.example"]), ["email"]);
        for other in ["fabrikam.example", "example", "so.example"] {
            assert_eq!(faults(&draft(), &[other]), ["email"], "{other}");
        }
        let below = InviteDraft {
            email: "mia@mail.contoso.example".into(),
            ..draft()
        };
        assert_eq!(faults(&below, &["contoso.example"]), ["email"]);
    }

    // SEC-A3
    #[test]
    fn an_issuer_reaches_what_it_is_for() {
        let reaches = |tenants: &[&str], by_directory, is_only, has_directory| {
            let tenants = tenants.iter().map(|&slug| slug.to_owned()).collect();
            IssuerReach {
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
    fn a_link_is_not_in_its_debug() {
        let made = InviteLink {
            id: InviteId(uuid::Uuid::nil()),
            link: "https://atrium.example/invite/canary".into(),
            email: None,
            expires_at: Timestamp::UNIX_EPOCH,
            mail: MailOutcome::NotSent,
        };
        assert!(!format!("{made:?}").contains("canary"));
    }
}
