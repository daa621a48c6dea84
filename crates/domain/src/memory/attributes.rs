//! The attributes of a memory, which is all that others see of it besides its
//! text: as stored, as entered over REST, MCP or in a file, and as entered in a
//! form.
//!
//! An attribute is declared here and stored by `schema/functions/memory.sql`.
//! Memories, proposals, imports and exports carry these types whole.
#![expect(
    clippy::option_option,
    reason = "an absent attribute stays, null removes it"
)]

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::{Date, format_description::well_known::Rfc3339, macros::format_description};

use super::{AllowedVendors, DEFAULT_IMPORTANCE};
use crate::{AppError, Timestamp, validate::FieldErrors};

const MAX_URL_CHARS: usize = 2_000;

/// The attributes of a memory, which are not versioned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MemoryAttributes {
    /// The time at which it moves to the trash by itself; null: never.
    #[serde(with = "time::serde::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::DateTime>"))]
    pub expires_at: Option<Timestamp>,
    /// 0 to 1.
    pub importance: f32,
    /// AI products that may read it; `*` stands for all.
    pub allowed_vendors: AllowedVendors,
    /// The page that it comes from: an http or https address.
    #[serde(default)]
    pub source_url: Option<String>,
}

impl Default for MemoryAttributes {
    fn default() -> Self {
        Self {
            expires_at: None,
            importance: DEFAULT_IMPORTANCE,
            allowed_vendors: AllowedVendors::All,
            source_url: None,
        }
    }
}

/// Attributes as entered. In a change an absent attribute stays as it is; a new
/// memory gets its default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct AttributesInput {
    /// The time at which it moves to the trash by itself; null: never.
    #[serde(with = "time_or_null", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::DateTime>"))]
    pub expires_at: Option<Option<Timestamp>>,
    /// 0 to 1; 0.5 in a new memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub importance: Option<f32>,
    /// AI products that may read it, in place of those before; `*` stands for
    /// all and is the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<AllowedVendors>"))]
    pub allowed_vendors: Option<Vec<String>>,
    /// The page that it comes from: an http or https address of at most 2,000
    /// characters, without a user name; null or empty: none.
    #[serde(
        deserialize_with = "value_or_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub source_url: Option<Option<String>>,
}

impl AttributesInput {
    /// `before` with the attributes that are given. The expiry must be after
    /// `now`.
    ///
    /// # Errors
    /// [`AppError::Invalid`] with every invalid attribute.
    pub fn apply_to(
        &self,
        before: MemoryAttributes,
        now: Timestamp,
    ) -> Result<MemoryAttributes, AppError> {
        if self.is_empty() {
            return Ok(before);
        }
        let mut errors = FieldErrors::default();
        let expires_at = self.expires_at.unwrap_or(before.expires_at);
        if expires_at.is_some_and(|at| at <= now) {
            errors.reject("expires_at", "Choose a time in the future.");
        }
        let importance = self.importance.unwrap_or(before.importance);
        // Written so that NaN fails.
        if !(0.0..=1.0).contains(&importance) {
            errors.reject("importance", "Importance is a number from 0 to 1.");
        }
        let vendors = self.allowed_vendors.as_deref();
        let vendors = vendors.map_or(Ok(before.allowed_vendors), AllowedVendors::from_keys);
        let vendors = errors.merge(vendors)?;
        let source_url = match &self.source_url {
            None => Some(before.source_url),
            Some(typed) => errors.check("source_url", parse_url(typed.as_deref())),
        };
        errors.finish(|| {
            Some(MemoryAttributes {
                expires_at,
                importance,
                allowed_vendors: vendors?,
                source_url: source_url?,
            })
        })
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl From<MemoryAttributes> for AttributesInput {
    fn from(attributes: MemoryAttributes) -> Self {
        let vendors = attributes.allowed_vendors.keys();
        Self {
            expires_at: Some(attributes.expires_at),
            importance: Some(attributes.importance),
            allowed_vendors: Some(vendors.into_iter().map(str::to_owned).collect()),
            source_url: Some(attributes.source_url),
        }
    }
}

/// Attributes as entered in a form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AttributesForm {
    /// `always`, `until`, or empty if the form has no attribute fields.
    pub keep: String,
    /// The last day on which the memory is kept, such as `2026-12-31`.
    pub expires_on: String,
    /// The current expiry as an instant and its local day, separated by a
    /// space. If `expires_on` is still that day, the instant is kept.
    pub expires_was: String,
    /// A number; empty means [`DEFAULT_IMPORTANCE`].
    pub importance: String,
    /// [`ANY_VENDOR`], or [`ONLY_VENDORS`] for those in `allowed_vendors`;
    /// empty if the form has no such fields.
    pub vendors: String,
    /// Keys of vendors.
    pub allowed_vendors: Vec<String>,
    /// Empty: none.
    pub source_url: String,
}

/// Allows every vendor.
pub const ANY_VENDOR: &str = "any";

/// Allows only the listed vendors.
pub const ONLY_VENDORS: &str = "only";

/// The time at which a memory expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// Never.
    Always,
    Until(Timestamp),
    /// At the end of this day in the owner's time zone.
    UntilEndOf(Date),
}

