"""For those who start gunicorn themselves; `engagement web` has the same options built in.

gunicorn --config config/gunicorn.conf.py
"""

from engagement.serving import gunicorn_options, share_metrics
from engagement.settings import load

settings = load()
share_metrics(settings)
globals().update(gunicorn_options(settings))
wsgi_app = "engagement.serving:application()"
