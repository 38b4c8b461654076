pip install ".[app]"
