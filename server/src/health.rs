//! Health checks. `/healthz`: the process runs. `/readyz`: it can serve
//! requests.

use std::time::Duration;

use axum::{
    Router, extract::State, http::StatusCode, http::header, response::IntoResponse, routing::get,
};
use embedded_postgres::State as ClusterState;
use service::database::Store;
use tokio::{sync::watch, time::timeout};

/// Dependencies checked by `/readyz`.
#[derive(Clone, Debug)]
pub struct Readiness {
    pub store: Store,
    /// State of the embedded Postgres, if used.
    pub cluster: Option<watch::Receiver<ClusterState>>,
}

impl Readiness {
    async fn check(&self) -> Result<(), &'static str> {
        if let Some(state) = &self.cluster
            && *state.borrow() != ClusterState::Running
        {
            return Err("the embedded database is starting again");
        }
        match timeout(Duration::from_secs(2), self.store.ping()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err("the database does not answer"),
            Err(_) => Err("the database does not answer in time"),
        }
    }
}

/// Both routes, without authentication.
pub fn routes(readiness: Readiness) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .with_state(readiness)
}

async fn ready(State(readiness): State<Readiness>) -> impl IntoResponse {
    match readiness.check().await {
        Ok(()) => (StatusCode::OK, "ready\n".to_owned()).into_response(),
        Err(reason) => {
            let headers = [(header::RETRY_AFTER, "2")];
            (
                StatusCode::SERVICE_UNAVAILABLE,
                headers,
                format!("{reason}\n"),
            )
                .into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};
    use store::testing::TestDb;
    use tower::ServiceExt as _;

    use super::*;

    // SEC-F4: in the process's test a restart can be over before a request;
    // here it lasts as long as needed.
    #[tokio::test]
    async fn readiness_is_off_while_the_embedded_database_restarts() {
        let db = TestDb::new().await;
        let (state, cluster) = watch::channel(ClusterState::Running);
        let app = routes(Readiness {
            store: db.store.clone(),
            cluster: Some(cluster),
        });
        let status = async |path: &str| {
            let request = Request::get(path).body(Body::empty()).unwrap();
            app.clone().oneshot(request).await.unwrap().status()
        };
        for (now, ready) in [
            (ClusterState::Running, 200),
            (ClusterState::Restarting, 503),
            (ClusterState::Running, 200),
        ] {
            state.send(now).unwrap();
            assert_eq!(status("/readyz").await, ready, "{now:?}");
            assert_eq!(status("/healthz").await, 200);
        }
    }
}
