//! Requests per second, latency and processor time of pages: of one or two
//! servers and, for the list, of other frameworks' pages with the same rows.
//!
//! All are measured in alternation within one run, because only ratios within
//! a run can be compared on a shared machine.

mod bare;
mod data;
mod load;
mod peers;
mod process;
mod report;
mod server;

use anyhow::{Context, Result, bail};
use clap::{Parser, ValueEnum};
use std::{path::PathBuf, time::Duration};

use load::{Load, Target};
use report::{Measured, Report};
use server::Server;

pub(crate) use bare::{BareArguments, bare};

/// Pages of a running server, beside other frameworks' pages
#[derive(Debug, Parser)]
pub(crate) struct PagesArguments {
    /// Folder of the servers' data and of the other frameworks, kept between
    /// runs
    #[arg(long, env = "ATRIUM_BENCH_DIR")]
    folder: PathBuf,
    /// The server to measure
    #[arg(long, env = "ATRIUM_BENCH_BINARY")]
    binary: PathBuf,
    /// Folder of its browser files
    #[arg(long, env = "ATRIUM_BENCH_SITE")]
    site: PathBuf,
    /// Folder of Atrium's embedding model
    #[arg(long, env = "ATRIUM_MODEL_DIR")]
    model: PathBuf,
    /// A second server and its browser files, measured in alternation with the
    /// first
    #[arg(long, num_args = 2, value_names = ["BINARY", "SITE"])]
    against: Vec<PathBuf>,
    /// Pages to measure; all by default
    #[arg(long, value_enum, value_delimiter = ',')]
    pages: Vec<Page>,
    /// Numbers of requests at once
    #[arg(long, value_delimiter = ',', default_values_t = [1, 8])]
    concurrency: Vec<usize>,
    /// Seconds of load for each figure and round
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Number of alternations
    #[arg(long, default_value_t = 2)]
    rounds: usize,
    /// Leave out the other frameworks' pages
    #[arg(long)]
    no_peers: bool,
    /// Recreate the data
    #[arg(long)]
    fresh: bool,
}

/// The measured pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Page {
    SignIn,
    Overview,
    List,
    Search,
    Detail,
    Audit,
    Members,
}

impl Page {
    fn name(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Overview => "overview",
            Self::List => "list of 50",
            Self::Search => "search",
            Self::Detail => "detail",
            Self::Audit => "audit",
            Self::Members => "members",
        }
    }
}

/// Starts the servers, measures them page by page, and prints the tables.
pub(crate) async fn pages(arguments: &PagesArguments) -> Result<()> {
    let mut servers =
        vec![Server::start("this", arguments, &arguments.binary, &arguments.site).await?];
    if let [binary, site] = &arguments.against[..] {
        servers.push(Server::start("other", arguments, binary, site).await?);
    }
    let selected: Vec<Page> = if arguments.pages.is_empty() {
        Page::value_variants().to_vec()
    } else {
        arguments.pages.clone()
    };
    let mut report = Report::default();
    for server in &servers {
        report.idle(server.name, server.memory()?);
    }
    for &page in &selected {
        measure_page(&servers, page, arguments, &mut report).await?;
    }
    for server in &servers {
        report.loaded(server.name, server.memory()?);
        let log = server.log_statements().await?;
        for &page in &selected {
            let count = log.count(&server.targets(page)?).await?;
            report.statements(page, server.name, count);
        }
        log.stop().await?;
    }
    report.print();
    for server in servers {
        server.stop().await?;
    }
    Ok(())
}

async fn measure_page(
    servers: &[Server],
    page: Page,
    arguments: &PagesArguments,
    report: &mut Report,
) -> Result<()> {
    let mut subjects = Vec::new();
    for server in servers {
        subjects.push(Subject {
            name: server.name.to_owned(),
            targets: server.targets(page)?,
            processes: server.processes(),
        });
    }
    let with_peers = page == Page::List && !arguments.no_peers;
    let peers = if with_peers {
        peers::start(&servers[0], &arguments.folder).await?
    } else {
        Vec::new()
    };
    for peer in &peers {
        subjects.push(Subject {
            name: peer.name.to_owned(),
            targets: vec![Target::new(&peer.url)?],
            processes: peer.processes(),
        });
    }
    for subject in &subjects {
        let target = &subject.targets[0];
        let plain = load::fetch(&target.with_encodings("identity")).await?;
        let sent = load::fetch(target).await?;
        report.bytes(page, &subject.name, &plain, &sent);
    }
    for &concurrency in &arguments.concurrency {
        let mut all: Vec<_> = subjects.iter().map(|_| Measured::default()).collect();
        for round in 0..arguments.rounds.max(1) {
            for (subject, measured) in subjects.iter().zip(&mut all) {
                let load = Load {
                    targets: &subject.targets,
                    concurrency,
                    duration: Duration::from_secs_f64(arguments.seconds),
                };
                if round == 0 {
                    load.warm_up().await?;
                }
                let before = subject.processes.usage()?;
                let sample = load.run().await?;
                measured.add(sample, subject.processes.usage()? - before);
            }
        }
        for (subject, measured) in subjects.iter().zip(all) {
            report.measured(page, concurrency, &subject.name, measured);
        }
    }
    for peer in peers {
        peer.stop().await?;
    }
    Ok(())
}

/// Requests of one measurement, and the processes that answer them.
struct Subject {
    name: String,
    targets: Vec<Target>,
    processes: process::Tree,
}

/// A port that is free at the moment.
fn free_port() -> Result<u16> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    Ok(listener.local_addr()?.port())
}

/// Waits until `url` answers with a status below 500.
async fn wait_for(url: &str, what: &str) -> Result<()> {
    let target = Target::new(url)?;
    for _ in 0..600 {
        if load::fetch(&target).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("{what} did not answer at {url} within a minute")
}

/// The file's folder, as an absolute path.
fn absolute(path: &std::path::Path) -> Result<PathBuf> {
    path.canonicalize()
        .with_context(|| format!("{} does not exist", path.display()))
}
