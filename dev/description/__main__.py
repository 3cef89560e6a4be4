"""Write public/openapi.json, and public/docs.html, which is made from it."""

from dev import description
from dev.description import reference

description.FILE.write_text(description.text())
reference.FILE.write_text(reference.text(description.document()))
