"""Lists the tests whose input lies where differences do not say what the gradient is, and why."""

AT_ZERO = "an input is exactly 0, where the slope changes"
AT_A_PIXEL = "a sampling point lies on a pixel or at the border, where the slope changes"
NO_REMAINDER = "a dividend is infinite, or a divisor is infinite or 0"

# What is wrong elsewhere fails; nothing is tolerated by its size. Tests of the same name followed by _expanded have an
# operator's definition in its place.
KINKS = {
    "test_acosh_example": "an input is exactly 1, where the slope is infinite",
    "test_basic_deform_conv_with_padding": AT_A_PIXEL,
    "test_basic_deform_conv_without_padding": AT_A_PIXEL,
    "test_deform_conv_with_mask_bias": AT_A_PIXEL,
    "test_deform_conv_with_multiple_offset_groups": AT_A_PIXEL,
    "test_elu_example": AT_ZERO,
    "test_gridsample_aligncorners_true": AT_A_PIXEL,
    "test_gridsample_bilinear": AT_A_PIXEL,
    "test_gridsample_bilinear_align_corners_1_additional_1": AT_A_PIXEL,
    "test_gridsample_volumetric_bilinear_align_corners_0": AT_A_PIXEL,
    "test_gridsample_volumetric_bilinear_align_corners_1": AT_A_PIXEL,
    "test_leakyrelu_example": AT_ZERO,
    "test_maxpool_2d_strides": "two elements of a window are closer than the step of the differences",
    "test_mod_float_edge_cases_fmod_0_float16": NO_REMAINDER,
    "test_mod_float_edge_cases_fmod_0_float32": NO_REMAINDER,
    "test_mod_float_edge_cases_fmod_0_float64": NO_REMAINDER,
    "test_pow": "a base is exactly 0, at the end of the domain",
    "test_reduce_min_default_axes_keepdims_example": "two elements are the least",
    "test_selu_example": AT_ZERO,
}
