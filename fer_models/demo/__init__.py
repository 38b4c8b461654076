"""The demo: frame in `ui`, layout in `tabs`, actions in `handlers`, HTML in `components`, words in `locales`."""
