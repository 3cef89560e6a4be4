"""The Worker's variables: defaults, valid values, and errors that name the variable."""

from typing import Any

import pytest

from flux import catalog, settings, words
from flux.errors import InvalidConfiguration
from flux.settings import Account, ExternalRewriter
from tests.builders import FLUX_2, SCHNELL, cases

DEFAULTS = {
    "model": catalog.MODELS[SCHNELL],
    "fallback_model": None,
    "steps": None,
    "image_expiration": 1800,
    "prompt_optimization": False,
    "external_writer": None,
    "prompt_model": catalog.DEFAULT_PROMPT_MODEL,
    "system_message": settings.DEFAULT_SYSTEM_MESSAGE,
    "account": None,
    "public_url": None,
    "language": "en",
    "log_prompts": False,
    "answer_chores": True,
    "gateway_id": None,
}


def differences(variables: dict[str, str]) -> dict[str, Any]:
    """The settings that variables change."""
    chosen = settings.read(variables)
    return {name: value for name, default in DEFAULTS.items() if (value := getattr(chosen, name)) != default}


@pytest.mark.parametrize("variables", [{}, dict.fromkeys(settings.NAMES, ""), dict.fromkeys(settings.NAMES, " \t\n")])
def test_what_is_empty_counts_as_not_set(variables: dict[str, str]) -> None:
    """An empty field in the dashboard, or an unfilled line of `.dev.vars`, means the default."""
    assert differences(variables) == {}


ON, OFF = ("true", "TRUE", "1", "yes", "On", "enabled"), ("false", "False", "0", "no", "OFF", "Disabled")
API = "https://api.cloudflare.com/client/v4"


@pytest.mark.parametrize(
    ("variables", "changed"),
    [
        ({"FLUX_MODEL": FLUX_2}, {"model": catalog.MODELS[FLUX_2]}),
        ({"FLUX_MODEL": " flux-2-dev "}, {"model": catalog.MODELS[FLUX_2]}),
        ({"FLUX_FALLBACK_MODEL": FLUX_2.upper()}, {"fallback_model": catalog.MODELS[FLUX_2]}),
        ({"FLUX_NUM_STEPS": "8"}, {"steps": 8}),
        ({"FLUX_NUM_STEPS": "100"}, {"steps": 100}),
        ({"IMAGE_EXPIRATION": "60"}, {"image_expiration": 60}),
        ({"IMAGE_EXPIRATION": "315360000"}, {"image_expiration": 10 * 365 * 86_400}),
        *(({"PROMPT_OPTIMIZATION": text}, {"prompt_optimization": True}) for text in ON),
        *(({"PROMPT_OPTIMIZATION": text}, {}) for text in OFF),
        *(({"LOG_PROMPTS": text}, {"log_prompts": True}) for text in ON),
        *(({"LOG_PROMPTS": text}, {}) for text in OFF),
        ({"PROMPT_MODEL": "@cf/a/b"}, {"prompt_model": "@cf/a/b"}),
        ({"SYSTEM_MESSAGE": "Be brief.\nBe kind."}, {"system_message": "Be brief.\nBe kind."}),
        *(({"RESPONSE_LANGUAGE": name}, {"language": name}) for name in words.LANGUAGES if name != "en"),
        ({"RESPONSE_LANGUAGE": "ZH-cn"}, {"language": "zh-CN"}),
        ({"RESPONSE_LANGUAGE": "zh_TW"}, {"language": "zh-TW"}),
        ({"RESPONSE_LANGUAGE": "de_AT"}, {"language": "de"}),
        ({"RESPONSE_LANGUAGE": "en-GB"}, {}),
        ({"CHORES": "draw"}, {"answer_chores": False}),
        ({"CHORES": "answer"}, {}),
        ({"AI_GATEWAY_ID": "my-gateway_1"}, {"gateway_id": "my-gateway_1"}),
        ({"PUBLIC_URL": "https://pictures.example/"}, {"public_url": "https://pictures.example"}),
        ({"PUBLIC_URL": "http://localhost:8080/flux"}, {"public_url": "http://localhost:8080/flux"}),
        ({"PUBLIC_URL": "HTTPS://pictures.example:65535//"}, {"public_url": "https://pictures.example:65535"}),
        ({"PUBLIC_URL": "http://[::1]:8787"}, {"public_url": "http://[::1]:8787"}),
        ({"PUBLIC_URL": "https://pictures.example/v1/"}, {"public_url": "https://pictures.example"}),
        ({"PUBLIC_URL": "https://pictures.example/a@b"}, {"public_url": "https://pictures.example/a@b"}),
        ({"CF_ACCOUNT_ID": "a1", "CF_API_TOKEN": "t"}, {"account": Account("a1", "t", API)}),
        ({"CF_ACCOUNT_ID": "a1", "CF_API_TOKEN": "bearer  t"}, {"account": Account("a1", "t", API)}),
        (
            {"CF_ACCOUNT_ID": "a1", "CF_API_TOKEN": "t", "CF_API_BASE_URL": "http://localhost:1/v4/"},
            {"account": Account("a1", "t", "http://localhost:1/v4")},
        ),
        ({"EXTERNAL_MODEL": "m", "EXTERNAL_API_KEY": "k"}, {}),
        ({"NOT_OURS": "x"}, {}),
    ],
)
def test_a_good_value_is_what_it_says(variables: dict[str, str], changed: dict[str, Any]) -> None:
    assert differences(variables) == changed


