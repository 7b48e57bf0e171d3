//! Answers with server-sent events, which report how far an explanation is.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use smoothcam::{Seen, Step};
use tokio::sync::mpsc::{self, Sender};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::ToSchema;

use crate::answer::admitted_body::with_admission;
use crate::answer::maps::rows;
use crate::inference::Report;
use crate::pictures::prepared::PreparedPicture;
use crate::rejection::{Refusal, Rejection};
use crate::state::SharedState;
use crate::work::guard::RequestGuard;
use crate::work::job::Job;

/// The shortest time between two reports.
pub(crate) const PAUSE: Duration = Duration::from_millis(100);

/// How far an explanation is.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProgressEvent {
    /// `DELETE /explanations/{id}` ends the noised samples; the explanation is that of the samples taken so far.
    id: String,
    /// The passes that are done.
    done: usize,
    /// The passes that there will be, as far as is known.
    all: usize,
    /// The rectangle of the picture, in its pixels, that the maps cover.
    #[schema(value_type = Object)]
    seen: Seen,
    /// For each class, rows of the map as it is now, scaled to a greatest magnitude of 1; empty before the first
    /// sample.
    maps: Vec<Vec<Vec<f32>>>,
}

/// Sends the events of one explanation.
struct Reporter {
    id: String,
    /// Taken away once the last event is due: work that is past its time may go on for a moment.
    sender: Arc<Mutex<Option<Sender<Event>>>>,
    last: Option<Instant>,
}

impl Reporter {
    fn report(&mut self, picture: &PreparedPicture, step: &Step<'_>) -> smoothcam::Result<()> {
        if self.last.is_some_and(|last| last.elapsed() < PAUSE) {
            return Ok(());
        }
        let event = ProgressEvent {
            id: self.id.clone(),
            seen: picture.study.seen(),
            done: step.done,
            all: step.all,
            maps: step.maps()?.iter().map(rows).collect(),
        };
        if let Some(sender) = &*self.sender.lock().unwrap_or_else(PoisonError::into_inner) {
            // A client that reads slowly misses some.
            let _ = sender.try_send(event_of("progress", &event));
        }
        self.last = Some(Instant::now());
        Ok(())
    }
}

/// Does the work, which explains a picture, and answers with events: `progress` after passes, then `explanation` or
/// `error`. The work is told to stop when the client leaves.
pub(crate) fn respond<W>(state: &SharedState, mut guard: RequestGuard, work: W) -> Response
where
    W: FnOnce(&Job, Report<'_>) -> Result<String, Rejection> + Send + 'static,
{
    let (sender, events) = mpsc::channel(8);
    let admission = guard.admission();
    let reports = Arc::new(Mutex::new(Some(sender.clone())));
    let mut reporter =
        Reporter { id: guard.make_stoppable(&state.running), sender: reports.clone(), last: None };
    let state = state.clone();
    tokio::spawn(async move {
        let work = move |job: &Job| work(job, &mut |picture, step| reporter.report(picture, step));
        let result = tokio::select! {
            result = state.workers.run(guard, work) => result,
            // The client has left: nobody waits for the work any more, which stops it.
            () = sender.closed() => return,
        };
        reports.lock().unwrap_or_else(PoisonError::into_inner).take();
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
    let response = Sse::new(events).keep_alive(KeepAlive::default()).into_response();
    with_admission(response, admission)
}

fn event_of<T: Serialize>(name: &str, value: &T) -> Event {
    let data = serde_json::to_string(value).unwrap_or_default();
    Event::default().event(name).data(data)
}
