//! Settings of an organisation.

use serde::{Deserialize, Serialize};

use crate::{
    AppError,
    email::parse_domains,
    error::quote,
    form_text,
    preferences::{NO_TIME_ZONE, TimeZone, chosen},
    validate::FieldErrors,
};

/// In characters.
pub const MAX_ORGANISATION_NAME_CHARS: usize = 200;

/// Allowed session lifetimes, in hours: up to one year.
pub const SESSION_HOURS: std::ops::RangeInclusive<u32> = 1..=8760;

pub const MAX_INVITE_DOMAINS: usize = 100;

/// Settings as stored with the tenant. Unset values fall back to the
/// installation's configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct TenantSettings {
    /// A session ends after so many hours without a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_idle_hours: Option<u32>,
    /// A session ends after so many hours, even if in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_absolute_hours: Option<u32>,
    /// An IANA name; the zone of members who chose none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// The ISO 4217 code of the currency for usage and budgets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// If not empty, invites need an e-mail address in one of these domains.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub invite_domains: Vec<String>,
    /// Owners may change an accepted memory without a new review.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub owners_change_reviewed: bool,
}

impl TenantSettings {
    /// The currency of most providers' price lists.
    pub const DEFAULT_CURRENCY: &'static str = "USD";

    /// The zone of members who chose none.
    pub fn time_zone(&self) -> &str {
        self.time_zone.as_deref().unwrap_or(TimeZone::UTC)
    }

    pub fn currency(&self) -> &str {
        self.currency.as_deref().unwrap_or(Self::DEFAULT_CURRENCY)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Organisation {
    /// The short name in commands and configuration; never changes.
    pub slug: String,
    pub name: String,
    pub settings: TenantSettings,
    /// Increases with each change; an edit names the version it is based on.
    pub version: i32,
}

/// Replaces the name and all settings; what is left out is unset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SettingsInput {
    /// The version that the change is based on.
    pub version: i32,
    /// 1 to 200 characters.
    pub name: String,
    /// A session ends after so many hours without a request, 1 to 8760; applies
    /// to new sessions. Unset: as configured for the installation.
    #[serde(
        default,
        deserialize_with = "form_text::text",
        skip_serializing_if = "String::is_empty"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Option<u32>"))]
    pub session_idle_hours: String,
    /// A session ends after so many hours, even if in use, 1 to 8760; applies
    /// to new sessions. Unset: as configured for the installation.
    #[serde(
        default,
        deserialize_with = "form_text::text",
        skip_serializing_if = "String::is_empty"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Option<u32>"))]
    pub session_absolute_hours: String,
    /// The IANA name of the zone of members who chose none. Unset: UTC.
    #[serde(
        default,
        deserialize_with = "form_text::text",
        skip_serializing_if = "String::is_empty"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub time_zone: String,
    /// The ISO 4217 code of the currency for usage and budgets. Unset: USD.
    #[serde(
        default,
        deserialize_with = "form_text::text",
        skip_serializing_if = "String::is_empty"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub currency: String,
    /// At most 100 domains. If set, invites need an e-mail address in one of
    /// them.
    // A form sends them separated by commas, semicolons or white space.
    #[serde(
        default,
        deserialize_with = "form_text::words",
        skip_serializing_if = "String::is_empty"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub invite_domains: String,
    /// `review`: a change of an accepted memory needs a new review, the default.
    /// `owner`: its owner may change it without one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reviewed_changes: String,
}

/// A change of an accepted memory needs a new review.
pub const CHANGES_NEED_REVIEW: &str = "review";

/// Owners may change an accepted memory without a new review.
pub const OWNERS_MAY_CHANGE: &str = "owner";

/// Lookups of values whose lists only the server has.
#[derive(Clone, Copy, Debug)]
pub struct KnownValues {
    /// True for an existing IANA name.
    pub is_time_zone: fn(&str) -> bool,
    /// True for an existing ISO 4217 code.
    pub is_currency: fn(&str) -> bool,
}

/// A validated [`SettingsInput`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganisationUpdate {
    pub name: String,
    pub settings: TenantSettings,
}

