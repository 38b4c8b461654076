import fer_models

model, image_processor = fer_models.load("transfer", namespace="NAMESPACE")
print(model.config.id2label)
