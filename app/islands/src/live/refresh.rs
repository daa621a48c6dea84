//! Keeps a region of a page current while a job runs.

use std::time::Duration;

use domain::JobId;
use leptos::{html, leptos_dom::helpers::IntervalHandle, prelude::*};

use super::{Notification, subscribe};
use crate::page;

/// Interval of requests without a stream.
const INTERVAL: Duration = Duration::from_secs(2);

/// Attribute of the region while there is something to wait for.
const PENDING: &str = "data-pending";

/// Requests `region` again whenever `job` changes, and every two seconds without
/// a job or a connection, as long as the region has the attribute
/// `data-pending`. The island stands outside of the region. Without scripts the
/// page reloads itself.
#[island]
pub fn Refresh(region: String, job: Option<JobId>) -> impl IntoView {
    let anchor = NodeRef::<html::Span>::new();
    let is_live = RwSignal::new(false);
    let region = StoredValue::new(region);
    let refresh = move || {
        region.with_value(|region| {
            if is_pending(region) {
                let region = region.clone();
                leptos::task::spawn_local(async move {
                    page::load(&page::current_url(), &[&region]).await;
                });
            }
        });
    };
    Effect::new(move |_| {
        let (Some(anchor), Some(job)) = (anchor.get(), job) else {
            return;
        };
        subscribe(
            anchor.into(),
            String::new(),
            String::new(),
            move |notification| {
                is_live.set(!matches!(notification, Notification::Lost));
                match notification {
                    Notification::Job(event) if event.id != job => {}
                    Notification::Memory(_) | Notification::Lost => {}
                    _ => refresh(),
                }
            },
        );
    });
    let timer = StoredValue::new(None::<IntervalHandle>);
    let tick = move || {
        let anchor = anchor.get_untracked();
        if !anchor.is_some_and(|anchor| anchor.is_connected()) {
            // The island was replaced.
            if let Some(timer) = timer.get_value() {
                timer.clear();
            }
        } else if !is_live.get_untracked() && !document().hidden() {
            refresh();
        }
    };
    Effect::new(move |_| timer.set_value(set_interval_with_handle(tick, INTERVAL).ok()));
    view! { <span hidden node_ref=anchor></span> }
}

fn is_pending(region: &str) -> bool {
    document()
        .get_element_by_id(region)
        .is_some_and(|region| region.has_attribute(PENDING))
}
