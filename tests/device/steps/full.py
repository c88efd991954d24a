"""`rotcheck compare --full`: transforms, compilers and CUDA graphs too."""

from cells import judged
from record import Step, run

NAMES = ("native", "rotcheck", "timm-cat", "flash-attn")


def main(step: Step) -> None:
    """Compare on the device."""
    judged(
        step,
        step.rotcheck("compare", "--full", *NAMES, "--device", step.device, report="full"),
        NAMES,
    )


if __name__ == "__main__":
    run(main)
