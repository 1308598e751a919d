"""What holds for every test, on any machine.

No property test fails because the machine was busy: nothing here asserts on time. And a suite that was started in the
background, where shells let Ctrl-C be ignored, hands no such habit on to the commands that it starts and interrupts.
"""

import signal

from hypothesis import settings

settings.register_profile("nyxcore", deadline=None)
settings.load_profile("nyxcore")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
