//! Organisations, as seen by the operators of the installation.

use serde::{Deserialize, Serialize};

use crate::{AppError, TenantId, Timestamp, keyed_enum::keyed_enum};

/// In characters.
pub const MAX_REASON_CHARS: usize = 500;
/// The default grace period of a deleted organisation, in days.
pub const GRACE_DAYS: u16 = 30;
/// In days.
pub const MAX_GRACE_DAYS: u16 = 3_650;
/// Smaller than usual, because each row has its own counts.
pub const TENANTS_PER_PAGE: u16 = 25;

keyed_enum! {
    TenantStatus {
        /// Members can sign in.
        Active = "active", "Active";
        /// Members can't sign in; the data is kept.
        Suspended = "suspended", "Suspended";
        /// Will be purged after its grace period.
        Deleted = "deleted", "Deleted";
    }
}

keyed_enum! {
    /// The subscription tier.
    TenantTier {
        Free = "free", "Free";
        Starter = "starter", "Starter";
        Professional = "professional", "Professional";
        Enterprise = "enterprise", "Enterprise";
    }
}

impl TenantTier {
    pub fn parse(key: &str) -> Result<Self, AppError> {
        Self::from_key(key).ok_or_else(|| {
            AppError::field(
                "tier",
                "The tiers are free, starter, professional and enterprise.",
            )
        })
    }
}

/// The reason of a suspension or deletion; required.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusReason(String);

impl StatusReason {
    pub fn parse(text: &str) -> Result<Self, AppError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(AppError::field(
                "reason",
                "Enter a reason. It is recorded in both audit logs.",
            ));
        }
        if text.chars().count() > MAX_REASON_CHARS {
            return Err(AppError::field(
                "reason",
                format!("A reason has at most {MAX_REASON_CHARS} characters."),
            ));
        }
        if text
            .chars()
            .any(|c| c.is_control() && c != '\n' && c != '\r')
        {
            return Err(AppError::field(
                "reason",
                "A reason can't contain control characters.",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Usage counts of an organisation, without any content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantCounts {
    /// People who are not deactivated.
    pub members: i64,
    pub sessions: i64,
    /// Active API keys.
    pub keys: i64,
    /// Memories outside the trash.
    pub memories: i64,
    /// Pending and running jobs.
    pub jobs_waiting: i64,
    /// Jobs whose attempts all failed.
    pub jobs_dead: i64,
    /// The last activity of any member.
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_seen_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantSummary {
    pub id: TenantId,
    pub slug: String,
    pub name: String,
    pub status: TenantStatus,
    pub tier: TenantTier,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: Timestamp,
    pub counts: TenantCounts,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantDetail {
    pub summary: TenantSummary,
    /// Created as a demo.
    pub is_demo: bool,
    /// The operator who is viewing belongs to it.
    pub is_home: bool,
    /// The reason why it is not active.
    pub status_reason: Option<String>,
    /// `None`: since it was created.
    #[serde(with = "time::serde::rfc3339::option")]
    pub status_changed_at: Option<Timestamp>,
    /// When its data will be purged; until then it can be resumed.
    #[serde(with = "time::serde::rfc3339::option")]
    pub delete_after: Option<Timestamp>,
    /// The grace period is over, so it can't be resumed.
    pub is_past_grace: bool,
}

/// Filter of the list. An empty string means no restriction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TenantFilter {
    /// Part of the name or slug.
    pub query: String,
    /// A [`TenantStatus`] key.
    pub status: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_round_trip() {
        for status in TenantStatus::ALL {
            assert_eq!(TenantStatus::from_key(status.key()), Some(*status));
        }
        for tier in TenantTier::ALL {
            assert_eq!(TenantTier::parse(tier.key()), Ok(*tier));
        }
        assert!(TenantTier::parse("gold").is_err());
    }

    #[test]
    fn reason_is_required_and_validated() {
        assert_eq!(
            StatusReason::parse(" Unpaid.\nAsk Ada. ").unwrap().as_str(),
            "Unpaid.\nAsk Ada."
        );
        let long = "x".repeat(MAX_REASON_CHARS + 1);
        for text in ["", " \n", "a\0b", long.as_str()] {
            let error = StatusReason::parse(text).unwrap_err();
            assert!(error.for_field("reason").is_some(), "{text:?}");
        }
    }
}
