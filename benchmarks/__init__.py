"""How fast the service is, always beside a peer in the same run: ratios travel between machines, seconds do not.

    python -m benchmarks.NAME [--quick] [--json FILE]

rig (private Redis, keys, push service) ─▶ seed ─▶ ours / peer / ours / peer … ─▶ medians ─▶ rows ─▶ table, JSON
"""
