"""The calls worth trying: a role for each argument that a function requires,
and some that it may be given."""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any

from rotcheck.convention.roles import NUMBERS
from rotcheck.convention.vocabulary import on_cuda
from rotcheck.identify.calling.argument_roles import ANY_ROLE, Template, roles
from rotcheck.identify.calling.call_sites import names_passed
from rotcheck.identify.calling.keyword_choices import choices
from rotcheck.identify.calling.parameters import Parameter, parameters
from rotcheck.identify.calling.role_assignments import assignments, blind_assignments

MOST = 160  # templates
# a flag for a kernel that may not be here
_FUSED_KERNEL = re.compile(r"fus(ed|ion)|(^|_)(triton|te)(_|$)")
_WITHOUT_DOUBT = (int, float, bool)  # annotations that leave little to guess


def templates(function: Callable[..., Any]) -> list[Template]:
    """The calls to try, likeliest first."""
    places = parameters(function)
    if places is None:
        return blind_assignments(MOST)
    flags = [
        place for place in places if place.default is True and _FUSED_KERNEL.search(place.name)
    ]
    calls: dict[Template, None] = {}
    for guess in (partial(_by_callers, function, places), roles, _with_doubt, _anything):
        for arguments in _argument_lists(places, flags):
            roles_of = [
                ("False",)
                if argument in flags
                else choices(function, argument.name, argument.kind)
                or guess(argument.name, argument.kind)
                for argument in arguments
            ]
            for template in islice(assignments(_beside_a_mask(roles_of)), MOST):
                calls.setdefault(_with_keywords(template, arguments, places))
    return _without_kernel_second(list(islice(calls, 2 * MOST)), flags)


def _argument_lists(
    places: Sequence[Parameter], flags: Sequence[Parameter]
) -> Iterator[list[Parameter]]:
    """Yield the parameters to give: those that a call must, then some that it may,
    then flags against kernels."""
    must = [place for place in places if place.mandatory or on_cuda(place.name, place.default)]
    may = [
        place
        for place in places
        if place not in must and place.nothing and roles(place.name) is not ANY_ROLE
    ]
    yield must
    yield from ([*must, place] for place in may)
    yield [*must, *may]
    if flags:
        yield [*must, *flags]


def _without_kernel_second(calls: list[Template], flags: Sequence[Parameter]) -> list[Template]:
    """Move the first call that switches a kernel off behind the likeliest one."""
    if not flags:
        return calls
    without = ("False", f"{flags[-1].name}=False")
    plain = [call for call in calls if call[-1] in without][:1]
    return [*calls[:1], *plain, *(call for call in calls[1:] if call not in plain)]


def _by_callers(
    function: Callable[..., Any], places: Sequence[Parameter], name: str, kind: object
) -> tuple[str, ...]:
    """What a name says, or where it says nothing the names of what
    the function's callers hand over."""
    by_name = roles(name, kind)
    if by_name is not ANY_ROLE:
        return by_name
    names = names_passed(function, [place.name for place in places], name)
    return next((meanings for meanings in map(roles, names) if meanings is not ANY_ROLE), by_name)


def _with_doubt(name: str, kind: object) -> tuple[str, ...]:
    """What a name says, and everything else as well if it is a single letter."""
    by_name = roles(name, kind)
    if len(name) > 1 or kind in _WITHOUT_DOUBT:
        return by_name
    return tuple(dict.fromkeys((*by_name, *ANY_ROLE)))


def _anything(name: str, kind: object) -> tuple[str, ...]:
    """Everything that an argument may be, whatever it is called."""
    if kind in _WITHOUT_DOUBT:
        return roles(name, kind)
    return (*ANY_ROLE, *(role for role in roles(name) if role in NUMBERS))


def _beside_a_mask(roles_of: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Put the numbers of the rows before an offset, where a mask says how a row is padded."""
    if ("mask",) not in roles_of:
        return list(roles_of)
    return [("rows", *choice) if "rows" in choice else choice for choice in roles_of]


def _with_keywords(
    template: Template, arguments: Sequence[Parameter], places: Sequence[Parameter]
) -> Template:
    """Name those arguments that can be given by keyword only,
    or stand behind one that is left out."""
    names = [place.name for place in places]
    call = []
    in_place = True  # no parameter in front is left out
    for at, (role, parameter) in enumerate(zip(template, arguments)):
        in_place = in_place and names.index(parameter.name) == at
        by_name = parameter.keyword or on_cuda(parameter.name, parameter.default)
        call.append(role if in_place and not by_name else f"{parameter.name}={role}")
    return tuple(call)
