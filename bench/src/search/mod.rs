//! Benchmarks for listing and searching memories: 200 organisations of very
//! different sizes in one database.

mod data;
mod list;
mod meaning;
mod rest;
mod server;
mod speed;
mod world;

use anyhow::Result;
use clap::{Parser, ValueEnum};
use std::path::PathBuf;

/// List and search memories in organisations of very different sizes
#[derive(Debug, Parser)]
pub(crate) struct SearchArguments {
    /// Folder of the databases, kept between runs
    #[arg(long, env = "ATRIUM_BENCH_DIR")]
    folder: PathBuf,
    /// Number of memories in all organisations together
    #[arg(long, default_value_t = 300_000)]
    rows: usize,
    /// Number of search queries for each figure
    #[arg(long, default_value_t = 200)]
    questions: usize,
    /// Folder of Atrium's embedding model
    #[arg(long, env = "ATRIUM_MODEL_DIR")]
    model: Option<PathBuf>,
    /// Recreate the data
    #[arg(long)]
    fresh: bool,
    /// Print the query plan of the semantic search for each reader and
    /// organisation
    #[arg(long)]
    plans: bool,
    /// Tables to print; all by default
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<SearchTable>,
}

/// The measurements of `bench search`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SearchTable {
    /// Overhead of row-level security
    RowSecurity,
    /// Share of the nearest memories that are found
    Recall,
    /// Duration of a search
    Speed,
    /// Duration of one page of the list
    List,
    /// Duration of a search over REST
    Rest,
}

/// Writes the data if it is missing, measures, and prints the tables.
pub(crate) async fn search(arguments: &SearchArguments) -> Result<()> {
    let server = server::Server::start(arguments).await?;
    let world = data::ensure(&server, arguments).await?;
    println!(
        "{} memories in {} organisations, the largest of {}",
        world
            .tenants
            .iter()
            .map(|tenant| tenant.rows)
            .sum::<usize>(),
        world.tenants.len(),
        world.tenants[0].rows
    );
    let is_selected = |table| arguments.only.is_empty() || arguments.only.contains(&table);
    if is_selected(SearchTable::RowSecurity) {
        meaning::row_security(&server, &world, arguments).await?;
    }
    if is_selected(SearchTable::Recall) {
        meaning::recall(&server, &world, arguments).await?;
    }
    if is_selected(SearchTable::Speed) {
        speed::hybrid(&server, &world, arguments).await?;
    }
    if is_selected(SearchTable::List) {
        list::depth(&server, &world).await?;
    }
    if is_selected(SearchTable::Rest) {
        rest::question(&server, &world, arguments).await?;
    }
    server.stop().await;
    Ok(())
}
