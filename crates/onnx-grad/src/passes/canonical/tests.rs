//! Tests that nodes in canonical form have the same values, and a gradient.

use crate::testing::{Case, case, is_rten};

/// Checks the output of a node in canonical form at this first input.
#[track_caller]
fn check(case: &Case, x: &[f32], y: &[f32]) {
    let found = case.values(&[x]);
    let close = |(f, y): (&f32, &f32)| (f - y).abs() <= 1e-5 * y.abs().max(1.0);
    assert!(found.len() == y.len() && found.iter().zip(y).all(close), "{found:?}");
}

#[test]
fn training_mode_takes_the_statistics_of_its_input() {
    let batch = |x: &[usize]| {
        let c = &x[1..2];
        let affine = case("BatchNormalization").x(x).fixed(c, 0.5, 2.0).fixed(c, -1.0, 1.0);
        let running = affine.fixed(c, -1.0, 1.0).fixed(c, 0.2, 2.0);
        running.int("training_mode", 1).float("epsilon", 0.01).canonical()
    };
    batch(&[2, 3, 4, 5]).check();
    batch(&[1, 3, 7]).check();
    batch(&[5, 2]).check();

    let vector = |c: Case, v: &[f32]| c.const_floats(v);
    let two = [[2.0, 3.0], [1.0, -1.0], [9.0, 9.0], [9.0, 9.0]];
    let two = two.iter().fold(case("BatchNormalization").x(&[2, 2, 2]), |c, v| vector(c, v));
    let two = two.int("training_mode", 1).float("epsilon", 0.25).canonical();
    // The channels hold 0, 1, 0, 1 and 1, 3, 5, 3: means 0.5 and 3, biased variances 0.25 and 2.
    let (a, b) = (1.0 / 0.5f32.sqrt(), 6.0 / 2.25f32.sqrt());
    let y = [1.0 - a, 1.0 + a, -1.0 - b, -1.0, 1.0 - a, 1.0 + a, -1.0 + b, -1.0];
    check(&two, &[0.0, 1.0, 1.0, 3.0, 0.0, 1.0, 5.0, 3.0], &y);
}

#[test]
fn convolutions_over_three_axes_become_ones_over_two() {
    let conv =
        |x: &[usize], w: &[usize]| case("Conv").x(x).fixed(w, -1.0, 1.0).linear().canonical();
    conv(&[2, 2, 4, 5, 3], &[3, 2, 3, 3, 1]).ints("pads", &[1, 1, 0, 1, 1, 0]).check();
    conv(&[2, 4, 4, 3, 5], &[2, 2, 2, 1, 3]).int("group", 2).ints("strides", &[2, 1, 1]).check();
    let same = conv(&[1, 2, 3, 4, 5], &[3, 2, 1, 2, 3]).fixed(&[3], -1.0, 1.0);
    if is_rten() {
        // ONNX Runtime refuses the two together.
        same.string("auto_pad", "SAME_UPPER").ints("dilations", &[4, 1, 2]).check();
    }

    // How PyTorch exports local response normalisation.
    let pool = |c: Case| c.distinct(&[1, 1, 7, 4, 3]).ints("kernel_shape", &[5, 1, 1]).canonical();
    pool(case("AveragePool")).ints("strides", &[1, 1, 1]).linear().check();
    pool(case("MaxPool")).ints("strides", &[2, 1, 1]).check();

    // In each plane by itself, x(d, h, w) + 10 x(d, h, w + 1).
    let w = crate::Tensor::from_f32s(&[1, 1, 1, 1, 2], &[1.0, 10.0]).unwrap();
    let x: Vec<f32> = (0..12).map(|i| i as f32).collect();
    let y: Vec<f32> = [0, 1, 3, 4, 6, 7, 9, 10].iter().map(|i| (11 * i + 10) as f32).collect();
    check(&case("Conv").x(&[1, 1, 2, 2, 3]).constant(w).canonical(), &x, &y);
}

