//! `atrium doctor`: checks each part that the console needs and says how to fix
//! it.

use std::{path::Path, time::Instant};

use clap::Args;
use domain::{
    Timestamp,
    isolation::{IsolationReport, ProbeResult},
    overview::SemanticSearch,
};
use service::{Clock, Ctx, Embedder, Entropy, database::Store};

use crate::{
    assets::Bundle,
    auth::Auth,
    boot,
    config::Config,
    database::{Database, IfRunning},
    failure::Failure,
};

/// One line of the report: `Err` holds what to do.
struct Line {
    part: &'static str,
    finding: Result<String, String>,
}

/// Check everything that the console needs and say how to fix problems.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// Also try to access other organisations' rows in every way, on the
    /// running database, and print the results. All changes are rolled back.
    #[arg(long)]
    isolation: bool,
}

impl Doctor {
    pub(super) async fn run(&self, config: &Config) -> Result<(), Failure> {
        run(config, self.isolation).await
    }
}

/// Prints a line for each part; fails if any needs attention.
async fn run(config: &Config, with_isolation: bool) -> Result<(), Failure> {
    let mut lines = Vec::new();
    let mut probes = None;
    let mut report = |part, finding| lines.push(Line { part, finding });

    let mut database_time = None;
    match Database::open(config, &boot::ids(), IfRunning::Connect).await {
        Ok(database) => {
            let store = report_database(config, &database, &mut report, &mut database_time).await;
            report("issuer", check_issuer(config, store.as_ref()).await);
            if let Some(store) = store {
                if with_isolation {
                    let (finding, found) = check_isolation(&store).await;
                    report("probes", finding);
                    probes = found;
                }
                store.close().await;
            }
            database.stop().await;
        }
        Err(failure) => {
            report("database", Err(failure.to_string()));
            report("issuer", check_issuer(config, None).await);
        }
    }
    if let Some(mail) = &config.mail {
        report("mail", check_mail_server(config, &mail.host).await);
    }
    report("model", check_model(&boot::model_dir(config)?).await);
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
    report("audit", check_checkpoints(config, database_time));
    report("clock", check_clock(database_time));

    let mut bad_count = 0_usize;
    for line in &lines {
        match &line.finding {
            Ok(text) => println!("ok    {:<11} {text}", line.part),
            Err(text) => {
                bad_count += 1;
                println!("to do {:<11} {text}", line.part);
            }
        }
    }
    if let Some(probes) = probes {
        print_probes(&probes);
    }
    if bad_count > 0 {
        return Err(Failure::Failed(format!(
            "{bad_count} of {} parts need something done.",
            lines.len()
        )));
    }
    Ok(())
}

/// Reports on the database, pgvector and row-level security.
async fn report_database(
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
            report("letters", check_letters(facts.knows_letters));
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
    report("rules", check_rules(&store).await);
    Some(store)
}

/// Checks the catalogue for everything that would break row-level security.
async fn check_rules(store: &Store) -> Result<String, String> {
    let start = Instant::now();
    let found = store.findings().await.map_err(|error| error.to_string())?;
    if found.is_empty() {
        return Ok(format!(
            "nothing that row level security rests on was changed ({} ms)",
            start.elapsed().as_millis()
        ));
    }
    let found: Vec<_> = found
        .iter()
        .map(|found| {
            format!(
                "{}: {}. Do this: {}.",
                found.object, found.problem, found.remedy
            )
        })
        .collect();
    Err(found.join(" "))
}

/// Checks that checkpoints of the audit log can be written, and their age.
fn check_checkpoints(config: &Config, now: Option<Timestamp>) -> Result<String, String> {
    let folder = boot::checkpoint_folder(config);
    let path = folder.path().display().to_string();
    let failed = |error: &dyn std::fmt::Display| {
        format!(
            "Checkpoints can't be kept in {path}: {error}. Choose another folder with audit.checkpoint_dir."
        )
    };
    let key = boot::checkpoint_key(config, &boot::ids()).map_err(|error| error.to_string())?;
    folder.ensure().map_err(|error| failed(&error))?;
    rustix::fs::access(
        folder.path(),
        rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK,
    )
    .map_err(|error| failed(&error))?;
    let mut newest: Option<std::time::SystemTime> = None;
    for tenant_id in folder.tenants().map_err(|error| failed(&error))? {
        let has_ours = folder
            .newest(&key, tenant_id)
            .map_err(|error| failed(&error))?
            .is_some();
        if !has_ours {
            return Err(format!(
                "The checkpoints in {} are signed by another key: the master key is not the one that it was.",
                folder.file(tenant_id).display()
            ));
        }
        let written = std::fs::metadata(folder.file(tenant_id)).and_then(|file| file.modified());
        newest = newest.max(written.ok());
    }
    let Some(newest) = newest else {
        return Ok(format!("checkpoints go to {path}; there is none yet"));
    };
    let now = now.unwrap_or_else(|| Clock::system().now());
    let minutes = (now - Timestamp::from(newest)).whole_minutes().max(0);
    Ok(format!(
        "checkpoints go to {path}; the newest is {minutes} minutes old and signed by this master key"
    ))
}

