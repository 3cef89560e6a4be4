"""Vercel's AI Chatbot, from which many apps are made: titles (vercel/ai-chatbot)."""

from flux.chores.quotes import whole
from flux.chores.rule import Rule, Stage, TextRule
from flux.chores.titles import title

RULES: tuple[Rule, ...] = (
    # vercel/ai-chatbot, lib/ai/prompts.ts, titlePrompt
    TextRule(
        Stage.OPENING,
        "title",
        title,
        ("Generate a short chat title (2-5 words) summarizing the user's message.\n",),
        quotes=(whole,),
    ),
)
