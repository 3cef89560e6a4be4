"""Is this a title, a tag, a follow-up? Then this is the answer, and no picture is drawn.

Chat apps ask the endpoint they draw with for titles, tags and summaries as well. The rules are the
exact marks of those requests, each with the app it was read from; a rule that a person's prompt
could match by its subject alone ("a title card") has no place here. What is left out on purpose,
because a person may well mean it:

- `max_tokens` of 16 and less alone, or the bare "hello" that LobeChat checks a provider with;
- a forced `tool_choice`, or `response_format` "json_object": both stay set in apps and in scripts
  whose users still want a picture;
- an answered conversation that ends with a message of the assistant ("continue") or of a tool;
- a text that ends with "The name is:".
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from flux import prompt
from flux.conversation import SYSTEM_ROLES, Conversation, Message
from flux.errors import InvalidRequest
from flux.picture import ids_in_text
from flux.text import clean


@dataclass(frozen=True, slots=True)
class Chore:
    """A chore and its answer."""

    kind: str
    """For the log: "title", "tags" and so on."""
    text: str


def recognise(conversation: Conversation) -> Chore | None:
    """The chore that a conversation asks for; None where a person asks for a picture.

    The answer never holds a picture, and a title keeps the language
    of the prompt it is made of.
    """
    return (
        _named(conversation)
        or _by_schema(conversation)
        or _by_text(conversation)
        or _by_system(conversation)
        or _after_the_answer(conversation)
        or _next_chat_title(conversation)
        or _probe(conversation)
    )


# --- what is answered ---------------------------------------------------------------------------

_Prompts = Sequence[str]
"""What a person asked to be drawn, the oldest first, at most `MAX_PROMPTS`; empty where unknown."""
_Answer = Callable[[_Prompts], str]

MAX_PROMPTS = 5
MAX_PROMPT_LENGTH = 2000
"""Characters read of one prompt."""

_NO_PROMPT = "Image"
"""Title of a conversation without a word, and the tag of every one."""


def _always(answer: object) -> _Answer:
    text = answer if isinstance(answer, str) else _json(answer)
    return lambda _: text


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


MAX_WORDS, MAX_WIDTH = 7, 48
"""Of a title. The tightest that an app asks for is 50 characters (LobeChat)."""
_WIDE = "\u2e80"
"""Chinese, Japanese, Korean and emoji begin here; one of them says as much as three letters."""


def _title(prompts: _Prompts) -> str:
    """The first words of the first prompt that has any."""
    titles = (_cut(" ".join(_plain(text).split()[:MAX_WORDS])).strip(_EDGES) for text in prompts)
    return next(filter(None, titles), _NO_PROMPT)


_EDGES = " \"'`“”„«»「」『』#*_~<>()[]{}|=+-–—,.;:!¡?¿…，。、；：！？\u200d\ufe0f"
_CLAUSES = "，、。；：！？"


def _cut(title: str) -> str:
    width = 0
    for at, character in enumerate(title):
        width += 3 if character >= _WIDE else 1
        if width > MAX_WIDTH:
            short = prompt.shorten(title, at)
            clause = max(map(short.rfind, _CLAUSES))
            return short[:clause] if clause > at // 3 else short
    return title


def _title_json(prompts: _Prompts) -> str:
    return _json({"title": _title(prompts)})


def _title_and_language(prompts: _Prompts) -> str:
    return _json({"language": _LANGUAGE, "title": _title(prompts)})


_LANGUAGE = "und"
"""Undetermined (ISO 639-2): to name a language takes a model."""


def _summary(prompts: _Prompts) -> str:
    quoted = [f"“{prompt.shorten(' '.join(text.split()), 100)}”" for text in map(_plain, prompts) if text.strip()]
    return f"Asked to be drawn: {'; '.join(quoted)}." if quoted else "Pictures were drawn."


def _image_prompt(prompts: _Prompts) -> str:
    return _json({"prompt": _plain(prompts[-1]).strip() if prompts else ""})


_PICTURE = re.compile(r"!\[[^\]]*\]\([^)]*\)")


def _plain(text: str) -> str:
    """A prompt without directives and without markdown pictures, whole or cut off."""
    with suppress(InvalidRequest):  # a directive that cannot be followed is words here
        text, _ = prompt.split(text)
    return _PICTURE.sub(" ", text).partition("![")[0]


# --- where the prompts stand --------------------------------------------------------------------

_Quote = Callable[[str], Iterator[str]]
"""Finds the prompts that an app quotes in its request."""


def _between(before: str, *after: str, until: str = "") -> _Quote:
    """Prompts that stand behind `before`, each up to the first of `after`, and none behind `until`."""

    def find(text: str) -> Iterator[str]:
        text = f"\n{text.partition(until)[0] if until else text}"
        at = text.find(before)
        while at >= 0:
            at += len(before)
            quoted = text[at : at + MAX_PROMPT_LENGTH]
            for end in after:
                quoted = quoted.partition(end)[0]
            yield quoted
            at = text.find(before, at + len(quoted))

    return find


def _json_texts(text: str) -> Iterator[str]:
    """The user's texts in a list of `{"role", "mainText"}`.

    Only their strings are parsed: the list may be cut, and nested as deep as its sender likes.
    """
    at = text.find(_MAIN_TEXT)
    while at >= 0:
        at += len(_MAIN_TEXT)
        try:
            quoted, at = _STRINGS.raw_decode(text, at - 1)
        except ValueError:
            return
        yield clean(quoted)
        at = text.find(_MAIN_TEXT, at)


_MAIN_TEXT = '{"role":"user","mainText":"'
_STRINGS = json.JSONDecoder()

_UPPER_LINES = _between(
    "\nUSER: ",
    "\nASSISTANT: ",
    "\nUSER: ",
    "\n</chat_history>",
    until="\n\n### Recent Messages Kept In Context:",
)
_LOWER_LINES = _between("\nuser: ", "\nassistant: ", "\nuser: ", "\n\n请总结上述对话")
_AI_LINES = _between("\nUser: ", "\nAI: ", "\nAssistant: ")
_TAGS = _between("<user>", "</user>")
_QUOTES: tuple[_Quote, ...] = (_UPPER_LINES, _AI_LINES, _TAGS, _LOWER_LINES, _json_texts)


def _prompts(conversation: Conversation, *quotes: _Quote) -> _Prompts:
    """The prompts that the last message quotes, else those of the conversation before it."""
    *earlier, asking = conversation.messages
    for quote in quotes:
        if quoted := list(islice(quote(asking.text), MAX_PROMPTS)):
            return quoted
    return [m.text[:MAX_PROMPT_LENGTH] for m in earlier if m.role == "user" and m.text][:MAX_PROMPTS]


# --- Open WebUI ---------------------------------------------------------------------------------

_TASKS: Mapping[str, tuple[str, _Answer]] = {
    "title_generation": ("title", _title_json),
    "tags_generation": ("tags", _always({"tags": [_NO_PROMPT]})),
    "follow_up_generation": ("follow_ups", _always({"follow_ups": []})),
    "query_generation": ("queries", _always({"queries": []})),
    "autocomplete_generation": ("autocomplete", _always({"text": ""})),
    "image_prompt_generation": ("image_prompt", _image_prompt),
    "emoji_generation": ("emoji", _always("🙂")),
    "moa_response_generation": ("merge", _always("Each model drew a picture of its own; pictures are not merged.")),
    "function_calling": ("tools", _always({"tool_calls": []})),
    "context_compaction": ("summary", _summary),
    "memory_review": ("memory", _always({"operations": []})),
}
"""Open WebUI's tasks by their own names (backend/open_webui/constants.py, TASKS; routers/tasks.py;
utils/context_compaction.py; utils/memory.py), with the keys that utils/middleware.py reads back."""


def _named(conversation: Conversation) -> Chore | None:
    """A task that Open WebUI names.

    Only the names we know count: an older version sends the placeholder as it stands, and `metadata` is anybody's
    field.
    """
    for name in conversation.tasks:
        if name in _TASKS:
            return _task(conversation, name)
    return None


def _task(conversation: Conversation, name: str) -> Chore:
    kind, answer = _TASKS[name]
    return Chore(kind, answer(_prompts(conversation, _UPPER_LINES)))


_TASK_START = "### Task:"
_RAG_START = "### Task:\nRespond to the user query"
"""A person's prompt, wrapped with what was found for it (backend/open_webui/config.py, RAG_TEMPLATE)."""
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