#[test]
fn transposed_convolutions_may_have_an_output_shape() {
    let shaped = |shape: &[i64]| {
        let c = case("ConvTranspose").x(&[2, 3, 4, 3]).fixed(&[3, 2, 3, 3], -1.0, 1.0).linear();
        c.ints("strides", &[2, 3]).ints("output_shape", shape).canonical()
    };
    shaped(&[8, 7]).check();
    shaped(&[9, 9]).fixed(&[2], -1.0, 1.0).string("auto_pad", "SAME_LOWER").check();

    // The whole output is 1, 10, 2, 20, 3, 30.
    let w = || crate::Tensor::from_f32s(&[1, 1, 2], &[1.0, 10.0]).unwrap();
    let cropped = || case("ConvTranspose").x(&[1, 1, 3]).constant(w()).ints("strides", &[2]);
    let cropped = || cropped().ints("kernel_shape", &[2]).ints("output_shape", &[3]).canonical();
    check(&cropped(), &[1.0, 2.0, 3.0], &[2.0, 20.0, 3.0]);
    check(&cropped().string("auto_pad", "SAME_UPPER"), &[1.0, 2.0, 3.0], &[10.0, 2.0, 20.0]);
    let larger = || case("ConvTranspose").x(&[1, 1, 3]).constant(w()).const_floats(&[0.5]);
    let larger = larger().ints("strides", &[2]).ints("output_shape", &[7]).canonical();
    check(&larger, &[1.0, 2.0, 3.0], &[1.5, 10.5, 2.5, 20.5, 3.5, 30.5, 0.5]);
}

#[test]
fn resizing_keeps_the_aspect_ratio() {
    let of = |axes: &[i64], policy| {
        let c = case("Resize").x(&[1, 1, 3, 4]).missing().missing().const_ints(&[5, 8]);
        let c = c.ints("axes", axes).string("mode", "linear").linear();
        c.string("keep_aspect_ratio_policy", policy).canonical()
    };
    of(&[2, 3], "not_larger").check();
    of(&[-2, -1], "not_smaller").check();
    // The last row, as ONNX Runtime computes it.
    let ramp: Vec<f32> = (0..12).map(|i| i as f32).collect();
    let y = of(&[2, 3], "not_larger").values(&[&ramp]);
    assert_eq!(y.len(), 5 * 7);
    let last = [8.0000, 8.4000, 9.0000, 9.6000, 10.2000, 10.8000, 11.0000];
    let close = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-5;
    assert!(y[28..].iter().zip(&last).all(close), "{y:?}");
}

#[test]
fn any_axes_are_resized_by_scales() {
    let resize = case("Resize").x(&[1, 2, 3, 1]).missing().const_floats(&[1.0, 1.5, 2.0, 1.0]);
    let resize = resize.string("coordinate_transformation_mode", "asymmetric");
    let resize = resize.string("nearest_mode", "floor").canonical().linear();
    resize.check();
    let ramp: Vec<f32> = (0..6).map(|i| i as f32).collect();
    let (first, second) = ([0.0, 0.0, 1.0, 1.0, 2.0, 2.0], [3.0, 3.0, 4.0, 4.0, 5.0, 5.0]);
    check(&resize, &ramp, &[first, first, second].concat());
}

#[test]
fn regions_are_sampled_as_onnx_runtime_does() {
    let of = |case: Case, boxes: &[f32], images: &[i64]| {
        let boxes = crate::Tensor::from_f32s(&[images.len(), 4], boxes).unwrap();
        let case = case.constant(boxes).const_ints(images);
        case.int("output_height", 2).int("output_width", 2).canonical().linear()
    };
    let half = |c: Case| c.string("coordinate_transformation_mode", "output_half_pixel");
    let x = || case("RoiAlign").x(&[2, 3, 5, 6]);
    let regions = [0.3, 1.1, 4.2, 3.7, -2.0, -3.0, 9.0, 8.5, 2.0, 2.0, 2.4, 2.2];
    of(x(), &regions, &[0, 1, 1]).check();
    of(x().float("spatial_scale", 0.7), &regions, &[0, 1, 1]).int("sampling_ratio", 2).check();
    half(of(x(), &regions, &[1, 0, 1])).check();

    // Computed regions have a gradient, too.
    let computed = case("RoiAlign").x(&[1, 2, 6, 6]).within(&[2, 4], 1.3, 3.1);
    let computed = computed.const_ints(&[0, 0]).int("output_height", 2).int("output_width", 2);
    computed.int("sampling_ratio", 1).canonical().check();

    // As ONNX Runtime computes them.
    let half_pixel = [7.275, 9.627_777, 13.775, 16.127_777, 13.933_333, 14.133_333, 5.533_333, 5.6];
    let output_half_pixel =
        [10.275, 12.461_11, 15.886_112, 18.072_224, 16.166_667, 16.666_666, 0.0, 0.0];
    let ramp: Vec<f32> = (0..20).map(|i| i as f32).collect();
    let ramp_of = |c: Case| of(c, &[0.3, 1.1, 5.2, 3.7, 2.0, 2.0, 2.4, 6.2], &[0, 0]);
    let on_ramp = || case("RoiAlign").x(&[1, 1, 4, 5]);
    check(&ramp_of(on_ramp()), &ramp, &half_pixel);
    check(&half(ramp_of(on_ramp().int("sampling_ratio", 3))), &ramp, &output_half_pixel);
}