impl AttributesForm {
    /// Parses the expiry.
    ///
    /// # Errors
    /// [`AppError::Invalid`] for the field `expires_at`, not `expires_on`.
    pub fn expiry(&self) -> Result<Expiry, AppError> {
        if self.keep != "until" {
            return Ok(Expiry::Always);
        }
        let day = self.expires_on.trim();
        if let Some((at, was)) = self.expires_was.split_once(' ')
            && was == day
            && let Ok(at) = Timestamp::parse(at, &Rfc3339)
        {
            return Ok(Expiry::Until(at));
        }
        Date::parse(day, format_description!("[year]-[month]-[day]"))
            .map(Expiry::UntilEndOf)
            .map_err(|_| {
                AppError::field(
                    "expires_at",
                    "Enter the last day of retention, such as 2026-12-31.",
                )
            })
    }

    /// All attributes, or none if the form has no attribute fields.
    /// `expires_at` is resolved from [`AttributesForm::expiry`].
    ///
    /// # Errors
    /// [`AppError::Invalid`] with every field that can't be read.
    pub fn input(
        &self,
        expires_at: Result<Option<Timestamp>, AppError>,
    ) -> Result<AttributesInput, AppError> {
        let mut errors = FieldErrors::default();
        let expires_at = errors.merge(expires_at)?;
        let importance = match self.importance.trim() {
            "" => Ok(DEFAULT_IMPORTANCE),
            number => number
                .parse()
                .map_err(|_| "Importance is a number from 0 to 1."),
        };
        let importance = errors.check("importance", importance);
        // Ticked vendors must be valid even where they have no effect.
        let ticked = errors.merge(AllowedVendors::from_keys(&self.allowed_vendors))?;
        let vendors = match self.vendors.as_str() {
            "" | ANY_VENDOR => Some(AllowedVendors::All),
            ONLY_VENDORS => ticked,
            _ => {
                let message = format!("Choose {ANY_VENDOR} or {ONLY_VENDORS}.");
                errors.reject("allowed_vendors", message);
                None
            }
        };
        let attributes = errors.finish(|| {
            Some(MemoryAttributes {
                expires_at: expires_at?,
                importance: importance?,
                allowed_vendors: vendors?,
                source_url: Some(self.source_url.trim().to_owned()),
            })
        })?;
        Ok(if self.keep.is_empty() {
            AttributesInput::default()
        } else {
            attributes.into()
        })
    }
}

/// An address with its scheme and host in lower case. Not parsed by the `url`
/// crate, whose tables of international hosts the browser would load too.
fn parse_url(typed: Option<&str>) -> Result<Option<String>, String> {
    let Some(typed) = typed.map(str::trim).filter(|typed| !typed.is_empty()) else {
        return Ok(None);
    };
    let path = typed.match_indices(['/', '?', '#']).map(|(at, _)| at);
    // Those of `://` are before the path.
    let path = path.filter(|at| *at >= "https://".len()).min();
    let (site, path) = typed.split_at(path.unwrap_or(typed.len()));
    let site = site.to_lowercase();
    let host = ["https://", "http://"]
        .iter()
        .find_map(|scheme| site.strip_prefix(scheme))
        .filter(|host| {
            !host.is_empty() && !host.starts_with(':') && !host.contains(['@', '/', '?', '#'])
        });
    if host.is_none() || typed.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(
            "Enter a URL that begins with https:// or http://, without spaces, user name or password."
                .to_owned(),
        );
    }
    let url = site + path;
    if url.chars().count() > MAX_URL_CHARS {
        return Err(format!("A URL has at most {MAX_URL_CHARS} characters."));
    }
    Ok(Some(url))
}

/// Absent is `None`, null is `Some(None)`.
pub(super) fn value_or_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

mod time_or_null {
    use super::{Deserializer, Serializer, Timestamp};

    #[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
    pub(super) fn serialize<S: Serializer>(
        at: &Option<Option<Timestamp>>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        time::serde::rfc3339::option::serialize(&at.flatten(), to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Option<Timestamp>>, D::Error> {
        time::serde::rfc3339::option::deserialize(from).map(Some)
    }
}

/// SQL functions take and return attributes as JSON.
#[cfg(feature = "sqlx")]
impl From<sqlx::types::Json<Self>> for MemoryAttributes {
    fn from(sqlx::types::Json(attributes): sqlx::types::Json<Self>) -> Self {
        attributes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_is_an_http_address_with_its_host_in_lower_case() {
        for (typed, stored) in [
            ("", None),
            ("  ", None),
            ("https://Wiki.example.com", Some("https://wiki.example.com")),
            (
                " HTTP://Wiki.example.com:8080/A?b=C#D ",
                Some("http://wiki.example.com:8080/A?b=C#D"),
            ),
            ("https://BÜCHER.example/Ü", Some("https://bücher.example/Ü")),
            ("https://[::1]/x", Some("https://[::1]/x")),
            ("https://a.example?q=a@b", Some("https://a.example?q=a@b")),
        ] {
            assert_eq!(parse_url(Some(typed)), Ok(stored.map(str::to_owned)));
        }
        assert_eq!(parse_url(None), Ok(None));
        for bad in [
            "javascript:alert(1)",
            "ftp://a.example",
            "a.example",
            "//a.example",
            "https://",
            "http:///a",
            "http://?a",
            "https://:80/",
            "https://mia:secret@a.example/",
            "https://a.example/b c",
            "https://a.example/\0",
        ] {
            assert!(parse_url(Some(bad)).is_err(), "{bad}");
        }
        let url = format!("https://a.example/{}", "ü".repeat(MAX_URL_CHARS - 18));
        assert_eq!(parse_url(Some(&url)), Ok(Some(url.clone())));
        assert!(parse_url(Some(&(url + "x"))).is_err());
    }
}
