"""Facial-expression models: four small CNNs trained on FER2013, and what is needed to use them."""

from transformers import AutoConfig, AutoImageProcessor, AutoModelForImageClassification

from .configuration_fer import FerCnnConfig
from .image_processing_fer import FerImageProcessor
from .modeling_fer import FerCnnForImageClassification
from .zoo import list_models, load

# For `AutoModel...from_pretrained` in this process, without `trust_remote_code`.
AutoConfig.register("fer_cnn", FerCnnConfig)
AutoModelForImageClassification.register(FerCnnConfig, FerCnnForImageClassification)
AutoImageProcessor.register(FerCnnConfig, image_processor_classes={"pil": FerImageProcessor})

# So that `save_pretrained` writes the code beside the weights, for processes that do not have this package.
FerCnnConfig.register_for_auto_class()
FerCnnForImageClassification.register_for_auto_class("AutoModelForImageClassification")
FerImageProcessor.register_for_auto_class("AutoImageProcessor")

__all__ = ["FerCnnConfig", "FerCnnForImageClassification", "FerImageProcessor", "list_models", "load"]
__version__ = "0.1.0"