#[test]
fn the_largest_product_of_a_region_is_that_of_onnx_runtime() {
    let x: Vec<f32> = (0..30).map(|i| (((i * 37) % 23) as f32 - 11.0) * 0.5).collect();
    let regions = [0.4, 0.7, 4.1, 3.9, -2.0, 2.2, 2.7, 7.0];
    let regions = crate::Tensor::from_f32s(&[2, 4], &regions).unwrap();
    let largest = |x: Case, ratio| {
        let c = x.constant(regions.clone()).const_ints(&[0, 0]);
        let c = c.string("mode", "max").int("output_height", 2).int("output_width", 3);
        c.int("sampling_ratio", ratio).canonical()
    };
    let first = [1.65, 2.5425, 1.1333, 4.3542, 2.2333, 2.4792];
    for (ratio, second) in
        [(2, [0.0, 2.75, 3.4125, 0.0, 1.5, 3.2333]), (0, [0.0, 4.95, 4.3875, 0.0, 1.5, 3.2333])]
    {
        let found = largest(case("RoiAlign").x(&[1, 1, 5, 6]), ratio).values(&[&x]);
        let close = |(f, y): (&f32, &f32)| (f - y).abs() < 1e-4;
        assert!(found.iter().zip(first.iter().chain(&second)).all(close), "{found:?}");
    }
    largest(case("RoiAlign").distinct(&[1, 2, 5, 6]), 2).check();
}

#[test]
fn unpooled_elements_are_where_their_indices_say() {
    let unpool = || {
        let indices = [0i64, 7, 8, 15].map(i64::to_le_bytes).concat();
        let indices =
            crate::Tensor::from_bytes(crate::DType::I64, vec![1, 1, 2, 2], indices.into());
        let c = case("MaxUnpool").x(&[1, 1, 2, 2]).constant(indices.unwrap());
        c.ints("kernel_shape", &[2, 2]).ints("strides", &[2, 2]).canonical().linear()
    };
    let mut expected = [0.0; 16];
    [(0, 1.0), (7, 2.0), (8, 3.0), (15, 4.0)].iter().for_each(|(i, y)| expected[*i] = *y);
    check(&unpool(), &[1.0, 2.0, 3.0, 4.0], &expected);
    unpool().check();
}

#[test]
fn losses_count_the_targets_that_are_not_ignored() {
    // ln p for 3 classes at 2 places of one picture: class 2 at the first, none at the second.
    let log = [-1.0, -2.0, -3.0, -4.0, -5.0, -6.0];
    let loss = || case("NegativeLogLikelihoodLoss").x(&[1, 3, 2]);
    let places = |a: i64, b: i64| {
        let bytes: Vec<u8> = [a, b].into_iter().flat_map(i64::to_le_bytes).collect();
        crate::Tensor::from_bytes(crate::DType::I64, vec![1, 2], bytes.into()).unwrap()
    };
    let ignoring = || loss().constant(places(2, -1)).const_floats(&[0.1, 0.2, 0.5]);
    let ignoring = || ignoring().int("ignore_index", -1).canonical();
    check(&ignoring().string("reduction", "none"), &log, &[2.5, 0.0]);
    check(&ignoring().string("reduction", "sum"), &log, &[2.5]);
    check(&ignoring(), &log, &[5.0]);
    check(&loss().constant(places(0, 1)).canonical(), &log, &[(1.0 + 4.0) / 2.0]);
    let uniform = case("SoftmaxCrossEntropyLoss").x(&[1, 3, 2]).constant(places(0, 1));
    check(&uniform.canonical(), &[0.5; 6], &[3f32.ln()]);

    loss().constant(places(0, 2)).x(&[3]).string("reduction", "sum").canonical().check();
    loss().constant(places(0, 1)).within(&[3], 0.5, 1.5).canonical().check();
    let cross_entropy = case("SoftmaxCrossEntropyLoss").x(&[1, 3, 2]).constant(places(2, 1));
    cross_entropy.outputs(2).int("ignore_index", 1).canonical().check();
}

#[test]
fn blocks_are_moved_into_channels_in_the_order_of_the_mode() {
    let moved = |mode| {
        let c = case("SpaceToDepth").x(&[1, 2, 2, 2]).int("blocksize", 2);
        c.string("mode", mode).linear().canonical()
    };
    let x = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0];
    check(&moved("DCR"), &x, &[0.0, 4.0, 1.0, 5.0, 2.0, 6.0, 3.0, 7.0]);
    check(&moved("CRD"), &x, &x);
    moved("CRD").check();
}

