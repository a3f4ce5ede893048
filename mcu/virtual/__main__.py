"""`python -m mcu.virtual BUNDLE`: a board without hardware, on a pty."""

import sys

from mcu.virtual.process import main

sys.exit(main())
