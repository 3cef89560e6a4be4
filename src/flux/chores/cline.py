"""Cline and Roo Code: the reminder that follows an answer without a tool call (cline/cline, RooCodeInc/Roo-Code)."""

from flux.chores.rule import Rule, Stage, TextRule
from flux.chores.titles import always

_NO_TOOL = "[ERROR] You did not use a tool in your previous response! Please retry with a tool use."
_XML = "Tool uses are formatted using XML-style tags."
_DONE = "The picture is drawn, and nothing is left to do."
_COMPLETION = f"<attempt_completion>\n<result>\n{_DONE}\n</result>\n</attempt_completion>"
"""The tool call that ends the task, in the form that the reminder shows."""

RULES: tuple[Rule, ...] = (
    # cline/cline and RooCodeInc/Roo-Code, src/core/prompts/responses.ts, noToolsUsed
    TextRule(Stage.START, "reminder", always(_COMPLETION), (_NO_TOOL,), holds=_XML),
    # the same with native tool calls, which an answer in text cannot contain
    TextRule(Stage.START, "reminder", always(_DONE), (_NO_TOOL,), lacks=_XML),
)
