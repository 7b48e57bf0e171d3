//! Classes have labels, by which users name them and predictions show them.

use ndarray::Array1;
use serde::Serialize;

use crate::classifier::head::Head;
use crate::model_config::{ClassNames, is_wordnet_id};
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

/// The classes' names, by index; empty where none are known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Labels {
    names: ClassNames,
    /// The number of classes.
    classes: usize,
    /// The class whose score the model gives, where a single score decides between two.
    scored: Option<usize>,
}

impl Labels {
    /// The names of so many classes: one for each, or none.
    pub(crate) fn new(names: ClassNames, classes: usize) -> Labels {
        Labels { names, classes, scored: None }
    }

    /// The same, where a single score decides between two classes: it is that of `scored`.
    pub(crate) fn with_scored(self, scored: Option<usize>) -> Labels {
        Labels { scored, ..self }
    }

    /// The class whose score the model gives, where a single score decides between two.
    pub(crate) fn scored(&self) -> Option<usize> {
        self.scored
    }

    /// A class's label; `None` where labels are not known.
    pub(crate) fn label(&self, class: usize) -> Option<&str> {
        self.names.labels.get(class).map(String::as_str)
    }

    /// A class's WordNet id (`n01440764`); `None` where ids are not known.
    pub(crate) fn wordnet_id(&self, class: usize) -> Option<&str> {
        self.names.ids.get(class).map(String::as_str)
    }

    /// The class that a user names. The text is, if it can be, a label (in any case), else a WordNet id, else an index,
    /// else one of a label's names that are separated by commas, else a part of one label. `#10` is always the index 10.
    ///
    /// # Errors
    /// If there is no such class, or several.
    pub(crate) fn find(&self, text: &str) -> Result<usize> {
        let text = text.trim().to_lowercase();
        if text.is_empty() {
            return Err(Error::input("the class is empty").with_hint("give its index or label"));
        }
        let labels = || self.names.labels.iter().map(|l| l.to_lowercase()).enumerate();
        let matching = |matches: &dyn Fn(&str) -> bool| -> Vec<usize> {
            labels().filter(|(_, label)| matches(label)).map(|(class, _)| class).collect()
        };
        let exact = matching(&|label| label == text);
        if !exact.is_empty() {
            return self.only(&exact, &text);
        }
        if let Some(class) = self.names.ids.iter().position(|id| *id == text) {
            return Ok(class);
        }
        let digits = text.strip_prefix('#').unwrap_or(&text);
        if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
            return digits.parse().ok().filter(|class| *class < self.classes).ok_or_else(|| {
                Error::input(format!(
                    "there is no class {digits}: the model has {}, numbered from 0",
                    self.classes
                ))
            });
        }
        let synonym = matching(&|label| label.split(',').any(|name| name.trim() == text));
        let found =
            if synonym.is_empty() { matching(&|label| label.contains(&text)) } else { synonym };
        if !found.is_empty() {
            return self.only(&found, &text);
        }
        Err(self.unknown(&text))
    }

    /// The error of a text that names no class.
    fn unknown(&self, text: &str) -> Error {
        let give = |advice: &str| Hint::set("labels", "FILE", advice);
        if !self.names.labels.is_empty() {
            return Error::input(format!("there is no class '{text}'"))
                .with_hint(format!("the nearest are {}", self.listed(&self.nearest(text))));
        }
        if is_wordnet_id(text) {
            return Error::input(format!(
                "class '{text}' is a WordNet id, and no labels are known"
            ))
            .with_hint(give("give the ids and labels, one a line: n01440764 tench"));
        }
        Error::input(format!("class '{text}' is not a number, and no labels are known")).with_hint(
            Hint::advice("give the class's index").or(give("give the labels, one a line")),
        )
    }

    /// How a text that names a class could be understood, too, in a sentence: a label that is a number is the index of
    /// another class. `None` if it has one meaning.
    pub(crate) fn other_reading(&self, text: &str) -> Option<String> {
        let class = self.find(text).ok()?;
        let index: usize = text.trim().parse().ok()?;
        let other = self.label(index).filter(|_| index != class)?;
        Some(format!(
            "class '{index}' is the label of class {class}; the class of index {index}, '{other}', is named by its label or \
             by '#{index}'"
        ))
    }

    /// The only one of these classes.
    ///
    /// # Errors
    /// If they are several, all of which `text` may name.
    fn only(&self, classes: &[usize], text: &str) -> Result<usize> {
        match classes {
            [class] => Ok(*class),
            several => {
                let first = &several[..several.len().min(8)];
                Err(Error::input(format!("'{text}' may be any of {} classes", several.len()))
                    .with_hint(format!("name one of {}", self.listed(first))))
            }
        }
    }

    /// Classes by index and label.
    fn listed(&self, classes: &[usize]) -> String {
        let name = |c: &usize| format!("{c} ({})", self.label(*c).unwrap_or_default());
        classes.iter().map(name).collect::<Vec<_>>().join(", ")
    }

    /// The three classes whose labels are most like a text.
    fn nearest(&self, text: &str) -> Vec<usize> {
        let mut classes: Vec<usize> = (0..self.names.labels.len()).collect();
        let similarity = |c: &usize| {
            (strsim::jaro_winkler(&self.names.labels[*c].to_lowercase(), text) * 1e6) as i64
        };
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

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(names: &[&str]) -> Labels {
        let names = ClassNames::split(names.iter().map(ToString::to_string).collect());
        let classes = names.labels.len();
        Labels::new(names, classes)
    }

    #[test]
    fn a_label_counts_before_an_index() {
        let numbers = labels(&["0", "1", "10", "11", "2", "3", "4", "5", "6", "7", "8", "9"]);
        for (text, class, ambiguous) in [
            ("10", 2, true),
            ("0", 0, false),
            (" 2 ", 4, true),
            ("#10", 10, false),
            ("11", 3, true),
        ] {
            assert_eq!(numbers.find(text).unwrap(), class, "{text}");
            assert_eq!(numbers.other_reading(text).is_some(), ambiguous, "{text}");
        }
        let reading = numbers.other_reading("10").unwrap();
        assert!(reading.contains("index 10, '8'"), "{reading}");
        // Beyond the indices there is one meaning.
        let years = labels(&["1999", "2000"]);
        assert_eq!((years.find("2000").unwrap(), years.other_reading("2000")), (1, None));
        assert_eq!(years.find("1").unwrap(), 1);
        assert!(years.find("#2000").is_err());
    }

    #[test]
    fn classes_are_named_by_ids_labels_and_their_parts() {
        let names = [
            "n01440764 tench, Tinca tinca",
            "n02123045 tabby, tabby cat",
            "n02123159 tiger cat",
            "n02129604 tiger, Panthera tigris",
            "n02012849 crane",
            "n03126707 crane",
        ];
        for (text, class) in [
            ("n02123045", Some(1)),
            ("Tench", Some(0)),
            ("tiger cat", Some(2)),
            ("tiger", Some(3)),
            ("panthera", Some(3)),
            ("4", Some(4)),
            ("#5", Some(5)),
            ("crane", None),
            ("cat", None),
            ("n00000000", None),
            ("6", None),
            ("#", None),
            ("", None),
        ] {
            assert_eq!(labels(&names).find(text).ok(), class, "{text}");
        }
        let unlabelled = Labels::new(ClassNames::default(), 3);
        assert_eq!(unlabelled.find("2").unwrap(), 2);
        let error = unlabelled.find("n01440764").unwrap_err().to_string();
        assert!(error.contains("WordNet id"), "{error}");
    }
}
