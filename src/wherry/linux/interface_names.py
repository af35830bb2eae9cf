"""What interfaces can be called."""

INTERFACE_NAME_LENGTH = 15  # bytes: IFNAMSIZ without the closing NUL, netdevice(7)
