use super::*;
use crate::input::picture::Picture;

/// As `settings` of testdata/pillow.py: HWC values from 0 to 255.
fn plain(size: &str, resize: &str, interpolation: &str, channels: &str) -> Preprocess {
    let channels: Channels = channels.parse().unwrap();
    Preprocess {
        size: size.parse().unwrap(),
        resize: resize.parse().unwrap(),
        crop_offset: CropOffset::Rounded,
        interpolation: interpolation.parse().unwrap(),
        channels,
        layout: Layout::Nhwc,
        scale: 1.0,
        mean: vec![0.0; channels.count()],
        std: vec![1.0; channels.count()],
    }
}

/// `picture()` of testdata/pillow.py.
fn noise() -> Picture {
    let mut state = 1_u32;
    let rgb = (0..37 * 23 * 3)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            match (state >> 24) as u8 {
                byte if byte < 100 => 0,
                byte if byte > 156 => 255,
                byte => byte,
            }
        })
        .collect();
    Picture::from_rgb8(37, 23, rgb).unwrap()
}

#[test]
fn equals_pillow_and_torchvision() {
    let goldens = include_str!("testdata/pillow.txt");
    assert_eq!(goldens.lines().count(), 30);
    for line in goldens.lines() {
        let [resize, size, interpolation, channels, hex] =
            line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let settings = plain(size, resize, interpolation, channels);
        let tensor = settings.apply(&noise()).unwrap().tensor;
        let ours: String = tensor.iter().map(|&v| format!("{:02x}", v as u8)).collect();
        assert_eq!(ours, hex, "{resize} {size} {interpolation} {channels}");
    }
}

#[test]
fn values_are_scaled_and_normalised_in_the_tensors_own_channel_order() {
    let picture = Picture::from_rgb8(1, 1, vec![255, 0, 51]).unwrap();
    let mean = vec![0.5, 0.25, 0.0];
    let std = vec![0.5, 0.25, 2.0];
    for (channels, layout, shape, values) in [
        (Channels::Rgb, Layout::Nchw, [1, 3, 2, 1], [1.0, 1.0, -1.0, -1.0, 0.1, 0.1]),
        (Channels::Bgr, Layout::Nchw, [1, 3, 2, 1], [-0.6, -0.6, -1.0, -1.0, 0.5, 0.5]),
        (Channels::Rgb, Layout::Nhwc, [1, 2, 1, 3], [1.0, -1.0, 0.1, 1.0, -1.0, 0.1]),
    ] {
        let settings = Preprocess {
            channels,
            layout,
            scale: 1.0 / 255.0,
            mean: mean.clone(),
            std: std.clone(),
            ..plain("2x1", "squash", "bilinear", "rgb")
        };
        let tensor = settings.apply(&picture).unwrap().tensor;
        assert_eq!(tensor.shape(), shape);
        for (ours, expected) in tensor.iter().zip(values) {
            assert!((ours - expected).abs() < 1e-6, "{channels:?} {layout:?}: {tensor:?}");
        }
    }
}

#[test]
fn padding_has_its_colour_and_the_rest_is_the_picture() {
    let white = Picture::from_rgb8(4, 2, vec![255; 24]).unwrap();
    for (resize, channels, expected) in [
        ("letterbox", "grey", [[114.0; 4], [255.0; 4], [255.0; 4], [114.0; 4]]),
        ("keep", "grey", [[0.0; 4], [255.0; 4], [255.0; 4], [0.0; 4]]),
        ("squash", "grey", [[255.0; 4]; 4]),
    ] {
        let tensor = plain("4", resize, "bilinear", channels).apply(&white).unwrap().tensor;
        assert_eq!(tensor.into_raw_vec_and_offset().0, expected.as_flattened(), "{resize}");
    }
    let letterbox = Preprocess {
        resize: Resize::Letterbox([1, 2, 3]),
        ..plain("4x1", "squash", "nearest", "bgr")
    };
    let tensor = letterbox.apply(&Picture::from_rgb8(1, 1, vec![7, 8, 9]).unwrap()).unwrap().tensor;
    let expected = [3, 2, 1, 9, 8, 7, 3, 2, 1, 3, 2, 1].map(|v: u8| f32::from(v));
    assert_eq!(tensor.into_raw_vec_and_offset().0, expected);
}

