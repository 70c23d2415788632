"""Invented names and words of the sample company. Any likeness to real people or firms is chance."""

from __future__ import annotations

from typing import Final

COMPANY: Final = "Fernhalm Industries"

SURNAMES: Final = (
    "Brémontier", "Kesselhardt", "Okonjo", "Wrzesniak", "Lindqvarn", "Tavarelli", "Ashcombe", "Duquenoy",
    "Morgenroth", "Sandoval-Pryce", "Halvarsen", "Van Meerdijk", "Castelnuovo", "Ferreirinha", "Nakagiri",
    "Petrossova", "Oyelaran", "Bjornstad", "Quennevel", "Zielonka", "Haberfeld", "Montalegre", "Thistlewick",
    "Rautavesi", "Delacombe", "Szentmári", "Okafuji", "Vandersloot", "Marchetto", "Kirchenbauer",
)  # fmt: skip

TRADES: Final = (
    "Bois & Cie", "Maschinenbau", "Foodservice", "Logistica", "Papier", "Textil", "Bureau", "Elektro",
    "Frigo", "Metallurgia", "Packaging", "Pharma", "Moda", "Bautechnik", "Distribución", "Optik",
    "Agro", "Marine Supplies", "Stahlhandel", "Cosmétiques",
)  # fmt: skip

FORMS: Final = {"FR01": ("SA", "SARL", "SAS"), "DE01": ("GmbH", "AG", "KG"), "UK01": ("Ltd", "plc", "& Sons")}
"""Legal forms of the customers of each entity."""

FIRST_NAMES: Final = (
    "Amandine", "Lennart", "Chiara", "Tobias", "Ngozi", "Piotr", "Maren", "Étienne", "Saoirse", "Iker",
    "Annelie", "Matteo", "Yuki", "Rasmus", "Leïla", "Gareth", "Ilse", "Paulo", "Freja", "Anselm",
)  # fmt: skip

SECTORS: Final = (
    "retail", "industry", "food", "construction", "health", "energy", "transport", "public", "hospitality",
)  # fmt: skip
"""The last one has no resolver: its disputes stay visibly unassigned."""

REASONS: Final = {
    "price": (
        "Discount of the framework contract not applied",
        "Prix facturé supérieur à la commande",
        "Staffelpreis nicht berücksichtigt",
        "Unit price differs from the quotation",
    ),
    "quality": (
        "Surface scratched on 12 pieces",
        "Lot non conforme au cahier des charges",
        "Ware beschädigt eingetroffen",
        "Colour differs from the approved sample",
    ),
    "delivery": (
        "One pallet missing",
        "Livraison partielle, reliquat jamais reçu",
        "Lieferung an falsche Adresse",
        "Delivered three weeks late",
    ),
    "administrative": (
        "Purchase order number missing on the invoice",
        "Mauvaise entité facturée",
        "Steuernummer fehlt",
        "Invoice received twice",
    ),
}

COMMENTS: Final = (
    "Customer promises documents by Friday",
    "Transmis au commercial, attente de sa réponse",
    "Warehouse is checking the delivery note",
    "Gutschrift beim Vertrieb angefragt",
    "Photos received",
    "Le client relance pour son avoir",
)
