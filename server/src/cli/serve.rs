//! `atrium serve`: runs the server and shuts it down gracefully.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::Args;
use rustix::process::{Resource, getrlimit, setrlimit};
use service::{CheckpointSettings, CheckpointWriter, Ctx, WorkerSettings};
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{
    assets::Bundle,
    auth::demo::{DemoIssuer, DemoKind},
    boot::{self, Deployment, Model},
    config::Config,
    database::IfRunning,
    demo,
    failure::Failure,
    health::Readiness,
    listener, routes,
};

/// Time for open requests and jobs to end after the first signal (SEC-F2).
const DRAIN: Duration = Duration::from_secs(30);

/// Time for the last checkpoints of the audit log after that.
const LAST_CHECKPOINTS: Duration = Duration::from_secs(10);

/// Interval of the check for audit logs that are due for a checkpoint.
const CHECKPOINT_POLL: time::Duration = time::Duration::seconds(15);

/// Serve the console.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Start a demo with its own identity provider, by default on a company with
    /// three months of history. Listens on this machine only.
    #[arg(
        long,
        value_name = "KIND",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "company",
        overrides_with = "demo"
    )]
    demo: Option<DemoKind>,
    /// Address to listen on.
    #[arg(long, value_name = "IP:PORT")]
    addr: Option<SocketAddr>,
    /// Data folder.
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
}

impl Serve {
    /// Applies arguments, which override the environment and the file.
    pub(super) fn override_config(&self, config: &mut Config) {
        if let Some(addr) = self.addr {
            config.addr = addr;
        }
        if let Some(folder) = &self.data_dir {
            config.data_dir.clone_from(folder);
        }
    }

    pub(super) async fn run(self, config: Config) -> Result<(), Failure> {
        if self.demo.is_some() {
            demo::check_config(&config)?;
        }
        // Report a busy port and a missing bundle before anything starts.
        let bundle = Bundle::load(&boot::site_dir(&config)).map_err(Failure::failed)?;
        let listener = TcpListener::bind(config.addr).await.map_err(|error| {
            Failure::Failed(format!(
                "Can't listen on {}: {error}. Choose another address with --addr or ATRIUM_ADDR.",
                config.addr
            ))
        })?;
        let mut signals = Signals::new()?;

        let deployment = tokio::select! {
            opened = Deployment::open(&config, IfRunning::Fail, Model::Needed) => opened?,
            () = signals.next() => return Ok(()),
        };
        let result = serve(
            self.demo,
            &config,
            &bundle,
            listener,
            &deployment,
            &mut signals,
        )
        .await;
        deployment.close().await;
        result
    }
}

async fn serve(
    demo: Option<DemoKind>,
    config: &Config,
    bundle: &Bundle,
    listener: TcpListener,
    deployment: &Deployment,
    signals: &mut Signals,
) -> Result<(), Failure> {
    let ctx = &deployment.ctx;
    let issuer = match demo {
        Some(kind) => {
            let style = &bundle.assets.css;
            let site = boot::site(config)?;
            let issuer = DemoIssuer::new(site, style, kind, ctx.clock.clone(), ctx.ids.clone())
                .map_err(Failure::failed)?;
            let sessions = boot::session_settings(config, &ctx.ids)?;
            let store = boot::connect_for_history(config, &deployment.database).await?;
            let history = Ctx {
                store: store.clone(),
                ..ctx.clone()
            };
            let prepared =
                demo::prepare(&history, kind, &issuer.oidc_settings().issuer, &sessions).await;
            store.close().await;
            prepared?;
            Some(issuer)
        }
        None => None,
    };
    let readiness = Readiness {
        store: ctx.store.clone(),
        cluster: deployment.database.state(),
    };
    let app = routes::router(config, ctx, bundle, readiness, issuer.as_ref())?;

    let listening = listener.local_addr().map_err(Failure::failed)?;
    let stop = ctx.stop.clone();
    let relay = tokio::spawn(service::changes_relay(ctx.clone()));
    let worker = tokio::spawn(service::work(
        ctx.clone(),
        WorkerSettings::default(),
        stop.clone(),
    ));
    // Stops last, so that the other tasks' last rows get a checkpoint, too.
    let drained = CancellationToken::new();
    let checkpoints = tokio::spawn(checkpoint_writer(config, deployment)?.run(drained.clone()));
    raise_open_files();
    let limits = boot::connection_limits(config);
    let mut server = tokio::spawn(listener::serve(listener, app, limits, stop.clone()));
    tracing::info!(url = %config.public_url(), %listening, demo = demo.is_some(), "Atrium is ready");

    tokio::select! {
        () = signals.next() => {}
        exit = &mut server => {
            stop.cancel();
            let cause = exit.map_or_else(|panic| panic.to_string(), |()| "it was stopped".to_owned());
            return Err(Failure::Failed(format!("The listener ended by itself: {cause}.")));
        }
    }
    tracing::info!("stopping: open requests and jobs have 30 s; a second signal stops at once");
    stop.cancel();
    let shutdown = async {
        // Waits also for requests whose connection has closed.
        ctx.requests.close();
        let work = async { tokio::join!(server, worker, relay, ctx.requests.wait()) };
        if timeout(DRAIN, work).await.is_err() {
            tracing::warn!("some requests or jobs did not end in 30 s");
        }
        drained.cancel();
        if timeout(LAST_CHECKPOINTS, checkpoints).await.is_err() {
            tracing::warn!("the last checkpoints of the audit log could not be written in time");
        }
    };
    tokio::select! {
        () = shutdown => {}
        () = signals.next() => tracing::warn!("stopping at once"),
    }
    Ok(())
}

/// Raises the limit of open files to the maximum: it usually starts at 1024,
/// and each connection needs one.
fn raise_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

fn checkpoint_writer(
    config: &Config,
    deployment: &Deployment,
) -> Result<CheckpointWriter, Failure> {
    let ctx = deployment.ctx.clone();
    let key = boot::checkpoint_key(config, &ctx.ids)?;
    let folder = boot::checkpoint_folder(config);
    folder.ensure().map_err(|error| {
        let path = folder.path().display();
        Failure::Failed(format!(
            "The folder {path} for checkpoints of the audit log can't be made: {error}. Choose another with audit.checkpoint_dir."
        ))
    })?;
    let settings = CheckpointSettings {
        rows: config.audit.checkpoint_rows,
        every: time::Duration::minutes(config.audit.checkpoint_minutes.into()),
        poll: CHECKPOINT_POLL,
    };
    Ok(CheckpointWriter::new(ctx, key, folder, settings))
}

/// Receives SIGTERM and SIGINT.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind)
                .map_err(|error| Failure::Failed(format!("Signals can't be received: {error}.")))
        };
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
