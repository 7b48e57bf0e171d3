//! A layout is the order of the axes of a model's input.

use serde::{Deserialize, Serialize};

use crate::names::by_name;

/// The order of the axes of a model's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// Batch, channels, height, width.
    Nchw,
    /// Batch, height, width, channels.
    Nhwc,
}

const NAMES: [(&str, Layout); 2] = [("nchw", Layout::Nchw), ("nhwc", Layout::Nhwc)];

by_name!(Layout, "layout");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back() {
        for (name, value) in NAMES {
            assert_eq!((name.parse().ok(), value.to_string().as_str()), (Some(value), name));
        }
    }
}
