//! Refuses requests without the server's token, where the server has one.

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq;

use crate::rejection::Rejection;
use crate::state::SharedState;

/// Lets requests with the token pass.
pub(crate) async fn token(
    State(state): State<SharedState>,
    request: Request,
    next: Next,
) -> Response {
    let Some(token) = &state.token else { return next.run(request).await };
    let sent = request.headers().get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
    let sent = sent.and_then(|v| {
        let (scheme, token) = v.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    // The comparison takes the same time wherever the two differ, so that nobody can guess the token letter by letter.
    if sent.is_some_and(|sent| bool::from(sent.as_bytes().ct_eq(token.as_bytes()))) {
        return next.run(request).await;
    }
    Rejection::new(StatusCode::UNAUTHORIZED, "this server requires a token")
        .with_hint("send it as 'Authorization: Bearer TOKEN'")
        .into_response()
}
