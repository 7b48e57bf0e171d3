//! Labels are chosen by the number of the model's classes.

use super::names::ClassNames;
use crate::model_config::source::{Provenance, Source};

/// The labels of a model with this number of classes, those of the first source that has as many; and for each source up
/// to that one, what became of its labels.
pub fn choose_labels(sources: &[Source], classes: usize) -> (Option<&ClassNames>, Vec<Provenance>) {
    let mut provenance = Vec::new();
    for source in sources {
        let Some(labels) = &source.labels else { continue };
        let line = |value| Provenance { setting: "labels", value, source: source.name.clone() };
        let named = labels.labels.len();
        if named == classes {
            provenance.push(line(classes.to_string()));
            return (Some(labels), provenance);
        }
        provenance.push(line(format!("not used: {named} names for {classes} classes")));
    }
    (None, provenance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_chosen_by_the_number_of_classes() {
        let source = |name: &str, names: &[&str]| Source {
            name: name.into(),
            labels: Some(ClassNames::split(names.iter().map(ToString::to_string).collect())),
            ..Source::default()
        };
        let sources = [source("a", &["x"]), Source::default(), source("b", &["y", "z"])];
        let (labels, provenance) = choose_labels(&sources, 2);
        assert_eq!(labels.unwrap().labels, ["y", "z"]);
        assert_eq!(provenance[0].to_string(), "labels: not used: 1 names for 2 classes (a)");
        assert_eq!(provenance[1].to_string(), "labels: 2 (b)");
        assert_eq!(choose_labels(&sources, 3).0, None);
    }
}
