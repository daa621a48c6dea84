//! Server functions of the audit log.

use domain::{
    AppError, Page,
    audit::{AuditEntry, AuditFilter},
};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::api;

/// One page of the log, newest first; `after` is a cursor, empty for the first
/// page.
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

/// Pretty-prints the entries' JSON.
#[cfg(feature = "ssr")]
pub(crate) fn lay_out(entries: &mut [AuditEntry]) {
    for entry in entries {
        entry.changes = entry.changes.take().map(pretty_json);
        entry.metadata = entry.metadata.take().map(pretty_json);
    }
}

/// Pretty-prints JSON; other text is returned unchanged.
#[cfg(feature = "ssr")]
fn pretty_json(json: String) -> String {
    let value: Option<serde_json::Value> = serde_json::from_str(&json).ok();
    value
        .and_then(|value| serde_json::to_string_pretty(&value).ok())
        .unwrap_or(json)
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::pretty_json;

    #[test]
    fn json_is_pretty_printed_and_other_text_is_kept() {
        assert_eq!(
            pretty_json(r#"{"a":{"b":1}}"#.to_owned()),
            "{\n  \"a\": {\n    \"b\": 1\n  }\n}"
        );
        assert_eq!(pretty_json("not {json".to_owned()), "not {json");
    }
}
