//! ImageNet's 1000 classes have WordNet ids, which data sets name their folders by.

use super::bundled;
use crate::Result;
use crate::model_config::ClassNames;

/// The ids of ILSVRC 2012's classes, in the order in which models have them: as timm lists them (`imagenet_synsets.txt`).
const IDS: &str = include_str!("imagenet_ids.txt");

/// The names, with ids if these are the labels of ImageNet's 1000 classes in the usual order, and have none yet.
///
/// Lists differ in how they word some labels. Half of them at the right place are a thousand times what another order
/// would give.
///
/// # Errors
/// None: the bundled classifier's labels are part of smoothcam.
pub(super) fn with_ids(mut names: ClassNames) -> Result<ClassNames> {
    let count = IDS.lines().count();
    if names.labels.len() != count || !names.ids.is_empty() {
        return Ok(names);
    }
    let sources = bundled::sources()?;
    let known = sources.iter().find_map(|source| source.labels.as_ref());
    let first = |label: &str| {
        label.split(',').next().unwrap_or_default().trim().replace('_', " ").to_lowercase()
    };
    let alike = |known: &ClassNames| {
        let pairs = known.labels.iter().zip(&names.labels);
        pairs.filter(|(known, label)| first(known) == first(label)).count()
    };
    if known.is_some_and(|known| alike(known) >= count / 2) {
        names.ids = IDS.lines().map(str::to_owned).collect();
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imagenets_labels_get_their_ids_whatever_their_wording() {
        let bundled = bundled::sources().unwrap().into_iter().find_map(|s| s.labels).unwrap();
        let named = |labels: Vec<String>| {
            with_ids(ClassNames { labels, ids: Vec::new() }).unwrap().ids.get(1).cloned()
        };
        let labels = || bundled.labels.iter();
        let goldfish = Some("n01443537".to_owned());
        assert_eq!(named(labels().cloned().collect()), goldfish);
        assert_eq!(
            named(labels().map(|l| format!("{}, x", l.replace(' ', "_"))).collect()),
            goldfish
        );
        assert_eq!(named(labels().rev().cloned().collect()), None);
        assert_eq!(named(labels().take(999).cloned().collect()), None);
        assert_eq!(named(vec!["x".into(); 1000]), None);
    }
}
