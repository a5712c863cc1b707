"""Background work, in both dialects and by either end."""

import pytest
from tests.core.session.conversation import (
    FORM,
    RELATED,
    SAMPLE,
    SUBSCRIPTION,
    Talk,
    error,
    modern,
    notification,
    request,
    result,
    stateful,
    stateless,
)

CORE = {"taskId": "t-1", "status": "working", "ttl": 60000, "pollInterval": 500}
FLAT = {"taskId": "t-1", "status": "working", "ttlMs": 60000, "pollIntervalMs": 500}


def core() -> Talk:
    """A tool call answered by a core task; the call is message 4, its answer 5."""
    talk = stateful()
    talk.client(request(1, "tools/call", name="t", task={"ttl": 1}, _meta={"progressToken": 1}))
    seen = talk.server(result(1, task=CORE))
    assert (seen.task, seen.call and seen.call.task, seen.notes) == ("t-1", "t-1", ())
    return talk


def extension(**task: object) -> Talk:
    """A tool call answered by a task of the extension; the call is message 3, its answer 4."""
    talk = stateless()
    talk.client(modern(1, "tools/call", name="t", _meta={"progressToken": 1}))
    assert talk.server(result(1, resultType="task", **(FLAT | task))).task == "t-1"
    return talk


@pytest.mark.parametrize("begin", [core, extension])
def test_a_task_is_known_with_its_times_and_origin(begin) -> None:  # type: ignore[no-untyped-def]
    (task,) = begin().session.tasks
    assert (task.id, task.owner, task.status, task.ttl, task.interval) == ("t-1", "server", "working", 60.0, 0.5)
    assert task.origin.call.method == "tools/call"
    assert task.origin.request is None
    assert task.expires_at == task.at + 60


def test_a_task_without_an_end_never_expires() -> None:
    (task,) = extension(ttlMs=None, pollIntervalMs=None).session.tasks
    assert (task.ttl, task.interval, task.expires_at) == (None, None, None)


@pytest.mark.parametrize("begin", [core, extension])
def test_polls_read_a_state_and_are_counted(begin) -> None:  # type: ignore[no-untyped-def]
    talk = begin()
    line = modern if begin is extension else request
    for ident, status in ((5, "working"), (6, "input_required"), (7, "working")):
        asked = talk.client(line(ident, "tasks/get", taskId="t-1"))
        assert (asked.name, asked.task, asked.confidence) == ("t-1", "t-1", "certain")
        seen = talk.server(result(ident, taskId="t-1", status=status))
        assert (seen.task, seen.notes, seen.parents) == ("t-1", (), asked.parents)
    (task,) = talk.session.tasks
    assert (task.polls, task.status, task.ttl) == (3, "working", 60.0)


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
@pytest.mark.parametrize("begin", [core, extension])
def test_an_ended_task_stays_ended(begin, status: str) -> None:  # type: ignore[no-untyped-def]
    talk = begin()
    line = modern if begin is extension else request
    talk.client(line(5, "tasks/get", taskId="t-1"))
    talk.server(result(5, taskId="t-1", status=status))
    assert (talk.session.tasks, talk.waits()) == ((), ())
    talk.client(line(6, "tasks/get", taskId="t-1"))
    assert talk.server(result(6, taskId="t-1", status="working")).notes == ("task-state",)
    assert talk.session.tasks == ()


@pytest.mark.parametrize(("more", "status"), [({}, "completed"), ({"isError": True}, "failed")])
def test_tasks_result_ends_a_core_task(more: dict[str, object], status: str) -> None:
    talk = core()
    asked = talk.client(request(5, "tasks/result", taskId="t-1"))
    assert asked.task == "t-1"
    assert talk.who() == [("TASK", "tools/call t, task t-1, working, polled 0x"), ("TASK", "tasks/result t-1")]
    assert talk.server(result(5, content=[], **more)).notes == ()
    assert talk.waits() == ()
    seen = talk.server(notification("notifications/tasks/status", taskId="t-1", status=status))
    assert (seen.task, seen.notes) == ("t-1", ())


def test_an_error_of_tasks_result_is_the_tasks_failure() -> None:
    talk = core()
    talk.client(request(5, "tasks/result", taskId="t-1"))
    talk.server(error(5, -32603))
    assert talk.session.tasks == ()
    talk.client(request(6, "tasks/result", taskId="t-1"))
    assert talk.server(error(6, -32603)).notes == ()


def test_the_result_of_a_task_that_a_poll_saw_end_is_no_news() -> None:
    talk = core()
    talk.server(notification("notifications/tasks/status", taskId="t-1", status="failed"))
    talk.client(request(5, "tasks/result", taskId="t-1"))
    assert talk.server(result(5, content=[])).notes == ()


