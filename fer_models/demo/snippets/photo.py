from fer_models.faces import FaceDetector
from fer_models.images import read_image
from fer_models.inference import compare, load_models

comparison = compare(read_image("photo.jpg"), load_models(["transfer"]), FaceDetector())
for prediction in comparison.predictions:
    print(prediction.model, prediction.winner, prediction.probabilities)
