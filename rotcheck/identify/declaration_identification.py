"""The identification of a function that declares its convention: it is held to that."""

import torch
from msgspec import structs

from rotcheck.convention import Convention
from rotcheck.identify.asking.capabilities import capabilities
from rotcheck.identify.asking.function_under_test import FunctionUnderTest
from rotcheck.identify.asking.random_values import of_values
from rotcheck.identify.identification_result import IdentificationResult, identification_of
from rotcheck.identify.reading import convention_words
from rotcheck.implementations.target import Target
from rotcheck.measure.case import Sizes
from rotcheck.results import FieldEvidence, Remark

EVIDENCE = FieldEvidence(
    field="all",
    says="as declared",
    because="it says so itself; its values were compared with that",
)


def identify_declared(
    target: Target, convention: Convention, device: torch.device
) -> IdentificationResult:
    """Hold a function to what it declares; on meta, which has no values, believe it."""
    description = convention_words.describe(convention)
    evidence, error, findings = [EVIDENCE], None, list[Remark]()
    if device.type != "meta":
        on_cpu = target.on_cpu(device)
        function = FunctionUnderTest(target.function, convention, device, on_cpu)
        sizes = Sizes(width=convention.head_dim or 64)
        error, findings = of_values(function, sizes)
        abilities = capabilities(function, sizes)
        evidence += abilities.evidence
        description = structs.replace(
            description, dtype_rule=abilities.dtype_rule, takes=abilities.takes
        )
    identification = identification_of(
        target,
        device,
        follows=not findings,
        convention=description,
        declared=True,
        call=convention_words.call_words(convention),
        evidence=tuple(evidence),
        findings=tuple(findings),
        error=error,
    )
    return IdentificationResult(identification, convention)
