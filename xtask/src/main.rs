//! The project's commands: `cargo xtask serve`, `test`, `check` and so on.
//!
//! Each one first brings what is missing on the machine, says in short lines
//! what it does, and is quick when there is nothing to do.

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
        /// Optimised, as it is meant to be deployed
        #[arg(long)]
        release: bool,
        /// Passed on to `atrium serve`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Build everything and run every test, browser journeys included
    Test {
        /// Only tests whose name contains this
        filter: Option<String>,
    },
    /// Format, lints, docs, boundaries, licences, and whether committed query data is current
    Check,
    /// Build the server and what the browser gets, without starting anything
    Build {
        /// Optimised, as it is meant to be deployed
        #[arg(long)]
        release: bool,
    },
    /// Bring what the other commands need; they also do this by themselves
    Setup,
    /// Renew the query data in crates/store/.sqlx after a change of SQL or migrations
    Prepare {
        /// Only tell whether it is current
        #[arg(long)]
        check: bool,
    },
    /// Open psql on the embedded database
    Db {
        /// Passed on to psql, for example -c 'select 1'
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Measure a part
    Bench {
        /// What to measure: a crate, the search of memories, or their import and export
        #[arg(value_parser = ["embed", "search", "import"])]
        part: String,
        /// Passed on to the bench
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
            setup::for_building(&project)?;
            build::build(&project, release).map(|_| ExitCode::SUCCESS)
        }
        Command::Setup => setup::for_everything(&project).map(|_| ExitCode::SUCCESS),
        Command::Prepare { check } => prepare::prepare(&project, check),
        Command::Db { arguments } => db::db(&project, &arguments),
        Command::Bench { part, arguments } => bench::bench(&project, &part, &arguments),
    }
}
