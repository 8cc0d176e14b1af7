"""Tracking number formats of jkeen/tracking_number_data at commit b79ce4bfc045 (MIT: NOTICE), and some more.

Written by `domain.carriers.build`, which names the source of each of those: do not edit.
"""

from domain.carriers.format import Carrier, Format

SHARED_1 = Format(
    "(?:420[0-9]{5}(?:[0-9]{4}(?=[0-9]{22}(?![0-9])))?)?(?P<serial>(?:92(?=[0-9]{3}9)|93(?=[0-9"
    "]{3}[0-8])|95)[0-9]{3}(?=9[0-9]{8}(?:[0-9]{11}|[0-9]{7})[0-9](?![0-9])|[0-8][0-9]{5}(?:[0-"
    "9]{14}|[0-9]{10})[0-9](?![0-9]))(?:9[0-9]{8}|[0-8][0-9]{5})(?:[0-9]{14}|[0-9]{11}|[0-9]{10"
    "}|[0-9]{7}))(?P<check>[0-9])",
    "9505511069605048600624",
    rule="mod10",
    weights=(3, 1),
)
SHARED_2 = Format("[A-Z]{2}(?P<serial>[0-9]{8})(?P<check>[0-9])(?P<country>[A-Z]{2})", "RB123456785GB", rule="s10")