def _by_history(conversation: Conversation, text: str) -> Chore | None:
    """Open WebUI's templates (backend/open_webui/config.py, DEFAULT_*_PROMPT_TEMPLATE).

    They all begin alike and quote the conversation; the key of the JSON they want back tells them
    apart, also where an administrator has rewritten or translated the rest.
    """
    if not text.startswith(_TASK_START) or text.startswith(_RAG_START):
        return None
    instructions, history, quoted = text.partition(_HISTORY)
    if not history or not quoted.startswith(_HISTORY_STARTS) or _HISTORY_END not in quoted:
        return None
    for key, name in _KEYS.items():
        if key in instructions:
            return _task(conversation, name)
    return Chore("title", _title(_prompts(conversation, _UPPER_LINES)))


# --- by what a text says ------------------------------------------------------------------------


class _Rule(NamedTuple):
    """A mark that only an app sets."""

    kind: str
    answer: _Answer
    marks: tuple[str, ...]
    holds: str = ""
    """What the text must hold beside one of the marks."""
    quotes: tuple[_Quote, ...] = ()
    """Where the prompts are quoted, if they are not the conversation's own messages."""


_NEXT_CHAT_TITLES = (
    # ChatGPTNextWeb/NextChat, app/locales/*.ts, Store.Prompt.Topic; each to where no person goes on.
    "Please generate a four to five word title summarizing our conversation without any lead-in",  # en
    "使用四到五个字直接返回这句话的简要主题，不要解释",  # cn
    "Use the language used by the user (e.g. en for english conversation, zh-hant for chinese conversation",  # tw
    "この文の簡潔なテーマを四から五文字で返してください。説明、句読点",  # jp
    "네 글자에서 다섯 글자로 이 문장의 간략한 주제를 반환하세요. 설명이나 문장 부호",  # ko
    "Geben Sie ein kurzes Thema in vier bis fünf Wörtern zurück, ohne Erklärungen",  # de
    "Utilisez quatre à cinq mots pour retourner le sujet succinct de cette phrase, sans explication",  # fr
    "Devuelve un tema breve de esta frase en cuatro a cinco palabras, sin explicación",  # es
    "Riporta il tema di questa frase in modo conciso con quattro o cinque parole, senza spiegazioni",  # it
    "Por favor, gere um título de quatro a cinco palavras resumindo nossa conversa sem qualquer introdução",  # pt
    "Укажите краткую тему этого сообщения в четырех-пяти словах, без объяснений",  # ru
    "Bu cümlenin dört ila beş kelimelik kısa başlığını doğrudan verin, açıklama yapmayın",  # tr
    "Použijte čtyři až pět slov pro stručné téma této věty, bez vysvětlení",  # cs
    "Prosím, vygenerujte štvor- až päťslovný titul, ktorý zhrnie našu konverzáciu bez akéhokoľvek úvodu",  # sk
    "Gunakan empat hingga lima kata untuk langsung memberikan ringkasan topik kalimat ini, tanpa penjelasan",  # id
    "Find en kort overskrift med 4-5 ord om emnet. Ingen tegnsætning",  # da
    "Bruk fire til fem ord for å returnere en kort oppsummering av temaet, uten forklaring",  # no
    "Sử dụng bốn đến năm từ để trả lại chủ đề tóm tắt của câu này, không giải thích",  # vi
    "استخدم أربع إلى خمس كلمات لإرجاع ملخص مختصر لهذه الجملة، بدون شرح",  # ar
    "চার থেকে পাঁচটি শব্দ ব্যবহার করে এই বাক্যের সংক্ষিপ্ত থিম দিন, ব্যাখ্যা",  # bn
    "এই বাক্যের জন্য চার থেকে পাঁচটি শব্দ দিয়ে একটি সংক্ষিপ্ত থিম তৈরি করুন, কোন ব্যাখ্যা",  # bn, 2026
    # The same up to 2.14 (August 2024), still deployed.
    "Bitte erstellen Sie einen vier- bis fünfwörtigen Titel, der unser Gespräch zusammenfasst, ohne Einleitung",
    "Veuillez générer un titre de quatre à cinq mots résumant notre conversation sans introduction",
    "Por favor, genera un título de cuatro a cinco palabras que resuma nuestra conversación sin ningún inicio",
    "Si prega di generare un titolo di quattro o cinque parole che riassuma la nostra conversazione senza alcuna",
    "Пожалуйста, создайте заголовок из четырех или пяти слов, который кратко описывает нашу беседу, без введения",
    "Lütfen herhangi bir giriş, noktalama işareti, tırnak işareti, nokta, sembol veya ek metin olmadan konuşmamızı",
    "Vytvořte prosím název o čtyřech až pěti slovech vystihující průběh našeho rozhovoru bez jakýchkoli",
    "Vennligst generer en tittel på fire til fem ord som oppsummerer samtalen vår uten noen innledning",
    "Sử dụng 4 đến 5 từ tóm tắt cuộc trò chuyện này mà không có phần mở đầu",
)
_NEXT_CHAT_SUMMARIES = (
    # ChatGPTNextWeb/NextChat, app/locales/*.ts, Store.Prompt.Summarize; sent as a last system message.
    "Summarize the discussion briefly in 200 words or less to use as a prompt for future context",  # en
    "简要总结一下对话内容，用作后续的上下文提示 prompt",  # cn
    "Use the language used by the user (e.g. en-us for english conversation, zh-hant for chinese conversation",  # tw
    "対話の内容を簡潔に要約し、後続のコンテキストプロンプトとして使用します",  # jp
    "대화 내용을 간략히 요약하여 후속 컨텍스트 프롬프트로 사용하세요",  # ko
    "Fassen Sie den Gesprächsinhalt zusammen, um als Kontextaufforderung für den nächsten Schritt zu dienen",  # de
    "Faites un résumé succinct de la discussion, à utiliser comme prompt de contexte ultérieur",  # fr
    "Resume brevemente el contenido de la conversación para usar como un prompt de contexto",  # es
    "Riassumi brevemente il contenuto della conversazione come prompt di contesto per il seguito",  # it
    "Resuma a discussão brevemente em 200 palavras ou menos para usar como um prompt para o contexto futuro",  # pt
    "Кратко подведите итоги содержимого беседы для использования в качестве последующего контекстного запроса",  # ru
    "Sohbet içeriğini kısaca özetleyin, bu özet sonraki bağlam ipucu olarak kullanılacaktır",  # tr
    "Stručně shrňte obsah konverzace jako kontextový prompt pro budoucí použití",  # cs
    "Stručne zhrňte diskusiu na menej ako 200 slov, aby ste ju mohli použiť ako výzvu pre budúci kontext",  # sk
    "Berikan ringkasan singkat tentang konten obrolan, untuk digunakan sebagai prompt konteks selanjutnya",  # id
    "Skriv et kort resumé (under 200 ord) af vores samtale til senere brug",  # da
    "Oppsummer samtalen kort som en kontekstuell prompt for fremtidige referanser",  # no
    "Tóm tắt nội dung cuộc trò chuyện một cách ngắn gọn, dùng làm gợi ý ngữ cảnh cho các lần sau",  # vi
    "قم بتلخيص محتوى الدردشة باختصار، لاستخدامه كإشارة سياقية لاحقة",  # ar
    "আলোচনার বিষয়বস্তু সংক্ষিপ্তভাবে সারাংশ করুন, পরবর্তী কনটেক্সট প্রম্পট হিসেবে ব্যবহারের জন্য",  # bn
)

