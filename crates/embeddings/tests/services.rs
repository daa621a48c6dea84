//! The client against services that respond correctly, wrongly, late and not at
//! all.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    body::Bytes,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use embeddings::{EmbeddingsError, Endpoint, MAX_CHARS, embed};
use outbound::{AllowedHosts, Outbound};
use serde_json::{Value, json};

/// A recorded request.
#[derive(Clone, Debug)]
struct RecordedRequest {
    key: Option<String>,
    body: Value,
}

type RequestLog = Arc<Mutex<Vec<RecordedRequest>>>;

/// Starts a service that responds to every request with `answer`.
async fn start_service(
    answer: impl Fn(&Value) -> Response + Clone + Send + Sync + 'static,
) -> (SocketAddr, RequestLog) {
    let requests = RequestLog::default();
    let handler = {
        let requests = requests.clone();
        move |headers: HeaderMap, body: Bytes| {
            let body: Value = serde_json::from_slice(&body).unwrap();
            let key = headers
                .get(header::AUTHORIZATION)
                .map(|value| value.to_str().unwrap().to_owned());
            requests.lock().unwrap().push(RecordedRequest {
                key,
                body: body.clone(),
            });
            let answer = answer(&body);
            async move { answer }
        }
    };
    let app = Router::new().route("/v1/embeddings", post(handler));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (addr, requests)
}

fn outbound() -> Outbound {
    Outbound::new(
        AllowedHosts::from_iter(["127.0.0.1"]),
        Duration::from_millis(500),
    )
    .unwrap()
}

