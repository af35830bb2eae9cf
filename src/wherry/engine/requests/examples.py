"""Documents as they are made for each container: an example has their codecs made before that."""

from wherry.engine.containers.spec.build import Moment, build_spec
from wherry.oci.codec import from_json, to_json
from wherry.oci.container_config import ContainerConfig, Healthcheck
from wherry.oci.image_config import (
    ContainerDefaults,
    HealthConfig,
    History,
    ImageConfig,
    RootFS,
)
from wherry.oci.runtime_spec import Namespace, Spec, User
from wherry.store.containers import Container, Details, Health, HealthResult, MountPoint, State


def use_documents() -> None:
    """Write and read the documents of images and containers: each class's codec is then made."""
    container = example()
    from_json(Container, to_json(container))
    from_json(ContainerConfig, to_json(container.config))
    from_json(Details, to_json(container.details))
    from_json(State, to_json(container.state))
    defaults = ContainerDefaults(healthcheck=HealthConfig())
    rootfs = RootFS(type="layers", diff_ids=())
    image = ImageConfig(rootfs=rootfs, config=defaults, history=(History(),))
    ImageConfig.from_bytes(image.to_bytes())


def use_spec() -> Spec:
    """Resolve the default configuration of the runtime."""
    namespaces = tuple(Namespace(type=kind) for kind in ("mount", "pid", "network", "ipc", "uts"))
    moment = Moment(user=User(), hostname="", namespaces=namespaces, mounts=())
    spec = build_spec(example(), "rootfs", moment)
    to_json(spec)
    return spec


def example() -> Container:
    return Container(
        id="0" * 64,
        name="",
        image_id="",
        created="",
        config=ContainerConfig(image="", healthcheck=Healthcheck()),
        details=Details(path="/", mounts=(MountPoint(type="", destination=""),)),
        state=State(health=Health(log=(HealthResult(start="", end="", exit_code=0, output=""),))),
    )
