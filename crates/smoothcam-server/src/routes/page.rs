//! Serves the page and its files, which are part of the binary.

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::get;

/// A file: its address, its type and its content.
type Asset = (&'static str, &'static str, &'static [u8]);

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

static ASSETS: &[Asset] = &[
    ("/", HTML, include_bytes!("../../web/index.html")),
    ("/assets/style.css", CSS, include_bytes!("../../web/style.css")),
    ("/assets/api.js", JS, include_bytes!("../../web/js/api.js")),
    ("/assets/buttons.js", JS, include_bytes!("../../web/js/buttons.js")),
    ("/assets/choices.js", JS, include_bytes!("../../web/js/choices.js")),
    ("/assets/commands.js", JS, include_bytes!("../../web/js/commands.js")),
    ("/assets/compare.js", JS, include_bytes!("../../web/js/compare.js")),
    ("/assets/dom.js", JS, include_bytes!("../../web/js/dom.js")),
    ("/assets/downloads.js", JS, include_bytes!("../../web/js/downloads.js")),
    ("/assets/draw.js", JS, include_bytes!("../../web/js/draw.js")),
    ("/assets/explain.js", JS, include_bytes!("../../web/js/explain.js")),
    ("/assets/fields.js", JS, include_bytes!("../../web/js/fields.js")),
    ("/assets/gallery.js", JS, include_bytes!("../../web/js/gallery.js")),
    ("/assets/layers.js", JS, include_bytes!("../../web/js/layers.js")),
    ("/assets/main.js", JS, include_bytes!("../../web/js/main.js")),
    ("/assets/neurons.js", JS, include_bytes!("../../web/js/neurons.js")),
    ("/assets/pictures.js", JS, include_bytes!("../../web/js/pictures.js")),
    ("/assets/ranges.js", JS, include_bytes!("../../web/js/ranges.js")),
    ("/assets/result.js", JS, include_bytes!("../../web/js/result.js")),
    ("/assets/session.js", JS, include_bytes!("../../web/js/session.js")),
    ("/assets/sources.js", JS, include_bytes!("../../web/js/sources.js")),
    ("/assets/stage.js", JS, include_bytes!("../../web/js/stage.js")),
    ("/assets/state.js", JS, include_bytes!("../../web/js/state.js")),
    ("/assets/status.js", JS, include_bytes!("../../web/js/status.js")),
    ("/assets/table.js", JS, include_bytes!("../../web/js/table.js")),
    ("/assets/icon.svg", SVG, include_bytes!("../../web/icon.svg")),
];

/// Photographs to try the page with.
pub(crate) static SAMPLES: &[Asset] = &[
    ("/samples/cat.png", "image/png", include_bytes!("../../../../examples/cat.png")),
    ("/samples/cats.jpg", "image/jpeg", include_bytes!("../../../../examples/cats.jpg")),
    ("/samples/cup.jpg", "image/jpeg", include_bytes!("../../../../examples/cup.jpg")),
    ("/samples/rocket.jpg", "image/jpeg", include_bytes!("../../../../examples/rocket.jpg")),
];

/// Lets the page load only what comes from this server; pictures may come from the user, too.
const POLICY: &str = "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; \
                      object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let add = |router: Router<S>, &(address, kind, content): &Asset| {
        let headers =
            [(CONTENT_TYPE, kind), (CONTENT_SECURITY_POLICY, POLICY), (CACHE_CONTROL, "no-cache")];
        router.route(address, get(move || async move { (headers, content).into_response() }))
    };
    ASSETS.iter().chain(SAMPLES).fold(Router::new(), add)
}