OPENAI = "https://api.openai.com/v1/chat/completions"
BASES = {
    # A host, with or without a version.
    "https://api.openai.com": OPENAI,
    "https://api.openai.com/": OPENAI,
    "https://api.openai.com/v1": OPENAI,
    "https://api.openai.com/v1/": OPENAI,
    "https://api.mistral.ai/v1": "https://api.mistral.ai/v1/chat/completions",
    "https://api.deepseek.com": "https://api.deepseek.com/v1/chat/completions",
    "https://api.together.xyz/v1": "https://api.together.xyz/v1/chat/completions",
    "https://api.x.ai/v1": "https://api.x.ai/v1/chat/completions",
    "https://router.huggingface.co/v1": "https://router.huggingface.co/v1/chat/completions",
    "http://localhost:11434": "http://localhost:11434/v1/chat/completions",  # Ollama
    "http://localhost:1234/v1/": "http://localhost:1234/v1/chat/completions",  # LM Studio
    # A path before the version, or another version.
    "https://api.groq.com/openai/v1": "https://api.groq.com/openai/v1/chat/completions",
    "https://openrouter.ai/api/v1": "https://openrouter.ai/api/v1/chat/completions",
    "https://api.fireworks.ai/inference/v1": "https://api.fireworks.ai/inference/v1/chat/completions",
    "https://api.cohere.ai/compatibility/v1": "https://api.cohere.ai/compatibility/v1/chat/completions",
    "https://dashscope.aliyuncs.com/compatible-mode/v1": (
        "https://dashscope.aliyuncs.com/compatible-mode/v1/chat/completions"
    ),
    "https://name.openai.azure.com/openai/v1/": "https://name.openai.azure.com/openai/v1/chat/completions",
    "https://qianfan.baidubce.com/v2": "https://qianfan.baidubce.com/v2/chat/completions",
    "https://ark.cn-beijing.volces.com/api/v3": "https://ark.cn-beijing.volces.com/api/v3/chat/completions",
    "https://open.bigmodel.cn/api/paas/v4/": "https://open.bigmodel.cn/api/paas/v4/chat/completions",
    "https://api.cloudflare.com/client/v4/accounts/a1/ai/v1": (
        "https://api.cloudflare.com/client/v4/accounts/a1/ai/v1/chat/completions"
    ),
    # A path after the version.
    "https://generativelanguage.googleapis.com/v1beta/openai/": (
        "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions"
    ),
    "https://gateway.ai.cloudflare.com/v1/a1/name/compat": (
        "https://gateway.ai.cloudflare.com/v1/a1/name/compat/chat/completions"
    ),
    "https://api.deepinfra.com/v1/openai": "https://api.deepinfra.com/v1/openai/chat/completions",
    "https://aiplatform.googleapis.com/v1beta1/projects/p/locations/global/endpoints/openapi": (
        "https://aiplatform.googleapis.com/v1beta1/projects/p/locations/global/endpoints/openapi/chat/completions"
    ),
    # No version at all.
    "https://api.perplexity.ai": "https://api.perplexity.ai/chat/completions",
    "https://models.github.ai/inference": "https://models.github.ai/inference/chat/completions",
    "https://dbc-1.cloud.databricks.com/serving-endpoints": (
        "https://dbc-1.cloud.databricks.com/serving-endpoints/chat/completions"
    ),
    # A full URL.
    OPENAI: OPENAI,
    f"{OPENAI}/": OPENAI,
    "https://api.deepseek.com/chat/completions": "https://api.deepseek.com/chat/completions",
    "https://ark.cn-beijing.volces.com/api/v3/chat/completions": (
        "https://ark.cn-beijing.volces.com/api/v3/chat/completions"
    ),
    "https://name.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-10-21": (
        "https://name.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-10-21"
    ),
    # A full URL of another endpoint.
    "https://api.openai.com/v1/responses": OPENAI,
    "https://api.openai.com/v1/completions": OPENAI,
    "https://models.github.ai/inference/chat": "https://models.github.ai/inference/chat/completions",
    # Parts that only look like a version.
    "https://v1.example": "https://v1.example/v1/chat/completions",
    "https://v1": "https://v1/v1/chat/completions",
    "https://api.example/v1x": "https://api.example/v1x/v1/chat/completions",
    "https://api.example/dev1": "https://api.example/dev1/v1/chat/completions",
}
"""URLs as printed in providers' documentation."""


