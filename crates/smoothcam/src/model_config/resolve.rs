//! Several sources are resolved into one [`Preprocess`], each of whose settings names its source.

use super::input_shape::InputShape;
use super::source::{MEND, PartialPreprocess, Provenance, Source};
use crate::input::preprocess::{
    Channels, CropOffset, Interpolation, Layout, Preprocess, Resize, Size,
};
use crate::{Error, Hint, Result};

/// The default size, that of nearly all ImageNet classifiers.
const SIZE: Size = Size { height: 224, width: 224 };
/// The default share of the scaled picture's edge that the crop has: 224 of 256 pixels.
const CROP_PCT: f64 = 0.875;
const IMAGENET_MEAN: [f64; 3] = [0.485, 0.456, 0.406];
const IMAGENET_STD: [f64; 3] = [0.229, 0.224, 0.225];
/// The source of what the graph fixes.
const MODEL: &str = "the model's input";
/// The source of settings that no other source has.
const DEFAULT: &str = "default";

/// The preprocessing of a model with this input, and where each setting comes from: for each setting the first source
/// that has it, else a default (the shorter edge to 256, the middle 224 or the model's own size in the same proportion,
/// bilinear, ImageNet's mean and deviation).
///
/// What the model fixes is fixed, and a resize that is meant for another size is scaled to it.
///
/// # Errors
/// If the size that the user gives, or any source's channels or layout, contradict the model, or the result cannot be
/// used ([`Preprocess::validate`]).
pub fn resolve(sources: &[Source], input: &InputShape) -> Result<(Preprocess, Vec<Provenance>)> {
    refuse_resizing(sources)?;
    let mut resolver = Resolver { sources, provenance: Vec::new() };
    let size = resolver.size(input)?;
    let resize = resolver.resize(size);
    let crop_offset = resolver.crop_offset();
    let interpolation =
        resolver.setting("interpolation", Interpolation::Bilinear, |s| s.interpolation);
    let channels = resolver.channels(input)?;
    let layout = resolver.layout(input)?;
    let (scale, mean, std) = resolver.values(channels);
    let settings =
        Preprocess { size, resize, crop_offset, interpolation, channels, layout, scale, mean, std };
    if let Some((setting, error)) = settings.problem() {
        let origin = resolver.provenance.iter().filter(|p| p.setting == setting);
        let origin: Vec<String> = origin.map(ToString::to_string).collect();
        return Err(error.with_hint(format!("mend {}", origin.join("; "))));
    }
    Ok((settings, resolver.provenance))
}

/// Refuses a file's rules for size and resize that cannot be followed, unless a source before it says the resize.
fn refuse_resizing(sources: &[Source]) -> Result<()> {
    let mut asked = sources.iter().take_while(|source| source.settings.resize.is_none());
    let Some(refused) = asked.find_map(|source| source.refused.as_deref()) else { return Ok(()) };
    let instead = [("size", "SIZE"), ("resize", "RESIZE")];
    let instead = Hint::set_all(
        &instead,
        "say what to do instead (the size only where the model leaves it open)",
    );
    Err(Error::input(refused).with_hint(instead.or(MEND)))
}

/// What was assumed of the values that a model takes, as a sentence; `None` if a source says scale, mean and deviation.
pub(crate) fn assumed(provenance: &[Provenance]) -> Option<String> {
    let defaults = || provenance.iter().filter(|p| p.source == DEFAULT);
    defaults().find(|p| matches!(p.setting, "scale" | "mean" | "std"))?;
    let weighty = |p: &&Provenance| !matches!(p.setting, "size" | "layout");
    let list: Vec<String> =
        defaults().filter(weighty).map(|p| format!("{} {}", p.setting, p.value)).collect();
    Some(format!(
        "nothing says how the model's input is made; assumed are {}: check these, and give those that differ",
        list.join("; ")
    ))
}

/// Settles the settings one by one.
struct Resolver<'a> {
    sources: &'a [Source],
    /// The settings so far.
    provenance: Vec<Provenance>,
}