fn check_letters(are_known: bool) -> Result<String, String> {
    if are_known {
        Ok("words are found whatever their letters".to_owned())
    } else {
        Err(
            "Words with letters beyond ASCII are found only as they are written: the database has the character type C. Dump it, create it anew with LC_CTYPE 'C.UTF-8', and restore."
                .to_owned(),
        )
    }
}

/// Tries to access rows across organisations.
async fn check_isolation(store: &Store) -> (Result<String, String>, Option<IsolationReport>) {
    let embedder = Embedder::off("This command doesn't load the model.");
    let ctx = Ctx::new(store.clone(), Clock::system(), Entropy::system(), embedder);
    match service::isolation_check(&ctx).await {
        Err(error) => (Err(error.to_string()), None),
        Ok(report) => {
            let finding = if report.holds() {
                Ok(format!(
                    "none of {} attempts reached another organisation",
                    report.attempts()
                ))
            } else {
                Err(
                    "Another organisation was reached: see below. Take Atrium off the network."
                        .to_owned(),
                )
            };
            (finding, Some(report))
        }
    }
}

fn print_probes(report: &IsolationReport) {
    println!();
    println!(
        "{:<20} {:<13} {:<13} {:<13} {:<13} {:<13} own rows",
        "table", "read", "read unset", "change", "delete", "add"
    );
    for table in &report.tables {
        print!("{:<20}", table.table);
        for reached in table.reached {
            let word = match reached {
                ProbeResult::NoPrivilege => "not granted",
                ProbeResult::Refused => "refused",
                ProbeResult::Nothing => "nothing",
                ProbeResult::Untried => "no row",
                ProbeResult::Row => "REACHED",
            };
            print!(" {word:<13}");
        }
        println!(
            " {}{}",
            if table.sees_own { "seen" } else { "none made" },
            if table.row_security {
                ""
            } else {
                "  ROW SECURITY IS OFF"
            }
        );
    }
}

async fn check_model(folder: &Path) -> Result<String, String> {
    match Embedder::open(folder).await.status() {
        SemanticSearch::On => Ok(format!("{} in {}", embed::MODEL_ID, folder.display())),
        SemanticSearch::Off { reason } => Err(reason),
    }
}

/// Checks that the mail server accepts the credentials. Sends no mail.
async fn check_mail_server(config: &Config, host: &str) -> Result<String, String> {
    let mailer = boot::mailer(config).map_err(|failure| failure.to_string())?;
    mailer.check().await.map_err(|error| error.to_string())?;
    Ok(format!("{host} answers"))
}

/// Checks that the issuers respond, so that members can sign in.
async fn check_issuer(config: &Config, store: Option<&Store>) -> Result<String, String> {
    let issuers: Vec<_> = config.oidc.iter().chain(config.issuers.values()).collect();
    if issuers.is_empty() {
        return Err(
            "Nobody can sign in: set ATRIUM_OIDC__ISSUER, ATRIUM_OIDC__CLIENT_ID and \
                    ATRIUM_OIDC__CLIENT_SECRET."
                .to_owned(),
        );
    }
    let Some(store) = store else {
        return Err("Not checked: it needs the database.".to_owned());
    };
    let settings = boot::auth_settings(config, &boot::ids(), None).map_err(|e| e.to_string())?;
    let embedder = Embedder::off("This command doesn't load the model.");
    let ctx = Ctx::new(store.clone(), Clock::system(), Entropy::system(), embedder);
    let auth = Auth::new(ctx, settings).map_err(|error| error.to_string())?;
    auth.issuer_check().await?;
    let names: Vec<_> = issuers.iter().map(|oidc| oidc.issuer.as_str()).collect();
    let verb = if names.len() == 1 {
        "answers"
    } else {
        "answer"
    };
    Ok(format!("{} {verb}", names.join(", ")))
}

/// Compares the clock with the database's: tokens are valid for minutes, so a
/// wrong clock makes all of them invalid.
fn check_clock(reference: Option<Timestamp>) -> Result<String, String> {
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