@pytest.mark.parametrize(("base", "url"), BASES.items())
def test_the_writers_address_is_taken_in_every_form_that_providers_print(base: str, url: str) -> None:
    """The key is optional, because a private server may need none."""
    variables = {"EXTERNAL_API_BASE": base, "EXTERNAL_MODEL": "m"}
    assert settings.read(variables).external_writer == ExternalRewriter(url, "m", "")
    keyed = settings.read({**variables, "EXTERNAL_API_KEY": "k"})
    assert keyed.external_writer == ExternalRewriter(url, "m", "k")


@pytest.mark.parametrize("query", ["?", "?a=b", "/v1?a=b", "/chat/completions?a b", "/chat/completions?a?b"])
def test_a_query_is_taken_with_a_full_address_alone(query: str) -> None:
    with pytest.raises(InvalidConfiguration) as refusal:
        settings.read({"EXTERNAL_API_BASE": f"https://api.example{query}", "EXTERNAL_MODEL": "m"})
    assert refusal.value.variable == "EXTERNAL_API_BASE"


@pytest.mark.parametrize(
    ("model", "field"),
    [
        ("gpt-4o-mini", "max_tokens"),
        ("gpt-5-mini", "max_completion_tokens"),
        ("openai/gpt-5.2", "max_completion_tokens"),
        ("o3", "max_completion_tokens"),
        ("o4-mini", "max_completion_tokens"),
        ("o1x", "max_tokens"),
        ("llama-3.3-70b", "max_tokens"),
        ("@cf/openai/gpt-oss-20b", "max_tokens"),
        ("deepseek-chat", "max_tokens"),
    ],
)
def test_the_writers_answer_is_limited_by_the_field_that_its_model_takes(model: str, field: str) -> None:
    """OpenAI's newer models reject `max_tokens` with a 400, other services reject `max_completion_tokens`."""
    assert ExternalRewriter("https://api.example", model, "").token_limit == field


WRONG_URLS = (
    "example.com", "ftp://example.com", "https://", "https:///", "https:///path", "https://a b",
    "//x", "https://a?b", "https://a#b", 'https://a"b', "https://a<b", "https://é.example", "https://a)b",
)  # fmt: skip
WRONG_HOSTS = (
    "https://user:pw@x.com", "https://user@x.com", "https://:80", "https://:pw@x.com", "https://x.com:", "https://[::1",
    "https://x.com:0", "https://x.com:65536", "https://x.com:http", "https://.x", "https://-", "https://x%2F.com",
    "https:x.com", "https//x.com", "https://https://x.com",
)  # fmt: skip
WRONG_NUMBERS = (
    "0",
    "-1",
    "+4",
    "1.5",
    "four",
    "1e3",
    "٤",
    "0x10",
    "9" * 5000,
    "1_800",
    "1,800",
    "1 800",
    "1800s",
    "²",
)
OF_13_DIGITS = ("1800000000000", "0000000000060", "0000000000609", "6000000000000")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *cases("FLUX_NUM_STEPS", [*WRONG_NUMBERS, "101"]),
        *cases("IMAGE_EXPIRATION", [*WRONG_NUMBERS, *OF_13_DIGITS, "59", "315360001"]),
        ("FLUX_MODEL", "dall-e-3"),
        ("FLUX_MODEL", "@cf/nobody/nothing"),
        ("FLUX_FALLBACK_MODEL", "none"),
        ("PROMPT_OPTIMIZATION", "maybe"),
        ("LOG_PROMPTS", "2"),
        ("CHORES", "ignore"),
        ("RESPONSE_LANGUAGE", "tlh"),
        ("AI_GATEWAY_ID", "a/b"),
        ("CF_ACCOUNT_ID", "../x"),
        *cases("PUBLIC_URL", WRONG_URLS + WRONG_HOSTS),
        *cases("EXTERNAL_API_BASE", WRONG_URLS + WRONG_HOSTS),
        *cases("CF_API_BASE_URL", WRONG_URLS + WRONG_HOSTS),
        *cases("CF_API_TOKEN", ["two words", "Bearer two words", "t\tab", "line\nline", "tökén", "Bearer  "]),
        *cases("EXTERNAL_API_KEY", ["two words", "tökén"]),
        ("RESPONSE_LANGUAGE", "zh"),
    ],
)
def test_a_wrong_value_names_its_variable(name: str, value: str) -> None:
    good = {"CF_ACCOUNT_ID": "a", "CF_API_TOKEN": "t", "EXTERNAL_MODEL": "m"}
    with pytest.raises(InvalidConfiguration) as refusal:
        settings.read({**good, name: value})
    error = refusal.value
    assert (error.variable, error.status, error.code) == (name, 500, "invalid_configuration")
    assert error.message.startswith(f"{name} ")