impl<'a> Resolver<'a> {
    /// The first source that has a setting, and its value.
    fn find<T>(&self, get: impl Fn(&'a PartialPreprocess) -> Option<T>) -> Option<(&'a Source, T)> {
        self.sources.iter().find_map(|source| get(&source.settings).map(|value| (source, value)))
    }

    fn record(&mut self, setting: &'static str, value: impl std::fmt::Display, source: &str) {
        let (value, source) = (value.to_string(), source.to_owned());
        self.provenance.push(Provenance { setting, value, source });
    }

    fn setting<T: std::fmt::Display + Copy>(
        &mut self,
        name: &'static str,
        default: T,
        get: impl Fn(&'a PartialPreprocess) -> Option<T>,
    ) -> T {
        let (source, value) =
            self.find(get).map_or((DEFAULT, default), |(s, v)| (s.name.as_str(), v));
        self.record(name, value, source);
        value
    }

    fn size(&mut self, input: &InputShape) -> Result<Size> {
        let found = self.find(|s| s.size);
        let wanted = found.map_or(SIZE, |(_, size)| size);
        let size = Size {
            height: input.height.unwrap_or(wanted.height),
            width: input.width.unwrap_or(wanted.width),
        };
        let fixed = input.height.is_some() && input.width.is_some();
        if size != wanted && found.is_some_and(|(source, _)| source.is_given()) {
            return Err(Error::input(format!(
                "the size is {wanted}, but the model takes {size} only"
            ))
            .with_hint(Hint::leave_out("size").or("export the model with free height and width")));
        }
        let source = found.map_or(DEFAULT, |(source, _)| source.name.as_str());
        self.record("size", size, if fixed || size != wanted { MODEL } else { source });
        Ok(size)
    }

    fn resize(&mut self, size: Size) -> Resize {
        let Some((found, resize)) = self.find(|s| s.resize) else {
            let over = |n: u32| (f64::from(n) / CROP_PCT) as u32;
            let resize = if size.height == size.width {
                Resize::ShortestEdge(over(size.height))
            } else {
                Resize::Cover(Size { height: over(size.height), width: over(size.width) })
            };
            self.record("resize", resize, DEFAULT);
            return resize;
        };
        let scaled = match found.settings.size {
            Some(own) => rescaled(resize, own, size),
            None => resize,
        };
        let note = if scaled == resize { "" } else { ", scaled to the size" };
        self.record("resize", scaled, &format!("{}{note}", found.name));
        scaled
    }

    /// The offset of the crop, of the source that says the resize.
    fn crop_offset(&self) -> CropOffset {
        let resize = self.find(|s| s.resize);
        resize.and_then(|(found, _)| found.settings.crop_offset).unwrap_or_default()
    }

    fn channels(&mut self, input: &InputShape) -> Result<Channels> {
        let wanted = self.find(|s| s.channels);
        let (source, channels) = match (wanted, input.channels) {
            (Some((found, wanted)), Some(has)) if wanted.count() != has.count() => {
                return Err(Error::input(format!(
                    "the channels are {wanted} ({}), but the model's input has {}",
                    found.name,
                    has.count()
                ))
                .with_hint(if found.is_given() {
                    Hint::leave_out("channels")
                } else {
                    Hint::set("channels", "grey", "say which channels the model takes, such as")
                }));
            }
            (Some((found, wanted)), _) => (found.name.as_str(), wanted),
            (None, Some(has)) => (MODEL, has),
            (None, None) => (DEFAULT, Channels::Rgb),
        };
        self.record("channels", channels, source);
        Ok(channels)
    }

    fn layout(&mut self, input: &InputShape) -> Result<Layout> {
        let Some(layout) = input.layout else {
            return Ok(self.setting("layout", Layout::Nchw, |s| s.layout));
        };
        if let Some((found, wanted)) = self.find(|s| s.layout).filter(|&(_, l)| l != layout) {
            return Err(Error::input(format!(
                "the layout is {wanted} ({}), but that of the model's input is {layout}",
                found.name
            ))
            .with_hint(if found.is_given() {
                Hint::leave_out("layout")
            } else {
                Hint::advice(format!("mend {}", found.name))
            }));
        }
        self.record("layout", layout, MODEL);
        Ok(layout)
    }

    /// Scale, mean and deviation, the latter two with a value for each channel.
    fn values(&mut self, channels: Channels) -> (f64, Vec<f64>, Vec<f64>) {
        let scale = self.find(|s| s.scale);
        let (source, scale) = scale.map_or((DEFAULT, 1.0 / 255.0), |(s, v)| (&s.name, v));
        let usual = alike(scale, 1.0 / 255.0);
        let shown = if usual { "1/255".to_owned() } else { scale.to_string() };
        self.record("scale", shown, source);
        // ImageNet's numbers are those of colours from 0 to 1.
        let default = |imagenet: [f64; 3], plain: f64| match channels {
            Channels::Rgb if usual => imagenet.to_vec(),
            Channels::Bgr if usual => imagenet.into_iter().rev().collect(),
            _ => vec![plain],
        };
        // Mean and deviation of a source with another scale are in other units.
        let fits = |s: &PartialPreprocess| s.scale.is_none_or(|own| alike(own, scale));
        let mean = self.find(|s| s.mean.as_ref().filter(|_| fits(s)));
        let std = self.find(|s| s.std.as_ref().filter(|_| fits(s)));
        let mut of = |name, default: Vec<f64>, found: Option<(&Source, &Vec<f64>)>| {
            let (source, mut values) =
                found.map_or((DEFAULT, default), |(s, v)| (s.name.as_str(), v.clone()));
            // A value that is that of every channel is shown once, and may be given once.
            if values.iter().all(|v| Some(v) == values.first()) {
                values.truncate(1);
            }
            let list: Vec<String> = values.iter().map(|v| rounded(*v).to_string()).collect();
            self.record(name, list.join(", "), source);
            if let [one] = values[..] { vec![one; channels.count()] } else { values }
        };
        let mean = of("mean", default(IMAGENET_MEAN, 0.0), mean);
        let std = of("std", default(IMAGENET_STD, 1.0), std);
        (scale, mean, std)
    }
}

/// Whether two scales are the same but for rounding: files round 1/255 in several ways.
fn alike(a: f64, b: f64) -> bool {
    (a / b - 1.0).abs() < 1e-3
}

/// A number rounded to six digits, to be shown.
pub(super) fn rounded(x: f64) -> f64 {
    format!("{x:.5e}").parse().unwrap_or(x)
}

/// A resize that is meant for inputs of the size `own`, for inputs of another size.
fn rescaled(resize: Resize, own: Size, size: Size) -> Resize {
    let scale = |n: u32, own: u32, size: u32| {
        (f64::from(n) * f64::from(size) / f64::from(own)).round() as u32
    };
    let both = |to: Size| Size {
        height: scale(to.height, own.height, size.height),
        width: scale(to.width, own.width, size.width),
    };
    match resize {
        _ if own == size => resize,
        Resize::ShortestEdge(n) if own.height == own.width && size.height != size.width => {
            Resize::Cover(both(Size { height: n, width: n }))
        }
        Resize::ShortestEdge(n) => {
            Resize::ShortestEdge(scale(n, own.height.max(own.width), size.height.max(size.width)))
        }
        Resize::CutShortest(n) => {
            Resize::CutShortest(scale(n, own.height.max(own.width), size.height.max(size.width)))
        }
        Resize::Contain { size: to, ground } => Resize::Contain { size: both(to), ground },
        Resize::SquashTo(to) => Resize::SquashTo(both(to)),
        Resize::Cover(to) => Resize::Cover(both(to)),
        Resize::Squash | Resize::Letterbox(_) | Resize::Keep => resize,
    }
}
