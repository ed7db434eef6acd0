"""Phone numbers in E.164, with the region of a national number as qualifier.

A number of impossible length is refused. One that is possible but in no range that the installed numbering plans
know is kept and flagged "unassigned", because plans change faster than libraries. An extension is not part of
the number. Without a region, a leading 00 is read as the international prefix.
"""

import re
from typing import Final

import phonenumbers

from clew.ontology.text import identifier
from clew.ontology.types import EntityType
from clew.ontology.value import InvalidValueError, NormalizedValue, PropertyValue, normalized

# Ranges that regulators keep for films and documentation: NANPA 555-01xx, Ofcom, ACMA, ComReg
_FICTIONAL: Final = re.compile(
    r"\+1\d{3}55501\d\d|\+44(?:7700900|2079460|1(?:13|14|15|16|17|18|21|31|41|51|61)4960|1632960|8081570)\d{3}"
    r"|\+61(?:[2378]5550\d{4}|[2378]7010\d{4}|491570\d{3}|1800975\d{3})|\+35320915\d{4}"
)


def normalize(entity_type: EntityType, value: str, qualifier: str | None = None) -> NormalizedValue:
    """The number as +countrycode and digits; `name` is the international format.

    `qualifier` is the default region of national numbers, ISO 3166 alpha-2. Raises InvalidValueError:
    unknown_region, invalid_phone_number, incomplete_phone_number, impossible_phone_number, and those of `identifier`.
    """
    region = _region(qualifier)
    text = identifier(value)
    if region is None and text.startswith("00"):
        text = f"+{text[2:]}"
    number = _settled(_parse(text, region))
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    flags = []
    if not phonenumbers.is_valid_number(number):
        flags.append("unassigned")
    if _FICTIONAL.fullmatch(e164) or len(set(e164[-7:])) == 1:
        flags.append("placeholder")
    shown = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    if _e164_or_none(shown) != e164:
        shown = e164
    return normalized(entity_type, e164, name=shown, flags=flags, properties=_properties(number, e164))


def _region(qualifier: str | None) -> str | None:
    if qualifier is None:
        return None
    region = qualifier.strip().upper()
    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise InvalidValueError("unknown_region", "not a region with phone numbers", remedy="give ISO 3166 alpha-2")
    return region


def _parse(text: str, region: str | None) -> phonenumbers.PhoneNumber:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        without_country = error.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE
        if without_country and region is None and not text.startswith(("+", "\uff0b")):
            raise InvalidValueError(
                "incomplete_phone_number", "a national number", remedy="write +countrycode, or give its region"
            ) from error
        raise InvalidValueError("invalid_phone_number", str(error)) from error
    number.extension = None
    outcome = phonenumbers.is_possible_number_with_reason(number)
    if outcome == phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
        raise InvalidValueError("incomplete_phone_number", "a number that works within one area only")
    if outcome != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise InvalidValueError("impossible_phone_number", "no number of that length exists there")
    return number


def _settled(number: phonenumbers.PhoneNumber) -> phonenumbers.PhoneNumber:
    """The number that reads back as itself: parsing takes national prefixes off, some of which only show then."""
    for _ in range(4):
        again = _parse(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), None)
        if again == number:
            return number
        number = again
    raise InvalidValueError("invalid_phone_number", "a number that reads differently each time")


def _e164_or_none(shown: str) -> str | None:
    try:
        return phonenumbers.format_number(_settled(_parse(shown, None)), phonenumbers.PhoneNumberFormat.E164)
    except InvalidValueError:
        return None


def _properties(number: phonenumbers.PhoneNumber, e164: str) -> dict[str, PropertyValue]:
    properties: dict[str, PropertyValue] = {"e164": e164}
    if number.country_code is not None:
        properties["country_code"] = number.country_code
    region = phonenumbers.region_code_for_number(number)
    if region:
        properties["region"] = region
    properties["national"] = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    kind = phonenumbers.number_type(number)
    properties["number_type"] = _NUMBER_TYPES.get(kind, "unknown")
    return properties


_NUMBER_TYPES: Final = {
    phonenumbers.PhoneNumberType.FIXED_LINE: "fixed_line",
    phonenumbers.PhoneNumberType.MOBILE: "mobile",
    phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed_line_or_mobile",
    phonenumbers.PhoneNumberType.TOLL_FREE: "toll_free",
    phonenumbers.PhoneNumberType.PREMIUM_RATE: "premium_rate",
    phonenumbers.PhoneNumberType.SHARED_COST: "shared_cost",
    phonenumbers.PhoneNumberType.VOIP: "voip",
    phonenumbers.PhoneNumberType.PERSONAL_NUMBER: "personal_number",
    phonenumbers.PhoneNumberType.PAGER: "pager",
    phonenumbers.PhoneNumberType.UAN: "universal_access",
    phonenumbers.PhoneNumberType.VOICEMAIL: "voicemail",
}
