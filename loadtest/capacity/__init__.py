"""How many recorders a cell of a given size holds, by what recording was measured to cost.

`costs` is what was measured and where, `estimate` the sum, `measure` takes new costs from a running stack.
"""

from loadtest.capacity.costs import PARTS, Costs
from loadtest.capacity.estimate import Estimate, Size, Use, estimate

__all__ = ["PARTS", "Costs", "Estimate", "Size", "Use", "estimate"]
