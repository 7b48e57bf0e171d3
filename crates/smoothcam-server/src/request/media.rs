//! Reads the Accept header: which form of answer the client prefers.

use axum::extract::FromRequestParts;
use axum::http::header::ACCEPT;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};

use crate::rejection::Rejection;

/// A form of answer to a request for an explanation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Media {
    /// The whole explanation in JSON.
    Json,
    /// A picture in PNG.
    Png,
    /// NumPy arrays.
    Npz,
    /// Server-sent events, which report the progress; the last one holds the JSON.
    Events,
}

impl Media {
    /// The server's order of preference, where the client has none.
    const ALL: [Media; 4] = [Media::Json, Media::Png, Media::Npz, Media::Events];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Media::Json => "application/json",
            Media::Png => "image/png",
            Media::Npz => "application/x-npz",
            Media::Events => "text/event-stream",
        }
    }

    /// The form that the client prefers: the one of the highest `q`, and of equal ones the first.
    pub(crate) fn accepted(headers: &HeaderMap) -> Result<Media, Rejection> {
        let accept: Vec<&str> =
            headers.get_all(ACCEPT).iter().filter_map(|v| v.to_str().ok()).collect();
        if accept.is_empty() {
            return Ok(Media::Json);
        }
        let mut best: Option<(f32, Media)> = None;
        for range in accept.iter().flat_map(|a| a.split(',')) {
            let mut parts = range.split(';').map(str::trim);
            let range = parts.next().unwrap_or_default();
            let q = parts.find_map(|p| p.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
            let matches = |media: &&Media| match range.split_once('/') {
                Some(("*", "*")) => true,
                Some((kind, "*")) => media.name().split_once('/').is_some_and(|(k, _)| k == kind),
                _ => media.name().eq_ignore_ascii_case(range),
            };
            let found = Media::ALL.iter().find(matches).filter(|_| q > 0.0);
            if let Some(media) = found
                && best.is_none_or(|(other, _)| q > other)
            {
                best = Some((q, *media));
            }
        }
        best.map(|(_, media)| media).ok_or_else(|| {
            let names = Media::ALL.map(Media::name).join(", ");
            Rejection::new(
                StatusCode::NOT_ACCEPTABLE,
                format!("an explanation is returned as one of {names}, none of which is accepted"),
            )
            .with_hint("name one of them in the Accept header")
        })
    }
}

impl<S: Sync> FromRequestParts<S> for Media {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        Media::accepted(&parts.headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_form_is_found() {
        for (accept, expected) in [
            ("*/*", Some(Media::Json)),
            ("image/png", Some(Media::Png)),
            ("image/*;q=0.8, application/json;q=0.9", Some(Media::Json)),
            ("text/html, image/webp, image/*, */*;q=0.8", Some(Media::Png)),
            ("text/event-stream", Some(Media::Events)),
            ("application/x-npz, */*", Some(Media::Npz)),
            ("IMAGE/PNG", Some(Media::Png)),
            ("image/png;q=0", None),
            ("text/html", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
            assert_eq!(Media::accepted(&headers).ok(), expected, "{accept}");
        }
        assert_eq!(Media::accepted(&HeaderMap::new()).unwrap(), Media::Json);
    }
}
