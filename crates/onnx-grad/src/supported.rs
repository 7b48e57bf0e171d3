//! Lists the operators that models may have.

use crate::passes::canonical;
use crate::rules;

/// The operators that models may have, sorted by name, with the way in which a gradient passes
/// each: by a `rule`, by the rules of its `decomposition`, by those of the operators that it is
/// `rewritten` as when a file is read, or not at all (`no gradient`).
pub fn supported() -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut all: Vec<_> = canonical::rewritten_operators().map(|op| (op, "rewritten")).collect();
    all.extend(rules::operators());
    // An operator that is rewritten may have a rule too, as it can be a part of what others become.
    all.sort_by_key(|(op, _)| *op);
    all.dedup_by_key(|(op, _)| *op);
    all.into_iter()
}
