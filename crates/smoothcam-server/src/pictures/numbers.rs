//! Reads arrays of numbers in JSON: nested lists become one flat list and a shape.

use std::fmt;

use ndarray::{Array4, ArrayD, IxDyn};
use serde::de::{DeserializeSeed, Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use smoothcam::{Array, Explainer};

use crate::rejection::Rejection;

/// An array of any shape.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Numbers {
    pub(crate) values: Vec<f32>,
    pub(crate) shape: Vec<usize>,
}

impl Numbers {
    /// The arrays that this one consists of, along its first axis.
    pub(crate) fn split(self) -> Vec<Numbers> {
        let [count, rest @ ..] = &*self.shape else { return vec![self] };
        let size = self.values.len() / (*count).max(1);
        let parts = self.values.chunks_exact(size.max(1)).take(*count);
        parts.map(|values| Numbers { values: values.to_vec(), shape: rest.to_vec() }).collect()
    }

    /// The numbers as the model's input of one picture, preprocessed.
    ///
    /// # Errors
    /// If they do not have the shape of the model's input.
    pub(crate) fn to_array(&self, explainer: &Explainer) -> Result<Array, Rejection> {
        let array = ArrayD::from_shape_vec(IxDyn(&self.shape), self.values.clone())
            .map_err(|_| Rejection::bad("an array has another number of values than its shape"))?;
        let input: Array4<f32> = Array::Floats(array).into_picture()?;
        // Refused here in the words of a request: the library would speak of a file.
        let expected = explainer.input_shape();
        if input.shape()[1..] != expected[1..] {
            return Err(Rejection::bad(format!(
                "an array has shape {:?}, expected {:?}, preprocessed as the model takes it",
                &input.shape()[1..],
                &expected[1..]
            ))
            .with_hint("or send a picture file in base64"));
        }
        Ok(Array::Floats(input.into_dyn()))
    }
}

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut numbers = Numbers::default();
        Nested { numbers: &mut numbers, depth: 0, known: false }.deserialize(deserializer)?;
        Ok(numbers)
    }
}

/// One level of the lists.
struct Nested<'a> {
    numbers: &'a mut Numbers,
    depth: usize,
    /// Whether the shape from here on is known from a list before.
    known: bool,
}

impl<'a> Nested<'a> {
    /// Reads a list from its first element on, or from the sequence alone.
    fn list<'de, A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Nested { numbers, depth, known } = self;
        if !known {
            numbers.shape.push(0);
        }
        let mut count = 0;
        loop {
            let known = known || count > 0;
            let inner = Nested { numbers: &mut *numbers, depth: depth + 1, known };
            if list.next_element_seed(inner)?.is_none() {
                break;
            }
            count += 1;
        }
        if !known {
            numbers.shape[depth] = count;
        }
        if numbers.shape.get(depth) != Some(&count) {
            return Err(A::Error::custom("lists at the same depth have different lengths"));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Nested<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Nested<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or a list of numbers")
    }

    fn visit_f64<E: Error>(self, x: f64) -> Result<(), E> {
        if self.known && self.numbers.shape.len() != self.depth {
            return Err(E::custom("numbers stand at different depths"));
        }
        self.numbers.values.push(x as f32);
        Ok(())
    }

    fn visit_u64<E: Error>(self, x: u64) -> Result<(), E> {
        self.visit_f64(x as f64)
    }

    fn visit_i64<E: Error>(self, x: i64) -> Result<(), E> {
        self.visit_f64(x as f64)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        self.list(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_and_split() {
        for (json, shape) in [
            ("7", vec![]),
            ("[1, 2.5, -3]", vec![3]),
            ("[[1, 2], [3, 4], [5, 6]]", vec![3, 2]),
            ("[[[1], [2]], [[3], [4]]]", vec![2, 2, 1]),
            ("[]", vec![0]),
        ] {
            let numbers: Numbers = serde_json::from_str(json).unwrap();
            assert_eq!(numbers.shape, shape, "{json}");
            assert_eq!(numbers.values.len(), shape.iter().product::<usize>(), "{json}");
        }
        let rows = serde_json::from_str::<Numbers>("[[1, 2], [3, 4]]").unwrap().split();
        assert_eq!(rows[1], Numbers { values: vec![3.0, 4.0], shape: vec![2] });
    }

    #[test]
    fn what_is_no_array_is_refused() {
        for json in
            ["[[1], [2, 3]]", "[1, [2]]", "[[1], 2]", "[[[1]], [2]]", "[\"a\"]", "[null]", "{}"]
        {
            assert!(serde_json::from_str::<Numbers>(json).is_err(), "{json}");
        }
        // Not followed without end.
        assert!(serde_json::from_str::<Numbers>(&"[".repeat(100_000)).is_err());
    }
}
