//! `cargo xtask db`: psql on the embedded database of `serve`.

use crate::command::print_status;
use crate::project::Project;
use anyhow::{Context, Result, bail};
use embedded_postgres::{Binaries, Cluster, Connection, Settings};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Name of Atrium's database in the cluster.
const DATABASE: &str = "atrium";

/// Connects to the running cluster, or starts one for the session.
pub(crate) fn db(project: &Project, arguments: &[String]) -> Result<ExitCode> {
    let data = project.data();
    let directory = data.join("postgres");
    if !directory.join("data").exists() {
        bail!(
            "there is no database in {} yet: `cargo xtask serve` creates it (another place is \
             chosen with ATRIUM_DATA_DIR)",
            data.display()
        );
    }
    let binaries = Binaries::ensure(&data, &project.cache)?;
    // Ctrl-C cancels a statement in psql and must not end this process.
    signal_hook::flag::register(2, Arc::new(AtomicBool::new(false)))
        .context("cannot take over Ctrl-C")?;
    let (connection, _cluster) = if let Some(connection) = Connection::to_running(&directory)? {
        (connection, None)
    } else {
        print_status("Atrium is not running: starting its database for this session");
        let cluster = Cluster::start(Settings::new(binaries.clone(), &directory))?;
        (cluster.connection().clone(), Some(cluster))
    };
    let status = Command::new(binaries.program("psql"))
        .arg(connection.url(DATABASE))
        .args(arguments)
        .status()
        .context("cannot run psql")?;
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from))
}
