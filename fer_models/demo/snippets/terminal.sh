.venv/bin/python -m fer_models compare photo.jpg
.venv/bin/python -m fer_models compare photo.jpg --json
