//! The form to create or change a memory.

use serde::{Deserialize, Serialize};
use time::{Date, format_description::well_known::Rfc3339, macros::format_description};

use crate::{
    AppError, MemoryId, Timestamp,
    memory::{
        AllowedVendors, DEFAULT_IMPORTANCE, MAX_REASON_CHARS, MemoryInput, MemoryKind, MemoryPatch,
        Origin,
    },
};

/// The form to create or change a memory, as entered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MemoryForm {
    pub title: String,
    pub content: String,
    /// A key of a [`MemoryKind`]; empty means fact.
    pub kind: String,
    /// Separated by commas.
    pub tags: String,
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

impl MemoryForm {
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

    /// The input to create the memory, in which every error of the form is
    /// reported. `expires_at` is resolved from [`MemoryForm::keep`].
    pub fn input(
        self,
        expires_at: Result<Option<Timestamp>, AppError>,
    ) -> Result<MemoryInput, AppError> {
        let persona_id = match self.persona_id.as_str() {
            "" => Ok(None),
            id => id
                .parse()
                .map(Some)
                .map_err(|_| AppError::field("persona_id", "Choose one of your personas.")),
        };
        let importance = match self.importance.trim() {
            "" => Ok(None),
            number => number
                .parse()
                .map(Some)
                .map_err(|_| AppError::field("importance", "Importance is a number from 0 to 1.")),
        };
        let input = MemoryInput {
            title: self.title,
            content: with_line_feeds(&self.content),
            kind: Some(self.kind).filter(|kind| !kind.is_empty()),
            tags: self.tags.split(',').map(str::to_owned).collect(),
            expires_at: expires_at.as_ref().copied().unwrap_or_default(),
            persona_id: persona_id.as_ref().copied().unwrap_or_default(),
            importance: importance.as_ref().copied().unwrap_or_default(),
            allowed_vendors: allowed_vendors(&self.vendors, &self.allowed_vendors),
            ..MemoryInput::default()
        };
        let errors = both(both(expires_at, persona_id), importance);
        let errors = both(errors, parse_vendors(&self.vendors, &self.allowed_vendors));
        // The service parses the input again; here for the errors of both.
        both(errors, input.parse(Origin::Dashboard))?;
        Ok(input)
    }

    /// As [`MemoryForm::input`], to change the memory. Without attribute fields
    /// in the form, the attributes stay.
    pub fn patch(
        self,
        id: MemoryId,
        version: i32,
        expires_at: Result<Option<Timestamp>, AppError>,
        reason: String,
    ) -> Result<MemoryPatch, AppError> {
        let has_attributes = !self.keep.is_empty();
        let (input, _) = both(self.input(expires_at), parse_reason(&reason))?;
        let patch = MemoryPatch {
            title: Some(input.title),
            content: Some(input.content),
            kind: Some(
                input
                    .kind
                    .unwrap_or_else(|| MemoryKind::Fact.key().to_owned()),
            ),
            tags: Some(input.tags),
            reason: Some(reason),
            ..MemoryPatch::new(id, version)
        };
        Ok(if has_attributes {
            MemoryPatch {
                expires_at: Some(input.expires_at),
                persona_id: Some(input.persona_id),
                importance: Some(input.importance.unwrap_or(DEFAULT_IMPORTANCE)),
                allowed_vendors: input
                    .allowed_vendors
                    .or_else(|| Some(vec![AllowedVendors::WILDCARD.to_owned()])),
                ..patch
            }
        } else {
            patch
        })
    }
}

