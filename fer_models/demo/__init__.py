"""The browser demo: frame in `ui`, layout in `tabs`, actions in `handlers`, HTML in `figures`, words in `locales`."""
