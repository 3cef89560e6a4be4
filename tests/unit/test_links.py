"""Which links in a model's answer are fetched: only those with https and a public host name."""

import pytest

from flux import links


@pytest.mark.parametrize(
    "href",
    [
        "https://pictures.example/",
        "https://examples.aig.cloudflare.com/a/b.png",
        "https://pub-04a6d208d361438ea01b797e6973bd19.r2.dev/x.jpg?X-Amz-Signature=ab%2Fcd&a=b@c#d",
        "https://ark-acg-ap-southeast-1.tos-ap-southeast-1.volces.com/a_b.jpeg",
        "https://pictures.example./a",
        "https://xn--bcher-kva.example/a",
        "https://a_b.example/a",
        "https://1.example/a",
        "https://local.example/internal",
    ],
)
def test_a_link_to_a_public_name_is_fetched(href: str) -> None:
    assert links.refusal(href) is None


@pytest.mark.parametrize(
    "href",
    [
        "",
        "https://",
        "https:///a",
        "http://pictures.example/a",
        "ftp://pictures.example/a",
        "javascript:alert(1)",
        "data:image/png;base64,AAAA",
        "blob:https://pictures.example/1",
        "//pictures.example/a",
        "HTTPS://PICTURES.EXAMPLE/A",
        "https://pictures.example:8443/a",
        "https://pictures.example:443/a",
        "https://user@pictures.example/a",
        "https://user:word@pictures.example/a",
        "https://pictures.example@evil.example/a",
        "https://127.0.0.1/a",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1./a",
        "https://2130706433/a",
        "https://pictures.0x7f/a",
        "https://[::1]/a",
        "https://[fd00::1]/a",
        "https://localhost/a",
        "https://localhost./a",
        "https://a.localhost/a",
        "https://printer.local/a",
        "https://printer.LOCAL/a",
        "https://metadata.google.internal/a",
        "https://router.home.arpa/a",
        "https://intranet/a",
        "https://.example/a",
        "https://a..example/a",
        "https://pictures.example\\@evil.example/a",
        "https://pictures.example /a",
        "https://pictures.example/a\nb",
        "https://pictures.example/ä",
        "https://pictures%2eexample/a",
        "https://pictures.example/" + "a" * links.MAX_LENGTH,
    ],
)
def test_a_link_to_anything_else_is_not(href: str) -> None:
    """Judged in the form that the runtime's parser gives a link, so that two parsers cannot disagree."""
    assert links.refusal(href)


def test_the_log_has_no_more_of_a_link_than_its_host() -> None:
    assert links.host_of("https://pictures.example/a?X-Signature=secret") == "pictures.example"
    assert links.host_of("javascript:") == ""
