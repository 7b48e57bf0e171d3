//! smoothcam: shows where an ONNX image classifier looks.
//!
//! ```
//! use smoothcam::{Explainer, Limits, Picture, Settings, render};
//!
//! # fn main() -> smoothcam::Result<()> {
//! # let photo = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/cat.png");
//! let explainer = Explainer::builder().build()?; // or .model("model.onnx")
//! let picture = Picture::open(photo, &Limits::default())?;
//! let explanation = explainer.explain(&picture, &Settings::default())?;
//! let class = &explanation.targets[0];
//! assert!(class.prediction.label.as_deref().unwrap_or_default().contains("cat"));
//! let style = render::Style::default();
//! let overlay = render::overlay(&picture, class.map.view(), &explanation.seen, &style)?;
//! # let folder = std::env::temp_dir();
//! smoothcam::write_file(folder.join("cat-smoothcam.png"), &render::encode_png(&overlay)?)?;
//! # Ok(())
//! # }
//! ```

mod array;
mod builder;
mod cache;
mod classifier;
mod engine;
mod error;
mod explain;
mod explainer;
mod export;
mod gradient;
mod hint;
mod input;
mod load;
mod map;
mod methods;
pub mod model_config;
mod names;
mod note;
mod npy;
pub mod options;
mod printable;
mod read;
pub mod render;
mod sampling;
mod target;
mod write;

pub use array::Array;
pub use builder::ExplainerBuilder;
pub use classifier::grid::{Axes, GivenGrid};
pub use classifier::labels::Prediction;
pub use classifier::layers::Layer;
pub use engine::{EngineChoice, EngineOptions, Memory, Provider};
pub use error::{Error, ErrorKind, Result};
pub use explain::explanation::{Explanation, FeatureMap, NoiseUsed, TargetMap};
pub use explain::fuse::MOST_LAYERS;
pub use explain::memory::MemoryNeed;
pub use explain::overview::{LayerMap, Overview};
pub use explain::record::Manifest;
pub use explain::selection::{Maps, Neurons};
pub use explain::settings::{MOST_SAMPLES, MOST_TARGETS, Samples, Settings, Sigma};
pub use explain::study::Study;
pub use explainer::Explainer;
pub use export::{
    Export, Exported, Gradients, NoiseSource, Resolution, WrittenGradients, weights_path,
};
pub use hint::{Hint, Wording};
pub use input::photo::Photo;
pub use input::picture::{Decoding, Limits, Picture, Window};
pub use input::preprocess::{self, Preprocess, Seen};
pub use load::value::named_value;
pub use map::regions::{Rect, Region, RegionRecord, Run, Threshold, regions};
pub use methods::{Degenerate, Method};
pub use note::Note;
pub use onnx_grad::supported as operators;
pub use printable::{printable, quoted};
pub use read::{read_file, read_text};
pub use sampling::progress::{Progress, Step, Watch};
pub use target::{Target, TargetSpec};
pub use write::{check_writable, write_file};

/// Compiles the Rust of README.md and of the book.
#[cfg(doctest)]
mod documentation {
    #[doc = include_str!("../../../README.md")]
    mod readme {}
    #[doc = include_str!("../../../docs/src/library.md")]
    mod library {}
}