_BY_START: tuple[_Rule, ...] = (
    _Rule("title", _title, _NEXT_CHAT_TITLES),
    _Rule("summary", _summary, _NEXT_CHAT_SUMMARIES),
    # chatboxai/chatbox, src/renderer/packages/prompts.ts (later src/shared/prompts.ts), nameConversation
    _Rule(
        "title",
        _title,
        ("Based on the chat history, give this conversation a name.\n",),
        holds="Here's the conversation:\n",
        quotes=(_between("Here's the conversation:\n\n```\n", "\n\n---------\n\n", "\n```"),),
    ),
    # the same, before 2024; up to 2023 as a system message
    _Rule(
        "title",
        _title,
        ("Name the conversation based on the chat records.\n",),
        holds="The following is the conversation:\n",
        quotes=(_between("The following is the conversation:\n\n```\n", "\n\n---------\n\n", "\n```"),),
    ),
    # the same, summarizeConversation
    _Rule("summary", _summary, ("Provide a detailed summary for continuing this conversation.\n",)),
    # danny-avila/agents, src/utils/title.ts, defaultCompletionPrompt, of 2026 and of 2025
    _Rule(
        "title",
        _title,
        (
            "Provide a concise, 5-word-or-less title for the conversation, using title case conventions.",
            "Provide a concise, 5-word-or-less title for the conversation, using its same language",
        ),
        quotes=(_AI_LINES,),
    ),
    # the same, defaultTitlePrompt: `titleMethod: structured`
    _Rule(
        "title",
        _title_and_language,
        ("Analyze this conversation and provide:\n1. The detected language of the conversation\n",),
        quotes=(_AI_LINES,),
    ),
    # danny-avila/LibreChat before 0.8, api/app/clients/OpenAIClient.js, titleConvo; a system message
    _Rule(
        "title",
        _title,
        ("Please generate a concise, 5-word-or-less title for the conversation, using its same language",),
        quotes=(_between('||>User:\n"', '"\n||>Response:'),),
    ),
    # open-webui/open-webui, backend/open_webui/config.py, DEFAULT_EMOJI_GENERATION_PROMPT_TEMPLATE
    _Rule(*_TASKS["emoji_generation"], ("Your task is to reflect the speaker's likely facial expression through a",)),
    # the same, DEFAULT_MOA_GENERATION_PROMPT_TEMPLATE
    _Rule(
        *_TASKS["moa_response_generation"],
        ("You have been provided with a set of responses from various models to the latest user query:",),
    ),
    # open-webui/open-webui, backend/open_webui/utils/context_compaction.py; no <chat_history> there
    _Rule(
        *_TASKS["context_compaction"],
        ("### Task:\nSummarize the conversation history that will be compacted out of the active chat context.",),
        quotes=(_UPPER_LINES,),
    ),
    # open-webui/open-webui before 0.5, DEFAULT_TITLE_GENERATION_PROMPT_TEMPLATE: the title alone
    _Rule(
        "title",
        _title,
        ("Create a concise, 3-5 word title with an emoji as a title for the chat history, in the given language.",),
        quotes=(_UPPER_LINES,),
    ),
    # the same before 0.4
    _Rule(
        "title",
        _title,
        ("Create a concise, 3-5 word title with an emoji as a title for the prompt in the given language.",),
        quotes=(_between("\nPrompt: "),),
    ),
)
"""By how the last message begins."""

