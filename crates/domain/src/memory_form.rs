//! The attribute fields of the memory form: expiry, persona, importance,
//! vendors.

use serde::{Deserialize, Serialize};
use time::{Date, format_description::well_known::Rfc3339, macros::format_description};

use crate::{
    AppError, FieldError, Timestamp,
    memory::{AllowedVendors, DEFAULT_IMPORTANCE, MAX_REASON_CHARS, MemoryAttributes},
};

/// Form input, not validated.
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
    /// Empty: none.
    pub persona_id: String,
    /// A number; empty means [`DEFAULT_IMPORTANCE`].
    pub importance: String,
    /// [`ANY_VENDOR`], or [`ONLY_VENDORS`] for those in `allowed_vendors`;
    /// empty if the form has no such fields.
    pub vendors: String,
    /// Keys of vendors.
    pub allowed_vendors: Vec<String>,
}

/// Allows every vendor.
pub const ANY_VENDOR: &str = "any";

/// Allows only the listed vendors.
pub const ONLY_VENDORS: &str = "only";

/// When a memory expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// Never.
    Always,
    Until(Timestamp),
    /// At the end of this day in the owner's time zone.
    UntilEndOf(Date),
}

impl AttributesForm {
    /// True if the form has no attribute fields, so the attributes stay as they
    /// are.
    pub fn is_absent(&self) -> bool {
        self.keep.is_empty()
    }

    /// Parses the expiry.
    ///
    /// # Errors
    /// [`AppError::Invalid`] for the field `expires_at`, not `expires_on`.
    pub fn keep(&self) -> Result<Expiry, AppError> {
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
                    "Choose the last day on which it is kept, as in 2026-12-31.",
                )
            })
    }

    /// Validates the form. `expires_at` is the instant resolved from
    /// [`AttributesForm::keep`].
    pub fn attributes(&self, expires_at: Option<Timestamp>) -> Result<MemoryAttributes, AppError> {
        let mut fields = Vec::new();
        let persona_id = match self.persona_id.as_str() {
            "" => None,
            id => {
                let parsed = id.parse().ok();
                if parsed.is_none() {
                    fields.push(field_error("persona_id", "Choose one of your personas."));
                }
                parsed
            }
        };
        let importance = match self.importance.trim() {
            "" => Some(DEFAULT_IMPORTANCE),
            number => number.parse().ok(),
        };
        if importance.is_none() {
            let message = "Importance is a number from 0 to 1.";
            fields.push(field_error("importance", message));
        }
        let (allowed_vendors, ()) = match (importance, fields) {
            (Some(_), fields) if fields.is_empty() => both(self.vendors(), Ok(()))?,
            (_, fields) => both(self.vendors(), Err(AppError::Invalid { fields }))?,
        };
        Ok(MemoryAttributes {
            expires_at,
            persona_id,
            importance: importance.unwrap_or(DEFAULT_IMPORTANCE),
            allowed_vendors,
        })
    }

    fn vendors(&self) -> Result<AllowedVendors, AppError> {
        match self.vendors.as_str() {
            // Ticked vendors have no effect here, but must be valid.
            "" | ANY_VENDOR => {
                AllowedVendors::from_keys(&self.allowed_vendors).map(|_| AllowedVendors::All)
            }
            ONLY_VENDORS => AllowedVendors::from_keys(&self.allowed_vendors),
            _ => Err(AppError::field(
                "allowed_vendors",
                format!("Choose {ANY_VENDOR} or {ONLY_VENDORS}."),
            )),
        }
    }
}

/// Parses the optional reason of a change.
pub fn parse_reason(typed: &str) -> Result<Option<String>, AppError> {
    let reason = typed.trim();
    if reason.chars().count() > MAX_REASON_CHARS {
        let message = format!("A reason has at most {MAX_REASON_CHARS} characters.");
        return Err(AppError::field("reason", message));
    }
    if reason.contains('\0') {
        return Err(AppError::field(
            "reason",
            "A reason can't contain a NUL character.",
        ));
    }
    Ok((!reason.is_empty()).then(|| reason.to_owned()))
}