fn endpoint(addr: SocketAddr, key: Option<&str>) -> Endpoint {
    Endpoint {
        base_url: outbound().parse(&format!("http://{addr}/v1/")).unwrap(),
        key: key.map(Into::into),
        model: "small".into(),
        dimensions: None,
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

/// A vector of 64 components that differ only in the first.
fn vector(first: f64) -> Vec<f64> {
    let mut vector = vec![0.5; 64];
    vector[0] = first;
    vector
}

/// One vector per text, in reverse order.
fn valid_response(body: &Value) -> Response {
    let count = u8::try_from(body["input"].as_array().unwrap().len()).unwrap();
    let data: Vec<_> = (0..count)
        .rev()
        .map(|index| json!({ "object": "embedding", "index": index, "embedding": vector(3.0 + f64::from(index)) }))
        .collect();
    Json(json!({ "object": "list", "data": data, "model": "small", "usage": {} })).into_response()
}

#[tokio::test]
async fn vectors_are_ordered_and_normalised() {
    let (addr, requests) = start_service(valid_response).await;
    let vectors = embed(
        &outbound(),
        &endpoint(addr, Some("sk-secret")),
        &texts(&["a", "b", "c"]),
    )
    .await
    .unwrap();
    assert_eq!(vectors.len(), 3);
    assert!(vectors[0][0] < vectors[1][0] && vectors[1][0] < vectors[2][0]);
    for vector in &vectors {
        let length: f32 = vector.iter().map(|x| x * x).sum();
        assert!((length - 1.0).abs() < 1e-5, "{length}");
    }
    let request = requests.lock().unwrap().pop().unwrap();
    assert_eq!(request.key.as_deref(), Some("Bearer sk-secret"));
    assert_eq!(
        request.body,
        json!({ "model": "small", "input": ["a", "b", "c"], "encoding_format": "float" })
    );
}

#[tokio::test]
async fn requested_dimensions_are_sent_and_enforced() {
    let (addr, requests) = start_service(valid_response).await;
    let endpoint_with = |dimensions| Endpoint {
        dimensions: Some(dimensions),
        ..endpoint(addr, None)
    };
    assert!(
        embed(&outbound(), &endpoint_with(64), &texts(&["a"]))
            .await
            .is_ok()
    );
    let request = requests.lock().unwrap().pop().unwrap();
    assert_eq!(
        (request.key, &request.body["dimensions"]),
        (None, &json!(64))
    );
    let other = embed(&outbound(), &endpoint_with(128), &texts(&["a"])).await;
    assert!(
        matches!(other, Err(EmbeddingsError::InvalidResponse(_))),
        "{other:?}"
    );
}

#[tokio::test]
async fn long_text_is_cut_at_a_char_boundary() {
    let (addr, requests) = start_service(valid_response).await;
    let long = "é".repeat(MAX_CHARS + 10);
    embed(&outbound(), &endpoint(addr, None), &[long])
        .await
        .unwrap();
    let request = requests.lock().unwrap().pop().unwrap();
    assert_eq!(
        request.body["input"][0].as_str().unwrap().chars().count(),
        MAX_CHARS
    );
}

#[tokio::test]
async fn malformed_responses_are_rejected() {
    let item =
        |index: usize, embedding: Vec<f64>| json!({ "index": index, "embedding": embedding });
    for (case, answer) in [
        ("no JSON", "<html>".to_owned()),
        (
            "another shape",
            json!({ "embeddings": [vector(1.0)] }).to_string(),
        ),
        (
            "too few",
            json!({ "data": [item(0, vector(1.0))] }).to_string(),
        ),
        (
            "too many",
            json!({ "data": [item(0, vector(1.0)), item(1, vector(1.0)), item(2, vector(1.0))] })
                .to_string(),
        ),
        (
            "the same index twice",
            json!({ "data": [item(1, vector(1.0)), item(1, vector(1.0))] }).to_string(),
        ),
        (
            "an index that was not requested",
            json!({ "data": [item(0, vector(1.0)), item(7, vector(1.0))] }).to_string(),
        ),
        (
            "two lengths",
            json!({ "data": [item(0, vector(1.0)), item(1, vec![1.0; 65])] }).to_string(),
        ),
        (
            "too short",
            json!({ "data": [item(0, vec![1.0; 63]), item(1, vec![1.0; 63])] }).to_string(),
        ),
        (
            "too long",
            json!({ "data": [item(0, vec![1.0; 4_001]), item(1, vec![1.0; 4_001])] }).to_string(),
        ),
        (
            "zeros only",
            json!({ "data": [item(0, vec![0.0; 64]), item(1, vector(1.0))] }).to_string(),
        ),
        // Infinite as an f32.
        (
            "no number",
            json!({ "data": [item(0, vector(1e300)), item(1, vector(1.0))] }).to_string(),
        ),
        (
            "words",
            json!({ "data": [{ "index": 0, "embedding": ["a"] }, item(1, vector(1.0))] })
                .to_string(),
        ),
        (
            "base64",
            json!({ "data": [{ "index": 0, "embedding": "AAAA" }, item(1, vector(1.0))] })
                .to_string(),
        ),
    ] {
        let (addr, _) = start_service(move |_| answer.clone().into_response()).await;
        let answer = embed(&outbound(), &endpoint(addr, None), &texts(&["a", "b"])).await;
        assert!(
            matches!(answer, Err(EmbeddingsError::InvalidResponse(_))),
            "{case}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn http_errors_are_mapped_and_leak_nothing() {
    use EmbeddingsError::{ClientError, RateLimited, ServerError, Unauthorized};
    for (status, expected) in [
        (401, Unauthorized(401)),
        (403, Unauthorized(403)),
        (404, ClientError(404)),
        (400, ClientError(400)),
        (500, ServerError(500)),
        (503, ServerError(503)),
        (304, ServerError(304)),
        (
            429,
            RateLimited {
                retry_after: Some(Duration::from_secs(7)),
            },
        ),
    ] {
        let (addr, _) = start_service(move |body| {
            let status = StatusCode::from_u16(status).unwrap();
            (status, [(header::RETRY_AFTER, "7")], body.to_string()).into_response()
        })
        .await;
        let endpoint = endpoint(addr, Some("sk-secret"));
        let error = embed(&outbound(), &endpoint, &texts(&["the text"]))
            .await
            .unwrap_err();
        assert_eq!(error, expected);
        let output = format!("{error} {error:?} {endpoint:?}");
        assert!(
            !output.contains("the text") && !output.contains("sk-secret"),
            "{output}"
        );
    }
}

#[tokio::test]
async fn unreachable_and_slow_services_are_distinguished() {
    let closed_addr = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let answer = embed(&outbound(), &endpoint(closed_addr, None), &texts(&["a"])).await;
    assert_eq!(answer, Err(EmbeddingsError::Unreachable));

    let app = Router::new().route(
        "/v1/embeddings",
        post(async || {
            tokio::time::sleep(Duration::from_secs(5)).await;
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let answer = embed(&outbound(), &endpoint(addr, None), &texts(&["a"])).await;
    assert_eq!(answer, Err(EmbeddingsError::TimedOut));
}

#[tokio::test]
async fn oversized_response_is_rejected() {
    let (addr, _) = start_service(|_| "x".repeat(17 * 1024 * 1024).into_response()).await;
    let answer = embed(&outbound(), &endpoint(addr, None), &texts(&["a"])).await;
    assert_eq!(
        answer,
        Err(EmbeddingsError::InvalidResponse("it is far too long"))
    );
}

#[tokio::test]
async fn omitted_index_is_the_position_or_zero() {
    for indexes in [
        [json!(null), json!(1)],
        [json!(1), json!(null)],
        [json!(null), json!(null)],
    ] {
        let is_swapped = indexes[0] == json!(1);
        let data: Vec<_> = indexes
            .into_iter()
            .zip([3.0, 9.0])
            .map(|(index, first)| match index {
                Value::Null => json!({ "embedding": vector(first) }),
                index => json!({ "index": index, "embedding": vector(first) }),
            })
            .collect();
        let (addr, _) =
            start_service(move |_| Json(json!({ "data": data.clone() })).into_response()).await;
        let vectors = embed(&outbound(), &endpoint(addr, None), &texts(&["a", "b"]))
            .await
            .unwrap();
        assert_eq!(vectors[0][0] > vectors[1][0], is_swapped);
    }
    let (addr, _) = start_service(|_| {
        let item = json!({ "index": null, "embedding": vector(1.0) });
        let first = json!({ "index": 0, "embedding": vector(1.0) });
        Json(json!({ "data": [item, first] })).into_response()
    })
    .await;
    let refused = embed(&outbound(), &endpoint(addr, None), &texts(&["a", "b"])).await;
    assert!(matches!(refused, Err(EmbeddingsError::InvalidResponse(_))));
}
