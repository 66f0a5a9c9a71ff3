"""A minimal Django service with the middleware of docs/middleware.md. Prints its port."""
import os
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
from django.conf import settings
from django.http import JsonResponse
from django.urls import path


def who(request):
    return JsonResponse({
        "type": request.user_type,
        "id": request.user_id,
        "audience": request.jwt_payload["aud"],
        "roles": request.jwt_payload["roles"],
    })


urlpatterns = [path("tickets/", who)]

settings.configure(
    ALLOWED_HOSTS=["*"],
    AUTH_BFF_AUDIENCE="tickets",
    AUTH_BFF_JWKS=os.environ["AUTH_BFF_JWKS"],
    MIDDLEWARE=["middleware.JWTAuthMiddleware"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="of-no-use-here",
)
django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402


class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass


server = make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Quiet)
print(f"listening on {server.server_port}", flush=True)
server.serve_forever()
