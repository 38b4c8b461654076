"""Every word of the page, by language and id. A third language is one more dictionary."""

DEFAULT_LANGUAGE = "en"

LOCALES: dict[str, dict[str, str]] = {
    "en": {
        "language.name": "English",
        "app.title": "Four networks, one face",
        "app.subtitle": "Small neural networks trained on FER2013 guess a face's expression. See where they agree.",
        "app.language": "Language",
        "tab.compare": "Compare",
        "tab.live": "Live",
        "tab.many": "Many",
        "tab.models": "Models",
        "tab.code": "In your code",
        "photo.label": "Photo",
        "photo.placeholder": "Drop a photo here, paste one\nor click to choose a file",
        "photo.alt": "The photo that you chose",
        "photo.examples": "Or try one of these",
        "photo.whole": "Use the whole picture",
        "photo.with_box": "The photo, with a box around the face that was looked at",
        "photo.crop": "What the networks see: 48 × 48 grey pixels",
        "verdict.empty": "Choose a photo with a face, and the answers of the four networks appear here.",
        "verdict.all": "All {total} say {label}.",
        "verdict.most": "{count} of {total} say {label}.",
        "verdict.split": "They disagree.",
        "verdict.others": "{models} says {label}",
        "verdict.others_many": "{models} say {label}",
        "verdict.and": "and",
        "verdict.disclaimer": "This is a guess about how the face looks, not about how the person feels.",
        "faces.none": "No face was found in this picture. Try one in which the face is larger and looks at the camera, "
        "or use the whole picture as it is.",
        "faces.many": "{count} faces were found; this is about the largest.",
        "faces.whole": "The whole picture was taken for the face.",
        "card.accuracy": "right on {accuracy} of {n} test faces",
        "card.latency": "{latency} ms",
        "card.differs": "differs",
        "card.probabilities": "Probabilities of {model}",
        "error.missing": "The photo is gone. Please choose it again.",
        "error.empty": "This file is empty. Please choose another.",
        "error.unreadable": "This picture is damaged or cut short. Please choose another.",
        "error.not_an_image": "This file is not a picture that can be read. Please choose a JPEG or PNG.",
        "error.too_large": "This picture has more than {megapixels} megapixels. Please make it smaller.",
        "error.file_too_large": "This file is larger than {megabytes} MB. Please choose a smaller one.",
        "error.busy": "Too many people are using this page right now. Please try again in a moment.",
        "error.offline": "The connection to the server was lost. Please check it and try again.",
        "error.unexpected": "Something went wrong here, and it is not your fault. Please try again.",
        "error.camera_denied": "The browser does not let this page use the camera. Allow it beside the address of the "
        "page, or choose a photo instead.",
        "error.camera_missing": "No camera was found. Connect one, or choose a photo instead.",
        "error.camera_busy": "The camera gives no picture; perhaps another program is using it. Close that program, or "
        "choose a photo instead.",
        "error.camera_insecure": "Browsers lend the camera to secure pages (https) and to this machine's own pages "
        "only. Choose a photo instead.",
        "notice.short": "This is emotion recognition. It repeats labels that people gave to faces, is wrong {wrong}, "
        "and reads no minds. Not for use at work, at school, or on people who did not agree.",
        "notice.more": "Read more",
        "notice.wrong": "about {low} times in 10",
        "notice.wrong_range": "{low} to {high} times in 10",
        "notice.text": "The networks learned from FER2013: faces found by web search, each with a label that somebody "
        "gave it. They guess which of seven labels people would give to yours; what the person feels they cannot know. "
        "How the errors fall on age, sex or skin colour has not been measured, and they will not fall evenly. If you "
        "show somebody else's face to this page, tell them first. In the European Union, emotion recognition is "
        "prohibited at work and in education. Your photo is used to compute the answer, on the machine that serves "
        "this page, and is deleted within minutes; it is not logged and sent nowhere else.",
        "label.angry": "angry",
        "label.disgust": "disgusted",
        "label.fear": "afraid",
        "label.happy": "happy",
        "label.neutral": "neutral",
        "label.sad": "sad",
        "label.surprise": "surprised",
    },
    "es": {
        "language.name": "Español",
        "app.title": "Cuatro redes, una cara",
        "app.subtitle": "Pequeñas redes neuronales entrenadas con FER2013 adivinan la expresión de una cara. "
        "Mira en qué coinciden.",
        "app.language": "Idioma",
        "tab.compare": "Comparar",
        "tab.live": "En vivo",
        "tab.many": "Muchas",
        "tab.models": "Modelos",
        "tab.code": "En tu código",
        "photo.label": "Foto",
        "photo.placeholder": "Suelta aquí una foto, pégala\no haz clic para elegir un archivo",
        "photo.alt": "La foto que has elegido",
        "photo.examples": "O prueba una de estas",
        "photo.whole": "Usar la imagen entera",
        "photo.with_box": "La foto, con un recuadro en la cara analizada",
        "photo.crop": "Lo que ven las redes: 48 × 48 píxeles grises",
        "verdict.empty": "Elige una foto con una cara y aquí aparecerán las respuestas de las cuatro redes.",
        "verdict.all": "Las {total} dicen {label}.",
        "verdict.most": "{count} de {total} dicen {label}.",
        "verdict.split": "No se ponen de acuerdo.",
        "verdict.others": "{models} dice {label}",
        "verdict.others_many": "{models} dicen {label}",
        "verdict.and": "y",
        "verdict.disclaimer": "Es una conjetura sobre el aspecto de la cara, no sobre lo que siente la persona.",
        "faces.none": "No se ha encontrado ninguna cara en la imagen. Prueba con una en la que la cara sea más grande "
        "y mire a la cámara, o usa la imagen entera tal como está.",
        "faces.many": "Se han encontrado {count} caras; esto trata de la mayor.",
        "faces.whole": "Se ha tomado la imagen entera como cara.",
        "card.accuracy": "acierta en el {accuracy} de {n} caras de prueba",
        "card.latency": "{latency} ms",
        "card.differs": "difiere",
        "card.probabilities": "Probabilidades de {model}",
        "error.missing": "La foto ya no está. Elígela de nuevo, por favor.",
        "error.empty": "El archivo está vacío. Elige otro, por favor.",
        "error.unreadable": "La imagen está dañada o incompleta. Elige otra, por favor.",
        "error.not_an_image": "El archivo no es una imagen que se pueda leer. Elige un JPEG o PNG, por favor.",
        "error.too_large": "La imagen tiene más de {megapixels} megapíxeles. Redúcela, por favor.",
        "error.file_too_large": "El archivo ocupa más de {megabytes} MB. Elige uno más pequeño, por favor.",
        "error.busy": "Demasiadas personas usan esta página ahora mismo. Inténtalo de nuevo dentro de un momento.",
        "error.offline": "Se ha perdido la conexión con el servidor. Compruébala e inténtalo de nuevo.",
        "error.unexpected": "Algo ha fallado aquí, y no es culpa tuya. Inténtalo de nuevo, por favor.",
        "error.camera_denied": "El navegador no deja que esta página use la cámara. Permítelo junto a la dirección de "
        "la página o elige una foto.",
        "error.camera_missing": "No se ha encontrado ninguna cámara. Conecta una o elige una foto.",
        "error.camera_busy": "La cámara no da imagen; quizá la esté usando otro programa. Ciérralo o elige una foto.",
        "error.camera_insecure": "Los navegadores solo prestan la cámara a páginas seguras (https) y a las del propio "
        "equipo. Elige una foto.",
        "notice.short": "Esto es reconocimiento de emociones. Repite etiquetas que unas personas pusieron a caras, se "
        "equivoca {wrong} y no lee la mente. No lo uses en el trabajo, en la escuela ni con quien no haya dado su "
        "acuerdo.",
        "notice.more": "Leer más",
        "notice.wrong": "unas {low} de cada 10 veces",
        "notice.wrong_range": "entre {low} y {high} de cada 10 veces",
        "notice.text": "Las redes aprendieron de FER2013: caras encontradas buscando en la web, cada una con una "
        "etiqueta que alguien le puso. Adivinan cuál de siete etiquetas le pondría la gente a la tuya; lo que siente "
        "la persona no pueden saberlo. No se ha medido cómo se reparten los errores según la edad, el sexo o el color "
        "de piel, y no se repartirán por igual. Si enseñas a esta página la cara de otra persona, avísala antes. En la "
        "Unión Europea el reconocimiento de emociones está prohibido en el trabajo y en la enseñanza. Tu foto sirve "
        "para calcular la respuesta en la máquina que ofrece esta página y se borra en unos minutos; no se registra ni "
        "se envía a ningún otro sitio.",
        "label.angry": "enfado",
        "label.disgust": "asco",
        "label.fear": "miedo",
        "label.happy": "alegría",
        "label.neutral": "neutral",
        "label.sad": "tristeza",
        "label.surprise": "sorpresa",
    },
}


