//! `atrium doctor`: each part that the console needs, ok or what to do.

use std::path::Path;

use domain::{Timestamp, overview::SemanticSearch};
use service::{Clock, Embedder};
use store::Store;

use crate::{
    assets::Bundle,
    auth::Auth,
    boot,
    config::Config,
    database::{Database, Joining},
    failure::Failure,
};

/// One line of the report.
struct Line {
    part: &'static str,
    finding: Result<String, String>,
}

/// Checks everything and prints a line for each part; status 1 when a part
/// needs something done.
pub(super) async fn run(config: &Config) -> Result<(), Failure> {
    let mut lines = Vec::new();
    let mut report = |part, finding| lines.push(Line { part, finding });

    let mut database_time = None;
    match Database::open(config, &boot::ids(), Joining::Allowed).await {
        Ok(database) => {
            let store = database_lines(config, &database, &mut report, &mut database_time).await;
            report("issuer", issuer(config, store.as_ref()).await);
            if let Some(store) = store {
                store.close().await;
            }
            database.stop().await;
        }
        Err(failure) => {
            report("database", Err(failure.to_string()));
            report("issuer", issuer(config, None).await);
        }
    }
    report("model", model(&boot::model_dir(config)?).await);
    let bundle = Bundle::load(&boot::site_dir(config));
    report(
        "pages",
        bundle
            .map(|_| "the browser bundle is there".to_owned())
            .map_err(|e| e.to_string()),
    );
    let source = if config.master_key.is_some() {
        "from the configuration"
    } else {
        "in the data folder: keep a copy of master.key"
    };
    let key = boot::master_key(config, &boot::ids());
    report(
        "master key",
        key.map(|_| source.to_owned())
            .map_err(|error| error.to_string()),
    );
    report("clock", clock(database_time));

    let mut bad = 0_usize;
    for line in &lines {
        match &line.finding {
            Ok(text) => println!("ok    {:<11} {text}", line.part),
            Err(text) => {
                bad += 1;
                println!("to do {:<11} {text}", line.part);
            }
        }
    }
    if bad > 0 {
        return Err(Failure::Failed(format!(
            "{bad} of {} parts need something done.",
            lines.len()
        )));
    }
    Ok(())
}

/// Reports on the database, pgvector and row security.
async fn database_lines(
    config: &Config,
    database: &Database,
    report: &mut impl FnMut(&'static str, Result<String, String>),
    time: &mut Option<Timestamp>,
) -> Option<Store> {
    if database.admin_url.is_some()
        && let Err(failure) = boot::migrate_up(database).await
    {
        report("schema", Err(failure.to_string()));
    }
    let store = match boot::connect(config, database).await {
        Ok(store) => store,
        Err(failure) => {
            report("database", Err(failure.to_string()));
            return None;
        }
    };
    match store.facts().await {
        Ok(facts) => {
            let kind = if database.is_embedded {
                "embedded"
            } else {
                "external"
            };
            report(
                "database",
                Ok(format!("PostgreSQL {}, {kind}", facts.version)),
            );
            report("pgvector", facts.pgvector.ok_or_else(|| {
                "The extension vector is missing: run CREATE EXTENSION vector as a superuser.".to_owned()
            }));
            *time = Some(facts.now);
        }
        Err(error) => report("database", Err(error.to_string())),
    }
    report(
        "isolation",
        match store.check().await {
            Ok(()) => Ok(
                "the runtime role is bound by row level security, the schema is current".to_owned(),
            ),
            Err(error) => Err(error.to_string()),
        },
    );
    Some(store)
}

async fn model(folder: &Path) -> Result<String, String> {
    match Embedder::open(folder).await.status() {
        SemanticSearch::On => Ok(format!("{} in {}", embed::MODEL_ID, folder.display())),
        SemanticSearch::Off { reason } => Err(reason),
    }
}

/// Whether people could sign in now.
async fn issuer(config: &Config, store: Option<&Store>) -> Result<String, String> {
    let Some(oidc) = &config.oidc else {
        return Err(
            "Nobody can sign in: set ATRIUM_OIDC__ISSUER, ATRIUM_OIDC__CLIENT_ID and \
                    ATRIUM_OIDC__CLIENT_SECRET."
                .to_owned(),
        );
    };
    let Some(store) = store else {
        return Err("Not checked: it needs the database.".to_owned());
    };
    let settings = boot::auth_settings(config, &boot::ids(), None).map_err(|e| e.to_string())?;
    let auth = Auth::new(store.clone(), Clock::system(), boot::ids(), settings)
        .map_err(|error| error.to_string())?;
    auth.issuer_check().await?;
    Ok(format!("{} answers", oidc.issuer))
}

/// Tokens are valid for minutes: a clock that is off refuses all of them.
fn clock(reference: Option<Timestamp>) -> Result<String, String> {
    let Some(reference) = reference else {
        return Err("There was nothing to compare this machine's clock with.".to_owned());
    };
    let off = (Clock::system().now() - reference).whole_seconds().abs();
    if off <= 30 {
        Ok(format!("within {off} s of the reference"))
    } else {
        Err(format!(
            "It is off by {off} s: sign-ins fail beyond 60 s. Set up NTP."
        ))
    }
}
