"""The two forms in which Tencent's clients pull events: the legacy API's and API 3.0's."""
