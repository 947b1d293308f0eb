"""When, where and after what: the only code that knows Airflow."""
