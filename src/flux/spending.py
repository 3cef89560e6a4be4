"""What one request spends on models: counted call by call, in hundredths of a neuron (`prices`)."""

from flux import prices
from flux.trace import Trace


class Spending:
    """Of one request."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._parts: dict[int | None, int] = {}
        """By the picture's index, None for the prompt writer: what `of` has not told yet."""
        self.total: int | None = 0
        """Of the calls that may have cost something; None once one of them was of a model without a known price."""

    async def begin(self, model: str, most: int | None, index: int | None = None) -> "ModelCost":  # noqa: ARG002 - for who counts by model
        """A call of a model is about to be made, for the picture of an index, that costs at most so much.

        What it returns has to be ended.
        """
        return ModelCost(self, most, index)

    def add(self, cost: int | None, index: int | None) -> None:
        """A call has ended and has cost this."""
        self.total = None if self.total is None or cost is None else self.total + cost
        self._parts[index] = self._parts.get(index, 0) + (cost or 0)
        self._trace.facts.neurons = prices.neurons(self.total or None)

    def of(self, index: int) -> int | None:
        """What a picture cost that is finished; the writer's part is with the first. None where a price is unknown."""
        part = self._parts.pop(index, 0) + self._parts.pop(None, 0)
        return None if self.total is None else part

    def headers(self) -> dict[str, str]:
        """What an answer that is known whole tells of it."""
        return {} if self.total is None else {"x-cost-neurons": prices.text(self.total)}


class ModelCost:
    """What one call of a model costs. It counts in full until the opposite is known."""

    def __init__(self, spending: Spending, most: int | None, index: int | None) -> None:
        self._spending = spending
        self._index = index
        self.cost = most
        """Hundredths of a neuron; to be set to what it really was, 0 where the call is certain to have cost nothing."""

    def end(self) -> None:
        """The call is over, however it ended."""
        self._spending.add(self.cost, self._index)
