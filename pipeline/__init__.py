"""Equipoise: turn what users do with a model's answers into the next model, and refuse any that forgot something."""

STAGES = {
    "ingest": "logs",
    "mine": "pairs",
    "mix": "mix",
    "train": "model",
    "evaluate": "scores",
    "gate": "verdict",
    "report": "report",
    "promote": "release",
}
"""The eight verbs in running order, and the kind of artefact each one makes."""

INPUTS = {"mine": "logs", "mix": "pairs", "train": "mix", "evaluate": "model", "gate": "scores", "report": "verdict", "promote": "report"}
"""Which kind of id goes into a stage. `ingest` takes paths instead."""
