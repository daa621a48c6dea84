"""A Django template with a table of rows, for gunicorn."""

import json
import pathlib

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.template import engines
from django.urls import path

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Memories</title></head>
<body><h1>Memories</h1>
<table><thead><tr><th>Memory</th><th>Kind</th><th>Tags</th><th>Seen by</th><th>Changed</th></tr></thead>
<tbody>{% for row in rows %}<tr><td><a href="/memories/{{ forloop.counter }}">{{ row.content }}</a></td><td>{{ row.kind }}</td>\
<td>{{ row.tags }}</td><td>{{ row.visibility }}</td><td><time>{{ row.updated }}</time></td></tr>
{% endfor %}</tbody></table></body></html>"""

settings.configure(
    ALLOWED_HOSTS=["*"],
    DEBUG=False,
    MIDDLEWARE=["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="bench",
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
)
django.setup()

ROWS = json.loads((pathlib.Path(__file__).parent / "rows.json").read_text())
TEMPLATE = engines["django"].from_string(PAGE)


def page(request):
    return HttpResponse(TEMPLATE.render({"rows": ROWS}, request))


urlpatterns = [path("", page)]
application = get_wsgi_application()