/// Combines two validations of one form, so that the errors of both are
/// reported.
///
/// # Errors
/// [`AppError::Invalid`] with the fields of both; any other error unchanged.
pub fn both<A, B>(
    first: Result<A, AppError>,
    second: Result<B, AppError>,
) -> Result<(A, B), AppError> {
    match (first, second) {
        (Ok(first), Ok(second)) => Ok((first, second)),
        (Err(AppError::Invalid { mut fields }), Err(AppError::Invalid { fields: more })) => {
            fields.extend(more);
            Err(AppError::Invalid { fields })
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

fn field_error(field: &str, message: &str) -> FieldError {
    FieldError {
        field: field.to_owned(),
        message: message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};

    use super::*;
    use crate::Vendor;

    fn form(keep: &str, expires_on: &str, expires_was: &str) -> AttributesForm {
        AttributesForm {
            keep: keep.into(),
            expires_on: expires_on.into(),
            expires_was: expires_was.into(),
            ..AttributesForm::default()
        }
    }

    #[test]
    fn unchanged_day_keeps_its_instant_and_new_day_its_end() {
        let was = "2026-12-01T08:15:00Z 2026-12-01";
        for (keep, day, expected) in [
            ("always", "2026-12-01", Expiry::Always),
            ("", "", Expiry::Always),
            (
                "until",
                "2026-12-01",
                Expiry::Until(datetime!(2026-12-01 08:15 UTC)),
            ),
            (
                "until",
                " 2026-12-02 ",
                Expiry::UntilEndOf(date!(2026 - 12 - 02)),
            ),
        ] {
            assert_eq!(form(keep, day, was).keep(), Ok(expected), "{keep} {day}");
        }
        for day in ["", "tomorrow", "2026-02-30", "01.12.2026"] {
            let error = form("until", day, "").keep().unwrap_err();
            assert!(error.for_field("expires_at").is_some(), "{day}");
        }
    }

    #[test]
    fn all_invalid_fields_are_reported() {
        let bad = AttributesForm {
            persona_id: "work".into(),
            importance: "very".into(),
            vendors: "only".into(),
            allowed_vendors: vec!["claude".into(), "hal".into()],
            ..form("always", "", "")
        };
        let error = bad.attributes(None).unwrap_err();
        for field in ["persona_id", "importance", "allowed_vendors"] {
            assert!(error.for_field(field).is_some(), "{field}");
        }
        for (vendors, allowed, expected) in [
            ("all", &[][..], "any or only"),
            ("Only", &["claude"], "any or only"),
            ("*", &[], "any or only"),
            ("any", &["hal"], "chatgpt, claude"),
            ("", &["hal"], "chatgpt, claude"),
        ] {
            let bad = AttributesForm {
                vendors: vendors.into(),
                allowed_vendors: allowed.iter().map(ToString::to_string).collect(),
                ..form("always", "", "")
            };
            let error = bad.attributes(None).unwrap_err();
            let message = error.for_field("allowed_vendors").unwrap();
            assert!(message.contains(expected), "{vendors}: {message}");
        }
        let good = AttributesForm {
            importance: "0.35".into(),
            vendors: "only".into(),
            allowed_vendors: vec!["claude".into()],
            ..form("always", "", "")
        };
        let attributes = good.attributes(None).unwrap();
        assert!((attributes.importance - 0.35).abs() < f32::EPSILON);
        assert_eq!(
            attributes.allowed_vendors,
            AllowedVendors::Only(vec![Vendor::Claude])
        );
        assert_eq!(
            AttributesForm::default().attributes(None),
            Ok(MemoryAttributes::default())
        );
    }

    #[test]
    fn long_reasons_are_rejected_and_errors_are_combined() {
        assert_eq!(parse_reason("  "), Ok(None));
        assert_eq!(parse_reason(" Typo "), Ok(Some("Typo".into())));
        assert!(parse_reason(&"é".repeat(500)).is_ok());
        for bad in ["é".repeat(501), "a\0b".into()] {
            assert!(
                parse_reason(&bad)
                    .unwrap_err()
                    .for_field("reason")
                    .is_some()
            );
        }
        let long = parse_reason(&"x".repeat(501));
        let error = both(long, form("until", "", "").keep()).unwrap_err();
        assert!(error.for_field("reason").is_some() && error.for_field("expires_at").is_some());
    }
}
