//! Rewrites hints of the library, which speak of the command line, for those who send requests.

/// The parts of a hint that help whoever sends requests: flags become options, which have the same names, and parts
/// with other flags are left out.
pub(crate) fn hint_for_requests(hint: &str) -> Option<String> {
    /// The options that hints name.
    const OPTIONS: [&str; 5] = ["grid", "layer", "method", "samples", "skip-tokens"];
    let end = |c: char| !c.is_ascii_lowercase() && c != '-';
    let known = |part: &&str| {
        let flags = part.split("--").skip(1).map(|f| f.split(end).next().unwrap_or_default());
        flags.into_iter().all(|flag| OPTIONS.contains(&flag))
    };
    let parts = hint.split("; ").flat_map(|part| part.split(", or ")).filter(known);
    let parts: Vec<&str> = parts.collect();
    let hint = parts.join(", or ").replace("--skip-tokens", "skip_tokens").replace("--", "");
    (!hint.is_empty()).then_some(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_name_options_only() {
        for (hint, expected) in [
            ("leave out --samples", Some("leave out samples")),
            (
                "give its grid: --grid 14x14 --skip-tokens 1",
                Some("give its grid: grid 14x14 skip_tokens 1"),
            ),
            ("allow more with --max-pixels, or shrink the picture", Some("shrink the picture")),
            (
                "give the class's index, or the labels: --labels FILE",
                Some("give the class's index"),
            ),
            ("allow more with --max-bytes", None),
            ("write numbers, or ranges", Some("write numbers, or ranges")),
        ] {
            assert_eq!(hint_for_requests(hint).as_deref(), expected, "{hint}");
        }
    }
}