def translate(language: str, key: str, **values: object) -> str:
    """The words of `key` with `values` filled in.

    Raises:
        KeyError: There is no such language, key or value.
    """
    return LOCALES[language][key].format(**values)


def choose_language(accept_language: str | None) -> str:
    """The first language of an HTTP `Accept-Language` header that the page speaks, else English."""
    for part in (accept_language or "").split(","):
        language = part.split(";")[0].strip().lower().split("-")[0]
        if language in LOCALES:
            return language
    return DEFAULT_LANGUAGE


def format_decimal(language: str, number: float, digits: int = 1) -> str:
    """`4.71` -> `4.7`, with the decimal comma of Spanish."""
    text = f"{number:.{digits}f}"
    return text if language == "en" else text.replace(".", ",")


def format_percent(language: str, share: float, digits: int = 1) -> str:
    """`0.55` -> `55.0 %`, with the decimal comma of Spanish."""
    return f"{format_decimal(language, 100 * share, digits)}\N{NO-BREAK SPACE}%"


def format_count(language: str, count: int) -> str:
    """`7178` -> `7,178`, in Spanish `7178` and `28 709`."""
    if language == "en":
        return f"{count:,}"
    return f"{count:,}".replace(",", "\N{NO-BREAK SPACE}") if count >= 10_000 else str(count)
