//! Saliency maps are made visible: coloured, laid over the photograph, set side by side, encoded.

mod colormap;
mod draw;
mod figure;
mod outline;
mod overlay;
mod text;

pub use crate::input::picture::{encode_jpeg, encode_png};
pub use crate::map::field::interpolated;
pub use colormap::ColorMap;
pub use draw::{draw, enlarged};
pub use figure::{Panel, figure};
pub use outline::outline;
pub use overlay::{Style, heatmap, overlay};
