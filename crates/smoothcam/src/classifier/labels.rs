//! Classes have labels, by which users name them and predictions show them.

use ndarray::Array1;
use serde::Serialize;

use crate::classifier::head::Head;
use crate::{Error, Hint, Result};

/// A class with the probability and score that the model gives it.
#[derive(Clone, Debug, Serialize)]
pub struct Prediction {
    /// The class's index.
    pub class: usize,
    /// Its label; `None` where labels are not known.
    pub label: Option<String>,
    /// Its probability, 0 to 1.
    pub probability: f64,
    /// Its score, before softmax or sigmoid.
    pub score: f32,
}

/// The classes' labels, by index; empty where none are known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Labels {
    labels: Vec<String>,
    /// The number of classes.
    classes: usize,
}

impl Labels {
    /// The labels of so many classes: one for each, or none.
    pub(crate) fn new(labels: Vec<String>, classes: usize) -> Labels {
        Labels { labels, classes }
    }

    /// A class's label; `None` where labels are not known.
    pub(crate) fn label(&self, class: usize) -> Option<&str> {
        self.labels.get(class).map(String::as_str)
    }

    /// The class that a user names: by index, by label (in any case), or by a part of one label.
    ///
    /// # Errors
    /// If there is no such class, or several.
    pub(crate) fn find(&self, text: &str) -> Result<usize> {
        let text = text.trim().to_lowercase();
        if text.is_empty() {
            return Err(Error::input("the class is empty").with_hint("give its index or label"));
        }
        if text.chars().all(|c| c.is_ascii_digit()) {
            return text.parse().ok().filter(|class| *class < self.classes).ok_or_else(|| {
                Error::input(format!(
                    "there is no class {text}: the model has {}, numbered from 0",
                    self.classes
                ))
            });
        }
        let labels = || self.labels.iter().map(|l| l.to_lowercase()).enumerate();
        if let Some((class, _)) = labels().find(|(_, l)| *l == text) {
            return Ok(class);
        }
        let containing: Vec<usize> =
            labels().filter(|(_, l)| l.contains(&text)).map(|(c, _)| c).collect();
        let name = |c: &usize| format!("{c} ({})", self.label(*c).unwrap_or_default());
        match containing.as_slice() {
            [class] => Ok(*class),
            [] if self.labels.is_empty() => Err(Error::input(format!(
                "class '{text}' is not a number, and no labels are known"
            ))
            .with_hint(Hint::advice("give the class's index").or(Hint::set(
                "labels",
                "FILE",
                "give the labels, one a line",
            )))),
            [] => Err(Error::input(format!("there is no class '{text}'")).with_hint(format!(
                "the nearest are {}",
                self.nearest(&text).iter().map(name).collect::<Vec<_>>().join(", ")
            ))),
            several => {
                Err(Error::input(format!("'{text}' may be any of {} classes", several.len()))
                    .with_hint(format!(
                        "name one of {}",
                        several.iter().take(8).map(name).collect::<Vec<_>>().join(", ")
                    )))
            }
        }
    }

    /// The three classes whose labels are most like a text.
    fn nearest(&self, text: &str) -> Vec<usize> {
        let mut classes: Vec<usize> = (0..self.labels.len()).collect();
        let similarity =
            |c: &usize| (strsim::jaro_winkler(&self.labels[*c].to_lowercase(), text) * 1e6) as i64;
        classes.sort_by_key(|c| -similarity(c));
        classes.truncate(3);
        classes
    }

    /// All classes with these scores, the most probable first.
    pub(crate) fn predictions(&self, scores: &Array1<f32>, head: Head) -> Vec<Prediction> {
        let mut predictions: Vec<Prediction> = scores
            .iter()
            .zip(head.probabilities(scores))
            .enumerate()
            .map(|(class, (score, probability))| Prediction {
                class,
                label: self.label(class).map(str::to_owned),
                probability,
                score: *score,
            })
            .collect();
        predictions.sort_by(|a, b| b.score.total_cmp(&a.score));
        predictions
    }
}
