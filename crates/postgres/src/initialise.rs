//! Initialises the data folder on the first start and checks it on later ones.

use crate::binaries::Binaries;
use crate::connection::SUPERUSER;
use crate::directory::Directory;
use crate::error::Error;
use rustix::process::Signal;
use std::fs;
use std::process::Stdio;

/// Ensures that the data folder exists and has the binaries' major version.
pub(crate) fn ensure_data(
    directory: &Directory,
    binaries: &Binaries,
    durable: bool,
) -> Result<(), Error> {
    let data = directory.data();
    let our_version = binaries.major_version(directory.account(), directory.path())?;
    if !data.exists() {
        return initialise(directory, binaries, durable);
    }
    if !directory.password_file().exists() {
        return Err(Error::NoPassword(directory.password_file()));
    }
    let version = data.join("PG_VERSION");
    let found = fs::read_to_string(&version).map_err(Error::io("read", &version))?;
    if found.trim() == our_version {
        return Ok(());
    }
    Err(Error::OtherVersion {
        path: data,
        found: found.trim().to_owned(),
    })
}

/// Runs initdb beside the final path and renames the result, so that an
/// interrupted first start is not mistaken for a complete data folder.
fn initialise(directory: &Directory, binaries: &Binaries, durable: bool) -> Result<(), Error> {
    let unfinished = directory.unfinished_data();
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(Error::io("remove", &unfinished))?;
    }
    directory.write_new_password()?;
    tracing::info!(folder = %directory.data().display(), "setting up an empty database");
    let mut command = binaries.command("initdb");
    command
        .args(["--encoding=UTF8", "--locale=C.UTF-8", "--lc-collate=C"])
        .args(["--auth-local=scram-sha-256", "--auth-host=scram-sha-256"])
        .args(["--data-checksums", "--no-instructions"])
        .arg(format!("--username={SUPERUSER}"))
        .arg("--pwfile")
        .arg(directory.password_file())
        .arg("--pgdata")
        .arg(&unfinished)
        .current_dir(directory.path())
        .stdin(Stdio::null());
    if !durable {
        command.arg("--no-sync");
    }
    directory
        .account()
        .apply_and_end_with_parent(&mut command, Signal::KILL);
    let output = command.output().map_err(|error| Error::Run {
        program: binaries.program("initdb"),
        cause: error.to_string(),
    })?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(Error::Initialise {
            path: unfinished,
            output: text.trim().replace('\n', " | "),
        });
    }
    fs::rename(&unfinished, directory.data()).map_err(Error::io("create", &directory.data()))
}
