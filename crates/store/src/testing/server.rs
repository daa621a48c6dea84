//! The server for test databases.

use std::{env, fs, path::Path};

use embedded_postgres::{Binaries, Cluster, Settings, default_cache};
use sqlx::postgres::PgConnectOptions;
use tokio::{sync::OnceCell, task::spawn_blocking};

use super::options_of;

/// Kept until the process ends; the server ends with it.
static PROCESS_CLUSTER: OnceCell<Cluster> = OnceCell::const_new();

/// Superuser options of the server.
pub(super) async fn options() -> PgConnectOptions {
    if let Ok(url) = env::var("ATRIUM_TEST_DATABASE_URL") {
        return options_of(&url);
    }
    let cluster = PROCESS_CLUSTER.get_or_init(|| start("own")).await;
    options_of(&cluster.connection().url("postgres"))
}

/// Starts a temporary server for tests that change a whole server, e.g. its
/// roles. It ends with the handle.
///
/// # Panics
/// If it can't be started: the message says why.
pub async fn throwaway_server() -> Cluster {
    start("fresh").await
}

async fn start(name: &'static str) -> Cluster {
    let start_task = spawn_blocking(move || {
        let folder = env::temp_dir().join("atrium-test-postgres");
        let _ = fs::create_dir_all(&folder);
        remove_leftovers(&folder);
        let binaries = Binaries::ensure(&folder, &default_cache()?)?;
        let cluster = folder.join(format!("cluster-{}-{name}", std::process::id()));
        Cluster::start(Settings::new(binaries, cluster).throwaway())
    });
    match start_task.await.expect("the starting thread ends") {
        Ok(cluster) => cluster,
        Err(error) => panic!(
            "no test server: {error}. Or set ATRIUM_TEST_DATABASE_URL to a superuser's URL of another one."
        ),
    }
}

/// Removes clusters of ended processes: nothing cleans up after a killed test.
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
