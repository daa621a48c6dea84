//! The layout around every page of a signed-in member.

use domain::profile::Profile;
use leptos::{html, prelude::*};
use leptos_router::{components::Outlet, hooks::use_location};

use super::{
    nav::{NavItem, place_of},
    palette::Palette,
    theme_switch::ThemeSwitch,
    toast::Toasts,
};
use crate::{
    features::NAVIGATION,
    notification,
    profile::{self, CurrentMember},
    proposal,
    start::Page,
    ui::{Glyph, Icon, count},
};

/// Navigation on the left (a drawer below 900 px), the page beside it.
#[component]
pub(crate) fn Layout() -> impl IntoView {
    let me = CurrentMember::provide();
    let main = NodeRef::<html::Main>::new();
    let drawer = NodeRef::<html::Nav>::new();
    let path = use_location().pathname;
    let outcome = Page::get().outcome;
    Effect::new(move |previous: Option<String>| {
        let path = path.get();
        if previous.is_some_and(|previous| previous != path) {
            // As after a page load: the focus is at the top, the drawer is
            // closed, and the result of a form post is gone.
            if let Some(main) = main.get_untracked() {
                let _ = main.focus();
            }
            if let Some(drawer) = drawer.get_untracked() {
                let _ = drawer.hide_popover();
            }
            outcome.set(None);
        }
        path
    });
    view! {
        <a class="skip-link" href="#main" rel="external">"Skip to content"</a>
        <DemoBanner />
        <div class="frame">
            <header class="topbar">
                <button type="button" class="icon-button" popovertarget="nav" aria-label="Menu">
                    <Glyph icon=Icon::Menu />
                </button>
                <a href="/" class="wordmark"><Glyph icon=Icon::Logo />"Atrium"</a>
            </header>
            <nav id="nav" class="nav" popover="auto" aria-label="Main" node_ref=drawer>
                <Suspense>
                    {move || view! { <NavContent me=me.member() /> }}
                </Suspense>
            </nav>
            <main id="main" class="main" tabindex="-1" node_ref=main>
                <div class="page">
                    <Toasts />
                    <Outlet />
                </div>
            </main>
        </div>
        <Palette />
    }
}

/// Shown on every page of the demo installation.
#[component]
pub(crate) fn DemoBanner() -> impl IntoView {
    Page::get().demo.then(|| {
        view! {
            <aside class="demo-banner" aria-label="About this demo">
                "Demo: the organisation and its people are made up."
            </aside>
        }
    })
}

#[component]
fn NavContent(me: Option<Profile>) -> impl IntoView {
    let permissions = me
        .as_ref()
        .map(|me| me.permissions.clone())
        .unwrap_or_default();
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
                .map(|item| view! { <li><NavLink item=*item /></li> })
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
            {may_read_notifications.then(|| view! { <NotificationsLink /> })}
            {me.map(|me| view! { <UserLink me=me /> })}
            <div class="nav-foot-row">
                <ThemeSwitch />
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
fn NavLink(item: NavItem) -> impl IntoView {
    view! {
        <a href=item.path class="nav-link" aria-current=current(item.path)>
            <Glyph icon=item.icon />
            {item.name}
            {(item.path == proposal::NAV.path).then(|| view! { <WaitingBadge /> })}
        </a>
    }
}

/// Number of proposals that wait for the viewer.
#[component]
fn WaitingBadge() -> impl IntoView {
    let me = CurrentMember::from_context();
    move || {
        let waiting = me.waiting();
        (waiting > 0).then(|| {
            view! {
                <span class="badge badge-accent nav-count">
                    {count(waiting)} <span class="visually-hidden">" to decide"</span>
                </span>
            }
        })
    }
}

/// Link to the notifications, with the number of unread ones.
#[component]
fn NotificationsLink() -> impl IntoView {
    let me = CurrentMember::from_context();
    view! {
        <a href=notification::NAV.path class="nav-link" aria-current=current(notification::NAV.path)>
            <Glyph icon=notification::NAV.icon />
            {notification::NAV.name}
            {move || {
                let unread = me.unread();
                (unread > 0)
                    .then(|| {
                        view! {
                            <span class="badge badge-accent nav-count">
                                {count(unread)} <span class="visually-hidden">" new"</span>
                            </span>
                        }
                    })
            }}
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
fn current(item_path: &'static str) -> impl Fn() -> Option<&'static str> + Send + Sync + Clone {
    let path = use_location().pathname;
    move || {
        path.with(|path| place_of(path) == Some(item_path))
            .then_some("page")
    }
}
