"""The table of systems; the command line knows nothing else of them."""

from __future__ import annotations

from minirnn.tasks.captioning_commands import TASK as CAPTIONER
from minirnn.tasks.classification_commands import TASK as CLASSIFIER
from minirnn.tasks.clips_commands import TASK as CLIPS
from minirnn.tasks.detection_commands import TASK as DETECTOR
from minirnn.tasks.film_commands import TASK as FILM
from minirnn.tasks.gestures_commands import TASK as GESTURES
from minirnn.tasks.pen_commands import TASK as PEN
from minirnn.tasks.reader_commands import TASK as READER
from minirnn.tasks.segmentation_commands import TASK as SEGMENTER
from minirnn.tasks.task import Task
from minirnn.tasks.text_commands import TASK as TEXT
from minirnn.tasks.tracking_commands import TASK as TRACKER

TASKS: tuple[Task, ...] = (
    CAPTIONER, TEXT, READER, PEN, GESTURES, CLIPS, TRACKER, FILM, CLASSIFIER, DETECTOR, SEGMENTER,
)  # fmt: skip
