"""JavaScript module: a model as one file without dependencies, from raw columns to predictions.

``to_javascript`` writes the module, ``verify`` runs it in Node.js and compares its predictions with the model's.
"""

from backpass.model.javascript.export import MARK, to_javascript
from backpass.model.javascript.verification import Verification, verify

__all__ = ["MARK", "Verification", "to_javascript", "verify"]
