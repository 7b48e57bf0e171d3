//! Describes the metrics of the grid pointing game.

use crate::metrics::metric::{Better, Metric};

/// All metrics of mosaics.
pub(crate) static METRICS: &[Metric] = &[SHARE, POINTING, REPEATED_SHARE, REPEATED_FOUND];

pub(super) const SHARE: Metric = Metric {
    name: "grid-share",
    title: "Grid share",
    better: Better::Higher,
    bounds: Some([0.0, 1.0]),
    about: "In mosaics of four pictures of different classes: the share of the sum of the map's positive \
            values that lies on the picture of the explained class (by chance: 0.25).",
    source: "Boehle et al., Convolutional Dynamic Alignment Networks, 2104.00032, section 4.2",
};

pub(super) const POINTING: Metric = Metric {
    name: "grid-pointing",
    title: "Grid pointing",
    better: Better::Higher,
    bounds: Some([0.0, 1.0]),
    about: "In the same mosaics: the share of maps whose maximum lies on the picture of the explained class \
            (by chance: 0.25).",
    source: "after 2104.00032 and 1608.00507",
};

pub(super) const REPEATED_SHARE: Metric = Metric {
    name: "repeated-share",
    title: "Two occurrences, share",
    better: Better::Higher,
    bounds: Some([0.0, 1.0]),
    about: "In mosaics of four pictures, two of which are of the explained class: the share of the sum of \
            the map's positive values that lies on those two (by chance: 0.5).",
    source: "smoothcam, after 2104.00032",
};

pub(super) const REPEATED_FOUND: Metric = Metric {
    name: "repeated-found",
    title: "Two occurrences, both found",
    better: Better::Higher,
    bounds: Some([0.0, 1.0]),
    about: "In the same mosaics: the share of maps that reach the threshold, a share of their maximum, on \
            both pictures of the explained class.",
    source: "smoothcam, after 2104.00032",
};
