"""`python -m minirnn` is `minirnn`."""

import sys

from minirnn.cli import main

sys.exit(main())
