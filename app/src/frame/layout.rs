//! The layout around every page of a signed-in member.

use domain::{AppError, NoInput, Permission, profile::Profile};
use islands::{Palette, ThemeSwitch, Toast};
use leptos::prelude::*;
use leptos_router::{components::Outlet, hooks::use_location};

use super::{
    commands::{commands, shortcuts},
    nav::{NavItem, place_of},
};
use crate::{
    api,
    features::NAVIGATION,
    flash::Flash,
    forms::FormCall as _,
    memory::MemoryRestore,
    notification,
    preferences::ThemeSet,
    profile::{self, Account, account_get},
    proposal,
    start::{Page, viewer},
    ui::{Glyph, Icon, count, use_query},
};

/// Navigation on the left (a drawer below 900 px), the page beside it.
#[component]
pub(crate) fn Layout() -> impl IntoView {
    let navigation = Suspend::new(async move {
        let account = account_get().await.ok();
        view! { <NavContent account=account /> }
    });
    let permissions = viewer().map(|actor| actor.permissions).unwrap_or_default();
    let search = permissions
        .contains(&Permission::MemoryRead)
        .then(|| "/memories".to_owned());
    view! {
        <a class="skip-link" href="#main">"Skip to content"</a>
        <DemoBanner />
        <div class="frame">
            <header class="topbar">
                <button type="button" class="icon-button" popovertarget="nav" aria-label="Menu">
                    <Glyph icon=Icon::Menu />
                </button>
                <a href="/" class="wordmark"><Glyph icon=Icon::Logo />"Atrium"</a>
            </header>
            <nav id="nav" class="nav" popover="auto" aria-label="Main">
                {navigation}
            </nav>
            <main id="main" class="main" tabindex="-1">
                <div class="page">
                    <Toasts />
                    <Outlet />
                </div>
            </main>
        </div>
        <Palette
            commands=commands(&permissions)
            shortcuts=shortcuts(&permissions)
            search=search
        />
    }
}

/// The flash in the page's query, in a live region that exists from page load.
#[component]
fn Toasts() -> impl IntoView {
    let toast = Flash::from_query(&use_query()).map(|flash| {
        let undo = flash
            .deleted_memory()
            .map(|id| (id, MemoryRestore::name().to_owned()));
        let is_notice = flash == Flash::IMPORT_DUPLICATE;
        view! { <Toast text=flash.sentence().to_owned() is_notice=is_notice undo=undo /> }
    });
    view! { <div class="toasts" role="status" aria-live="polite">{toast}</div> }
}

/// Shown on every page of the demo installation: who one is in it, and the way to
/// be somebody else.
#[component]
pub(crate) fn DemoBanner() -> impl IntoView {
    Page::get().info(|info| info.demo).then(|| {
        let viewing = viewer().map(|actor| {
            let may_read = actor.permissions.contains(&Permission::ProfileManage);
            let roles = may_read.then(|| Suspend::new(async { roles_get().await.ok() }));
            view! {
                <span class="demo-viewer">
                    "Viewing as " <strong dir="auto">{actor.label}</strong>
                    {roles}
                </span>
                // Signs in anew, at the issuer's choice of people.
                <a href="/auth/login" rel="external">"Switch person"</a>
            }
        });
        let is_signed_in = viewing.is_some();
        view! {
            <aside class="demo-banner" aria-label="About this demo">
                <span class:optional=is_signed_in>
                    "Demo: the organisation and its people are made up."
                </span>
                {viewing}
            </aside>
        }
    })
}

/// The viewer's roles, as they follow the name.
async fn roles_get() -> Result<String, AppError> {
    let (ctx, actor) = api::caller()?;
    let profile = service::call::<service::ProfileGet>(&ctx, &actor, NoInput {}).await?;
    Ok(format!(" ({})", profile.roles.join(", ")))
}

