//! Every page and its path.

use domain::AppError;
use leptos::prelude::*;
use leptos_meta::provide_meta_context;
use leptos_router::{
    SsrMode,
    components::{ParentRoute, Route, Router, Routes},
    path,
};

use crate::{
    api_key::{KeyListPage, KeyNewPage, KeyPage, ServiceNewPage, ServicesPage},
    audit::AuditPage,
    break_glass::{PrivateMemoryListPage, PrivateMemoryPage},
    connect::ConnectPage,
    embedding_model::EmbeddingModelPage,
    frame::Layout,
    group_mapping::{
        GroupMappingListPage, GroupMappingNewPage, GroupMappingPage, GroupMappingPreviewPage,
    },
    import::{ImportPage, UploadPage},
    invite::{InviteAcceptPage, InviteListPage, InviteNewPage, InvitePage},
    isolation::IsolationPage,
    member::{BulkOutcomePage, BulkPage, MemberListPage, MemberPage, OffboardPage},
    memory::{
        MemoryEditPage, MemoryExportPage, MemoryListPage, MemoryNewPage, MemoryPage,
        MemoryViewListPage, VersionPage,
    },
    no_access::NoAccessPage,
    notification::NotificationListPage,
    operator::{TenantDeletePage, TenantListPage, TenantNewPage, TenantPage},
    organisation::OrganisationListPage,
    overview::OverviewPage,
    persona::{PersonaListPage, PersonaPage},
    profile::ProfilePage,
    proposal::{ProposalListPage, ProposalPage},
    reference::ReferencePage,
    role::{RoleListPage, RoleNewPage, RolePage},
    settings::SettingsPage,
    sign_in::SignInPage,
    start::Page,
    team::{TeamListPage, TeamPage},
    ui::ErrorState,
};

