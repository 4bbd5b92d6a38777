"""graphite-web as Debian packages it, on loopback: graphite_web.py FOLDER PORT, with FOLDER/whisper and FOLDER/log."""

import os
import sys
import warnings
from wsgiref.simple_server import make_server

folder, port = sys.argv[1], int(sys.argv[2])
warnings.simplefilter("ignore")
os.environ["GRAPHITE_SETTINGS_MODULE"] = "there_is_none"
os.environ["DJANGO_SETTINGS_MODULE"] = "graphite.settings"

from graphite import settings  # noqa: E402

settings.STORAGE_DIR = folder
settings.WHISPER_DIR = folder + "/whisper"
settings.STANDARD_DIRS = [settings.WHISPER_DIR]
settings.LOG_DIR = folder + "/log"
settings.CARBONLINK_HOSTS = []
settings.SECRET_KEY = "of a test"
settings.ALLOWED_HOSTS = ["*"]
settings.DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}

from graphite.wsgi import application  # noqa: E402

make_server("127.0.0.1", port, application).serve_forever()
