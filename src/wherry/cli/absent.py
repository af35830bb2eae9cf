"""Commands of Docker's that this engine has nothing behind, and why."""

_SWARM = "it manages swarms, and this engine is for one machine"
_PLUGINS = "this engine has no plugins"
_NO_DAEMON = "there is no daemon to choose"

ABSENT = {
    "checkpoint": "containers have no checkpoints",
    "compose": "run docker compose at the socket of 'wherry serve'",
    "config": _SWARM,
    "context": _NO_DAEMON,
    "node": _SWARM,
    "plugin": _PLUGINS,
    "secret": f"{_SWARM}; 'wherry build --secret' needs none",
    "service": _SWARM,
    "stack": _SWARM,
    "swarm": _SWARM,
    "system dial-stdio": _NO_DAEMON,
    "trust": "content trust is not supported",
    "volume update": _SWARM,
}
