"""Long jobs: one for each visitor, each of which can be cancelled."""

from threading import Event


class Jobs:
    """Which visitor has a job under way. A job looks at its flag often, and stops when it is set."""

    def __init__(self) -> None:
        self._flags: dict[str, Event] = {}

    def begin(self, visitor: str) -> None:
        """Announce a visitor's job; an earlier one is cancelled."""
        self.cancel(visitor)
        self._flags[visitor] = Event()

    def get_flag(self, visitor: str) -> Event | None:
        """The flag of a visitor's job that was announced and not cancelled; None if there is none."""
        return self._flags.get(visitor)

    def cancel(self, visitor: str) -> None:
        """Set the flag of a visitor's job, if there is one."""
        flag = self._flags.pop(visitor, None)
        if flag is not None:
            flag.set()

    def end(self, visitor: str, flag: Event) -> None:
        """Forget a visitor's job, unless a new one has taken its place."""
        if self._flags.get(visitor) is flag:
            del self._flags[visitor]
