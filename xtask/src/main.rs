//! The project's commands: `cargo xtask serve`, `test`, `check` and so on.
//!
//! Each command first installs missing tools, prints its progress, and is
//! quick if there is nothing to do.

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

mod bench;
mod build;
mod check;
mod cluster;
mod command;
mod db;
mod prepare;
mod project;
mod serve;
mod setup;
mod steps;
mod test;

use project::Project;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's commands", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build everything and start Atrium with a demo organisation
    Serve {
        /// Build with optimisations, as for deployment
        #[arg(long)]
        release: bool,
        /// Arguments for `atrium serve`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Build everything and run all tests, including the browser journeys
    Test {
        /// Run only tests whose name contains this text
        filter: Option<String>,
    },
    /// Check formatting, lints, docs, crate boundaries, licences and committed query data
    Check,
    /// Build the server and the browser application
    Build {
        /// Build with optimisations, as for deployment
        #[arg(long)]
        release: bool,
    },
    /// Install what the other commands need; they also do this themselves
    Setup,
    /// Update the query data in crates/store/.sqlx after a change of SQL or migrations
    Prepare {
        /// Fail if the query data is outdated instead of updating it
        #[arg(long)]
        check: bool,
    },
    /// Open psql on the embedded database
    Db {
        /// Arguments for psql, for example -c 'select 1'
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Run a benchmark
    Bench {
        /// Benchmark to run: pages, embedding, search, or import and export
        #[arg(value_parser = ["pages", "embed", "search", "import"])]
        part: String,
        /// Arguments for the benchmark
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    let project = Project::find()?;
    match command {
        Command::Serve { release, arguments } => serve::serve(&project, release, &arguments),
        Command::Test { filter } => test::test(&project, filter.as_deref()),
        Command::Check => check::check(&project),
        Command::Build { release } => {
            setup::ensure_build_tools(&project)?;
            build::build(&project, release).map(|_| ExitCode::SUCCESS)
        }
        Command::Setup => setup::ensure_all(&project).map(|_| ExitCode::SUCCESS),
        Command::Prepare { check } => prepare::prepare(&project, check),
        Command::Db { arguments } => db::db(&project, &arguments),
        Command::Bench { part, arguments } => bench::bench(&project, &part, &arguments),
    }
}
