//! Benchmarks of several crates together: `cargo xtask bench pages` and
//! `bench search`.
//!
//! Each benchmark keeps its database for the next run. Not part of the tests,
//! because a busy machine would make them fail.

mod copy;
mod dice;
mod pages;
#[cfg(feature = "search")]
mod search;
mod table;
mod world;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "bench")]
struct Arguments {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Subcommand)]
enum Bench {
    /// Pages of a running server, beside other frameworks' pages
    Pages(pages::PagesArguments),
    /// Answer every request with the same bytes: what pages are compared with
    #[command(hide = true)]
    Bare(pages::BareArguments),
    /// List and search memories in organisations of very different sizes
    #[cfg(feature = "search")]
    Search(search::SearchArguments),
}

#[tokio::main]
async fn main() -> Result<()> {
    match Arguments::parse().bench {
        Bench::Pages(arguments) => pages::pages(&arguments).await,
        Bench::Bare(arguments) => pages::bare(&arguments).await,
        #[cfg(feature = "search")]
        Bench::Search(arguments) => search::search(&arguments).await,
    }
}
