//! Validation of inputs that reports every invalid field, not only the first.

use crate::{AppError, FieldError};

/// Collects the invalid fields of one input.
///
/// ```
/// # use domain::validate::FieldErrors;
/// let mut errors = FieldErrors::default();
/// let name = errors.line("name", " Tea ", 100, "Give it a name.");
/// let days = errors.check("days", "7".parse::<u8>().map_err(|_| "Give whole days."));
/// let (name, days) = errors.finish(|| Some((name, days?))).unwrap();
/// assert_eq!((name.as_str(), days), ("Tea", 7));
/// ```
#[derive(Debug, Default)]
pub struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    pub fn reject(&mut self, field: &str, message: impl Into<String>) {
        self.0.push(FieldError {
            field: field.to_owned(),
            message: message.into(),
        });
    }

    /// The value, or `None` after recording the message.
    pub fn check<T>(&mut self, field: &str, value: Result<T, impl Into<String>>) -> Option<T> {
        value.map_err(|message| self.reject(field, message)).ok()
    }

    /// The value, or `None` after recording the fields that the error names.
    ///
    /// # Errors
    /// An error that is not about fields.
    pub fn merge<T>(&mut self, value: Result<T, AppError>) -> Result<Option<T>, AppError> {
        match value {
            Ok(value) => Ok(Some(value)),
            Err(AppError::Invalid { fields }) => {
                self.0.extend(fields);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Trimmed text on one line, of 1 to `max` characters. `missing` is the
    /// message for an empty text.
    pub fn line(&mut self, field: &str, typed: &str, max: usize, missing: &str) -> String {
        let text = typed.trim();
        if text.is_empty() {
            self.reject(field, missing);
        } else if text.chars().any(char::is_control) {
            self.reject(field, "Use one line, without control characters.");
        } else {
            self.limit(field, text, max);
        }
        text.to_owned()
    }

    /// Trimmed text of at most `max` characters, which may be empty and have
    /// several lines.
    pub fn text(&mut self, field: &str, typed: &str, max: usize) -> String {
        let text = typed.trim();
        if text.contains('\0') {
            self.reject(field, "Text can't contain a NUL character.");
        } else {
            self.limit(field, text, max);
        }
        text.to_owned()
    }

    fn limit(&mut self, field: &str, text: &str, max: usize) {
        let length = text.chars().count();
        if length > max {
            let message = format!("This has {length} characters; the maximum is {max}.");
            self.reject(field, message);
        }
    }

    /// The value if no field was rejected. A `value` that is `None` must have
    /// been rejected.
    ///
    /// # Errors
    /// [`AppError::Invalid`] with all rejected fields.
    pub fn finish<T>(self, value: impl FnOnce() -> Option<T>) -> Result<T, AppError> {
        let Self(fields) = self;
        match fields.is_empty().then(value).flatten() {
            Some(value) => Ok(value),
            None => Err(AppError::Invalid { fields }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_invalid_field_is_reported_in_order() {
        let mut errors = FieldErrors::default();
        errors.line("name", " \n ", 3, "Give it a name.");
        errors.line("label", "four", 3, "Give it a label.");
        errors.line("mark", "a\u{7}b", 3, "Give it a mark.");
        errors.text("note", "a\0", 3);
        assert_eq!(errors.text("empty", " ", 3), "");
        assert_eq!(errors.text("lines", "a\nb", 3), "a\nb");
        assert_eq!(errors.check("count", Err::<u8, _>("No count.")), None);
        let merged = errors.merge(Err::<u8, _>(AppError::field("other", "No.")));
        assert_eq!(merged, Ok(None));
        let passed_on = errors.merge(Err::<u8, _>(AppError::NotFound));
        assert_eq!(passed_on, Err(AppError::NotFound));
        let Err(AppError::Invalid { fields }) = errors.finish(|| Some(())) else {
            panic!("invalid fields were accepted");
        };
        let names: Vec<_> = fields.iter().map(|field| field.field.as_str()).collect();
        assert_eq!(names, ["name", "label", "mark", "note", "count", "other"]);
        assert_eq!(
            fields[1].message,
            "This has 4 characters; the maximum is 3."
        );
    }
}