/// The router. Every route renders completely on the server before it is sent,
/// so that pages work without scripts.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    Page::provide();
    view! {
        <Router>
            <Routes fallback=NotFoundPage>
                <Route path=path!("/sign-in") view=SignInPage ssr=SsrMode::Async />
                <Route path=path!("/invite/:token") view=InviteAcceptPage ssr=SsrMode::Async />
                <Route path=path!("/no-access") view=NoAccessPage ssr=SsrMode::Async />
                <ParentRoute path=path!("") view=Layout ssr=SsrMode::Async>
                    <Route path=path!("/") view=OverviewPage ssr=SsrMode::Async />
                    <Route path=path!("/memories") view=MemoryListPage ssr=SsrMode::Async />
                    <Route path=path!("/memories/new") view=MemoryNewPage ssr=SsrMode::Async />
                    <Route path=path!("/memories/views") view=MemoryViewListPage ssr=SsrMode::Async />
                    <Route path=path!("/memories/export") view=MemoryExportPage ssr=SsrMode::Async />
                    <Route path=path!("/memories/import") view=UploadPage ssr=SsrMode::Async />
                    <Route path=path!("/memories/imports/:id") view=ImportPage ssr=SsrMode::Async />
                    <Route path=path!("/memories/proposals") view=ProposalListPage ssr=SsrMode::Async />
                    <Route path=path!("/memories/proposals/:id") view=ProposalPage ssr=SsrMode::Async />
                    <Route path=path!("/memories/personas") view=PersonaListPage ssr=SsrMode::Async />
                    <Route path=path!("/memories/personas/:id") view=PersonaPage ssr=SsrMode::Async />
                    <Route path=path!("/memories/:id") view=MemoryPage ssr=SsrMode::Async />
                    <Route path=path!("/memories/:id/edit") view=MemoryEditPage ssr=SsrMode::Async />
                    <Route path=path!("/memories/:id/versions/:version") view=VersionPage ssr=SsrMode::Async />
                    <Route path=path!("/members") view=MemberListPage ssr=SsrMode::Async />
                    <Route path=path!("/members/bulk") view=BulkPage ssr=SsrMode::Async />
                    <Route path=path!("/members/bulk/:request") view=BulkOutcomePage ssr=SsrMode::Async />
                    <Route path=path!("/members/:id/break-glass") view=PrivateMemoryListPage ssr=SsrMode::Async />
                    <Route path=path!("/members/:id/break-glass/:memory") view=PrivateMemoryPage ssr=SsrMode::Async />
                    <Route path=path!("/members/:id/offboard") view=OffboardPage ssr=SsrMode::Async />
                    <Route path=path!("/members/:id") view=MemberPage ssr=SsrMode::Async />
                    <Route path=path!("/invites") view=InviteListPage ssr=SsrMode::Async />
                    <Route path=path!("/invites/new") view=InviteNewPage ssr=SsrMode::Async />
                    <Route path=path!("/invites/:id") view=InvitePage ssr=SsrMode::Async />
                    <Route path=path!("/teams") view=TeamListPage ssr=SsrMode::Async />
                    <Route path=path!("/teams/:id") view=TeamPage ssr=SsrMode::Async />
                    <Route path=path!("/roles") view=RoleListPage ssr=SsrMode::Async />
                    <Route path=path!("/roles/new") view=RoleNewPage ssr=SsrMode::Async />
                    <Route path=path!("/roles/:id") view=RolePage ssr=SsrMode::Async />
                    <Route path=path!("/groups") view=GroupMappingListPage ssr=SsrMode::Async />
                    <Route path=path!("/groups/new") view=GroupMappingNewPage ssr=SsrMode::Async />
                    <Route path=path!("/groups/preview") view=GroupMappingPreviewPage ssr=SsrMode::Async />
                    <Route path=path!("/groups/:id") view=GroupMappingPage ssr=SsrMode::Async />
                    <Route path=path!("/keys") view=KeyListPage ssr=SsrMode::Async />
                    <Route path=path!("/keys/all") view=KeyListPage ssr=SsrMode::Async />
                    <Route path=path!("/keys/new") view=KeyNewPage ssr=SsrMode::Async />
                    <Route path=path!("/keys/services") view=ServicesPage ssr=SsrMode::Async />
                    <Route path=path!("/keys/services/new") view=ServiceNewPage ssr=SsrMode::Async />
                    <Route path=path!("/keys/:id") view=KeyPage ssr=SsrMode::Async />
                    <Route path=path!("/connect") view=ConnectPage ssr=SsrMode::Async />
                    <Route path=path!("/settings") view=SettingsPage ssr=SsrMode::Async />
                    <Route path=path!("/settings/embedding") view=EmbeddingModelPage ssr=SsrMode::Async />
                    <Route path=path!("/audit") view=AuditPage ssr=SsrMode::Async />
                    <Route path=path!("/isolation") view=IsolationPage ssr=SsrMode::Async />
                    <Route path=path!("/operator") view=TenantListPage ssr=SsrMode::Async />
                    <Route path=path!("/operator/new") view=TenantNewPage ssr=SsrMode::Async />
                    <Route path=path!("/operator/:id/delete") view=TenantDeletePage ssr=SsrMode::Async />
                    <Route path=path!("/operator/:id") view=TenantPage ssr=SsrMode::Async />
                    <Route path=path!("/organisations") view=OrganisationListPage ssr=SsrMode::Async />
                    <Route path=path!("/reference") view=ReferencePage ssr=SsrMode::Async />
                    <Route path=path!("/notifications") view=NotificationListPage ssr=SsrMode::Async />
                    <Route path=path!("/profile") view=ProfilePage ssr=SsrMode::Async />
                    <Route path=path!("/*any") view=NotFoundPage ssr=SsrMode::Async />
                </ParentRoute>
            </Routes>
        </Router>
    }
}

/// Shown at unknown paths.
#[component]
fn NotFoundPage() -> impl IntoView {
    view! { <ErrorState error=AppError::NotFound whole_page=true /> }.into_any()
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    /// With another mode a page would stay on "Loading" without scripts.
    #[tokio::test]
    async fn every_route_renders_completely_on_the_server() {
        let routes = leptos_axum::generate_route_list(App);
        let paths: Vec<_> = routes
            .iter()
            .map(leptos_axum::AxumRouteListing::path)
            .collect();
        for path in [
            "/",
            "/sign-in",
            "/memories",
            "/memories/{id}/edit",
            "/audit",
            "/profile",
        ] {
            assert!(paths.contains(&path), "{path} is not among {paths:?}");
        }
        for route in &routes {
            assert_eq!(route.mode(), &SsrMode::Async, "{}", route.path());
        }
    }
}