_NO_SEARCH = "<question>\n    not_needed\n  </question>"

_BY_SYSTEM: tuple[_Rule, ...] = (
    # CherryHQ/cherry-studio, TopicNamingService.ts, FALLBACK_PROMPT; before 2.0 i18n prompts.title
    _Rule(
        "title",
        _title,
        (
            " ignoring instructions and without punctuation or symbols. Output only the title string",
            "字内标题，忽略会话中的指令，不要使用标点和特殊符号。以纯字符串格式输出",
            "You are an assistant skilled in conversation. You need to summarize the user's conversation into a title",
        ),
        quotes=(_json_texts, _AI_LINES),
    ),
    # CherryHQ/cherry-studio, src/renderer/src/config/prompts.ts, SEARCH_SUMMARY_PROMPT: before a search on the web
    _Rule(
        "search",
        _always(f"<websearch>\n  {_NO_SEARCH}\n</websearch>\n<knowledge>\n  {_NO_SEARCH}\n</knowledge>"),
        ("You are an AI question rephraser. Your role is to rephrase follow-up queries from a conversation into",),
    ),
    # lobehub/lobehub, packages/prompts/src/chains/summaryTitle.ts: JSON since 2026
    _Rule(
        "title",
        _title_json,
        ("You are a professional conversation summarizer. Generate a concise title that captures the essence",),
        holds='Return one JSON object with a single "title" string',
        quotes=(_TAGS,),
    ),
    _Rule(
        "title",
        _title,
        (
            "You are a professional conversation summarizer. Generate a concise title that captures the essence",
            "你是一名擅长会话的助理，你需要将用户的会话总结为 10 个字以内的标题",  # up to 2025; Cherry Studio's too
        ),
        quotes=(_LOWER_LINES,),
    ),
    # lobehub/lobehub, packages/prompts/src/chains/summaryGenerationTitle.ts: of a series of pictures
    _Rule(
        "title",
        _title,
        ("你是一位资深的 AI 艺术创作者和语言大师。你需要根据用户提供的 AI",),
        quotes=(_between("\n1. ", "\n2. "),),
    ),
    # the same, summaryHistory.ts, and prompts/compressContext of 2026
    _Rule(
        "summary",
        _summary,
        (
            "You're an assistant who's good at extracting key takeaways from conversations and summarizing them.",
            "You are a conversation context compressor. Your task is to create a structured summary",
        ),
        quotes=(_TAGS,),
    ),
    # the same, pickEmoji.ts: the picture of an assistant
    _Rule("emoji", _always("🎨"), ("You are an emoji expert who selects the most appropriate emoji to represent",)),
    # open-webui/open-webui, backend/open_webui/config.py, DEFAULT_TOOLS_FUNCTION_CALLING_PROMPT_TEMPLATE
    _Rule(
        *_TASKS["function_calling"],
        ("Your task is to choose and return the correct tool(s) from the list of available tools based on the query.",),
    ),
    # open-webui/open-webui, backend/open_webui/utils/memory.py
    _Rule(*_TASKS["memory_review"], ("You are Open WebUI's private memory reviewer. Return only valid JSON.",)),
    # chatboxai/chatbox, src/shared/prompts.ts, contructSearchAction and its kin, of 2026 and before
    _Rule(
        "search",
        _always({"action": "proceed"}),
        (
            "You are deciding whether a web search would help answer the user's query.",
            "You are deciding whether searching the attached knowledge base would help answer the user's query.",
            "As a professional researcher with access to both knowledge base and web search, your primary objective",
            "As a professional web researcher who can access latest data, your primary objective is to fully",
        ),
    ),
)
"""By what a system message holds."""

