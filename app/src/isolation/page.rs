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
            title="Isolation"
            lead="Two made-up organisations reach for each other’s rows, and for yours, as the database role that serves requests. Nothing of it stays."
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
            "The login {} {problem}: row security does not hold for it. Use a login without privileges.",
            report.login
        ),
        (None, 0) => format!(
            "Every wall stands: none of {} attempts on {} reached a row.",
            count(attempts),
            plural(report.tables.len(), "table", "tables"),
        ),
        (None, broken) => format!(
            "{} can be reached from another organisation. Take Atrium off the network and run atrium doctor --isolation.",
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
                    "Tried " <Time at=report.at /> " as the login " <code>{report.login}</code> "."
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
            <td>{if table.sees_own { "Seen" } else { "None made" }}</td>
        </tr>
    }
}

fn outcome(reached: ProbeResult) -> AnyView {
    match reached {
        ProbeResult::Row => view! { <Badge tone=Tone::Bad text="Reached" /> }.into_any(),
        ProbeResult::Nothing => "Nothing in sight".into_any(),
        ProbeResult::Refused => "Refused".into_any(),
        ProbeResult::NoPrivilege => view! { <span class="muted">"Not granted"</span> }.into_any(),
        ProbeResult::Untried => view! { <span class="muted">"No row to try"</span> }.into_any(),
    }
}

#[component]
fn Legend() -> impl IntoView {
    view! {
        <section class="section" aria-labelledby="legend">
            <h2 id="legend">"What the answers mean"</h2>
            <dl class="facts facts-one">
                <div><dt>"Nothing in sight"</dt><dd>"The statement ran, and row security showed it no row."</dd></div>
                <div><dt>"Refused"</dt><dd>"Row security refused the new row."</dd></div>
                <div><dt>"Not granted"</dt><dd>"The role that serves requests can’t do this to the table at all."</dd></div>
                <div>
                    <dt>"Own rows"</dt>
                    <dd>"The control: seeing none of the others’ rows means something where the organisation sees its own."</dd>
                </div>
            </dl>
        </section>
    }
}

const fn heading(probe: Probe) -> &'static str {
    match probe {
        Probe::Read => "Read others’",
        Probe::ReadUnset => "Read as nobody",
        Probe::Change => "Change others’",
        Probe::Delete => "Delete others’",
        Probe::Add => "Add to others’",
    }
}
