"""Write public/openapi.json."""

from dev import description

description.FILE.write_text(description.text())
