//! Saliency maps made visible: coloured, laid over the photograph, set side by side, saved.

mod colormap;
mod field;
mod figure;
mod overlay;
mod png;
mod text;

pub use colormap::ColorMap;
pub use figure::{Panel, figure};
pub use overlay::{Style, heatmap, overlay};
pub use png::encode_png;