impl OrganisationUpdate {
    pub fn parse(input: &SettingsInput, known: KnownValues) -> Result<Self, AppError> {
        let mut errors = FieldErrors::default();
        let missing = "Enter a name.";
        let name = errors.line("name", &input.name, MAX_ORGANISATION_NAME_CHARS, missing);
        let mut parse_hours = |field: &str, text: &str| match text.trim() {
            "" => None,
            text => {
                let hours: Option<u32> = text.parse().ok();
                let hours = hours.filter(|hours| SESSION_HOURS.contains(hours));
                let message = "Enter 1 to 8760 whole hours, or leave empty.";
                errors.check(field, hours.ok_or(message))
            }
        };
        let idle = parse_hours("session_idle_hours", &input.session_idle_hours);
        let absolute = parse_hours("session_absolute_hours", &input.session_absolute_hours);
        if let (Some(idle), Some(absolute)) = (idle, absolute)
            && idle > absolute
        {
            errors.reject(
                "session_idle_hours",
                "This can’t be longer than the maximum session length.",
            );
        }
        let mut parse_listed =
            |field: &str, text: &str, is_known: fn(&str) -> bool, message: &str| {
                let value = chosen(text);
                if value.as_deref().is_some_and(|value| !is_known(value)) {
                    errors.reject(field, message);
                }
                value
            };
        let time_zone = parse_listed(
            "time_zone",
            &input.time_zone,
            known.is_time_zone,
            NO_TIME_ZONE,
        );
        let currency = parse_listed(
            "currency",
            &input.currency,
            known.is_currency,
            "Choose one of the currencies in the list.",
        );
        let invite_domains = parse_domains(&input.invite_domains)
            .map_err(|word| format!("{} is not a domain such as example.org.", quote(word)))
            .and_then(|domains| {
                let fits = domains.len() <= MAX_INVITE_DOMAINS;
                let message = || format!("Enter at most {MAX_INVITE_DOMAINS} domains.");
                fits.then_some(domains).ok_or_else(message)
            });
        let invite_domains = errors.check("invite_domains", invite_domains);
        if !["", CHANGES_NEED_REVIEW, OWNERS_MAY_CHANGE].contains(&input.reviewed_changes.as_str())
        {
            let message = format!("Choose {CHANGES_NEED_REVIEW} or {OWNERS_MAY_CHANGE}.");
            errors.reject("reviewed_changes", message);
        }
        errors.finish(|| {
            Some(Self {
                name,
                settings: TenantSettings {
                    session_idle_hours: idle,
                    session_absolute_hours: absolute,
                    time_zone,
                    currency,
                    invite_domains: invite_domains?,
                    owners_change_reviewed: input.reviewed_changes == OWNERS_MAY_CHANGE,
                },
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: KnownValues = KnownValues {
        is_time_zone: |name| name == "Europe/Berlin",
        is_currency: |code| code == "EUR",
    };

    #[test]
    fn time_zone_and_currency_must_exist_if_set() {
        let parse = |time_zone: &str, currency: &str| {
            let input = SettingsInput {
                name: "Acme".into(),
                time_zone: time_zone.into(),
                currency: currency.into(),
                ..SettingsInput::default()
            };
            OrganisationUpdate::parse(&input, KNOWN)
        };
        let chosen = parse("Europe/Berlin", "EUR").unwrap().settings;
        assert_eq!(
            (chosen.time_zone(), chosen.currency()),
            ("Europe/Berlin", "EUR")
        );
        let defaults = parse("", "").unwrap().settings;
        assert_eq!((defaults.time_zone(), defaults.currency()), ("UTC", "USD"));
        assert_eq!(defaults, TenantSettings::default());
        let error = parse("Mars/Base", "eur").unwrap_err();
        assert!(error.for_field("time_zone").is_some() && error.for_field("currency").is_some());
    }

    #[test]
    fn session_hours_are_validated() {
        let parse = |name: &str, idle: &str, absolute: &str| {
            let input = SettingsInput {
                name: name.into(),
                session_idle_hours: idle.into(),
                session_absolute_hours: absolute.into(),
                ..SettingsInput::default()
            };
            OrganisationUpdate::parse(&input, KNOWN)
        };
        let text = parse(" Acme ", "", " 8 ").unwrap();
        assert_eq!(text.name, "Acme");
        assert_eq!(text.settings.session_idle_hours, None);
        assert_eq!(text.settings.session_absolute_hours, Some(8));
        for (name, idle, absolute, field) in [
            ("", "", "", "name"),
            ("a\nb", "", "", "name"),
            ("Acme", "0", "", "session_idle_hours"),
            ("Acme", "half", "", "session_idle_hours"),
            ("Acme", "", "9999", "session_absolute_hours"),
            ("Acme", "9", "8", "session_idle_hours"),
        ] {
            let error = parse(name, idle, absolute).unwrap_err();
            assert!(error.for_field(field).is_some(), "{name} {idle} {absolute}");
        }
    }

    #[test]
    fn invalid_invite_domain_is_named() {
        let parse = |domains: &str| {
            let input = SettingsInput {
                name: "Acme".into(),
                invite_domains: domains.into(),
                ..SettingsInput::default()
            };
            OrganisationUpdate::parse(&input, KNOWN)
        };
        let text = parse("Fabrikam.example\n contoso.example").unwrap();
        assert_eq!(
            text.settings.invite_domains,
            ["contoso.example", "fabrikam.example"]
        );
        let error = parse("contoso.example, nowhere").unwrap_err();
        let message = error.for_field("invite_domains").unwrap();
        assert!(message.contains("“nowhere”"), "{message}");
        let many: Vec<_> = (0..=MAX_INVITE_DOMAINS)
            .map(|n| format!("a{n}.b"))
            .collect();
        let error = parse(&many.join(" ")).unwrap_err();
        assert!(error.for_field("invite_domains").is_some());
    }

    #[test]
    fn accepted_memories_are_reviewed_by_default() {
        let parse = |reviewed_changes: &str| {
            let input = SettingsInput {
                name: "Acme".into(),
                reviewed_changes: reviewed_changes.into(),
                ..SettingsInput::default()
            };
            OrganisationUpdate::parse(&input, KNOWN)
        };
        for (typed, owners) in [
            ("", false),
            (CHANGES_NEED_REVIEW, false),
            (OWNERS_MAY_CHANGE, true),
        ] {
            let settings = parse(typed).unwrap().settings;
            assert_eq!(settings.owners_change_reviewed, owners, "{typed}");
        }
        let error = parse("true").unwrap_err();
        assert!(error.for_field("reviewed_changes").is_some());
        let stored = serde_json::to_value(TenantSettings::default()).unwrap();
        assert_eq!(stored, serde_json::json!({}));
    }

    #[test]
    fn unknown_settings_are_rejected() {
        assert!(serde_json::from_str::<TenantSettings>("{}").is_ok());
        assert!(serde_json::from_str::<TenantSettings>(r#"{"colour":"red"}"#).is_err());
    }
}