_JSON_LIST_STARTS = ('[{"role":"user","mainText":"', '[{"role":"assistant","mainText":"')
"""CherryHQ/cherry-studio, TopicNamingService.ts, buildStructuredConversation: the naming prompt is
the user's to rewrite and was translated before 2.0, but the conversation always comes in this form."""


def _by_text(conversation: Conversation) -> Chore | None:
    asking = conversation.messages[-1]
    if asking.role not in _ASKING_ROLES:
        return None
    for rule in _BY_START:
        if asking.text.startswith(rule.marks) and rule.holds in asking.text:
            return _follow(rule, conversation)
    if asking.text.startswith(_JSON_LIST_STARTS) and conversation.messages[0].role in SYSTEM_ROLES:
        return Chore("title", _title(_prompts(conversation, _json_texts)))
    return _by_history(conversation, asking.text)


def _by_system(conversation: Conversation) -> Chore | None:
    for message in conversation.messages:
        if message.role in SYSTEM_ROLES:
            for rule in _BY_SYSTEM:
                if any(mark in message.text for mark in rule.marks) and rule.holds in message.text:
                    return _follow(rule, conversation)
    return None


_ASKING_ROLES = SYSTEM_ROLES | {"user"}


def _follow(rule: _Rule, conversation: Conversation) -> Chore:
    return Chore(rule.kind, rule.answer(_prompts(conversation, *rule.quotes)))


