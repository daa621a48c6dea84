//! Server functions of the audit log.

use domain::{
    AppError, Page, Permission,
    audit::{AuditEntry, AuditListInput},
    member::{MemberListInput, MemberSummary},
};

use crate::{api, start::viewer_may};

/// Entries, and members whose entries can be chosen.
#[derive(Clone, Debug)]
pub(crate) struct AuditData {
    pub(crate) page: Page<AuditEntry>,
    /// The first by name; empty if the caller may not view members.
    pub(crate) members: Vec<MemberSummary>,
}

/// One page of the log.
pub(crate) async fn audit_list(list: AuditListInput) -> Result<AuditData, AppError> {
    let (ctx, actor) = api::caller()?;
    let page = service::call::<service::AuditList>(&ctx, &actor, list).await?;
    let members = if viewer_may(Permission::MemberRead) {
        let input = MemberListInput::default();
        let page = service::call::<service::MemberList>(&ctx, &actor, input).await?;
        page.items
    } else {
        Vec::new()
    };
    Ok(AuditData { page, members })
}
