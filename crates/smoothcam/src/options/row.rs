//! Reads options from text into the settings that they belong to.

use super::spec::{OptionSpec, Place};
use crate::{Error, Hint, Result};

/// A row of the table: an option, and how it is set in a `T` and shown.
pub(crate) struct Row<T> {
    pub(crate) spec: OptionSpec,
    /// Sets it from a text that [`OptionSpec::check`] has accepted.
    pub(crate) set: fn(&mut T, &str) -> Result<()>,
    /// Its values as text; none if it is not set, or not a text.
    pub(crate) get: fn(&T) -> Vec<String>,
}

/// Options as text, by name, as a front end received them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawOptions(Vec<(String, String)>);

impl RawOptions {
    /// Adds an option with its value.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }

    /// The values of an option, in the order in which they were given.
    pub fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The options that were given, by name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Takes out the value of an option that is in no table.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(other, _)| other == name)?;
        Some(self.0.remove(at).1)
    }

    /// Takes out the options of a table that show at `place`, and reads them.
    ///
    /// # Errors
    /// If a value is not one of its option, an option is given twice, or options exclude each other or
    /// need others; the message names the option.
    pub(super) fn read<T: std::default::Default>(
        &mut self,
        table: &[Row<T>],
        place: Place,
    ) -> Result<T> {
        let shown = || table.iter().filter(|row| row.spec.places.contains(&place));
        let of_table = |name: &str| shown().any(|row| row.spec.name == name);
        let (mine, others) =
            std::mem::take(&mut self.0).into_iter().partition(|(n, _)| of_table(n));
        self.0 = others;
        let mine: Vec<(String, String)> = mine;
        let given = |name: &str| mine.iter().any(|(other, _)| other == name);
        let mut read = T::default();
        // In the order of the table, so that an option comes after those that it needs.
        for Row { spec, set, .. } in shown().filter(|row| given(row.spec.name)) {
            let name = spec.name;
            if let Some(other) = spec.conflicts.iter().find(|other| given(other)) {
                return Err(Error::input(format!("{name} and {other} are both given"))
                    .with_hint(Hint::leave_out(other).or(Hint::leave_out(name))));
            }
            if let Some(other) = spec.requires.filter(|other| !given(other)) {
                let needed = shown().find(|row| row.spec.name == other);
                let value = needed.map(|row| row.spec.placeholder()).unwrap_or_default();
                let give = Hint::set(other, &value, format!("give {other}, too"));
                return Err(Error::input(format!("{name} is given, but no {other}"))
                    .with_hint(give.or(Hint::leave_out(name))));
            }
            let values = mine.iter().filter(|(other, _)| other == name);
            if values.clone().count() > 1 && !spec.many {
                return Err(Error::input(format!("{name} is given several times"))
                    .with_hint("give it once"));
            }
            for (_, value) in values {
                spec.check(value)
                    .and_then(|()| set(&mut read, value))
                    .map_err(|e| e.context(name))?;
            }
        }
        Ok(read)
    }

    /// Checks that no option is left that no table had.
    ///
    /// # Errors
    /// If one is, with the names that there are at `place`.
    pub fn finish(self, place: Place) -> Result<()> {
        let Some((name, _)) = self.0.first() else { return Ok(()) };
        let names: Vec<&str> = super::shown_at(place).map(|spec| spec.name).collect();
        Err(Error::input(format!("there is no option '{name}'"))
            .with_hint(format!("the options are {}", names.join(", "))))
    }
}

/// The values of the options of a table, as text, with their descriptions; those that have none are left out.
pub(super) fn texts<'t, T>(
    table: &'static [Row<T>],
    settings: &'t T,
) -> impl Iterator<Item = (&'static OptionSpec, Vec<String>)> + 't {
    table
        .iter()
        .map(|row| (&row.spec, (row.get)(settings)))
        .filter(|(_, values)| !values.is_empty())
}
