"""LobeChat's titles, summaries and emoji (lobehub/lobehub)."""

from flux.chores.quotes import LOWER_LINES, TAGS, between
from flux.chores.rule import Rule, Stage, TextRule
from flux.chores.titles import always, summary, title, title_json

_JSON = 'Return one JSON object with a single "title" string'

RULES: tuple[Rule, ...] = (
    # lobehub/lobehub, packages/prompts/src/chains/summaryTitle.ts: JSON since 2026
    TextRule(
        Stage.SYSTEM,
        "title",
        title_json,
        ("You are a professional conversation summarizer. Generate a concise title that captures the essence",),
        holds=_JSON,
        quotes=(TAGS,),
    ),
    TextRule(
        Stage.SYSTEM,
        "title",
        title,
        (
            "You are a professional conversation summarizer. Generate a concise title that captures the essence",
            "你是一名擅长会话的助理，你需要将用户的会话总结为 10 个字以内的标题",  # up to 2025; Cherry Studio's too
        ),
        lacks=_JSON,
        quotes=(LOWER_LINES,),
    ),
    # lobehub/lobehub, packages/prompts/src/chains/summaryGenerationTitle.ts: of a series of pictures
    TextRule(
        Stage.SYSTEM,
        "title",
        title,
        ("你是一位资深的 AI 艺术创作者和语言大师。你需要根据用户提供的 AI",),
        quotes=(between("\n1. ", "\n2. "),),
    ),
    # the same, summaryHistory.ts, and prompts/compressContext of 2026
    TextRule(
        Stage.SYSTEM,
        "summary",
        summary,
        (
            "You're an assistant who's good at extracting key takeaways from conversations and summarizing them.",
            "You are a conversation context compressor. Your task is to create a structured summary",
        ),
        quotes=(TAGS,),
    ),
    # the same, pickEmoji.ts: the picture of an assistant
    TextRule(
        Stage.SYSTEM,
        "emoji",
        always("🎨"),
        ("You are an emoji expert who selects the most appropriate emoji to represent",),
    ),
)
