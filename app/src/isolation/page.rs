//! For each table and each way to reach another organisation's rows, the
//! database's response a moment ago.

use domain::isolation::{IsolationReport, Probe, ProbeResult, TableIsolation};
use leptos::prelude::*;

use super::api::isolation_probe;
use crate::ui::{Badge, Glyph, Icon, PageHead, Time, Tone, count, load_page, plural};

/// The page at `/isolation`.
#[component]
pub(crate) fn IsolationPage() -> impl IntoView {
    let report = isolation_probe();
    load_page(report, show)
}

fn show(report: IsolationReport) -> impl IntoView {
    let rows = report.tables.iter().cloned().map(row).collect_view();
    view! {
        <PageHead
            title="Tenant isolation"
            lead="Runs live read and write attempts across organisations, with the database role that serves requests, then rolls them back."
        >
            <a class="button" href="/isolation" rel="external">"Run again"</a>
        </PageHead>
        <Verdict report=report />
        <div class="table-frame" role="region" aria-label="Probes by table" tabindex="0">
            <table class="probes">
                <thead>
                    <tr>
                        <th scope="col">"Table"</th>
                        {Probe::ALL.into_iter().map(|probe| view! { <th scope="col">{heading(probe)}</th> }).collect_view()}
                        <th scope="col">"Own rows"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        <Legend />
    }
}

/// Summary of the report.
#[component]
fn Verdict(report: IsolationReport) -> impl IntoView {
    let attempts = report.attempts();
    let broken = report.tables.iter().filter(|table| !table.holds()).count();
    let text = match (&report.login_problem, broken) {
        (Some(problem), _) => format!(
            "The database login {} {problem}, so row security doesn’t apply to it. Use a login without privileges.",
            report.login
        ),
        (None, 0) => format!(
            "Passed: {0} of {0} attempts blocked across {1}.",
            count(attempts),
            plural(report.tables.len(), "table", "tables"),
        ),
        (None, broken) => format!(
            "Failed: {} can be reached from another organisation. Take Atrium off the network and run atrium doctor --isolation.",
            plural(broken, "table", "tables"),
        ),
    };
    let (class, icon) = if report.holds() {
        ("notice notice-good", Icon::Success)
    } else {
        ("notice notice-bad", Icon::Warning)
    };
    view! {
        <div class=class role="status">
            <Glyph icon=icon />
            <div>
                <p>{text}</p>
                <p class="muted small">
                    "Checked " <Time at=report.at /> " with the database login " <code>{report.login}</code> "."
                </p>
            </div>
        </div>
    }
}

fn row(table: TableIsolation) -> impl IntoView {
    let unprotected = !table.row_security;
    view! {
        <tr>
            <th scope="row">
                <code>{table.table}</code>
                {unprotected.then(|| view! { " " <Badge tone=Tone::Bad text="Row security is off" /> })}
            </th>
            {table.reached.into_iter().map(|reached| view! { <td>{outcome(reached)}</td> }).collect_view()}
            <td>{if table.sees_own { "Visible" } else { "None" }}</td>
        </tr>
    }
}

fn outcome(reached: ProbeResult) -> AnyView {
    match reached {
        ProbeResult::Row => view! { <Badge tone=Tone::Bad text="Reached" /> }.into_any(),
        ProbeResult::Nothing => "Blocked (no rows)".into_any(),
        ProbeResult::Refused => "Blocked".into_any(),
        ProbeResult::NoPrivilege => view! { <span class="muted">"Not granted"</span> }.into_any(),
        ProbeResult::Untried => view! { <span class="muted">"Not tested"</span> }.into_any(),
    }
}

#[component]
fn Legend() -> impl IntoView {
    view! {
        <section class="section" aria-labelledby="legend">
            <h2 id="legend">"Results"</h2>
            <dl class="facts facts-one">
                <div><dt>"Blocked (no rows)"</dt><dd>"The statement ran, and row security returned no rows."</dd></div>
                <div><dt>"Blocked"</dt><dd>"Row security rejected the new row."</dd></div>
                <div><dt>"Not granted"</dt><dd>"The database role that serves requests doesn’t have this privilege on the table."</dd></div>
                <div>
                    <dt>"Own rows"</dt>
                    <dd>"The control: an organisation must see its own rows for the other results to be meaningful."</dd>
                </div>
            </dl>
        </section>
    }
}

const fn heading(probe: Probe) -> &'static str {
    match probe {
        Probe::Read => "Cross-tenant read",
        Probe::ReadUnset => "Unauthenticated read",
        Probe::Change => "Cross-tenant update",
        Probe::Delete => "Cross-tenant delete",
        Probe::Add => "Cross-tenant insert",
    }
}
