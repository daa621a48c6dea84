//! A page resolves its caller and reads everything that it shows in one
//! transaction. The transactions and statements of every page are a golden
//! file, so that none grows unnoticed.

use std::sync::{Mutex, PoisonError};

use domain::MemoryId;
use tracing::{Event, Metadata, Subscriber, field::Visit};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt as _},
    util::SubscriberInitExt as _,
};

use crate::markup::fill::Filled;

/// Pages that need a further transaction, and its reason.
const MORE_TRANSACTIONS: &[(&str, &str)] = &[
    ("/profile", "sessions are read on the auth login"),
    ("/organisations", "sign-ins are read on the auth login"),
    (
        "/invite/:token",
        "a visitor's invite is read on the auth login",
    ),
    ("/members/:id", "sessions are read on the auth login"),
    (
        "/members/:id/offboard",
        "sessions are read on the auth login",
    ),
    ("/members/:id/break-glass", "reading is audited"),
    ("/members/:id/break-glass/:id", "reading is audited"),
    ("/members/bulk", "changes are tried and rolled back"),
    (
        "/memories/imports/:id",
        "the file is read on another thread",
    ),
    (
        "/operator",
        "organisations are read on the operator's login",
    ),
    (
        "/operator/:id",
        "organisations are read on the operator's login",
    ),
    (
        "/operator/:id/delete",
        "organisations are read on the operator's login",
    ),
    ("/isolation", "its probes write, and are rolled back"),
];

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Reads {
    /// The logins on which transactions began.
    transactions: Vec<String>,
    statements: usize,
}

static READS: Mutex<Reads> = Mutex::new(Reads {
    transactions: Vec::new(),
    statements: 0,
});

/// Counts by the events of the store and of sqlx. Of the whole process, because
/// pages are rendered on other threads; each test is a process of its own.
struct Counter;

impl<S: Subscriber> Layer<S> for Counter {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.target().starts_with("store::tx") || metadata.target() == "sqlx::query"
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut reads = READS.lock().unwrap_or_else(PoisonError::into_inner);
        if event.metadata().target() == "sqlx::query" {
            reads.statements += 1;
        } else {
            event.record(&mut Login(&mut reads.transactions));
        }
    }
}

struct Login<'a>(&'a mut Vec<String>);

impl Visit for Login<'_> {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        if field.name() == "login" {
            self.0.push(format!("{value:?}").to_lowercase());
        }
    }
}

fn take() -> Reads {
    std::mem::take(&mut READS.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The page's address with a placeholder for each id.
fn route(page: &str) -> String {
    let (path, query) = page.split_once('?').map_or((page, ""), |(a, b)| (a, b));
    let is_id = |text: &str| text.parse::<MemoryId>().is_ok();
    let segments: Vec<_> = path
        .split('/')
        .map(|segment| match segment {
            id if is_id(id) => ":id",
            token if token.starts_with("atri_") => ":token",
            name => name,
        })
        .collect();
    let fields: Vec<_> = query
        .split('&')
        .filter(|field| !field.is_empty())
        .map(|field| match field.split_once('=') {
            Some((name, value)) if is_id(value) => format!("{name}=:id"),
            _ => field.to_owned(),
        })
        .collect();
    let mark = if fields.is_empty() { "" } else { "?" };
    format!("{}{mark}{}", segments.join("/"), fields.join("&"))
}

#[tokio::test]
async fn every_page_is_read_in_one_transaction() {
    let mut filled = Filled::new().await;
    tracing_subscriber::registry().with(Counter).init();
    let mut lines = Vec::new();
    let (mut wrong, mut exceptions) = (Vec::new(), Vec::new());
    for page in filled.pages.clone() {
        // The first visit compiles statements and may write to the session.
        filled.browser.get(&page).await;
        let mut visits = Vec::new();
        for _ in 0..3 {
            take();
            filled.browser.get(&page).await;
            visits.push(take());
        }
        // Another task of the process may run statements during one of them.
        let fewest = visits.into_iter().min_by_key(|reads| reads.statements);
        let reads = fewest.unwrap_or_default();
        let route = route(&page);
        let path = route.split('?').next().unwrap_or_default();
        if reads.transactions != ["app"] {
            if MORE_TRANSACTIONS.iter().any(|(listed, _)| *listed == path) {
                exceptions.push(path.to_owned());
            } else {
                wrong.push(format!("{route}: {:?}", reads.transactions));
            }
        }
        lines.push(format!(
            "{route}: {} in {}",
            reads.statements,
            reads.transactions.join(", ")
        ));
    }
    lines.sort();
    lines.dedup();
    insta::assert_snapshot!(lines.join("\n"));
    assert!(
        wrong.is_empty(),
        "pages that don't read in one transaction:\n{}",
        wrong.join("\n")
    );
    for (listed, _) in MORE_TRANSACTIONS {
        assert!(
            exceptions.iter().any(|path| path == listed),
            "{listed} is listed without need"
        );
    }
}
