"""Jobs by Celery on Redis: it carries ids and lends its pool; what a job is, and how it stands, is in PostgreSQL.

Imported only where the setting job_runner says celery.
"""
