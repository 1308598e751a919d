"""A command for tests: opens the stack of NYX_HOME, says so, and leaves when it reads a line or the stack ends."""

import json
import selectors
import signal
import sys

from stack_bench import BLUEPRINT

from nyx.errors import StackStopped
from nyx.home import home_folder
from nyx.stack import open_stack


def say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    with open_stack(home_folder(), on_status=say, blueprint=BLUEPRINT) as stack:
        sys.stdout.write(json.dumps({"url": stack.url, "joined": stack.joined}) + "\n")
        sys.stdout.flush()
        with selectors.DefaultSelector() as selector:
            selector.register(sys.stdin, selectors.EVENT_READ)
            while not selector.select(0.1):
                stack.check()
except StackStopped as error:
    sys.exit(error.message)
except KeyboardInterrupt:
    sys.exit("stopped by Ctrl-C")
