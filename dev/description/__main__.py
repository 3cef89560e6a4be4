"""Write public/openapi.json and the page made of it, public/docs.html."""

from dev import description
from dev.description import reference

description.FILE.write_text(description.text())
reference.FILE.write_text(reference.text(description.document()))
