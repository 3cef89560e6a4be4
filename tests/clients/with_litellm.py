"""LiteLLM, unmodified: BASE_URL API_KEY PROMPT -> what it understood, as JSON."""

import json
import os
import sys
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # otherwise it fetches prices from GitHub

import litellm

litellm.suppress_debug_info = True  # an advertisement that is printed with every error
base_url, api_key, prompt = sys.argv[1:]
to_us: dict[str, Any] = {"model": "openai/flux", "api_base": base_url, "api_key": api_key}


def message(words: str) -> list[dict[str, str]]:
    """A conversation with one prompt."""
    return [{"role": "user", "content": f"{prompt} {words}"}]


chat = litellm.completion(messages=message("chat 3:2"), **to_us)
stream = litellm.completion(messages=message("stream"), stream=True, **to_us)
images = litellm.image_generation(prompt=f"{prompt} image", n=2, size="1024x1024", **to_us)
refusal = ""
try:
    litellm.image_generation(prompt=f"{prompt} [[fault 3030]]", **to_us)
except litellm.exceptions.BadRequestError as error:
    refusal = type(error).__name__

understood = {
    "chat": chat.choices[0].message.content,
    "usage": chat.usage.total_tokens,
    "stream": [chunk.choices[0].delta.content or "" for chunk in stream],
    "images": [{"url": image.url, "b64_json": image.b64_json} for image in images.data],
    "refusal": refusal,
}
json.dump(understood, sys.stdout)
