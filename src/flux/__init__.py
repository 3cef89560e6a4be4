"""An OpenAI-compatible image service. Only `flux.edge` touches the runtime; the rest is pure Python."""

VERSION = "1.9.0"
