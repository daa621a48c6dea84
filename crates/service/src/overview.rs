//! The overview page, the first one after signing in.

use domain::{
    Action, AppError, NoInput, Permission, Timestamp,
    embedding_model::EmbeddingModel,
    memory::MemoryCriteria,
    overview::{MemoryOverview, OVERVIEW_DAYS, Overview},
};
use store::{
    memory::MemoryPage,
    overview::{OverviewFigures, OverviewScope, overview_figures},
};
use time::{Duration, Time};

use crate::{
    authorized_tx::AuthorizedTx,
    operation::{Done, Group, Operation, Route, operations},
    proposal::may_decide,
};

operations! {
    OverviewGet,
}

const MAX_RECENT: u16 = 5;
const MAX_IMPORTS: u16 = 3;

/// Works for every role: parts for which the actor lacks a permission are
/// absent.
pub struct OverviewGet;

impl Operation for OverviewGet {
    const ACTION: Action = Action::ProfileGet;
    const ROUTE: Route = Route::get("/overview");
    const GROUP: Group = Group::Account;
    const TITLE: &'static str = "Get the overview";
    const DESCRIPTION: &'static str = "Figures of the caller and, as far as their permissions \
                                       reach, of the organisation. Parts without permission are \
                                       absent.";
    type Input = NoInput;
    type Output = Overview;

    async fn run(tx: &mut AuthorizedTx<'_>, _: NoInput) -> Result<Done<Overview>, AppError> {
        let now = tx.now();
        let (may_read, may_import) = (
            tx.holds(Permission::MemoryRead),
            tx.holds(Permission::MemoryImport),
        );
        let scope = scope_of(tx);
        let model = store::embedding_model::embedding_model_active(tx).await?;
        let OverviewFigures {
            proposals,
            own_keys,
            all_keys,
            members,
            invites,
            groups,
            audit,
        } = overview_figures(tx, scope, now).await?;
        let memories = if may_read {
            Some(memory_overview(tx, &model, now).await?)
        } else {
            None
        };
        let imports = if may_import {
            store::import::import_list(tx, MAX_IMPORTS).await?
        } else {
            Vec::new()
        };
        let mut overview = Overview {
            semantic_search: tx.ctx.embedder.status_of(&model),
            memories,
            imports,
            proposals,
            keys: own_keys,
            members,
            invites,
            organisation_keys: all_keys,
            groups,
            audit,
            setup: Vec::new(),
        };
        if tx.holds(Permission::SettingsManage) {
            overview.setup = overview.setup_tasks(tx.ctx.mailer.is_on());
        }
        Ok(Done::read(overview))
    }
}

fn scope_of(tx: &AuthorizedTx<'_>) -> OverviewScope {
    OverviewScope {
        proposals: tx.holds(Permission::MemoryShare),
        decides_proposals: may_decide(tx.actor),
        own_keys: tx.holds(Permission::ApiKeyOwn),
        all_keys: tx.holds(Permission::ApiKeyManage),
        members: tx.holds(Permission::MemberRead),
        invites: tx.holds(Permission::MemberInvite),
        groups: tx.holds(Permission::GroupMappingManage),
        audit: tx.holds(Permission::AuditRead),
    }
}

async fn memory_overview(
    tx: &mut AuthorizedTx<'_>,
    model: &EmbeddingModel,
    now: Timestamp,
) -> Result<MemoryOverview, AppError> {
    let today = now.replace_time(Time::MIDNIGHT);
    let first_day = today - Duration::days(i64::from(OVERVIEW_DAYS) - 1);
    let counts = store::memory::memory_counts(tx, first_day).await?;
    let all = MemoryCriteria::default();
    let newest = store::memory::memory_list(tx, &all, MemoryPage::first(MAX_RECENT), now).await?;
    Ok(MemoryOverview {
        own: counts.own,
        shared: counts.shared,
        waiting_for_embedding: store::memory::embedding_pending_count(tx, model.slot).await?,
        daily: counts.daily,
        recent: newest.items,
    })
}
