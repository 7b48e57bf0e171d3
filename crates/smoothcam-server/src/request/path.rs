//! Reads the part of an address that names something.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use crate::rejection::Rejection;

/// The variable part of an address, such as a model's name.
pub(crate) struct PathName(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PathName {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let name = Path::<String>::from_request_parts(parts, state).await;
        let Path(name) = name.map_err(|_| {
            Rejection::not_found("there is nothing at this address, which is not valid UTF-8")
        })?;
        Ok(PathName(name))
    }
}
