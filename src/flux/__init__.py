"""An OpenAI-compatible image service. Pure Python but for `flux.edge`, which touches the runtime."""

VERSION = "1.7.0"
