//! Benchmarks of several crates together: `cargo xtask bench search`.
//!
//! Each benchmark keeps its database for the next run. Not part of the tests,
//! because a busy machine would make them fail.

mod dice;
mod search;
mod table;

use anyhow::Result;
use clap::{Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Parser)]
#[command(name = "bench")]
struct Arguments {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Subcommand)]
enum Bench {
    /// List and search memories in organisations of very different sizes
    Search(SearchArguments),
}

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

#[tokio::main]
async fn main() -> Result<()> {
    match Arguments::parse().bench {
        Bench::Search(arguments) => search::search(&arguments).await,
    }
}
