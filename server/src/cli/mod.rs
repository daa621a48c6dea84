//! The command line, one file for each command. The exit status is 0, 1 for a
//! failure or 2 for wrong usage; an error is one sentence on stderr.

mod audit;
mod doctor;
mod identity;
mod migrate;
mod operator;
mod serve;
mod tenant;
mod tenant_lifecycle;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::{config::Config, failure::Failure, telemetry};

/// The console for an organisation's use of AI.
#[derive(Debug, Parser)]
#[command(name = "atrium", version, about, arg_required_else_help = true)]
struct Cli {
    /// Configuration file [default: atrium.toml, if it exists].
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the console.
    Serve(serve::Serve),
    /// Migrate the database's schema up or down, or show its status.
    #[command(subcommand)]
    Migrate(migrate::Migrate),
    /// Check everything that the console needs and say how to fix problems.
    Doctor(doctor::Doctor),
    /// Manage the organisations of this deployment.
    #[command(subcommand)]
    Tenant(tenant::Tenant),
    /// Manage operators: members who also run this installation.
    #[command(subcommand)]
    Operator(operator::Operator),
    /// Verify the audit log.
    #[command(subcommand)]
    Audit(audit::Audit),
}

/// Parses the process's arguments and runs the command.
pub async fn run() -> ExitCode {
    let cli = Cli::parse();
    match execute(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("atrium: {failure}");
            failure.exit_code()
        }
    }
}

async fn execute(cli: Cli) -> Result<(), Failure> {
    let mut config = Config::load(cli.config.as_deref(), std::env::vars())?;
    if let Command::Serve(serve) = &cli.command {
        serve.override_config(&mut config);
    }
    telemetry::start(&config.log)?;
    match cli.command {
        Command::Serve(serve) => serve.run(config).await,
        Command::Migrate(migrate) => migrate.run(&config).await,
        Command::Doctor(doctor) => doctor.run(&config).await,
        Command::Tenant(tenant) => tenant.run(&config).await,
        Command::Operator(operator) => operator.run(&config).await,
        Command::Audit(audit) => audit.run(&config).await,
    }
}
