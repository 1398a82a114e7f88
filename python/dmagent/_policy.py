"""A Python object that decides for the node."""

from __future__ import annotations

from ._arguments import agent_ids
from ._base import from_json
from ._errors import invalid
from ._records import ConnectionQuestion, MessageQuestion

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import Task
    from collections.abc import Awaitable, Iterable
    from typing import Any

    from ._native import Reply
    from .types import AgentLike

METHODS = ("admit_connection", "admit_message", "route")

# The plain words that each method may answer.
WORDS = {
    "admit_connection": ("default", "accept", "ask"),
    "admit_message": ("accept",),
    "route": ("default", "keep", "drop"),
}


class Refuse:
    """The answer of a policy that says no.

    `admit_connection` answers "accept", "ask" (somebody decides later), "default" or `None` (the settings decide), or
    `Refuse(...)`; `admit_message` answers "accept" or `Refuse(...)`.
    """

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        from ._shape import Text

        if fault := Text().fault("reason", reason):
            raise invalid(fault)
        self.reason = reason
        """A sentence for the other side."""

    def __repr__(self) -> str:
        return f"Refuse({self.reason!r})"


class Forward:
    """The answer of a policy that sends a message on to others, and not into the inbox.

    `route` answers "keep" (into the inbox), "drop", "default" or `None` (the routing rules decide), or `Forward(...)`.
    """

    __slots__ = ("to",)

    def __init__(self, to: AgentLike | Iterable[AgentLike]) -> None:
        self.to = agent_ids("to", to)
        """To whom; those who are not connected are skipped."""

    def __repr__(self) -> str:
        return f"Forward({self.to!r})"


def methods_of(policy: object | None) -> list[str]:
    """What a policy decides."""
    from ._shape import shown

    found = [name for name in METHODS if callable(getattr(policy, name, None))]
    if policy is not None and (not found or isinstance(policy, type)):
        what = f"the class {policy.__name__}; make an object of it" if isinstance(policy, type) else shown(policy)
        raise invalid(f"policy must be an object with any of the methods {', '.join(METHODS)}, not {what}")
    return found


def verdict_json(method: str, verdict: object) -> str:
    """The answer of a method as the core reads it; raises when it means nothing."""
    from json import dumps

    key = "route" if method == "route" else "verdict"
    words = WORDS[method]
    if isinstance(verdict, Refuse) and method != "route":
        return dumps({key: "refuse", "reason": verdict.reason})
    if isinstance(verdict, Forward) and method == "route":
        return dumps({key: "forward", "to": verdict.to})
    if verdict is None and "default" in words:
        return dumps({key: "default"})
    if isinstance(verdict, str) and verdict in words:
        return dumps({key: verdict})
    objects = "Forward(...)" if method == "route" else "Refuse(...)"
    raise TypeError(f"{method} answers one of {', '.join(map(repr, words))} or {objects}, not {verdict!r}")


def question_of(method: str, text: str) -> ConnectionQuestion | MessageQuestion:
    """What the policy is asked."""
    data: dict[str, Any] = from_json(text)
    return ConnectionQuestion.from_json(data) if method == "admit_connection" else MessageQuestion.from_json(data)


def failed(method: str, reply: Reply, error: BaseException) -> None:
    """Tells the owner in full and the core in short."""
    from logging import getLogger

    # First: nobody should wait for what a handler of the log does.
    reply.fail(f"{method} raised {type(error).__name__}")
    getLogger("dmagent.policy").error("%s failed; the safe answer is given", method, exc_info=error)


class LoopHandler:
    """Asks a policy on the event loop that set it."""

    __slots__ = ("_loop", "_patience", "_policy", "_tasks", "__weakref__")

    def __init__(self, policy: object, patience: float) -> None:
        from asyncio import get_running_loop

        self._loop = get_running_loop()
        self._patience = patience
        self._policy = policy
        # An event loop keeps only weak references to its tasks.
        self._tasks: set[Task[None]] = set()

    def __call__(self, method: str, question: str, reply: Reply) -> None:
        """Called by a thread of the library, which must not wait."""
        try:
            self._loop.call_soon_threadsafe(self._start, method, question, reply)
        except RuntimeError:
            reply.fail("the event loop of the policy is closed")

    def _start(self, method: str, question: str, reply: Reply) -> None:
        if reply.wanted:
            task = self._loop.create_task(self._decide(method, question, reply))
            self._tasks.add(task)
            task.add_done_callback(self._over)

    async def _decide(self, method: str, question: str, reply: Reply) -> None:
        from asyncio import wait_for

        waiting: Task[object] | None = None
        try:
            verdict = getattr(self._policy, method)(question_of(method, question))
            if hasattr(verdict, "__await__"):
                # `wait_for` makes a task of it on some versions of Python alone.
                waiting = self._loop.create_task(self._awaited(verdict, method, reply))
                verdict = await wait_for(waiting, self._patience)
            reply.answer(verdict_json(method, verdict))
        except BaseException as error:
            if waiting is not None and ends_the_loop(waiting):
                # It was told of there, and the loop is at its end: it must not be ended twice.
                return
            failed(method, reply, error)
            if not isinstance(error, Exception):
                # Where it comes from a plain method it goes on from here, as from any task.
                raise

    async def _awaited(self, verdict: Awaitable[object], method: str, reply: Reply) -> object:
        try:
            return await verdict
        except (KeyboardInterrupt, SystemExit) as error:
            # The loop ends before `_decide` hears of it.
            failed(method, reply, error)
            raise

    def _over(self, task: Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            # It was told of; the loop need not tell that nobody asked.
            task.exception()


def ends_the_loop(task: Task[object]) -> bool:
    """Whether a task has raised what event loops do not keep to themselves."""
    return task.done() and not task.cancelled() and isinstance(task.exception(), (KeyboardInterrupt, SystemExit))


class ThreadHandler:
    """Asks a policy on a thread of its own, with which the library calls it."""

    __slots__ = ("_policy", "__weakref__")

    def __init__(self, policy: object) -> None:
        self._policy = policy

    def __call__(self, method: str, question: str, reply: Reply) -> None:
        """Called by that thread."""
        try:
            verdict = getattr(self._policy, method)(question_of(method, question))
            if hasattr(verdict, "__await__"):
                verdict.close()
                raise TypeError(f"{method} is async; the synchronous node takes plain methods")
            reply.answer(verdict_json(method, verdict))
        except BaseException as error:
            # Whatever it is, it has nowhere to go on this thread, which has more questions to ask.
            failed(method, reply, error)
