//! Measures Atrium's parts together, each bench on a database of its own that
//! is kept for the next time. Never part of the tests: a busy machine would
//! fail them. `cargo xtask bench search`.

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
    /// Lists and searches of memories in skewed organisations
    Search(SearchArguments),
}

/// What to measure with.
#[derive(Debug, Parser)]
pub(crate) struct SearchArguments {
    /// Where the databases are kept
    #[arg(long, env = "ATRIUM_BENCH_DIR")]
    folder: PathBuf,
    /// Memories in all organisations together
    #[arg(long, default_value_t = 300_000)]
    rows: usize,
    /// Questions for each figure
    #[arg(long, default_value_t = 200)]
    questions: usize,
    /// Where Atrium's embedding model is
    #[arg(long, env = "ATRIUM_MODEL_DIR")]
    model: Option<PathBuf>,
    /// Make the data anew
    #[arg(long)]
    fresh: bool,
    /// Print the plan of the search by meaning for each reader and organisation
    #[arg(long)]
    plans: bool,
    /// The tables to print; all of them unless told
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<SearchTable>,
}

/// What `bench search` measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SearchTable {
    /// What row security costs
    RowSecurity,
    /// How many of the nearest are found
    Recall,
    /// How long a search takes
    Speed,
    /// How long a page of the list takes
    List,
    /// How long a question over REST takes
    Rest,
}

#[tokio::main]
async fn main() -> Result<()> {
    match Arguments::parse().bench {
        Bench::Search(arguments) => search::search(&arguments).await,
    }
}
