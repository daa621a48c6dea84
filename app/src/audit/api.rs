//! Server functions of the audit log.

use domain::{
    AppError, Page,
    audit::{AuditEntry, AuditFilter},
};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::api;

/// One page of the log, newest first; `after` is where it begins, or empty.
#[server(endpoint = "audit_list")]
pub(crate) async fn audit_list(
    #[server(default)] filter: AuditFilter,
    #[server(default)] after: String,
) -> Result<Page<AuditEntry>, AppError> {
    let (ctx, actor) = api::caller()?;
    let after = Some(after).filter(|after| !after.is_empty());
    let mut page = service::audit_list(&ctx, &actor, &filter, after.as_deref()).await?;
    lay_out(&mut page.items);
    Ok(page)
}

/// Lays the rows' JSON out over several lines, for people.
#[cfg(feature = "ssr")]
pub(crate) fn lay_out(entries: &mut [AuditEntry]) {
    for entry in entries {
        entry.changes = entry.changes.take().map(indented);
        entry.metadata = entry.metadata.take().map(indented);
    }
}

/// JSON over several lines; anything else as it is.
#[cfg(feature = "ssr")]
fn indented(json: String) -> String {
    let value: Option<serde_json::Value> = serde_json::from_str(&json).ok();
    value
        .and_then(|value| serde_json::to_string_pretty(&value).ok())
        .unwrap_or(json)
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::indented;

    #[test]
    fn changes_are_laid_out_and_what_is_no_json_stays() {
        assert_eq!(
            indented(r#"{"a":{"b":1}}"#.to_owned()),
            "{\n  \"a\": {\n    \"b\": 1\n  }\n}"
        );
        assert_eq!(indented("not {json".to_owned()), "not {json");
    }
}
