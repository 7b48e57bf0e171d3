"""Lists the networks that are compared."""

PARTS = ["torchvision", "timm", "keras", "dynamo", "small"]

# The modules that build the networks of a source.
MODULES = {"torchvision": "of_torchvision", "timm": "of_timm", "keras": "of_keras", "small": "small"}

TIMM = """
resnet18 resnet26d resnext50_32x4d resnetv2_50 resnetv2_50x1_bit seresnet18 ecaresnet26t skresnet18 resnest14d
gcresnext26ts resnetblur50 resnetaa50 wide_resnet50_2 legacy_senet154 legacy_seresnet18
regnetx_002 regnety_002 regnetz_005 regnetz_c16_evos gernet_s
densenet121 vgg11_bn inception_v3 inception_v4 inception_resnet_v2 legacy_xception xception41
efficientnet_b0 efficientnet_lite0 efficientnetv2_rw_t tf_efficientnet_b0 tf_efficientnetv2_b0 mobilenetv2_100
mobilenetv3_small_100 mobilenetv4_conv_small mobilenetv4_conv_aa_medium mobilenetv4_hybrid_medium mnasnet_100
semnasnet_075 spnasnet_100 fbnetc_100 fbnetv3_b ghostnet_100 ghostnetv2_100 ghostnetv3_050 repghostnet_050
hardcorenas_a lcnet_050 tinynet_e rexnet_100 mixnet_s
dla34 dla60_res2net dpn48b dpn68 hrnet_w18_small res2net50_26w_4s cspresnet50 cspresnext50 cspdarknet53 darknet53
nfnet_l0 dm_nfnet_f0 eca_nfnet_l0 nf_regnet_b0 nf_resnet26 vovnet39a ese_vovnet19b_dw selecsls42b tresnet_m
convnext_atto convnext_atto_rms convnextv2_atto convmixer_768_32 inception_next_atto edgenext_xx_small
repvgg_a0 repvit_m0_9 mobileone_s0 fastvit_t8 fasternet_t0 starnet_s050 hgnet_tiny hgnetv2_b0 rdnet_tiny
mambaout_femto shvit_s1 swiftformer_xs csatv2
efficientvit_b0 efficientvit_l1 efficientvit_m0 efficientformer_l1 efficientformerv2_s0 poolformer_s12
poolformerv2_s12 caformer_s18 convformer_s18 nextvit_small mobilevit_xxs mobilevitv2_050
vit_tiny_patch16_224 vit_small_patch32_224 vit_tiny_r_s16_p8_224 vit_relpos_small_patch16_224 flexivit_small
vit_medium_patch16_reg4_gap_256 vit_base_patch16_rope_224 vit_small_patch16_dinov3 vit_small_patch14_dinov2
vit_small_patch14_reg4_dinov2 vit_base_patch32_clip_224 vit_base_patch32_siglip_256 samvit_base_patch16_224
deit_tiny_patch16_224 deit_tiny_distilled_patch16_224 deit3_small_patch16_224 beit_base_patch16_224
beitv2_base_patch16_224 eva02_tiny_patch14_224 cait_xxs24_224 xcit_nano_12_p16_224 crossvit_9_240 levit_128s
pit_ti_224 pit_ti_distilled_224 pvt_v2_b0 swin_tiny_patch4_window7_224 swinv2_tiny_window8_256 swinv2_cr_tiny_224
twins_svt_small twins_pcpvt_small coat_lite_tiny coat_tiny coatnet_nano_rw_224 maxvit_nano_rw_256 maxvit_tiny_tf_224
maxxvit_rmlp_nano_rw_256 convit_tiny tnt_s_patch16_224 visformer_tiny volo_d1_224 mvitv2_tiny hiera_tiny_224
davit_tiny focalnet_tiny_srf gcvit_xxtiny nest_tiny sequencer2d_s mixer_s32_224 gmlp_ti16_224 resmlp_12_224
tiny_vit_5m_224 botnet26t_256 halonet26t lambda_resnet26t bat_resnext26ts sebotnet33ts_256 vitamin_small_224
naflexvit_base_patch16_gap cpubone_b0_bfrobust cspnext_tiny efficientvim_m1 iformer_m lcnetv2_small lowformer_b0
sam2_hiera_tiny mobilenetv5_base nasnetalarge pnasnet5large
""".split()

KERAS = """
MobileNet MobileNetV2 MobileNetV3Small MobileNetV3Large ResNet50 ResNet50V2 VGG16 DenseNet121 InceptionV3
InceptionResNetV2 Xception EfficientNetB0 EfficientNetV2B0 ConvNeXtTiny
""".split()

# The dynamo exporter is tested with some of the same networks.
DYNAMO = {
    "torchvision": """
alexnet convnext_tiny densenet121 efficientnet_b0 efficientnet_v2_s googlenet inception_v3 maxvit_t mnasnet0_5
mobilenet_v2 mobilenet_v3_small regnet_x_400mf regnet_y_400mf resnet18 resnext50_32x4d shufflenet_v2_x0_5
squeezenet1_1 swin_t swin_v2_t vgg11 vit_b_32 wide_resnet50_2
""".split(),
    "timm": """
resnet18 resnetv2_50 regnety_002 efficientnet_lite0 mobilenetv4_hybrid_medium ghostnet_100 nfnet_l0 convnext_atto
convnextv2_atto repvgg_a0 fastvit_t8 efficientvit_m0 poolformer_s12 vit_tiny_patch16_224 vit_small_patch14_dinov2
deit_tiny_distilled_patch16_224 deit3_small_patch16_224 beit_base_patch16_224 eva02_tiny_patch14_224
swin_tiny_patch4_window7_224 mixer_s32_224 levit_128s
""".split(),
}


def tasks(part):
    """Lists (source, name, exporter) of each network of a part."""
    if part == "dynamo":
        return [(source, name, "dynamo") for source, names in DYNAMO.items() for name in names]
    if part == "small":
        import small

        names = [(name, exporter) for exporter in ("torchscript", "dynamo") for name in small.NETWORKS]
        return [(part, *task) for task in names if task not in small.NOT_EXPORTED]
    if part == "torchvision":
        import torchvision

        return [(part, name, "torchscript") for name in torchvision.models.list_models(module=torchvision.models)]
    if part == "timm":
        return [(part, name, "torchscript") for name in TIMM]
    return [(part, name, "keras") for name in KERAS]
