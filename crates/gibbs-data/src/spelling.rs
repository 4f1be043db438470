//! The name that somebody meant.

/// The existing name nearest to `name`; `None` if the names differ too much for a spelling mistake.
///
/// ```
/// use gibbs_data::spelling::nearest;
/// assert_eq!(nearest("learnign-rate", ["epochs", "learning_rate"]), Some("learning_rate"));
/// assert_eq!(nearest("momentum", ["epochs", "learning_rate"]), None);
/// ```
pub fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = 1 + name.chars().count() / 3;
    let near = names.into_iter().map(|candidate| (distance(name, candidate), candidate));
    near.filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// The least number of edits that turn one name into the other (Damerau 1964, Communications of the ACM 7, 171). An edit inserts,
/// removes or replaces a letter, or swaps two neighbors. `-` equals `_`, and upper case equals lower case.
pub fn distance(a: &str, b: &str) -> usize {
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    strsim::damerau_levenshtein(&plain(a), &plain(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_edits_and_swaps() {
        for (a, b, expected) in [
            ("epochs", "epochs", 0),
            ("epoch", "epochs", 1),
            ("eopchs", "epochs", 1),
            ("", "abc", 3),
            ("n-hidden", "n_hidden", 0),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
            assert_eq!(distance(b, a), expected, "{b} {a}");
        }
    }
}
