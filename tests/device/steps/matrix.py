"""`rotcheck compare`: its own implementations and those of libraries, beside the CPU."""

from cells import judged
from record import Step, run

from rotcheck.implementations import registry

LIBRARIES = ("timm", "transformers-llama", "torchtune", "torch-onnx", "liger", "fla")


def main(step: Step) -> None:
    """Compare on the device and on the CPU."""
    devices = ",".join(dict.fromkeys((step.device, "cpu")))
    names = (*registry.of_folder(), *LIBRARIES)
    report = step.rotcheck("compare", *names, "--device", devices, report="matrix")
    judged(step, report, names)


if __name__ == "__main__":
    run(main)
