"""--restart, --log-driver, --log-opt and --storage-opt."""

from wherry.engine.containers.options.units import parse_integer
from wherry.engine.containers.options.values import EngineRefusal, Options, pairs
from wherry.errors import InvalidArgument
from wherry.oci.container_config import LogConfig, RestartPolicy, RestartPolicyName


def parse_restart_policy(text: str) -> RestartPolicy:
    """`no`, `always`, `unless-stopped`, `on-failure[:N]`."""
    if not text:
        return RestartPolicy()
    name, colon, count = text.partition(":")
    if colon and not name:
        raise InvalidArgument("invalid restart policy format: no policy provided before colon")
    maximum = 0
    if count:
        try:
            maximum = parse_integer(count)
        except ValueError:
            raise InvalidArgument(
                "invalid restart policy format: maximum retry count must be an integer"
            ) from None
    return restart_policy(name, maximum)


def restart_policy(name: str, maximum_retry_count: int) -> RestartPolicy:
    """The checked policy, also of an API body; "" is `no`."""
    try:
        policy = RestartPolicyName(name or "no")
    except ValueError:
        raise EngineRefusal(
            f"invalid restart policy: unknown policy '{name}';"
            " use one of 'no', 'always', 'on-failure', or 'unless-stopped'"
        ) from None
    # Who names no policy may count, as clients of Docker did before 25.0.
    if name and maximum_retry_count and policy is not RestartPolicyName.ON_FAILURE:
        raise EngineRefusal(
            "invalid restart policy: maximum retry count can only be used with 'on-failure'"
        )
    if maximum_retry_count < 0:
        raise EngineRefusal("invalid restart policy: maximum retry count cannot be negative")
    return RestartPolicy(name=policy, maximum_retry_count=maximum_retry_count)


def read_log(options: Options) -> LogConfig:
    driver = options.text("log_driver")
    log_options = options.texts("log_opt")
    if driver == "none" and log_options:
        raise InvalidArgument(f"invalid logging opts for driver {driver}")
    return LogConfig(driver=driver, options=pairs(log_options))


def read_storage_options(options: Options) -> dict[str, str]:
    texts = options.texts("storage_opt")
    if any("=" not in text for text in texts):
        raise InvalidArgument("invalid storage option")
    return pairs(texts)
