//! `atrium migrate`: migrates the database's schema.

use clap::Subcommand;
use secrecy::ExposeSecret;
use service::database::migrate;

use crate::{
    boot,
    config::Config,
    database::{Database, IfRunning},
    failure::Failure,
};

/// Migrate the database's schema up or down, or show its status.
#[derive(Debug, Subcommand)]
pub(super) enum Migrate {
    /// Apply missing migrations, and functions, policies and grants if they changed.
    Up,
    /// Revert the newest migrations. Data in their tables and columns is lost. `migrate up` of
    /// the version to go back to completes it.
    Down {
        /// Number of migrations to revert.
        #[arg(long, default_value_t = 1)]
        steps: u32,
    },
    /// Show which migrations are applied, and if functions, policies and grants are current.
    Status,
}

impl Migrate {
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        let database = Database::open(config, &boot::ids(), IfRunning::Connect).await?;
        let result = self.apply(&database).await;
        database.stop().await;
        result
    }

    async fn apply(self, database: &Database) -> Result<(), Failure> {
        let Some(admin) = &database.admin_url else {
            return Err(Failure::Usage(
                "Set ATRIUM_DATABASE_ADMIN_URL: the schema belongs to its owner, not to the \
                 runtime login."
                    .to_owned(),
            ));
        };
        let admin = admin.expose_secret();
        match self {
            Self::Up => boot::migrate_up(database).await?,
            Self::Down { steps } => {
                migrate::down(admin, steps).await.map_err(Failure::failed)?;
            }
            Self::Status => {}
        }
        for migration in migrate::status(admin).await.map_err(Failure::failed)? {
            let mark = if migration.is_applied {
                "applied"
            } else {
                "missing"
            };
            println!("{mark}  {:04} {}", migration.version, migration.name);
        }
        let has_files = migrate::has_schema_files(admin)
            .await
            .map_err(Failure::failed)?;
        let mark = if has_files { "applied" } else { "missing" };
        println!("{mark}  functions, policies and grants");
        Ok(())
    }
}