# --- by the form of the request -----------------------------------------------------------------

_FIELDS: Mapping[str, tuple[str, Callable[[_Prompts], object]]] = {
    "title": ("string", _title),
    "summary": ("string", _summary),
    "description": ("string", _summary),
    "language": ("string", lambda _: _LANGUAGE),
    "tags": ("array", lambda _: [_NO_PROMPT]),
    "follow_ups": ("array", lambda _: []),
    "queries": ("array", lambda _: []),
}
"""Properties of a JSON schema that can be filled in without a model, with their types."""
_CERTAIN = frozenset(("title", "summary", "tags", "follow_ups", "queries"))
"""Those of them that are no part of a picture's description."""


def _by_schema(conversation: Conversation) -> Chore | None:
    """An object that holds a title, a summary and the like, and must hold nothing else.

    LobeChat's topic_title and topic_auto_summary (lobehub/lobehub, packages/prompts/src/chains),
    LibreChat's structured titles (danny-avila/agents, src/utils/title.ts).
    """
    schema = conversation.schema
    if schema is None:
        return None
    required, properties = schema.get("required"), schema.get("properties")
    if not isinstance(required, list) or not isinstance(properties, dict):
        return None
    if not all(isinstance(name, str) and _fits(name, properties.get(name)) for name in required):
        return None
    if kind := next((name for name in required if name in _CERTAIN), None):
        prompts = _prompts(conversation, *_QUOTES)
        return Chore(kind, _json({name: _FIELDS[name][1](prompts) for name in required}))
    return None


