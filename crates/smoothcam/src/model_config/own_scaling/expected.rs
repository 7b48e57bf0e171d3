//! The values that a network computes with say which values the arithmetic before it expects.

use super::affine::Plane;
use crate::input::preprocess::Channels;

/// ImageNet's and CLIP's means of red, green and blue, with their deviations, for colours from 0 to 1.
const STATISTICS: [([f64; 3], [f64; 3]); 2] = [
    ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ([0.481_454_66, 0.457_827_5, 0.408_210_73], [0.268_629_54, 0.261_302_58, 0.275_777_11]),
];
/// How far means that are written in a graph may be from these: Caffe's, and quantised ones, are a little off.
const WRITTEN: f64 = 0.006;
/// How far means that were measured may be.
const MEASURED: f64 = 0.02;
/// Blue, green, red, as indices of red, green, blue.
const REVERSED: [usize; 3] = [2, 1, 0];

/// The values that a model takes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Expected {
    /// The factor of 8-bit values.
    pub(super) scale: f64,
    /// What is subtracted after that; one value is that of all channels.
    pub(super) mean: Vec<f64>,
    pub(super) std: Vec<f64>,
    /// The order of the colours, where it follows from the means.
    pub(super) channels: Option<Channels>,
}

impl Expected {
    fn plain(scale: f64, mean: f64, std: f64) -> Self {
        Self { scale, mean: vec![mean], std: vec![std], channels: None }
    }

    /// Values from 0 to 255.
    pub(super) fn bytes() -> Self {
        Self::plain(1.0, 0.0, 1.0)
    }

    /// Values from -128 to 127.
    pub(super) fn signed_bytes() -> Self {
        Self::plain(1.0, 128.0, 1.0)
    }

    /// Values from 0 to 1.
    fn unit() -> Self {
        Self::plain(1.0 / 255.0, 0.0, 1.0)
    }

    /// Values from -1 to 1.
    fn symmetric() -> Self {
        Self::plain(1.0 / 255.0, 0.5, 0.5)
    }

    /// Values that were normalised by ImageNet's mean and deviation.
    fn imagenet(channels: Channels) -> Self {
        let (mean, std) = STATISTICS[0];
        let order = |values: [f64; 3]| match channels {
            Channels::Bgr => REVERSED.map(|c| values[c]).to_vec(),
            _ => values.to_vec(),
        };
        Self { scale: 1.0 / 255.0, mean: order(mean), std: order(std), channels: Some(channels) }
    }

    /// What a plane holds where the picture is black, and where it is white.
    fn ends(&self, plane: Plane) -> [f64; 2] {
        let value = |values: &[f64]| values.get(plane.of).or(values.first()).copied();
        let (mean, std) = (value(&self.mean).unwrap_or(0.0), value(&self.std).unwrap_or(1.0));
        [0.0, 255.0].map(|byte| plane.at((byte * self.scale - mean) / std))
    }

    fn with_channels(self, channels: Option<Channels>) -> Self {
        Self { channels: channels.or(self.channels), ..self }
    }
}

/// The values that the arithmetic expects which leads to the values that a network computes with.
///
/// They are taken for bytes or 0 to 1 where it turns these into what networks are trained with; for values that were
/// normalised before where it turns exactly those into something usual, as an Inception does that was trained with
/// another mean and deviation.
pub(super) fn from_arithmetic(planes: &[Plane], colours: bool) -> Option<Expected> {
    let trained = |expected: &Expected| planes.iter().all(|p| is_trained(expected.ends(*p)));
    if let Some(expected) = [Expected::unit(), Expected::bytes()].into_iter().find(trained) {
        let zero = |plane: &Plane| {
            let [black, white] = expected.ends(*plane);
            -black / (white - black)
        };
        let means: Vec<(usize, f64)> = planes.iter().map(|p| (p.of, zero(p))).collect();
        let channels = order(&means, WRITTEN).filter(|_| colours);
        return Some(expected.with_channels(channels));
    }
    let normalised: &[Expected] = &[
        Expected::symmetric(),
        Expected::imagenet(Channels::Rgb),
        Expected::imagenet(Channels::Bgr),
    ];
    let normalised = if colours { normalised } else { &normalised[..1] };
    normalised.iter().find_map(|expected| {
        let ends: Vec<(usize, [f64; 2])> =
            planes.iter().map(|p| (p.of, expected.ends(*p))).collect();
        let usual = |order: [usize; 3]| {
            ends.iter().all(|(of, ends)| is_usual(*ends, order.get(*of).copied()))
        };
        let [straight, reversed] = [[0, 1, 2], REVERSED].map(usual);
        let channels = match (straight, reversed) {
            (true, true) => None,
            (true, false) => Some(Channels::Rgb),
            (false, true) => Some(Channels::Bgr),
            (false, false) => return None,
        };
        Some(match expected.channels {
            Some(_) => expected.clone(),
            None => expected.clone().with_channels(channels.filter(|_| colours)),
        })
    })
}

