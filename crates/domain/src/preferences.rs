//! Display preferences: theme, time zone, and formats of dates and numbers.

use serde::{Deserialize, Serialize};
use time::UtcOffset;

use crate::{AppError, Timestamp, form_text, keyed_enum::keyed_enum, validate::FieldErrors};

keyed_enum! {
    #[derive(Default)]
    Theme {
        /// Follows the operating system.
        #[default]
        System = "system", "System";
        Light = "light", "Light";
        Dark = "dark", "Dark";
    }
}

/// The format of dates and numbers. The interface is English in every locale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Locale {
    /// `20 Nov 2026, 14:05` and `1,234.5`.
    #[default]
    #[serde(rename = "en-GB")]
    EnGb,
    /// `Nov 20, 2026, 2:05 PM` and `1,234.5`.
    #[serde(rename = "en-US")]
    EnUs,
    /// `20.11.2026, 14:05` and `1.234,5`.
    #[serde(rename = "de-DE")]
    DeDe,
    /// `20.11.2026, 14:05` and `1’234.5`.
    #[serde(rename = "de-CH")]
    DeCh,
    /// `20/11/2026, 14:05` and `1 234,5`.
    #[serde(rename = "fr-FR")]
    FrFr,
    /// `20/11/2026, 14:05` and `1.234,5`.
    #[serde(rename = "es-ES")]
    EsEs,
    /// `2026-11-20, 14:05` and `1 234,5`.
    #[serde(rename = "sv-SE")]
    SvSe,
    /// `2026/11/20, 14:05` and `1,234.5`.
    #[serde(rename = "ja-JP")]
    JaJp,
}

impl Locale {
    /// The default comes first.
    pub const ALL: [Self; 8] = [
        Self::EnGb,
        Self::EnUs,
        Self::DeDe,
        Self::DeCh,
        Self::FrFr,
        Self::EsEs,
        Self::SvSe,
        Self::JaJp,
    ];

    /// The BCP 47 tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::EnGb => "en-GB",
            Self::EnUs => "en-US",
            Self::DeDe => "de-DE",
            Self::DeCh => "de-CH",
            Self::FrFr => "fr-FR",
            Self::EsEs => "es-ES",
            Self::SvSe => "sv-SE",
            Self::JaJp => "ja-JP",
        }
    }

    /// Language and country, in English.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EnGb => "English (United Kingdom)",
            Self::EnUs => "English (United States)",
            Self::DeDe => "German (Germany)",
            Self::DeCh => "German (Switzerland)",
            Self::FrFr => "French (France)",
            Self::EsEs => "Spanish (Spain)",
            Self::SvSe => "Swedish (Sweden)",
            Self::JaJp => "Japanese (Japan)",
        }
    }

    pub fn from_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|locale| locale.tag() == tag)
    }
}

/// A time zone's offsets for the years that pages show.
///
/// The rules of all zones would be a large part of the browser bundle, so the
/// server sends the few offsets of the one zone in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeZone {
    /// The IANA name, e.g. `Europe/Berlin`.
    pub name: String,
    /// Pairs of the Unix second from which an offset applies and the offset in
    /// seconds east of UTC, in order. The first offset also applies before its
    /// second.
    pub offsets: Vec<(i64, i32)>,
}

impl TimeZone {
    pub const UTC: &'static str = "UTC";

    pub fn utc() -> Self {
        Self {
            name: Self::UTC.to_owned(),
            offsets: Vec::new(),
        }
    }

    /// The start of `day` in this zone.
    pub fn start_of(&self, day: time::Date) -> Timestamp {
        let midnight = day.midnight().assume_utc();
        let with_offset_at = |at: Timestamp| {
            let seconds = self.local(at).offset().whole_seconds();
            midnight - time::Duration::seconds(seconds.into())
        };
        // Applied twice, to use the offset at that instant instead of the one
        // at midnight UTC.
        with_offset_at(with_offset_at(midnight))
    }

