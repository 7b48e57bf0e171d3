//! Selects a part of a list, evenly spaced.

/// Returns the indices of `count` evenly spaced elements of a list of `length`, in ascending order; all
/// indices if the list is shorter.
pub fn evenly_spaced(length: usize, count: usize) -> impl Iterator<Item = usize> {
    let count = count.min(length);
    (0..count).map(move |i| i * length / count)
}

#[cfg(test)]
mod tests {
    use super::evenly_spaced;

    #[test]
    fn indices_are_evenly_spaced() {
        for (length, count, expected) in
            [(10, 3, vec![0, 3, 6]), (3, 10, vec![0, 1, 2]), (0, 4, vec![]), (5, 0, vec![])]
        {
            assert_eq!(evenly_spaced(length, count).collect::<Vec<_>>(), expected);
        }
    }
}
