//! `atrium audit`: verifies the integrity of the audit log.

use std::{collections::BTreeSet, path::PathBuf};

use clap::{Args, Subcommand};
use domain::TenantId;
use service::{AuditReport, AuditVerdict, CheckpointFolder, StoredNotes, Tenant, audit_verify};
use tlog::NoteVerifier;

use crate::{
    boot::{self, Deployment, Model},
    config::Config,
    database::IfRunning,
    failure::Failure,
};

/// Verify the audit log.
#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Recompute every hash, compare with all signed checkpoints, and print the
    /// first wrong row. Exits with status 1 if anything is wrong.
    Verify(Verify),
}

/// Selects the logs, and what to compare them with besides the checkpoints in
/// the database and in the checkpoint folder.
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// Slug of the organisation to verify; all by default.
    #[arg(long)]
    tenant: Option<String>,
    /// File with checkpoints, kept elsewhere, to compare with instead of the
    /// checkpoint folder. Can be repeated.
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// Verifier key, kept elsewhere, that must have signed the checkpoints,
    /// instead of this installation's key. Can be repeated.
    #[arg(long, value_name = "NAME+HASH+KEY")]
    verifier_key: Vec<NoteVerifier>,
}

impl Audit {
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        let Self::Verify(verify) = self;
        let files = verify.files()?;
        let deployment = Deployment::open(config, IfRunning::Connect, Model::NotNeeded).await?;
        let result = verify.run(config, &deployment, files).await;
        deployment.close().await;
        result
    }
}

impl Verify {
    /// Reads the files given with `--checkpoint`.
    fn files(&self) -> Result<Vec<StoredNotes>, Failure> {
        let read = |path: &PathBuf| {
            let text = std::fs::read_to_string(path).map_err(|error| {
                Failure::Usage(format!("{} can't be read: {error}.", path.display()))
            })?;
            let location = path.display().to_string();
            let is_mixed = true;
            let kept = StoredNotes {
                location,
                text,
                is_mixed,
            };
            if kept.tenants().is_empty() {
                return Err(Failure::Usage(format!(
                    "There is no checkpoint of an audit log in {}.",
                    kept.location
                )));
            }
            Ok(kept)
        };
        self.checkpoint.iter().map(read).collect()
    }

    async fn run(
        &self,
        config: &Config,
        deployment: &Deployment,
        files: Vec<StoredNotes>,
    ) -> Result<(), Failure> {
        let ctx = &deployment.ctx;
        let slug = self.tenant.as_deref();
        // Read before the list of organisations: one that is created meanwhile
        // is then in neither.
        let folder = boot::checkpoint_folder(config);
        let in_folder = if files.is_empty() {
            folder
                .tenants()
                .map_err(|error| unreadable(&folder, &error))?
        } else {
            Vec::new()
        };
        let tenants = service::tenant_list(ctx).await.map_err(Failure::failed)?;
        let tenants: Vec<_> = tenants.into_iter().map(|listed| listed.tenant).collect();
        let selected: Vec<_> = tenants
            .iter()
            .filter(|tenant| slug.is_none_or(|slug| slug == tenant.slug))
            .collect();
        if let (Some(slug), true) = (slug, selected.is_empty()) {
            return Err(Failure::Usage(format!(
                "There is no organisation “{slug}”."
            )));
        }
        let mut with_checkpoints: BTreeSet<TenantId> = in_folder.into_iter().collect();
        with_checkpoints.extend(files.iter().flat_map(StoredNotes::tenants));
        if !files.is_empty()
            && slug.is_some()
            && selected.iter().all(|t| !with_checkpoints.contains(&t.id))
        {
            return Err(Failure::Usage(
                "The files have no checkpoint of this organisation.".to_owned(),
            ));
        }
        let mut broken = 0_usize;
        for tenant in &selected {
            let own_key = boot::checkpoint_key(config, &ctx.ids)?
                .verifier(tenant.id)
                .map_err(Failure::failed)?;
            let keys = if self.verifier_key.is_empty() {
                std::slice::from_ref(&own_key)
            } else {
                &self.verifier_key
            };
            let mut kept = files.clone();
            if files.is_empty() {
                let text = folder
                    .read(tenant.id)
                    .map_err(|error| unreadable(&folder, &error))?;
                kept.extend(text.map(|text| StoredNotes {
                    location: folder.file(tenant.id).display().to_string(),
                    text,
                    is_mixed: false,
                }));
            }
            let report = audit_verify(ctx, keys, tenant.id, &kept)
                .await
                .map_err(Failure::failed)?;
            print_report(tenant, &report);
            println!("{}: its verifier key is {own_key}", tenant.slug);
            broken += usize::from(!report.holds());
        }
        let missing = with_checkpoints
            .iter()
            .filter(|id| tenants.iter().all(|tenant| tenant.id != **id));
        let missing: Vec<_> = missing.filter(|_| slug.is_none()).collect();
        for id in &missing {
            println!(
                "{id}: there are checkpoints of this organisation and no trace of it: \
                 it was deleted, with its log, behind Atrium's back or on another machine"
            );
        }
        if broken + missing.len() > 0 {
            return Err(Failure::Failed(format!(
                "The audit log of {} of {} organisations is not whole.",
                broken + missing.len(),
                selected.len() + missing.len()
            )));
        }
        Ok(())
    }
}

fn unreadable(folder: &CheckpointFolder, error: &std::io::Error) -> Failure {
    Failure::Failed(format!(
        "The checkpoints in {} can't be read: {error}.",
        folder.path().display()
    ))
}

fn print_report(tenant: &Tenant, report: &AuditReport) {
    let slug = &tenant.slug;
    match report.verdict {
        AuditVerdict::Intact(head) => {
            println!("{slug}: the chain is whole, its head is {head}");
        }
        AuditVerdict::Broken { seq, problem } => println!("{slug}: row {seq}: {problem}"),
    }
    for problem in &report.problems {
        println!("{slug}: {problem}");
    }
    let places: Vec<_> = report
        .compared_notes
        .iter()
        .map(|(location, count)| format!("{count} in {location}"))
        .collect();
    let newest = report.newest.map_or_else(
        || "none vouches for it yet".to_owned(),
        |size| format!("the newest is of {size} rows"),
    );
    println!(
        "{slug}: compared with checkpoints, {}: {newest}",
        places.join(", ")
    );
}
