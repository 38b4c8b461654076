"""Facial-expression models: small CNNs trained on FER2013, and what is needed to use them."""

from transformers import AutoConfig, AutoImageProcessor, AutoModel, AutoModelForImageClassification

from .configuration_fer import FerCnnConfig
from .configuration_fer_transfer import FerTransferConfig
from .image_processing_fer import FerImageProcessor
from .modeling_fer import FerCnnForImageClassification, FerCnnModel
from .modeling_fer_transfer import FerTransferForImageClassification, FerTransferModel
from .zoo import list_models, load

for config_class, base_class, model_class in (
    (FerCnnConfig, FerCnnModel, FerCnnForImageClassification),
    (FerTransferConfig, FerTransferModel, FerTransferForImageClassification),
):
    # For `AutoModel...from_pretrained` in this process, without `trust_remote_code`.
    AutoConfig.register(config_class.model_type, config_class)
    AutoModel.register(config_class, base_class)
    AutoModelForImageClassification.register(config_class, model_class)
    AutoImageProcessor.register(config_class, image_processor_classes={"pil": FerImageProcessor})
    # So that `save_pretrained` writes the code beside the weights, for processes that do not have this package.
    config_class.register_for_auto_class()
    base_class.register_for_auto_class("AutoModel")
    model_class.register_for_auto_class("AutoModelForImageClassification")
FerImageProcessor.register_for_auto_class("AutoImageProcessor")

__all__ = [
    "FerCnnConfig",
    "FerCnnForImageClassification",
    "FerCnnModel",
    "FerImageProcessor",
    "FerTransferConfig",
    "FerTransferForImageClassification",
    "FerTransferModel",
    "list_models",
    "load",
]
__version__ = "0.1.0"
