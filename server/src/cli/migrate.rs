//! `atrium migrate`: the database's schema.

use clap::Subcommand;
use secrecy::ExposeSecret;

use crate::{
    boot,
    config::Config,
    database::{Database, IfRunning},
    failure::Failure,
};

/// What to do with the schema.
#[derive(Debug, Subcommand)]
pub(super) enum Migrate {
    /// Apply what is missing.
    Up,
    /// Take back the newest migrations. Data in what they made is lost.
    Down {
        /// How many.
        #[arg(long, default_value_t = 1)]
        steps: u32,
    },
    /// Show which migrations are applied.
    Status,
}

impl Migrate {
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        let database = Database::open(config, &boot::ids(), IfRunning::Allowed).await?;
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
                store::migrate::down(admin, steps)
                    .await
                    .map_err(Failure::failed)?;
            }
            Self::Status => {}
        }
        for migration in store::migrate::status(admin)
            .await
            .map_err(Failure::failed)?
        {
            let mark = if migration.is_applied {
                "applied"
            } else {
                "missing"
            };
            println!("{mark}  {:04} {}", migration.version, migration.name);
        }
        Ok(())
    }
}
