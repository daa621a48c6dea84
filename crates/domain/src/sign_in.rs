//! Reasons why a sign-in failed, as shown on the sign-in page.

use crate::tenant::TenantStatus;

macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $sentence:literal;)*) => {
        /// A closed set. The code is sent in `/sign-in?error=CODE`; no other
        /// detail of the failure leaves the server's log and audit log.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum SignInProblem {
            $($(#[$doc])* $name,)*
        }

        impl SignInProblem {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The value in the URL and in the audit log.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }

            /// A message for the user: what happened and what to do next.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence),* }
            }
        }
    };
}

problems! {
    /// The OAuth `state` is unknown, used, too old, or belongs to another
    /// browser.
    State = "state",
        "This sign-in was started too long ago, was already used, or began in another browser. Start again.";
    /// The person cancelled, or the identity provider denied access.
    Refused = "refused",
        "The sign-in was cancelled or refused by your identity provider. Try again, or ask your administrator.";
    /// The provider's response or token failed validation.
    Token = "token",
        "Your identity provider's answer could not be trusted, so nobody was signed in. Try again; if it happens again, ask your administrator to look at the server's log.";
    /// The person's groups can't be determined.
    Groups = "groups",
        "Your identity provider could not tell which groups you are in, so nobody was signed in: your roles depend on them. Wait a moment and try again; if it happens again, ask your administrator.";
    IssuerUnreachable = "issuer_unreachable",
        "Your identity provider can't be reached right now. Wait a moment and try again.";
    /// The identity is not known and can't be added automatically.
    Unknown = "unknown",
        "Your account is not a member of this organisation. Ask your administrator to add you.";
    /// The person's directory is not linked to an organisation here.
    Directory = "directory",
        "Your organisation's directory is not known here. Ask the operator of this installation to add it.";
    Suspended = "suspended",
        "Your account is suspended. Ask your administrator.";
    /// The link is invalid or no longer exists.
    InviteUnknown = "invite_unknown",
        "This invite is not valid. Check that you have the whole link, or ask for a new one.";
    InviteExpired = "invite_expired",
        "This invite has expired. Ask the person who invited you for a new one.";
    InviteRevoked = "invite_revoked",
        "This invite was revoked. If you still want to join, ask the person who invited you.";
    InviteUsed = "invite_used",
        "This invite was already used. Each invite works once. If it was you, sign in as usual. Otherwise ask for a new one.";
    /// The inviter may no longer grant the invite's role or team.
    InviteRefused = "invite_refused",
        "The person who invited you can no longer assign this role or team, so nothing was changed. Ask an owner or admin of the organisation for a new invite.";
    /// The account's issuer is not accepted by the invite's organisation.
    InviteWrongIssuer = "invite_elsewhere",
        "The account that you chose can't be used for the organisation that invited you. Open the invite again and choose another one.";
    TenantSuspended = "tenant_suspended",
        "Your organisation is suspended. Its members can't sign in, and nothing was deleted. Ask the operator of this installation.";
    /// Deleted, but still within its grace period.
    TenantDeleted = "tenant_deleted",
        "Your organisation was deleted and its data will be removed. It can be restored for a limited time. Ask the operator of this installation soon.";
    NotConfigured = "not_configured",
        "Signing in is not set up yet. The operator of this installation must configure an identity provider (ATRIUM_OIDC__ISSUER).";
    Unavailable = "unavailable",
        "Signing in does not work right now because the database is unavailable. Wait a moment and try again.";
    Internal = "internal",
        "Something went wrong on our side, and nobody was signed in. Try again.";
}

impl SignInProblem {
    /// The problem for members of an organisation with this status; `None` if
    /// they can sign in.
    pub const fn of_tenant(status: TenantStatus) -> Option<Self> {
        match status {
            TenantStatus::Active => None,
            TenantStatus::Suspended => Some(Self::TenantSuspended),
            TenantStatus::Deleted => Some(Self::TenantDeleted),
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|p| p.code() == code)
    }
}

#[cfg(test)]
mod tests {
    use super::SignInProblem;

    #[test]
    fn codes_round_trip() {
        for problem in SignInProblem::ALL {
            assert_eq!(SignInProblem::from_code(problem.code()), Some(*problem));
        }
        assert_eq!(SignInProblem::from_code("<script>"), None);
    }
}
