//! The installation's settings of sessions.

use domain::settings::TenantSettings;
use time::Duration;

use super::seal::TokenSealer;

/// The settings with which sessions are created.
#[derive(Clone, Debug)]
pub struct SessionSettings {
    pub lifetimes: SessionLifetimes,
    /// Encrypts the issuer's tokens, which are stored with the session.
    pub sealer: TokenSealer,
}

/// When sessions end by themselves.
#[derive(Clone, Copy, Debug)]
pub struct SessionLifetimes {
    /// After this time without a request.
    pub idle: Duration,
    /// After this time in any case.
    pub absolute: Duration,
}

impl SessionLifetimes {
    /// Applies an organisation's settings, which can only shorten them.
    pub(super) fn within(self, settings: &TenantSettings) -> Self {
        let shorter = |ours: Duration, hours: Option<u32>| {
            hours.map_or(ours, |hours| ours.min(Duration::hours(hours.into())))
        };
        let absolute = shorter(self.absolute, settings.session_absolute_hours);
        Self {
            idle: shorter(self.idle, settings.session_idle_hours).min(absolute),
            absolute,
        }
    }
}

impl Default for SessionLifetimes {
    fn default() -> Self {
        Self {
            idle: Duration::hours(12),
            absolute: Duration::days(7),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn organisation_can_shorten_but_not_lengthen_sessions() {
        let ours = SessionLifetimes {
            idle: Duration::hours(12),
            absolute: Duration::hours(100),
        };
        let within = |idle, absolute| {
            let theirs = ours.within(&TenantSettings {
                session_idle_hours: idle,
                session_absolute_hours: absolute,
                ..TenantSettings::default()
            });
            (theirs.idle.whole_hours(), theirs.absolute.whole_hours())
        };
        assert_eq!(within(None, None), (12, 100));
        assert_eq!(within(Some(2), Some(8)), (2, 8));
        assert_eq!(within(Some(50), Some(500)), (12, 100));
        assert_eq!(within(None, Some(3)), (3, 3));
    }
}
