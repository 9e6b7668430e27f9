"""Shapes, without any I/O: settings, the vendors' callbacks, the one event they all become, and its pulled
forms.
"""
