//! Starts a cluster in the given folder, prints its connection URL, and keeps
//! it running until stdin ends (Ctrl-D) or the process is killed:
//!
//! `cargo run -p embedded-postgres --example hold -- /tmp/a-folder`

use embedded_postgres::{Binaries, Cluster, Error, Settings, default_cache};
use std::io::Read;
use std::path::{Path, PathBuf};

fn main() -> std::process::ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: hold FOLDER");
        return 2.into();
    };
    match hold(&folder) {
        Ok(()) => 0.into(),
        Err(error) => {
            eprintln!("{error}");
            1.into()
        }
    }
}

fn hold(folder: &Path) -> Result<(), Error> {
    let binaries = Binaries::ensure(folder, &default_cache()?)?;
    let cluster = Cluster::start(Settings::new(binaries, folder.join("postgres")).throwaway())?;
    println!("{}", cluster.connection().url("postgres"));
    // Blocks until stdin ends.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    cluster.stop();
    Ok(())
}