#[test]
fn a_crop_may_come_first_and_a_picture_may_fit_into_more_than_the_input() {
    // Rows 0 1 2 3 4, 5 6 7 8 9, 10 11 12 13 14.
    let numbered = Picture::from_rgb8(5, 3, (0..15).flat_map(|n| [n; 3]).collect()).unwrap();
    let contain = |edge: &str| Resize::Contain { size: edge.parse().unwrap(), ground: [99; 3] };
    for (size, resize, expected) in [
        // int(1 / 3 * 3) = 1 pixel, from (5 - 1) // 2 and (3 - 1) // 2.
        ("1", Resize::CutShortest(3), &[7.0][..]),
        ("2", Resize::CutShortest(4), &[7.0; 4]),
        ("3", Resize::CutShortest(3), &[1.0, 2.0, 3.0, 6.0, 7.0, 8.0, 11.0, 12.0, 13.0]),
        ("3", contain("5"), &[1.0, 2.0, 3.0, 6.0, 7.0, 8.0, 11.0, 12.0, 13.0]),
        ("1x3", contain("5"), &[6.0, 7.0, 8.0]),
        (
            "5x3",
            contain("5"),
            &[99.0, 99.0, 99.0, 1.0, 2.0, 3.0, 6.0, 7.0, 8.0, 11.0, 12.0, 13.0, 99.0, 99.0, 99.0],
        ),
    ] {
        let settings = Preprocess { resize, ..plain(size, "squash", "nearest", "grey") };
        let tensor = settings.apply(&numbered).unwrap().tensor;
        assert_eq!(tensor.into_raw_vec_and_offset().0, expected, "{size} {resize:?}");
    }
}

#[test]
fn extreme_pictures_need_little_memory() {
    let wide = Picture::from_rgb8(1 << 20, 1, vec![200; 3 << 20]).unwrap();
    for resize in ["shortest:256", "squash", "letterbox"] {
        let prepared = plain("16", resize, "lanczos", "rgb").apply(&wide).unwrap();
        assert_eq!(prepared.tensor[[0, 7, 8, 0]], 200.0, "{resize}");
    }
}

#[test]
fn unusable_settings_are_refused() {
    let good = plain("8", "squash", "bilinear", "rgb");
    assert!(good.validate().is_ok());
    let zero = Size { height: 0, width: 8 };
    for (bad, word) in [
        (Preprocess { size: zero, ..good.clone() }, "0x8"),
        (Preprocess { size: Size { height: 1 << 20, width: 1 << 20 }, ..good.clone() }, "pixels"),
        (Preprocess { resize: Resize::SquashTo(zero), ..good.clone() }, "0x8"),
        (Preprocess { resize: Resize::ShortestEdge(0), ..good.clone() }, "0x0"),
        (Preprocess { mean: vec![0.0], ..good.clone() }, "mean"),
        (Preprocess { mean: vec![f64::NAN; 3], ..good.clone() }, "mean"),
        (Preprocess { std: vec![1.0, 0.0, 1.0], ..good.clone() }, "std"),
        (Preprocess { scale: 0.0, ..good.clone() }, "scale"),
    ] {
        let error = bad.validate().unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn settings_survive_json() {
    for resize in ["shortest:256", "squash", "squash:240x320", "letterbox", "keep"] {
        let settings = plain("224", resize, "bicubic", "bgr");
        let json = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<Preprocess>(&json).unwrap(), settings, "{json}");
    }
}
