//! Reads requests of the plain interface: a picture as the body, or in a form.

use std::convert::Infallible;

use axum::extract::{FromRequest, Request};
use axum::http::header;
use bytes::Bytes;
use multer::Multipart;
use smoothcam::options::{self, Place};

use crate::rejection::Rejection;
use crate::request::body::AdmittedRequest;
use crate::request::options::{MODEL, OptionFields, Options};
use crate::state::SharedState;
use crate::work::guard::RequestGuard;

/// A request for one picture that has been admitted.
pub(crate) struct PictureRequest {
    pub(crate) guard: RequestGuard,
    /// The options of the query string, and of a form's fields.
    pub(crate) options: Options,
    /// The picture's file.
    pub(crate) picture: Bytes,
}

/// The most parts of a form: more than there are options.
const MOST_PARTS: usize = 256;

impl FromRequest<SharedState> for PictureRequest {
    type Rejection = Rejection;

    async fn from_request(request: Request, state: &SharedState) -> Result<Self, Rejection> {
        let fields = OptionFields::of_query(request.uri().query().unwrap_or_default())?;
        // What is wrong with the query is told before the body is read.
        let options = fields.clone().read(&state.limits)?;
        let content_type = request.headers().get(header::CONTENT_TYPE);
        let content_type =
            content_type.and_then(|t| t.to_str().ok()).unwrap_or_default().to_owned();
        let is_form = content_type.to_ascii_lowercase().starts_with("multipart/form-data");
        let AdmittedRequest { mut guard, body } =
            AdmittedRequest::from_request(request, state).await?;
        if is_form {
            // The form's reader copies it, and the picture is a part of the copy.
            let bytes = body.len();
            state.queue.reserve(guard.body(), bytes)?;
            let (picture, fields) = read_form(&content_type, body, fields).await?;
            guard.body().shrink_to(bytes);
            let options = fields.read(&state.limits)?;
            return Ok(PictureRequest { guard, options, picture });
        }
        if matches!(body.trim_ascii_start().first(), Some(b'{' | b'[')) {
            return Err(json_body());
        }
        Ok(PictureRequest { guard, options, picture: body })
    }
}

fn json_body() -> Rejection {
    Rejection::bad("the body is JSON, but this address takes a picture's file").with_hint(
        "send the file itself as the body or in a form; or JSON to /v1/models/MODEL:predict or \
         /v1/models/MODEL:explain: {\"instances\": [{\"b64\": \"...\"}]}",
    )
}

/// The refusal of a field that is text: no picture is, whichever way its file is sent.
fn text_field(name: &str) -> Rejection {
    let options: Vec<&str> = options::shown_at(Place::Http).map(|spec| spec.name).collect();
    Rejection::bad(format!("the form's field '{name}' is neither a file nor an option")).with_hint(
        format!(
            "send the picture as a file: image=@photo.jpg; the options are {MODEL}, {}",
            options.join(", ")
        ),
    )
}

/// The picture of a form, and its fields as options. A field that is named as an option, and is no file, is one.
///
/// # Errors
/// If it is no form, or has no picture or several.
async fn read_form(
    content_type: &str,
    body: Bytes,
    mut fields: OptionFields,
) -> Result<(Bytes, OptionFields), Rejection> {
    let unreadable = |e: multer::Error| {
        Rejection::bad(format!("the form cannot be read: {e}"))
            .with_hint("let the client set the header Content-Type, which names the boundary")
    };
    let boundary = multer::parse_boundary(content_type).map_err(unreadable)?;
    let mut form = Multipart::new(tokio_stream::once(Ok::<_, Infallible>(body)), boundary);
    let (mut picture, mut parts) = (None, 0);
    while let Some(mut part) = form.next_field().await.map_err(unreadable)? {
        parts += 1;
        if parts > MOST_PARTS {
            return Err(Rejection::bad(format!("the form has more than {MOST_PARTS} parts")));
        }
        let name = part.name().unwrap_or_default().to_owned();
        let is_file = part.file_name().is_some();
        let mut content = Bytes::new();
        // There is one chunk, as the form is there as a whole.
        while let Some(chunk) = part.chunk().await.map_err(unreadable)? {
            content = if content.is_empty() { chunk } else { [content, chunk].concat().into() };
        }
        if !is_file && (name == MODEL || options::find(&name, Place::Http).is_some()) {
            let text = String::from_utf8(content.into())
                .map_err(|_| Rejection::bad(format!("the form's field {name} is no text")))?;
            fields.push(name, text);
        } else if !is_file && std::str::from_utf8(&content).is_ok() {
            return Err(text_field(&name));
        } else if picture.is_some() {
            return Err(Rejection::bad(format!(
                "the form has a second picture, '{name}', expected one picture and options"
            ))
            .with_hint("send each picture in a request of its own, or all as instances to /v1/models/MODEL:predict"));
        } else {
            picture = Some(content);
        }
    }
    let picture = picture.ok_or_else(|| {
        Rejection::bad("the form has no picture").with_hint("add one as a file: image=@photo.jpg")
    })?;
    Ok((picture, fields))
}
