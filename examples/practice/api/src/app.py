"""A small API: it counts its visitors in the database, and restarts itself when it is edited."""

import os

import bottle
import pg8000.native

GREETING = "Hello"


@bottle.get("/")
def visit() -> str:
    database = pg8000.native.Connection(
        "postgres", host="database", password=os.environ["PASSWORD"], timeout=10
    )
    try:
        database.run("CREATE TABLE IF NOT EXISTS visits (moment timestamptz DEFAULT now())")
        database.run("INSERT INTO visits DEFAULT VALUES")
        ((count,),) = database.run("SELECT count(*) FROM visits")
    finally:
        database.close()
    return f"{GREETING}, visitor {count}\n"


bottle.run(host="0.0.0.0", port=8000, reloader=True, interval=0.2, quiet=True)
