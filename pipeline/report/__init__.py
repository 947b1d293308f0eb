"""Report: one self-contained page that a person can decide from in two minutes, and the same facts as JSON."""
