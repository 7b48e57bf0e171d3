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
//! let class = &explanation.classes[0];
//! assert!(class.prediction.label.as_deref().unwrap_or_default().contains("cat"));
//! let style = render::Style::default();
//! let overlay = render::overlay(&picture, class.map.view(), &explanation.seen, &style)?;
//! # let folder = std::env::temp_dir();
//! smoothcam::write_file(folder.join("cat-smoothcam.png"), &render::encode_png(&overlay)?)?;
//! # Ok(())
//! # }
//! ```

mod array;
mod arrays;
mod asked;
mod builder;
mod bundled;
mod classes;
mod cut;
mod engine;
mod error;
mod explainer;
mod explanation;
mod export;
mod field;
mod file;
mod file_buf;
mod forward;
mod fuse;
mod gradient;
mod health;
mod jackknife;
mod kept;
mod layers;
mod manifest;
mod methods;
pub mod model_config;
mod model_file;
mod moments;
mod network;
mod noise;
mod overview;
mod passes;
mod photo;
mod picture;
pub mod preprocess;
mod printable;
mod randomize;
mod regions;
pub mod render;
mod sampling;
mod selection;
mod session;
mod settings;
mod study;
mod watch;

pub use array::Array;
pub use builder::ExplainerBuilder;
pub use engine::{EngineChoice, EngineOptions, Memory, Provider};
pub use error::{Error, ErrorKind, Result};
pub use explainer::Explainer;
pub use explanation::{ClassMap, Degenerate, Explanation, FeatureMap, NoiseUsed, Prediction};
pub use export::{
    Export, Exported, Gradients, NoiseSource, Resolution, WrittenGradients, weights_path,
};
pub use file::{check_writable, write_file};
pub use layers::{Axes, GivenGrid, Layer};
pub use manifest::Manifest;
pub use methods::Method;
pub use onnx_grad::supported as operators;
pub use overview::Glance;
pub use photo::Photo;
pub use picture::{Limits, Picture};
pub use preprocess::{Preprocess, Seen};
pub use printable::{printable, quoted};
pub use regions::{Rect, Region, RegionRecord, Run, Threshold, regions};
pub use selection::{Maps, Neurons};
pub use settings::{MOST_CLASSES, MOST_SAMPLES, Samples, Settings, Sigma};
pub use study::Study;
pub use watch::{Progress, Step, Watch};
