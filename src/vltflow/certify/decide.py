"""Decisions about the products of an AB: recorded once, with name, comment and time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vltflow.certify.consequences import Consequence, consequences
from vltflow.core.errors import Conflict, UserError
from vltflow.core.time import now_iso
from vltflow.records import AssociationBlock, BlockState, Decision, Product, ProductState, Verdict
from vltflow.store import Store, Transaction

PRODUCT_STATES = {
    Decision.AUTO: ProductState.CERTIFIED,
    Decision.ACCEPTED: ProductState.CERTIFIED,
    Decision.REJECTED: ProductState.REJECTED,
    Decision.REVOKED: ProductState.REVOKED,
}
CERTIFYING = frozenset({Decision.AUTO, Decision.ACCEPTED})
_OPEN_STATES = frozenset({BlockState.PLANNED, BlockState.BLOCKED})


@dataclass(frozen=True, slots=True)
class Decided:
    """A person's decision and what it has consequences for."""

    verdict: Verdict
    consequences: tuple[Consequence, ...] = ()
    """Made, or planned to be made, with products that may not be used; nearest first."""

    @property
    def to_associate(self) -> tuple[str, ...]:
        """ABs that did not run yet and count on these products: to be associated again."""
        return tuple(
            one.block
            for one in self.consequences
            if one.depth == 1 and not one.product and one.state in _OPEN_STATES
        )


def decide(
    store: Store,
    block: str,
    decision: Decision,
    *,
    who: str,
    comment: str,
    seen: int | None = None,
) -> Decided:
    """Accept, reject or revoke the products of an AB, in the name of a person.

    Accepting and rejecting needs an AB that was scored and waits; revoking needs
    certified products. All is checked and written in one transaction, in which nobody
    else writes: of two people at the same time, one wins and the other learns who.

    Parameters
    ----------
    seen
        Revision that the person has looked at; None: whichever there is.

    Raises
    ------
    UserError
        If name or comment are missing, or the AB is not ready for this decision.
    Conflict
        If it was decided already, or has another revision than the one `seen`.
    NotFound
        If there is no such AB.
    """
    who, comment = who.strip(), comment.strip()
    if decision is Decision.AUTO:
        raise UserError("AUTO is the rules' own decision", hint="Accept, reject or revoke")
    for name, given in (("name", who), ("comment", comment)):
        if not given:
            raise UserError(f"a decision needs a {name}", hint="It is kept with the products")
    with store.write(by=who, why=comment) as tx:
        found = tx.blocks.get(block)
        if seen is not None and seen != found.revision:
            raise Conflict(
                f"AB {block} was opened again by late frames: it is at revision {found.revision}, "
                f"you have seen {seen}",
                hint="Look at it again",
            )
        if decision is Decision.REVOKED:
            revision = _revision_to_revoke(tx, found)
        else:
            revision = _revision_to_judge(tx, found)
        verdict = Verdict(block, revision, decision, who, comment, now_iso())
        record(tx, [verdict])
        made = tx.products.of_block(block, revision)
        affected = () if decision is Decision.ACCEPTED else consequences(tx, block, made)
    return Decided(verdict, affected)


def record(tx: Transaction, verdicts: Sequence[Verdict]) -> None:
    """Write equal decisions about ABs with all that follows from them at ABs and products.

    The caller has checked in the same transaction that they may be decided.
    """
    revisions = {one.block: one.revision for one in verdicts}
    (decision,) = {one.decision for one in verdicts}
    tx.quality.add_verdicts(verdicts)
    made = [one for several in tx.products.of_blocks(revisions).values() for one in several]
    changed = [
        one.product_id
        for one in made
        if one.revision == revisions[one.block] and one.state in _changeable(decision)
    ]
    tx.products.set_states(changed, PRODUCT_STATES[decision])
    present = tx.blocks.states(revisions)
    latest = [name for name, revision in revisions.items() if present[name][1] == revision]
    tx.blocks.set_decisions(latest, decision)


def _changeable(decision: Decision) -> frozenset[ProductState]:
    revoked = decision is Decision.REVOKED
    return frozenset({ProductState.CERTIFIED if revoked else ProductState.CREATED})


def _revision_to_judge(tx: Transaction, block: AssociationBlock) -> int:
    earlier = _verdict(tx, block.name, block.revision)
    if earlier is not None:
        certified = earlier.decision in CERTIFYING
        raise _decided_already(earlier, hint="To take it back, revoke it" if certified else "")
    if not tx.products.of_block(block.name, block.revision):
        raise UserError(f"AB {block.name} has no products to decide about: it is {block.state}")
    if block.name not in tx.quality.undecided(only=[block.name]):
        raise UserError(
            f"AB {block.name} was not scored yet",
            hint="Run `vltflow night` so that its quality is known",
        )
    return block.revision


def _revision_to_revoke(tx: Transaction, block: AssociationBlock) -> int:
    """Latest revision with certified products: not the present one while late frames wait."""
    certified = [one for one in tx.products.of_block(block.name) if _is_certified(one)]
    if certified:
        return max(product.revision for product in certified)
    earlier = _verdict(tx, block.name, block.revision)
    if earlier is not None:
        raise _decided_already(earlier)
    raise UserError(
        f"AB {block.name} has no certified products to revoke",
        hint="Products that wait for a person are rejected",
    )


def _is_certified(product: Product) -> bool:
    return product.state is ProductState.CERTIFIED


def _verdict(tx: Transaction, block: str, revision: int) -> Verdict | None:
    verdicts = tx.quality.verdicts([block]).get(block, [])
    return next((one for one in reversed(verdicts) if one.revision == revision), None)


def _decided_already(verdict: Verdict, *, hint: str = "") -> Conflict:
    return Conflict(
        f"AB {verdict.block} was decided by {verdict.who} at {verdict.decided}: "
        f"{verdict.decision}, {verdict.comment}",
        hint=hint,
    )