/// The values that a batch normalisation was trained with: a channel of the input, its mean and deviation.
///
/// Values between 0 and m with a mean of a have a deviation of sqrt(a (m - a)) at most.
pub(super) fn from_statistics(measured: &[(usize, f64, f64)], colours: bool) -> Option<Expected> {
    let within = |most: f64, least_mean: f64, least_deviation: f64| {
        measured.iter().all(|&(_, mean, deviation)| {
            (least_mean..most).contains(&mean)
                && deviation >= least_deviation
                && deviation * deviation <= mean * (most - mean)
        })
    };
    let (most, expected) = if within(255.0, 2.0, 8.0) {
        (255.0, Expected::bytes())
    } else if within(1.0, 0.02, 0.03) {
        (1.0, Expected::unit())
    } else {
        return None;
    };
    let means: Vec<(usize, f64)> =
        measured.iter().map(|&(of, mean, _)| (of, mean / most)).collect();
    Some(expected.with_channels(order(&means, MEASURED).filter(|_| colours)))
}

/// The values that a quantisation from `low` to `high` covers. Those that were normalised by a mean are not told by it.
pub(super) fn from_range(low: f64, high: f64) -> Option<Expected> {
    let near = |a: f64, b: f64| (a - b).abs() < 0.05;
    match (low, high) {
        _ if low > -16.0 && high > 16.0 => Some(Expected::bytes()),
        _ if low > -0.1 && (0.1..1.1).contains(&high) => Some(Expected::unit()),
        _ if near(low, -1.0) && near(high, 1.0) => Some(Expected::symmetric()),
        _ => None,
    }
}

/// Whether networks are trained with values between these: 0 is one of the ends, or well within, and the width is that
/// of colours from 0 to 1 that are divided by their deviation, or that of bytes.
fn is_trained([black, white]: [f64; 2]) -> bool {
    let (low, width) = (black.min(white), (black - white).abs());
    let zero = -low / width;
    let zero_within = zero.abs() < 1e-3 || (0.02..=0.98).contains(&zero);
    zero_within && ((0.95..=25.0).contains(&width) || (252.0..=258.0).contains(&width))
}

/// Whether these are the ends of a usual range, or of the normalised values of a colour (0 for red).
fn is_usual(ends: [f64; 2], colour: Option<usize>) -> bool {
    let near = |usual: [f64; 2]| {
        let tolerance = 0.015 * (usual[1] - usual[0]);
        ends.iter().zip(usual).all(|(end, usual)| (end - usual).abs() < tolerance)
    };
    let normalised = |(mean, std): &([f64; 3], [f64; 3])| {
        colour.is_some_and(|c| near([0.0, 1.0].map(|x| (x - mean[c]) / std[c])))
            || colour.is_some_and(|c| near([0.0, 255.0].map(|x| x - 255.0 * mean[c])))
    };
    [[0.0, 1.0], [-1.0, 1.0], [0.0, 255.0]].into_iter().any(near)
        || STATISTICS.iter().any(normalised)
}

/// The order of the colours, by the mean of each channel of the input; `None` if these are not known means.
fn order(means: &[(usize, f64)], tolerance: f64) -> Option<Channels> {
    let is = |order: [usize; 3]| {
        STATISTICS.iter().any(|(known, _)| {
            means.iter().all(|(of, mean)| {
                order.get(*of).is_some_and(|&c| (mean - known[c]).abs() < tolerance)
            })
        })
    };
    match (is([0, 1, 2]), is(REVERSED)) {
        (true, false) => Some(Channels::Rgb),
        (false, true) => Some(Channels::Bgr),
        _ => None,
    }
}
