"""Which resolver, by attribute (spec 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.catalogue import AttributeOf
from domain.dispute import Unassigned
from domain.roles import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from domain.catalogue import AssignmentField
    from domain.customer import Customer
    from domain.identity import PersonId
    from domain.item import Item
    from domain.people import Person


def find_resolver(
    assignment_field: AssignmentField | None,
    items: Iterable[Item],
    customer: Customer,
    persons: Iterable[Person],
) -> PersonId | Unassigned:
    """The one active resolver whose assignment values hold the value of the field, or why there is none."""
    if assignment_field is None:
        return Unassigned.NO_FIELD
    values = _values(assignment_field, items, customer)
    if len(values) > 1:
        return Unassigned.ITEMS_DISAGREE
    if values <= {""}:
        return Unassigned.NO_VALUE
    matches = [
        person.id
        for person in persons
        if person.active and person.role is Role.RESOLVER and values & set(person.assignment_values)
    ]
    if len(matches) == 1:
        return matches[0]
    return Unassigned.SEVERAL_MATCHES if matches else Unassigned.NO_MATCH


def _values(assignment_field: AssignmentField, items: Iterable[Item], customer: Customer) -> set[str]:
    of: Mapping[AttributeOf, list[Mapping[str, str]]] = {
        AttributeOf.ITEM: [item.details.attributes for item in items],
        AttributeOf.CUSTOMER: [customer.attributes],
    }
    return {attributes.get(assignment_field.attribute, "") for attributes in of[assignment_field.of]}