@pytest.mark.parametrize("method", ["tasks/get", "tasks/result"])
def test_a_task_its_owner_knows_no_more_is_gone(method: str) -> None:
    talk = core()
    talk.client(request(5, method, taskId="t-1"))
    assert talk.server(error(5, -32602)).task == "t-1"
    assert talk.session.tasks == ()
    talk.client(request(6, method, taskId="other"))
    assert talk.server(error(6, -32602)).task == "other"


def test_a_poll_that_fails_otherwise_says_nothing_about_the_task() -> None:
    talk = core()
    talk.client(request(5, "tasks/get", taskId="t-1"))
    talk.server(error(5, -32603))
    assert len(talk.session.tasks) == 1


def test_a_core_task_is_cancelled_by_the_answer_that_shows_it() -> None:
    talk = core()
    talk.client(request(5, "tasks/cancel", taskId="t-1"))
    talk.server(result(5, taskId="t-1", status="cancelled"))
    assert talk.session.tasks == ()


def test_the_extension_acknowledges_a_cancellation_without_a_state() -> None:
    talk = extension()
    talk.client(modern(5, "tasks/cancel", taskId="t-1"))
    assert talk.server(result(5, resultType="complete")).task == "t-1"
    assert len(talk.session.tasks) == 1


def test_a_list_of_tasks_is_news_about_each() -> None:
    talk = core()
    talk.client(request(5, "tasks/list"))
    talk.server(result(5, tasks=[CORE | {"status": "input_required"}, {"taskId": "t-2"}, {"status": "x"}, 7]))
    assert {task.id: task.status for task in talk.session.tasks} == {"t-1": "input_required", "t-2": "working"}
    talk.client(request(6, "tasks/list"))
    assert talk.server(result(6, tasks=7)).notes == ()


def test_a_state_of_a_task_never_handed_out_is_noted_and_learned() -> None:
    talk = stateful()
    seen = talk.server(notification("notifications/tasks/status", taskId="t-9", status="working"))
    assert (seen.task, seen.call, seen.notes) == ("t-9", None, ("unknown-task",))
    assert talk.who() == [("TASK", "task t-9, working, polled 0x")]
    assert talk.server(notification("notifications/tasks/status", status="working")).task is None
    talk.client(request(5, "tasks/get", taskId="t-9"))
    assert talk.server(result(5, taskId="t-9", status="odd")).notes == ("task-state",)


@pytest.mark.parametrize(("status", "running"), [("input_required", 1), ("completed", 0)])
def test_a_status_may_overtake_the_answer_that_hands_the_task_out(status: str, running: int) -> None:
    talk = stateful()
    talk.client(request(1, "tools/call", name="t", task={}))
    early = talk.server(notification("notifications/tasks/status", taskId="t-1", status=status))
    assert early.notes == ("unknown-task",)
    talk.server(result(1, task=CORE))
    assert [(task.status, task.origin is None) for task in talk.session.tasks] == [(status, False)] * running


def test_a_related_task_names_the_parent_for_certain() -> None:
    talk = core()
    for ident in (5, 6):
        talk.client(request(ident, "tools/call", name="other"))
    seen = talk.server(request(1, "elicitation/create", message="?", _meta={RELATED: {"taskId": "t-1"}}))
    assert (seen.parents, seen.confidence, seen.task) == ((4,), "certain", "t-1")
    assert [(ask.task, ask.parents) for ask in seen.asks] == [("t-1", (4,))]
    (wait,) = [wait for wait in talk.waits() if "t-1" in wait.what]
    assert (wait.who, wait.via) == ("USER", (8,))


def test_progress_goes_on_for_the_whole_core_task() -> None:
    talk = core()
    seen = talk.server(notification("notifications/progress", progressToken=1, progress=1, total=2))
    assert (seen.notes, seen.parents, seen.call and seen.call.name) == ((), (4,), "t")
    assert talk.who() == [("TASK", "tools/call t 1/2, task t-1, working, polled 0x")]
    talk.server(notification("notifications/tasks/status", taskId="t-1", status="completed"))
    assert talk.server(notification("notifications/progress", progressToken=1)).notes == ("late",)


def test_the_extension_has_no_progress_on_tasks() -> None:
    assert extension().server(notification("notifications/progress", progressToken=1)).notes == ("late",)


