//! Responses that a client may keep and asks again for by their `ETag`.

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use sha2::{Digest as _, Sha256};

/// Content that is the same for everybody while the process runs.
#[derive(Clone, Debug)]
pub(crate) struct Fixed {
    content: Bytes,
    content_type: HeaderValue,
    cache_control: HeaderValue,
    etag: HeaderValue,
}

impl Fixed {
    pub(crate) fn new(
        content: impl Into<Bytes>,
        content_type: &'static str,
        cache_control: &'static str,
    ) -> Self {
        let content = content.into();
        // Weak, because a compressed response is of the same content.
        let etag = format!("W/\"{:x}\"", Sha256::digest(&content));
        let etag = HeaderValue::from_str(&etag);
        Self {
            content,
            content_type: HeaderValue::from_static(content_type),
            cache_control: HeaderValue::from_static(cache_control),
            etag: etag.unwrap_or(HeaderValue::from_static("W/\"\"")),
        }
    }

    /// The content, or 304 if the client has it.
    pub(crate) fn answer(&self, request: &HeaderMap) -> Response {
        let headers = [
            (header::ETAG, self.etag.clone()),
            (header::CACHE_CONTROL, self.cache_control.clone()),
        ];
        if self.is_known(request) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        let content_type = [(header::CONTENT_TYPE, self.content_type.clone())];
        (headers, content_type, self.content.clone()).into_response()
    }

    /// Compares `If-None-Match` weakly (RFC 9110).
    fn is_known(&self, request: &HeaderMap) -> bool {
        let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        let own = self.etag.to_str().map(opaque).unwrap_or_default();
        request
            .get_all(header::IF_NONE_MATCH)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|tag| tag.trim() == "*" || opaque(tag) == own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(fixed: &Fixed, known: &'static str) -> StatusCode {
        let known = HeaderValue::from_static(known);
        let request = HeaderMap::from_iter([(header::IF_NONE_MATCH, known)]);
        fixed.answer(&request).status()
    }

    #[test]
    fn known_content_is_not_sent_again() {
        let fixed = Fixed::new("{}", "application/json", "no-cache");
        let first = fixed.answer(&HeaderMap::new());
        assert_eq!(first.status(), StatusCode::OK);
        let etag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
        let etag: &'static str = etag.leak();
        assert_eq!(status(&fixed, etag), StatusCode::NOT_MODIFIED);
        assert_eq!(status(&fixed, etag.trim_start_matches("W/")), 304);
        assert_eq!(status(&fixed, "*"), 304);
        assert_eq!(status(&fixed, "\"other\""), StatusCode::OK);
        let changed = Fixed::new("{} ", "application/json", "no-cache");
        assert_eq!(status(&changed, etag), StatusCode::OK);
    }
}
