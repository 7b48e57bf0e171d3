//! `smoothcam explain`, as its users see it.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{Folder, with};
use snapbox::{file, str};

#[test]
fn the_built_in_model_explains_a_photograph() {
    let folder = Folder::new();
    folder.prints(&["explain", "cat.png"], str![[r#"
[N] %  tiger cat (282)
[N] %  Egyptian cat (285)
[N] %  tabby (281)
[N] %  lynx (287)
[N] %  window screen (904)

explained      tiger cat (282): the map's maximum is [N]
layer          /blocks.15/project_conv/Conv_output_0, 320 maps of 7x7
method         Smooth Grad-CAM++
noise          8 samples, sigma 0.2 of the input's range, seed 0
model saw      263x262 of 451x300 pixels, from column 94 and row 19 on
preprocessing  size 224x224; resize shortest edge to 256, then centre crop; interpolation bicubic; scale 1/255; mean 0.498039; std 0.501961; labels 1000 (the built-in model)
               channels rgb; layout nchw (the model's input)
engine         rten 0.27 ([N] s in all)
wrote          cat-smoothcam.png

"#]]);
    assert!(folder.read("cat-smoothcam.png").starts_with(b"\x89PNG"));
}

#[test]
fn any_model_explains_a_photograph() {
    let folder = Folder::new();
    folder.prints(&with(&[]), str![[r#"
[N] %  owl (3)
[N] %  small dog (2)
[N] %  dog (1)
[N] %  cat (0)

explained      owl (3): the map's maximum is [N]
layer          block1/Relu_3, 4 maps of 8x8
method         Smooth Grad-CAM++
noise          8 samples, sigma 0.2 of the input's range, seed 0
model saw      278x267 of 451x300 pixels, from column 69 and row 0 on
preprocessing  size 8x8; channels rgb; layout nchw (the model's input)
               resize shortest edge to 9, then centre crop; interpolation bilinear; scale 1/255; mean 0.485, 0.456, 0.406; std 0.229, 0.224, 0.225 (default)
               labels 4 ('./labels.txt')
engine         rten 0.27 ([N] s in all)
wrote          cat-smoothcam.png
note: nothing says how the model's input is made; assumed are resize shortest edge to 9, then centre crop; interpolation bilinear; scale 1/255; mean 0.485, 0.456, 0.406; std 0.229, 0.224, 0.225: check these, and give those that differ

"#]]);
    folder.prints(&with(&["--class", "owl", "--class", "0", "--signed", "-o", "map.png"]), str![[r#"
[N] %  owl (3)
[N] %  small dog (2)
[N] %  dog (1)
[N] %  cat (0)

explained      owl (3): the map's maximum is [N]
explained      cat (0): the map's maximum is [N]
layer          block1/Relu_3, 4 maps of 8x8
method         Smooth Grad-CAM++
noise          8 samples, sigma 0.2 of the input's range, seed 0
model saw      278x267 of 451x300 pixels, from column 69 and row 0 on
preprocessing  size 8x8; channels rgb; layout nchw (the model's input)
               resize shortest edge to 9, then centre crop; interpolation bilinear; scale 1/255; mean 0.485, 0.456, 0.406; std 0.229, 0.224, 0.225 (default)
               labels 4 ('./labels.txt')
engine         rten 0.27 ([N] s in all)
wrote          map-3.png
wrote          map-0.png
note: nothing says how the model's input is made; assumed are resize shortest edge to 9, then centre crop; interpolation bilinear; scale 1/255; mean 0.485, 0.456, 0.406; std 0.229, 0.224, 0.225: check these, and give those that differ
note: the signed map is the same as the unsigned one: the method's weights are never negative

"#]]);
    folder.prints(
        &with(&["--method", "sensitivity", "--size", "8", "--resize", "squash", "-o", "s.png"]),
        str![[r#"
[N] %  owl (3)
[N] %  small dog (2)
[N] %  dog (1)
[N] %  cat (0)

explained      owl (3): the map's maximum is [N]
method         Sensitivity map
noise          none
model saw      the whole picture, 451x300 pixels
preprocessing  size 8x8; channels rgb; layout nchw (the model's input)
               resize squash the whole picture (as given)
               interpolation bilinear; scale 1/255; mean 0.485, 0.456, 0.406; std 0.229, 0.224, 0.225 (default)
               labels 4 ('./labels.txt')
engine         rten 0.27 ([N] s in all)
wrote          s.png
note: nothing says how the model's input is made; assumed are interpolation bilinear; scale 1/255; mean 0.485, 0.456, 0.406; std 0.229, 0.224, 0.225: check these, and give those that differ

"#]],
    );
    folder.prints(
        &with(&["--layer", "block2", "--sigma-absolute", "0.5", "--seed", "7", "-o", "s.png"]),
        str![[r#"
[N] %  owl (3)
[N] %  small dog (2)
[N] %  dog (1)
[N] %  cat (0)

explained      owl (3): the map's maximum is [N]
layer          block2/Relu_6, 4 maps of 8x8
method         Smooth Grad-CAM++
noise          none
model saw      278x267 of 451x300 pixels, from column 69 and row 0 on
preprocessing  size 8x8; channels rgb; layout nchw (the model's input)
               resize shortest edge to 9, then centre crop; interpolation bilinear; scale 1/255; mean 0.485, 0.456, 0.406; std 0.229, 0.224, 0.225 (default)
               labels 4 ('./labels.txt')
engine         rten 0.27 ([N] s in all)
wrote          s.png
note: nothing says how the model's input is made; assumed are resize shortest edge to 9, then centre crop; interpolation bilinear; scale 1/255; mean 0.485, 0.456, 0.406; std 0.229, 0.224, 0.225: check these, and give those that differ
note: the gradient at layer 'block2/Relu_6' is the same for every picture (all above it is linear), so noise cannot change the map and was skipped; it does at layer 'block1/Relu_3'

"#]],
    );
}

#[test]
fn every_option_changes_what_it_says() {
    let folder = Folder::new();
    let map = |args: &[&str]| {
        folder.run(&with(&[&["--arrays", "a.npz"], args].concat()));
        (folder.array::<ndarray::Ix2>("a.npz", "map"), folder.read("cat-smoothcam.png"))
    };
    let plain = map(&[]);
    for args in [
        &["--layer", "block2"][..],
        &["--maps", "1,3"],
        &["--neurons", "2-5,0-3"],
        &["--class", "cat"],
        &["--method", "grad-cam"],
        &["--samples", "3"],
        &["--sigma", "0.3"],
        &["--sigma-absolute", "0.9"],
        &["--seed", "1"],
    ] {
        assert_ne!(map(args), plain, "{args:?}");
    }
    for args in [&["--colormap", "viridis"][..], &["--opacity", "0.2"]] {
        let (values, picture) = map(args);
        assert_eq!(values, plain.0, "{args:?}");
        assert_ne!(picture, plain.1, "{args:?}");
    }
    let signed = map(&["--method", "hires-cam", "--signed"]).0;
    let cut = map(&["--method", "hires-cam"]).0;
    assert_eq!(signed.mapv(|x| x.max(0.0)), cut);
}

#[test]
fn the_same_command_gives_the_same_bytes() {
    let folder = Folder::new();
    let run = || {
        let args = ["-o", "o.png", "--heatmap", "h.png", "--arrays", "a.npz"];
        folder.run(&with(&args));
        ["o.png", "h.png", "a.npz"].map(|file| folder.read(file))
    };
    assert!(run() == run());
}

#[test]
fn as_many_samples_as_the_map_needs() {
    let folder = Folder::new();
    let noise = |args: &[&str]| {
        let args = [&["--json", "--arrays", "a.npz"], args].concat();
        let told: serde_json::Value = serde_json::from_str(&folder.run(&with(&args))).unwrap();
        // The first note is that of the preprocessing that is assumed.
        let notes = told["notes"].as_array().unwrap()[1..].to_vec();
        (told["noise"].clone(), serde_json::Value::from(notes))
    };
    let auto = ["--samples", "auto", "--uncertainty", "u.png"];
    let (told, notes) = noise(&auto);
    let samples = told["samples"].as_u64().unwrap();
    assert!((4..=32).contains(&samples), "{told}");
    assert_eq!(told["tolerance"], 0.02);
    assert!(told["error"].as_f64().unwrap() <= 0.02, "{told}");
    assert_eq!(notes.as_array().unwrap().len(), 0);
    let files = || ["cat-smoothcam.png", "u.png", "a.npz"].map(|file| folder.read(file));
    let first = files();
    noise(&auto);
    assert!(files() == first);
    // The same number, fixed, gives the same map, noise and uncertainty.
    let (fixed, _) = noise(&["--samples", &samples.to_string(), "--uncertainty", "u.png"]);
    assert_eq!((&fixed["error"], &fixed["tolerance"]), (&told["error"], &serde_json::Value::Null));
    assert!(files() == first);

    let (told, notes) = noise(&["--samples", "auto", "--tolerance", "0.000001"]);
    assert_eq!(told["samples"], 256);
    assert!(notes[0].as_str().unwrap().contains("is not reached"), "{notes}");
    let (told, notes) = noise(&["--samples", "auto", "--layer", "block2"]);
    assert_eq!((&told["samples"], &told["tolerance"]), (&0.into(), &serde_json::Value::Null));
    assert!(notes[0].as_str().unwrap().contains("was skipped"), "{notes}");
}

#[test]
fn the_manifest_is_json() {
    let folder = Folder::new();
    let args = with(&["--json", "--class", "cat", "--class", "dog"]);
    folder.prints(&args, file!["snapshots/manifest.txt"]);
    assert!(folder.path("cat-smoothcam-0.png").exists());
    assert!(folder.path("cat-smoothcam-1.png").exists());
}

#[test]
fn strange_names_are_fine() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("a folder")).unwrap();
    for name in ["with space.png", "\u{732b}.png", "-dash.png", "a folder/no-ending"] {
        std::fs::copy(folder.path("cat.png"), folder.path(name)).unwrap();
        let told = folder.run(&["explain", "--model", "model.onnx", "--", name]);
        let written = format!("{}-smoothcam.png", name.trim_end_matches(".png"));
        assert!(told.contains(&format!("wrote          {written}\n")), "{told}");
        assert!(folder.path(&written).exists());
    }
    #[cfg(unix)]
    {
        std::fs::copy(folder.path("cat.png"), folder.path("a\n\u{1b}[31mb.png")).unwrap();
        let told = folder.run(&["explain", "a\n\u{1b}[31mb.png", "--model", "model.onnx"]);
        assert!(told.contains("wrote          a\\n\\u{1b}[31mb-smoothcam.png"), "{told}");
    }
}

#[test]
fn tiny_pictures_are_explained() {
    let folder = Folder::new();
    for (width, height) in [(1, 1), (1, 3000), (3000, 1)] {
        let picture = smoothcam_picture(width, height);
        folder.write("tiny.png", &picture);
        let told = folder.run(&["explain", "tiny.png", "--model", "model.onnx"]);
        assert!(told.contains(&format!("{width}x{height} pixels")), "{told}");
    }
}

fn smoothcam_picture(width: u32, height: u32) -> Vec<u8> {
    let rgb = (0..width * height * 3).map(|i| (i % 251) as u8).collect();
    let picture = smoothcam::Picture::from_rgb8(width, height, rgb).unwrap();
    smoothcam::render::encode_png(&picture).unwrap()
}
