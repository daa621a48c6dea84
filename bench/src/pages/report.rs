//! Tables of the measurements.

use super::{
    Page,
    load::{Fetched, Sample},
    process::Usage,
    server::Statements,
};
use crate::table::{Table, Times, millis};
use std::time::Duration;

/// Requests and processor time of all rounds together.
#[derive(Default)]
pub(super) struct Measured {
    times: Vec<Duration>,
    elapsed: Duration,
    usage: Usage,
}

impl Measured {
    pub(super) fn add(&mut self, sample: Sample, usage: Usage) {
        self.times.extend(sample.times);
        self.elapsed += sample.elapsed;
        self.usage += usage;
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of requests are small")]
fn count(times: &[Duration]) -> f64 {
    times.len().max(1) as f64
}

/// A line of the first table.
struct Line {
    page: &'static str,
    concurrency: usize,
    subject: String,
    per_second: f64,
    p50: f64,
    p95: f64,
    /// Milliseconds of processor time per request.
    server: f64,
    database: f64,
}

/// All measurements.
#[derive(Default)]
pub(super) struct Report {
    lines: Vec<Line>,
    bytes: Vec<Vec<String>>,
    statements: Vec<Vec<String>>,
    memory: Vec<(String, u64, u64)>,
}

impl Report {
    pub(super) fn measured(
        &mut self,
        page: Page,
        concurrency: usize,
        subject: &str,
        measured: Measured,
    ) {
        let requests = count(&measured.times);
        let times = Times::of(measured.times);
        let line = Line {
            page: page.name(),
            concurrency,
            subject: subject.to_owned(),
            per_second: requests / measured.elapsed.as_secs_f64(),
            p50: times.percentile(50),
            p95: times.percentile(95),
            server: measured.usage.server.as_secs_f64() * 1e3 / requests,
            database: measured.usage.database.as_secs_f64() * 1e3 / requests,
        };
        eprintln!(
            "{} at {}, {}: {:.0}/s",
            line.page, concurrency, subject, line.per_second
        );
        self.lines.push(line);
    }

    pub(super) fn bytes(&mut self, page: Page, subject: &str, plain: &Fetched, sent: &Fetched) {
        self.bytes.push(vec![
            page.name().to_owned(),
            subject.to_owned(),
            plain.body.len().to_string(),
            sent.body.len().to_string(),
            sent.encoding.clone(),
        ]);
    }

    pub(super) fn statements(&mut self, page: Page, subject: &str, counted: Statements) {
        self.statements.push(vec![
            page.name().to_owned(),
            subject.to_owned(),
            format!("{:.1}", counted.transactions),
            format!("{:.1}", counted.statements),
        ]);
    }

    /// Resident memory before the load.
    pub(super) fn idle(&mut self, subject: &str, bytes: u64) {
        self.memory.push((subject.to_owned(), bytes, 0));
    }

    /// Resident memory after it.
    pub(super) fn loaded(&mut self, subject: &str, bytes: u64) {
        let known = self.memory.iter_mut().find(|(name, ..)| name == subject);
        if let Some((_, _, after)) = known {
            *after = bytes;
        }
    }

    pub(super) fn print(&self) {
        self.print_speed();
        print(
            "Bytes of a page",
            &["page", "of", "plain", "as sent", "encoding"],
            &self.bytes,
        );
        print(
            "Transactions and statements of a page",
            &["page", "of", "transactions", "statements"],
            &self.statements,
        );
        let memory: Vec<_> = self
            .memory
            .iter()
            .map(|(subject, idle, loaded)| {
                let megabytes = |bytes: &u64| format!("{} MB", bytes / 1_000_000);
                vec![subject.clone(), megabytes(idle), megabytes(loaded)]
            })
            .collect();
        print(
            "Resident memory of the server",
            &["of", "before", "after the load"],
            &memory,
        );
    }

    /// Speed, with ratios to the first line of the same page and concurrency.
    fn print_speed(&self) {
        let rows: Vec<_> =
            self.lines
                .iter()
                .map(|line| {
                    let first = self.lines.iter().find(|first| {
                        first.page == line.page && first.concurrency == line.concurrency
                    });
                    let first = first.unwrap_or(line);
                    let processor = line.server + line.database;
                    vec![
                        line.page.to_owned(),
                        line.concurrency.to_string(),
                        line.subject.clone(),
                        format!("{:.0}", line.per_second),
                        millis(line.p50),
                        millis(line.p95),
                        millis(processor),
                        millis(line.server),
                        millis(line.database),
                        format!("{:.2}", line.per_second / first.per_second),
                        format!("{:.2}", processor / (first.server + first.database)),
                    ]
                })
                .collect();
        print(
            "Pages; ratios are to the first of the same page and concurrency",
            &[
                "page",
                "at once",
                "of",
                "per second",
                "p50",
                "p95",
                "processor",
                "server",
                "database",
                "÷ speed",
                "÷ processor",
            ],
            &rows,
        );
    }
}

fn print(title: &str, heads: &[&str], rows: &[Vec<String>]) {
    let mut table = Table::new(heads);
    for row in rows {
        table.row(row.clone());
    }
    table.print(title);
}
