"""The scripted model's grammar of tasks, in English and Urdu: only the local system asks for it."""

from sidestream.tasks.scripted.decide import decide

__all__ = ["decide"]
