"""The web: what QC scientists live in, over the same store as the command line.

Takes a store and a site; gives pages, and the same as JSON under ``/api``. Looks only,
but for decisions, which go through ``flow.decisions`` as those of the command line do, and
for accounts. Never processes, never writes SQL, asks no other host.

A page is one module with a ``router`` and a ``MENU`` entry, one template and one test:
add its module to ``PAGES`` in ``application.py``.
"""