#[test]
fn compressing_keeps_the_elements_where_the_mask_is_true() {
    let mask = crate::Tensor::from_bytes(crate::DType::Bool, vec![3], vec![0, 1, 1].into());
    let compressed = case("Compress").x(&[3, 2]).constant(mask.unwrap()).linear().canonical();
    let x = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
    check(&compressed, &x, &[1.0, 2.0]);
    check(&compressed.clone().int("axis", 0), &x, &[2.0, 3.0, 4.0, 5.0]);
    compressed.int("axis", -2).check();
}

#[test]
fn layer_normalisation_has_its_statistics_as_outputs() {
    let layer = |x: &[usize], scale: &[usize]| {
        case("LayerNormalization").x(x).x(scale).x(scale).outputs(3).canonical()
    };
    layer(&[2, 3, 4], &[4]).check();
    layer(&[2, 3, 4], &[3, 4]).int("axis", 1).check();
    layer(&[2, 3, 4], &[3, 4]).int("axis", -2).float("epsilon", 0.5).check();
}

#[test]
fn elements_that_are_not_finite_are_told_apart() {
    let x = [f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 2.0, -0.5, 0.0];
    let of = |op| case(op).x(&[6]).canonical();
    let found = of("Sign").values(&[&x]);
    assert_eq!((&found[..2], &found[3..]), (&[1.0, -1.0][..], &[1.0, -1.0, 0.0][..]));
    assert!(found[2].is_nan());
    let infinite = |negative: i64, positive: i64| {
        let case = of("IsInf").int("detect_negative", negative).int("detect_positive", positive);
        case.whole_values(&[&x])
    };
    assert_eq!(infinite(1, 1), [1, 1, 0, 0, 0, 0]);
    assert_eq!(infinite(0, 1), [1, 0, 0, 0, 0, 0]);
    assert_eq!(infinite(1, 0), [0, 1, 0, 0, 0, 0]);
    assert_eq!(infinite(0, 0), [0; 6]);
    let truth = crate::Tensor::from_bytes(crate::DType::Bool, vec![], vec![1].into()).unwrap();
    assert_eq!(of("CastLike").constant(truth).whole_values(&[&x]), [1, 1, 1, 1, 1, 0]);
}

#[test]
fn ranges_have_as_many_numbers_as_the_standard_says() {
    let range = |numbers: [f32; 3]| {
        let case = case("Range").canonical();
        numbers.into_iter().fold(case, crate::testing::Case::scalar).values(&[])
    };
    // 4 / 0.1 is less than 40 in more digits, but forty times 0.1 is less than 4 in fewer.
    assert_eq!(range([0.0, 4.0, 0.1]).len(), 40);
    assert_eq!(range([3.0, -1.0, -1.5]), [3.0, 1.5, 0.0]);
    assert_eq!(range([1.0, 0.0, 1.0]), [0.0; 0]);
}

#[test]
fn reductions_of_nothing_compute_what_they_compute_of_each_element() {
    let of = |op, x| {
        let case = case(op).x(&[2]).int("noop_with_empty_axes", 1).canonical();
        case.check();
        case.values(&[x])
    };
    assert_eq!(of("ReduceL1", &[3.0, -2.0]), [3.0, 2.0]);
    assert_eq!(of("ReduceL2", &[3.0, -2.0]), [3.0, 2.0]);
    assert_eq!(of("ReduceSumSquare", &[3.0, -2.0]), [9.0, 4.0]);
    assert_eq!(of("ReduceLogSumExp", &[3.0, -2.0]), [3.0, -2.0]);
    let positive = case("ReduceLogSum").within(&[2], 0.5, 2.0).int("noop_with_empty_axes", 1);
    check(&positive.canonical(), &[1.0, std::f32::consts::E], &[0.0, 1.0]);
}

#[test]
fn slices_may_leave_out_their_axes() {
    let slice = case("Slice").x(&[2, 3]).const_ints(&[1]).const_ints(&[2]).linear().canonical();
    slice.check();
    check(&slice, &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], &[3.0, 4.0, 5.0]);
}

#[test]
fn windows_that_lie_in_padding_alone_do_not_count() {
    // The fourth would begin behind the last element.
    let pool = |op| {
        let case = case(op).x(&[1, 1, 1, 6, 2]).ints("kernel_shape", &[1, 1, 1]);
        case.ints("strides", &[1, 2, 1]).int("ceil_mode", 1).linear().canonical()
    };
    let x: Vec<f32> = (0..12).map(|i| i as f32).collect();
    for op in ["AveragePool", "MaxPool"] {
        check(&pool(op), &x, &[0.0, 1.0, 4.0, 5.0, 8.0, 9.0]);
    }
}
