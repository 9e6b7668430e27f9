"""What happens after the acknowledgement: the Celery application, its tasks, and the queues they drain and feed."""