#[component]
fn NavContent(account: Option<Account>) -> impl IntoView {
    let permissions = viewer().map(|actor| actor.permissions).unwrap_or_default();
    let (unread, waiting) = account
        .as_ref()
        .map_or((0, 0), |account| (account.unread, account.waiting));
    let me = account.map(|account| account.profile);
    let tenant = me
        .as_ref()
        .map_or_else(|| "Atrium".to_owned(), |me| me.tenant_name.clone());
    let initial = tenant
        .chars()
        .next()
        .unwrap_or('A')
        .to_uppercase()
        .to_string();
    let groups = NAVIGATION
        .iter()
        .filter_map(|group| {
            let items: Vec<_> = group
                .places
                .iter()
                .filter(|item| item.needs.is_none_or(|needs| permissions.contains(&needs)))
                .map(|item| {
                    let badge =
                        (item.path == proposal::NAV.path).then_some((waiting, " to review"));
                    view! { <li><NavLink item=*item badge=badge /></li> }
                })
                .collect();
            let id = format!("nav-{}", group.name.to_lowercase());
            (!items.is_empty()).then(|| {
                view! {
                    <div class="nav-group">
                        <h2 id=id.clone()>{group.name}</h2>
                        <ul aria-labelledby=id>{items}</ul>
                    </div>
                }
            })
        })
        .collect_view();
    let may_read_notifications = notification::NAV
        .needs
        .is_some_and(|needs| permissions.contains(&needs));
    view! {
        <a href="/organisations" class="tenant" title="Your organisations" aria-current=current("/organisations")>
            <span class="tenant-mark" aria-hidden="true">{initial}</span>
            <span class="tenant-name" dir="auto">{tenant}</span>
            <Glyph icon=Icon::Switch />
        </a>
        <button type="button" class="palette-opener needs-script" data-opens="palette">
            <Glyph icon=Icon::Search />
            <span>"Go to or search"</span>
            <kbd>"Ctrl K"</kbd>
        </button>
        {groups}
        <div class="nav-foot">
            {may_read_notifications
                .then(|| view! { <NavLink item=notification::NAV badge=Some((unread, " new")) /> })}
            {me.map(|me| view! { <UserLink me=me /> })}
            <div class="nav-foot-row">
                <ThemeSwitch current=Page::get().theme call=ThemeSet::name().to_owned() />
                <form method="post" action="/auth/logout" class="inline-form">
                    <button type="submit" class="button button-quiet">
                        <Glyph icon=Icon::SignOut />
                        "Sign out"
                    </button>
                </form>
            </div>
        </div>
    }
}

#[component]
fn NavLink(
    item: NavItem,
    /// A number beside the name, and what is counted, for screen readers.
    #[prop(optional_no_strip)]
    badge: Option<(i64, &'static str)>,
) -> impl IntoView {
    view! {
        <a href=item.path class="nav-link" aria-current=current(item.path)>
            <Glyph icon=item.icon />
            {item.name}
            {badge
                .filter(|(number, _)| *number > 0)
                .map(|(number, counted)| {
                    view! {
                        <span class="badge badge-accent nav-count">
                            {count(number)} <span class="visually-hidden">{counted}</span>
                        </span>
                    }
                })}
        </a>
    }
}

#[component]
fn UserLink(me: Profile) -> impl IntoView {
    let initials: String = me
        .display_name
        .split_whitespace()
        .filter_map(|word| word.chars().next())
        .take(2)
        .collect::<String>()
        .to_uppercase();
    view! {
        <a href=profile::NAV.path class="user-link" aria-current=current(profile::NAV.path)>
            <span class="avatar" aria-hidden="true">{initials}</span>
            <span class="user-text">
                <span class="user-name" dir="auto">{me.display_name}</span>
                <span class="user-roles">{me.roles.join(", ")}</span>
            </span>
        </a>
    }
}

/// The value of `aria-current` for a link to the navigation item at
/// `item_path`.
fn current(item_path: &str) -> Option<&'static str> {
    let path = use_location().pathname;
    let is_current = path.with_untracked(|path| place_of(path) == Some(item_path));
    is_current.then_some("page")
}
