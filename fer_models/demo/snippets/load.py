import fer_models
from PIL import Image

model, image_processor = fer_models.load("transfer")
logits = model(**image_processor(Image.open("face.png"), return_tensors="pt")).logits
print(model.config.id2label[logits.argmax(-1).item()])
