-- SPDX-License-Identifier: MPL-2.0
-- Fills the example case system up to :cases cases with five events each, one in fifty still open. Events lie in the
-- table by time, as a case system writes them, not by case.
SET session_replication_role = replica; -- no triggers: nobody reads the changes, and it takes a fifth of the time
INSERT INTO fagsystem.enhed
SELECT 'center', 'Center', NULL
UNION ALL SELECT 'familie', 'Familie', 'center'
UNION ALL SELECT 'team-' || i, 'Team', 'familie' FROM generate_series(0, 99) AS i
ON CONFLICT DO NOTHING;
INSERT INTO fagsystem.medarbejder
SELECT p || i, 'Navn', p || i || '@kommunen.example'
FROM (VALUES ('sb-', 999), ('tl-', 99), ('al-', 0), ('cc-', 0)) AS r (p, last), generate_series(0, r.last) AS i
ON CONFLICT DO NOTHING;
INSERT INTO fagsystem.funktion
SELECT 'sb-' || i, 'team-' || i % 100, 'sagsbehandler' FROM generate_series(0, 999) AS i
UNION ALL SELECT 'tl-' || i, 'team-' || i, 'teamleder' FROM generate_series(0, 99) AS i
UNION ALL VALUES ('al-0', 'familie', 'afdelingsleder'), ('cc-0', 'center', 'centerchef')
ON CONFLICT DO NOTHING;

CREATE TEMP TABLE ny AS
SELECT i, 'S-' || lpad(i::text, 8, '0') AS sagsnr, i % 50 = 0 AS aaben,
       -- closed ones within the last four years, open ones within the last three months
       date_trunc('day', now()) - CASE WHEN i % 50 = 0 THEN 2 + i / 50 % 90 ELSE 200 + i % 1200 END * interval '1 day'
           + (i % 1440) * interval '1 minute' AS modtaget
FROM generate_series((SELECT count(*) + 1 FROM fagsystem.sag), :cases) AS i;

INSERT INTO fagsystem.sag
SELECT sagsnr, 'barn', 'team-' || i % 100, 'sb-' || i % 1000, 'Sag' FROM ny ORDER BY modtaget;

INSERT INTO fagsystem.haendelse (sagsnr, art, emne, tidspunkt, bemaerkning)
SELECT sagsnr, art, emne, modtaget + efter, 'fri tekst, som ingen skal se'
FROM ny,
     LATERAL (VALUES ('underretning.modtaget', 'U-' || i, interval '0'),
                     ('underretning.vurderet', 'U-' || i, interval '7 hours'),
                     ('underretning.kvitteret', 'U-' || i, interval '1 day'),
                     ('bfu.opmaerksom', 'B-' || i, interval '1 day 6 hours'),
                     (CASE WHEN aaben THEN 'samtale.afholdt' ELSE 'bfu.afsluttet' END, 'B-' || i,
                      interval '1 day 9 hours' + (CASE WHEN aaben THEN 0 ELSE i % 130 END) * interval '1 day')
     ) AS h (art, emne, efter)
ORDER BY modtaget + efter;
DROP TABLE ny;
