"""Open WebUI's tasks (open-webui/open-webui)."""

from collections.abc import Mapping

from flux import prompt
from flux.chores.quotes import UPPER_LINES, between, prompts_of
from flux.chores.rule import Chore, Recogniser, Rule, Stage, TextRule
from flux.chores.titles import NO_PROMPT, Answer, always, image_prompt, summary, title, title_json
from flux.conversation import ASKING_ROLES, SYSTEM_ROLES, Conversation

_TASKS: Mapping[str, tuple[str, Answer]] = {
    "title_generation": ("title", title_json),
    "tags_generation": ("tags", always({"tags": [NO_PROMPT]})),
    "follow_up_generation": ("follow_ups", always({"follow_ups": []})),
    "query_generation": ("queries", always({"queries": []})),
    "autocomplete_generation": ("autocomplete", always({"text": ""})),
    "image_prompt_generation": ("image_prompt", image_prompt),
    "emoji_generation": ("emoji", always("🙂")),
    "moa_response_generation": ("merge", always("Each model drew a picture of its own; pictures are not merged.")),
    "function_calling": ("tools", always({"tool_calls": []})),
    "context_compaction": ("summary", summary),
    "memory_review": ("memory", always({"operations": []})),
}
"""Open WebUI's tasks by their own names (backend/open_webui/constants.py, TASKS; routers/tasks.py;
utils/context_compaction.py; utils/memory.py), with the keys that utils/middleware.py reads back."""


def _named(conversation: Conversation) -> Chore | None:
    """A task that Open WebUI names.

    Only known names count: older versions send the placeholder itself, and any client may use `metadata`.
    """
    for name in conversation.tasks:
        if name in _TASKS:
            return _task(conversation, name)
    return None


def _task(conversation: Conversation, name: str) -> Chore:
    kind, answer = _TASKS[name]
    return Chore(kind, answer(prompts_of(conversation, UPPER_LINES)))


_TASK_START = "### Task:"
_RAG_START = "### Task:\nRespond to the user query"
"""A user's prompt, wrapped with search results (backend/open_webui/config.py, RAG_TEMPLATE)."""
_HISTORY, _HISTORY_END = "\n<chat_history>\n", "\n</chat_history>"
_HISTORY_STARTS = ("USER: ", "ASSISTANT: ", "SYSTEM: ", "TOOL: ", _HISTORY_END)
_KEYS = {
    '"title":': "title_generation",
    '"follow_ups":': "follow_up_generation",
    '"tags":': "tags_generation",
    '"queries":': "query_generation",
    '"text":': "autocomplete_generation",
    '"prompt":': "image_prompt_generation",
}


def _by_history(conversation: Conversation) -> Chore | None:
    """Open WebUI's templates (backend/open_webui/config.py, DEFAULT_*_PROMPT_TEMPLATE).

    They all start the same way and quote the conversation. The key of the requested JSON tells them apart, even if an
    administrator has rewritten or translated the rest.
    """
    asking = conversation.messages[-1]
    text = asking.text
    if asking.role not in ASKING_ROLES or not text.startswith(_TASK_START) or text.startswith(_RAG_START):
        return None
    instructions, history, quoted = text.partition(_HISTORY)
    if not history or not quoted.startswith(_HISTORY_STARTS) or _HISTORY_END not in quoted:
        return None
    for key, name in _KEYS.items():
        if key in instructions:
            return _task(conversation, name)
    return Chore("title", title(prompts_of(conversation, UPPER_LINES)))


_CONTEXT, _CONTEXT_END = "<context>", "</context>"
_SHOWN = "The picture you asked for is shown in the chat."
_FAILED = "The picture could not be made."
_IMAGE_CONTEXTS: Mapping[str, str] = {
    # open-webui/open-webui, backend/open_webui/utils/middleware.py, chat_image_generation_handler
    "The requested image has been created by the system successfully and is now being shown to the user.": _SHOWN,
    "The requested image has been edited and created and is now being shown to the user.": _SHOWN,
    "Image generation was requested but the feature is currently disabled by the administrator": (
        "Picture generation is disabled here, so no picture was made."
    ),
    "Image generation was attempted but failed": _FAILED,
    # the same up to 0.6.3x
    "User is shown the generated image, tell the user that the image has been generated": _SHOWN,
    "Unable to generate an image, tell the user that an error occur": _FAILED,
}
"""How Open WebUI tells the model about the result of its image button, before the first system message."""
_ERROR = "Tell the user that the following error occurred: "
MAX_ERROR_LENGTH = 500
"""Most characters quoted from an error."""


def _after_the_image_button(conversation: Conversation) -> Chore | None:
    """The text below a picture that Open WebUI had drawn elsewhere: function calling "legacy", with the image button.

    The last message is the prompt of that picture, which must not be drawn twice.
    """
    first = conversation.messages[0]
    if first.role not in SYSTEM_ROLES:
        return None
    for context in first.text.split(_CONTEXT)[1:]:
        for start, answer in _IMAGE_CONTEXTS.items():
            if context.startswith(start):
                return Chore("image_result", answer + _quoted_error(context))
    return None


def _quoted_error(context: str) -> str:
    error = context.partition(_ERROR)[2].partition(_CONTEXT_END)[0]
    short = prompt.shorten(" ".join(error.replace("![", "[").split()), MAX_ERROR_LENGTH)
    return f" The error was: {short}" if short else ""


RULES: tuple[Rule, ...] = (
    # open-webui/open-webui, backend/open_webui/config.py, DEFAULT_EMOJI_GENERATION_PROMPT_TEMPLATE
    TextRule(
        Stage.START,
        *_TASKS["emoji_generation"],
        ("Your task is to reflect the speaker's likely facial expression through a",),
    ),
    # the same, DEFAULT_MOA_GENERATION_PROMPT_TEMPLATE
    TextRule(
        Stage.START,
        *_TASKS["moa_response_generation"],
        ("You have been provided with a set of responses from various models to the latest user query:",),
    ),
    # open-webui/open-webui, backend/open_webui/utils/context_compaction.py; no <chat_history> there
    TextRule(
        Stage.START,
        *_TASKS["context_compaction"],
        ("### Task:\nSummarize the conversation history that will be compacted out of the active chat context.",),
        quotes=(UPPER_LINES,),
    ),
    # open-webui/open-webui before 0.5, DEFAULT_TITLE_GENERATION_PROMPT_TEMPLATE: only the title, not JSON
    TextRule(
        Stage.START,
        "title",
        title,
        ("Create a concise, 3-5 word title with an emoji as a title for the chat history, in the given language.",),
        quotes=(UPPER_LINES,),
    ),
    # the same before 0.4
    TextRule(
        Stage.START,
        "title",
        title,
        ("Create a concise, 3-5 word title with an emoji as a title for the prompt in the given language.",),
        quotes=(between("\nPrompt: "),),
    ),
    # open-webui/open-webui, backend/open_webui/config.py, DEFAULT_TOOLS_FUNCTION_CALLING_PROMPT_TEMPLATE
    TextRule(
        Stage.SYSTEM,
        *_TASKS["function_calling"],
        ("Your task is to choose and return the correct tool(s) from the list of available tools based on the query.",),
    ),
    # open-webui/open-webui, backend/open_webui/utils/memory.py
    TextRule(
        Stage.SYSTEM,
        *_TASKS["memory_review"],
        ("You are Open WebUI's private memory reviewer. Return only valid JSON.",),
    ),
    Recogniser(Stage.NAME, _named),
    Recogniser(Stage.START, _by_history),
    Recogniser(Stage.OPENING, _after_the_image_button),
)
