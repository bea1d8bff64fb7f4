"""The test bed: the outside world of the service, on loopback and under the test's control.

    push_service  RFC 8030 endpoints with scripted answers + Mozilla's WebSocket ─┬─ firefox (stock, headless)
    subscriber    synthetic browsers: keys, an inbox, on line or not             ─┘
    chromium      pages, service workers, pushes through DevTools
    jma_server    recorded telegrams as Atom feeds, on a clock of their own (clocks)

Nothing here is imported by the service. Everything opens with ``async with`` and leaves nothing behind.
"""
