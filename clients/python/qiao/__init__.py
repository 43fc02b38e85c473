"""Qiao for Python: ask for services and perform them.

    import qiao

    with qiao.Requester(qiao.Context.load()) as broker:
        receipt = broker.submit("testing.release", {"product": "QX-101", ...}, key="batch-B7")
        outcome = broker.wait(receipt.id, timeout=60)
        print(outcome.status, outcome.outcome, outcome.output)

    worker = qiao.Worker(qiao.Context.load("biolab"), name="bench-3")
    @worker.performs("compute.screening", capacity=2)
    def screen(task):
        task.progress(0.5, "half way")
        return qiao.Result({"hits": 12}, outcome="hits-found")
    worker.run()

Times are integers of microseconds UTC on the wire and `datetime` never appears by surprise; durations that a caller gives are seconds
(float). Pure Python over python3-zmq and python3-msgpack; one object belongs to one thread, except Task, whose methods may be called from
the function that performs it.
"""
from .context import Context
from .connection import Connection, Refusal, Uncertain, Unreachable
from .ids import id_text, id_number
from .requester import Event, Receipt, Requester
from .worker import Failure, Question, Result, Task, Worker

__all__ = ["Connection", "Context", "Event", "Failure", "Question", "Receipt", "Refusal", "Requester", "Result", "Task", "Uncertain",
           "Unreachable", "Worker", "id_number", "id_text"]