    /// Converts `at` to this zone.
    pub fn local(&self, at: Timestamp) -> Timestamp {
        let second = at.unix_timestamp();
        let after = self.offsets.partition_point(|(from, _)| *from <= second);
        let offset = self
            .offsets
            .get(after.saturating_sub(1))
            .and_then(|(_, seconds)| UtcOffset::from_whole_seconds(*seconds).ok())
            .unwrap_or(UtcOffset::UTC);
        // Out of range only within a day of the calendar's end.
        at.checked_to_offset(offset).unwrap_or(at)
    }
}

/// The locale and time zone used for display.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Formats {
    pub locale: Locale,
    pub zone: TimeZone,
}

impl Default for Formats {
    fn default() -> Self {
        Self {
            locale: Locale::default(),
            zone: TimeZone::utc(),
        }
    }
}

/// The stored choices of a member; `None` means not chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Preferences {
    /// Falls back to the browser's cookie, then to the system.
    pub theme: Option<Theme>,
    /// An IANA name; falls back to the organisation's zone.
    pub time_zone: Option<String>,
    /// Falls back to [`Locale::default`].
    pub locale: Option<Locale>,
}

/// Display settings derived from a member's preferences.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisplaySettings {
    /// `None` if the member did not choose.
    pub theme: Option<Theme>,
    pub formats: Formats,
}

/// Replaces the preferences; what is left out is not chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PreferencesInput {
    #[serde(
        default,
        deserialize_with = "form_text::text",
        skip_serializing_if = "String::is_empty"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Theme>"))]
    pub theme: String,
    /// An IANA name.
    #[serde(
        default,
        deserialize_with = "form_text::text",
        skip_serializing_if = "String::is_empty"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub time_zone: String,
    /// The format of dates and numbers, a BCP 47 tag.
    #[serde(
        default,
        deserialize_with = "form_text::text",
        skip_serializing_if = "String::is_empty"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Locale>"))]
    pub locale: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ThemeInput {
    pub theme: Theme,
}

/// A member's preferences, and what replaces a time zone that is not chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PreferencesDetail {
    pub preferences: Preferences,
    /// The organisation's time zone, if it chose one.
    pub tenant_time_zone: Option<String>,
}

impl Preferences {
    /// Validates the input. `is_time_zone` says if an IANA name exists.
    pub fn parse(
        input: &PreferencesInput,
        is_time_zone: impl Fn(&str) -> bool,
    ) -> Result<Self, AppError> {
        let mut errors = FieldErrors::default();
        let theme = Theme::from_key(&input.theme);
        if theme.is_none() && !input.theme.is_empty() {
            errors.reject("theme", "Choose one of the themes in the list.");
        }
        let time_zone = chosen(&input.time_zone);
        if time_zone.as_deref().is_some_and(|name| !is_time_zone(name)) {
            errors.reject("time_zone", NO_TIME_ZONE);
        }
        let locale = Locale::from_tag(&input.locale);
        if locale.is_none() && !input.locale.is_empty() {
            errors.reject("locale", "Choose one of the formats in the list.");
        }
        errors.finish(|| {
            Some(Self {
                theme,
                time_zone,
                locale,
            })
        })
    }
}

/// The error message for an unknown time zone.
pub(crate) const NO_TIME_ZONE: &str = "Choose one of the time zones in the list.";

/// Trims the value of an optional select; `None` if empty.
pub(crate) fn chosen(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_locale_is_stored_and_sent_as_its_tag() {
        for locale in Locale::ALL {
            assert_eq!(Locale::from_tag(locale.tag()), Some(locale));
            assert_eq!(
                serde_json::to_value(locale).unwrap(),
                serde_json::json!(locale.tag())
            );
        }
    }

    #[test]
    fn unknown_values_are_rejected() {
        let draft = PreferencesInput {
            theme: "pink".into(),
            time_zone: "Mars/Base".into(),
            locale: "en".into(),
        };
        let error = Preferences::parse(&draft, |_| false).unwrap_err();
        for field in ["theme", "time_zone", "locale"] {
            assert!(error.for_field(field).is_some(), "{field}");
        }
        assert_eq!(
            Preferences::parse(&PreferencesInput::default(), |_| false),
            Ok(Preferences::default())
        );
    }
}
