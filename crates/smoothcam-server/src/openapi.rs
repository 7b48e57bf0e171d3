//! Describes the API for machines, in OpenAPI.

use axum::Json;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

use crate::answer::events::ProgressEvent;
use crate::{kserve, routes};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "smoothcam",
        description = "Shows where an image classifier looks. Pictures are PNG, JPEG, WebP, TIFF, BMP, GIF or DICOM \
                       files, or NumPy arrays that are preprocessed already."
    ),
    paths(
        routes::about::server,
        routes::about::model,
        routes::explain::predict,
        routes::explain::picture,
        routes::explain::overview,
        routes::explain::explain,
        routes::explain::stop,
        kserve::v1::handlers::models,
        kserve::v1::handlers::model,
        kserve::v1::handlers::predict,
        kserve::v1::handlers::explain,
        kserve::v2::handlers::server,
        kserve::v2::handlers::model,
        kserve::v2::handlers::model_ready,
        kserve::v2::handlers::infer,
        kserve::v2::handlers::explain,
        routes::health::live,
        routes::health::ready,
        routes::health::metrics,
    ),
    // The token is required where the server has one.
    security((), ("token" = [])),
    components(schemas(ProgressEvent))
)]
struct Document;

/// The API's description in OpenAPI 3.1.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("token", bearer);
    document
}

/// Returns the API's description.
pub(crate) async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(openapi())
}
