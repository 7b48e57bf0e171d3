//! An explanation that is told about as it comes: server-sent events.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use smoothcam::{Explanation, Seen, Settings, Step};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::explanation::rows;
use crate::pictures::cache::Subject;
use crate::rejection::{Refusal, Rejection};
use crate::state::SharedState;
use crate::work::workers::{Place, Stop};

/// Maps on the way follow each other no faster than this.
const PAUSE: Duration = Duration::from_millis(100);

/// Tells how far the explanation of a subject is.
pub(crate) type Tell<'a> = &'a mut dyn FnMut(&Subject, &Step<'_>) -> smoothcam::Result<()>;

/// How far an explanation is.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProgressEvent {
    /// `DELETE /explanations/{id}` ends the noised samples; the explanation is that of those taken so far.
    id: String,
    /// Passes that are done.
    done: usize,
    /// Passes that there will be, as far as is known.
    all: usize,
    /// The rectangle of the picture, in its pixels, that the maps are of.
    #[schema(value_type = Object)]
    seen: Seen,
    /// Per class, rows of the map as it is now, its greatest magnitude 1; none before the first sample.
    maps: Vec<Vec<Vec<f32>>>,
}

/// Explains a picture, lets requests watch, and stops when nobody waits any more.
pub(crate) fn watch(
    subject: &Subject,
    settings: &Settings,
    stop: &Stop,
    tell: Tell<'_>,
) -> Result<Explanation, Rejection> {
    let mut failed = None;
    let explanation = subject.study.watch(settings, &mut |step| {
        if let Err(error) = tell(subject, step) {
            failed = Some(error);
        }
        match failed.is_some() || stop.is_set() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    })?;
    failed.map_or(Ok(explanation), |error| Err(error.into()))
}

/// Explains, and answers with events: `progress` after each sample, then `explanation` or `error`.
pub(crate) fn respond<W>(state: &SharedState, place: Place, work: W) -> Response
where
    W: FnOnce(&Stop, Tell<'_>) -> Result<String, Rejection> + Send + 'static,
{
    let (sender, events) = mpsc::channel(8);
    let id = Uuid::new_v4().to_string();
    let stop = Stop::default();
    state.running().insert(id.clone(), stop.clone());
    // Taken away once the last event is due: work that is past its time may still go on for a moment.
    let progress = Arc::new(Mutex::new(Some(sender.clone())));
    let told = progress.clone();
    let (state, id_told) = (state.clone(), id.clone());
    tokio::spawn(async move {
        let work = move |stop: &Stop| {
            let mut last: Option<Instant> = None;
            let mut tell = |subject: &Subject, step: &Step<'_>| {
                if last.is_some_and(|last| last.elapsed() < PAUSE) {
                    return Ok(());
                }
                let maps = step.maps()?.iter().map(rows).collect();
                let event = ProgressEvent {
                    id: id_told.clone(),
                    seen: subject.study.seen(),
                    done: step.done,
                    all: step.all,
                    maps,
                };
                // A client that reads slowly misses some.
                if let Some(progress) = &*progress.lock().unwrap_or_else(PoisonError::into_inner) {
                    let _ = progress.try_send(event_of("progress", &event));
                }
                last = Some(Instant::now());
                Ok(())
            };
            work(stop, &mut tell)
        };
        let result = tokio::select! {
            result = state.workers.run(place, stop, work) => Some(result),
            // The client has left. Nobody waits for the work any more, which stops it.
            () = sender.closed() => None,
        };
        state.running().remove(&id);
        told.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(result) = result else { return };
        let event = match result {
            Ok(explanation) => Event::default().event("explanation").data(explanation),
            Err(rejection) => {
                tracing::info!(status = rejection.status.as_u16(), error = rejection.body.error);
                event_of::<Refusal>("error", &rejection.body)
            }
        };
        let _ = sender.send(event).await;
    });
    let events = ReceiverStream::new(events).map(Ok::<_, Infallible>);
    Sse::new(events).keep_alive(KeepAlive::default()).into_response()
}

fn event_of<T: Serialize>(name: &str, value: &T) -> Event {
    let data = serde_json::to_string(value).unwrap_or_default();
    Event::default().event(name).data(data)
}
