//! Memories over the REST API: what each operation does, and each error.

mod acts;
mod batch;
mod input;
mod proposals;
mod search;
mod sharing;
mod thread;
mod versions;
mod visibility;

use crate::support::{
    self, Answer,
    program::{World, problem},
};
use axum::http::Method;
use domain::{Actor, Permission, access::SystemRole};
use serde_json::Value;

const AT: &str = "/api/v1/memories";

const SCOPES: &[Permission] = &[Permission::MemoryRead, Permission::MemoryWrite];

#[track_caller]
fn ok(answer: &Answer, status: u16) -> Value {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

/// The fields that an error names.
#[track_caller]
fn fields(answer: &Answer) -> Vec<String> {
    let told = problem(answer, 422, "invalid");
    let errors = told["errors"].as_array().unwrap();
    errors
        .iter()
        .map(|error| error["field"].as_str().unwrap().to_owned())
        .collect()
}

async fn create(world: &World, key: &str, body: &Value) -> Value {
    ok(&world.call(Method::POST, AT, key, body).await, 201)
}

fn at(memory: &Value) -> String {
    format!("{AT}/{}", memory["id"].as_str().unwrap())
}

async fn member(world: &World, name: &str) -> (Actor, String) {
    let actor = world.app.tenant.actor(SystemRole::Member, name).await;
    let key = world.key_of(&actor, SCOPES).await.key;
    (actor, key)
}

/// The actions of a member on memories, from the audit log.
async fn audited(world: &World, actor: &Actor) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT action FROM audit_log WHERE actor_user_id = $1 AND resource_type = 'memory' ORDER BY seq",
    )
    .bind(actor.user_id)
    .fetch_all(&world.app.db.admin)
    .await
    .unwrap()
}
