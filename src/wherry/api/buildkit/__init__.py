"""BuildKit's protocol: gRPC on connections that clients open at /grpc and /session."""
