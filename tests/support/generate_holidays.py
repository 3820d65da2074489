#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Writes tests/support/danish_holidays.h: the movable Danish holidays of a century, worked out by other means than
the daemon's (Easter by Meeus, Jones and Butcher; the rest by Python's own calendar)."""

import datetime

FIRST, LAST = 2000, 2099
HOLIDAYS = [("Skærtorsdag", -3), ("Langfredag", -2), ("Påskedag", 0), ("2. påskedag", 1), ("Store bededag", 26),
            ("Kristi himmelfartsdag", 39), ("Pinsedag", 49), ("2. pinsedag", 50)]


def easter(year):
    a, b, c = year % 19, year // 100, year % 100
    d, e = b // 4, b % 4
    g = (b - (b + 8) // 25 + 1) // 3
    h = (19 * a + b - d - g + 15) % 30
    i, k = c // 4, c % 4
    l = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * l) // 451
    month, day = divmod(h + l - 7 * m + 114, 31)
    return datetime.date(year, month, day + 1)


def main():
    print("// SPDX-License-Identifier: MPL-2.0")
    print("// Written by generate_holidays.py: month and day (MMDD) of the movable holidays, 0 where there is none.")
    print("// " + ", ".join(name for name, _ in HOLIDAYS))
    print("// clang-format off")
    print(f"static const short danish_holidays[{LAST - FIRST + 1}][{len(HOLIDAYS)}] = {{")
    for year in range(FIRST, LAST + 1):
        cells = []
        for name, offset in HOLIDAYS:
            date = easter(year) + datetime.timedelta(days=offset)
            cells.append(0 if name == "Store bededag" and year > 2023 else date.month * 100 + date.day)
        print(f"    {{{', '.join(f'{cell:4d}' for cell in cells)}}}, // {year}")
    print("};")


if __name__ == "__main__":
    main()
