"""LangChain, unmodified: BASE_URL API_KEY PROMPT -> what it understood, as JSON.

`langchain-openai` does not support the Images API. It draws through messages that contain pictures.
"""

import json
import sys

from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

base_url, api_key, prompt = sys.argv[1:]
model = ChatOpenAI(model="flux", base_url=base_url, api_key=SecretStr(api_key))

answer = model.invoke(f"{prompt} chat 3:2")
pieces = [chunk.text for chunk in model.stream(f"{prompt} stream")]
picture = {"type": "image", "base64": PIXEL, "mime_type": "image/png"}
edited = model.invoke([HumanMessage([{"type": "text", "text": f"{prompt} picture 1:1"}, picture])])

understood = {
    "chat": answer.text,
    "usage": answer.usage_metadata,
    "stream": pieces,
    "edited": edited.text,
    "model": edited.response_metadata["model_name"],
}
json.dump(understood, sys.stdout)
