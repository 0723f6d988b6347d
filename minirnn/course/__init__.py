"""The course: exercises, the checker that names the mistake, and your own functions driving the captioner."""

from minirnn.course.notebook import assert_solved, check, my_ops, my_parts, source

__all__ = ["assert_solved", "check", "my_ops", "my_parts", "source"]
