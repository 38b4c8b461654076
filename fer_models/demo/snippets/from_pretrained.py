from transformers import AutoImageProcessor, AutoModelForImageClassification, pipeline

folder = "exported/transfer"  # made by: .venv/bin/python -m fer_models export transfer exported/transfer
model = AutoModelForImageClassification.from_pretrained(folder, trust_remote_code=True)
image_processor = AutoImageProcessor.from_pretrained(folder, trust_remote_code=True)
classify = pipeline("image-classification", model=model, image_processor=image_processor)
print(classify("face.png", top_k=3))
