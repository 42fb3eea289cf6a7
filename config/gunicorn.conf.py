"""For those who start gunicorn themselves; `engagement web` has the same options built in.

gunicorn --config config/gunicorn.conf.py
"""

from engagement.metrics import share_metrics
from engagement.serving import gunicorn_options
from engagement.settings import load

settings = load()
share_metrics(settings)
globals().update(gunicorn_options(settings))
wsgi_app = "engagement.serving:application()"
