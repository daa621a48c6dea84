//! Latency of a search over REST: an API call with a key, embedding of the
//! query, search, and reading of the response.

use super::SearchArguments;
use super::server::Server;
use crate::{
    table::{Table, Times, millis},
    world::{Tenant, World},
};
use anyhow::{Context, Result, anyhow};
use axum::serve;
use domain::{
    Actor, Permission,
    access::SystemRole,
    api_key::{ApiKeyInput, NEVER},
};
use reqwest::{Client, redirect::Policy};
use serde_json::{Value, json};
use server::{
    http::{HttpSettings, Site, protect},
    rest::{ApiKeyAuth, PATH, rest},
};
use service::{Clock, Ctx, Embedder, Entropy};
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use store::{
    embedding_model::embedding_model_active,
    role::{RoleSource, user_role_grant},
    team::team_member_add,
};
use tokio::{net::TcpListener, task::JoinHandle};

/// Number of first queries that are not counted.
const WARM_UP: usize = 10;

pub(crate) async fn question(
    server: &Server,
    world: &World,
    arguments: &SearchArguments,
) -> Result<()> {
    let embedder = match &arguments.model {
        Some(folder) => Embedder::open(folder).await,
        None => Embedder::off("No model was named."),
    };
    if !embedder.is_on() {
        println!("\nQuestions over REST were not measured: there is no model.");
        return Ok(());
    }
    let ctx = Ctx::new(
        server.store.clone(),
        Clock::system(),
        Entropy::system(),
        embedder,
    );
    let (address, server_task) = listen(&ctx).await?;
    let client = Client::builder()
        .timeout(Duration::from_secs(30))
        .redirect(Policy::none())
        .build()?;
    let mut table = Table::new(&[
        "memories",
        "embedding p50",
        "whole call p50",
        "whole call p95",
    ]);
    for rows in [usize::MAX, 2_000] {
        let tenant = world.tenant_of(rows.min(world.tenants[0].rows));
        let actor = tenant.veteran();
        grant_role_and_teams(server, tenant, &actor).await?;
        let draft = ApiKeyInput {
            label: "Bench".into(),
            vendor: None,
            scopes: vec![Permission::MemoryRead.key().into()],
            lifetime: NEVER.into(),
        };
        let key = service::call::<service::ApiKeyCreate>(&ctx, &actor, draft)
            .await
            .map_err(|error| anyhow!("{error}"))?
            .key;
        let mut tx = server.store.begin(&actor).await?;
        let model = embedding_model_active(&mut tx).await?;
        drop(tx);
        let (mut embedding, mut whole) = (Vec::new(), Vec::new());
        for (n, question) in world
            .questions(tenant, arguments.questions + WARM_UP)
            .into_iter()
            .enumerate()
        {
            let started = Instant::now();
            ctx.embedder.query(&model, question.text.clone()).await?;
            let embedding_time = started.elapsed();
            let started = Instant::now();
            let answer: Value = client
                .post(format!("http://{address}{PATH}/memories/search"))
                .bearer_auth(&key)
                .json(&json!({ "query": question.text }))
                .send()
                .await?
                .error_for_status()?
                .json()
                .await?;
            let call_time = started.elapsed();
            answer.get("hits").context("an answer with hits")?;
            if n >= WARM_UP {
                embedding.push(embedding_time);
                whole.push(call_time);
            }
        }
        let (embedding, whole) = (Times::of(embedding), Times::of(whole));
        table.row(vec![
            tenant.rows.to_string(),
            millis(embedding.percentile(50)),
            millis(whole.percentile(50)),
            millis(whole.percentile(95)),
        ]);
    }
    server_task.abort();
    table.print("One question over REST, embedded and searched by words and meaning");
    Ok(())
}

/// Grants the role and the teams that a key's owner needs and that the other
/// benchmarks do without.
async fn grant_role_and_teams(server: &Server, tenant: &Tenant, actor: &Actor) -> Result<()> {
    let mut tx = server.store.begin_as_system(tenant.id).await?;
    let now = Clock::system().now();
    let role = SystemRole::Member.key();
    user_role_grant(&mut tx, actor.user_id, role, RoleSource::Manual, now).await?;
    for team in &actor.team_ids {
        team_member_add(&mut tx, *team, actor.user_id, now).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Serves the REST API on a free port, as the product does.
async fn listen(ctx: &Ctx) -> Result<(SocketAddr, JoinHandle<std::io::Result<()>>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let site =
        Site::new(format!("http://{address}").parse()?).map_err(|error| anyhow!("{error}"))?;
    let (operations, _) = rest(
        ctx.clone(),
        ApiKeyAuth::new(ctx.clone(), u32::MAX),
        server::live::Streams::new(ctx.clone()),
    );
    let router = protect(
        operations,
        HttpSettings {
            site,
            trusted_proxies: Arc::new([]),
            body_timeout: std::time::Duration::from_secs(30),
            body_bytes: 512 * 1024,
            larger_bodies: Arc::new([]),
            clock: ctx.clock.clone(),
            ids: ctx.ids.clone(),
            requests: ctx.requests.clone(),
        },
    );
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let server_task = tokio::spawn(async move { serve(listener, service).await });
    Ok((address, server_task))
}
