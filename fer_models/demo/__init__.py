"""The browser demo: layout in `ui`, plain functions in `handlers`, pictures in `figures`, words in `locales`."""
