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
    let cluster = OWN
        .get_or_init(async || {
            spawn_blocking(start).await.expect("the test server's thread ends").unwrap_or_else(|error| {
                panic!("no test server: {error}. Or set ATRIUM_TEST_DATABASE_URL to a superuser's URL of another one.")
            })
        })
        .await;
    options_of(&cluster.connection().url("postgres"))
}

fn start() -> Result<Cluster, embedded_postgres::Error> {
    let folder = env::temp_dir().join("atrium-test-postgres");
    let _ = fs::create_dir_all(&folder);
    remove_leftovers(&folder);
    let binaries = Binaries::ensure(&folder, &default_cache()?)?;
    let cluster = folder.join(format!("cluster-{}", std::process::id()));
    Cluster::start(Settings::new(binaries, cluster).throwaway())
}

/// Clusters of processes that ended: nothing cleans up after a killed test.
fn remove_leftovers(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if let Some(pid) = name.to_str().and_then(|name| name.strip_prefix("cluster-"))
            && !Path::new("/proc").join(pid).exists()
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
