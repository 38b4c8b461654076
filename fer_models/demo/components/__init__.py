"""The page's own pictures, as HTML: one file per tab, and the pieces that they share in `html`."""
