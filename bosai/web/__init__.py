"""The pages and the API: residents at `/`, headquarters at `/hq/`, shelter desks at `/s/…`, all again under `/drill/`.

request ─▶ middleware (headers ▸ size ▸ origin ▸ errors) ─▶ handler: parse ▸ one service call ▸ render

app.py         make_app: the two sides from the same routes; opens nothing until the server starts
base.py        what every handler needs: its side's services, language, templates
middleware.py  security headers, cross-site refusal, errors → problem documents or pages
assets.py      our own files and the browser libraries from node_modules, by a table
resident.py, console/, desk.py, api.py    the pages
"""
