//! Saliency maps made visible: coloured, laid over the photograph, set side by side, saved.

mod colormap;
mod encode;
mod figure;
mod outline;
mod overlay;
mod text;

pub use crate::map::field::interpolated;
pub use colormap::ColorMap;
pub use encode::{encode_jpeg, encode_png};
pub use figure::{Panel, figure};
pub use outline::outline;
pub use overlay::{Style, heatmap, overlay};
