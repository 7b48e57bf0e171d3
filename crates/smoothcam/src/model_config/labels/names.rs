//! Class names are labels and, where a source has them, WordNet ids.

/// The names of a model's classes, in the order of the scores.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassNames {
    /// The labels, by which predictions show classes.
    pub labels: Vec<String>,
    /// The WordNet ids (`n01440764`), one for each label; empty where not all are known.
    pub ids: Vec<String>,
}

impl ClassNames {
    /// Splits names of the form `n01440764 tench` into ids and labels, if all are of this form. Names that are nothing but
    /// ids are labels, too.
    pub(crate) fn split(names: Vec<String>) -> ClassNames {
        let pairs: Option<Vec<(&str, &str)>> = names.iter().map(|name| after_id(name)).collect();
        match pairs {
            Some(pairs) => ClassNames {
                labels: pairs.iter().map(|(_, label)| (*label).to_owned()).collect(),
                ids: pairs.iter().map(|(id, _)| (*id).to_owned()).collect(),
            },
            None => ClassNames { labels: names, ids: Vec::new() },
        }
    }
}

/// Whether a text is a WordNet id: `n` and eight digits.
pub(crate) fn is_wordnet_id(text: &str) -> bool {
    let digits = text.strip_prefix('n');
    digits.is_some_and(|d| d.len() == 8 && d.bytes().all(|b| b.is_ascii_digit()))
}

/// `n01440764` and `tench` of `n01440764 tench`; the id twice if there is nothing else.
fn after_id(name: &str) -> Option<(&str, &str)> {
    let (id, label) = name.split_once([' ', '\t', ',', ':']).unwrap_or((name, name));
    let label = label.trim();
    (is_wordnet_id(id) && !label.is_empty()).then_some((id, label))
}