def test_a_client_may_run_a_task_for_a_question() -> None:
    talk = stateful()
    talk.client(request(1, "tools/call", name="t"))
    talk.server(request(1, "sampling/createMessage", task={}))
    seen = talk.client(result(1, task=CORE | {"taskId": "c-1"}))
    assert [(ask.state, ask.task) for ask in seen.asks] == [("open", "c-1")]
    (task,) = talk.session.tasks
    assert (task.owner, task.origin and task.origin.call.method) == ("client", "sampling/createMessage")
    assert [wait.who for wait in talk.waits()] == ["SERVER", "MODEL", "MODEL"]
    poll = talk.server(request(2, "tasks/get", taskId="c-1"))
    assert (poll.parents, poll.confidence) == ((4,), "likely")
    assert talk.client(result(2, taskId="c-1", status="completed")).task == "c-1"
    talk.server(request(3, "tasks/result", taskId="c-1"))
    assert [ask.state for ask in talk.client(result(3, role="assistant")).asks] == ["answered"]
    assert talk.who() == [("SERVER", "tools/call t")]


def test_a_task_nobody_asked_for_is_followed_all_the_same() -> None:
    talk = stateful()
    talk.client(request(1, "tools/call", name="t"))
    talk.server(result(1, task=CORE))
    assert len(talk.session.tasks) == 1


@pytest.mark.parametrize("odd", [{"task": 7}, {"task": {}}, {"task": {"taskId": 7}}, {"resultType": "task"}])
def test_a_task_without_an_id_is_no_task(odd: dict[str, object]) -> None:
    for talk, line in ((stateful(), request), (stateless(), modern)):
        talk.client(line(1, "tools/call", name="t"))
        talk.server(result(1, **odd))
        assert talk.session.tasks == ()


def test_what_a_task_asks_is_asked_once_however_often_it_is_polled() -> None:
    talk = extension()
    first = None
    for ident in (5, 6):
        talk.client(modern(ident, "tasks/get", taskId="t-1"))
        seen = talk.server(result(ident, taskId="t-1", status="input_required", inputRequests={"a": FORM, "b": SAMPLE}))
        first = first or seen.asks
        assert seen.asks == first
    assert [(ask.carrier, ask.task, ask.parents) for ask in first or ()] == [("task", "t-1", (3,))] * 2
    assert talk.session.counts.asks == 2
    assert [wait.who for wait in talk.waits()] == ["USER", "USER", "MODEL"]


def test_answers_to_a_task_settle_and_their_repetition_asks_nothing() -> None:
    talk = extension()
    talk.client(modern(5, "tasks/get", taskId="t-1"))
    talk.server(result(5, taskId="t-1", status="input_required", inputRequests={"a": FORM, "b": SAMPLE}))
    seen = talk.client(modern(6, "tasks/update", taskId="t-1", inputResponses={"a": {"action": "decline"}, "z": {}}))
    assert [(ask.key, ask.state) for ask in seen.asks] == [("a", "declined")]
    talk.server(result(6, resultType="complete"))
    talk.client(modern(7, "tasks/get", taskId="t-1"))
    seen = talk.server(result(7, taskId="t-1", status="input_required", inputRequests={"a": FORM, "b": SAMPLE}))
    assert [ask.key for ask in seen.asks] == ["b"]
    talk.client(modern(8, "tasks/get", taskId="t-1"))
    assert talk.server(result(8, taskId="t-1", status="completed")).asks == ()
    assert talk.waits() == ()


def test_answers_to_an_unknown_task_are_noted() -> None:
    assert stateless().client(modern(1, "tasks/update", taskId="t-9")).notes == ("unknown-task",)
    assert stateless().client(modern(1, "tasks/update")).notes == ("unknown-task",)


def test_a_task_is_told_on_the_listen_stream_that_asked_for_it() -> None:
    talk = extension()
    listen = talk.client(modern("l", "subscriptions/listen", taskIds=["t-1"]))
    tag = {"_meta": {SUBSCRIPTION: "l"}}
    seen = talk.server(
        notification("notifications/tasks", taskId="t-1", status="input_required", inputRequests={"a": FORM}, **tag)
    )
    assert (seen.task, seen.call, [ask.key for ask in seen.asks]) == ("t-1", listen.call, ["a"])


def test_a_task_of_another_session_may_ask_too() -> None:
    talk = stateless()
    seen = talk.server(
        notification("notifications/tasks", taskId="t-9", status="input_required", inputRequests={"a": FORM})
    )
    assert ([ask.parents for ask in seen.asks], seen.notes) == ([()], ("unknown-task",))


def test_a_task_past_its_time_waits_for_nobody() -> None:
    talk = extension(ttlMs=1500)
    assert [(wait.who, wait.deadline, wait.then) for wait in talk.waits()] == [("TASK", 5.5, "the task may be deleted")]
    talk.client(notification("notifications/initialized"))
    talk.client(notification("notifications/initialized"))
    assert [wait.who for wait in talk.waits()] == ["NOBODY"]