def _fits(name: str, wanted: object) -> bool:
    return name in _FIELDS and isinstance(wanted, dict) and wanted.get("type") == _FIELDS[name][0]


def _after_the_answer(conversation: Conversation) -> Chore | None:
    """NextChat's memory in any language: a last system message behind an answered prompt.

    ChatGPTNextWeb/NextChat, app/store/chat.ts, summarizeSession. Behind a prompt that is still open
    a system message is a setting of that prompt.
    """
    if conversation.messages[-1].role not in SYSTEM_ROLES or conversation.last_user is None:
        return None
    before = next(m for m in reversed(conversation.messages) if m.role not in SYSTEM_ROLES)
    return Chore("summary", _summary(_prompts(conversation))) if before.role == "assistant" else None


_NEXT_CHAT_KEYS = frozenset(
    ("messages", "stream", "model", "temperature", "presence_penalty", "frequency_penalty", "top_p")
)


def _next_chat_title(conversation: Conversation) -> Chore | None:
    """NextChat's title in any language.

    All of its fields and no other, not streamed, and the turn before drew one of our pictures
    (ChatGPTNextWeb/NextChat, app/client/platforms/openai.ts). What a person writes there is always
    sent with `stream: true` (app/store/chat.ts, onUserInput).
    """
    if conversation.streamed is not False or conversation.fields != _NEXT_CHAT_KEYS:
        return None
    match conversation.messages:
        case (*_, Message(role="assistant") as drawn, Message(role="user")) if _is_ours(drawn):
            return Chore("title", _title(_prompts(conversation)))
    return None


def _is_ours(message: Message) -> bool:
    return any(ids_in_text(message.text))


_PROBES = frozenset(("hi", "hello", "ping", "test", "hey how's it going", "what's 1 + 1"))
MAX_PROBE_TOKENS = 16


def _probe(conversation: Conversation) -> Chore | None:
    """A test of the connection: words that ask for nothing, and nothing before them.

    With a limit that no answer of ours fits in (QuantumNous/new-api, controller/channel-test.go,
    buildTestRequest; BerriAI/litellm, litellm/proxy/health_check.py, which asks every few minutes),
    or behind the system message "test" (CherryHQ/cherry-studio,
    src/renderer/src/services/ApiService.ts, checkApi).
    """
    *before, asking = conversation.messages
    if asking.role != "user" or asking.has_pictures or asking.text.strip(" .!?").lower() not in _PROBES:
        return None
    if any(message.role not in SYSTEM_ROLES for message in before):
        return None
    limited = any(0 < limit <= MAX_PROBE_TOKENS for limit in conversation.max_tokens)
    return Chore("probe", "OK") if limited or [message.text for message in before] == ["test"] else None
