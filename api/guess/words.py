"""What columns and types are called: in English, German, French, Italian, Spanish, and by SAP."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Final

from domain.item import ItemType

LINE: Final = "line"
DEBIT: Final = "debit"
CREDIT: Final = "credit"

_NAMES: Final[Mapping[str, str]] = {
    "customer_code": """
        customer code|customer no|customer number|customer id|cust number|cust no|customer|account no|
        account number|account ref|account code|a/c|account|client code|client no|client number|
        client id|client|debtor no|debtor number|debtor|sold-to party|payer|kunnr|kundennummer|
        kundennr|kunden-nr|kunde|debitorennummer|debitorennr|debitor nr|debitor|debitorenkonto|konto|
        code client|numero client|n° client|no client|compte client|compte tiers|compte auxiliaire|
        compauxnum|tiers|compte|codice cliente|cod cliente|numero cliente|conto cliente|cliente|
        codigo cliente|codigo de cliente|n° cliente|no cliente|num cliente|id cliente|cuenta""",
    "customer_name": """
        customer name|name customer|client name|account name|debtor name|name 1|name|kundenname|firma|
        debitorname|name des kunden|nom client|nom du client|raison sociale|intitule|nom|compauxlib|
        nome cliente|ragione sociale|denominazione|nome|nombre cliente|nombre del cliente|
        razon social|nombre""",
    "number": """
        invoice number|invoice no|invoice num|invoice #|invoice|document number|document no|
        doc number|doc no|doc id|belnr|accounting document|invoice id|document|reference|ref|
        voucher no|voucher|rechnungsnummer|rechnungsnr|rechnungs-nr|rechnung|belegnummer|belegnr|
        beleg-nr|beleg|belegfeld 1|numero de facture|numero facture|n° facture|no facture|num facture|
        facture|numero de piece|numero piece|n° piece|piece|numero fattura|n° fattura|fattura|
        numero documento|n° documento|num documento|documento|numero de factura|numero factura|
        n° factura|no factura|factura|numero de documento""",
    LINE: """
        line item|line no|line|item no|accounting document item|buzei|position|belegposition|posnr|
        ligne|riga|linea|posicion""",
    "type": """
        document type|doc type|transaction type|invoice type|blart|accounting document type|type|
        belegart|dokumentart|typ|art|type de document|type de piece|type piece|tipo documento|
        tipo di documento|tipo de documento|tipo""",
    "issue_date": """
        invoice date|date of invoice|issue date|issued on|issued|document date|doc date|bldat|
        rechnungsdatum|belegdatum|ausstellungsdatum|date de facture|date facture|date d'emission|
        date de piece|date piece|piecedate|data fattura|data documento|data emissione|
        fecha de factura|fecha factura|fecha de documento|fecha documento|fecha de emision|
        fecha emision|posting date|budat|buchungsdatum|date comptable|data registrazione|
        fecha contable|transaction date|date|datum|data|fecha|document create date""",
    "due_date": """
        due date|due on|due in date|due|net due date|net due dt|date due|payment due date|
        maturity date|netdt|faedt|fällig am|faellig am|fälligkeitsdatum|faelligkeitsdatum|fälligkeit|
        faelligkeit|nettofälligkeit|netto fällig|fällig|date d'echeance|date echeance|echeance|
        data scadenza|data di scadenza|scadenza|fecha de vencimiento|fecha vencimiento|vencimiento""",
    "amount": """
        invoice amount|original amount|amount in doc. curr.|amount in document currency|
        amount in transaction currency|document amount|wrbtr|gross amount|gross|total amount|amount|
        amount in local currency|amount in company code currency|dmbtr|total|rechnungsbetrag|
        bruttobetrag|brutto|belegbetrag|gesamtbetrag|betrag|umsatz|montant ttc|total ttc|
        montant total|montant|totale fattura|importo totale|importo|totale|importe total|importe|
        monto""",
    "balance": """
        open balance|open amount|outstanding amount|outstanding balance|outstanding|remaining amount|
        remaining|balance due|amount due|total open amount|balance|o/s|offener betrag|offen|
        restbetrag|saldo|reste a payer|montant restant|restant du|solde du|solde|importo residuo|
        residuo|saldo aperto|importe pendiente|saldo pendiente|pendiente""",
    DEBIT: "debit|soll|dare|debe",
    CREDIT: "credit|haben|avere|haber",
    "currency": """
        currency code|invoice currency|document currency|transaction currency|currency|curr|waers|
        währung|waehrung|währungskennzeichen|wkz|devise|code devise|monnaie|valuta|divisa|moneda""",
    "entity": """
        entity|company code|companycode|business code|business unit|bukrs|cocd|legal entity|company|
        buchungskreis|gesellschaft|mandant|entite|societe|code societe|societa|azienda|sociedad|
        empresa""",
    "cleared_on": """
        clearing date|cleared on|clear date|augdt|settled date|payment date|paid on|paid date|
        date paid|ausgleichsdatum|ausgleich|zahlungsdatum|bezahlt am|date de paiement|date paiement|
        date de reglement|date reglement|datelet|data pagamento|fecha de pago|fecha pago""",
}

_TYPES: Final[Mapping[ItemType, str]] = {
    ItemType.INVOICE: """
        invoice|inv|rv|dr|si|rechnung|re|facture|fac|fa|fattura|ft|factura|finance charge memo|
        debit note""",
    ItemType.CREDIT_NOTE: """
        credit note|credit memo|credit|cn|cm|dg|sc|gutschrift|gs|avoir|av|nota di credito|
        nota credito|nc|nota de credito|abono""",
    ItemType.PAYMENT: """
        payment|pmt|payment on account|receipt|dz|zp|sr|zahlung|zahlungseingang|paiement|reglement|
        pagamento|incasso|pago|cobro""",
    ItemType.OTHER: "other|ab|refund|sonstige|autre|altro|otro",
}

_ASIDE: Final = re.compile(r"\(.*?\)|\[.*?\]")
_CURRENCY: Final = re.compile(r"\b(?:eur|usd|gbp|chf|cad|local|lc)\b")
_NEAR: Final = 0.9


class Sure(IntEnum):
    """How sure a choice is."""

    NO = 0
    LIKELY = 1
    YES = 2

    @property
    def word(self) -> str:
        """As a comment says it."""
        return ("unsure", "likely", "sure")[self]


def plain(name: str) -> str:
    """*name* without case, accents, spaces and signs."""
    bare = unicodedata.normalize("NFKD", name.replace("°", "o")).casefold()
    return "".join(sign for sign in bare if sign.isalnum())


def _plain_list(names: str) -> list[str]:
    return [plain(name) for name in names.split("|")]


_FIELDS: Final = {field: _plain_list(names) for field, names in _NAMES.items()}
_TYPE_OF: Final = {name: kind for kind, names in _TYPES.items() for name in _plain_list(names)}
_KNOWN: Final = frozenset(name for names in _FIELDS.values() for name in names)


def matches(field: str, header: Iterable[str]) -> list[tuple[str, Sure]]:
    """The columns of *header* that may be *field*, the best first."""
    known = _FIELDS[field]
    ranked = sorted((rank, name) for name in header if (rank := _rank(plain(name), known)) is not None)
    found = [(name, Sure.YES) for _, name in ranked]
    exact = {name for name, _ in found}
    others = [name for name in header if name and name not in exact and plain(name) not in _KNOWN]
    stripped = [(rank, name) for name in others if (rank := _rank(_without_asides(name), known)) is not None]
    found += [(name, Sure.LIKELY) for _, name in sorted(stripped)]
    near = [name for name in others if difflib.get_close_matches(plain(name), known, 1, _NEAR)]
    return found + [(name, Sure.NO) for name in near if name not in {each for each, _ in found}]


def recognised(header: Iterable[str]) -> int:
    """How many cells of a row are names of columns."""
    return sum(plain(name) in _KNOWN or _without_asides(name) in _KNOWN for name in set(header) if name)


def type_of(text: str) -> ItemType | None:
    """The type of item that a cell names, if it is known."""
    return _TYPE_OF.get(plain(text))


def _rank(name: str, known: list[str]) -> int | None:
    return known.index(name) if name in known else None


def _without_asides(name: str) -> str:
    return plain(_CURRENCY.sub(" ", _ASIDE.sub(" ", name.casefold().replace("_", " "))))
