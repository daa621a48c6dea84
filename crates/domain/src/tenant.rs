//! Organisations as those see them who run the installation.

use serde::{Deserialize, Serialize};

use crate::{AppError, TenantId, Timestamp};

/// Characters that the reason for an act may have.
pub const MAX_REASON_CHARS: usize = 500;
/// How long a deleted organisation can be resumed, in days, unless the command
/// line says otherwise.
pub const GRACE_DAYS: u16 = 30;
/// The longest time of grace, in days.
pub const MAX_GRACE_DAYS: u16 = 3_650;
/// Organisations that a page of the list shows: each is counted by itself.
pub const TENANTS_PER_PAGE: u16 = 25;

/// Whether an organisation can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantStatus {
    /// Its members may sign in.
    Active,
    /// Nobody may sign in; its data stays.
    Suspended,
    /// It is on its way out.
    Deleted,
}

impl TenantStatus {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Active, Self::Suspended, Self::Deleted];

    /// As stored.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
        }
    }

    /// The word on pages.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Suspended => "Suspended",
            Self::Deleted => "Deleted",
        }
    }

    /// The reverse of [`TenantStatus::key`].
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|status| status.key() == key)
    }
}

/// What an organisation has subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantTier {
    /// Nothing.
    Free,
    /// The smallest.
    Starter,
    /// The middle.
    Professional,
    /// The largest.
    Enterprise,
}

impl TenantTier {
    /// All of them, the smallest first.
    pub const ALL: &[Self] = &[
        Self::Free,
        Self::Starter,
        Self::Professional,
        Self::Enterprise,
    ];

    /// As stored.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Starter => "starter",
            Self::Professional => "professional",
            Self::Enterprise => "enterprise",
        }
    }

    /// The word on pages.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Free => "Free",
            Self::Starter => "Starter",
            Self::Professional => "Professional",
            Self::Enterprise => "Enterprise",
        }
    }

    /// The reverse of [`TenantTier::key`].
    ///
    /// # Errors
    /// [`AppError::Invalid`] for the field `tier`.
    pub fn parse(key: &str) -> Result<Self, AppError> {
        let found = Self::ALL.iter().copied().find(|tier| tier.key() == key);
        found.ok_or_else(|| {
            AppError::field(
                "tier",
                "The tiers are free, starter, professional and enterprise.",
            )
        })
    }
}

/// Why an organisation was suspended or deleted, for those who ask later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusReason(String);

impl StatusReason {
    /// Takes what was typed.
    ///
    /// # Errors
    /// [`AppError::Invalid`] for the field `reason`.
    pub fn parse(text: &str) -> Result<Self, AppError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(AppError::field(
                "reason",
                "Say why: it is kept in both audit logs.",
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

    /// The words.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How many of what an organisation has. Nothing of what is in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantCounts {
    /// People who are not deactivated.
    pub members: i64,
    /// Signed-in browsers.
    pub sessions: i64,
    /// API keys that work.
    pub keys: i64,
    /// Memories that are not in a trash.
    pub memories: i64,
    /// Jobs that wait or run.
    pub jobs_waiting: i64,
    /// Jobs that were given up.
    pub jobs_dead: i64,
    /// When one of its members was last seen.
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_seen_at: Option<Timestamp>,
}

/// An organisation in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantSummary {
    /// Its id.
    pub id: TenantId,
    /// Its short name.
    pub slug: String,
    /// Its name on pages.
    pub name: String,
    /// Whether it can be used.
    pub status: TenantStatus,
    /// What it has subscribed to.
    pub tier: TenantTier,
    /// When it was created.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: Timestamp,
    /// How many of what it has.
    pub counts: TenantCounts,
}

/// What the page of one organisation shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantDetail {
    /// What the list shows.
    pub summary: TenantSummary,
    /// It was made up for a demo.
    pub is_demo: bool,
    /// The operator who looks belongs to it.
    pub is_home: bool,
    /// Why it is not active.
    pub status_reason: Option<String>,
    /// Since when its status is what it is; `None` since it was created.
    #[serde(with = "time::serde::rfc3339::option")]
    pub status_changed_at: Option<Timestamp>,
    /// From when on its data goes; until then it can be resumed.
    #[serde(with = "time::serde::rfc3339::option")]
    pub delete_after: Option<Timestamp>,
    /// Its time of grace is over: it can't be resumed any more.
    pub is_past_grace: bool,
}

/// What the list shows. Empty text means no restriction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TenantFilter {
    /// A part of the name or of the short name.
    pub query: String,
    /// A status, or empty.
    pub status: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_parse_back() {
        for status in TenantStatus::ALL {
            assert_eq!(TenantStatus::from_key(status.key()), Some(*status));
        }
        for tier in TenantTier::ALL {
            assert_eq!(TenantTier::parse(tier.key()), Ok(*tier));
        }
        assert!(TenantTier::parse("gold").is_err());
    }

    #[test]
    fn a_reason_is_needed_and_kept_as_typed() {
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
