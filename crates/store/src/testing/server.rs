//! The server that test databases are made on.

use std::{env, fs, path::Path};

use embedded_postgres::{Binaries, Cluster, Settings, default_cache};
use sqlx::postgres::PgConnectOptions;
use tokio::{sync::OnceCell, task::spawn_blocking};

use super::options_of;

/// Kept until the process ends; the server then ends with it.
static OWN: OnceCell<Cluster> = OnceCell::const_new();

/// How to reach the server as a superuser.
pub(super) async fn options() -> PgConnectOptions {
    if let Ok(url) = env::var("ATRIUM_TEST_DATABASE_URL") {
        return options_of(&url);
    }
    let cluster = OWN.get_or_init(|| start("own")).await;
    options_of(&cluster.connection().url("postgres"))
}

/// A throw-away server that nobody else uses, for what concerns a whole
/// server: its roles. It ends with the handle.
///
/// # Panics
/// When it can't be started: the message says why.
pub async fn throwaway_server() -> Cluster {
    start("fresh").await
}

async fn start(name: &'static str) -> Cluster {
    let starting = spawn_blocking(move || {
        let folder = env::temp_dir().join("atrium-test-postgres");
        let _ = fs::create_dir_all(&folder);
        remove_leftovers(&folder);
        let binaries = Binaries::ensure(&folder, &default_cache()?)?;
        let cluster = folder.join(format!("cluster-{}-{name}", std::process::id()));
        Cluster::start(Settings::new(binaries, cluster).throwaway())
    });
    match starting.await.expect("the starting thread ends") {
        Ok(cluster) => cluster,
        Err(error) => panic!(
            "no test server: {error}. Or set ATRIUM_TEST_DATABASE_URL to a superuser's URL of another one."
        ),
    }
}

/// Clusters of processes that ended: nothing cleans up after a killed test.
fn remove_leftovers(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if let Some(pid) = name.to_str().and_then(|name| name.strip_prefix("cluster-"))
            && !Path::new("/proc")
                .join(pid.split('-').next().unwrap_or(pid))
                .exists()
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
