"""What every web process of ours has: routes that declare who may call them, problems, headers, health.

Outside use: `Routes` and `Subject` (declare routes), `create_app` (assemble a process).
"""

from kit.web.routes import Routes, Scope, Subject

__all__ = ["Routes", "Scope", "Subject"]