CARRIERS = {
    "amazon": Carrier(
        "Amazon",
        (
            Format("TB[ACM](?P<serial>[0-9]{12})", "TBA000000000000"),
            Format("[AFC](?P<serial>[0-9]{10})", "C1004444443"),
        ),
    ),
    "canada_post": Carrier(
        "Canada Post",
        (
            Format(
                "(?P<serial>[0-9]{7}[0-9]{8})(?P<check>[0-9])",
                "0073938000549297",
                rule="mod10",
                weights=(3, 1),
            ),
            SHARED_2,
        ),
    ),
    "canpar": Carrier("Canpar", (Format("(?P<serial>[CDKLSUXZ][0-9]{21})", "D576002440000001718010"),)),
    "dhl": Carrier(
        "DHL",
        (
            Format("(?P<serial>[0-9]{9,10})(?P<check>[0-9])", "3318810025", rule="mod7"),
            Format("J[A-Z]{2,3}(?P<serial>[0-9]{9,10})", "JJD0099999999"),
            Format(
                "(?:GM|LX|RX|UV|CN|SG|TH|IN|HK|MY)(?P<serial>(?=[0-9A-Z]{10,39})(?=[^0-9A-Z]*[0-9])[0-9A-Z]{10,39})",
                "GM2951173225174494",
            ),
            Format("(?P<serial>[0-9]{14})", "60120172242323"),
            Format("(?:3S|JVGL|JJD)[0-9A-Z]{8,24}", "3SBCC000123456"),
            Format("00340[0-9]{15}", "00340434000000000001"),
            Format("[0-9]{12}", "123456789012"),
            SHARED_2,
            SHARED_1,
        ),
    ),
    "dpd": Carrier(
        "DPD",
        (
            Format(
                "(?P<serial>[0-9]{7}[0-9]{14}[0-9]{3}[0-9]{3})(?P<check>[0-9A-Z])",
                "008182709980000020033350276C",
                rule="mod37_36",
            ),
            Format("(?P<serial>[0-9]{14})(?P<check>[0-9A-Z])", "09980000020033F", rule="mod37_36"),
            Format("[0-9]{14}", "09980000020033"),
        ),
    ),
    "fedex": Carrier(
        "FedEx",
        (
            Format(
                "(?P<serial>[0-9]{11})(?P<check>[0-9])",
                "986578788855",
                rule="mod11",
                weights=(3, 1, 7, 3, 1, 7, 3, 1, 7, 3, 1),
            ),
            Format(
                "[0-8][0-9]{14}[0-9]{5}(?P<serial>[0-9]{13})(?P<check>[0-9])",
                "1001921334250001000300779017972697",
                rule="mod11",
                weights=(1, 7, 3, 1, 7, 3, 1, 7, 3, 1, 7, 3, 1),
            ),
            Format(
                "3[0-9]{5}[0-9]{3}[0-9]{7}(?P<serial>[0-9]{11})(?P<check>[0-9])[0-9]{4}",
                "32971514560102447849175802862014",
                rule="mod11",
                weights=(3, 1, 7, 3, 1, 7, 3, 1, 7, 3, 1),
            ),
            Format("(?P<serial>[0-9]{14})(?P<check>[0-9])", "041441760228964", rule="mod10", weights=(1, 3)),
            Format(
                "[0-9]{2}(?P<serial>[0-9]{15})(?P<check>[0-9])",
                "000123450000000027",
                rule="mod10",
                weights=(3, 1),
            ),
            Format(
                "96[0-9]{2}[0-9]{3}(?P<serial>[0-9]{7}[0-9]{7})(?P<check>[0-9])",
                "9611020987654312345672",
                rule="mod10",
                weights=(1, 3),
            ),
            Format(
                "96[0-9]{2}[0-9]{5}[0-9]{10}[0-9](?P<serial>[0-9]{13})(?P<check>[0-9])",
                "9622001900000000000000776632517510",
                rule="mod11",
                weights=(1, 7, 3, 1, 7, 3, 1, 7, 3, 1, 7, 3, 1),
            ),
            SHARED_1,
        ),
    ),
    "gofo": Carrier("GOFO Express", (Format("GFUS(?P<serial>[0-9]{14})", "GFUS01011884214464"),)),
    "landmark": Carrier("Landmark Global", (Format("LTN(?P<serial>[0-9]{8})N1", "LTN74207623N1"),)),
    "lasership": Carrier(
        "LaserShip",
        (
            Format("L[AIEHNX][1-3](?P<serial>[0-9]{7})", "LX17635036"),
            Format("1LS7[12][0-9]{4}(?P<serial>[0-9]{6})", "1LS717793482164"),
            Format("1LS7[12][0-9]{2}01[1234](?P<serial>[0-9]{6})1", "1LS71190136181271"),
            Format("1LSCX(?P<serial>[0-9A-Z]{10})", "1LSCXVE0058631Y"),
        ),
    ),
    "old_dominion": Carrier(
        "Old Dominion",
        (
            Format("(?P<serial>(?:77[78]|072|780)[0-9]{7})(?P<check>[0-9])", "07209562763", rule="luhn"),
            Format("(?P<serial>80[0-9]{8})(?P<check>[0-9])", "80003280379", rule="luhn"),
        ),
    ),
    "ontrac": Carrier(
        "OnTrac",
        (
            Format(
                "C(?P<serial>[0-9]{13})(?P<check>[0-9])",
                "C11031500001879",
                rule="mod10",
                weights=(1, 2),
                lead="4",
            ),
            Format(
                "D(?P<serial>[0-9]{13})(?P<check>[0-9])",
                "D10011354453707",
                rule="mod10",
                weights=(1, 2),
                lead="5",
            ),
        ),
    ),
    "purolator": Carrier(
        "Purolator",
        (
            Format("(?P<serial>[0-5][0-9]{10})(?P<check>[0-9])", "320595463938", rule="luhn"),
            Format("(?P<serial>[A-Z]{3}[0-9]{9})", "KYV009956937"),
        ),
    ),
    "s10": Carrier("international postal (S10)", (SHARED_2,)),
    "speedee": Carrier("Spee-Dee Delivery", (Format("SP(?P<serial>[0-9]{18})", "SP029692510000920746"),)),
    "ups": Carrier(
        "UPS",
        (
            Format(
                "1Z(?P<serial>[A-Z0-9]{6}[A-Z0-9]{2}[A-Z0-9]{7})(?P<check>[0-9])",
                "1Z5R89390357567127",
                rule="mod10",
                weights=(1, 2),
            ),
            Format("[AHJKTV](?P<serial>[0-9]{9})(?P<check>[0-9])", "K1506235620", rule="mod10", weights=(1, 2)),
            SHARED_1,
        ),
    ),
    "usps": Carrier(
        "USPS",
        (
            Format(
                "(?P<serial>[0-9]{2}[0-9]{9}[0-9]{8})(?P<check>[0-9])",
                "03071790000523483741",
                rule="mod10",
                weights=(3, 1),
            ),
            Format(
                "(?:420(?:[0-9]{5}(?=[0-9]{22}(?![0-9])|[0-9]{26}(?![0-9])))(?:[0-9]{4}(?=[0-9]{22}(?![0-9]"
                ")))?)?(?P<serial>94[0-9]{3}(?=9[0-9]{8}(?:[0-9]{15}|[0-9]{11}|[0-9]{7})[0-9](?![0-9])|[0-8"
                "][0-9]{5}(?:[0-9]{14}|[0-9]{10})[0-9](?![0-9]))(?:9[0-9]{8}|[0-8][0-9]{5})(?:[0-9]{15}|[0-"
                "9]{14}|[0-9]{11}|[0-9]{10}|[0-9]{7}))(?P<check>[0-9])",
                "9400111206206406260787",
                rule="mod10",
                weights=(3, 1),
            ),
            Format(
                "(?:420[0-9]{5}(?:[0-9]{4})?)?(?P<serial>(?:91)?[0-9]{2}[0-9]{9}[0-9]{8})(?P<check>[0-9])",
                "71969010756003077385",
                rule="mod10",
                weights=(3, 1),
                lead="91",
            ),
            SHARED_1,
            SHARED_2,
        ),
    ),
    "yodel": Carrier("Yodel", (Format("JJ?D(?P<serial>[0-9]{16})", "JD0002242617644732"),)),
    "yunexpress": Carrier("YunExpress", (Format("YT(?P<serial>[0-9]{16})", "YT2229521272164446"),)),
}

COUNTRIES = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ "
    "BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR "
    "CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR "
    "GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU "
    "ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ "
    "LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ "
    "MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF "
    "PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI "
    "SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR "
    "TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW "
)