FREE = {"API_KEY", "EXTERNAL_MODEL", "PROMPT_MODEL", "SYSTEM_MESSAGE"}
"""Variables that accept any text."""


@pytest.mark.parametrize("name", sorted(set(settings.NAMES) - FREE))
def test_a_wrong_value_is_never_said_back(name: str) -> None:
    """It may be a secret in the wrong field, and `/health` shows the message to everyone."""
    with pytest.raises(InvalidConfiguration) as refusal:
        settings.read({name: "Tr0ub4dor&3 = secret"})
    assert "Tr0ub4dor" not in refusal.value.message


QUOTES = ['""', "''", "``", "“”", "””", "„“", "‘’", "’’", "«»", "「」"]
GOOD = {
    "FLUX_MODEL": FLUX_2,
    "FLUX_NUM_STEPS": "8",
    "IMAGE_EXPIRATION": "86400",
    "PROMPT_OPTIMIZATION": "true",
    "EXTERNAL_API_BASE": "https://api.example/v1",
    "EXTERNAL_MODEL": "m",
    "EXTERNAL_API_KEY": "k",
    "SYSTEM_MESSAGE": "Be brief.",
    "CF_ACCOUNT_ID": "a1",
    "CF_API_TOKEN": "t",
    "PUBLIC_URL": "https://pictures.example",
    "RESPONSE_LANGUAGE": "de",
    "CHORES": "draw",
    "AI_GATEWAY_ID": "gateway",
}
"""A variable of each kind."""


@pytest.mark.parametrize("quotes", QUOTES)
@pytest.mark.parametrize("around", ["{}", " {} ", "\ufeff{}\u200b", "\u00a0{}\n"])
def test_quotes_around_a_value_are_no_part_of_it(quotes: str, around: str) -> None:
    """They are copied from a shell, from `.dev.vars`, or from a page with typographic quotes."""
    opening, closing = tuple(quotes)
    quoted = {name: around.format(f"{opening} {value}{closing}") for name, value in GOOD.items()}
    assert settings.read(quoted) == settings.read(GOOD)
    assert settings.read({"SYSTEM_MESSAGE": around.format(quotes)}) == settings.read({})


@pytest.mark.parametrize("text", ['"A" and "B"', "'tis", '"', 'a "b"', "“A” or “B”", "\"a'", '5"'])
def test_quotes_that_are_part_of_a_text_stay(text: str) -> None:
    assert settings.read({"SYSTEM_MESSAGE": text}).system_message == text


@pytest.mark.parametrize(
    ("variables", "missing"),
    [
        ({"CF_ACCOUNT_ID": "a"}, "CF_API_TOKEN"),
        ({"CF_API_TOKEN": "t"}, "CF_ACCOUNT_ID"),
        ({"EXTERNAL_API_BASE": "https://api.example"}, "EXTERNAL_MODEL"),
    ],
)
def test_half_of_what_goes_together_names_the_other_half(variables: dict[str, str], missing: str) -> None:
    with pytest.raises(InvalidConfiguration) as refusal:
        settings.read(variables)
    assert refusal.value.variable == missing


@pytest.mark.parametrize(
    ("value", "keys"),
    [
        (None, ()),
        ("", ()),
        (" , ,", ()),
        ("one", ("one",)),
        (" one , two,three,", ("one", "two", "three")),
        ("with space", ("with space",)),
        ('"a,b"', ("a", "b")),
        ('"a","b"', ("a", "b")),
        ("'a', “b”", ("a", "b")),
        ("one\ntwo\r\n three", ("one", "two", "three")),
        ('""', ()),
        ('"", “”', ()),
        ("\ufeff", ()),
    ],
)
def test_the_keys_are_one_or_several_separated_by_commas_or_lines(value: str | None, keys: tuple[str, ...]) -> None:
    """An empty key would let everyone in."""
    assert tuple(one.key for one in settings.read_api_keys({} if value is None else {"API_KEY": value})) == keys


def test_every_variable_that_is_read_is_one_that_the_edge_hands_over() -> None:
    asked: list[str] = []

    class Recorded(dict[str, str]):
        def get(self, key: str, default: Any = None) -> Any:
            asked.append(key)
            return super().get(key, default)

    variables = Recorded()
    settings.read(variables)
    settings.read_api_keys(variables)
    assert set(asked) == set(settings.NAMES)
