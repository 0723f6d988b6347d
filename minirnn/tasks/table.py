"""The table of systems; the command line knows nothing else of them."""

from __future__ import annotations

from minirnn.tasks.captioning_commands import TASK as CAPTIONER
from minirnn.tasks.classification_commands import TASK as CLASSIFIER
from minirnn.tasks.task import Task

TASKS: tuple[Task, ...] = (CAPTIONER, CLASSIFIER)
