//! `smoothcam compare`: one picture, several maps side by side.

use smoothcam::render::{Panel, draw, encode_png, enlarged, figure};
use smoothcam::{
    Explainer, Explanation, Method, Note, Photo, Picture, Result, Samples, Settings, write_file,
};

use crate::args::CompareArgs;
use crate::files::{beside, check_outputs};
use crate::progress::Progress;
use crate::report::digits;
use crate::table::{Facts, print};

/// A picture of the sheet, with its words.
struct Entry {
    title: String,
    subtitle: String,
    image: Picture,
}

pub(crate) fn run(args: &CompareArgs) -> Result<()> {
    let output = args.out.clone().unwrap_or_else(|| beside(&args.picture, "compare"));
    let photo = Photo::open(&args.picture, super::decoding(&args.options)?)?;
    let sources = super::sources(&args.picture, &args.options, &args.model);
    check_outputs([(output.clone(), "png")], &sources)?;
    let settings = super::settings(&args.options)?;
    let explainer = super::explainer(&args.model)?;
    let picture = explainer.picture_of(&photo)?;
    let sheet = Sheet { args, photo, picture, explainer };
    let (entries, notes) = match args.top_maps {
        Some(count) => sheet.feature_maps(settings, count)?,
        None if args.layers.is_empty() => sheet.methods(settings)?,
        None => sheet.layers(settings)?,
    };
    let panels: Vec<Panel<'_>> = entries
        .iter()
        .map(|e| Panel { title: e.title.clone(), subtitle: e.subtitle.clone(), image: &e.image })
        .collect();
    write_file(&output, &encode_png(&figure(&panels, usize::from(args.columns))?)?)?;
    let mut facts = Facts(String::new());
    facts.line(&format!("wrote {}", output.display()));
    notes.iter().for_each(|note| facts.note(note));
    print(&facts.0)
}

struct Sheet<'a> {
    args: &'a CompareArgs,
    photo: Photo,
    /// The photo to draw on.
    picture: Picture,
    explainer: Explainer,
}

type Entries = (Vec<Entry>, Vec<Note>);

impl Sheet<'_> {
    /// The same class with each method, at one layer.
    fn methods(&self, settings: Settings) -> Result<Entries> {
        let chosen = !self.args.methods.is_empty();
        let methods: Vec<Method> =
            if chosen { self.args.methods.clone() } else { Method::all().collect() };
        let layer = match &settings.layer {
            Some(layer) => layer.clone(),
            None => self.explainer.default_layer(true)?.name.clone(),
        };
        let each = methods.iter().map(|method| Settings {
            method: *method,
            // A number of samples is for the smoothed methods; `explain` smooths any other.
            samples: match method.default_samples() {
                0 => Samples::Default,
                _ => settings.samples,
            },
            layer: (!method.at_input()).then(|| layer.clone()),
            maps: settings.maps.clone().filter(|_| !method.at_input()),
            neurons: settings.neurons.clone().filter(|_| !method.at_input()),
            ..settings.clone()
        });
        let mut notes = Vec::new();
        let mut explanations = Vec::new();
        for explanation in self.explain_each(each)? {
            match explanation {
                Ok(explanation) => explanations.push(explanation),
                // CAM is not defined everywhere; only who asks for it needs to be stopped.
                Err(e) if !chosen => notes.push(Note::new(format!("left out: {e}"))),
                Err(e) => return Err(e),
            }
        }
        let subtitle = |e: &Explanation| match &e.layer {
            Some(layer) => {
                let name = if layer.module.is_empty() { &layer.name } else { &layer.module };
                format!("{}, {}x{}", name, layer.height, layer.width)
            }
            None => "input".to_owned(),
        };
        self.entries(explanations, notes, |e| (e.title.clone(), subtitle(e)))
    }

    /// The same class with one method, at each layer.
    fn layers(&self, settings: Settings) -> Result<Entries> {
        let each = self
            .args
            .layers
            .iter()
            .map(|layer| Settings { layer: Some(layer.clone()), ..settings.clone() });
        let mut explanations = Vec::new();
        for explanation in self.explain_each(each)? {
            explanations.push(explanation?);
        }
        let names = &self.args.layers;
        let mut names = names.iter();
        self.entries(explanations, Vec::new(), |e| {
            let grid =
                e.layer.as_ref().map(|l| format!("{} maps of {}x{}", l.maps, l.height, l.width));
            (
                names.next().cloned().unwrap_or_default(),
                format!("{}, {}", e.title, grid.unwrap_or_default()),
            )
        })
    }

    /// The strongest feature maps of one layer, each with its own map.
    fn feature_maps(&self, settings: Settings, count: usize) -> Result<Entries> {
        let mut progress = Progress::of("passes");
        let study = self.explainer.study_photo(&self.photo)?;
        let explanation = study.explain(&settings, &mut |done, all| progress.update(done, all))?;
        let class = &explanation.targets[0];
        let parts = class.strongest_maps(&explanation.activations, count);
        let seen = &explanation.seen;
        let style = super::style(&self.args.options)?;
        let (mut entries, notes) = self.entries(vec![explanation.clone()], Vec::new(), |e| {
            (e.title.clone(), "all feature maps".to_owned())
        })?;
        for part in parts {
            let map = part.map.mapv(|x| if explanation.signed { x } else { x.max(0.0) });
            entries.push(Entry {
                title: format!("map {}", part.index),
                subtitle: format!("weight {}", digits(part.weight)),
                image: draw(&self.picture, map.view(), seen, &style, &[])?,
            });
        }
        Ok((entries, notes))
    }

    fn explain_each(
        &self,
        each: impl Iterator<Item = Settings>,
    ) -> Result<Vec<Result<Explanation>>> {
        let study = self.explainer.study_photo(&self.photo)?;
        let each: Vec<Settings> = each.collect();
        let mut progress = Progress::of("passes");
        let mut explain = |(i, settings): (usize, &Settings)| {
            progress.update(i, each.len());
            study.explain(settings, &mut |_, _| {})
        };
        Ok(each.iter().enumerate().map(&mut explain).collect())
    }

    /// The photograph itself, then the overlay of each explanation's first class.
    fn entries(
        &self,
        explanations: Vec<Explanation>,
        mut notes: Vec<Note>,
        mut words: impl FnMut(&Explanation) -> (String, String),
    ) -> Result<Entries> {
        let style = super::style(&self.args.options)?;
        let name = explanations.first().map(|e| {
            let prediction = &e.targets[0].prediction;
            let label = prediction.label.clone().unwrap_or(format!("class {}", prediction.class));
            format!("{label} {:.1} %", 100.0 * prediction.probability)
        });
        let mut entries = vec![Entry {
            title: "photograph".into(),
            subtitle: name.unwrap_or_default(),
            image: enlarged(&self.picture)?,
        }];
        for explanation in explanations {
            let (title, subtitle) = words(&explanation);
            let map = explanation.targets[0].map.view();
            let image = draw(&self.picture, map, &explanation.seen, &style, &[])?;
            entries.push(Entry { title, subtitle, image });
            for note in explanation.notes {
                if !notes.contains(&note) {
                    notes.push(note);
                }
            }
        }
        Ok((entries, notes))
    }
}
