# SPDX-License-Identifier: MPL-2.0
"""The Grafana dashboard: each of its queries on a real journal, as the role that contrib/kit/grafana.sql makes."""

import json
import re
import unittest

from support import FRISTD, SOURCE, StackCase
from town import Municipality

from stack import NotReady, wait_until
from stack.postgres import JOURNAL

DASHBOARD = json.loads((SOURCE / "contrib/kit/grafana.json").read_text())
RANGE = "'2020-01-01T00:00:00Z' AND '2100-01-01T00:00:00Z'"


def expand(sql, units):
    """What Grafana's PostgreSQL data source makes of its macros and of a variable with several values."""
    sql = re.sub(r"\$__timeFilter\(([^)]*)\)", rf"\1 BETWEEN {RANGE}", sql)
    sql = re.sub(r"\$__timeGroupAlias\(([^,)]*),\s*\$__interval\)",
                 r'floor(extract(epoch from \1)/3600)*3600 AS "time"', sql)
    sql = sql.replace("$unit", ",".join(f"'{unit}'" for unit in units))
    assert "$" not in sql, sql
    return sql


class Dashboard(StackCase):
    def setUp(self):
        super().setUp()
        self.stack.start()
        self.town = Municipality(self.stack)
        self.daemon = self.stack.daemon(FRISTD)
        self.daemon.start()
        for case, hours in (("S-1", 25), ("S-2", 30), ("S-3", 20), ("S-4", 1)):
            self.town.case(case, ("underretning.modtaget", "U-1", f"now() - interval '{hours} hours'"))
        self.town.event("S-2", "underretning.vurderet", "U-1")
        self.town.case("S-5", ("underretning.ukendt", "U-1", "now()"))
        wait_until(lambda: self.town.journal("SELECT count(*) FROM transition WHERE kind = 'late'") == [["1"]], "S-2 is met late")
        wait_until(lambda: self.town.journal("SELECT count(*) FROM data_fault") != [["0"]], "a data fault")
        wait_until(lambda: self.town.journal("SELECT count(*) FROM unfinished_notice") == [["0"]], "all is sent")
        self.stack.postgres.file(SOURCE / "contrib/kit/grafana.sql", database=JOURNAL)

    def ask(self, sql):
        return self.stack.postgres.sql(sql, user="grafana", database=JOURNAL)

    def test_every_query_answers(self):
        variables = {one["name"]: one for one in DASHBOARD["templating"]["list"]}
        units = [row[0] for row in self.ask(variables["unit"]["query"])]
        self.assertEqual(units, ["nord"])
        answers = {}
        for panel in DASHBOARD["panels"]:
            for target in panel["targets"]:
                with self.subTest(panel["title"]):
                    answers[panel["title"]] = self.ask(expand(target["rawSql"], units))
        self.assertEqual(len(answers), len(DASHBOARD["panels"]))
        self.assertTrue(all(answers.values()), {title for title, rows in answers.items() if not rows})
        self.assertEqual((answers["Overskredet nu"], answers["Opgivet"]), ([["1"]], [["0"]]))
        self.assertEqual([row[:4] for row in answers["Overskredet længst"]], [["K01", "S-1", "U-1", "nord"]])
        self.assertEqual([row for row in answers["Overholdelse pr. kode"] if row[0] == "K01"], [["K01", "0", "1", "0"]])
        self.assertEqual([row[1] for row in answers["Næste frister"]][:2], ["S-3", "S-4"])
        self.assertEqual(self.ask(expand(DASHBOARD["panels"][0]["targets"][0]["rawSql"], ["syd"])), [["0"]])

    def test_the_role_reads_no_person_and_writes_nothing(self):
        for sql in ("SELECT person_id FROM fristd_journal.notice", "SELECT caseworker FROM fristd_journal.watched_case",
                    "SET default_transaction_read_only = off; DELETE FROM fristd_journal.deadline"):
            with self.assertRaisesRegex(NotReady, "permission denied"):
                self.ask(sql)

    def test_it_is_whole(self):
        ids = [panel["id"] for panel in DASHBOARD["panels"]]
        self.assertEqual(len(ids), len(set(ids)))
        cells = set()
        for panel in DASHBOARD["panels"]:
            place = panel["gridPos"]
            mine = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
            self.assertFalse(cells & mine, f"{panel['title']} lies on another panel")
            self.assertLessEqual(place["x"] + place["w"], 24)
            cells |= mine
            self.assertEqual(panel["datasource"]["uid"], "${datasource}")


if __name__ == "__main__":
    unittest.main()
