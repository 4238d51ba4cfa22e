"""Events: what happened in a studio, who caused it, from where."""