/// The text of a text area, which holds line feeds. A form posted without
/// JavaScript sends each as CR LF: without the replacement, saving unchanged
/// text would change it.
pub fn with_line_feeds(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// Ticked vendors have no effect unless only they are allowed.
fn allowed_vendors(vendors: &str, ticked: &[String]) -> Option<Vec<String>> {
    (vendors == ONLY_VENDORS).then(|| ticked.to_vec())
}

/// Checks the choice of vendors; ticked ones must be valid even without an
/// effect.
fn parse_vendors(vendors: &str, ticked: &[String]) -> Result<(), AppError> {
    match vendors {
        "" | ANY_VENDOR => AllowedVendors::from_keys(ticked).map(drop),
        // The input has them.
        ONLY_VENDORS => Ok(()),
        _ => Err(AppError::field(
            "allowed_vendors",
            format!("Choose {ANY_VENDOR} or {ONLY_VENDORS}."),
        )),
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

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};

    use super::*;
    use crate::{Vendor, memory::MemoryAttributes};

    fn form(keep: &str, expires_on: &str, expires_was: &str) -> MemoryForm {
        MemoryForm {
            content: "Tea".into(),
            keep: keep.into(),
            expires_on: expires_on.into(),
            expires_was: expires_was.into(),
            ..MemoryForm::default()
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
        let bad = MemoryForm {
            content: " ".into(),
            kind: "song".into(),
            persona_id: "work".into(),
            importance: "very".into(),
            vendors: "only".into(),
            allowed_vendors: vec!["claude".into(), "hal".into()],
            ..form("always", "", "")
        };
        let error = bad.input(Ok(None)).unwrap_err();
        for field in [
            "content",
            "kind",
            "persona_id",
            "importance",
            "allowed_vendors",
        ] {
            assert!(error.for_field(field).is_some(), "{field}");
        }
        for (vendors, allowed, expected) in [
            ("all", &[][..], "any or only"),
            ("Only", &["claude"], "any or only"),
            ("*", &[], "any or only"),
            ("any", &["hal"], "chatgpt, claude"),
            ("", &["hal"], "chatgpt, claude"),
        ] {
            let bad = MemoryForm {
                vendors: vendors.into(),
                allowed_vendors: allowed.iter().map(ToString::to_string).collect(),
                ..form("always", "", "")
            };
            let error = bad.input(Ok(None)).unwrap_err();
            let message = error.for_field("allowed_vendors").unwrap();
            assert!(message.contains(expected), "{vendors}: {message}");
        }
        let good = MemoryForm {
            importance: "0.35".into(),
            vendors: "only".into(),
            allowed_vendors: vec!["claude".into()],
            ..form("always", "", "")
        };
        let memory = good.input(Ok(None)).unwrap().parse(Origin::Dashboard);
        let attributes = memory.unwrap().attributes;
        assert!((attributes.importance - 0.35).abs() < f32::EPSILON);
        assert_eq!(
            attributes.allowed_vendors,
            AllowedVendors::Only(vec![Vendor::Claude])
        );
        let plain = form("", "", "").input(Ok(None)).unwrap();
        let plain = plain.parse(Origin::Dashboard).unwrap();
        assert_eq!(plain.attributes, MemoryAttributes::default());
    }

    #[test]
    fn patch_leaves_attributes_that_the_form_does_not_have() {
        let id = MemoryId(uuid::Uuid::nil());
        let patch = |keep: &str| {
            let form = form(keep, "", "");
            form.patch(id, 1, Ok(None), String::new()).unwrap()
        };
        let (plain, whole) = (patch(""), patch("always"));
        assert_eq!(plain.content.as_deref(), Some("Tea"));
        assert_eq!((plain.expires_at, plain.importance), (None, None));
        assert_eq!(whole.expires_at, Some(None));
        assert_eq!(whole.importance, Some(DEFAULT_IMPORTANCE));
        assert_eq!(whole.allowed_vendors, Some(vec!["*".to_owned()]));
    }

    #[test]
    fn line_feeds_stay_as_typed() {
        let posted = MemoryForm {
            content: "a\r\nb\n ".into(),
            tags: "a, b".into(),
            ..MemoryForm::default()
        };
        let input = posted.input(Ok(None)).unwrap();
        assert_eq!(input.content, "a\nb\n ");
        assert_eq!(input.tags, ["a", " b"]);
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
